//! Templates without the whitening.

use ferrosort_core::{SortingRun, TemplateSet, TemplateUnit};
use ndarray::{Array2, Array3, Axis};

/// Mean waveforms in counts: `template @ inverse`, times the mean amplitude of the unit's spikes when templates have
/// norm 1 and amplitudes are their factors.
pub(super) fn unwhitened(templates: &TemplateSet, inverse: &Array2<f64>, run: &SortingRun) -> TemplateSet {
    let inverse = inverse.mapv(|value| value as f32);
    let scale = if have_norm_1(&templates.waveforms) {
        mean_amplitudes(run)
    } else {
        None
    };
    let mut waveforms = Array3::zeros(templates.waveforms.dim());
    for (unit, mut waveform) in waveforms.outer_iter_mut().enumerate() {
        let factor = scale.as_ref().map_or(1.0, |scale| scale[unit]);
        waveform.assign(&(templates.waveforms.index_axis(Axis(0), unit).dot(&inverse) * factor));
    }
    TemplateSet {
        waveforms,
        spike_at: templates.spike_at,
        unit: TemplateUnit::Counts,
    }
}

/// True when the middle one of the norms of all templates that are not zero is near 1.
fn have_norm_1(waveforms: &Array3<f32>) -> bool {
    let norm = |waveform: ndarray::ArrayView2<f32>| waveform.iter().map(|v| v * v).sum::<f32>().sqrt();
    let mut norms: Vec<f32> = waveforms.outer_iter().map(norm).filter(|&norm| norm > 1e-3).collect();
    norms.sort_by(f32::total_cmp);
    norms.get(norms.len() / 2).is_some_and(|norm| (0.5..2.0).contains(norm))
}

/// Mean amplitude of the spikes of each unit; 1 without spikes.
fn mean_amplitudes(run: &SortingRun) -> Option<Vec<f32>> {
    let amplitudes = run.spikes.amplitudes.as_ref()?;
    let mut sums = vec![(0.0f64, 0.0f64); run.units.len()];
    for (&unit, &amplitude) in run.spikes.units.iter().zip(amplitudes) {
        let sum = &mut sums[unit as usize];
        *sum = (sum.0 + f64::from(amplitude), sum.1 + 1.0);
    }
    let mean = |(sum, count): (f64, f64)| if count > 0.0 { (sum / count) as f32 } else { 1.0 };
    Some(sums.into_iter().map(mean).collect())
}

/// The inverse by elimination with row exchanges; `None` for a matrix that has none.
pub(super) fn inverted(matrix: &Array2<f64>) -> Option<Array2<f64>> {
    let n = matrix.nrows();
    let mut left = matrix.clone();
    let mut inverse = Array2::eye(n);
    for column in 0..n {
        let pivot = (column..n).max_by(|&a, &b| left[(a, column)].abs().total_cmp(&left[(b, column)].abs()))?;
        if left[(pivot, column)].abs() < 1e-300 {
            return None;
        }
        for k in 0..n {
            left.swap((column, k), (pivot, k));
            inverse.swap((column, k), (pivot, k));
        }
        let scale = 1.0 / left[(column, column)];
        left.row_mut(column).mapv_inplace(|v| v * scale);
        inverse.row_mut(column).mapv_inplace(|v| v * scale);
        let (pivot_left, pivot_inverse) = (left.row(column).to_owned(), inverse.row(column).to_owned());
        for row in (0..n).filter(|&row| row != column) {
            let factor = left[(row, column)];
            if factor != 0.0 {
                left.row_mut(row).scaled_add(-factor, &pivot_left);
                inverse.row_mut(row).scaled_add(-factor, &pivot_inverse);
            }
        }
    }
    inverse.iter().all(|v| v.is_finite()).then_some(inverse)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_the_identity() {
        let matrix = array![[0.0, 2.0, 1.0], [1.0, 0.0, 0.5], [3.0, 1.0, 4.0]];
        let product = inverted(&matrix).map(|inverse| matrix.dot(&inverse));
        let error = product.map(|product| {
            (product - Array2::<f64>::eye(3))
                .iter()
                .fold(0.0, |a: f64, b| a.max(b.abs()))
        });
        assert!(error.is_some_and(|error| error < 1e-12), "{error:?}");
        assert_eq!(inverted(&array![[1.0, 2.0], [2.0, 4.0]]), None);
    }
}
