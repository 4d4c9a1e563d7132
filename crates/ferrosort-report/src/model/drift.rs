//! Part VI: drift.

use serde::{Deserialize, Serialize};

use super::{Array, Fact, Part};

/// Some spikes as points in time and depth: an even choice of at most about 40 000.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DriftPoints {
    /// Times, s.
    pub times_s: Array,
    /// Depths, µm.
    pub depths_um: Array,
    /// Amplitudes (absolute); [`super::Kept::Levels8`] suffices.
    pub amplitudes: Array,
}

/// An estimate of the motion, and the truth on the same grid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MotionView {
    /// Centres of the bins, s.
    pub times_s: Array,
    /// Depths, µm; one for a rigid motion.
    pub depths_um: Array,
    /// `[times, depths]`, µm; empty when only the truth is known.
    pub estimate_um: Array,
    /// `[times, depths]`, µm, the arbitrary offset removed; empty when not known.
    pub truth_um: Array,
    /// Root mean square, per cent of errors, sign.
    pub facts: Vec<Fact>,
}

/// Units while the tissue moves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// Centres of the windows, s.
    pub times_s: Array,
    /// Absolute displacement in each window, µm; empty when not known.
    pub displacement_um: Array,
    /// `[units, windows]` accuracy (with truth) or rate over its mean (without).
    pub values: Array,
    /// What the values are: "accuracy".
    pub value_label: String,
    /// Place of the run whose units these are.
    pub unit_run: usize,
    /// Numbers, such as splits along the drift.
    pub facts: Vec<Fact>,
}

/// Drift of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunDrift {
    /// Place of the run.
    pub run: usize,
    /// Spikes as they were found.
    pub points: Part<DriftPoints>,
    /// Spikes after the correction.
    pub corrected: Part<DriftPoints>,
    /// Motion.
    pub motion: Part<MotionView>,
    /// Units over time.
    pub stability: Part<Stability>,
}

/// Part VI.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Each run that has something to show.
    pub runs: Vec<RunDrift>,
}
