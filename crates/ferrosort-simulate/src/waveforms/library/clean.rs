//! Improvements of measured waveforms before they are used (docs/waveforms.md 4.3).

/// Samples of the baseline, and of the ramp at either end.
const EDGE: usize = 10;

/// Subtracts from each waveform the mean of its first ten samples and brings both ends to zero with cosine ramps of
/// ten samples. `waves` is `[positions, samples]`.
pub(super) fn flatten_baseline(waves: &mut [f64], n_samples: usize) {
    let edge = EDGE.min(n_samples);
    let ramp = |from_end: usize| {
        let x = (from_end as f64 / EDGE as f64).min(1.0);
        0.5 - 0.5 * libm::cos(std::f64::consts::PI * x)
    };
    for wave in waves.chunks_exact_mut(n_samples) {
        let mean = wave[..edge].iter().sum::<f64>() / edge as f64;
        for (t, v) in wave.iter_mut().enumerate() {
            *v = (*v - mean) * ramp(t) * ramp(n_samples - 1 - t);
        }
    }
}

/// Replaces `[positions, samples]` by its three leading singular components: projects the waveforms on the three
/// leading eigenvectors of their products over samples.
pub(super) fn keep_rank_three(waves: &mut [f64], n_samples: usize) {
    let mut gram = vec![0.0; n_samples * n_samples];
    for wave in waves.chunks_exact(n_samples) {
        for (i, a) in wave.iter().enumerate() {
            for (j, b) in wave.iter().enumerate() {
                gram[i * n_samples + j] += a * b;
            }
        }
    }
    let vectors = eigenvectors(&mut gram, n_samples);
    let mut order: Vec<usize> = (0..n_samples).collect();
    order.sort_by(|&a, &b| gram[b * n_samples + b].total_cmp(&gram[a * n_samples + a]));
    for wave in waves.chunks_exact_mut(n_samples) {
        let original = wave.to_vec();
        wave.fill(0.0);
        for &k in order.iter().take(3) {
            let component = |t: usize| vectors[t * n_samples + k];
            let weight: f64 = original.iter().enumerate().map(|(t, v)| v * component(t)).sum();
            for (t, v) in wave.iter_mut().enumerate() {
                *v += weight * component(t);
            }
        }
    }
}

/// Jacobi's method: turns the symmetric `a`, `[n, n]`, into its eigenvalues (on the diagonal) and returns the
/// eigenvectors in columns.
fn eigenvectors(a: &mut [f64], n: usize) -> Vec<f64> {
    let mut vectors = vec![0.0; n * n];
    for i in 0..n {
        vectors[i * n + i] = 1.0;
    }
    for _sweep in 0..30 {
        let size: f64 = a.iter().map(|v| v * v).sum();
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| a[i] * a[i]).sum();
        if off <= 1e-26 * size {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p * n + q] != 0.0 {
                    rotate(a, &mut vectors, n, p, q);
                }
            }
        }
    }
    vectors
}

/// The rotation of rows and columns p and q that makes a_pq zero.
fn rotate(a: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    let turn = |x: f64, y: f64| (c * x - s * y, s * x + c * y);
    for k in 0..n {
        (a[k * n + p], a[k * n + q]) = turn(a[k * n + p], a[k * n + q]);
    }
    for k in 0..n {
        (a[p * n + k], a[q * n + k]) = turn(a[p * n + k], a[q * n + k]);
        (vectors[k * n + p], vectors[k * n + q]) = turn(vectors[k * n + p], vectors[k * n + q]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_becomes_zero_and_the_ends_too() {
        let mut waves: Vec<f64> = (0..81).map(|t| 5.0 - if t == 40 { 100.0 } else { 0.0 }).collect();
        flatten_baseline(&mut waves, 81);
        assert!(
            waves
                .iter()
                .enumerate()
                .all(|(t, v)| *v == if t == 40 { -100.0 } else { 0.0 })
        );
        let mut slope: Vec<f64> = (0..30).map(f64::from).collect();
        flatten_baseline(&mut slope, 30);
        // 20 - 4.5 times the ramp nine samples from the end.
        let ramp = 0.5 - 0.5 * (0.9 * std::f64::consts::PI).cos();
        assert!((slope[20] - 15.5 * ramp).abs() < 1e-12 && slope[29] == 0.0);
    }

    #[test]
    fn three_components_are_kept_and_the_fourth_is_dropped() {
        let n = 16;
        let component = |k: usize, t: usize| libm::cos(std::f64::consts::PI * k as f64 * (t as f64 + 0.5) / n as f64);
        let weight = |k: usize, p: usize| [9.0, 5.0, 3.0, 0.5][k] * component(k, p);
        let of_rank = |rank: usize| -> Vec<f64> {
            (0..n * n)
                .map(|i| (0..rank).map(|k| weight(k, i / n) * component(k, i % n)).sum())
                .collect()
        };
        let mut waves = of_rank(4);
        keep_rank_three(&mut waves, n);
        for (a, b) in waves.iter().zip(of_rank(3)) {
            assert!((a - b).abs() < 1e-9);
        }
    }
}
