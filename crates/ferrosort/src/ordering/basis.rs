//! Principal components of spike clips (docs/kilosort2.md 3.3, 4.1) and the single-channel prototypes (4.1).

use ferrosort_kernels::linalg::{fix_sign, symmetric_eigen};
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

/// Number of components that spikes are projected on.
pub const COMPONENTS: usize = 3;
/// Number of single-channel prototypes.
pub const PROTOTYPES: usize = 6;
/// Rounds of the prototypes' clustering.
pub const PROTOTYPE_ROUNDS: usize = 10;

/// Principal components of clips that arrive batch by batch: the sum of `clip clip'`, no mean removed.
#[derive(Debug, Clone)]
pub struct SnippetPca {
    gram: Array2<f64>,
    clips: usize,
}

impl SnippetPca {
    /// No clips yet, of `template_len` samples each.
    pub fn new(template_len: usize) -> Self {
        Self {
            gram: Array2::zeros((template_len, template_len)),
            clips: 0,
        }
    }

    /// Adds the clips `[n, template_len]` of one batch, in order.
    pub fn add(&mut self, clips: &Array2<f32>) {
        self.clips += clips.nrows();
        let length = self.gram.ncols();
        let sums_of_row = |i: usize| {
            let mut sums = vec![0.0; length];
            for clip in clips.rows() {
                let a = f64::from(clip[i]);
                for (sum, &b) in sums.iter_mut().zip(clip) {
                    *sum += a * f64::from(b);
                }
            }
            sums
        };
        let sums: Vec<Vec<f64>> = (0..length).into_par_iter().map(sums_of_row).collect();
        for (mut row, sums) in self.gram.rows_mut().into_iter().zip(sums) {
            row += &Array1::from(sums);
        }
    }

    /// The sum of `clip clip'`, `[template_len, template_len]`, in sd².
    pub fn gram(&self) -> &Array2<f64> {
        &self.gram
    }

    /// The `count` leading components, one a row: `[count, template_len]`, orthonormal, largest first.
    ///
    /// The first is not positive at `sign_sample`; of the others the entry of largest magnitude is positive. `None` without
    /// clips (or when they are not finite): there is nothing to sort. With fewer clips than components the missing ones are
    /// arbitrary but orthonormal.
    pub fn components(&self, count: usize, sign_sample: usize) -> Option<Array2<f64>> {
        if self.clips == 0 {
            return None;
        }
        let (_, vectors) = symmetric_eigen(self.gram.view()).ok()?;
        let mut components = Array2::zeros((count.min(vectors.ncols()), vectors.nrows()));
        for (k, mut row) in components.rows_mut().into_iter().enumerate() {
            let mut v = vectors.column(k).to_vec();
            if k > 0 {
                fix_sign(&mut v);
            } else if v[sign_sample] > 0.0 {
                for x in &mut v {
                    *x = -*x;
                }
            }
            row.assign(&Array1::from(v));
        }
        Some(components)
    }
}

/// The sample at which the first component of the detector is negative: one past the trough (docs/kilosort2.md 3.3).
pub fn detector_sign_sample(trough: usize) -> usize {
    trough + 1
}

/// The sample at which the first component of the temporal basis is negative: the trough, or one past it with `basis_sign_20`.
pub fn basis_sign_sample(trough: usize, basis_sign_20: bool) -> usize {
    trough + usize::from(basis_sign_20)
}

/// The temporal basis `[3, template_len]` of the clips `[n, template_len]` (docs/kilosort2.md 4.1); see
/// [`SnippetPca::components`], also for when there is none.
pub fn temporal_basis(clips: &Array2<f32>, sign_sample: usize) -> Option<Array2<f64>> {
    let mut pca = SnippetPca::new(clips.ncols());
    pca.add(clips);
    pca.components(COMPONENTS, sign_sample)
}

/// The prototype most like each clip, and its correlation with it (signed; ties to the first; NaN never wins).
pub fn nearest_prototypes(clips: &Array2<f32>, prototypes: &Array2<f64>) -> Vec<(usize, f64)> {
    let nearest = |i: usize| {
        let mut best = (0, f64::NEG_INFINITY);
        for (k, prototype) in prototypes.rows().into_iter().enumerate() {
            let correlation: f64 = prototype.iter().zip(clips.row(i)).map(|(a, &b)| a * f64::from(b)).sum();
            if correlation > best.1 {
                best = (k, correlation);
            }
        }
        best
    };
    (0..clips.nrows()).into_par_iter().map(nearest).collect()
}

