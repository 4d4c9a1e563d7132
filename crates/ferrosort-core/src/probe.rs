//! Where the contacts of an electrode are, and which file column each is wired to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Farthest position from the origin that is taken for one, µm: a metre. Larger numbers have another unit or none.
const FARTHEST_UM: f64 = 1e6;

/// One recording site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// 0-based column of this contact in the recording.
    pub channel: usize,
    /// Position across the shank, µm, growing to the right.
    pub x_um: f64,
    /// Position along the shank, µm, growing from the tip to the base.
    pub y_um: f64,
    /// Shank (or channel group) number, 0-based in our own files, as given in foreign ones.
    pub shank: i64,
}

/// The wired contacts of one recording, in sorting order.
///
/// The order of the list is the order of channels in every array of a sorting. Contacts that are not
/// wired or marked as not connected are not in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// A name for people, empty when unknown.
    pub name: String,
    /// Wired contacts in sorting order.
    pub contacts: Vec<Contact>,
}

impl Probe {
    /// A vertical line of `n_channels` contacts, `pitch_um` apart: what is used when no probe is known.
    pub fn line(n_channels: usize, pitch_um: f64) -> Self {
        Self {
            name: format!("line of {n_channels} contacts, {pitch_um} µm apart"),
            contacts: (0..n_channels)
                .map(|channel| Contact {
                    channel,
                    x_um: 0.0,
                    y_um: channel as f64 * pitch_um,
                    shank: 0,
                })
                .collect(),
        }
    }

    /// Number of wired contacts.
    pub fn len(&self) -> usize {
        self.contacts.len()
    }

