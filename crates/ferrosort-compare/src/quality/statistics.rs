//! Order statistics, histograms and tail probabilities with the conventions of NumPy and SciPy.
//!
//! The metrics are defined by numbers that those libraries give. Where rounding decides about a count (edges of a histogram, a
//! smoothed count cut to an integer), the order of the operations is theirs.

/// Mean; NaN without values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation with divisor n; NaN without values.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    (values.iter().map(|v| (v - centre) * (v - centre)).sum::<f64>() / values.len() as f64).sqrt()
}

/// The values in ascending order.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut ordered = values.to_vec();
    ordered.sort_unstable_by(f64::total_cmp);
    ordered
}

/// Quantile `q` in 0..=1 of ascending values, linear between neighbours; NaN without values.
pub(crate) fn quantile_of_sorted(ordered: &[f64], q: f64) -> f64 {
    let Some(last) = ordered.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = q * last as f64;
    let below = (place.floor() as usize).min(last);
    let (a, b) = (ordered[below], ordered[(below + 1).min(last)]);
    let t = place - below as f64;
    // Two forms so that both ends are met exactly, as in NumPy.
    if t < 0.5 {
        a + (b - a) * t
    } else {
        b - (b - a) * (1.0 - t)
    }
}

/// Median: the middle value, or the mean of the two in the middle; NaN without values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let ordered = sorted(values);
    match ordered.len() {
        0 => f64::NAN,
        n => f64::midpoint(ordered[(n - 1) / 2], ordered[n / 2]),
    }
}

/// Distance between two percentiles; NaN without values or with a NaN among them.
pub(crate) fn percentile_range(values: &[f64], low: f64, high: f64) -> f64 {
    if values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let ordered = sorted(values);
    quantile_of_sorted(&ordered, high / 100.0) - quantile_of_sorted(&ordered, low / 100.0)
}

/// Counts between equidistant edges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    /// One for each bin.
    pub counts: Vec<u64>,
    /// One more than bins.
    pub edges: Vec<f64>,
}

/// Histogram of `bins` equal bins between the smallest and the largest value, the last bin closed.
///
/// Edges have the precision of the data: when all values are single precision numbers, so are the edges, as with a `float32`
/// array in NumPy. `None` without values or with values that are not finite.
pub(crate) fn histogram(values: &[f64], bins: usize) -> Option<Histogram> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut single = true;
    for &v in values {
        if !v.is_finite() {
            return None;
        }
        low = low.min(v);
        high = high.max(v);
        single &= f64::from(v as f32) == v;
    }
    if values.is_empty() || bins == 0 {
        return None;
    }
    if low == high {
        low -= 0.5;
        high += 0.5;
    }
    let step = (high - low) / bins as f64;
    let mut edges: Vec<f64> = (0..=bins).map(|k| k as f64 * step + low).collect();
    edges[bins] = high;
    if single {
        for e in &mut edges {
            *e = f64::from(*e as f32);
        }
    }
    let mut counts = vec![0; bins];
    for &v in values {
        let mut bin = (((v - low) / (high - low) * bins as f64) as usize).min(bins - 1);
        if v < edges[bin] {
            bin -= 1;
        } else if bin + 1 < bins && v >= edges[bin + 1] {
            bin += 1;
        }
        counts[bin] += 1;
    }
    Some(Histogram { counts, edges })
}

/// Smooths counts with a Gaussian of standard deviation `sd_bins`, cut at four of them; edge values are repeated outside.
pub(crate) fn smooth_gaussian(counts: &[u64], sd_bins: f64) -> Vec<f64> {
    let radius = (4.0 * sd_bins + 0.5) as usize;
    let shape: Vec<f64> = (0..=2 * radius)
        .map(|k| {
            let x = k as f64 - radius as f64;
            (-0.5 / (sd_bins * sd_bins) * (x * x)).exp()
        })
        .collect();
    let total = pairwise_sum(&shape);
    let weights: Vec<f64> = shape.iter().map(|w| w / total).collect();
    let at = |place: usize, offset: isize| {
        let place = place.saturating_add_signed(offset).min(counts.len() - 1);
        counts[place] as f64
    };
    (0..counts.len())
        .map(|i| {
            let mut sum = counts[i] as f64 * weights[radius];
            for k in (1..=radius).rev() {
                sum += (at(i, -(k as isize)) + at(i, k as isize)) * weights[radius - k];
            }
            sum
        })
        .collect()
}

