//! A sigmoid through accuracies.

use serde::Serialize;

/// `1 / (1 + exp(-k (x - x0))) + b`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SigmoidFit {
    /// Where the curve is half way up.
    pub x0: f64,
    /// Steepness.
    pub k: f64,
    /// Height of the foot.
    pub b: f64,
    /// Root of the mean squared residual.
    pub rms: f64,
}

impl SigmoidFit {
    /// Value of the curve.
    pub fn at(&self, x: f64) -> f64 {
        1.0 / (1.0 + libm::exp(-self.k * (x - self.x0))) + self.b
    }
}

/// The sigmoid with the least squared distance to the points `(x, y)` that a damped Gauss-Newton descent (Levenberg 1944,
/// Marquardt 1963) finds from the median of `x`. `None` with fewer than four finite points or equal `x`.
pub fn fit_sigmoid(x: &[f64], y: &[f64]) -> Option<SigmoidFit> {
    let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let points: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).filter(finite).collect();
    let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |range, point| {
        (range.0.min(point.0), range.1.max(point.0))
    });
    if points.len() < 4 || high <= low {
        return None;
    }
    let xs: Vec<f64> = points.iter().map(|point| point.0).collect();
    let foot = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let mut fit = SigmoidFit {
        x0: crate::statistics::median(&xs),
        k: 4.0 / (high - low),
        b: foot,
        rms: 0.0,
    };
    let mut error = squared_error(&fit, &points);
    let mut damping = 1e-3;
    for _ in 0..200 {
        let Some(step) = damped_step(&fit, &points, damping) else {
            break;
        };
        let next = SigmoidFit {
            x0: fit.x0 + step[0],
            k: fit.k + step[1],
            b: fit.b + step[2],
            rms: 0.0,
        };
        let next_error = squared_error(&next, &points);
        if next_error < error {
            let settled = error - next_error <= 1e-12 * error;
            (fit, error) = (next, next_error);
            damping *= 0.3;
            if settled {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    fit.rms = (error / points.len() as f64).sqrt();
    Some(fit)
}

fn squared_error(fit: &SigmoidFit, points: &[(f64, f64)]) -> f64 {
    points.iter().map(|&(x, y)| (y - fit.at(x)) * (y - fit.at(x))).sum()
}

/// Step of `(x0, k, b)` that solves the damped normal equations.
fn damped_step(fit: &SigmoidFit, points: &[(f64, f64)], damping: f64) -> Option<[f64; 3]> {
    let mut normal = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    for &(x, y) in points {
        let height = fit.at(x) - fit.b;
        let slope = height * (1.0 - height);
        let gradient = [-fit.k * slope, (x - fit.x0) * slope, 1.0];
        for i in 0..3 {
            for j in 0..3 {
                normal[i][j] += gradient[i] * gradient[j];
            }
            right[i] += gradient[i] * (y - height - fit.b);
        }
    }
    for (i, row) in normal.iter_mut().enumerate() {
        row[i] += damping * row[i].max(1e-12);
    }
    solve(normal, right)
}

/// Solves three equations by elimination with pivots; `None` if they have no single solution.
fn solve(mut matrix: [[f64; 3]; 3], mut right: [f64; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let pivot = (column..3).max_by(|&i, &k| matrix[i][column].abs().total_cmp(&matrix[k][column].abs()))?;
        if matrix[pivot][column] == 0.0 || matrix[pivot][column].is_nan() {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..3 {
            let factor = matrix[row][column] / matrix[column][column];
            for k in column..3 {
                matrix[row][k] -= factor * matrix[column][k];
            }
            right[row] -= factor * right[column];
        }
    }
    let mut solution = [0.0; 3];
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|k| matrix[row][k] * solution[k]).sum();
        solution[row] = (right[row] - known) / matrix[row][row];
    }
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_sigmoid_give_back_its_parameters() {
        let truth = SigmoidFit {
            x0: 7.0,
            k: 0.9,
            b: -0.1,
            rms: 0.0,
        };
        let x: Vec<f64> = (0..60).map(|k| f64::from(k) * 0.4).collect();
        let y: Vec<f64> = x.iter().map(|&x| truth.at(x)).collect();
        let fit = fit_sigmoid(&x, &y).unwrap();
        assert!(
            (fit.x0 - 7.0).abs() < 1e-5 && (fit.k - 0.9).abs() < 1e-5 && (fit.b + 0.1).abs() < 1e-5,
            "{fit:?}"
        );
        assert!(fit.rms < 1e-6);
    }

    #[test]
    fn too_few_or_equal_points_have_no_fit() {
        assert_eq!(fit_sigmoid(&[1.0, 2.0, 3.0], &[0.0, 0.5, 1.0]), None);
        assert_eq!(fit_sigmoid(&[1.0; 8], &[0.5; 8]), None);
        assert_eq!(fit_sigmoid(&[f64::NAN; 8], &[0.5; 8]), None);
    }
}
