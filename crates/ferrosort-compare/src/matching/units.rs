//! Which units of two sortings are the same.

use ndarray::{Array2, ArrayView1};
use serde::Serialize;

use super::assign::maximum_assignment;
use crate::json;

/// Partners of units, by place in the list of the other side; in JSON -1 stands for none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitMatches {
    /// For each unit of a, all units of b whose agreement is at least the chance score and above 0.
    pub possible_match_12: Vec<Vec<usize>>,
    /// The same from the other side.
    pub possible_match_21: Vec<Vec<usize>>,
    /// For each unit of a, the unit of b with the largest agreement, if that is at least the chance score.
    #[serde(serialize_with = "json::places")]
    pub best_match_12: Vec<Option<usize>>,
    /// The same from the other side.
    #[serde(serialize_with = "json::places")]
    pub best_match_21: Vec<Option<usize>>,
    /// One-to-one: the pairs that maximise the summed agreement, those below the match score left out.
    #[serde(serialize_with = "json::places")]
    pub hungarian_match_12: Vec<Option<usize>>,
    /// The same from the other side.
    #[serde(serialize_with = "json::places")]
    pub hungarian_match_21: Vec<Option<usize>>,
}

/// Matches the units of two sortings by their `agreement`, `[units of a, units of b]`.
///
/// Agreements below `match_score` count as 0 in the one-to-one match, so that they cannot push a good pair aside.
/// Ties go to the lowest index. The rules and defaults (0.5 and 0.1) are SpikeInterface's.
pub fn match_units(agreement: &Array2<f64>, match_score: f64, chance_score: f64) -> UnitMatches {
    let (rows, columns) = (agreement.rows(), agreement.columns());
    let (hungarian_match_12, hungarian_match_21) = one_to_one(agreement, match_score);
    UnitMatches {
        possible_match_12: rows.into_iter().map(|row| possible(row, chance_score)).collect(),
        possible_match_21: columns
            .into_iter()
            .map(|column| possible(column, chance_score))
            .collect(),
        best_match_12: agreement
            .rows()
            .into_iter()
            .map(|row| best(row, chance_score))
            .collect(),
        best_match_21: agreement
            .columns()
            .into_iter()
            .map(|column| best(column, chance_score))
            .collect(),
        hungarian_match_12,
        hungarian_match_21,
    }
}

/// The unit itself and, when it has one, its partner: pairs of a one-to-one match in the order of the first side.
pub(crate) fn matched_pairs(match_12: &[Option<usize>]) -> Vec<(usize, usize)> {
    match_12
        .iter()
        .enumerate()
        .filter_map(|(i, j)| j.map(|j| (i, j)))
        .collect()
}

fn possible(scores: ArrayView1<f64>, chance_score: f64) -> Vec<usize> {
    let above = |score: f64| score >= chance_score && score > 0.0;
    scores
        .iter()
        .enumerate()
        .filter(|(_, score)| above(**score))
        .map(|(unit, _)| unit)
        .collect()
}

fn best(scores: ArrayView1<f64>, chance_score: f64) -> Option<usize> {
    first_maximum(scores).filter(|&unit| scores[unit] >= chance_score)
}

/// Place of the largest value, the first of equal ones.
pub(crate) fn first_maximum(values: ArrayView1<f64>) -> Option<usize> {
    let mut largest = None;
    for (place, &value) in values.iter().enumerate() {
        if largest.is_none_or(|(_, most)| value > most) {
            largest = Some((place, value));
        }
    }
    largest.map(|(place, _)| place)
}

fn one_to_one(agreement: &Array2<f64>, match_score: f64) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let counted = agreement.mapv(|score| if score < match_score { 0.0 } else { score });
    let mut match_12 = maximum_assignment(counted.view());
    let mut match_21 = vec![None; agreement.ncols()];
    for (i, partner) in match_12.iter_mut().enumerate() {
        *partner = partner.filter(|&j| agreement[[i, j]] >= match_score);
        if let Some(j) = *partner {
            match_21[j] = Some(i);
        }
    }
    (match_12, match_21)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_fixture_is_matched_as_by_spikeinterface() {
        let matches = match_units(&fixture::agreement(), 0.5, 0.1);
        assert_eq!(
            matches.hungarian_match_12,
            [Some(0), Some(1), None, Some(3), Some(4), Some(7)]
        );
        assert_eq!(
            matches.hungarian_match_21,
            [Some(0), Some(1), None, Some(3), Some(4), None, None, Some(5)]
        );
        assert_eq!(matches.best_match_12, [0, 1, 3, 3, 4, 7].map(Some));
        assert_eq!(
            matches.best_match_21,
            [Some(0), Some(1), Some(1), Some(3), Some(4), Some(0), None, Some(5)]
        );
        assert_eq!(matches.possible_match_12[1], [1, 2]);
        assert_eq!(matches.possible_match_21[3], [2, 3]);
    }

    #[test]
    fn ties_go_to_the_first_unit() {
        let matches = match_units(&array![[0.6, 0.6], [0.6, 0.6]], 0.5, 0.1);
        assert_eq!(matches.best_match_12, [Some(0), Some(0)]);
        assert_eq!(matches.hungarian_match_12, [Some(0), Some(1)]);
    }

    #[test]
    fn a_score_of_zero_is_no_possible_match_whatever_the_threshold() {
        let matches = match_units(&array![[0.0, 0.2]], 0.5, 0.0);
        assert_eq!(matches.possible_match_12, [[1]]);
        assert_eq!(matches.best_match_21, [Some(0), Some(0)]);
    }

    proptest! {
        #[test]
        fn renaming_the_units_renames_the_matches(
            values in prop::collection::vec(0.0_f64..1.0, 20),
            rotation in 0_usize..5,
        ) {
            let scores = Array2::from_shape_fn((4, 5), |(i, j)| values[i * 5 + j]);
            let rotated = Array2::from_shape_fn((4, 5), |(i, j)| scores[[i, (j + rotation) % 5]]);
            let (before, after) = (match_units(&scores, 0.3, 0.1), match_units(&rotated, 0.3, 0.1));
            let renamed = |places: &[Option<usize>]| -> Vec<Option<usize>> {
                places.iter().map(|place| place.map(|j| (j + rotation) % 5)).collect()
            };
            prop_assert_eq!(before.hungarian_match_12, renamed(&after.hungarian_match_12));
            prop_assert_eq!(before.best_match_12, renamed(&after.best_match_12));
        }
    }
}
