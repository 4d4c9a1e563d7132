//! Where the spikes of each unit go.

use ndarray::Array2;
use serde::Serialize;

use crate::json;

/// Spikes of true units (rows) in tested units (columns), matched pairs first, so that they lie on the diagonal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfusionMatrix {
    /// True units of the rows: those with a partner, then the others. The row after them counts false positives.
    pub rows: Vec<usize>,
    /// Tested units of the columns: the partners in the order of the rows, then the others. The column after them counts
    /// false negatives.
    pub columns: Vec<usize>,
    /// `[true units + 1, tested units + 1]`, as SpikeInterface: hits only for pairs, last row false positives, last column
    /// false negatives.
    #[serde(serialize_with = "json::rows")]
    pub matched: Array2<i64>,
    /// The same with the coincidences of all pairs of units, which shows where the spikes of merged units went.
    #[serde(serialize_with = "json::rows")]
    pub full: Array2<i64>,
}

/// The confusion matrix from the coinciding spikes `counts`, `[true units, tested units]`, a one-to-one match and the numbers
/// of spikes.
pub fn confusion_matrix(
    counts: &Array2<u32>,
    match_12: &[Option<usize>],
    n_gt: &[usize],
    n_tested: &[usize],
) -> ConfusionMatrix {
    let (rows, columns, n_matched) = order(match_12, n_tested.len());
    let shape = (rows.len() + 1, columns.len() + 1);
    let mut matched = Array2::zeros(shape);
    let mut full = Array2::zeros(shape);
    for (r, &i) in rows.iter().enumerate() {
        for (c, &j) in columns.iter().enumerate() {
            full[[r, c]] = i64::from(counts[[i, j]]);
        }
        matched[[r, columns.len()]] = n_gt[i] as i64;
    }
    for (c, &j) in columns.iter().enumerate() {
        matched[[rows.len(), c]] = n_tested[j] as i64;
    }
    // With a match that is not one-to-one, several rows may share a column; each counts in its own row.
    for (r, &i) in rows.iter().enumerate().take(n_matched) {
        let partner = match_12[i].and_then(|j| columns.iter().position(|&column| column == j));
        if let Some(c) = partner {
            let tp = full[[r, c]];
            matched[[r, c]] = tp;
            matched[[r, columns.len()]] = n_gt[i] as i64 - tp;
            matched[[rows.len(), c]] = n_tested[columns[c]] as i64 - tp;
        }
    }
    full.column_mut(columns.len()).assign(&matched.column(columns.len()));
    full.row_mut(rows.len()).assign(&matched.row(rows.len()));
    ConfusionMatrix {
        rows,
        columns,
        matched,
        full,
    }
}

/// Rows, columns and the number of rows with a partner.
fn order(match_12: &[Option<usize>], n_tested: usize) -> (Vec<usize>, Vec<usize>, usize) {
    let mut taken = vec![false; n_tested];
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    for (i, partner) in match_12.iter().enumerate() {
        if let Some(j) = *partner {
            rows.push(i);
            if !taken[j] {
                columns.push(j);
                taken[j] = true;
            }
        }
    }
    let n_matched = rows.len();
    rows.extend((0..match_12.len()).filter(|&i| match_12[i].is_none()));
    columns.extend((0..n_tested).filter(|&j| !taken[j]));
    (rows, columns, n_matched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, match_units};

    #[test]
    fn the_fixture_has_the_confusion_matrix_of_spikeinterface() {
        let match_12 = match_units(&fixture::agreement(), 0.5, 0.1).hungarian_match_12;
        let (n_gt, n_tested) = (
            fixture::lengths(&fixture::truth()),
            fixture::lengths(&fixture::tested()),
        );
        let confusion = confusion_matrix(&fixture::counts(), &match_12, &n_gt, &n_tested);
        assert_eq!(confusion.rows, [0, 1, 3, 4, 5, 2]);
        assert_eq!(confusion.columns, [0, 1, 3, 4, 7, 2, 5, 6]);
        assert_eq!(confusion.matched.row(6).to_vec(), [0, 0, 216, 83, 203, 74, 51, 390, 0]);
        assert_eq!(confusion.matched.column(8).to_vec(), [4, 74, 13, 83, 0, 232, 0]);
        let diagonal: Vec<i64> = (0..5).map(|k| confusion.matched[[k, k]]).collect();
        assert_eq!(diagonal, [107, 113, 266, 303, 609]);
        assert_eq!(confusion.matched.sum(), 1398 + 406 + 502 + 74 + 51 + 390);
        // Truth 2 has no partner: its spikes are seen in tested unit 3 only in the full matrix.
        assert_eq!((confusion.matched[[5, 2]], confusion.full[[5, 2]]), (0, 216));
    }

    #[test]
    fn nothing_to_match_leaves_only_the_margins() {
        let confusion = confusion_matrix(&Array2::zeros((1, 1)), &[None], &[3], &[4]);
        assert_eq!(confusion.matched, ndarray::array![[0, 3], [4, 0]]);
    }
}
