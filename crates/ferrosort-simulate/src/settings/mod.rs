//! Everything that decides a simulated recording, as a tree that is written and read as TOML.
//!
//! A preset is a complete [`Settings`]; a file names a preset and changes some values; a command line changes single
//! values (`drift.grid_um = 1`). All three go through [`Settings::from_table`], so a misspelt name is always found.

mod amplitude;
mod checks;
mod drift;
mod firing;
mod noise;
mod presets;
mod table;
mod units;

use serde::{Deserialize, Serialize};

pub use amplitude::{AmplitudeSettings, Recovery, Variation};
pub use drift::{Axis, Component, Course, DriftSettings, Profile};
pub use firing::{FiringModel, FiringSettings, Overlaps, Presence, Rates};
pub use noise::{Additions, ColouredNoise, Movement, Noise};
pub use presets::{PRESETS, Preset};
pub use units::{Background, Generator, Placement, Target, UnitSettings};

/// A simulated recording. The same settings give the same bytes, on any machine and for any number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Preset that these settings began as.
    pub preset: String,
    /// Length, s. Default 300.
    pub duration_s: f64,
    /// Samples per second, Hz, 5000 to 200000. Default 30000.
    pub sample_rate_hz: f64,
    /// Seeds of the random streams.
    pub seeds: Seeds,
    /// Contacts.
    pub probe: ProbeSettings,
    /// From µV to counts.
    pub converter: Converter,
    /// Units to be found.
    pub units: UnitSettings,
    /// When they fire.
    pub firing: FiringSettings,
    /// How large each spike is.
    pub amplitude: AmplitudeSettings,
    /// Displacement of the tissue.
    pub drift: DriftSettings,
    /// Noise of the electronics and of everything that is not simulated as a spike.
    pub noise: Noise,
    /// Small units that are not to be found.
    pub background: Background,
    /// Disturbances and bad channels.
    pub additions: Additions,
    /// Further files.
    pub files: Files,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: "neuropixels-1".into(),
            duration_s: 300.0,
            sample_rate_hz: 30_000.0,
            seeds: Seeds::default(),
            probe: ProbeSettings::default(),
            converter: Converter::default(),
            units: UnitSettings::default(),
            firing: FiringSettings::default(),
            amplitude: AmplitudeSettings::default(),
            drift: DriftSettings::default(),
            noise: Noise::default(),
            background: Background::default(),
            additions: Additions::default(),
            files: Files::default(),
        }
    }
}

/// Independent seeds: recordings with one noise seed have the same noise, whatever their units are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seeds {
    /// Places, waveforms, firing, displacement. Default 101.
    pub units: u64,
    /// Amplitude factors of the spikes. Default 101.
    pub amplitudes: u64,
    /// Noise, background units, additions. Default 101.
    pub noise: u64,
}

impl Default for Seeds {
    fn default() -> Self {
        Self::all(101)
    }
}

impl Seeds {
    /// The same seed for everything.
    pub fn all(seed: u64) -> Self {
        Self {
            units: seed,
            amplitudes: seed,
            noise: seed,
        }
    }
}

/// Which contacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeSettings {
    /// A geometry's name (`np1`, `np2-4shank`, `tetrode`, ...) or the path of a probe file. Default `np1`.
    pub name: String,
    /// Channels, where the geometry can have different numbers of them; 0 = the geometry's own. Default 0.
    pub n_channels: usize,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            name: "np1".into(),
            n_channels: 0,
        }
    }
}

/// Analogue-to-digital conversion to `int16`: round(µV times `counts_per_uv`), halves away from zero, clipped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Converter {
    /// Counts per µV; 0 = those of the probe's device (Neuropixels 1.0: 0.4266667). Default 0.
    pub counts_per_uv: f64,
    /// Resolution: counts are clipped to ±2^(bits - 1), 2 to 16; 0 = that of the probe's device. Default 0.
    pub bits: u32,
    /// Spread of the channels' gains, relative, applied to everything; 0 = all equal. Default 0.
    pub gain_sd: f64,
}

impl Default for Converter {
    fn default() -> Self {
        Self {
            counts_per_uv: 0.0,
            bits: 0,
            gain_sd: 0.0,
        }
    }
}

impl Converter {
    /// Lowest and highest count.
    pub fn limits(&self) -> [i32; 2] {
        let half = 1i32 << (self.bits.clamp(2, 16) - 1);
        [-half, half - 1]
    }
}

/// Files beyond `recording.bin`, `meta.json`, `probe.json` and `truth/`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// `eMouseGroundTruth.mat`, `eMouseSimRecord.mat` and the channel map of the eMouse simulators. Default false.
    pub emouse: bool,
    /// `kilosort4_params.npz`, the truth as Kilosort4's simulator keeps it. Default false.
    pub kilosort4: bool,
    /// `truth/templates_moved.npy`, the templates on the displacement grid. Default false.
    pub moved_templates: bool,
}

impl Settings {
    /// Samples of the recording.
    pub fn n_samples(&self) -> u64 {
        (self.duration_s * self.sample_rate_hz).round() as u64
    }

    /// Sets one seed for everything.
    pub fn set_seed(&mut self, seed: u64) {
        self.seeds = Seeds::all(seed);
    }
}
