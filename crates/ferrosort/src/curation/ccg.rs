//! Refractoriness of spike trains from their correlogram (docs/kilosort2.md 6.1).

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Bins on either side of the centre bin, 1 ms each.
const HALF_BINS: i64 = 500;
/// Central half-widths at which the refractory gap is tested, in bins.
pub const WIDTHS: usize = 10;
/// Bin width, s.
const BIN_S: f64 = 0.001;
/// Bins that give the rate far from the centre, nearly symmetric.
const FAR: [RangeInclusive<i64>; 2] = [-499..=-251, 250..=499];
/// Bins that give the rate before the centre.
const BEFORE: RangeInclusive<i64> = -50..=-11;
/// Bins that give the rate after the centre.
const AFTER: RangeInclusive<i64> = 11..=49;

/// How time differences are put into bins, and what is done where a ratio is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binning {
    /// Whole samples, half a bin away from zero. Undefined ratios are NaN and lose every comparison and minimum.
    Samples,
    /// Seconds in floating point, half a bin to even, at least one spike per train and 0.1 ns of time; a probability
    /// with nothing expected is NaN (the port, D37).
    Seconds,
}

impl Binning {
    /// The binning of this compatibility mode.
    pub fn of(compat: &crate::settings::Compat) -> Self {
        if compat.python_correlogram {
            Self::Seconds
        } else {
            Self::Samples
        }
    }
}

/// Counts of time differences between two spike trains.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlogram {
    counts: Vec<u64>,
    /// Spikes in each train.
    spikes: [usize; 2],
    /// From the first to the last spike of both trains, s; NaN without spikes.
    span_s: f64,
    binning: Binning,
}

impl Correlogram {
    /// Differences `second - first` under half a second, of spike times in samples. Trains need not be sorted.
    pub fn new(first: &[i64], second: &[i64], sample_rate: f64, binning: Binning) -> Self {
        let (a, b) = (sorted(first), sorted(second));
        let ends = |pick: fn(&[i64]) -> Option<&i64>| [pick(&a), pick(&b)].into_iter().flatten().copied();
        let earliest = ends(<[i64]>::first).min();
        let span_s = match earliest.zip(ends(<[i64]>::last).max()) {
            Some((start, end)) => (end - start) as f64 / sample_rate,
            None => f64::NAN,
        };
        let counts = match binning {
            Binning::Samples => count_samples(&a, &b, sample_rate),
            Binning::Seconds => count_seconds(&a, &b, sample_rate),
        };
        Self {
            counts,
            spikes: [a.len(), b.len()],
            span_s,
            binning,
        }
    }

    /// Pairs in each bin from -500 to 500, the centre bin in the middle.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Pairs of spikes whose lag is in these bins of 1 ms, of `-500..=500`.
    pub fn sum(&self, bins: RangeInclusive<i64>) -> f64 {
        bins.map(|l| self.counts[(l + HALF_BINS) as usize]).sum::<u64>() as f64
    }

