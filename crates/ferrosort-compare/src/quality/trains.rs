//! Metrics of one spike train: presence, refractory violations, range of the rate.

use super::Extent;
use super::statistics::{percentile_range, poisson_above};

/// Violations of a refractory period between neighbouring spikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IsiViolations {
    /// Intervals shorter than the threshold; -1 without spikes.
    pub count: f64,
    /// Rate of violations over the rate of spikes; NaN without spikes.
    pub ratio: f64,
}

/// Violations of a refractory period between all spikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefractoryViolations {
    /// Pairs of spikes not farther apart than the refractory period; -1 without spikes.
    pub violations: f64,
    /// Estimated share of spikes of other neurons, 0 to 1; NaN with fewer than two spikes.
    pub contamination: f64,
}

/// How wide the bins of [`sliding_refractory`] are taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlidingBins {
    /// 0.25 ms, although a bin is a whole number of samples (7 at 30 kHz = 0.233 ms): SpikeInterface up to 0.105.0.
    #[default]
    Nominal,
    /// Their true width: SpikeInterface from 0.105.3.
    True,
}

/// Counts of spikes in the complete bins of `bin_s` seconds from the start of the recording.
///
/// A spike exactly at the end of the last complete bin belongs to it.
pub(crate) fn counts_in_bins(train: &[i64], extent: Extent, bin_s: f64) -> Vec<u64> {
    let bin = (bin_s * extent.sample_rate) as u64;
    if bin == 0 {
        return Vec::new();
    }
    let bins = extent.n_samples / bin;
    let mut counts = vec![0; bins as usize];
    for &t in train {
        let Ok(t) = u64::try_from(t) else { continue };
        let place = (t / bin).min(if t == bins * bin {
            bins.saturating_sub(1)
        } else {
            u64::MAX
        });
        if let Some(count) = counts.get_mut(place as usize) {
            *count += 1;
        }
    }
    counts
}

/// Share of the complete bins of `bin_s` seconds in which the unit fires.
///
/// It fires in a bin when it has more than `floor(mean rate * bin_s * least_share)` spikes there. NaN without spikes, or when the
/// recording is shorter than a bin.
pub fn presence_ratio(train: &[i64], extent: Extent, bin_s: f64, least_share: f64) -> f64 {
    let counts = counts_in_bins(train, extent, bin_s);
    if counts.is_empty() || train.is_empty() {
        return f64::NAN;
    }
    let rate = train.len() as f64 / extent.duration_s();
    let threshold = (rate * bin_s * least_share).floor();
    counts.iter().filter(|&&c| c as f64 > threshold).count() as f64 / counts.len() as f64
}

/// Intervals between neighbouring spikes below `threshold_s`, and their rate over the rate of spikes (Hill et al. 2011).
///
/// `min_isi_s` is the shortest interval that the sorter can find.
pub fn isi_violations(train: &[i64], extent: Extent, threshold_s: f64, min_isi_s: f64) -> IsiViolations {
    if train.is_empty() {
        return IsiViolations {
            count: -1.0,
            ratio: f64::NAN,
        };
    }
    // Times in seconds, not samples: an interval of exactly the threshold is decided by their rounding, as in SpikeInterface.
    let seconds = |t: i64| t as f64 / extent.sample_rate;
    let count = train
        .windows(2)
        .filter(|w| seconds(w[1]) - seconds(w[0]) < threshold_s)
        .count() as f64;
    let n = train.len() as f64;
    let violation_rate = count / (2.0 * n * (threshold_s - min_isi_s));
    IsiViolations {
        count,
        ratio: violation_rate / (n / extent.duration_s()),
    }
}

