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

#[cfg(test)]
mod tests {
    use super::*;

    const FS: f64 = 30000.0;

    /// A regular unit (score 20), and noise at random times (score `noise`).
    fn spikes(noise: f64) -> Vec<(i64, f64)> {
        let unit = (0..1000).map(|i: i64| (i * 900 + (i * i) % 300, 20.0));
        let mut state = 1u64;
        let other = (0..1000).map(|_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((state >> 33) as i64 % 900_000, noise)
        });
        unit.chain(other).collect()
    }

    fn cut(spikes: Vec<(i64, f64)>) -> UnitCutoff {
        unit_cutoff(spikes, [10.0, 4.0], FS, &Compat::default())
    }

    #[test]
    fn the_threshold_stops_above_the_noise() {
        let unit = cut(spikes(7.2));
        assert_eq!((unit.threshold, unit.good, unit.contamination), (7.5, true, 0.0));
        assert_eq!(unit.trials.len(), 7);
        let clean = cut(spikes(3.0));
        assert_eq!((clean.threshold, clean.good), (4.0, true));
        let hopeless = cut(spikes(10.2));
        assert_eq!((hopeless.threshold, hopeless.good), (10.5, false));
        assert_eq!(hopeless.contamination, 0.0, "the regular spikes remain");
    }

    #[test]
    fn undefined_contamination_is_total() {
        let compat = Compat {
            renumber_units: true,
            ..Compat::default()
        };
        assert_eq!(unit_cutoff(vec![], [10.0, 4.0], FS, &compat).contamination, 0.0);
        let empty = cut(vec![]);
        assert!(empty.threshold.is_nan() && !empty.good && empty.contamination == 1.0);
        let single = cut(vec![(5, 12.0)]);
        assert_eq!((single.threshold, single.good, single.contamination), (4.0, true, 1.0));
        // Refractory nowhere, and nothing above the threshold that is left.
        let noise: Vec<(i64, f64)> = spikes(9.0).into_iter().filter(|s| s.1 == 9.0).collect();
        let none = cut(noise);
        assert_eq!((none.threshold, none.good, none.contamination), (9.0, false, 1.0));
    }

    #[test]
    fn spikes_above_their_units_threshold_are_kept() {
        let (mut times, mut scores, mut labels) = (vec![], vec![], vec![]);
        for (t, s) in spikes(7.2) {
            times.push(t);
            scores.push(s);
            labels.push(2);
        }
        let c = cutoffs(&times, &labels, &scores, 4, [10.0, 4.0], FS, &Compat::default());
        assert_eq!(c.units.len(), 4);
        assert!(c.keep.iter().zip(&scores).all(|(&k, &s)| k == (s > 7.5)));
    }
}
