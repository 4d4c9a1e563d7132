//! How well the spikes of two units agree, from 0 to 1.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::counts::overlap_sums;
use crate::json;
use crate::merged::{MergedSpike, merge};

/// Which of the agreements decides about the matching of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgreementMethod {
    /// Coinciding spikes over the spikes of both units: [`agreement_scores`].
    #[default]
    Count,
    /// The same with near spikes counting by how near they are: [`distance_agreement`].
    Distance,
}

/// Agreement of every pair of units: `m / (n_a + n_b - m)` with `m` coinciding spikes, 0 for two units without spikes.
///
/// `counts` is [`crate::match_event_count`], `[units of a, units of b]`; `n_a` and `n_b` are numbers of spikes. It equals
/// the accuracy `TP / (TP + FN + FP)`. It is at most 1 unless spikes of one unit are closer than the tolerance and were
/// counted symmetrically.
pub fn agreement_scores(counts: &Array2<u32>, n_a: &[usize], n_b: &[usize]) -> Array2<f64> {
    Array2::from_shape_fn(counts.dim(), |(i, j)| {
        let matches = f64::from(counts[[i, j]]);
        let either = n_a[i] as f64 + n_b[j] as f64 - matches;
        if either == 0.0 { 0.0 } else { matches / either }
    })
}

/// Agreements that weigh near spikes by their distance: trains as sums of boxes as wide as the tolerance, compared as
/// functions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistanceAgreement {
    /// `dot / (norm_a + norm_b - dot)`, `[units of a, units of b]`; SpikeInterface's `agreement_method="distance"`.
    #[serde(serialize_with = "json::rows")]
    pub accuracy: Array2<f64>,
    /// `dot / norm_a`.
    #[serde(serialize_with = "json::rows")]
    pub recall: Array2<f64>,
    /// `dot / norm_b`.
    #[serde(serialize_with = "json::rows")]
    pub precision: Array2<f64>,
    /// `dot / sqrt(norm_a norm_b)`.
    #[serde(serialize_with = "json::rows")]
    pub cosine: Array2<f64>,
}

/// Agreement by distance of every pair of units.
///
/// `dot` sums `tolerance - |t_a - t_b|` over all pairs of spikes at most `tolerance` samples apart; the norm of a unit is
/// its `dot` with itself. All four are 0 where `dot` is 0. Trains are ascending.
pub fn distance_agreement(a: &[Vec<i64>], b: &[Vec<i64>], tolerance: i64) -> DistanceAgreement {
    distance_between(a, b, &merge(a), &merge(b), tolerance)
}

/// [`distance_agreement`] for those who have merged the trains already.
pub(crate) fn distance_between(
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    merged_a: &[MergedSpike],
    merged_b: &[MergedSpike],
    tolerance: i64,
) -> DistanceAgreement {
    let dots = overlap_sums(a, merged_a, merged_b, b.len(), tolerance);
    let norms_a: Vec<f64> = a.iter().map(|train| squared_norm(train, tolerance)).collect();
    let norms_b: Vec<f64> = b.iter().map(|train| squared_norm(train, tolerance)).collect();
    let score = |formula: fn(f64, f64, f64) -> f64| {
        Array2::from_shape_fn(dots.dim(), |(i, j)| match dots[[i, j]] {
            0 => 0.0,
            dot => formula(dot as f64, norms_a[i], norms_b[j]),
        })
    };
    DistanceAgreement {
        accuracy: score(|dot, a, b| dot / (a + b - dot)),
        recall: score(|dot, a, _| dot / a),
        precision: score(|dot, _, b| dot / b),
        cosine: score(|dot, a, b| dot / (a * b).sqrt()),
    }
}

