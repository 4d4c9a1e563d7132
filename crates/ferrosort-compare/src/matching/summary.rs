//! Two sortings in a few numbers.

use ndarray::Array2;
use serde::Serialize;

use super::units::{UnitMatches, matched_pairs};
use crate::statistics::median;

/// What two sortings have in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairSummary {
    /// Units of a and b.
    pub n_units: [usize; 2],
    /// Spikes of a and b.
    pub n_spikes: [usize; 2],
    /// One-to-one pairs with an agreement of at least 0.5.
    pub n_pairs_above_half: usize,
    /// One-to-one pairs with an agreement of at least 0.8.
    pub n_pairs_above_0_8: usize,
    /// Units of a and of b without a one-to-one partner.
    pub n_unmatched: [usize; 2],
    /// Median agreement of the one-to-one pairs, not a number without pairs.
    pub median_agreement: f64,
    /// Part of the spikes of a that coincide with a spike of the unit's partner, and the same for b, 0 to 1.
    pub explained_spikes: [f64; 2],
    /// Largest agreement of each unit of a with any unit of b.
    pub best_agreement_a: Vec<f64>,
    /// Largest agreement of each unit of b with any unit of a.
    pub best_agreement_b: Vec<f64>,
}

/// Summarises the comparison of two sortings with `n_a` and `n_b` spikes in their units.
pub fn summarize_pair(
    counts: &Array2<u32>,
    agreement: &Array2<f64>,
    matches: &UnitMatches,
    n_a: &[usize],
    n_b: &[usize],
) -> PairSummary {
    let pairs = matched_pairs(&matches.hungarian_match_12);
    let scores: Vec<f64> = pairs.iter().map(|&(i, j)| agreement[[i, j]]).collect();
    let above = |least: f64| scores.iter().filter(|&&score| score >= least).count();
    let n_spikes = [n_a.iter().sum(), n_b.iter().sum()];
    let coinciding: f64 = pairs.iter().map(|&(i, j)| f64::from(counts[[i, j]])).sum();
    let largest = |scores: ndarray::ArrayView1<f64>| scores.iter().fold(0.0, |most: f64, &score| most.max(score));
    PairSummary {
        n_units: [n_a.len(), n_b.len()],
        n_spikes,
        n_pairs_above_half: above(0.5),
        n_pairs_above_0_8: above(0.8),
        n_unmatched: [n_a.len() - pairs.len(), n_b.len() - pairs.len()],
        median_agreement: median(&scores),
        explained_spikes: n_spikes.map(|n| coinciding / (n as f64).max(1.0)),
        best_agreement_a: agreement.rows().into_iter().map(largest).collect(),
        best_agreement_b: agreement.columns().into_iter().map(largest).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, match_event_count, match_units};

    #[test]
    fn the_fixture_has_five_pairs() {
        let (truth, tested) = (fixture::truth(), fixture::tested());
        let lengths = |trains: &[Vec<i64>]| -> Vec<usize> { trains.iter().map(Vec::len).collect() };
        let counts = match_event_count(&truth, &tested, fixture::TOLERANCE, true);
        let agreement = fixture::agreement();
        let matches = match_units(&agreement, 0.5, 0.1);
        let summary = summarize_pair(&counts, &agreement, &matches, &lengths(&truth), &lengths(&tested));
        assert_eq!((summary.n_pairs_above_half, summary.n_pairs_above_0_8), (5, 1));
        assert_eq!(summary.n_unmatched, [1, 3]);
        assert!((summary.median_agreement - 0.646055).abs() < 5e-7);
        // 107 + 113 + 266 + 303 + 609 coincidences of 1804 and 2415 spikes.
        assert!((summary.explained_spikes[0] - 1398.0 / 1804.0).abs() < 1e-15);
        assert!((summary.explained_spikes[1] - 1398.0 / 2415.0).abs() < 1e-15);
    }
}
