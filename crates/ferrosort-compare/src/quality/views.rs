//! What the views of units show, as numbers: histograms, rates, maps, points. Everything comes from trains and amplitudes.

use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;

use super::Extent;
use super::statistics::histogram;
use crate::{CorrelogramBins, autocorrelogram, cross_correlogram};

/// Counts in bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BinnedCounts {
    /// Lower edge of the first bin.
    pub start: f64,
    /// Width of a bin.
    pub width: f64,
    /// One for each bin.
    pub counts: Vec<u64>,
}

/// A rate in bins of equal width, the last one as long as the recording lasts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateOverTime {
    /// Width of a bin, s.
    pub bin_s: f64,
    /// Rate in each bin, Hz.
    pub rates_hz: Vec<f64>,
}

/// When each unit fires.
#[derive(Debug, Clone, PartialEq)]
pub struct PresenceMap {
    /// Width of a bin, s.
    pub bin_s: f64,
    /// `[units, bins]`, Hz, smoothed.
    pub rates_hz: Array2<f32>,
}

/// Intervals between neighbouring spikes: bins of `bin_ms` from 0 up to `longest_ms` (usually 0.5 and 50), in ms.
pub fn isi_histogram(train: &[i64], sample_rate: f64, longest_ms: f64, bin_ms: f64) -> BinnedCounts {
    let mut counts = vec![0; (longest_ms / bin_ms).round().max(0.0) as usize];
    for pair in train.windows(2) {
        let interval_ms = (pair[1] - pair[0]) as f64 * 1000.0 / sample_rate;
        // A whole number of samples can fall just short of the edge that it means.
        let bin = (interval_ms / bin_ms + 1e-9) as usize;
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    BinnedCounts {
        start: 0.0,
        width: bin_ms,
        counts,
    }
}

/// Rate in bins of `bin_s` (usually 10 s) over the whole recording.
pub fn rate_over_time(train: &[i64], extent: Extent, bin_s: f64) -> RateOverTime {
    let bin = ((bin_s * extent.sample_rate) as u64).max(1);
    let bins = extent.n_samples.div_ceil(bin);
    let rates_hz = (0..bins)
        .map(|k| {
            let (from, to) = (k * bin, ((k + 1) * bin).min(extent.n_samples));
            let n = within(train, from as i64, to as i64).len();
            n as f64 * extent.sample_rate / (to - from) as f64
        })
        .collect();
    RateOverTime {
        bin_s: bin as f64 / extent.sample_rate,
        rates_hz,
    }
}

/// Spikes at samples `from..to` of an ascending train.
pub fn within(train: &[i64], from: i64, to: i64) -> &[i64] {
    let first = train.partition_point(|&t| t < from);
    let last = train.partition_point(|&t| t < to).max(first);
    &train[first..last]
}

/// Rates of all units in `bins` bins over the recording, smoothed by a Gaussian of `sd_bins` bins (0: not at all).
///
/// The usual map has bins of 50 ms and a deviation of 4.5 bins; long recordings take fewer, wider bins.
pub fn presence_map(trains: &[Vec<i64>], extent: Extent, bins: usize, sd_bins: f64) -> PresenceMap {
    let bins = bins.max(1);
    let bin_samples = (extent.n_samples as f64 / bins as f64).max(1.0);
    let bin_s = bin_samples / extent.sample_rate;
    let weights = half_gaussian(sd_bins);
    let rows: Vec<Vec<f32>> = trains
        .par_iter()
        .map(|train| {
            let mut counts = vec![0.0; bins];
            for &t in train.iter().filter(|&&t| t >= 0) {
                if let Some(count) = counts.get_mut((t as f64 / bin_samples) as usize) {
                    *count += 1.0;
                }
            }
            smoothed(&counts, &weights).iter().map(|v| (v / bin_s) as f32).collect()
        })
        .collect();
    PresenceMap {
        bin_s,
        rates_hz: Array2::from_shape_fn((trains.len(), bins), |(u, k)| rows[u][k]),
    }
}

/// Weights of a normalised Gaussian at 0, 1, ... up to three standard deviations.
fn half_gaussian(sd_bins: f64) -> Vec<f64> {
    if sd_bins <= 0.0 {
        return vec![1.0];
    }
    let shape: Vec<f64> = (0..=(3.0 * sd_bins).ceil() as usize)
        .map(|k| (-0.5 * (k as f64 / sd_bins).powi(2)).exp())
        .collect();
    let total = 2.0 * shape.iter().sum::<f64>() - shape[0];
    shape.iter().map(|w| w / total).collect()
}

/// Spreads every value over its neighbours; what falls outside is lost.
fn smoothed(values: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; values.len()];
    for (at, &value) in values.iter().enumerate().filter(|&(_, v)| *v != 0.0) {
        for (k, weight) in weights.iter().enumerate() {
            if at + k < out.len() {
                out[at + k] += value * weight;
            }
            if k > 0 && at >= k {
                out[at - k] += value * weight;
            }
        }
    }
    out
}

/// Histogram of values (amplitudes, rates, depths) between the smallest and the largest; values that are not finite are left out.
/// `None` when none is left.
pub fn value_histogram(values: impl IntoIterator<Item = f64>, bins: usize) -> Option<BinnedCounts> {
    let values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    let histogram = histogram(&values, bins)?;
    let (start, end) = (histogram.edges[0], histogram.edges[bins]);
    Some(BinnedCounts {
        start,
        width: (end - start) / bins as f64,
        counts: histogram.counts,
    })
}

