//! Levels of noise and signal.

/// Robust standard deviation: the median distance from the median over 0.6744898; 0 for an empty slice.
pub(crate) fn mad_sigma(values: &[f32]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let mut sorted = values.to_vec();
    let middle = sorted.len() / 2;
    let median = *sorted.select_nth_unstable_by(middle, f32::total_cmp).1;
    for v in &mut sorted {
        *v = (*v - median).abs();
    }
    f64::from(*sorted.select_nth_unstable_by(middle, f32::total_cmp).1) / 0.674_489_8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_robust_deviation_ignores_outliers() {
        // Distances from the median 3: 2 1 0 1 997.
        assert!((mad_sigma(&[1.0, 2.0, 3.0, 4.0, 1000.0]) - 1.0 / 0.674_489_8).abs() < 1e-9);
        assert_eq!(mad_sigma(&[]), 0.0);
    }
}
