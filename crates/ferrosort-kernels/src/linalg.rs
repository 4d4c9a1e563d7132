//! Dense linear algebra in f64: the only file that calls faer.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side, prelude::Solve};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Why a decomposition failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotConverged;

fn to_faer(a: ArrayView2<f64>) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[[i, j]])
}

fn from_faer(a: MatRef<f64>) -> Array2<f64> {
    Array2::from_shape_fn((a.nrows(), a.ncols()), |(i, j)| a[(i, j)])
}

/// Eigenvalues, largest first, and eigenvectors (columns, in the same order) of a symmetric matrix.
///
/// Signs of the eigenvectors are arbitrary; see [`fix_sign`]. Only the lower triangle is read.
///
/// # Errors
/// [`NotConverged`] when the matrix holds NaN or infinity, or the iteration fails.
pub fn symmetric_eigen(a: ArrayView2<f64>) -> Result<(Vec<f64>, Array2<f64>), NotConverged> {
    let n = a.nrows();
    if a.iter().any(|v| !v.is_finite()) {
        return Err(NotConverged);
    }
    let eigen = to_faer(a).self_adjoint_eigen(Side::Lower).map_err(|_| NotConverged)?;
    let (s, u) = (eigen.S(), eigen.U());
    let values = (0..n).rev().map(|i| s[i]).collect();
    let vectors = Array2::from_shape_fn((n, n), |(i, j)| u[(i, n - 1 - j)]);
    Ok((values, vectors))
}

/// Inner products of all pairs of rows in f64, `[rows, rows]`. All rows have one length.
///
/// Samples are taken 512 at a time and the products added in that order, so that the sum does not depend on the library's blocking.
pub fn gram(rows: &[&[f32]]) -> Array2<f64> {
    const CHUNK: usize = 512;
    let samples = rows.first().map_or(0, |r| r.len());
    let bands: Vec<Mat<f64>> = (0..rows.len())
        .step_by(64)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|first| {
            let last = (first + 64).min(rows.len());
            let mut band = Mat::zeros(last - first, rows.len());
            for start in (0..samples).step_by(CHUNK) {
                let width = CHUNK.min(samples - start);
                let all = Mat::from_fn(width, rows.len(), |t, c| f64::from(rows[c][start + t]));
                let own = all.get(.., first..last).transpose();
                matmul(band.as_mut(), Accum::Add, own, all.as_ref(), 1.0, Par::Seq);
            }
            band
        })
        .collect();
    Array2::from_shape_fn((rows.len(), rows.len()), |(i, j)| bands[i / 64][(i % 64, j)])
}

/// Solves `a x = b` for a square matrix by LU decomposition with partial pivoting.
pub fn solve(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Array2<f64> {
    let x = to_faer(a).partial_piv_lu().solve(to_faer(b));
    from_faer(x.as_ref())
}

/// Inverse of a square matrix. Entries are not finite when it is singular.
pub fn inverse(a: ArrayView2<f64>) -> Array2<f64> {
    solve(a, Array2::eye(a.nrows()).view())
}

/// Flips `v` so that its entry of largest magnitude (the first of equals) is positive.
pub fn fix_sign(v: &mut [f64]) {
    let mut largest = 0.0_f64;
    for &x in v.iter() {
        if x.abs() > largest.abs() {
            largest = x;
        }
    }
    if largest < 0.0 {
        for x in v {
            *x = -*x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn reconstruct(values: &[f64], vectors: &Array2<f64>) -> Array2<f64> {
        let scaled = Array2::from_shape_fn(vectors.dim(), |(i, j)| vectors[[i, j]] * values[j]);
        scaled.dot(&vectors.t())
    }

    fn check(a: &Array2<f64>) {
        let n = a.nrows();
        let (values, vectors) = symmetric_eigen(a.view()).expect("finite");
        let scale = a.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
        let bound = 1e-13 * scale * n as f64;
        assert!(values.windows(2).all(|w| w[0] >= w[1]), "descending: {values:?}");
        for (x, y) in reconstruct(&values, &vectors).iter().zip(a.iter()) {
            assert!((x - y).abs() < bound, "{x} {y}");
        }
        for (x, y) in vectors.t().dot(&vectors).iter().zip(Array2::<f64>::eye(n).iter()) {
            assert!((x - y).abs() < 1e-12, "orthogonal");
        }
    }

    #[test]
    fn eigenvectors_rebuild_singular_and_degenerate_matrices() {
        check(&array![[2.0]]);
        check(&Array2::zeros((5, 5)));
        check(&Array2::eye(7));
        check(&array![[1.0, 2.0], [2.0, -3.0]]);
        let v = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
        check(&v.dot(&v.t()));
        let mut dead = Array2::from_shape_fn((33, 33), |(i, j)| 1.0 / (1.0 + (i as f64 - j as f64).abs()));
        dead.row_mut(4).fill(0.0);
        dead.column_mut(4).fill(0.0);
        check(&dead);
    }

    #[test]
    fn gram_is_the_sum_of_products() {
        let data: Vec<Vec<f32>> = (0..70)
            .map(|c| (0..1100).map(|t| ((t * 7 + c * 13) % 29) as f32 - 14.0).collect())
            .collect();
        let g = gram(&data.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for (i, j) in [(0, 0), (3, 69), (69, 3), (64, 63)] {
            let expected: f64 = data[i]
                .iter()
                .zip(&data[j])
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum();
            assert!((g[[i, j]] - expected).abs() < 1e-6, "{i} {j}");
        }
    }

    #[test]
    fn nan_is_an_error() {
        assert_eq!(symmetric_eigen(array![[f64::NAN]].view()).err(), Some(NotConverged));
    }

    #[test]
    fn inverse_times_matrix_is_identity() {
        let a = Array2::from_shape_fn(
            (6, 6),
            |(i, j)| if i == j { 4.0 } else { ((i * 5 + j) % 7) as f64 * 0.1 },
        );
        let e = a.dot(&inverse(a.view()));
        for ((i, j), v) in e.indexed_iter() {
            assert!((v - f64::from(u8::from(i == j))).abs() < 1e-12);
        }
    }

    #[test]
    fn sign_follows_the_largest_entry() {
        let mut v = [1.0, -3.0, 2.0];
        fix_sign(&mut v);
        assert_eq!(v, [-1.0, 3.0, -2.0]);
    }
}
