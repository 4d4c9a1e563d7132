//! Correlations of plain slices; pairs with a value that is not finite are left out.

use crate::statistics::mean;

/// Pearson's correlation of the pairs in which both values are finite; `NaN` for fewer than two or a constant side.
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = finite_pairs(a, b);
    pearson_of_finite(&a, &b)
}

fn finite_pairs(a: &[f64], b: &[f64]) -> (Vec<f64>, Vec<f64>) {
    a.iter()
        .zip(b)
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .map(|(&x, &y)| (x, y))
        .unzip()
}

fn pearson_of_finite(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    if a.len() < 2 || aa <= 0.0 || bb <= 0.0 {
        return f64::NAN;
    }
    (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0)
}

/// Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank.
pub(crate) fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = finite_pairs(a, b);
    pearson_of_finite(&ranks(&a), &ranks(&b))
}

/// Ranks from 1; equal values share the mean of their ranks.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let value = values[order[from]];
        let to = from + order[from..].iter().take_while(|&&i| values[i] == value).count().max(1);
        for &i in &order[from..to] {
            ranks[i] = (from + 1 + to) as f64 / 2.0;
        }
        from = to;
    }
    ranks
}

/// Kendall's tau-b (Kendall, Biometrika 33:239, 1945), by counting all pairs.
pub(crate) fn kendall(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = finite_pairs(a, b);
    let (mut score, mut untied_a, mut untied_b) = (0_i64, 0_i64, 0_i64);
    let sign = |x: f64, y: f64| i64::from(x > y) - i64::from(x < y);
    for i in 0..a.len() {
        for j in 0..i {
            let (in_a, in_b) = (sign(a[i], a[j]), sign(b[i], b[j]));
            score += in_a * in_b;
            untied_a += in_a.abs();
            untied_b += in_b.abs();
        }
    }
    if untied_a == 0 || untied_b == 0 {
        return f64::NAN;
    }
    score as f64 / (untied_a as f64 * untied_b as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    // scipy.stats: spearmanr and kendalltau of these two lists are 0.8207826816681233 and 0.7378647873726218.
    const A: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
    const B: [f64; 5] = [5.0, 6.0, 7.0, 8.0, 7.0];

    #[test]
    fn correlations_equal_those_of_scipy() {
        assert!((spearman(&A, &B) - 0.820_782_681_668_123_3).abs() < 1e-14);
        assert!((kendall(&A, &B) - 0.737_864_787_372_621_8).abs() < 1e-14);
        assert!((pearson(&A, &B) - 0.832_050_294_337_843_6).abs() < 1e-14);
    }

    #[test]
    fn tied_values_share_the_mean_of_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        let mut a = A.to_vec();
        let mut b = B.to_vec();
        a.push(f64::NAN);
        b.push(1.0);
        assert_eq!(spearman(&a, &b), spearman(&A, &B));
        assert!(pearson(&[1.0], &[1.0]).is_nan() && kendall(&[], &[]).is_nan());
    }
}