/// Sum in NumPy's order for fewer than 129 values: eight running sums, then the rest.
fn pairwise_sum(values: &[f64]) -> f64 {
    let mut parts = [0.0; 8];
    let blocks = values.chunks_exact(8);
    let rest = blocks.remainder();
    for block in blocks {
        for (part, v) in parts.iter_mut().zip(block) {
            *part += v;
        }
    }
    let [a, b, c, d, e, f, g, h] = parts;
    let whole = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(whole, |sum, v| sum + v)
}

/// Regularised upper incomplete gamma function Q(a, x), for positive `a`.
///
/// Series below `a + 1`, continued fraction (modified Lentz) above: Press et al., Numerical Recipes, 6.2.
pub(crate) fn upper_gamma(a: f64, x: f64) -> f64 {
    const MOST_TERMS: usize = 100_000;
    if x.is_nan() || a.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let scale = (a * x.ln() - x - libm::lgamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for k in 1..MOST_TERMS {
            term *= x / (a + k as f64);
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return 1.0 - scale * sum;
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for k in 1..MOST_TERMS {
        let k = k as f64;
        let step = -k * (k - a);
        b += 2.0;
        d = step * d + b;
        d = 1.0 / if d.abs() < tiny { tiny } else { d };
        c = b + step / c;
        c = if c.abs() < tiny { tiny } else { c };
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    scale * fraction
}

/// Probability that a Poisson variable with this mean is greater than `count`.
pub(crate) fn poisson_above(count: u64, mean: f64) -> f64 {
    1.0 - upper_gamma(count as f64 + 1.0, mean)
}

/// Probability that a chi-square variable with this many degrees of freedom is greater than `x`.
pub(crate) fn chi_square_above(x: f64, degrees: usize) -> f64 {
    upper_gamma(degrees as f64 / 2.0, x / 2.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_neighbours() {
        let ordered = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile_of_sorted(&ordered, 0.0), 1.0);
        assert_eq!(quantile_of_sorted(&ordered, 1.0), 8.0);
        assert!((quantile_of_sorted(&ordered, 0.5) - 3.0).abs() < 1e-15);
        assert!((quantile_of_sorted(&ordered, 0.9) - 6.8).abs() < 1e-12);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert!(median(&[]).is_nan() && quantile_of_sorted(&[], 0.5).is_nan());
    }

    #[test]
    fn the_last_bin_is_closed_and_one_value_makes_a_bin() {
        let h = histogram(&[0.0, 1.0, 2.0, 3.0, 4.0], 4).unwrap();
        assert_eq!(h.counts, [1, 1, 1, 2]);
        assert_eq!(h.edges, [0.0, 1.0, 2.0, 3.0, 4.0]);
        let h = histogram(&[7.0, 7.0], 2).unwrap();
        assert_eq!((h.counts, h.edges), (vec![0, 2], vec![6.5, 7.0, 7.5]));
        assert!(histogram(&[], 3).is_none() && histogram(&[f64::NAN], 3).is_none());
    }

    #[test]
    fn smoothing_keeps_a_constant_and_spreads_a_peak() {
        assert!(smooth_gaussian(&[5; 40], 3.0).iter().all(|v| (v - 5.0).abs() < 1e-12));
        let mut counts = [0; 41];
        counts[20] = 1000;
        let smooth = smooth_gaussian(&counts, 3.0);
        assert!((smooth.iter().sum::<f64>() - 1000.0).abs() < 1e-9);
        assert!((smooth[17] / smooth[20] - (-0.5f64).exp()).abs() < 1e-12, "one sd away");
        assert_eq!(smooth[7], 0.0, "cut at 12 bins");
    }

    #[test]
    fn tail_probabilities_agree_with_tables() {
        // scipy.stats.poisson.sf(1000, 1000)
        const POISSON: f64 = 0.491590632831494;
        // 1 - (1 + 3 + 9/2) exp(-3)
        assert!((poisson_above(2, 3.0) - (1.0 - 8.5 * (-3.0f64).exp())).abs() < 1e-14);
        assert!((chi_square_above(3.841458820694124, 1) - 0.05).abs() < 1e-14);
        assert!((chi_square_above(18.307038053275146, 10) - 0.05).abs() < 1e-14);
        assert!((chi_square_above(2.0, 2) - (-1.0f64).exp()).abs() < 1e-15);
        assert!((poisson_above(1000, 1000.0) - POISSON).abs() < 1e-12);
        assert!((chi_square_above(100.0, 60) - 0.0009168288614560842).abs() < 1e-15);
        assert_eq!(chi_square_above(0.0, 3), 1.0);
    }
}
