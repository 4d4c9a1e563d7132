//! The batches on a line, so that similar ones are close (docs/kilosort2.md 3.7).
//!
//! From the leading singular vector of the standardised dissimilarity `S`, 200 gradient steps fit `log(1 + (x_a - x_b)²)` to it.

use ferrosort_kernels::linalg::{fix_sign, symmetric_eigen};
use ndarray::Array2;
use rayon::prelude::*;

/// Gradient steps.
const STEPS: usize = 200;
/// Standard deviation of the positions before the first step.
const START_SD: f64 = 0.01;

/// The variants of the embedding; all off by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EmbedParams {
    /// The switch `embedding_column_mean`: the error loses its column means instead of its global mean.
    pub column_mean: bool,
    /// The switch `embedding_sign_by_first`: the first start position is not negative (else: the one of largest magnitude).
    pub sign_by_first: bool,
}

/// Where each batch lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// Positions before the first step.
    pub start: Vec<f64>,
    /// Positions after the last.
    pub position: Vec<f64>,
    /// Batches by rising position, ties by number.
    pub order: Vec<usize>,
}

/// Lays out the batches of a standardised dissimilarity `[batches, batches]` (symmetric), from `start` or else from its leading
/// singular vector.
///
/// The order is the natural one when nothing distinguishes the batches: fewer than three of them, a constant or a not finite
/// dissimilarity.
pub fn embed(standardised: &Array2<f64>, start: Option<&[f64]>, p: EmbedParams) -> Embedding {
    let start = start.map_or_else(|| start_positions(standardised, p.sign_by_first), <[f64]>::to_vec);
    let mut position = start.clone();
    if start.iter().any(|&x| x != start[0]) {
        for _ in 0..STEPS {
            position = step(standardised, &position, p.column_mean);
        }
    }
    let mut order: Vec<usize> = (0..position.len()).collect();
    order.sort_by(|&a, &b| position[a].total_cmp(&position[b]));
    Embedding { start, position, order }
}

