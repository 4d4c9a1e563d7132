//! Histograms of spike trains.

use crate::model::{Array, Correlogram, Histogram, Kept};

/// Places of at most `most` of `n` things, evenly spread, ascending. The first is always among them.
pub fn even_choice(n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    (0..most).map(|i| i * n / most).collect()
}

/// Intervals between consecutive spikes from 0 to 50 ms in bins of 0.5 ms. `samples` ascend.
pub fn interval_histogram(samples: &[i64], sample_rate_hz: f64) -> Histogram {
    let mut counts = vec![0_i64; 100];
    for pair in samples.windows(2) {
        let interval_ms = (pair[1] - pair[0]) as f64 / sample_rate_hz * 1000.0;
        if let Some(count) = counts.get_mut((interval_ms / 0.5) as usize) {
            *count += 1;
        }
    }
    Histogram {
        start: 0.0,
        width: 0.5,
        counts: Array::integers(counts),
    }
}

/// Rate in bins of `bin_s` from 0 to the end of the recording, Hz; a short last bin is scaled by its length.
pub fn rate_over_time(samples: &[i64], sample_rate_hz: f64, duration_s: f64, bin_s: f64) -> Array {
    let bins = (duration_s / bin_s).ceil().max(1.0) as usize;
    let mut rates = vec![0.0; bins];
    for &sample in samples {
        let bin = (sample as f64 / sample_rate_hz / bin_s).max(0.0) as usize;
        rates[bin.min(bins - 1)] += 1.0;
    }
    for (bin, rate) in rates.iter_mut().enumerate() {
        let length = (duration_s - bin as f64 * bin_s).min(bin_s);
        *rate /= if length > 0.0 { length } else { bin_s };
    }
    Array::points(rates)
}

/// Correlogram of train `a` around spikes of train `b` (samples ascend): counts of `a - b` in bins that lie evenly around
/// 0, as SpikeInterface counts them. Give `same` for an autocorrelogram: a spike is then not paired with itself.
pub fn correlogram(
    a: &[i64],
    b: &[i64],
    same: bool,
    sample_rate_hz: f64,
    duration_s: f64,
    window_ms: f64,
    bin_ms: f64,
) -> Correlogram {
    let bin = ((sample_rate_hz * bin_ms / 1000.0).round() as i64).max(1);
    let half = (sample_rate_hz * window_ms / 2000.0).round() as i64;
    let half = (half - half % bin).max(bin);
    let side = half / bin;
    let mut counts = vec![0_i64; 2 * side as usize];
    let mut start = 0;
    for (p, &at) in a.iter().enumerate() {
        while start < b.len() && b[start] < at - half {
            start += 1;
        }
        for (q, &other) in b.iter().enumerate().skip(start) {
            let difference = at - other;
            if difference < -half {
                break;
            }
            if difference < half && !(same && p == q) {
                counts[(difference.div_euclid(bin) + side) as usize] += 1;
            }
        }
    }
    let expected = a.len() as f64 * b.len() as f64 * bin as f64 / sample_rate_hz / duration_s;
    Correlogram {
        bin_ms: bin as f64 / sample_rate_hz * 1000.0,
        counts: Array::integers(counts),
        baseline: expected.is_finite().then_some(expected),
    }
}

/// `[units, bins]` rate of each train over the recording in `bins` equal bins, smoothed with a Gaussian of one bin, Hz.
pub fn presence(trains: &[Vec<i64>], sample_rate_hz: f64, duration_s: f64, bins: usize) -> Array {
    let bins = bins.max(1);
    let width_s = duration_s / bins as f64;
    let kernel: Vec<f64> = (-3..=3).map(|d| (-0.5 * f64::from(d * d)).exp()).collect();
    let mut values = Vec::with_capacity(trains.len() * bins);
    for train in trains {
        let mut counts = vec![0.0; bins];
        for &sample in train {
            let bin = (sample as f64 / sample_rate_hz / width_s).max(0.0) as usize;
            counts[bin.min(bins - 1)] += 1.0 / width_s;
        }
        values.extend((0..bins).map(|bin| {
            let mut sum = 0.0;
            let mut weights = 0.0;
            for (k, weight) in kernel.iter().enumerate() {
                if let Some(count) = (bin + k).checked_sub(3).and_then(|at| counts.get(at)) {
                    sum += weight * count;
                    weights += weight;
                }
            }
            sum / weights
        }));
    }
    Array::new(&[trains.len(), bins], values, Kept::Levels8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_even_and_starts_at_the_first() {
        assert_eq!(even_choice(3, 5), [0, 1, 2]);
        assert_eq!(even_choice(10, 5), [0, 2, 4, 6, 8]);
    }

    #[test]
    fn intervals_fall_into_their_bins() {
        // 15, 30 and 3000 samples at 30 kHz: 0.5 ms, 1 ms, 100 ms (beyond the histogram).
        let counts = interval_histogram(&[0, 15, 45, 3045], 30_000.0).counts;
        assert_eq!((counts.values()[1], counts.values()[2]), (1.0, 1.0));
        assert_eq!(counts.values().iter().sum::<f64>(), 2.0);
    }

    #[test]
    fn the_last_bin_of_a_rate_is_scaled_by_its_length() {
        let rates = rate_over_time(&[0, 10, 1000, 1200], 1000.0, 1.5, 1.0);
        assert_eq!(rates.values(), [2.0, 4.0]);
    }

    #[test]
    fn a_correlogram_counts_a_minus_b_without_the_right_edge() {
        // Bins of 10 samples, 20 to each side: differences -20, -1, 0, 19 count, 20 does not.
        let result = correlogram(&[100], &[80, 81, 100, 101, 120], false, 10_000.0, 1.0, 4.0, 1.0);
        assert_eq!(result.counts.values(), [1.0, 1.0, 1.0, 1.0]);
        assert_eq!(result.bin_ms, 1.0);
    }

    #[test]
    fn an_autocorrelogram_leaves_out_the_spike_itself() {
        let train = [0, 5, 30];
        let auto = correlogram(&train, &train, true, 10_000.0, 1.0, 4.0, 1.0);
        assert_eq!(auto.counts.values(), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn presence_keeps_the_mean_rate_of_a_steady_train() {
        let train: Vec<i64> = (0..1000).map(|i| i * 10).collect();
        let map = presence(&[train], 1000.0, 10.0, 10);
        assert_eq!(map.shape(), [1, 10]);
        assert!(map.values().iter().all(|v| (v - 100.0).abs() < 1e-9));
    }
}