/// Pairs of spikes within the refractory period, and the contamination that explains them (Llobet, Wyngaard and Barbour 2022).
///
/// `censored_ms` is the time after a spike in which the sorter finds no other.
pub fn refractory_violations(
    train: &[i64],
    extent: Extent,
    refractory_ms: f64,
    censored_ms: f64,
) -> RefractoryViolations {
    let n = train.len() as f64;
    if train.is_empty() {
        return RefractoryViolations {
            violations: -1.0,
            contamination: f64::NAN,
        };
    }
    let in_samples = |ms: f64| (ms * extent.sample_rate * 1e-3).round_ties_even();
    let (refractory, censored) = (in_samples(refractory_ms), in_samples(censored_ms));
    let mut violations = 0u64;
    for (p, &t) in train.iter().enumerate() {
        violations += train[p + 1..]
            .iter()
            .take_while(|&&later| later - t <= refractory as i64)
            .count() as u64;
    }
    let violations = violations as f64;
    let free = 1.0 - violations * (extent.n_samples as f64 - 2.0 * n * censored) / (n * n * (refractory - censored));
    let contamination = if train.len() < 2 {
        f64::NAN
    } else if free < 0.0 {
        1.0
    } else {
        1.0 - free.sqrt()
    };
    RefractoryViolations {
        violations,
        contamination,
    }
}

/// Smallest contamination that some refractory period between 0.5 and 10 ms rules out with 90 % confidence.
///
/// 0.005 to 0.35 in steps of 0.005; NaN when none is ruled out, or without spikes (Roth et al. 2025).
pub fn sliding_refractory(train: &[i64], extent: Extent, bins: SlidingBins) -> f64 {
    const BIN_MS: f64 = 0.25;
    const LONGEST_MS: f64 = 10.0;
    const SHORTEST_MS: f64 = 0.5;
    const CONFIDENCE: f64 = 0.9;
    let width = (BIN_MS * 1e-3 * extent.sample_rate).floor() as i64;
    if train.is_empty() || width < 1 {
        return f64::NAN;
    }
    let (width_ms, n_bins) = match bins {
        SlidingBins::Nominal => (BIN_MS, (LONGEST_MS / BIN_MS) as usize),
        SlidingBins::True => {
            let width_ms = width as f64 / extent.sample_rate * 1e3;
            (width_ms, (LONGEST_MS / width_ms) as usize)
        }
    };
    let mut seen = close_pairs(train, width, n_bins);
    for k in 1..n_bins {
        seen[k] += seen[k - 1];
    }
    let n = train.len() as f64;
    for step in 1..=70 {
        let contamination = f64::from(step) * 0.5 / 100.0;
        let (foreign, own) = (contamination * n, (1.0 - contamination) * n);
        let pairs = foreign * (own + (foreign - 1.0) / 2.0);
        for (k, &count) in seen.iter().enumerate() {
            if (k as f64 + 0.5) * width_ms <= SHORTEST_MS {
                continue;
            }
            let expected = 2.0 * (k + 1) as f64 * width_ms * 1e-3 / extent.duration_s() * pairs;
            // At least half of the distribution is at or below a count above its mean: no need to compute it.
            if (count as f64) < expected && poisson_above(count, expected) > CONFIDENCE {
                return contamination;
            }
        }
    }
    f64::NAN
}

/// Numbers of pairs of spikes in `n_bins` bins of `width` samples of their distance; a pair at one sample counts in both orders.
fn close_pairs(train: &[i64], width: i64, n_bins: usize) -> Vec<u64> {
    let mut counts = vec![0u64; n_bins];
    let longest = width * n_bins as i64;
    for (p, &t) in train.iter().enumerate() {
        for &later in train[p + 1..].iter().take_while(|&&later| later - t < longest) {
            counts[((later - t) / width) as usize] += if later == t { 2 } else { 1 };
        }
    }
    counts
}

/// Range from the 5th to the 95th percentile of the rate in complete bins of `bin_s` seconds, Hz.
///
/// NaN without spikes, or when the recording is shorter than a bin.
pub fn firing_range(train: &[i64], extent: Extent, bin_s: f64) -> f64 {
    if train.is_empty() {
        return f64::NAN;
    }
    let rates: Vec<f64> = counts_in_bins(train, extent, bin_s)
        .iter()
        .map(|&c| c as f64 / bin_s)
        .collect();
    percentile_range(&rates, 5.0, 95.0)
}

