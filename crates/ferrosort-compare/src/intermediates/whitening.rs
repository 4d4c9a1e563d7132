//! Difference of two whitening matrices (docs/intermediates.md, "Whitening").

use ferrosort_core::SortingRun;
use ndarray::Array2;
use serde::Serialize;

use super::channels::ChannelPairs;
use crate::{Part, correlation, finite};

/// Two whitening matrices in one orientation (`[channels in, channels out]`), one order of channels (A's) and one scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhiteningComparison {
    /// Which channels were compared.
    pub channels: ChannelPairs,
    /// Frobenius norm of W_B - W_A over that of W_A.
    pub relative_difference: f64,
    /// The element of W_B - W_A that is furthest from 0, per sd.
    pub largest_difference: f64,
    /// Channel in and channel out of that element, as places in A.
    pub largest_at: [usize; 2],
    /// |W_A - W_A'| / |W_A|: 0 for a symmetric matrix.
    pub asymmetry_a: f64,
    /// The same of B.
    pub asymmetry_b: f64,
    /// Pearson's correlation of the elements off the diagonals.
    pub off_diagonal_correlation: f64,
    /// Median over channels of W_B / W_A on the diagonals.
    pub diagonal_ratio: f64,
    /// What the numbers would be if B's matrix were transposed.
    pub transposed: TransposedFit,
    /// What was found, in sentences.
    pub sentences: Vec<String>,
    /// Half width of the common colour scale of A and B: the 99.9th percentile of |W_A|.
    pub common_limit: f64,
    /// W_A, `[channels in, channels out]`, without the scale of the 16-bit data.
    #[serde(skip)]
    pub a: Array2<f64>,
    /// W_B, the same.
    #[serde(skip)]
    pub b: Array2<f64>,
    /// W_B - W_A.
    #[serde(skip)]
    pub difference: Array2<f64>,
}

/// The comparison with B transposed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransposedFit {
    /// Frobenius norm of W_B' - W_A over that of W_A.
    pub relative_difference: f64,
    /// The element of W_B' - W_A that is furthest from 0.
    pub largest_difference: f64,
    /// Pearson's correlation of the elements off the diagonals.
    pub off_diagonal_correlation: f64,
    /// True when this fits better than B as it is: a matrix was probably read without turning it.
    pub fits_better: bool,
}

/// Compares the whitening matrices of two runs over the channels `pairs`; by the columns that the probes name when not given.
pub fn compare_whitening(a: &SortingRun, b: &SortingRun, pairs: Option<ChannelPairs>) -> Part<WhiteningComparison> {
    let (matrix_a, matrix_b) = match (in_sd(a, "A"), in_sd(b, "B")) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(reason), _) | (_, Err(reason)) => return Part::NotAvailable(reason),
    };
    let (n_a, n_b) = (matrix_a.nrows(), matrix_b.nrows());
    let channels = pairs.unwrap_or_else(|| ChannelPairs::from_probes(a, b, n_a, n_b));
    let usable = |&&(i, j): &&(usize, usize)| i < n_a && j < n_b;
    let pairs: Vec<(usize, usize)> = channels.pairs.iter().filter(usable).copied().collect();
    if pairs.len() < 2 {
        return Part::missing(format!(
            "the whitening matrices of A ({n_a} channels) and B ({n_b}) have fewer than two channels in common"
        ));
    }
    let dim = (pairs.len(), pairs.len());
    let a = Array2::from_shape_fn(dim, |(i, j)| matrix_a[[pairs[i].0, pairs[j].0]]);
    let b = Array2::from_shape_fn(dim, |(i, j)| matrix_b[[pairs[i].1, pairs[j].1]]);
    Part::Available(compared(a, b, ChannelPairs { pairs, ..channels }))
}

/// The matrix that turns a row of filtered values into standard deviations.
fn in_sd(run: &SortingRun, side: &str) -> Result<Array2<f64>, String> {
    let Some(matrix) = &run.intermediates.whitening else {
        return Err(format!("{side} has no whitening matrix"));
    };
    let (rows, columns) = matrix.dim();
    if rows != columns {
        return Err(format!(
            "the whitening matrix of {side} has {rows} rows and {columns} columns"
        ));
    }
    if !matrix.iter().all(|v| v.is_finite()) {
        return Err(format!(
            "the whitening matrix of {side} has values that are not numbers"
        ));
    }
    let scale = run
        .intermediates
        .counts_per_sd
        .filter(|s| s.is_finite() && *s > 0.0)
        .unwrap_or(1.0);
    Ok(matrix / scale)
}

