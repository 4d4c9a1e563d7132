//! Correlograms: how often two units fire at each interval.
//!
//! Definition (`docs/comparison.md`, "Correlograms"; the counts are those of SpikeInterface): with a half window of `W` samples and bins of
//! `B` samples, the correlogram of units `a` and `c` counts the pairs of a spike `p` of `a` and a spike `q` of `c`, not the
//! same spike, by `d = t_p - t_q`, for `-W <= d < W`, in bin `floor(d / B) + W / B`. Bin `W / B` holds `d = 0 .. B - 1`, so an
//! autocorrelogram is not quite its own mirror image: intervals that are multiples of `B` fall on the far side.

use ferrosort_core::{Error, Result};
use ndarray::{Array3, Axis};
use rayon::prelude::*;
use serde::Serialize;

use crate::merged::{MergedSpike, NearStarts, for_each_near, merge};

/// The bins of a correlogram, all of one width, as many on either side of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CorrelogramBins {
    /// Width of a bin, samples, at least 1.
    bin_samples: i64,
    /// Bins on one side of zero.
    half_bins: usize,
}

impl CorrelogramBins {
    /// Bins of `bin_ms` over a window of `window_ms` in total, at `sample_rate` Hz.
    ///
    /// Both are rounded to samples (halves to even) and the half window is cut to whole bins.
    ///
    /// # Errors
    /// The bin is shorter than one sample, the window shorter than two bins, or a value is not finite.
    pub fn new(sample_rate: f64, window_ms: f64, bin_ms: f64) -> Result<Self> {
        let half = (sample_rate * window_ms / 2.0 * 1e-3).round_ties_even();
        let bin = (sample_rate * bin_ms * 1e-3).round_ties_even();
        // A window of 2^31 samples is many hours: a mistake of units, and the counts would not fit in memory.
        let usable = bin >= 1.0 && half >= bin && half < f64::from(i32::MAX);
        if !usable {
            return Err(Error::input(format!(
                "a correlogram of {window_ms} ms in bins of {bin_ms} ms is not possible at {sample_rate} Hz; give a bin of at least one sample and a window of at least two bins"
            )));
        }
        Ok(Self {
            bin_samples: bin as i64,
            half_bins: (half as i64 / bin as i64) as usize,
        })
    }

    /// Number of bins.
    pub fn len(&self) -> usize {
        2 * self.half_bins
    }

    /// Never true: there are at least two bins.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Bins on one side of zero; also the index of the bin that begins at zero.
    pub fn half_bins(&self) -> usize {
        self.half_bins
    }

    /// Width of a bin, samples.
    pub fn bin_samples(&self) -> i64 {
        self.bin_samples
    }

    /// Half the window, samples: a whole number of bins.
    pub fn half_window_samples(&self) -> i64 {
        self.bin_samples * self.half_bins as i64
    }

    /// Edges of the bins, ms, one more than bins.
    pub fn edges_ms(&self, sample_rate: f64) -> Vec<f64> {
        (0..=self.len())
            .map(|k| {
                let samples = k as i64 * self.bin_samples - self.half_window_samples();
                samples as f64 * 1000.0 / sample_rate
            })
            .collect()
    }

    /// Bin of `t_p - t_q + W`, which lies in `0 .. 2 W`. In 32 bits, because that division is several times faster.
    fn bin_of(self, offset: i64) -> usize {
        (offset as u32 / self.bin_samples as u32) as usize
    }
}

/// Correlograms of all pairs of `trains` (ascending samples), `[units, units, bins]`: entry `[a, c, k]` counts `t_a - t_c`.
pub fn correlograms(trains: &[Vec<i64>], bins: CorrelogramBins) -> Array3<u32> {
    let n_units = trains.len();
    let rows = CorrelogramRows::new(trains, bins);
    let mut counts = Array3::<u32>::zeros((n_units, n_units, bins.len()));
    counts
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .enumerate()
        .for_each(|(unit, mut row)| {
            if let Some(row) = row.as_slice_mut() {
                rows.count(unit, row);
            }
        });
    counts
}

/// The correlograms of one unit after the other, for those who need not hold them all.
pub(crate) struct CorrelogramRows<'a> {
    trains: &'a [Vec<i64>],
    merged: Vec<MergedSpike>,
    starts: NearStarts,
    bins: CorrelogramBins,
    /// Bin of each `t_p - t_q + W`: a look is faster than a division, and this is done for every pair of spikes.
    bin_of: Vec<u32>,
}

impl<'a> CorrelogramRows<'a> {
    pub(crate) fn new(trains: &'a [Vec<i64>], bins: CorrelogramBins) -> Self {
        let merged = merge(trains);
        let starts = NearStarts::new(trains, &merged, &merged, bins.half_window_samples());
        let bin_of = (0..2 * bins.half_window_samples())
            .map(|offset| bins.bin_of(offset) as u32)
            .collect();
        Self {
            trains,
            merged,
            starts,
            bins,
            bin_of,
        }
    }

