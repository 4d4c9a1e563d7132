//! An order of rows and columns that puts the matches on the diagonal.

use ndarray::Array2;
use serde::Serialize;

use super::units::first_maximum;

/// Units of both sides in the order of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitOrder {
    /// Places of the units of a, top to bottom.
    pub rows: Vec<usize>,
    /// Places of the units of b, left to right.
    pub columns: Vec<usize>,
}

/// Orders a matrix of scores along its diagonal: rows by their largest score, descending; each row in turn takes the column
/// with its largest score among those left; columns that no row took follow in their own order.
///
/// Among equal scores the lowest index goes first. Scores that are not numbers come last.
pub fn order_by_agreement(scores: &Array2<f64>) -> UnitOrder {
    let (n_rows, n_columns) = scores.dim();
    let largest: Vec<f64> = scores
        .rows()
        .into_iter()
        .map(|row| first_maximum(row).map_or(f64::NEG_INFINITY, |column| row[column]))
        .collect();
    let mut rows: Vec<usize> = (0..n_rows).collect();
    rows.sort_by(|&i, &k| largest[k].total_cmp(&largest[i]));
    let mut taken = vec![false; n_columns];
    let mut columns = Vec::with_capacity(n_columns);
    for &i in &rows {
        let mut best: Option<usize> = None;
        for j in (0..n_columns).filter(|&j| !taken[j]) {
            if best.is_none_or(|most| scores[[i, j]] > scores[[i, most]]) {
                best = Some(j);
            }
        }
        if let Some(j) = best {
            taken[j] = true;
            columns.push(j);
        }
    }
    columns.extend((0..n_columns).filter(|&j| !taken[j]));
    UnitOrder { rows, columns }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn rows_with_large_scores_come_first_and_choose_first() {
        let scores = array![[0.2, 0.1, 0.0, 0.0], [0.9, 0.3, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0]];
        let order = order_by_agreement(&scores);
        assert_eq!(order.rows, [1, 2, 0]);
        assert_eq!(order.columns, [0, 2, 1, 3]);
    }

    #[test]
    fn more_rows_than_columns_use_up_the_columns() {
        let order = order_by_agreement(&array![[0.1], [0.5]]);
        assert_eq!((order.rows, order.columns), (vec![1, 0], vec![0]));
    }
}