    /// Compares the centre of the correlogram with its shoulders.
    pub fn refractory(&self) -> RefractoryTest {
        let [n1, n2] = self.spikes.map(|n| n as f64);
        let expected = match self.binning {
            Binning::Samples => BIN_S * n1 * n2 / self.span_s,
            Binning::Seconds => BIN_S * n1.max(1.0) * n2.max(1.0) / self.span_s.max(1e-10),
        };
        let bins = |r: &RangeInclusive<i64>| (r.end() - r.start() + 1) as f64;
        let far_bins: f64 = FAR.iter().map(bins).sum();
        let far_sum: f64 = FAR.iter().map(|r| self.sum(r.clone())).sum();
        let (before, after) = (self.sum(BEFORE) / bins(&BEFORE), self.sum(AFTER) / bins(&AFTER));
        let far = far_sum / (far_bins * expected);
        let near = larger(
            self.sum(BEFORE) / (bins(&BEFORE) * expected),
            self.sum(AFTER) / (bins(&AFTER) * expected),
        );
        let rate = larger(larger(before, after), far_sum / far_bins);

        let mut by_width = [(0.0, 0.0); WIDTHS];
        let mut inside = 0.0;
        for (i, value) in (1..=WIDTHS as i64).zip(&mut by_width) {
            inside += self.sum(-i..=-i) + self.sum(i..=i);
            let mean = rate * i as f64;
            let z = (inside / 2.0 - mean) / (2.0 * mean).sqrt();
            let probability = if self.binning == Binning::Seconds && mean == 0.0 {
                f64::NAN
            } else {
                0.5 * (1.0 + libm::erf(z))
            };
            *value = (inside / (2.0 * i as f64 * expected), probability);
        }
        let q_by_width = by_width.map(|v| v.0);
        let r_by_width = by_width.map(|v| v.1);
        let shoulder = larger(far, near);
        RefractoryTest {
            q: smallest(&q_by_width.map(|q| q / shoulder)),
            r: smallest(&r_by_width),
            q_by_width,
            r_by_width,
            far,
            near,
        }
    }
}

/// What a correlogram says about refractoriness. Rates are relative to independent trains of the same counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefractoryTest {
    /// Smallest central rate over the larger shoulder rate: the estimated fraction of pairs that violate the gap.
    pub q: f64,
    /// Smallest probability, over the widths, of at most the central count by chance.
    pub r: f64,
    /// Central rate within 1 to 10 bins of the centre.
    pub q_by_width: [f64; WIDTHS],
    /// Probability of at most the central count for each width.
    pub r_by_width: [f64; WIDTHS],
    /// Rate 250 to 500 ms from the centre.
    pub far: f64,
    /// Rate 11 to 50 ms from the centre, the larger side.
    pub near: f64,
}

impl RefractoryTest {
    /// Tests the differences `second - first` (see [`Correlogram::new`]).
    pub fn between(first: &[i64], second: &[i64], sample_rate: f64, binning: Binning) -> Self {
        Correlogram::new(first, second, sample_rate, binning).refractory()
    }

    /// True when the gap is deep and unlikely to be chance. Undefined values never pass.
    pub fn is_refractory(&self, largest_q: f64, largest_r: f64) -> bool {
        self.q < largest_q && self.r < largest_r
    }
}

/// The larger of two values; NaN only when both are.
fn larger(a: f64, b: f64) -> f64 {
    a.max(b)
}

/// The smallest value; NaN only when all are.
fn smallest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}

fn sorted(times: &[i64]) -> Cow<'_, [i64]> {
    if times.is_sorted() {
        return Cow::Borrowed(times);
    }
    let mut copy = times.to_vec();
    copy.sort_unstable();
    Cow::Owned(copy)
}

/// Calls `visit` with every pair whose times differ by at most `reach` samples.
fn pairs(a: &[i64], b: &[i64], reach: i64, mut visit: impl FnMut(i64, i64)) {
    let mut start = 0;
    for &x in a {
        while start < b.len() && b[start] < x - reach {
            start += 1;
        }
        for &y in b[start..].iter().take_while(|&&y| y <= x + reach) {
            visit(x, y);
        }
    }
}

fn count_samples(a: &[i64], b: &[i64], sample_rate: f64) -> Vec<u64> {
    // The largest whole number of samples strictly under half a second.
    let reach = ((0.5 * sample_rate).ceil() as i64 - 1).max(0);
    let mut by_lag = vec![0u64; (2 * reach + 1) as usize];
    pairs(a, b, reach, |x, y| by_lag[(y - x + reach) as usize] += 1);
    let mut counts = vec![0; (2 * HALF_BINS + 1) as usize];
    for (lag, n) in (-reach..=reach).zip(by_lag) {
        let bin = (lag as f64 * 1000.0 / sample_rate).round() as i64;
        counts[(bin + HALF_BINS) as usize] += n;
    }
    counts
}

