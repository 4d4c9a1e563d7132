//! Quality of units: metrics from spike trains, amplitudes, waveforms, positions and features; verdicts; data for views of units.
//!
//! Names, columns, defaults and conventions for missing values are those of SpikeInterface (Buccino et al. 2020), so that numbers of
//! the two can be compared. `docs/quality.md` has the formulas and their sources.

mod amplitudes;
mod clusters;
mod compute;
mod drift;
mod features;
mod metrics;
mod roc;
mod rules;
mod shape;
mod statistics;
mod suspects;
mod table;
mod trains;
pub mod views;

#[cfg(test)]
mod fixture_tests;

pub use amplitudes::{
    AmplitudeVariation, CutoffCounts, MainChannel, NoiseCutoff, amplitude_cutoff, amplitude_variation, noise_cutoff,
    sd_ratio,
};
pub use clusters::SpikeFeatures;
pub use compute::{QualityInputs, QualityParams, UnitDepths, quality_table};
pub use drift::{DriftMetrics, drift};
pub use features::{
    Isolation, NeighbourRates, d_prime, isolation, nearest_neighbours, silhouette, silhouette_of_pairs,
};
pub use metrics::{Better, METRICS, Metric, metric};
pub use roc::{MetricRoc, RocPoint, metric_rocs};
pub use rules::{Comparison, Condition, RuleSet, Verdicts};
pub(crate) use shape::ptp;
pub use shape::{TemplateShape, UnitTemplate};
pub use suspects::{Reason, ReasonKind, SuspectLimits, UnitOverview, overview};
pub use table::{QualityColumn, QualityTable};
pub use trains::{
    IsiViolations, RefractoryViolations, SlidingBins, firing_range, isi_violations, presence_ratio,
    refractory_violations, sliding_refractory, synchrony,
};

/// Rate and length of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Samples.
    pub n_samples: u64,
}

impl Extent {
    /// Length in seconds.
    pub fn duration_s(self) -> f64 {
        self.n_samples as f64 / self.sample_rate
    }
}
