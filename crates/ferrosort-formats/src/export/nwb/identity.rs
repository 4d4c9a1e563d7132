//! Names of objects that no two files share.

use std::fmt::Write as _;

use ferrosort_core::SortingRun;
use sha1::{Digest, Sha1};

/// Gives every object of a file its own UUID, of version 5: the same for the same spikes of the same units, so that the same result gives
/// the same file.
pub(in crate::export) struct Identity {
    of_file: Vec<u8>,
}

impl Identity {
    /// That of a run, and of what else tells two files apart.
    pub(in crate::export) fn new(run: &SortingRun, more: &str) -> Self {
        let mut hash = Sha1::new();
        hash.update(more.as_bytes());
        hash.update(run.sample_rate.unwrap_or_default().to_le_bytes());
        for unit in &run.units {
            hash.update((unit.id.len() as u64).to_le_bytes());
            hash.update(unit.id.as_bytes());
        }
        for (sample, unit) in run.spikes.samples.iter().zip(&run.spikes.units) {
            hash.update(sample.to_le_bytes());
            hash.update(unit.to_le_bytes());
        }
        Self {
            of_file: hash.finalize().to_vec(),
        }
    }

    /// The UUID of the object of a name.
    pub(in crate::export) fn of(&self, name: &str) -> String {
        let mut hash = Sha1::new();
        hash.update(&self.of_file);
        hash.update(name.as_bytes());
        let mut bytes: Vec<u8> = hash.finalize().to_vec();
        bytes.truncate(16);
        bytes[6] = 0x50 | (bytes[6] & 0x0F);
        bytes[8] = 0x80 | (bytes[8] & 0x3F);
        let mut text = String::new();
        for (place, byte) in bytes.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