/// At most `most` places out of `n`, evenly spaced, the first included.
pub fn evenly_spaced(n: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = n.min(most);
    (0..taken).map(move |k| k * n / taken)
}

/// At most `most` points (sample, amplitude) of a unit, evenly spaced over its spikes.
pub fn amplitude_points(train: &[i64], amplitudes: &[f32], most: usize) -> Vec<(i64, f32)> {
    evenly_spaced(train.len().min(amplitudes.len()), most)
        .map(|k| (train[k], amplitudes[k]))
        .filter(|(_, a)| a.is_finite())
        .collect()
}

/// Spikes of every unit at samples `from..to`; when there are more than `most`, every unit is thinned by the same factor.
pub fn raster(trains: &[Vec<i64>], from: i64, to: i64, most: usize) -> Vec<Vec<i64>> {
    let total: usize = trains.iter().map(|t| within(t, from, to).len()).sum();
    let step = total.div_ceil(most.max(1)).max(1);
    trains
        .iter()
        .map(|t| within(t, from, to).iter().copied().step_by(step).collect())
        .collect()
}

/// Correlograms of these pairs of units (autocorrelogram when both are the same), as [`crate::correlograms`] counts them.
///
/// A pair with a unit that does not exist gives zeros.
pub fn pair_correlograms(trains: &[Vec<i64>], pairs: &[(usize, usize)], bins: CorrelogramBins) -> Vec<Vec<u32>> {
    pairs
        .par_iter()
        .map(|&(a, c)| match (trains.get(a), trains.get(c)) {
            (Some(train), Some(_)) if a == c => autocorrelogram(train, bins),
            (Some(first), Some(second)) => cross_correlogram(first, second, bins),
            _ => vec![0; bins.len()],
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent {
        sample_rate: 1000.0,
        n_samples: 25_000,
    };

    #[test]
    fn intervals_fall_into_bins_of_half_a_millisecond() {
        let h = isi_histogram(&[0, 15, 60, 120, 5000], 30000.0, 50.0, 0.5);
        assert_eq!(h.counts.len(), 100);
        assert_eq!((h.counts[1], h.counts[3], h.counts[4]), (1, 1, 1), "0.5, 1.5 and 2 ms");
        assert_eq!(h.counts.iter().sum::<u64>(), 3, "162 ms is beyond");
    }

    #[test]
    fn the_last_bin_of_the_rate_is_shorter() {
        let r = rate_over_time(&[0, 1, 9_999, 24_000], EXTENT, 10.0);
        assert_eq!(r.rates_hz, [0.3, 0.0, 0.2]);
    }

    #[test]
    fn the_map_keeps_the_number_of_spikes() {
        let map = presence_map(&[vec![12_500, 12_501], vec![]], EXTENT, 250, 4.5);
        assert_eq!(map.rates_hz.dim(), (2, 250));
        assert!((f64::from(map.rates_hz.row(0).sum()) * map.bin_s - 2.0).abs() < 1e-5);
        assert_eq!(map.rates_hz.row(1).sum(), 0.0);
        let raw = presence_map(&[vec![12_500]], EXTENT, 250, 0.0);
        assert!((raw.rates_hz[[0, 125]] - 10.0).abs() < 1e-5);
    }

    #[test]
    fn points_and_rasters_are_thinned_evenly() {
        let train: Vec<i64> = (0..100).collect();
        let amplitudes = vec![1.0f32; 100];
        let points = amplitude_points(&train, &amplitudes, 4);
        assert_eq!(points.iter().map(|p| p.0).collect::<Vec<_>>(), [0, 25, 50, 75]);
        assert_eq!(evenly_spaced(3, 10).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(evenly_spaced(0, 10).count(), 0);
        let r = raster(&[train.clone(), vec![5, 70]], 10, 60, 25);
        assert_eq!((r[0].len(), r[1].len()), (25, 0));
        assert_eq!(within(&train, 98, 1000), [98, 99]);
        assert!(within(&train, 50, 10).is_empty());
    }

    #[test]
    fn histograms_leave_out_what_is_not_finite() {
        let h = value_histogram([1.0, f64::NAN, 3.0, 2.0], 2).unwrap();
        assert_eq!((h.start, h.width, h.counts), (1.0, 1.0, vec![1, 2]));
        assert!(value_histogram([f64::NAN], 2).is_none());
    }

    #[test]
    fn correlograms_of_pairs_equal_the_matrix() {
        let trains = vec![vec![0, 10, 25], vec![5, 12], vec![]];
        let bins = CorrelogramBins::new(1000.0, 40.0, 5.0).unwrap();
        let all = crate::correlograms(&trains, bins);
        let pairs = [(0, 0), (0, 1), (1, 0), (2, 1)];
        let found = pair_correlograms(&trains, &pairs, bins);
        for (&(a, c), counts) in pairs.iter().zip(&found) {
            assert_eq!(all.index_axis(ndarray::Axis(0), a).row(c).to_vec(), *counts);
        }
        assert_eq!(pair_correlograms(&trains, &[(0, 9)], bins), [vec![0; 8]]);
    }
}
