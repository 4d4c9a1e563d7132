//! Histograms of spike trains.

use ferrosort_report::model::{Array, Correlogram, Histogram, Kept};

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
