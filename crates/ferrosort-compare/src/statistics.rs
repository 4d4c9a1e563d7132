//! Medians, quantiles and means over equal counts.

use serde::Serialize;

/// Quantile `q` (0 to 1) of `values` with linear interpolation, as NumPy's default; not a number without values or if any is
/// not a number.
pub(crate) fn quantile(values: &[f64], q: f64) -> f64 {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// Median of `values`, not a number without values.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Mean of `values`, not a number without values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Means of `y` over groups of equal size in the order of `x`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BinnedMeans {
    /// Mean `x` of each group.
    pub x: Vec<f64>,
    /// Mean `y` of each group.
    pub y: Vec<f64>,
    /// Points in each group.
    pub n: Vec<usize>,
}

/// Means of the points `(x, y)` in `n_bins` groups of as equal size as possible, in the order of `x`. Points with a value
/// that is not finite are left out, and so are empty groups.
pub fn binned_means(x: &[f64], y: &[f64], n_bins: usize) -> BinnedMeans {
    let mut points: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
    points.retain(|point| point.0.is_finite() && point.1.is_finite());
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut means = BinnedMeans {
        x: Vec::new(),
        y: Vec::new(),
        n: Vec::new(),
    };
    for bin in 0..n_bins {
        let group = &points[bin * points.len() / n_bins..(bin + 1) * points.len() / n_bins];
        if !group.is_empty() {
            let n = group.len() as f64;
            means.x.push(group.iter().map(|point| point.0).sum::<f64>() / n);
            means.y.push(group.iter().map(|point| point.1).sum::<f64>() / n);
            means.n.push(group.len());
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert_eq!(quantile(&[0.0, 10.0, 20.0], 0.75), 15.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn bins_hold_equal_numbers_of_points() {
        let x = [5.0, 1.0, 2.0, 4.0, 3.0, f64::NAN];
        let y = [50.0, 10.0, 20.0, 40.0, 30.0, 0.0];
        let means = binned_means(&x, &y, 2);
        assert_eq!(means.x, [1.5, 4.0]);
        assert_eq!(means.y, [15.0, 40.0]);
        assert_eq!(means.n, [2, 3]);
        assert!(binned_means(&[], &[], 20).x.is_empty());
    }
}
