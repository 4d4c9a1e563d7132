//! Part II: templates of two runs side by side.

use serde::{Deserialize, Serialize};

use super::{Array, Part};

/// Waveforms of a pair on common channels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairWaveforms {
    /// Channels that are given: those with more than a tenth of the largest peak to peak suffice.
    pub channels: Vec<usize>,
    /// `[channels, samples]` of a.
    pub a: Array,
    /// `[channels, samples]` of b, as stored (not shifted).
    pub b: Array,
    /// What the values are: "µV".
    pub unit: String,
}

/// Spikes of a pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairRaster {
    /// Samples of a in the window.
    pub a_samples: Array,
    /// 1 where the spike of a has a partner, else 0.
    pub a_matched: Array,
    /// Samples of b in the window.
    pub b_samples: Array,
    /// 1 where the spike of b has a partner, else 0.
    pub b_matched: Array,
    /// The window, samples: first and end.
    pub window_samples: [i64; 2],
    /// Spikes of a in each second of the recording.
    pub a_per_second: Array,
    /// Spikes of b in each second of the recording.
    pub b_per_second: Array,
}

/// A unit of a and a unit of b that look alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplatePair {
    /// Unit of a.
    pub a: usize,
    /// Unit of b.
    pub b: usize,
    /// Similarity of the templates.
    pub similarity: f64,
    /// Samples by which b is later.
    pub lag_samples: i64,
    /// Agreement of the spikes.
    pub agreement: Option<f64>,
    /// Matching spikes.
    pub n_matched: Option<u64>,
    /// Waveforms.
    pub waveforms: Part<PairWaveforms>,
    /// Spikes.
    pub raster: Part<PairRaster>,
}

/// Templates of two runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateComparison {
    /// Run of the rows.
    pub a: usize,
    /// Run of the columns.
    pub b: usize,
    /// `[units of a, units of b]` cosine similarity, best over lags.
    pub cosine: Array,
    /// `[units of a, units of b]` plain dot products; empty if not computed.
    pub dot: Array,
    /// `[units of a, units of b]` lag of the best cosine, samples; empty if not computed.
    pub lags: Array,
    /// Pairs above `threshold`, most similar first, at most 50.
    pub pairs: Vec<TemplatePair>,
    /// Least similarity of a pair.
    pub threshold: f64,
    /// All pairs above the threshold, those not listed included.
    pub n_pairs: usize,
}

/// Part II. The templates themselves are [`super::Unit::waveforms`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Pairs of runs.
    pub comparisons: Vec<TemplateComparison>,
}
