//! Covariance of the filtered channels, and the matrix that whitens them locally (docs/kilosort2.md 2.3, 2.4).

use ferrosort_core::{Error, Result};
use ferrosort_kernels::{ChannelMajor, linalg};
use ndarray::Array2;
use rayon::prelude::*;

use crate::neighbours::Neighbours;

/// Added to every eigenvalue of a covariance before its inverse square root, counts squared; for channels with a variance below one count
/// squared (recordings in volts) it is this share of the mean variance.
const REGULARISER: f64 = 1e-6;

/// Sum over samples `[start, end)` of the outer products of the channels, `[channels, channels]`, in f64.
pub fn gram(block: &ChannelMajor, start: usize, end: usize) -> Array2<f64> {
    let rows: Vec<&[f32]> = block.rows().map(|r| &r[start..end]).collect();
    linalg::gram(&rows)
}

/// Whitening matrix `[channels, channels]` of a covariance: column `j` makes output channel `j` from its `range` nearest channels.
///
/// `scale` is the number of counts that one sd of noise becomes. `range` 0, or at least the number of channels, whitens globally
/// (a symmetric matrix).
///
/// # Errors
/// A covariance that is not finite, which only samples beyond any converter's range can cause.
pub fn whitening_matrix(
    covariance: &Array2<f64>,
    positions_um: &[[f64; 2]],
    range: usize,
    scale: f64,
) -> Result<Array2<f64>> {
    let n = positions_um.len();
    if range == 0 {
        let root = inverse_square_root(covariance)?;
        return Ok(root * scale);
    }
    let near = Neighbours::nearest(positions_um, range);
    let columns: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|j| {
            let list = near.of(j);
            let local = Array2::from_shape_fn((list.len(), list.len()), |(a, b)| {
                covariance[[list[a] as usize, list[b] as usize]]
            });
            Ok(inverse_square_root(&local)?.column(0).to_vec())
        })
        .collect::<Result<_>>()?;
    let mut matrix = Array2::zeros((n, n));
    for (j, column) in columns.iter().enumerate() {
        for (&i, v) in near.of(j).iter().zip(column) {
            matrix[[i as usize, j]] = scale * v;
        }
    }
    Ok(matrix)
}

fn inverse_square_root(covariance: &Array2<f64>) -> Result<Array2<f64>> {
    let (values, vectors) = linalg::symmetric_eigen(covariance.view()).map_err(|_| {
        Error::input("the covariance of the channels is not finite; check the sample type of the recording")
    })?;
    let mean_variance = covariance.diag().mean().unwrap_or(1.0);
    let regulariser = REGULARISER
        * if mean_variance > 0.0 {
            mean_variance.min(1.0)
        } else {
            1.0
        };
    let mut scaled = vectors.clone();
    for (mut column, d) in scaled.columns_mut().into_iter().zip(&values) {
        column *= (d.max(0.0) + regulariser).powf(-0.5);
    }
    Ok(scaled.dot(&vectors.t()))
}
