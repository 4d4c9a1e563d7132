//! The metrics of SpikeForest (Magland et al., eLife 9:e55167, 2020).

use ndarray::Array2;
use serde::Serialize;

use crate::matching::covered_event_count;
use crate::statistics::mean;

/// The best tested unit of one true unit, whatever it is the best of besides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpikeForestUnit {
    /// Place of the true unit.
    pub gt_unit: usize,
    /// Place of the tested unit with the largest accuracy, -1 if no unit has any.
    #[serde(serialize_with = "crate::json::place")]
    pub best_unit: Option<usize>,
    /// True spikes with a near spike.
    pub n_match: i64,
    /// True spikes without.
    pub n_miss: i64,
    /// Spikes of the tested unit beyond the matched true ones, not below 0.
    pub n_fp: i64,
    /// `n_match / (n_match + n_miss + n_fp)`.
    pub accuracy: f64,
    /// `n_match / (n_match + n_fp)`.
    pub precision: f64,
    /// `n_match / (n_match + n_miss)`.
    pub recall: f64,
}

/// Best units of all true units `a` among the tested units `b`, ascending trains.
///
/// A true spike is matched when a spike of the tested unit is nearer than `tolerance_samples` (strictly). Ties go to the
/// first tested unit.
pub fn spikeforest_benchmark(a: &[Vec<i64>], b: &[Vec<i64>], tolerance_samples: i64) -> Vec<SpikeForestUnit> {
    let matched = covered_event_count(a, b, (tolerance_samples - 1).max(0));
    (0..a.len())
        .map(|i| best_unit(i, a[i].len() as i64, b, &matched))
        .collect()
}

fn best_unit(i: usize, n_gt: i64, b: &[Vec<i64>], matched: &Array2<u32>) -> SpikeForestUnit {
    let mut best = SpikeForestUnit {
        gt_unit: i,
        best_unit: None,
        n_match: 0,
        n_miss: n_gt,
        n_fp: 0,
        accuracy: 0.0,
        precision: 0.0,
        recall: 0.0,
    };
    for (j, train) in b.iter().enumerate() {
        let n_match = i64::from(matched[[i, j]]);
        let n_miss = n_gt - n_match;
        let n_fp = (train.len() as i64 - n_match).max(0);
        let part = |of: i64| n_match as f64 / of as f64;
        if n_match > 0 && part(n_match + n_miss + n_fp) > best.accuracy {
            best = SpikeForestUnit {
                gt_unit: i,
                best_unit: Some(j),
                n_match,
                n_miss,
                n_fp,
                accuracy: part(n_match + n_miss + n_fp),
                precision: part(n_match + n_fp),
                recall: part(n_match + n_miss),
            };
        }
    }
    best
}

/// SpikeForest's numbers for a sorter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SpikeForestAggregate {
    /// Least signal-to-noise ratio of the units that count.
    pub snr_threshold: f64,
    /// Units at or above it.
    pub n_units: usize,
    /// Their mean accuracy, not a number without any.
    pub mean_accuracy: f64,
    /// Their number with an accuracy above the second threshold.
    pub n_above_accuracy: usize,
}

/// Mean accuracy and number of accurate units among those with a signal-to-noise ratio of at least `snr_threshold` (8 on
/// the site), accurate meaning above `accuracy_threshold` (0.8). `snr` has one value for each unit.
pub fn spikeforest_aggregate(
    units: &[SpikeForestUnit],
    snr: &[f64],
    snr_threshold: f64,
    accuracy_threshold: f64,
) -> SpikeForestAggregate {
    let loud = units.iter().zip(snr).filter(|(_, snr)| **snr >= snr_threshold);
    let accuracies: Vec<f64> = loud.map(|(unit, _)| unit.accuracy).collect();
    SpikeForestAggregate {
        snr_threshold,
        n_units: accuracies.len(),
        mean_accuracy: mean(&accuracies),
        n_above_accuracy: accuracies
            .iter()
            .filter(|&&accuracy| accuracy > accuracy_threshold)
            .count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_tested_unit_may_be_the_best_of_two_true_units() {
        let units = spikeforest_benchmark(&fixture::truth(), &fixture::tested(), 13);
        assert_eq!(units[2].best_unit, Some(3));
        assert_eq!(units[3].best_unit, Some(3));
        assert_eq!((units[2].n_match, units[2].n_miss, units[2].n_fp), (216, 16, 266));
        assert!((units[2].accuracy - 216.0 / 498.0).abs() < 1e-15);
    }

    #[test]
    fn the_tolerance_excludes_its_ends() {
        let accuracy = |t: i64| spikeforest_benchmark(&[vec![100]], &[vec![t]], 30)[0].accuracy;
        assert_eq!([70, 71, 129, 130].map(accuracy), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn several_near_spikes_count_once_and_the_others_are_false() {
        let unit = &spikeforest_benchmark(&[vec![100]], &[vec![99, 101]], 30)[0];
        assert_eq!((unit.n_match, unit.n_fp, unit.accuracy), (1, 1, 0.5));
    }

    #[test]
    fn quiet_units_do_not_count() {
        let units = spikeforest_benchmark(&[vec![100], vec![500]], &[vec![100]], 30);
        let loud = spikeforest_aggregate(&units, &[9.0, 3.0], 8.0, 0.8);
        assert_eq!((loud.n_units, loud.mean_accuracy, loud.n_above_accuracy), (1, 1.0, 1));
        let all = spikeforest_aggregate(&units, &[9.0, 3.0], 0.0, 0.8);
        assert_eq!((all.n_units, all.mean_accuracy), (2, 0.5));
    }
}
