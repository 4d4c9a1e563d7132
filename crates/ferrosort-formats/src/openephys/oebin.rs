//! `structure.oebin`: which streams a recording of Open Ephys has, and their channels.

use std::path::{Component, Path, PathBuf};

use ferrosort_core::{Error, Result};
use serde::Deserialize;

use crate::text::read_text;

#[derive(Deserialize)]
pub(super) struct Structure {
    #[serde(default)]
    pub(super) continuous: Vec<Stream>,
}

/// One flat file of samples.
#[derive(Debug, Deserialize)]
pub(super) struct Stream {
    folder_name: String,
    #[serde(default, rename = "stream_name")]
    short_name: String,
    pub(super) sample_rate: f64,
    #[serde(default)]
    num_channels: Option<usize>,
    pub(super) channels: Vec<Channel>,
}

/// One column.
#[derive(Debug, Deserialize)]
pub(super) struct Channel {
    #[serde(default, rename = "channel_name")]
    name: String,
    bit_volts: f64,
    #[serde(default)]
    units: String,
}

impl Structure {
    /// Reads a `structure.oebin`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = read_text(path, "description of a recording of Open Ephys")?;
        let structure: Self = serde_json::from_str(&text).map_err(|e| {
            Error::input(format!(
                "{} cannot be understood: {e}; take the file that Open Ephys wrote",
                path.display()
            ))
        })?;
        for stream in &structure.continuous {
            stream.check(path)?;
        }
        Ok(structure)
    }
}

impl Stream {
    fn check(&self, path: &Path) -> Result<()> {
        if self.num_channels.is_some_and(|n| n != self.channels.len()) || self.channels.is_empty() {
            return Err(Error::input(format!(
                "{}: stream '{}' describes {} channels, but num_channels is {}; take the file that Open Ephys wrote",
                path.display(),
                self.name(),
                self.channels.len(),
                self.num_channels.unwrap_or_default()
            )));
        }
        let inside = Path::new(self.name())
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if inside && !self.name().is_empty() {
            return Ok(());
        }
        Err(Error::input(format!(
            "{}: '{}' is not the name of a folder of samples; take the file that Open Ephys wrote",
            path.display(),
            self.folder_name
        )))
    }

    /// Name of its folder: `Neuropix-PXI-100.ProbeA-AP`.
    pub(super) fn name(&self) -> &str {
        self.folder_name.trim_end_matches(['/', '\\'])
    }

    /// True when a person means this stream.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name() == name || self.short_name == name
    }

    /// The file of samples beside this `structure.oebin`.
    pub(super) fn data_file(&self, oebin: &Path) -> PathBuf {
        let folder = oebin.parent().unwrap_or(Path::new("")).join("continuous");
        folder.join(self.name()).join("continuous.dat")
    }

    /// Columns of electrodes: neither analogue inputs, accelerometers nor sync words.
    pub(super) fn neural(&self) -> Vec<usize> {
        let neural = |channel: &Channel| {
            let name = channel.name.to_uppercase();
            !(name.contains("ADC") || name.starts_with("AUX") || name.contains("SYNC"))
        };
        self.channels
            .iter()
            .enumerate()
            .filter(|(_, channel)| neural(channel))
            .map(|(column, _)| column)
            .collect()
    }

    /// Field potentials of a Neuropixels probe, and inputs, are sorted only when they are named.
    pub(super) fn has_spikes(&self) -> bool {
        !self.neural().is_empty() && !self.name().ends_with("-LFP")
    }

    /// µV per count of every column. Without a unit, neural channels are in µV and others in V.
    pub(super) fn gains_uv(&self) -> Vec<f64> {
        let neural = self.neural();
        let gain = |(column, channel): (usize, &Channel)| match channel.units.to_lowercase().as_str() {
            "v" | "volts" => channel.bit_volts * 1e6,
            "mv" => channel.bit_volts * 1e3,
            "" if !neural.contains(&column) => channel.bit_volts * 1e6,
            _ => channel.bit_volts,
        };
        let usable = |gain: f64| gain.is_finite() && gain != 0.0;
        self.channels
            .iter()
            .enumerate()
            .map(|(column, channel)| {
                let gain = gain((column, channel));
                // Sync words may have none.
                if usable(gain) || neural.contains(&column) {
                    gain
                } else {
                    1.0
                }
            })
            .collect()
    }
}
