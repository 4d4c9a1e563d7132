//! The part of a comparison that needs a truth.

use ferrosort_core::Result;
use ndarray::Array2;
use serde::Serialize;

use super::{CompareParams, MatchMode, SpikeComparison, TruthParams};
use crate::benchmarks::{
    CrossRow, K4Unit, KsBenchmark, SpikeForestAggregate, SpikeForestUnit, cross_table, kilosort_benchmark,
    kilosort4_benchmark, spikeforest_aggregate, spikeforest_benchmark,
};
use crate::correlogram::CorrelogramBins;
use crate::matching::{ToleranceCurve, accuracy_against_tolerance, tolerance_samples};
use crate::statistics::{BinnedMeans, binned_means};
use crate::truth::{
    CollisionRecall, ConfusionMatrix, CorrelogramReconstruction, LabelCounts, Performance, PerformanceCurves,
    RecallByLag, SigmoidFit, SpikeLabels, UnitClasses, background_detections, classify_units, collision_recall,
    confusion_matrix, correlogram_reconstruction, fit_sigmoid, label_spikes, performance, performance_curves,
    recall_by_overlap,
};

/// Groups of units in the means against their signal-to-noise ratio.
const SNR_GROUPS: usize = 20;

/// How well a sorting finds true units.
#[derive(Debug, Clone, Serialize)]
pub struct TruthComparison {
    /// The truth holds every spike of the recording.
    pub exhaustive: bool,
    /// Performance of each true unit, and of all.
    #[serde(flatten)]
    pub performance: Performance,
    /// Sorted performances, and numbers of units above an accuracy.
    pub performance_curves: PerformanceCurves,
    /// Performance against signal-to-noise ratio.
    pub performance_by_snr: Option<PerformanceBySnr>,
    /// Where the spikes went.
    pub confusion_matrix: ConfusionMatrix,
    /// Classes of the units.
    pub unit_classes: UnitClasses,
    /// Labels of all spikes.
    #[serde(skip)]
    pub labels: SpikeLabels,
    /// True spikes of each label.
    pub label_counts_a: LabelCounts,
    /// Tested spikes of each label.
    pub label_counts_b: LabelCounts,
    /// Unmatched spikes of each tested unit that are spikes of the background, when that is known.
    pub background_detections: Option<Vec<usize>>,
    /// True spikes by kind of overlap: found and all.
    pub recall_by_overlap: Option<Vec<OverlapRecall>>,
    /// Recall of colliding spikes by lag.
    pub collision_recall: CollisionRecall,
    /// The same in ranges of similarity of the colliding units' templates, when that is known.
    pub collision_recall_by_similarity: Vec<SimilarityRecall>,
    /// Errors of the correlograms of well detected units.
    pub correlogram_reconstruction: CorrelogramReconstruction,
    /// Accuracy against the tolerance.
    pub tolerance_curve: ToleranceCurve,
    /// The same after the truth's known offset was removed, when it has one.
    pub tolerance_curve_without_offset: Option<ToleranceCurve>,
    /// Kilosort's benchmark.
    pub ks_benchmark: KsBenchmark,
    /// Kilosort4's benchmark.
    pub k4_benchmark: Vec<K4Unit>,
    /// SpikeForest's metrics.
    pub spikeforest: Vec<SpikeForestUnit>,
    /// SpikeForest's numbers over the loud units, when signal-to-noise ratios are known.
    pub spikeforest_aggregate: Option<SpikeForestAggregate>,
    /// All scores side by side.
    pub cross_table: Vec<CrossRow>,
    /// Positions of the true units along the probe, µm, when known.
    #[serde(skip)]
    pub(super) depths_um: Option<Vec<f64>>,
    /// Amplitudes of the true units, when known.
    #[serde(skip)]
    pub(super) amplitude: Option<Vec<f64>>,
}