fn norm(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn asymmetry(matrix: &Array2<f64>) -> f64 {
    norm(&(matrix - &matrix.t())) / norm(matrix)
}

fn off_diagonal(matrix: &Array2<f64>) -> Vec<f64> {
    matrix
        .indexed_iter()
        .filter(|((i, j), _)| i != j)
        .map(|(_, &v)| v)
        .collect()
}

/// The first of the elements that are furthest from 0, and where it is.
fn largest(matrix: &Array2<f64>) -> (f64, [usize; 2]) {
    let mut best = (0.0_f64, [0, 0]);
    for ((i, j), &value) in matrix.indexed_iter() {
        if value.abs() > best.0.abs() {
            best = (value, [i, j]);
        }
    }
    best
}

fn compared(a: Array2<f64>, b: Array2<f64>, channels: ChannelPairs) -> WhiteningComparison {
    let difference = &b - &a;
    let turned = &b.t() - &a;
    let size = norm(&a);
    let (largest_difference, at) = largest(&difference);
    let relative_difference = norm(&difference) / size;
    let off_a = off_diagonal(&a);
    let transposed = TransposedFit {
        relative_difference: norm(&turned) / size,
        largest_difference: largest(&turned).0,
        off_diagonal_correlation: correlation::pearson(&off_a, &off_diagonal(&b.t().to_owned())),
        fits_better: norm(&turned) < norm(&difference),
    };
    let ratios: Vec<f64> = a.diag().iter().zip(b.diag()).map(|(x, y)| y / x).collect();
    let magnitudes: Vec<f64> = a.iter().map(|v| v.abs()).collect();
    let mut sentences = vec![format!(
        "The matrices differ by {:.3} % of the norm of A, at most by {largest_difference:.3e} (channel {} to channel {} of A).",
        100.0 * relative_difference,
        channels.pairs[at[0]].0,
        channels.pairs[at[1]].0
    )];
    if transposed.fits_better {
        sentences.push(format!(
            "Transposed, B would differ by {:.3} % only: one of the two was probably read without turning it (HDF5 shows arrays of MATLAB \
             transposed).",
            100.0 * transposed.relative_difference
        ));
    }
    WhiteningComparison {
        relative_difference,
        largest_difference,
        largest_at: at.map(|place| channels.pairs[place].0),
        asymmetry_a: asymmetry(&a),
        asymmetry_b: asymmetry(&b),
        off_diagonal_correlation: correlation::pearson(&off_a, &off_diagonal(&b)),
        diagonal_ratio: finite::median(&ratios),
        transposed,
        sentences,
        common_limit: finite::quantile(&magnitudes, 0.999),
        channels,
        a,
        b,
        difference,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::{Probe, RunKind};
    use ndarray::array;

    fn run(matrix: Array2<f64>, counts_per_sd: f64) -> SortingRun {
        let mut run = SortingRun::new("run", "run", RunKind::Kilosort2);
        run.intermediates.whitening = Some(matrix);
        run.intermediates.counts_per_sd = Some(counts_per_sd);
        run
    }

    #[test]
    fn matrices_of_two_scales_are_compared_in_sd() {
        let a = run(array![[200.0, 0.0], [400.0, 200.0]], 200.0);
        let b = run(array![[1.0, 0.0], [2.0, 1.5]], 1.0);
        let found = compare_whitening(&a, &b, None);
        let found = found.available().unwrap();
        assert_eq!(found.difference, array![[0.0, 0.0], [0.0, 0.5]]);
        assert!((found.relative_difference - 0.5 / 6.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!((found.largest_difference, found.largest_at), (0.5, [1, 1]));
        // |W - W'|^2 = 2 * 2^2 over |W|^2 = 6.
        assert!((found.asymmetry_a - (8.0_f64 / 6.0).sqrt()).abs() < 1e-15);
        assert_eq!(found.diagonal_ratio, 1.25);
        assert_eq!(found.off_diagonal_correlation, 1.0);
        assert!(!found.transposed.fits_better && found.sentences.len() == 1);
    }

    #[test]
    fn a_transposed_matrix_is_named() {
        let matrix = array![[1.0, 0.2, 0.0], [0.5, 1.0, 0.1], [0.0, 0.3, 1.0]];
        let found = compare_whitening(&run(matrix.clone(), 1.0), &run(matrix.t().to_owned(), 1.0), None);
        let found = found.available().unwrap();
        assert!(found.transposed.fits_better && found.transposed.relative_difference == 0.0);
        assert!(found.sentences[1].contains("read without turning it"));
    }

    #[test]
    fn channels_are_brought_to_the_order_of_a() {
        let matrix = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]];
        let order = [2, 0, 1];
        let shuffled = Array2::from_shape_fn((3, 3), |(i, j)| matrix[[order[i], order[j]]]);
        let (mut a, mut b) = (run(matrix, 1.0), run(shuffled, 1.0));
        a.probe = Some(Probe::line(3, 20.0));
        b.probe = Some(Probe::line(3, 20.0).select(&order));
        let found = compare_whitening(&a, &b, None);
        assert_eq!(found.available().unwrap().relative_difference, 0.0);
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let a = run(Array2::eye(3), 1.0);
        let none = SortingRun::new("b", "b", RunKind::Phy);
        let reason = |part: Part<WhiteningComparison>| part.reason().unwrap_or_default().to_string();
        assert_eq!(reason(compare_whitening(&a, &none, None)), "B has no whitening matrix");
        assert!(reason(compare_whitening(&a, &run(Array2::eye(4), 1.0), None)).contains("fewer than two"));
        assert!(reason(compare_whitening(&a, &run(Array2::zeros((3, 2)), 1.0), None)).contains("3 rows and 2"));
        assert!(reason(compare_whitening(&run(array![[f64::NAN]], 1.0), &a, None)).contains("not numbers"));
    }
}
