//! Kinds of tested units: found, invented, found twice, merged.

use ndarray::Array2;
use serde::Serialize;

use crate::matching::UnitMatches;

/// Agreements that separate the classes of units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassThresholds {
    /// At least this: well detected.
    pub well_detected: f64,
    /// At least this: redundant rather than a false positive.
    pub redundant: f64,
    /// More than this with several true units: overmerged; of one true unit with several tested: oversplit.
    pub overmerged: f64,
    /// Less than this with every tested unit: missed.
    pub missed: f64,
}

impl Default for ClassThresholds {
    fn default() -> Self {
        Self {
            well_detected: 0.8,
            redundant: 0.2,
            overmerged: 0.2,
            missed: 0.1,
        }
    }
}

/// Places of the units of each class, ascending. The first five are of tested units, as in SpikeInterface; the last two are
/// of true units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitClasses {
    /// Matched one-to-one, with an agreement of at least 0.8.
    pub well_detected: Vec<usize>,
    /// Not matched, and no true unit agrees with it by 0.2 or more. Without an exhaustive truth `None`, like the next three.
    pub false_positive: Option<Vec<usize>>,
    /// Not matched, and not the best match of the true unit with which it agrees best, by 0.2 or more.
    pub redundant: Option<Vec<usize>>,
    /// Agrees with more than one true unit by more than 0.2. May be well detected too.
    pub overmerged: Option<Vec<usize>>,
    /// Not matched.
    pub bad: Option<Vec<usize>>,
    /// True units with which more than one tested unit agrees by more than 0.2.
    pub oversplit: Vec<usize>,
    /// True units with which no tested unit agrees by 0.1.
    pub missed: Vec<usize>,
}

/// Classes of the units from their `agreement`, `[true units, tested units]`, and matches. Classes that assume that every
/// true spike is known are `None` unless the truth is `exhaustive`.
pub fn classify_units(
    agreement: &Array2<f64>,
    matches: &UnitMatches,
    thresholds: ClassThresholds,
    exhaustive: bool,
) -> UnitClasses {
    let (n_true, n_tested) = agreement.dim();
    let partner = |j: usize| matches.hungarian_match_21[j];
    let tested = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> { (0..n_tested).filter(|&j| keep(j)).collect() };
    let is_false = |j: usize| {
        partner(j).is_none() && matches.best_match_21[j].is_none_or(|i| agreement[[i, j]] < thresholds.redundant)
    };
    let is_redundant = |j: usize| {
        let other_is_better =
            |i: usize| matches.best_match_12[i] != Some(j) && agreement[[i, j]] >= thresholds.redundant;
        partner(j).is_none() && matches.best_match_21[j].is_some_and(other_is_better)
    };
    let several = |scores: ndarray::ArrayView1<f64>| scores.iter().filter(|&&s| s > thresholds.overmerged).count() > 1;
    let if_exhaustive = |units: Vec<usize>| exhaustive.then_some(units);
    UnitClasses {
        well_detected: tested(&|j| partner(j).is_some_and(|i| agreement[[i, j]] >= thresholds.well_detected)),
        false_positive: if_exhaustive(tested(&is_false)),
        redundant: if_exhaustive(tested(&is_redundant)),
        overmerged: if_exhaustive(tested(&|j| several(agreement.column(j)))),
        bad: if_exhaustive(tested(&|j| partner(j).is_none())),
        oversplit: (0..n_true).filter(|&i| several(agreement.row(i))).collect(),
        missed: (0..n_true)
            .filter(|&i| agreement.row(i).iter().all(|&score| score < thresholds.missed))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, match_units};

    #[test]
    fn the_fixture_has_the_classes_of_spikeinterface() {
        let agreement = fixture::agreement();
        let matches = match_units(&agreement, 0.5, 0.1);
        let classes = classify_units(&agreement, &matches, ClassThresholds::default(), true);
        assert_eq!(classes.well_detected, [0]);
        assert_eq!(classes.false_positive, Some(vec![6]));
        assert_eq!(classes.redundant, Some(vec![2, 5]));
        assert_eq!(classes.overmerged, Some(vec![3]));
        assert_eq!(classes.bad, Some(vec![2, 5, 6]));
        assert_eq!(classes.oversplit, [0, 1]);
        assert!(classes.missed.is_empty());
    }

    #[test]
    fn without_an_exhaustive_truth_no_unit_is_called_false() {
        let agreement = ndarray::array![[0.9, 0.0], [0.0, 0.05]];
        let matches = match_units(&agreement, 0.5, 0.1);
        let classes = classify_units(&agreement, &matches, ClassThresholds::default(), false);
        assert_eq!(classes.well_detected, [0]);
        assert_eq!(classes.missed, [1]);
        assert_eq!((classes.false_positive, classes.bad), (None, None));
    }
}