/// Performance of true units against their signal-to-noise ratio.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PerformanceBySnr {
    /// Signal-to-noise ratio of each unit.
    pub snr: Vec<f64>,
    /// A sigmoid through the accuracies.
    pub accuracy_fit: Option<SigmoidFit>,
    /// A sigmoid through the recalls.
    pub recall_fit: Option<SigmoidFit>,
    /// A sigmoid through the precisions.
    pub precision_fit: Option<SigmoidFit>,
    /// Means of the accuracies in groups of equal size.
    pub accuracy_means: BinnedMeans,
}

/// Recall of the spikes of one kind of overlap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OverlapRecall {
    /// 0 alone, 1 another unit near in time, 2 near in time and place.
    pub overlap: usize,
    /// Spikes found.
    pub found: usize,
    /// All spikes.
    pub n: usize,
    /// Part that was found, not a number without spikes.
    pub recall: f64,
}

/// Recall by lag of units whose templates have a similarity in a range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimilarityRecall {
    /// Range of similarity, upper end excluded.
    pub similarity: [f64; 2],
    /// All pairs of units.
    pub all: RecallByLag,
    /// Pairs of units with an accuracy of at least 0.9.
    pub good: RecallByLag,
}

impl TruthComparison {
    pub(super) fn new(
        a: &[Vec<i64>],
        b: &[Vec<i64>],
        comparison: &SpikeComparison,
        params: &CompareParams,
        truth: &TruthParams,
    ) -> Result<Self> {
        let matches = &comparison.matches;
        let (n_a, n_b) = (&comparison.event_counts_a, &comparison.event_counts_b);
        let partners = match truth.match_mode {
            MatchMode::Hungarian => &matches.hungarian_match_12,
            MatchMode::Best => &matches.best_match_12,
        };
        let performance = performance(&comparison.match_event_count, partners, n_a, n_b);
        let unit_classes = classify_units(&comparison.agreement, matches, truth.thresholds, truth.exhaustive);
        let labels = label_spikes(a, b, &matches.hungarian_match_12, comparison.delta_samples);
        let collisions = collision_recall(a, &labels, params.sample_rate, truth.collisions);
        let curve = |offset: i64| {
            accuracy_against_tolerance(
                a,
                b,
                params.sample_rate,
                &truth.tolerances_ms,
                params.match_score,
                offset,
            )
        };
        let depths = truth
            .depths_um
            .as_ref()
            .map(|(of_a, of_b)| (of_a.as_slice(), of_b.as_slice()));
        let ks_benchmark = kilosort_benchmark(a, b, truth.kilosort);
        let k4_benchmark = kilosort4_benchmark(a, b, depths, truth.kilosort4).0;
        let strict = tolerance_samples(truth.spikeforest_tolerance_ms, params.sample_rate);
        let spikeforest = spikeforest_benchmark(a, b, strict);
        Ok(Self {
            exhaustive: truth.exhaustive,
            performance_curves: performance_curves(&performance.performance_by_unit),
            performance_by_snr: truth.snr.as_ref().map(|snr| by_snr(snr, &performance)),
            confusion_matrix: confusion_matrix(&comparison.match_event_count, partners, n_a, n_b),
            label_counts_a: labels.counts_a(),
            label_counts_b: labels.counts_b(),
            background_detections: detections(b, &labels, truth, comparison.delta_samples),
            recall_by_overlap: truth.overlap.as_ref().map(|overlap| overlap_recalls(&labels, overlap)),
            collision_recall_by_similarity: by_similarity(&collisions, &performance, truth.similarity.as_ref()),
            collision_recall: collisions,
            correlogram_reconstruction: reconstruction(a, b, &unit_classes, comparison, truth)?,
            tolerance_curve: curve(0),
            tolerance_curve_without_offset: (truth.known_offset_samples != 0)
                .then(|| curve(truth.known_offset_samples)),
            spikeforest_aggregate: truth
                .snr
                .as_ref()
                .map(|snr| spikeforest_aggregate(&spikeforest, snr, truth.spikeforest_snr, 0.8)),
            cross_table: cross_table(
                &performance.performance_by_unit,
                &spikeforest,
                &ks_benchmark,
                &k4_benchmark,
            ),
            ks_benchmark,
            k4_benchmark,
            spikeforest,
            performance,
            unit_classes,
            labels,
            depths_um: truth.depths_um.as_ref().map(|depths| depths.0.clone()),
            amplitude: truth.amplitude.clone(),
        })
    }
}

