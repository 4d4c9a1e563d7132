//! The benchmark of Kilosort4: the best of the tested units that are nearest in depth.

use ndarray::Array2;
use serde::Serialize;

use crate::matching::covered_event_count;

/// Parameters of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct K4Params {
    /// A true spike is found when a spike of the candidate is at most so many samples away.
    pub reach: i64,
    /// Number of candidates, nearest in depth.
    pub n_candidates: usize,
}

impl Default for K4Params {
    fn default() -> Self {
        Self {
            reach: 6,
            n_candidates: 20,
        }
    }
}

/// Score of one true unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct K4Unit {
    /// Place of the true unit.
    pub gt_unit: usize,
    /// Place of the best candidate, -1 if none scores above 0.
    #[serde(serialize_with = "crate::json::place")]
    pub tested_unit: Option<usize>,
    /// `1 - miss - fp`.
    pub score: f64,
    /// Part of the true spikes that were not found.
    pub miss: f64,
    /// Part of the candidate's spikes beyond those found.
    pub fp: f64,
}

/// Scores of all true units `a` in the tested sorting `b`, ascending trains, and the true spikes that each tested unit finds,
/// `[true units, tested units]`.
///
/// `depths_um` are the depths of both sides' units; without them every tested unit is a candidate. Several true spikes may be
/// found by one spike of a candidate, so `miss` and `fp` are cut at 0. A unit without a candidate above 0 scores 0.
pub fn kilosort4_benchmark(
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    depths_um: Option<(&[f64], &[f64])>,
    params: K4Params,
) -> (Vec<K4Unit>, Array2<u32>) {
    let found = covered_event_count(a, b, params.reach);
    let units = (0..a.len())
        .map(|i| {
            let mut best = K4Unit {
                gt_unit: i,
                tested_unit: None,
                score: 0.0,
                miss: 1.0,
                fp: 0.0,
            };
            for j in candidates(i, b.len(), depths_um, params.n_candidates) {
                let hits = f64::from(found[[i, j]]);
                let miss = (1.0 - hits / a[i].len() as f64).max(0.0);
                let fp = (1.0 - hits / b[j].len() as f64).max(0.0);
                let score = 1.0 - miss - fp;
                if score > best.score {
                    best = K4Unit {
                        gt_unit: i,
                        tested_unit: Some(j),
                        score,
                        miss,
                        fp,
                    };
                }
            }
            best
        })
        .collect();
    (units, found)
}

/// Tested units nearest in depth to the true unit `i`, nearest first, ties to the lowest place.
fn candidates(i: usize, n_tested: usize, depths_um: Option<(&[f64], &[f64])>, n_candidates: usize) -> Vec<usize> {
    let mut tested: Vec<usize> = (0..n_tested).collect();
    if let Some((of_a, of_b)) = depths_um {
        let distance = |j: usize| (of_b[j] - of_a[i]).abs();
        tested.sort_by(|&j, &k| distance(j).total_cmp(&distance(k)));
        tested.truncate(n_candidates);
    }
    tested
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_fixture_has_the_hits_of_the_kilosort4_benchmark() {
        let (units, found) = kilosort4_benchmark(&fixture::truth(), &fixture::tested(), None, K4Params::default());
        let expected = array![
            [107, 0, 0, 1, 0, 51, 1, 1],
            [0, 113, 74, 1, 1, 0, 0, 1],
            [1, 1, 1, 216, 2, 0, 0, 0],
            [0, 0, 0, 266, 0, 0, 2, 3],
            [0, 0, 0, 3, 160, 0, 0, 0],
            [2, 1, 0, 4, 3, 2, 0, 609]
        ];
        assert_eq!(found, expected);
        assert_eq!(units[0].tested_unit, Some(0));
        assert!((units[5].score - 0.75).abs() < 1e-15);
        // 160 of 386 on both sides is worse than nothing.
        assert_eq!(
            (units[4].tested_unit, units[4].score, units[4].miss, units[4].fp),
            (None, 0.0, 1.0, 0.0)
        );
    }

    #[test]
    fn units_far_away_are_no_candidates() {
        let params = K4Params {
            n_candidates: 1,
            ..K4Params::default()
        };
        let depths = (&[100.0][..], &[500.0, 120.0][..]);
        let (units, _) = kilosort4_benchmark(&[vec![50]], &[vec![50], vec![900]], Some(depths), params);
        assert_eq!(units[0].tested_unit, None);
    }

    #[test]
    fn one_spike_that_finds_two_is_not_a_negative_rate() {
        let (units, _) = kilosort4_benchmark(&[vec![50, 53]], &[vec![51]], None, K4Params::default());
        assert_eq!((units[0].score, units[0].fp), (1.0, 0.0));
    }
}
