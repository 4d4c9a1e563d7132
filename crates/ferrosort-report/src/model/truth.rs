//! Part IV: sortings against the truth. Lists "per truth unit" follow the units of the truth run.

use serde::{Deserialize, Serialize};

use super::{Array, Fact, Part};

/// Units by kind, as places.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitClasses {
    /// Tested units matched with accuracy of 0.8 or more.
    pub well_detected: Vec<usize>,
    /// Tested units that match nothing.
    pub false_positive: Vec<usize>,
    /// Tested units that repeat a truth unit which another unit matches better.
    pub redundant: Vec<usize>,
    /// Tested units that hold spikes of several truth units.
    pub overmerged: Vec<usize>,
    /// Tested units without a match.
    pub bad: Vec<usize>,
    /// Truth units spread over several tested units.
    pub oversplit: Vec<usize>,
    /// Truth units that no tested unit finds.
    pub missed: Vec<usize>,
}

/// A property of truth units that accuracy is plotted against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariate {
    /// Signal to noise.
    #[default]
    Snr,
    /// Position along the probe, µm.
    Depth,
    /// Rate, Hz.
    Rate,
    /// Amplitude, µV.
    Amplitude,
}

/// Accuracy against a property: sigmoid `1/(1 + exp(-k (x - x0))) + b`, and means in bins of equal counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CovariateFit {
    /// Against what.
    pub against: Covariate,
    /// `[k, x0, b]`, if the fit worked.
    pub sigmoid: Option<[f64; 3]>,
    /// Mean of the property in each bin.
    pub bin_x: Array,
    /// Mean accuracy in each bin.
    pub bin_accuracy: Array,
}

/// Confusion matrix, in its own order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Truth unit of each row; the last row of `counts` is the false positives.
    pub rows: Vec<usize>,
    /// Tested unit of each column; the last column of `counts` is the misses.
    pub columns: Vec<usize>,
    /// `[rows + 1, columns + 1]` counts of the matched cells.
    pub counts: Array,
    /// `[rows, columns]` matching spikes of all pairs, in the same order; empty if not computed.
    pub all_matches: Array,
}

/// Accuracy against tolerance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToleranceCurve {
    /// Tolerances, ms.
    pub tolerance_ms: Array,
    /// Mean accuracy at each.
    pub mean_accuracy: Array,
    /// The same with the truth's known offset removed; empty if there is none.
    pub mean_accuracy_offset_removed: Array,
    /// Truth units with accuracy of 0.8 or more at each.
    pub units_above: Array,
}

/// Recall of spikes that collide with a spike of another unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Collisions {
    /// Edges of the lag bins, ms, one more than there are bins.
    pub lag_edges_ms: Vec<f64>,
    /// Truth units of each pair, sorted by similarity.
    pub pairs: Vec<[usize; 2]>,
    /// Template cosine of each pair.
    pub similarity: Array,
    /// `[pairs, lags]` recall of the first unit's spikes; NaN where no event.
    pub recall: Array,
    /// `[bins of similarity, lags]` mean recall.
    pub mean_recall: Array,
    /// Edges of the bins of similarity, one more than there are bins.
    pub similarity_edges: Vec<f64>,
    /// Events.
    pub n_events: u64,
}

/// Recall by kind of overlap.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OverlapRecall {
    /// Kinds: "alone", "another unit within 1 ms", "another unit at the same place".
    pub kinds: Vec<String>,
    /// Recall of all spikes of a kind.
    pub recall: Array,
    /// Spikes of each kind.
    pub n_spikes: Array,
}

/// Best cluster and ideal merges, as the Kilosort benchmark defines them. Lists per truth unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KsBenchmark {
    /// Fraction of false positives of the best cluster.
    pub initial_fp: Array,
    /// Fraction missed by the best cluster.
    pub initial_miss: Array,
    /// The same after ideal merges.
    pub final_fp: Array,
    /// The same after ideal merges.
    pub final_miss: Array,
    /// Fraction that no cluster found.
    pub undetected: Array,
    /// Score of the best cluster.
    pub initial_score: Array,
    /// Score after ideal merges.
    pub final_score: Array,
    /// Tested units merged, the best cluster first.
    pub merges: Vec<Vec<usize>>,
    /// Summary numbers.
    pub facts: Vec<Fact>,
}

/// Scores of each truth unit by four definitions; NaN where not computed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CrossTable {
    /// SpikeInterface: accuracy of the one-to-one match.
    pub spikeinterface: Array,
    /// SpikeForest: accuracy of the best unit.
    pub spikeforest: Array,
    /// Kilosort benchmark, best cluster.
    pub ks_initial: Array,
    /// Kilosort benchmark, after ideal merges.
    pub ks_final: Array,
    /// Kilosort4 benchmark.
    pub kilosort4: Array,
}

/// One sorting against the truth.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TruthComparison {
    /// Place of the sorting.
    pub run: usize,
    /// Largest distance of spikes that match, ms.
    pub tolerance_ms: f64,
    /// Matched unit per truth unit.
    pub tested: Vec<Option<usize>>,
    /// Per truth unit.
    pub true_positives: Array,
    /// Per truth unit.
    pub misses: Array,
    /// Per truth unit.
    pub false_positives: Array,
    /// Per truth unit.
    pub accuracy: Array,
    /// Per truth unit.
    pub precision: Array,
    /// Per truth unit.
    pub recall: Array,
    /// Tested unit with the best agreement per truth unit, matched or not.
    pub best: Vec<Option<usize>>,
    /// False when only some neurons of the recording are known: false positives are then unknown.
    pub exhaustive: bool,
    /// Units by kind.
    pub classes: UnitClasses,
    /// Averages and totals.
    pub facts: Vec<Fact>,
    /// Curves through accuracy against a property.
    pub fits: Vec<CovariateFit>,
    /// Confusion matrix.
    pub confusion: Part<Confusion>,
    /// Accuracy against tolerance.
    pub tolerance: Part<ToleranceCurve>,
    /// Collisions.
    pub collisions: Part<Collisions>,
    /// Recall by kind of overlap.
    pub overlap: Part<OverlapRecall>,
    /// Kilosort benchmark.
    pub ks_benchmark: Part<KsBenchmark>,
    /// All scores.
    pub cross_table: Part<CrossTable>,
}

/// Part IV.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Place of the truth.
    pub truth_run: usize,
    /// Each sorting against it.
    pub comparisons: Vec<TruthComparison>,
}