    /// True when no contact is wired.
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }

    /// Positions `[x, y]` in µm, in sorting order.
    pub fn positions_um(&self) -> Vec<[f64; 2]> {
        self.contacts.iter().map(|c| [c.x_um, c.y_um]).collect()
    }

    /// The contacts by shank, then from below, then from the left: an order that does not depend on the file.
    #[must_use]
    pub fn by_place(&self) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.contacts[a], &self.contacts[b]);
            let by = a.shank.cmp(&b.shank).then(a.y_um.total_cmp(&b.y_um));
            by.then(a.x_um.total_cmp(&b.x_um)).then(a.channel.cmp(&b.channel))
        });
        self.select(&order)
    }

    /// The probe restricted to the contacts at these places of the list, in the given order.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            name: self.name.clone(),
            contacts: indices.iter().map(|&i| self.contacts[i].clone()).collect(),
        }
    }

    /// Checks that the probe can be used with a recording of `n_channels` columns.
    ///
    /// `source` names the probe's file in the message.
    ///
    /// # Errors
    /// No contact, a column outside the recording, a column used twice, a position that is not finite,
    /// or two contacts of one shank at the same position.
    pub fn validate(&self, n_channels: usize, source: &str) -> Result<()> {
        self.validate_contacts(n_channels, source)?;
        self.validate_distinct(source)
    }

    /// The checks of [`Probe::validate`] that concern each contact alone: two may have the same position.
    ///
    /// # Errors
    /// As [`Probe::validate`], but for equal positions.
    pub fn validate_contacts(&self, n_channels: usize, source: &str) -> Result<()> {
        if self.contacts.is_empty() {
            return Err(Error::input(format!(
                "probe {source} has no connected contact; at least one channel must be wired"
            )));
        }
        let mut seen = vec![false; n_channels];
        for (i, c) in self.contacts.iter().enumerate() {
            if c.channel >= n_channels {
                return Err(Error::input(format!(
                    "probe {source} maps contact {i} to channel {} (0-based), but the recording has {n_channels} \
                     channels; check --channels and whether the map is 1-based",
                    c.channel
                )));
            }
            if std::mem::replace(&mut seen[c.channel], true) {
                return Err(Error::input(format!(
                    "probe {source} uses channel {} (0-based) for more than one contact; each contact needs its own channel",
                    c.channel
                )));
            }
            let usable = |position: f64| position.abs() <= FARTHEST_UM;
            if !(usable(c.x_um) && usable(c.y_um)) {
                return Err(Error::input(format!(
                    "probe {source}: position of contact {i} is ({:?}, {:?}) µm; positions must be finite numbers of µm, within a \
                     metre of the origin",
                    c.x_um, c.y_um
                )));
            }
        }
        Ok(())
    }

    /// Moves contacts that share the position of an earlier one of their shank aside, by multiples of `step_um` along x, to a free place.
    /// Returns the indices of the moved ones: a file that gives one position for a whole tetrode means that they are close together.
    pub fn spread(&mut self, step_um: f64) -> Vec<usize> {
        let mut taken = BTreeSet::new();
        // Steps that were taken from a position so far: thousands of contacts at one of them are not searched again.
        let mut steps_from = BTreeMap::new();
        let mut moved = Vec::new();
        for (i, c) in self.contacts.iter_mut().enumerate() {
            let key = |x_um: f64| (x_um.to_bits(), c.y_um.to_bits(), c.shank);
            let start = c.x_um;
            if taken.insert(key(start)) {
                continue;
            }
            let steps: &mut u32 = steps_from.entry(key(start)).or_default();
            loop {
                *steps += 1;
                let x_um = start + f64::from(*steps) * step_um;
                // A step that is lost in rounding or from no number leads nowhere.
                let leads_on = x_um > start;
                if !leads_on || taken.insert(key(x_um)) {
                    c.x_um = x_um;
                    break;
                }
            }
            moved.push(i);
        }
        moved
    }

    fn validate_distinct(&self, source: &str) -> Result<()> {
        let mut order: Vec<usize> = (0..self.contacts.len()).collect();
        let key = |i: usize| {
            let c = &self.contacts[i];
            (c.x_um, c.y_um, c.shank)
        };
        order.sort_by(|&a, &b| {
            let (ka, kb) = (key(a), key(b));
            ka.0.total_cmp(&kb.0).then(ka.1.total_cmp(&kb.1)).then(ka.2.cmp(&kb.2))
        });
        for pair in order.windows(2) {
            if key(pair[0]) == key(pair[1]) {
                let c = &self.contacts[pair[1]];
                return Err(Error::input(format!(
                    "probe {source}: contacts {} and {} are at the same position ({}, {}) µm; give each contact its own position",
                    pair[0], pair[1], c.x_um, c.y_um
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_valid_for_its_own_channel_count_only() {
        let p = Probe::line(4, 20.0);
        assert!(p.validate(4, "line").is_ok());
        let message = p.validate(3, "line").unwrap_err().to_string();
        assert!(
            message.contains("channel 3") && message.contains("has 3 channels"),
            "{message}"
        );
    }

    #[test]
    fn contacts_at_one_position_are_spread() {
        let mut p = Probe::line(4, 0.0);
        p.contacts[2].shank = 1;
        assert_eq!(p.spread(10.0), [1, 3]);
        let x: Vec<f64> = p.contacts.iter().map(|c| c.x_um).collect();
        assert_eq!(x, [0.0, 10.0, 0.0, 20.0]);
        assert!(p.validate(4, "p").is_ok());
        assert!(p.spread(10.0).is_empty());
    }

    #[test]
    fn positions_that_a_step_does_not_change_come_to_an_end() {
        for position in [1e300, f64::INFINITY, f64::NAN] {
            let mut p = Probe::line(3, 0.0);
            p.contacts.iter_mut().for_each(|c| c.x_um = position);
            assert_eq!(p.spread(10.0), [1, 2], "{position}");
            let said = p.validate(3, "p").unwrap_err().to_string();
            assert!(said.contains("within a metre of the origin"), "{said}");
        }
    }

    #[test]
    fn duplicates_and_bad_positions_are_refused() {
        let mut p = Probe::line(3, 20.0);
        p.contacts[2].channel = 0;
        assert!(
            p.validate(3, "p")
                .unwrap_err()
                .to_string()
                .contains("more than one contact")
        );
        let mut p = Probe::line(3, 20.0);
        p.contacts[1].y_um = f64::NAN;
        assert!(p.validate(3, "p").unwrap_err().to_string().contains("finite"));
        let mut p = Probe::line(3, 20.0);
        p.contacts[1].y_um = 40.0;
        assert!(p.validate(3, "p").unwrap_err().to_string().contains("same position"));
        p.contacts[1].shank = 1;
        assert!(p.validate(3, "p").is_ok(), "another shank may reuse coordinates");
        p.contacts.clear();
        assert!(p.validate(3, "p").is_err());
    }
}