fn count_seconds(a: &[i64], b: &[i64], sample_rate: f64) -> Vec<u64> {
    let reach = (0.5 * sample_rate).ceil() as i64;
    let mut counts = vec![0; (2 * HALF_BINS + 1) as usize];
    pairs(a, b, reach, |x, y| {
        let seconds = y as f64 / sample_rate - x as f64 / sample_rate;
        if seconds.abs() < 0.5 {
            let bin = (seconds / BIN_S).round_ties_even() as i64;
            counts[(bin + HALF_BINS) as usize] += 1;
        }
    });
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const FS: f64 = 30000.0;

    #[test]
    fn counts_match_a_double_loop() {
        let mut state = 7u64;
        let mut next = |bound: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((state >> 33) % bound) as i64
        };
        let a: Vec<i64> = (0..400).map(|_| next(120_000)).collect();
        let b: Vec<i64> = (0..300).map(|_| next(120_000)).collect();
        let mut samples = vec![0u64; 1001];
        let mut seconds = samples.clone();
        for &x in &a {
            for &y in &b {
                let d = y - x;
                if d.abs() < 15000 {
                    // Half away from zero, in integers.
                    samples[(d.signum() * ((d.abs() + 15) / 30) + 500) as usize] += 1;
                }
                let s = y as f64 / FS - x as f64 / FS;
                if s.abs() < 0.5 {
                    seconds[((s / 0.001).round_ties_even() + 500.0) as usize] += 1;
                }
            }
        }
        assert_eq!(Correlogram::new(&a, &b, FS, Binning::Samples).counts(), samples);
        assert_eq!(Correlogram::new(&a, &b, FS, Binning::Seconds).counts(), seconds);
    }

    #[test]
    fn half_a_second_is_excluded_and_half_bins_go_outward() {
        let bins = |lag: i64, binning| -> Vec<usize> {
            let c = Correlogram::new(&[0], &[lag], FS, binning);
            (0..1001).filter(|&i| c.counts()[i] > 0).collect()
        };
        assert_eq!(bins(14999, Binning::Samples), [1000]);
        assert!(bins(15000, Binning::Samples).is_empty());
        assert!(bins(-15000, Binning::Seconds).is_empty());
        assert_eq!(bins(15, Binning::Samples), [501]);
        assert_eq!(bins(-15, Binning::Samples), [499]);
        assert_eq!(bins(15, Binning::Seconds), [500]);
    }

    #[test]
    fn undefined_ratios_lose_every_comparison() {
        for (a, b) in [(vec![], vec![]), (vec![5], vec![]), (vec![5], vec![5])] {
            let t = RefractoryTest::between(&a, &b, FS, Binning::Samples);
            assert!(t.q.is_nan() && t.r.is_nan(), "{a:?} {b:?}");
            assert!(!t.is_refractory(0.2, 0.05));
        }
        // A filled centre with empty shoulders: certainly not refractory.
        let t = RefractoryTest::between(&[0, 40_000_000], &[90], FS, Binning::Samples);
        assert_eq!((t.q, t.r), (f64::INFINITY, 1.0));
        let port = RefractoryTest::between(&[0, 40_000_000], &[90], FS, Binning::Seconds);
        assert!(port.r.is_nan());
    }

    #[test]
    fn a_gap_is_refractory_and_independence_is_not() {
        // Regular trains 20 ms apart with different phases leave no pair near the centre.
        let a: Vec<i64> = (0..2000).map(|i| i * 600).collect();
        let t = RefractoryTest::between(&a, &a, FS, Binning::Samples);
        assert!(t.q == 0.0 && t.is_refractory(0.2, 0.05));
        let shifted: Vec<i64> = a.iter().map(|t| t + 30).collect();
        assert!(!RefractoryTest::between(&a, &shifted, FS, Binning::Samples).is_refractory(0.2, 0.05));
    }
}
