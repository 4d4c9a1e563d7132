//! How the accuracy depends on the tolerance.

use ndarray::Array2;
use serde::Serialize;

use super::agreement::agreement_scores;
use super::counts::{count_matches_at, tolerance_samples};
use super::units::match_units;
use crate::json;
use crate::merged::merge;

/// 0.1, 0.2, ... 1.0 ms.
pub fn default_tolerances_ms() -> Vec<f64> {
    (1..=10).map(|tenths| f64::from(tenths) / 10.0).collect()
}

/// Accuracies at several tolerances, with the units matched anew at each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToleranceCurve {
    /// The tolerances, ms.
    pub tolerances_ms: Vec<f64>,
    /// The same in whole samples.
    pub tolerances_samples: Vec<i64>,
    /// Samples that were subtracted from the first sorting before.
    pub offset_samples: i64,
    /// Accuracy of each unit of the first sorting with its one-to-one partner, 0 without one, `[tolerances, units]`.
    #[serde(serialize_with = "json::rows")]
    pub accuracy: Array2<f64>,
    /// Mean over the units at each tolerance, not a number without units.
    pub mean_accuracy: Vec<f64>,
    /// Number of units with a partner at each tolerance.
    pub n_matched: Vec<usize>,
}

/// Accuracy of the units of `a` (the truth) at each of `tolerances_ms`, after `offset_samples` were subtracted from `a`.
pub fn accuracy_against_tolerance(
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    sample_rate: f64,
    tolerances_ms: &[f64],
    match_score: f64,
    offset_samples: i64,
) -> ToleranceCurve {
    let shifted: Vec<Vec<i64>> = a
        .iter()
        .map(|train| train.iter().map(|t| t - offset_samples).collect())
        .collect();
    let (merged_a, merged_b) = (merge(&shifted), merge(b));
    let lengths = |trains: &[Vec<i64>]| -> Vec<usize> { trains.iter().map(Vec::len).collect() };
    let (n_a, n_b) = (lengths(a), lengths(b));
    let mut curve = ToleranceCurve {
        tolerances_ms: tolerances_ms.to_vec(),
        tolerances_samples: tolerances_ms
            .iter()
            .map(|&ms| tolerance_samples(ms, sample_rate))
            .collect(),
        offset_samples,
        accuracy: Array2::zeros((tolerances_ms.len(), a.len())),
        mean_accuracy: Vec::with_capacity(tolerances_ms.len()),
        n_matched: Vec::with_capacity(tolerances_ms.len()),
    };
    let counts = count_matches_at(&shifted, b, &merged_a, &merged_b, &curve.tolerances_samples);
    for (row, counts) in counts.into_iter().enumerate() {
        let agreement = agreement_scores(&counts, &n_a, &n_b);
        let partners = match_units(&agreement, match_score, match_score).hungarian_match_12;
        for (i, partner) in partners.iter().enumerate() {
            curve.accuracy[[row, i]] = partner.map_or(0.0, |j| agreement[[i, j]]);
        }
        curve.mean_accuracy.push(curve.accuracy.row(row).sum() / a.len() as f64);
        curve.n_matched.push(partners.iter().flatten().count());
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_unit_is_found_at_a_wide_tolerance_or_without_its_offset() {
        let late: Vec<i64> = (1..20).map(|k| k * 1000).collect();
        let tested = vec![late.iter().map(|t| t - 20).collect::<Vec<_>>()];
        let truth = vec![late];
        let curve = accuracy_against_tolerance(&truth, &tested, 30000.0, &[0.1, 0.5, 0.8], 0.5, 0);
        assert_eq!(curve.tolerances_samples, [3, 15, 24]);
        assert_eq!(curve.mean_accuracy, [0.0, 0.0, 1.0]);
        assert_eq!(curve.n_matched, [0, 0, 1]);
        let curve = accuracy_against_tolerance(&truth, &tested, 30000.0, &[0.1], 0.5, 20);
        assert_eq!(curve.mean_accuracy, [1.0]);
    }
}