    /// Adds the correlograms of `unit` with all units to `row`, `[units, bins]` of zeros.
    pub(crate) fn count(&self, unit: usize, row: &mut [u32]) {
        let (train, bins) = (&self.trains[unit], self.bins);
        let half = bins.half_window_samples();
        for_each_near(train, self.starts.of_unit(unit), &self.merged, half, |p, _, other| {
            // Only the far edge, a lag of exactly half the window, has no bin.
            let offset = (train[p] - other.sample + half) as usize;
            if let Some(&bin) = self.bin_of.get(offset) {
                row[other.unit as usize * bins.len() + bin as usize] += 1;
            }
        });
        // Every spike met itself, at zero.
        row[unit * bins.len() + bins.half_bins()] -= train.len() as u32;
    }
}

/// Correlogram of two different units, both ascending: counts of `t_a - t_c`.
pub fn cross_correlogram(a: &[i64], c: &[i64], bins: CorrelogramBins) -> Vec<u32> {
    let half = bins.half_window_samples();
    let mut counts = vec![0; bins.len()];
    let mut first = 0;
    for &t in a {
        while c.get(first).is_some_and(|&other| other <= t - half) {
            first += 1;
        }
        for &other in c[first..].iter().take_while(|&&other| other <= t + half) {
            counts[bins.bin_of(t - other + half)] += 1;
        }
    }
    counts
}

/// Autocorrelogram of one unit, ascending samples.
pub fn autocorrelogram(train: &[i64], bins: CorrelogramBins) -> Vec<u32> {
    let mut counts = cross_correlogram(train, train, bins);
    counts[bins.half_bins()] -= train.len() as u32;
    counts
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    fn pair(counts: &Array3<u32>, a: usize, c: usize) -> Vec<u32> {
        counts.index_axis(Axis(0), a).row(c).to_vec()
    }

    /// The definition, spelt out.
    fn brute_force(a: &[i64], c: &[i64], same: bool, bins: CorrelogramBins) -> Vec<u32> {
        let half = bins.half_window_samples();
        let mut counts = vec![0; bins.len()];
        for (p, &t) in a.iter().enumerate() {
            for (q, &u) in c.iter().enumerate() {
                let d = t - u;
                if (-half..half).contains(&d) && !(same && p == q) {
                    let bin = d.div_euclid(bins.bin_samples()) + bins.half_bins() as i64;
                    counts[bin as usize] += 1;
                }
            }
        }
        counts
    }

    #[test]
    fn the_fixture_has_the_correlograms_of_spikeinterface() {
        let truth = fixture::truth();
        let bins = CorrelogramBins::new(30000.0, 20.0, 1.0).unwrap();
        let counts = correlograms(&truth, bins);
        let of = |a: usize, c: usize| pair(&counts, a, c);
        assert_eq!(of(5, 5), [4, 1, 1, 1, 5, 5, 5, 2, 0, 0, 0, 0, 2, 5, 5, 5, 1, 1, 0, 5]);
        assert_eq!(of(4, 5), [3, 5, 3, 4, 5, 7, 8, 3, 6, 7, 1, 4, 2, 3, 3, 3, 7, 3, 3, 4]);
        assert_eq!(of(5, 5), autocorrelogram(&truth[5], bins));
        assert_eq!(of(4, 5), cross_correlogram(&truth[4], &truth[5], bins));
    }

    #[test]
    fn the_far_edge_of_the_window_is_outside_and_the_near_edge_inside() {
        let bins = CorrelogramBins::new(1000.0, 20.0, 5.0).unwrap();
        assert_eq!((bins.half_window_samples(), bins.len()), (10, 4));
        assert_eq!(cross_correlogram(&[110], &[100], bins), [0; 4]);
        assert_eq!(cross_correlogram(&[100], &[110], bins), [1, 0, 0, 0]);
        assert_eq!(cross_correlogram(&[100], &[100], bins), [0, 0, 1, 0]);
        assert_eq!(bins.edges_ms(1000.0), [-10.0, -5.0, 0.0, 5.0, 10.0]);
    }

    #[test]
    fn impossible_bins_are_refused() {
        for (rate, window, bin) in [
            (30000.0, 50.0, 0.01),
            (30000.0, 1.0, 1.0),
            (f64::NAN, 50.0, 1.0),
            (30000.0, 1e12, 1.0),
        ] {
            assert!(
                CorrelogramBins::new(rate, window, bin).is_err(),
                "{rate} {window} {bin}"
            );
        }
    }

    proptest! {
        #[test]
        fn counts_equal_the_definition(trains in prop::collection::vec(fixture::any_train(300), 0..4), bin in 1_i64..9) {
            let bins = CorrelogramBins { bin_samples: bin, half_bins: 5 };
            let counts = correlograms(&trains, bins);
            for a in 0..trains.len() {
                for c in 0..trains.len() {
                    let expected = brute_force(&trains[a], &trains[c], a == c, bins);
                    prop_assert_eq!(pair(&counts, a, c), expected);
                }
            }
        }
    }
}