/// The leading singular vector, scaled; all zero where the order is to be the natural one.
fn start_positions(standardised: &Array2<f64>, sign_by_first: bool) -> Vec<f64> {
    let n = standardised.nrows();
    let natural = vec![0.0; n];
    if n < 3 {
        return natural;
    }
    let Ok((values, vectors)) = symmetric_eigen(standardised.view()) else {
        return natural;
    };
    let largest = (1..n).fold(0, |best, i| if values[i].abs() > values[best].abs() { i } else { best });
    let mut u = vectors.column(largest).to_vec();
    let mean = u.iter().sum::<f64>() / n as f64;
    let sd = (u.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt();
    // A unit vector varies by about n^-1/2, unless it is constant up to rounding.
    if values[largest] == 0.0 || sd < 1e-10 / (n as f64).sqrt() {
        return natural;
    }
    if !sign_by_first {
        fix_sign(&mut u);
    } else if u[0] < 0.0 {
        for v in &mut u {
            *v = -*v;
        }
    }
    u.iter().map(|v| START_SD * v / sd).collect()
}

/// One gradient step: `E = S - log(1 + D)` less its mean, `G = E / (1 + D)`, and each position moves by its row's and its
/// column's part of the gradient (equal unless column means are taken).
///
/// Rows are independent and each sum has a fixed order, so the result does not depend on the number of threads.
pub fn step(standardised: &Array2<f64>, x: &[f64], column_mean: bool) -> Vec<f64> {
    let n = x.len();
    let error_row = |a: usize| -> Vec<f64> {
        let row = standardised.row(a).into_iter().zip(x);
        row.map(|(s, &xb)| s - libm::log(1.0 + (x[a] - xb) * (x[a] - xb)))
            .collect()
    };
    let error: Vec<Vec<f64>> = (0..n).into_par_iter().map(error_row).collect();
    // By the symmetry of S and D, the mean of a column is the mean of the row of the same number.
    let mut means: Vec<f64> = error.iter().map(|row| row.iter().sum::<f64>() / n as f64).collect();
    if !column_mean {
        let global = means.iter().sum::<f64>() / n as f64;
        means.fill(global);
    }
    let moved = |a: usize| {
        let terms = error[a].iter().zip(x.iter().zip(&means)).map(|(&e, (&xb, mean))| {
            let d = x[a] - xb;
            (2.0 * e - means[a] - mean) / (1.0 + d * d) * d
        });
        x[a] + terms.sum::<f64>() / n as f64
    };
    (0..n).into_par_iter().map(moved).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::dissimilarity::standardised;
    use super::*;
    use ndarray::array;

    /// Dissimilarity of batches that drift along a line.
    fn drifting(depths: &[f64]) -> Array2<f64> {
        let n = depths.len();
        standardised(&Array2::from_shape_fn((n, n), |(a, b)| (depths[a] - depths[b]).abs()))
    }

    #[test]
    fn shuffled_drift_is_put_in_order() {
        let n = 31;
        let depths: Vec<f64> = (0..n).map(|i| ((i * 12) % n) as f64).collect();
        for p in [
            EmbedParams::default(),
            EmbedParams {
                column_mean: true,
                sign_by_first: true,
            },
        ] {
            let e = embed(&drifting(&depths), None, p);
            let sorted: Vec<f64> = e.order.iter().map(|&i| depths[i]).collect();
            let rising = sorted.is_sorted();
            assert!(rising || sorted.is_sorted_by(|a, b| a >= b), "{sorted:?}");
            let largest = e
                .start
                .iter()
                .fold(0.0_f64, |m, &v| if v.abs() > m.abs() { v } else { m });
            assert!(if p.sign_by_first {
                e.start[0] > 0.0
            } else {
                largest > 0.0
            });
            let sd = (e.start.iter().map(|v| v * v).sum::<f64>() / n as f64).sqrt();
            assert!((0.005..0.02).contains(&sd), "{sd}");
        }
    }

    #[test]
    fn hand_worked_step() {
        // D = 1 between the two: E = S - log 2 off the diagonal, S on it.
        let s = array![[1.0, 3.0], [3.0, 5.0]];
        let l = std::f64::consts::LN_2;
        let mean = (12.0 - 2.0 * l) / 4.0;
        let g = (3.0 - l - mean) / 2.0;
        let moved = step(&s, &[1.0, 0.0], false);
        assert!(
            (moved[0] - (1.0 + g)).abs() < 1e-14 && (moved[1] + g).abs() < 1e-14,
            "{moved:?}"
        );
        // Column means: (4 - l) / 2 and (8 - l) / 2.
        let (m0, m1) = ((4.0 - l) / 2.0, (8.0 - l) / 2.0);
        let half = |mean: f64| (3.0 - l - mean) / 2.0 / 2.0;
        let moved = step(&s, &[1.0, 0.0], true);
        assert!((moved[0] - (1.0 + half(m0) + half(m1))).abs() < 1e-14, "{moved:?}");
    }

    #[test]
    fn nothing_to_order_gives_the_natural_order() {
        let p = EmbedParams::default();
        for s in [
            Array2::zeros((0, 0)),
            array![[0.0]],
            array![[-2.0, 2.0], [2.0, -2.0]],
            Array2::zeros((5, 5)),
            Array2::from_elem((5, 5), 0.3),
            Array2::from_elem((4, 4), f64::NAN),
        ] {
            let e = embed(&s, None, p);
            assert_eq!(e.order, (0..s.nrows()).collect::<Vec<_>>());
            assert!(e.position.iter().chain(&e.start).all(|x| x.is_finite()));
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let depths: Vec<f64> = (0..40).map(|i| f64::from(i * i % 37)).collect();
        let s = drifting(&depths);
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let p = EmbedParams::default();
        assert_eq!(single.install(|| embed(&s, None, p)), embed(&s, None, p));
    }
}