fn by_snr(snr: &[f64], performance: &Performance) -> PerformanceBySnr {
    let units = &performance.performance_by_unit;
    let accuracy: Vec<f64> = units.iter().map(|unit| unit.accuracy).collect();
    let recall: Vec<f64> = units.iter().map(|unit| unit.recall).collect();
    let precision: Vec<f64> = units.iter().map(|unit| unit.precision).collect();
    PerformanceBySnr {
        snr: snr.to_vec(),
        accuracy_fit: fit_sigmoid(snr, &accuracy),
        recall_fit: fit_sigmoid(snr, &recall),
        precision_fit: fit_sigmoid(snr, &precision),
        accuracy_means: binned_means(snr, &accuracy, SNR_GROUPS),
    }
}

fn detections(b: &[Vec<i64>], labels: &SpikeLabels, truth: &TruthParams, tolerance: i64) -> Option<Vec<usize>> {
    let background = &truth.background_samples;
    (!background.is_empty()).then(|| background_detections(b, labels, background, tolerance))
}

fn overlap_recalls(labels: &SpikeLabels, overlap: &[Vec<u8>]) -> Vec<OverlapRecall> {
    let counts = recall_by_overlap(labels, overlap);
    let recall = |(overlap, &(found, n)): (usize, &(usize, usize))| OverlapRecall {
        overlap,
        found,
        n,
        recall: found as f64 / n as f64,
    };
    counts.iter().enumerate().map(recall).collect()
}

/// Edges of the ranges of similarity: seven from -0.4 to 1, the last one closed.
fn similarity_edges() -> Vec<f64> {
    let mut edges: Vec<f64> = (0..8).map(|k| -0.4 + 1.4 * f64::from(k) / 7.0).collect();
    edges[7] = 1.0 + 1e-9;
    edges
}

fn by_similarity(
    collisions: &CollisionRecall,
    performance: &Performance,
    similarity: Option<&Array2<f64>>,
) -> Vec<SimilarityRecall> {
    let Some(similarity) = similarity else {
        return Vec::new();
    };
    let is_good = |unit: usize| performance.performance_by_unit[unit].accuracy >= 0.9;
    similarity_edges()
        .windows(2)
        .map(|range| SimilarityRecall {
            similarity: [range[0], range[1].min(1.0)],
            all: collisions.by_similarity(similarity, range[0]..range[1], |_| true),
            good: collisions.by_similarity(similarity, range[0]..range[1], is_good),
        })
        .collect()
}

fn reconstruction(
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    classes: &UnitClasses,
    comparison: &SpikeComparison,
    truth: &TruthParams,
) -> Result<CorrelogramReconstruction> {
    let bins = CorrelogramBins::new(comparison.sample_rate, truth.correlogram_ms.0, truth.correlogram_ms.1)?;
    let with_partner = |&j: &usize| comparison.matches.hungarian_match_21[j].map(|i| (i, j));
    let pairs: Vec<(usize, usize)> = classes.well_detected.iter().filter_map(with_partner).collect();
    let edges = similarity_edges();
    let similarity = truth
        .similarity
        .as_ref()
        .map(|similarity| (similarity, edges.as_slice()));
    Ok(correlogram_reconstruction(
        a,
        b,
        &pairs,
        comparison.sample_rate,
        bins,
        similarity,
    ))
}