/// For each unit, the shares of its spikes at samples where at least 2, 4 and 8 spikes of the whole sorting coincide.
///
/// A unit counts once at a sample, even with two spikes there. -1 without spikes (after Grün et al. 2002).
pub fn synchrony(trains: &[Vec<i64>]) -> Vec<[f64; 3]> {
    const SIZES: [usize; 3] = [2, 4, 8];
    let mut spikes: Vec<(i64, u32)> = trains
        .iter()
        .enumerate()
        .flat_map(|(unit, train)| train.iter().map(move |&t| (t, unit as u32)))
        .collect();
    spikes.sort_unstable();
    let mut counts = vec![[0u64; 3]; trains.len()];
    for group in spikes.chunk_by(|a, b| a.0 == b.0) {
        if group.len() < SIZES[0] {
            continue;
        }
        for of_unit in group.chunk_by(|a, b| a.1 == b.1) {
            for (count, size) in counts[of_unit[0].1 as usize].iter_mut().zip(SIZES) {
                *count += u64::from(group.len() >= size);
            }
        }
    }
    counts
        .iter()
        .zip(trains)
        .map(|(count, train)| match train.len() {
            0 => [-1.0; 3],
            n => count.map(|c| c as f64 / n as f64),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Extent = Extent {
        sample_rate: 30000.0,
        n_samples: 1_800_000,
    };

    #[test]
    fn presence_drops_the_incomplete_bin_and_closes_the_last() {
        let extent = Extent {
            sample_rate: 10.0,
            n_samples: 35,
        };
        assert_eq!(counts_in_bins(&[0, 9, 10, 30, 31], extent, 1.0), [2, 1, 1]);
        assert!((presence_ratio(&[0, 30], extent, 1.0, 0.0) - 2.0 / 3.0).abs() < 1e-15);
        assert!(
            presence_ratio(&[0], extent, 4.0, 0.0).is_nan(),
            "bin longer than the recording"
        );
        assert!(presence_ratio(&[], extent, 1.0, 0.0).is_nan());
    }

    #[test]
    fn isi_counts_neighbours_and_refractory_counts_all_pairs() {
        let train = [1000, 1010, 1020, 90_000];
        assert_eq!(isi_violations(&train, MINUTE, 0.0015, 0.0).count, 2.0);
        assert_eq!(refractory_violations(&train, MINUTE, 1.0, 0.0).violations, 3.0);
        assert_eq!(
            refractory_violations(&[0, 30, 61], MINUTE, 1.0, 0.0).violations,
            1.0,
            "inclusive"
        );
        // 2 violations / (2 * 4 * 0.0015 s) / (4 / 60 s)
        let ratio = isi_violations(&train, MINUTE, 0.0015, 0.0).ratio;
        assert!((ratio - 2.0 / 0.012 / (4.0 / 60.0)).abs() < 1e-9);
        assert_eq!(isi_violations(&[], MINUTE, 0.0015, 0.0).count, -1.0);
        assert!(refractory_violations(&[5], MINUTE, 1.0, 0.0).contamination.is_nan());
    }

    #[test]
    fn contamination_is_one_when_violations_exceed_chance() {
        let train: Vec<i64> = (0..100).map(|k| k * 20).collect();
        assert_eq!(refractory_violations(&train, MINUTE, 1.0, 0.0).contamination, 1.0);
    }

    #[test]
    fn synchrony_counts_a_unit_once_at_a_sample() {
        let s = synchrony(&[vec![5, 5, 9], vec![5, 7], vec![5], vec![]]);
        assert_eq!(s[0], [1.0 / 3.0, 1.0 / 3.0, 0.0]);
        assert_eq!(s[1], [0.5, 0.5, 0.0]);
        assert_eq!(s[3], [-1.0; 3]);
    }
}
