//! How well a sorting finds the spikes of known units.

mod classes;
mod collisions;
mod confusion;
mod curves;
mod labels;
mod performance;
mod reconstruction;
mod sigmoid;

pub use classes::{ClassThresholds, UnitClasses, classify_units};
pub use collisions::{CollisionParams, CollisionRecall, PairCollisions, RecallByLag, collision_recall};
pub use confusion::{ConfusionMatrix, confusion_matrix};
pub use curves::{PerformanceCurves, performance_curves};
pub use labels::{LabelCounts, SpikeLabel, SpikeLabels, background_detections, label_spikes, recall_by_overlap};
pub use performance::{Performance, PooledPerformance, UnitPerformance, performance};
pub use reconstruction::{CorrelogramReconstruction, SimilarityError, correlogram_reconstruction};
pub use sigmoid::{SigmoidFit, fit_sigmoid};
