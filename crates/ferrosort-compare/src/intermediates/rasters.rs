//! Spikes of a pair of units on one axis: which have a partner, and how both units fire over the whole recording.

use std::ops::Range;

use serde::Serialize;

use crate::matching::match_trains;

/// The window that the notebook shows, samples.
pub const NOTEBOOK_WINDOW: Range<i64> = 0..100_000;

/// Spikes of a unit of A and of one of B.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairRaster {
    /// Samples of the recording that the spikes below are from.
    pub window: Range<i64>,
    /// A's spikes in the window.
    pub a: Vec<RasterSpike>,
    /// B's spikes in the window.
    pub b: Vec<RasterSpike>,
    /// All spikes of A's unit.
    pub n_a: usize,
    /// All spikes of B's unit.
    pub n_b: usize,
    /// Spikes of both that coincide.
    pub matches: usize,
    /// matches / (n_a + n_b - matches); 0 without spikes.
    pub agreement: f64,
    /// Rate of A's unit in each second of the recording, Hz.
    pub rates_a_hz: Vec<f32>,
    /// Rate of B's unit in each second of the recording, Hz.
    pub rates_b_hz: Vec<f32>,
}

/// A spike and whether it has a partner in the other unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RasterSpike {
    /// Sample of the recording.
    pub sample: i64,
    /// True when a spike of the other unit coincides with it.
    pub matched: bool,
}

/// Lays out the ascending trains `a` and `b`. Spikes at most `tolerance` samples apart coincide, each with one partner.
pub fn pair_raster(
    a: &[i64],
    b: &[i64],
    tolerance: i64,
    window: Range<i64>,
    sample_rate: f64,
    n_samples: u64,
) -> PairRaster {
    let pairs = match_trains(a, b, tolerance);
    let (mut matched_a, mut matched_b) = (vec![false; a.len()], vec![false; b.len()]);
    for &(p, q) in &pairs {
        matched_a[p] = true;
        matched_b[q] = true;
    }
    let matches = pairs.len();
    let either = a.len() + b.len() - matches;
    PairRaster {
        a: within(a, &matched_a, &window),
        b: within(b, &matched_b, &window),
        n_a: a.len(),
        n_b: b.len(),
        matches,
        agreement: if either == 0 {
            0.0
        } else {
            matches as f64 / either as f64
        },
        rates_a_hz: rates(a, sample_rate, n_samples),
        rates_b_hz: rates(b, sample_rate, n_samples),
        window,
    }
}

fn within(train: &[i64], matched: &[bool], window: &Range<i64>) -> Vec<RasterSpike> {
    let spikes = train.iter().zip(matched).filter(|(sample, _)| window.contains(sample));
    spikes
        .map(|(&sample, &matched)| RasterSpike { sample, matched })
        .collect()
}

/// Spikes in each whole or begun second.
fn rates(train: &[i64], sample_rate: f64, n_samples: u64) -> Vec<f32> {
    let seconds = n_samples as f64 / sample_rate;
    if !(seconds.is_finite() && sample_rate > 0.0) {
        return Vec::new();
    }
    let mut counts = vec![0.0; seconds.ceil() as usize];
    for &sample in train.iter().filter(|s| **s >= 0) {
        if let Some(count) = counts.get_mut((sample as f64 / sample_rate) as usize) {
            *count += 1.0;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matched_spikes_and_numbers_by_hand() {
        let found = pair_raster(&[5, 100, 200, 999], &[8, 150, 205, 206], 5, 0..500, 100.0, 1000);
        let flags =
            |spikes: &[RasterSpike]| -> Vec<(i64, bool)> { spikes.iter().map(|s| (s.sample, s.matched)).collect() };
        assert_eq!(flags(&found.a), [(5, true), (100, false), (200, true)]);
        assert_eq!(flags(&found.b), [(8, true), (150, false), (205, true), (206, false)]);
        assert_eq!((found.n_a, found.n_b, found.matches), (4, 4, 2));
        assert_eq!(found.agreement, 2.0 / 6.0);
        assert_eq!(found.rates_a_hz, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(found.rates_b_hz[2], 2.0);
    }

    #[test]
    fn nothing_gives_an_empty_raster() {
        let found = pair_raster(&[], &[], 5, NOTEBOOK_WINDOW, 0.0, 10);
        assert_eq!((found.agreement, found.a.len(), found.rates_a_hz.len()), (0.0, 0, 0));
    }
}
