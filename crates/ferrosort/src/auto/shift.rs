//! Footprints moved along the probe by kriging between contacts (docs/algorithm.md 6).

use ferrosort_kernels::linalg;
use ndarray::Array2;

use super::basis::COMPONENTS;
use super::geometry::{Geometry, distance};
use super::signal::Signal;

/// Width of the kernel, µm.
const KERNEL_UM: f64 = 35.0;
/// Variance of the noise relative to the signal.
const RIDGE: f64 = 0.01;

/// A matrix from whitened values on some channels to whitened values on others.
#[derive(Debug, Clone)]
pub struct Shift {
    sources: usize,
    /// `[targets, sources]`.
    weights: Vec<f32>,
}

impl Shift {
    /// Moves what is seen on `sources` by `up_um` towards larger depths and gives what `targets` see then.
    pub fn new(geometry: &Geometry, signal: &Signal, sources: &[usize], targets: &[usize], up_um: f64) -> Self {
        let at = |c: usize| geometry.positions_um[c];
        let kernel = |a: [f64; 2], b: [f64; 2]| (-0.5 * (distance(a, b) / KERNEL_UM).powi(2)).exp();
        let n = sources.len();
        let own = Array2::from_shape_fn((n, n), |(i, j)| {
            kernel(at(sources[i]), at(sources[j])) + if i == j { RIDGE } else { 0.0 }
        });
        let across = Array2::from_shape_fn((targets.len(), n), |(i, j)| {
            let p = at(targets[i]);
            kernel([p[0], p[1] - up_um], at(sources[j]))
        });
        let unwhiten = Array2::from_shape_fn((n, n), |(i, j)| signal.noise.unwhitening[[sources[j], sources[i]]]);
        let raw = across.dot(&linalg::solve(own.view(), unwhiten.view()));
        let whiten = Array2::from_shape_fn((targets.len(), targets.len()), |(j, i)| {
            signal.noise.whitening[[targets[i], targets[j]]]
        });
        let weights = whiten.dot(&raw);
        Self {
            sources: n,
            weights: weights
                .iter()
                .map(|v| if v.is_finite() { *v as f32 } else { 0.0 })
                .collect(),
        }
    }

    /// Applies the matrix to features `[sources, COMPONENTS]`; gives the first `targets` rows of `[targets, COMPONENTS]`.
    pub fn apply(&self, features: &[f32], targets: usize) -> Vec<f32> {
        let mut out = vec![0.0f32; targets * COMPONENTS];
        for (row, out) in self
            .weights
            .chunks_exact(self.sources)
            .zip(out.chunks_exact_mut(COMPONENTS))
        {
            for (w, f) in row.iter().zip(features.chunks_exact(COMPONENTS)) {
                for p in 0..COMPONENTS {
                    out[p] = w.mul_add(f[p], out[p]);
                }
            }
        }
        out
    }
}