/// Sum of `tolerance - |distance|` over all ordered pairs of near spikes of one train, each with itself included.
fn squared_norm(train: &[i64], tolerance: i64) -> f64 {
    let mut pairs = 0;
    for (p, &t) in train.iter().enumerate() {
        let near = train[p + 1..].iter().take_while(|&&other| other - t <= tolerance);
        pairs += near.map(|&other| tolerance - (other - t)).sum::<i64>();
    }
    (tolerance * train.len() as i64 + 2 * pairs) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{fixture, match_event_count};

    fn lengths(trains: &[Vec<i64>]) -> Vec<usize> {
        trains.iter().map(Vec::len).collect()
    }

    #[test]
    fn the_fixture_has_the_agreement_of_spikeinterface() {
        let (truth, tested) = (fixture::truth(), fixture::tested());
        let counts = match_event_count(&truth, &tested, fixture::TOLERANCE, true);
        let scores = agreement_scores(&counts, &lengths(&truth), &lengths(&tested));
        let distance = distance_agreement(&truth, &tested, fixture::TOLERANCE).accuracy;
        let by_count = [
            ([0, 0], 0.963964),
            ([0, 5], 0.459459),
            ([1, 1], 0.604278),
            ([1, 2], 0.395722),
            ([2, 3], 0.433735),
            ([3, 3], 0.537374),
            ([4, 4], 0.646055),
            ([5, 7], 0.750000),
        ];
        for (pair, expected) in by_count {
            assert!((scores[pair] - expected).abs() < 5e-7, "{pair:?}: {}", scores[pair]);
        }
        let by_distance = [
            ([0, 0], 0.610837),
            ([0, 5], 0.265625),
            ([1, 1], 0.468189),
            ([3, 3], 0.419114),
            ([4, 4], 0.238668),
            ([5, 7], 0.781818),
        ];
        for (pair, expected) in by_distance {
            assert!((distance[pair] - expected).abs() < 5e-7, "{pair:?}: {}", distance[pair]);
        }
    }

    #[test]
    fn distances_weigh_near_spikes() {
        // dot = 10 - 4 = 6; norms: 20 for two spikes far apart, 10 for one.
        let scores = distance_agreement(&[vec![100, 500]], &[vec![104]], 10);
        assert!((scores.accuracy[[0, 0]] - 6.0 / 24.0).abs() < 1e-15);
        assert!((scores.recall[[0, 0]] - 0.3).abs() < 1e-15);
        assert!((scores.precision[[0, 0]] - 0.6).abs() < 1e-15);
        assert!((scores.cosine[[0, 0]] - 6.0 / 200_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn units_without_spikes_agree_with_nothing() {
        let counts = match_event_count(&[vec![]], &[vec![]], 5, true);
        assert_eq!(agreement_scores(&counts, &[0], &[0])[[0, 0]], 0.0);
        assert_eq!(distance_agreement(&[vec![]], &[vec![]], 5).cosine[[0, 0]], 0.0);
    }

    proptest! {
        #[test]
        fn agreement_lies_between_0_and_1_and_is_1_with_itself(
            a in prop::collection::vec(fixture::isolated_train(), 1..4),
            b in prop::collection::vec(fixture::isolated_train(), 1..4),
        ) {
            let scores = agreement_scores(&match_event_count(&a, &b, 5, false), &lengths(&a), &lengths(&b));
            prop_assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
            let own = agreement_scores(&match_event_count(&a, &a, 5, false), &lengths(&a), &lengths(&a));
            for (i, train) in a.iter().enumerate() {
                prop_assert_eq!(own[[i, i]], if train.is_empty() { 0.0 } else { 1.0 });
            }
        }

        #[test]
        fn distance_agreement_is_symmetric_and_within_bounds(
            a in prop::collection::vec(fixture::any_train(300), 1..4),
            b in prop::collection::vec(fixture::any_train(300), 1..4),
        ) {
            let forth = distance_agreement(&a, &b, 7);
            let back = distance_agreement(&b, &a, 7);
            prop_assert_eq!(&forth.accuracy, &back.accuracy.reversed_axes());
            prop_assert_eq!(&forth.recall, &back.precision.reversed_axes());
            prop_assert!(forth.cosine.iter().all(|score| (0.0..=1.0 + 1e-12).contains(score)));
        }
    }
}
