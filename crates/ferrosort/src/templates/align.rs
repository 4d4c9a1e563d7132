//! Sub-sample interpolation of waveforms, by Gaussian-process regression on a circle (docs/kilosort2.md 4.2).

use ferrosort_kernels::linalg;
use ndarray::{Array2, Array3};

/// Sub-sample positions per sample.
pub const SUBSAMPLES: usize = 10;
/// The sub-sample position that is a sample itself: shift `(u - 5) / 10` of a sample.
pub const IDENTITY: usize = SUBSAMPLES / 2;
/// Noise variance of the regression, relative to the variance of the waveform.
const NOISE: f64 = 0.01;

/// Kernels that evaluate a waveform between samples: position `u` of 0..10 lies `(u - 5) / 10` samples after the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignmentKernels {
    /// Values of a waveform around the nominal trough sample, `[10, samples]`.
    pub ka: Array2<f64>,
    /// Shifts of a waveform, `[10, out sample, in sample]`: `kb[u] w` at sample t is `w(t + (u - 5) / 10)`.
    pub kb: Array3<f64>,
    trough: usize,
}

impl AlignmentKernels {
    /// Kernels for waveforms of `len` samples whose trough belongs at sample `p0 - 1` (`p0` counts from one, 1..=len).
    pub fn new(len: usize, p0: usize) -> Self {
        let correlation = |a: f64, b: f64| {
            let d = (a - b).abs();
            let d = d.min(len as f64 - d);
            libm::exp(-d * d)
        };
        let grid = |s: usize| s as f64 + 1.0;
        let among = Array2::from_shape_fn((len, len), |(i, j)| {
            correlation(grid(i), grid(j)) + if i == j { NOISE } else { 0.0 }
        });
        let fine = Array2::from_shape_fn((len, len * SUBSAMPLES), |(s, j)| {
            correlation(0.5 + j as f64 / SUBSAMPLES as f64, grid(s))
        });
        // `among` is symmetric, so column j of the solution is the row of weights of fine position j.
        let weights = linalg::solve(among.view(), fine.view());
        let kb = Array3::from_shape_fn((SUBSAMPLES, len, len), |(u, t, s)| weights[[s, t * SUBSAMPLES + u]]);
        let trough = p0 - 1;
        let ka = Array2::from_shape_fn((SUBSAMPLES, len), |(u, s)| kb[[u, trough, s]]);
        Self { ka, kb, trough }
    }

    /// Samples of a waveform.
    pub fn len(&self) -> usize {
        self.ka.ncols()
    }

    /// True for waveforms without samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sample (0-based) around which [`AlignmentKernels::ka`] looks.
    pub fn trough(&self) -> usize {
        self.trough
    }

    /// The sub-sample position where `|waveform|` is largest (the first of equals), and the waveform's value there.
    pub fn extremum(&self, waveform: &[f64]) -> (usize, f64) {
        let mut best = (0, 0.0_f64);
        for (u, row) in self.ka.outer_iter().enumerate() {
            let value: f64 = row.iter().zip(waveform).map(|(k, w)| k * w).sum();
            if u == 0 || value.abs() > best.1.abs() {
                best = (u, value);
            }
        }
        best
    }

    /// `waveform` advanced by `(u - 5) / 10` samples.
    pub fn shifted(&self, waveform: &[f64], u: usize) -> Vec<f64> {
        let kernel = self.kb.index_axis(ndarray::Axis(0), u);
        let dot = |row: ndarray::ArrayView1<f64>| row.iter().zip(waveform).map(|(k, w)| k * w).sum();
        kernel.outer_iter().map(dot).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_have_the_documented_values() {
        let kernels = AlignmentKernels::new(61, 20);
        let sums = [0.99418462, 0.99420427, 0.99425569, 0.99431926, 0.99437069, 0.99439033];
        for (u, sum) in sums.iter().enumerate() {
            for t in [0, 19, 60] {
                assert!(
                    (kernels.kb.index_axis(ndarray::Axis(0), u).row(t).sum() - sum).abs() < 1e-8,
                    "{u} {t}"
                );
            }
        }
        let close = |u: usize, s: usize, v: f64| assert!((kernels.ka[[u, s]] - v).abs() < 1e-6, "{u} {s}");
        close(5, 19, 0.985979);
        close(5, 18, 0.005761);
        close(0, 18, 0.605176);
        close(0, 19, 0.605176);
        for (s, v) in [
            0.006804, -0.01882, 0.052399, -0.153249, 0.72868, 0.472623, -0.12431, 0.04335,
        ]
        .iter()
        .enumerate()
        {
            // Listed from sample 16 on: the first of them is the far end of the positive side lobe.
            close(9, s + 15, *v);
        }
    }

    #[test]
    fn shifting_moves_a_smooth_waveform() {
        let kernels = AlignmentKernels::new(61, 20);
        let bump = |centre: f64| -> Vec<f64> {
            (0..61)
                .map(|t| -(-0.5 * ((t as f64 - centre) / 3.0).powi(2)).exp())
                .collect()
        };
        for u in 0..SUBSAMPLES {
            let shift = (u as f64 - 5.0) / 10.0;
            let moved = kernels.shifted(&bump(30.0), u);
            for (a, b) in moved.iter().zip(bump(30.0 - shift)) {
                assert!((a - b).abs() < 0.01, "{u}: {a} {b}");
            }
            assert_eq!(kernels.extremum(&bump(19.0 + shift)).0, u);
        }
    }
}
