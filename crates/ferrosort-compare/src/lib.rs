//! Comparison of spike sortings with each other and with the truth, and quality metrics of units.
#![forbid(unsafe_code)]

pub mod analysis;
mod benchmarks;
mod comparison;
mod consensus;
mod correlation;
mod correlogram;
pub mod drift;
mod finite;
#[cfg(test)]
mod fixture;
pub mod intermediates;
mod json;
mod matching;
mod merged;
mod part;
pub mod quality;
mod statistics;
mod templates;
mod truth;
pub mod waveforms;

pub use ferrosort_core::{Cell, Table};

pub use benchmarks::{
    CrossRow, Footprint, K4Params, K4Unit, KsBenchmark, KsParams, KsSummary, KsUnit, SpikeForestAggregate,
    SpikeForestUnit, cross_table, footprint, kilosort_benchmark, kilosort4_benchmark, spikeforest_aggregate,
    spikeforest_benchmark,
};
pub use comparison::{
    CompareParams, DistancePair, MatchMode, SpikeComparison, TruthComparison, TruthParams, compare_spikes,
    comparison_tables,
};
pub use consensus::{Consensus, ConsensusParams, ConsensusTrain, ConsensusUnit, Member, consensus};
pub use correlogram::{CorrelogramBins, autocorrelogram, correlograms, cross_correlogram};
pub use matching::{
    AgreementMethod, DistanceAgreement, PairSummary, ToleranceCurve, UnitMatches, UnitOrder,
    accuracy_against_tolerance, agreement_scores, count_matching_events, covered_event_count, default_tolerances_ms,
    distance_agreement, estimate_offset, label_two_trains, match_event_count, match_trains, match_units,
    maximum_assignment, order_by_agreement, summarize_pair, tolerance_samples,
};
pub use part::Part;
pub use statistics::{BinnedMeans, binned_means};
pub use templates::{
    ChannelSupport, SimilarityMethod, SimilarityParams, TemplateSimilarity, template_dot_products, template_similarity,
};
pub use truth::{
    ClassThresholds, CollisionParams, CollisionRecall, ConfusionMatrix, CorrelogramReconstruction, LabelCounts,
    PairCollisions, Performance, PerformanceCurves, PooledPerformance, RecallByLag, SigmoidFit, SimilarityError,
    SpikeLabel, SpikeLabels, UnitClasses, UnitPerformance, background_detections, classify_units, collision_recall,
    confusion_matrix, correlogram_reconstruction, fit_sigmoid, label_spikes, performance, performance_curves,
    recall_by_overlap,
};
