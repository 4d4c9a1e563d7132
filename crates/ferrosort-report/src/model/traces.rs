//! A short piece of the recording with spikes marked.

use serde::{Deserialize, Serialize};

use super::{Array, Fact};

/// One panel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TracePanel {
    /// "raw", "processed", "residual".
    pub title: String,
    /// What the values are: "µV".
    pub unit: String,
    /// `[channels, samples]`; [`super::Kept::Levels16`] suffices.
    pub values: Array,
}

/// A spike in the piece.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceSpike {
    /// Sample of the recording.
    pub sample: i64,
    /// Place of the run.
    pub run: usize,
    /// Place of the unit.
    pub unit: usize,
    /// Channel at which to mark it.
    pub channel: usize,
    /// `TP`, `FN`, `FP`, or empty without truth.
    pub verdict: String,
}

/// The piece.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traces {
    /// First sample.
    pub start_sample: i64,
    /// Channels of all panels, in order along the probe.
    pub channels: Vec<usize>,
    /// Up to three panels of the same samples.
    pub panels: Vec<TracePanel>,
    /// Spikes.
    pub spikes: Vec<TraceSpike>,
    /// For example peaks left in the residual.
    pub facts: Vec<Fact>,
}
