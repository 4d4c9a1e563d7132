//! The assignment of rows to columns with the largest sum.

use ndarray::{Array2, ArrayView2};

/// For every row of `scores`, the column assigned to it such that each column is used at most once, `min(rows, columns)`
/// pairs are made and the sum of their scores is the largest possible.
///
/// Shortest augmenting paths (D. F. Crouse, IEEE Transactions on Aerospace and Electronic Systems 52:1679, 2016), rows in
/// order, the matrix transposed when it has more rows than columns. Where several assignments have the same sum, the choice
/// is that of SciPy's `linear_sum_assignment`: among equal distances a column that ends the path goes first, and columns
/// are tried from the last to the first. Scores must be finite; those that are not count as 0.
pub fn maximum_assignment(scores: ArrayView2<f64>) -> Vec<Option<usize>> {
    let (n_rows, n_columns) = scores.dim();
    let cost = |score: f64| if score.is_finite() { -score } else { 0.0 };
    if n_rows <= n_columns {
        let costs = Array2::from_shape_fn((n_rows, n_columns), |(i, j)| cost(scores[[i, j]]));
        return Paths::new(&costs).solve().into_iter().map(Some).collect();
    }
    let costs = Array2::from_shape_fn((n_columns, n_rows), |(j, i)| cost(scores[[i, j]]));
    let mut column_of_row = vec![None; n_rows];
    for (column, row) in Paths::new(&costs).solve().into_iter().enumerate() {
        column_of_row[row] = Some(column);
    }
    column_of_row
}

/// The state of the search: not more rows than columns.
struct Paths<'a> {
    costs: &'a Array2<f64>,
    /// Dual variables of rows and columns.
    row_price: Vec<f64>,
    column_price: Vec<f64>,
    column_of_row: Vec<Option<usize>>,
    row_of_column: Vec<Option<usize>>,
    /// Length of the shortest path to each column in the current search, and the row before it.
    distance: Vec<f64>,
    previous: Vec<usize>,
    row_seen: Vec<bool>,
    column_seen: Vec<bool>,
    /// Columns not yet reached.
    remaining: Vec<usize>,
}

impl<'a> Paths<'a> {
    fn new(costs: &'a Array2<f64>) -> Self {
        let (n_rows, n_columns) = costs.dim();
        Self {
            costs,
            row_price: vec![0.0; n_rows],
            column_price: vec![0.0; n_columns],
            column_of_row: vec![None; n_rows],
            row_of_column: vec![None; n_columns],
            distance: vec![f64::INFINITY; n_columns],
            previous: vec![0; n_columns],
            row_seen: vec![false; n_rows],
            column_seen: vec![false; n_columns],
            remaining: Vec::with_capacity(n_columns),
        }
    }

    /// Column of each row.
    fn solve(mut self) -> Vec<usize> {
        for row in 0..self.column_of_row.len() {
            let (sink, length) = self.shortest_path(row);
            self.update_prices(row, length);
            self.augment(row, sink);
        }
        self.column_of_row.into_iter().flatten().collect()
    }

    /// The free column nearest to `start`, and the length of the path to it.
    fn shortest_path(&mut self, start: usize) -> (usize, f64) {
        self.distance.fill(f64::INFINITY);
        self.row_seen.fill(false);
        self.column_seen.fill(false);
        self.remaining.clear();
        self.remaining.extend((0..self.row_of_column.len()).rev());
        let mut row = start;
        let mut length = 0.0;
        loop {
            self.row_seen[row] = true;
            let place = self.nearest(row, length);
            let column = self.remaining.swap_remove(place);
            length = self.distance[column];
            self.column_seen[column] = true;
            match self.row_of_column[column] {
                None => return (column, length),
                Some(next) => row = next,
            }
        }
    }

    /// Extends the paths by the edges of `row`; place in `remaining` of the column that is nearest then.
    fn nearest(&mut self, row: usize, length: f64) -> usize {
        let costs = self.costs.row(row);
        let mut lowest = f64::INFINITY;
        let mut nearest = 0;
        for (place, &column) in self.remaining.iter().enumerate() {
            let reduced = length + costs[column] - self.row_price[row] - self.column_price[column];
            if reduced < self.distance[column] {
                self.distance[column] = reduced;
                self.previous[column] = row;
            }
            let distance = self.distance[column];
            if distance < lowest || (distance == lowest && self.row_of_column[column].is_none()) {
                lowest = distance;
                nearest = place;
            }
        }
        nearest
    }

    fn update_prices(&mut self, start: usize, length: f64) {
        self.row_price[start] += length;
        for row in 0..self.row_seen.len() {
            let is_on_path = self.row_seen[row] && row != start;
            if let Some(column) = self.column_of_row[row].filter(|_| is_on_path) {
                self.row_price[row] += length - self.distance[column];
            }
        }
        for column in 0..self.column_seen.len() {
            if self.column_seen[column] {
                self.column_price[column] -= length - self.distance[column];
            }
        }
    }

    /// Exchanges the assignments along the path that ends in the column `sink`.
    fn augment(&mut self, start: usize, sink: usize) {
        let mut column = sink;
        loop {
            let row = self.previous[column];
            self.row_of_column[column] = Some(row);
            let freed = self.column_of_row[row].replace(column);
            match freed {
                Some(next) if row != start => column = next,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sum_counts_not_each_score() {
        let scores = array![[0.9, 0.8], [0.8, 0.0]];
        assert_eq!(maximum_assignment(scores.view()), [Some(1), Some(0)]);
    }

    #[test]
    fn more_rows_than_columns_leave_rows_alone() {
        let scores = array![[0.1], [0.7], [0.3]];
        assert_eq!(maximum_assignment(scores.view()), [None, Some(0), None]);
        assert_eq!(maximum_assignment(scores.t()), [Some(1)]);
    }

    #[test]
    fn equal_scores_give_the_identity() {
        assert_eq!(
            maximum_assignment(Array2::zeros((3, 3)).view()),
            [Some(0), Some(1), Some(2)]
        );
        assert_eq!(maximum_assignment(Array2::zeros((0, 3)).view()), []);
        assert_eq!(maximum_assignment(Array2::zeros((2, 0)).view()), [None, None]);
    }

    /// The largest sum over all ways to give each of the first rows a column.
    fn best_sum(scores: &Array2<f64>, row: usize, used: &mut Vec<bool>, left: usize) -> f64 {
        if row == scores.nrows() {
            return 0.0;
        }
        let mut best = f64::NEG_INFINITY;
        // A row may stay alone only if enough rows remain.
        if scores.nrows() - row > left {
            best = best_sum(scores, row + 1, used, left);
        }
        for column in 0..scores.ncols() {
            if !used[column] {
                used[column] = true;
                best = best.max(scores[[row, column]] + best_sum(scores, row + 1, used, left - 1));
                used[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_other_assignment_has_a_larger_sum(
            rows in 1_usize..6,
            columns in 1_usize..6,
            values in prop::collection::vec(-3_i32..10, 36),
        ) {
            let scores = Array2::from_shape_fn((rows, columns), |(i, j)| f64::from(values[i * 6 + j]));
            let assigned = maximum_assignment(scores.view());
            let mut seen: Vec<usize> = assigned.iter().flatten().copied().collect();
            let sum: f64 = assigned.iter().enumerate().filter_map(|(i, j)| j.map(|j| scores[[i, j]])).sum();
            let best = best_sum(&scores, 0, &mut vec![false; columns], rows.min(columns));
            prop_assert_eq!(sum, best);
            prop_assert_eq!(seen.len(), rows.min(columns));
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), rows.min(columns));
        }
    }
}
