//! Whether one unit is two neurons (docs/kilosort2.md 6.3 steps 2 to 9).

use ndarray::{Array2, ArrayView2};

use super::ccg::{Binning, RefractoryTest};
use super::detrend::{RunningAverage, centred};
use super::mixture::{Mixture, normalised, principal_direction};
use crate::settings::Compat;

/// Fewest spikes of a unit to be examined; each half of a split must have more.
pub const SMALLEST: usize = 300;
/// Largest violation rate and chance probability of two halves that share a refractory gap.
const ONE_NEURON: [f64; 2] = [0.25, 0.05];
/// Halves whose waveforms correlate more, and differ less in norm, are one neuron.
const SAME_WAVEFORM: [f64; 2] = [0.9, 0.2];
/// Smallest part of the spikes in the smaller half.
const SMALLEST_PART: f64 = 0.05;

/// Where the direction of a split starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitStart {
    /// The direction of largest scatter.
    PrincipalComponent,
    /// The mean, that is, the amplitude.
    Mean,
}

/// Why a unit was split, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitDecision {
    /// The halves are too small or overlap.
    Criteria,
    /// The halves share a refractory gap.
    Correlogram,
    /// The halves have the same waveform.
    Similar,
    /// Split.
    Split,
}

/// What was found in one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitStatistics {
    /// Mean probability of the spikes of each half to belong to it.
    pub certainty: [f64; 2],
    /// Part of the spikes in the smaller half.
    pub smaller_part: f64,
    /// Violation rate between the halves.
    pub q: f64,
    /// Probability that the gap between the halves is chance.
    pub r: f64,
    /// Correlation of the halves' mean waveforms.
    pub correlation: f64,
    /// Difference of the norms of the halves' mean waveforms, relative to their mean.
    pub norm_difference: f64,
}

/// What decides about a split.
#[derive(Debug, Clone, Copy)]
pub struct SplitCriteria<'a> {
    /// Samples per second.
    pub sample_rate: f64,
    /// Smallest mean probability in each half of a split.
    pub smallest_certainty: f64,
    /// Temporal basis of the PC features, `[3, samples]`.
    pub basis: ArrayView2<'a, f64>,
    /// Behaviours of the original programs.
    pub compat: &'a Compat,
}

/// Two parts of a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Bisection {
    /// The fit.
    pub mixture: Mixture,
    /// True for spikes of the first part, which leaves the unit if it is split.
    pub leaves: Vec<bool>,
    /// Mean waveforms of the part that leaves and of the part that stays, sd, `[entries, samples]`.
    pub waveforms: [Array2<f64>; 2],
    /// Numbers on which the decision rests.
    pub statistics: SplitStatistics,
    /// The decision.
    pub decision: SplitDecision,
}

/// Divides the spikes of one unit, given their features `[spikes, 3 * entries]` and times (samples), into two parts.
///
/// `None` when the features are not finite.
pub fn bisect(
    features: ArrayView2<f32>,
    times: &[i64],
    start: SplitStart,
    criteria: &SplitCriteria,
) -> Option<Bisection> {
    let average = if criteria.compat.truncated_running_average {
        RunningAverage::Transformed
    } else {
        RunningAverage::Normalised
    };
    let rows = centred(features, average);
    let direction = match start {
        SplitStart::PrincipalComponent => principal_direction(&rows)?,
        SplitStart::Mean => normalised(mean_features(features, |_| true)),
    };
    let mixture = Mixture::fit(&rows, direction);
    let [first, second] = &mixture.responsibilities;
    let leaves: Vec<bool> = first.iter().zip(second).map(|(a, b)| a > b).collect();
    let count = leaves.iter().filter(|&&l| l).count();

    let certainty = [(first, true), (second, false)].map(|(r, side)| {
        let own: Vec<f64> = r.iter().zip(&leaves).filter(|s| *s.1 == side).map(|s| *s.0).collect();
        own.iter().sum::<f64>() / own.len() as f64
    });
    let part = |side: bool| -> Vec<i64> {
        times
            .iter()
            .zip(&leaves)
            .filter(|s| *s.1 == side)
            .map(|s| *s.0)
            .collect()
    };
    let gap = RefractoryTest::between(
        &part(true),
        &part(false),
        criteria.sample_rate,
        Binning::of(criteria.compat),
    );
    let waveforms = [true, false].map(|side| {
        let means = mean_features(features, |i| leaves[i] == side);
        waveforms(&means, criteria.basis)
    });
    let (correlation, norm_difference) = compare(&waveforms);
    let statistics = SplitStatistics {
        certainty,
        smaller_part: count.min(leaves.len() - count) as f64 / leaves.len() as f64,
        q: gap.q,
        r: gap.r,
        correlation,
        norm_difference,
    };
    let decision = if gap.is_refractory(ONE_NEURON[0], ONE_NEURON[1]) {
        SplitDecision::Correlogram
    } else if correlation > SAME_WAVEFORM[0] && norm_difference < SAME_WAVEFORM[1] {
        SplitDecision::Similar
    } else if statistics.smaller_part > SMALLEST_PART
        && certainty.iter().all(|&c| c > criteria.smallest_certainty)
        && count.min(leaves.len() - count) > SMALLEST
    {
        SplitDecision::Split
    } else {
        SplitDecision::Criteria
    };
    Some(Bisection {
        mixture,
        leaves,
        waveforms,
        statistics,
        decision,
    })
}

/// Mean features of the spikes that `belongs` names.
fn mean_features(features: ArrayView2<f32>, belongs: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut sum = vec![0.0; features.ncols()];
    let mut count = 0.0;
    for (_, row) in features.outer_iter().enumerate().filter(|(i, _)| belongs(*i)) {
        sum.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v));
        count += 1.0;
    }
    for s in &mut sum {
        *s /= count;
    }
    sum
}

/// Waveforms `[entries, samples]` with these features.
fn waveforms(features: &[f64], basis: ArrayView2<f64>) -> Array2<f64> {
    let components = basis.nrows();
    let entries = features.len() / components;
    let by_entry = ArrayView2::from_shape((entries, components), features).expect("whole entries");
    by_entry.dot(&basis)
}

/// Correlation over all values, and relative difference of the norms.
fn compare([a, b]: &[Array2<f64>; 2]) -> (f64, f64) {
    let centred = |w: &Array2<f64>| w - w.sum() / w.len() as f64;
    let norm = |w: &Array2<f64>| w.iter().map(|v| v * v).sum::<f64>().sqrt();
    let (ca, cb) = (centred(a), centred(b));
    let product: f64 = ca.iter().zip(&cb).map(|(x, y)| x * y).sum();
    (
        product / (norm(&ca) * norm(&cb)),
        2.0 * (norm(a) - norm(b)).abs() / (norm(a) + norm(b)),
    )
}
