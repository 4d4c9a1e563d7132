//! The result of sorting one recording.

use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use crate::Probe;

/// What a unit was judged to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitLabel {
    /// A well isolated neuron: its autocorrelogram has an empty refractory period.
    Good,
    /// Multi-unit activity.
    Mua,
    /// Not neural.
    Noise,
}

impl UnitLabel {
    /// The word that Kilosort and phy use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Mua => "mua",
            Self::Noise => "noise",
        }
    }
}

/// What is known of one unit, by its id (the row in the templates).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitSummary {
    /// Verdict.
    pub label: UnitLabel,
    /// Estimated contamination by other neurons, per cent; can exceed 100.
    pub contamination_pct: f64,
    /// Mean peak-to-peak of the unit's spikes on its largest channel, raw counts.
    pub amplitude_counts: f64,
    /// Score that a spike of this unit had to exceed (sd of whitened noise); NaN when the unit has no spikes.
    pub threshold_sd: f64,
}

/// Projections of each spike on the temporal basis, on the channels near its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct PcFeatures {
    /// `[spikes, components, slots]`, sd.
    pub values: Array3<f32>,
    /// `[units, slots]`: sorting channel of each slot.
    pub channels: Array2<u32>,
}

/// Scores of each spike against the templates most similar to its own.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateFeatures {
    /// `[spikes, slots]`.
    pub values: Array2<f32>,
    /// `[units, slots]`: unit of each slot.
    pub units: Array2<u32>,
}

/// Spikes, units and templates of one recording. Spikes are ordered by time; all spike columns have one length.
#[derive(Debug, Clone)]
pub struct Sorting {
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Contacts that were sorted, in the order of every channel axis below.
    pub probe: Probe,
    /// Sample of each spike's trough, counted from the start of the recording (of its time range), non-decreasing.
    pub spike_times: Vec<u64>,
    /// Unit of each spike: row of `templates`.
    pub spike_units: Vec<u32>,
    /// Multiplier of the unit-norm template, sd of whitened noise.
    pub amplitudes: Vec<f64>,
    /// `[units, samples, channels]`: whitened templates of norm about 1.
    pub templates: Array3<f32>,
    /// `[units, units]`: similarity, exactly 1 between units split from one parent.
    pub similar_templates: Array2<f32>,
    /// `[channels, channels]`: a whitened row is a filtered raw row times this matrix.
    pub whitening: Array2<f64>,
    /// Inverse of `whitening`: `templates[k] . whitening_inverse` is in raw counts.
    pub whitening_inverse: Array2<f64>,
    /// One entry a row of `templates`.
    pub units: Vec<UnitSummary>,
    /// Principal-component features, when computed.
    pub pc_features: Option<PcFeatures>,
    /// Template features, when computed.
    pub template_features: Option<TemplateFeatures>,
}
