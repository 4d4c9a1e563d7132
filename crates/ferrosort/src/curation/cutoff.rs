//! The score each unit's spikes must reach, and which units are good (docs/kilosort2.md 6.4).

use rayon::prelude::*;

use super::ccg::{Binning, RefractoryTest};
use crate::settings::Compat;

/// Step between thresholds, sd.
const STEP: f64 = 0.5;
/// Violation rate above which a threshold fails, before it is tightened for clean units.
const LARGEST_Q: f64 = 0.1;
/// Violation rate at the first threshold under which a unit is clean.
const CLEAN_Q: f64 = 0.05;
/// Smallest limit of a clean unit.
const SMALLEST_LIMIT: f64 = 0.01;
/// Largest probability that the gap is chance.
const LARGEST_R: f64 = 0.05;

/// A threshold that was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutoffTrial {
    /// Threshold, sd.
    pub threshold: f64,
    /// Spikes above it.
    pub spikes: usize,
    /// Violation rate of their autocorrelogram; NaN without spikes.
    pub q: f64,
    /// Probability that its gap is chance; NaN without spikes.
    pub r: f64,
}

/// The cutoff of one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitCutoff {
    /// Spikes with a score above this are kept, sd; NaN for a unit without spikes.
    pub threshold: f64,
    /// True when some threshold showed a refractory unit.
    pub good: bool,
    /// Violation rate of the spikes kept, as a fraction (it can exceed 1); 1 where it is undefined.
    pub contamination: f64,
    /// The thresholds tried, in order.
    pub trials: Vec<CutoffTrial>,
}

/// Cutoffs of all units.
#[derive(Debug, Clone, PartialEq)]
pub struct Cutoffs {
    /// One per unit.
    pub units: Vec<UnitCutoff>,
    /// True for each spike that is kept.
    pub keep: Vec<bool>,
}

/// Lowers the threshold of every unit from `limits[0]` to `limits[1]` (sd) for as long as it stays refractory.
///
/// `times` (samples), `scores` (sd) and `labels` are per spike. `units` is the number of units, empty ones included.
pub fn cutoffs(
    times: &[i64],
    labels: &[u32],
    scores: &[f64],
    units: usize,
    limits: [f64; 2],
    sample_rate: f64,
    compat: &Compat,
) -> Cutoffs {
    let mut spikes = vec![Vec::new(); units];
    for ((&t, &s), &l) in times.iter().zip(scores).zip(labels) {
        spikes[l as usize].push((t, s));
    }
    let units: Vec<UnitCutoff> = spikes
        .into_par_iter()
        .map(|s: Vec<(i64, f64)>| unit_cutoff(s, limits, sample_rate, compat))
        .collect();
    let keep = labels
        .iter()
        .zip(scores)
        .map(|(&l, &s)| s > units[l as usize].threshold)
        .collect();
    Cutoffs { units, keep }
}

/// The cutoff of one unit, from its spikes' times (samples) and scores (sd) in any order.
pub fn unit_cutoff(mut spikes: Vec<(i64, f64)>, limits: [f64; 2], sample_rate: f64, compat: &Compat) -> UnitCutoff {
    if spikes.is_empty() {
        // The port leaves 0 for units without spikes (D45), which it then removes (D46).
        let contamination = if compat.renumber_units { 0.0 } else { 1.0 };
        return UnitCutoff {
            threshold: f64::NAN,
            good: false,
            contamination,
            trials: Vec::new(),
        };
    }
    spikes.sort_by_key(|s| s.0);
    let binning = Binning::of(compat);
    let above = |threshold: f64| -> Vec<i64> { spikes.iter().filter(|s| s.1 > threshold).map(|s| s.0).collect() };
    let test = |times: &[i64]| RefractoryTest::between(times, times, sample_rate, binning);

    let mut threshold = limits[0];
    let mut limit = LARGEST_Q;
    let mut good = false;
    let mut trials = Vec::new();
    while threshold >= limits[1] {
        let times = above(threshold);
        if times.is_empty() {
            trials.push(CutoffTrial {
                threshold,
                spikes: 0,
                q: f64::NAN,
                r: f64::NAN,
            });
            threshold -= STEP;
            continue;
        }
        let mut result = test(&times);
        if binning == Binning::Seconds {
            result.q = undefined_as(result.q, 0.0);
        }
        trials.push(CutoffTrial {
            threshold,
            spikes: times.len(),
            q: result.q,
            r: result.r,
        });
        if result.q > limit || result.r > LARGEST_R {
            break;
        }
        if threshold == limits[0] && result.q < CLEAN_Q {
            limit = CLEAN_Q.min(SMALLEST_LIMIT.max(2.0 * result.q));
        }
        good = true;
        threshold -= STEP;
    }
    threshold += STEP;
    let contamination = undefined_as(test(&above(threshold)).q, 1.0);
    UnitCutoff {
        threshold,
        good,
        contamination,
        trials,
    }
}

fn undefined_as(value: f64, replacement: f64) -> f64 {
    if value.is_nan() { replacement } else { value }
}
