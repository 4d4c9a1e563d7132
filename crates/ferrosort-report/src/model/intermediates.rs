//! Part I: what Kilosort-like sorters leave behind, of two runs side by side.

use serde::{Deserialize, Serialize};

use super::{Array, Fact, Part};

/// Processed data of both runs at the same place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AlignmentTraces {
    /// `[channels shown, samples]` of a.
    pub a: Array,
    /// `[channels shown, samples]` of b.
    pub b: Array,
}

/// Alignment of the processed data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Alignment {
    /// First sample shown.
    pub start_sample: i64,
    /// Channels shown (of a).
    pub channels: Vec<usize>,
    /// As the files are, channel by channel.
    pub before: AlignmentTraces,
    /// After channels and lag were corrected.
    pub after: AlignmentTraces,
    /// Correlation of each channel of a with its partner.
    pub correlation: Array,
    /// Layouts, rotation, lag, correlations, gain, rms difference.
    pub facts: Vec<Fact>,
    /// What was found, in plain words.
    pub explanation: String,
}

/// Whitening matrices in one orientation and channel order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Whitening {
    /// `[channels, channels]` of a.
    pub a: Array,
    /// `[channels, channels]` of b.
    pub b: Array,
    /// Colour limit of both, plus and minus.
    pub limit: f64,
    /// Numbers.
    pub facts: Vec<Fact>,
    /// For example: b fits better when transposed.
    pub explanation: String,
}

/// Numbers of the difference of two matrices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MatrixDifference {
    /// Which: "ccb0".
    pub name: String,
    /// Pearson correlation of the upper triangles.
    pub pearson: Option<f64>,
    /// Spearman correlation.
    pub spearman: Option<f64>,
    /// Root mean square of the difference.
    pub rms_difference: Option<f64>,
    /// Root mean square of a.
    pub rms_a: Option<f64>,
    /// Largest absolute difference.
    pub largest: Option<f64>,
    /// Batches of the largest difference.
    pub largest_at: Option<[usize; 2]>,
}

/// Batch dissimilarities. All matrices `[batches, batches]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchMatrices {
    /// `ccb0` of a, in batch order.
    pub ccb0_a: Array,
    /// `ccb0` of b, in batch order.
    pub ccb0_b: Array,
    /// `ccbsort` of a, in a's order.
    pub ccbsort_a: Array,
    /// `ccbsort` of b, in b's order.
    pub ccbsort_b: Array,
    /// `ccb0` of b in a's order.
    pub ccb_b_in_order_of_a: Array,
    /// Start of each batch, s.
    pub batch_times_s: Array,
    /// Numbers of each difference.
    pub differences: Vec<MatrixDifference>,
    /// For example: b has other batches and was resampled in time.
    pub explanation: String,
}

/// Order of the batches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderComparison {
    /// Batch at each place, of a.
    pub order_a: Array,
    /// Batch at each place, of b (reversed where that fits a better).
    pub order_b: Array,
    /// Place of each batch, of a.
    pub place_a: Array,
    /// Place of each batch, of b.
    pub place_b: Array,
    /// Start of each batch, s.
    pub batch_times_s: Array,
    /// Numbers.
    pub facts: Vec<Fact>,
    /// For example: the order of b was reversed.
    pub explanation: String,
}

/// Part I.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Intermediates {
    /// Run a.
    pub a: usize,
    /// Run b.
    pub b: usize,
    /// Alignment of the processed data.
    pub alignment: Part<Alignment>,
    /// Whitening matrices.
    pub whitening: Part<Whitening>,
    /// Batch dissimilarities.
    pub batches: Part<BatchMatrices>,
    /// Order of the batches.
    pub order: Part<OrderComparison>,
}
