//! Means and order statistics of the values that are finite; `NaN` when none is.

use crate::statistics;

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|v| v.is_finite()).collect()
}

/// Mean.
pub(crate) fn mean(values: &[f64]) -> f64 {
    statistics::mean(&finite(values))
}

/// Root of the mean square.
pub(crate) fn rms(values: &[f64]) -> f64 {
    let squares: Vec<f64> = finite(values).iter().map(|v| v * v).collect();
    statistics::mean(&squares).sqrt()
}

/// Quantile `q` (0 to 1), linear between neighbours.
pub(crate) fn quantile(values: &[f64], q: f64) -> f64 {
    statistics::quantile(&finite(values), q)
}

/// Median.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_numbers_do_not_count() {
        let values = [f64::NAN, 1.0, f64::INFINITY, 7.0];
        assert_eq!((mean(&values), median(&values), rms(&values)), (4.0, 4.0, 5.0));
        assert!(mean(&[]).is_nan() && median(&[f64::NAN]).is_nan());
    }
}
