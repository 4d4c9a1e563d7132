//! The readout table of a Neuropixels probe: which electrode each channel records, and with which gain.

use std::collections::BTreeMap;

use ferrosort_core::Result;

use super::meta::Meta;
use crate::neuropixels::{Kind, Readout};

/// What the table says of one channel.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Entry {
    /// Shank, from 0.
    pub(super) shank: usize,
    /// Electrode on that shank.
    pub(super) electrode: Option<usize>,
    /// Gains of the spike band and of the field potentials.
    pub(super) gains: Option<[f64; 2]>,
}

/// The table by channel of acquisition.
#[derive(Debug, Default)]
pub(super) struct Imro {
    entries: BTreeMap<usize, Entry>,
    /// Gains that hold for all channels.
    gains: Option<[f64; 2]>,
}

impl Imro {
    /// Reads the table of a probe of this kind. A file without one gives an empty table.
    pub(super) fn read(meta: &Meta, kind: &Kind) -> Result<Self> {
        let Some(table) = meta.table("imroTbl") else {
            return Ok(Self::default());
        };
        let (header, entries) = table
            .split_first()
            .ok_or_else(|| meta.wrong("imroTbl", "is not a readout table"))?;
        if kind.readout == Readout::Groups {
            return Ok(Self {
                entries: BTreeMap::new(),
                gains: header_gains(header),
            });
        }
        // Tables of phase 3A say how many channels a bank has: 276 with option 4.
        let channels = if meta.get("imProbeOpt").is_some() {
            entries.len()
        } else {
            kind.channels
        };
        let mut found = BTreeMap::new();
        for text in entries {
            let (channel, entry) = entry(text, kind.readout, channels)
                .ok_or_else(|| meta.error(&format!("the entry '({text})' of ~imroTbl is not one of this probe's")))?;
            found.insert(channel, entry);
        }
        Ok(Self {
            entries: found,
            gains: None,
        })
    }

    /// What is said of a channel of acquisition.
    pub(super) fn entry(&self, channel: usize) -> Option<&Entry> {
        self.entries.get(&channel)
    }

    /// Gains of the spike band and of the field potentials of a channel.
    pub(super) fn gains(&self, channel: usize) -> Option<[f64; 2]> {
        self.gains.or_else(|| self.entry(channel)?.gains)
    }
}

fn entry(text: &str, readout: Readout, channels: usize) -> Option<(usize, Entry)> {
    let fields: Vec<usize> = text
        .split_whitespace()
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    let mut entry = Entry::default();
    match (readout, fields.as_slice()) {
        (Readout::Banks, &[channel, bank, _, ap, lf, ..]) => {
            entry.electrode = bank.checked_mul(channels)?.checked_add(channel);
            entry.gains = gains(ap, lf);
            Some((channel, entry))
        }
        (Readout::Electrode, &[channel, _, _, electrode, ..]) => {
            entry.electrode = Some(electrode);
            Some((channel, entry))
        }
        (Readout::ShankElectrode, &[channel, shank, _, _, electrode, ..]) => {
            entry.shank = shank;
            entry.electrode = Some(electrode);
            Some((channel, entry))
        }
        _ => None,
    }
}

fn gains(ap: usize, lf: usize) -> Option<[f64; 2]> {
    (ap > 0 && lf > 0).then_some([ap as f64, lf as f64])
}

/// `type,colmode,ref,apgain,lfgain,aphipass`
fn header_gains(header: &str) -> Option<[f64; 2]> {
    let field = |i| header.split(',').nth(i)?.trim().parse::<usize>().ok();
    gains(field(3)?, field(4)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::neuropixels::by_type;

    fn read(table: &str, kind: u32) -> Result<Imro> {
        let meta = Meta::parse(Path::new("a.meta"), &format!("~imroTbl={table}"));
        Imro::read(&meta, &by_type(kind).unwrap())
    }

    #[test]
    fn every_layout() {
        let banks = read("(0,384)(0 0 0 500 250 1)(1 2 0 1000 125 0)", 0).unwrap();
        assert_eq!(banks.entry(1).unwrap().electrode, Some(769));
        assert_eq!(banks.gains(1), Some([1000.0, 125.0]));
        assert_eq!(banks.entry(2), None);
        let electrode = read("(21,384)(7 1 0 400)", 21).unwrap();
        assert_eq!(electrode.entry(7).unwrap().electrode, Some(400));
        let shanks = read("(NP2013,384)(7 3 0 1 41)", 2013).unwrap();
        assert_eq!((shanks.entry(7).unwrap().shank, shanks.gains(7)), (3, None));
        let groups = read("(1110,2,0,500,250,1)(0 0 0)(1 0 0)", 1110).unwrap();
        assert_eq!((groups.gains(200), groups.entry(0)), (Some([500.0, 250.0]), None));
    }

    #[test]
    fn entries_of_other_probes_and_nonsense_are_named() {
        for table in [
            "(0,384)(0 0)",
            "(0,384)(0 0 0 a 250)",
            "(0,384)(0 18446744073709551615 0 500 250)",
            "(0)()",
        ] {
            let read = read(table, 0);
            let harmless = read
                .as_ref()
                .is_ok_and(|r| r.entry(0).is_some_and(|e| e.electrode.is_none()));
            assert!(
                harmless || read.unwrap_err().to_string().contains("~imroTbl"),
                "{table}"
            );
        }
        assert!(read("", 0).is_err());
    }
}