/// Unit-norm prototypes `[start.len(), template_len]` of the clips `[n, template_len]` (docs/kilosort2.md 4.1): `rounds` of
/// clustering by correlation, from the clips at `start`.
///
/// `start` may repeat a clip, and is empty when there are none ([`draw_prototype_start`](super::draws::draw_prototype_start)).
/// A prototype that loses all its clips keeps its shape; with `empty_becomes_nan` (the switch `empty_prototype_nan`) it becomes
/// NaN and never gets one again.
pub fn prototypes(clips: &Array2<f32>, start: &[usize], rounds: usize, empty_becomes_nan: bool) -> Array2<f64> {
    let mut shapes = clips.select(Axis(0), start).mapv(f64::from);
    for mut shape in shapes.rows_mut() {
        let norm = shape.dot(&shape).sqrt();
        if norm > 0.0 {
            shape /= norm;
        }
    }
    if start.is_empty() {
        return shapes;
    }
    for _ in 0..rounds {
        let mut sums = Array2::<f64>::zeros(shapes.dim());
        for (clip, (k, weight)) in clips.rows().into_iter().zip(nearest_prototypes(clips, &shapes)) {
            for (sum, &v) in sums.row_mut(k).iter_mut().zip(clip) {
                *sum += weight * f64::from(v);
            }
        }
        for (mut shape, sum) in shapes.rows_mut().into_iter().zip(sums.rows()) {
            let norm = sum.dot(&sum).sqrt();
            if norm > 0.0 {
                shape.assign(&sum);
                shape /= norm;
            } else if empty_becomes_nan {
                shape.fill(f64::NAN);
            }
        }
    }
    shapes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn components_of_two_orthogonal_shapes_are_the_shapes() {
        // Twice [0, 3, -4] and once [2, 0, 0].
        let clips = array![[0.0f32, 3.0, -4.0], [0.0, -3.0, 4.0], [2.0, 0.0, 0.0]];
        let basis = temporal_basis(&clips, 1).unwrap();
        let expected = array![[0.0, -0.6, 0.8], [1.0, 0.0, 0.0], [0.0, 0.8, 0.6]];
        assert!(
            ferrosort_golden::max_abs_difference(&basis, &expected) < 1e-12,
            "{basis}"
        );
        // Sign taken one sample later.
        let late = temporal_basis(&clips, 2).unwrap();
        assert!((late[[0, 1]] - 0.6).abs() < 1e-12);
    }

    #[test]
    fn signs_are_taken_at_the_trough_or_one_sample_later() {
        assert_eq!(detector_sign_sample(19), 20);
        assert_eq!((basis_sign_sample(19, false), basis_sign_sample(19, true)), (19, 20));
    }

    #[test]
    fn batches_add_up() {
        let clips = Array2::from_shape_fn((10, 7), |(i, j)| ((i * 5 + j * 3) % 11) as f32 - 4.0);
        let mut parts = SnippetPca::new(7);
        parts.add(&clips.select(Axis(0), &[0, 1, 2, 3]));
        parts.add(&Array2::zeros((0, 7)));
        parts.add(&clips.select(Axis(0), &[4, 5, 6, 7, 8, 9]));
        let expected = clips.t().dot(&clips).mapv(f64::from);
        assert_eq!(parts.gram(), expected);
    }

    #[test]
    fn no_clips_have_no_basis_and_one_clip_has_an_orthonormal_one() {
        assert!(temporal_basis(&Array2::zeros((0, 61)), 19).is_none());
        assert!(temporal_basis(&array![[f32::NAN, 1.0, 2.0]], 1).is_none());
        let one = Array2::from_shape_fn((1, 61), |(_, i)| -(-((i as f32 - 19.0) / 4.0).powi(2)).exp());
        let basis = temporal_basis(&one, 19).unwrap();
        assert!(basis[[0, 19]] < -0.3);
        let gram = basis.dot(&basis.t());
        assert!(ferrosort_golden::max_abs_difference(&gram, &Array2::eye(3)) < 1e-12);
    }

    #[test]
    fn prototypes_are_weighted_means_of_their_clips() {
        let clips = array![[1.0f32, 0.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 3.0]];
        let shapes = prototypes(&clips, &[0, 2], 1, false);
        // Clips 0 and 1 correlate by 1 and 2 with prototype 0: their weighted sum is [5, 2, 0].
        let expected = array![[5.0, 2.0, 0.0], [0.0, 0.0, 29f64.sqrt()]] / 29f64.sqrt();
        assert!(
            ferrosort_golden::max_abs_difference(&shapes, &expected) < 1e-15,
            "{shapes}"
        );
    }

    #[test]
    fn an_empty_prototype_keeps_its_shape_or_becomes_nan() {
        let clips = array![[1.0f32, 0.0], [0.0, 2.0]];
        let kept = prototypes(&clips, &[0, 0, 1], PROTOTYPE_ROUNDS, false);
        assert_eq!(kept, array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
        let lost = prototypes(&clips, &[0, 0, 1], PROTOTYPE_ROUNDS, true);
        assert!(lost.row(1).iter().all(|v| v.is_nan()));
        assert_eq!(lost.row(2), array![0.0, 1.0]);
        assert_eq!(prototypes(&clips, &[], PROTOTYPE_ROUNDS, false).dim(), (0, 2));
    }
}
