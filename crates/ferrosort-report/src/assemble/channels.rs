//! Channel numbers of the page: places in its probe map.

use std::collections::HashMap;

use ferrosort_compare::analysis::Analysis;
use ferrosort_core::Probe;

/// Where the channels of each run are in the page's probe.
pub(super) struct Channels {
    by_column: HashMap<usize, usize>,
}

impl Channels {
    pub(super) fn new(analysis: &Analysis) -> Self {
        let contacts = analysis
            .probe
            .iter()
            .flat_map(|probe| probe.contacts.iter().enumerate());
        Self {
            by_column: contacts.map(|(place, contact)| (contact.channel, place)).collect(),
        }
    }

    /// Place in the page's probe of channel `channel` of a run with this probe.
    pub(super) fn place(&self, probe: Option<&Probe>, channel: usize) -> Option<usize> {
        let contact = probe?.contacts.get(channel)?;
        self.by_column.get(&contact.channel).copied()
    }
}
