//! Performance of many units as curves.

use serde::Serialize;

use super::performance::UnitPerformance;

/// Curves over the true units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PerformanceCurves {
    /// Accuracies of the units, largest first.
    pub sorted_accuracy: Vec<f64>,
    /// Recalls, largest first.
    pub sorted_recall: Vec<f64>,
    /// Precisions, largest first.
    pub sorted_precision: Vec<f64>,
    /// 0, 0.01, ... 1.
    pub accuracy_threshold: Vec<f64>,
    /// Number of units with an accuracy above each threshold (strictly, as SpikeForest).
    pub n_units_above: Vec<usize>,
    /// Units with an accuracy above 0.8.
    pub n_units_above_0_8: usize,
}

/// Curves of the performance of all true units.
pub fn performance_curves(units: &[UnitPerformance]) -> PerformanceCurves {
    let sorted = |rate: fn(&UnitPerformance) -> f64| -> Vec<f64> {
        let mut rates: Vec<f64> = units.iter().map(rate).collect();
        rates.sort_unstable_by(|a, b| b.total_cmp(a));
        rates
    };
    let sorted_accuracy = sorted(|unit| unit.accuracy);
    let above = |least: f64| sorted_accuracy.partition_point(|&accuracy| accuracy > least);
    let accuracy_threshold: Vec<f64> = (0..=100).map(|percent| f64::from(percent) / 100.0).collect();
    PerformanceCurves {
        n_units_above: accuracy_threshold.iter().map(|&least| above(least)).collect(),
        n_units_above_0_8: above(0.8),
        sorted_recall: sorted(|unit| unit.recall),
        sorted_precision: sorted(|unit| unit.precision),
        accuracy_threshold,
        sorted_accuracy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, match_units, performance};

    #[test]
    fn the_fixture_has_one_unit_above_0_8_and_five_above_one_half() {
        let match_12 = match_units(&fixture::agreement(), 0.5, 0.1).hungarian_match_12;
        let (n_gt, n_tested) = (
            fixture::lengths(&fixture::truth()),
            fixture::lengths(&fixture::tested()),
        );
        let units = performance(&fixture::counts(), &match_12, &n_gt, &n_tested).performance_by_unit;
        let curves = performance_curves(&units);
        assert_eq!(curves.n_units_above_0_8, 1);
        assert_eq!(curves.n_units_above[50], 5);
        // The threshold is strict: unit 5 has exactly 0.75, and 0 is not above 0.
        assert_eq!((curves.n_units_above[74], curves.n_units_above[75]), (2, 1));
        assert_eq!((curves.n_units_above[0], curves.n_units_above[100]), (5, 0));
        assert!(curves.sorted_accuracy.windows(2).all(|pair| pair[0] >= pair[1]));
    }
}
