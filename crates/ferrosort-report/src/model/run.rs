//! A run (a sorting or the truth) and its units.

use ferrosort_core::Probe;
use serde::{Deserialize, Serialize};

use super::{Array, MetricColumn, Part};

/// Contacts of the probe, in the order of every channel number of the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbeMap {
    /// Name for people, may be empty.
    pub name: String,
    /// Across the probe, µm.
    pub x_um: Vec<f64>,
    /// Along the probe, from the tip, µm.
    pub y_um: Vec<f64>,
    /// Shank of each contact.
    pub shank: Vec<i64>,
    /// Column of the recording's file of each contact.
    pub file_channel: Vec<usize>,
}

impl From<&Probe> for ProbeMap {
    fn from(probe: &Probe) -> Self {
        Self {
            name: probe.name.clone(),
            x_um: probe.contacts.iter().map(|c| c.x_um).collect(),
            y_um: probe.contacts.iter().map(|c| c.y_um).collect(),
            shank: probe.contacts.iter().map(|c| c.shank).collect(),
            file_channel: probe.contacts.iter().map(|c| c.channel).collect(),
        }
    }
}

/// What a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What a sorter found.
    #[default]
    Sorting,
    /// What is known to be true.
    Truth,
}

/// A stage of a sorting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Wall time, s.
    pub seconds: f64,
}

/// A sorting or the truth.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Short name for legends; runs of one report have different names.
    pub name: String,
    /// Sorting or truth.
    pub role: Role,
    /// Program and version, may be empty.
    pub program: String,
    /// Folder or file, may be empty.
    pub source: String,
    /// Wall time of the sorting, s.
    pub run_time_s: Option<f64>,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// What the sorter decided by itself, and why, one sentence each.
    pub choices: Vec<String>,
    /// All spikes.
    pub n_spikes: u64,
    /// What amplitudes of [`SpikeSample::amplitudes`] are: "µV", "factor of the template".
    pub amplitude_unit: String,
    /// What values of [`UnitWaveforms`] are: "µV", "sd of the noise".
    pub waveform_unit: String,
    /// Units in the source's order.
    pub units: Vec<Unit>,
    /// Quality metrics, each with one value per unit.
    pub metrics: Vec<MetricColumn>,
    /// Spikes of all units in a window.
    pub raster: Part<Raster>,
    /// `[units, bins]` smoothed rate of each unit over the recording, Hz (bins equal, from 0 to the end).
    pub presence: Part<Array>,
}

/// A unit and all that its page shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The source's name of it.
    pub id: String,
    /// `good`, `mua`, `noise`, or what else the source says; empty for none.
    pub label: String,
    /// Kind of neuron of a simulated unit; empty for none.
    pub class: String,
    /// Spikes.
    pub n_spikes: u64,
    /// Spikes per second.
    pub rate_hz: Option<f64>,
    /// Across the probe, µm.
    pub x_um: Option<f64>,
    /// Along the probe, µm.
    pub y_um: Option<f64>,
    /// Best channel.
    pub main_channel: Option<usize>,
    /// Median or mean amplitude, µV, always positive.
    pub amplitude_uv: Option<f64>,
    /// Signal to noise.
    pub snr: Option<f64>,
    /// Estimated contamination, per cent.
    pub contamination_pct: Option<f64>,
    /// Mean waveform.
    pub waveforms: Part<UnitWaveforms>,
    /// Autocorrelogram.
    pub autocorrelogram: Part<Correlogram>,
    /// Intervals between spikes.
    pub isi: Part<Histogram>,
    /// Some of its spikes.
    pub spikes: Part<SpikeSample>,
    /// Rate in equal bins from 0 to the end of the recording, Hz.
    pub rate_over_time: Part<Array>,
    /// Other units of the run with a similar template, most similar first.
    pub similar: Vec<SimilarUnit>,
    /// Projections of spikes.
    pub features: Part<Features>,
}

/// Waveforms of a unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitWaveforms {
    /// Channels that are given, the best among them.
    pub channels: Vec<usize>,
    /// Sample of the spike time.
    pub spike_at: usize,
    /// `[channels, samples]`; [`super::Kept::Levels16`] suffices.
    pub mean: Array,
    /// `[spikes, samples]` on the best channel, up to 100; empty if not known.
    pub individual: Array,
    /// `[levels, samples]` how often each value occurred on the best channel; empty if not known.
    pub density: Array,
    /// Values of the lowest and highest level of `density`.
    pub density_range: [f64; 2],
}

/// A correlogram.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Correlogram {
    /// Width of a bin, ms; the bins lie evenly around 0.
    pub bin_ms: f64,
    /// Counts, an even number of bins.
    pub counts: Array,
    /// Expected count per bin without any relation; not drawn if `None`.
    pub baseline: Option<f64>,
}

/// A histogram.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Left edge of the first bin.
    pub start: f64,
    /// Width of a bin.
    pub width: f64,
    /// Counts.
    pub counts: Array,
}

/// Some of a unit's spikes, ascending in time: an even choice of at most about 2000 (500 when there are many units).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SpikeSample {
    /// Times, s.
    pub times_s: Array,
    /// Amplitudes; empty if not known.
    pub amplitudes: Array,
    /// Depths, µm; empty if not known.
    pub depths_um: Array,
    /// Verdict of each spike against the truth: 0 false positive (of a sorting) or missed (of the truth), 1 true positive,
    /// 2 found in another unit; empty if not known.
    pub verdicts: Array,
}

/// Another unit that looks alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SimilarUnit {
    /// Place of the unit in the same run.
    pub unit: usize,
    /// Similarity of the templates, 1 for equal ones.
    pub similarity: f64,
    /// Spikes of the other unit around spikes of this one.
    pub correlogram: Part<Correlogram>,
    /// True when the correlogram dips as within one neuron and the templates look alike.
    pub merge_suggested: bool,
}

/// Projections of spikes onto two features.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// What the first feature is: "PC1 of channel 12".
    pub x_label: String,
    /// What the second is.
    pub y_label: String,
    /// `[spikes, 2]` of the unit.
    pub own: Array,
    /// `[spikes, 2]` of other units nearby.
    pub background: Array,
}

/// Spikes of all units in a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Raster {
    /// The window, s.
    pub window_s: [f64; 2],
    /// Time of each spike, s.
    pub times_s: Array,
    /// Unit of each spike.
    pub units: Array,
}
