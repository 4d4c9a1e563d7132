//! Correlations of two sets of channels at many lags, through Fourier transforms of short blocks.
//!
//! For lags up to L, a block of N - 2L samples of one signal, padded with zeros, is multiplied in frequency with the N samples of the other
//! that surround it; the products of all blocks are added before one inverse transform (overlap-save). A lag is positive when the
//! second signal is later.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Spectra of all blocks of all channels of two recordings.
pub(super) struct BlockSpectra {
    max_lag: usize,
    size: usize,
    samples: usize,
    /// `[channels][blocks * frequencies]`, of channels scaled to mean 0 and standard deviation 1 (0 where constant).
    a: Vec<Vec<Complex<f32>>>,
    b: Vec<Vec<Complex<f32>>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl BlockSpectra {
    /// Prepares correlations of `a` with `b`, `[channels, samples]` of the same length, at lags up to `max_lag`.
    pub(super) fn new(a: ArrayView2<i16>, b: ArrayView2<i16>, max_lag: usize) -> Self {
        let samples = a.ncols().min(b.ncols());
        let max_lag = max_lag.min(samples.saturating_sub(1));
        let size = (16 * max_lag)
            .next_power_of_two()
            .clamp(256, 1 << 17)
            .max((4 * max_lag).next_power_of_two());
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(size);
        let hop = size - 2 * max_lag;
        let spectra = |x: ArrayView2<i16>, lead: usize, keep: usize| -> Vec<Vec<Complex<f32>>> {
            (0..x.nrows())
                .into_par_iter()
                .map(|c| {
                    let signal = standardised(x.row(c).iter().take(samples).map(|&v| f64::from(v)));
                    blocks(&signal, hop, lead, keep, forward.as_ref())
                })
                .collect()
        };
        Self {
            max_lag,
            size,
            samples,
            a: spectra(a, 0, hop),
            b: spectra(b, max_lag, size),
            inverse: planner.plan_fft_inverse(size),
        }
    }

    /// Correlations of the channels `pairs` (first of `a`, second of `b`) at lags -L..=L, their mean over the pairs.
    pub(super) fn mean_over(&self, pairs: &[(usize, usize)]) -> Vec<f64> {
        let mut sum = vec![Complex::new(0.0, 0.0); self.frequencies()];
        for &(i, j) in pairs {
            for (total, value) in sum.iter_mut().zip(self.cross(i, j)) {
                *total += value;
            }
        }
        let mut lags = self.by_lag(sum);
        for value in &mut lags {
            *value /= pairs.len().max(1) as f64;
        }
        lags
    }

    /// `[channels of a, channels of b]`: the largest correlation over lags.
    pub(super) fn largest(&self) -> Array2<f64> {
        let rows: Vec<Vec<f64>> = (0..self.a.len())
            .into_par_iter()
            .map(|i| {
                let best = |j| {
                    self.by_lag(self.cross(i, j))
                        .into_iter()
                        .fold(f64::NEG_INFINITY, f64::max)
                };
                (0..self.b.len()).map(best).collect()
            })
            .collect();
        Array2::from_shape_fn((self.a.len(), self.b.len()), |(i, j)| rows[i][j])
    }

    fn frequencies(&self) -> usize {
        self.size / 2 + 1
    }

    fn cross(&self, i: usize, j: usize) -> Vec<Complex<f32>> {
        let n = self.frequencies();
        let mut sum = vec![Complex::new(0.0, 0.0); n];
        for (a, b) in self.a[i].chunks_exact(n).zip(self.b[j].chunks_exact(n)) {
            for ((total, x), y) in sum.iter_mut().zip(a).zip(b) {
                *total += x.conj() * y;
            }
        }
        sum
    }

    /// From a summed cross-spectrum to correlations at -L..=L, each divided by the number of samples that overlap at that lag.
    fn by_lag(&self, mut spectrum: Vec<Complex<f32>>) -> Vec<f64> {
        // The two ends of the spectrum of a real signal are real; rounding may have left a trace.
        spectrum[0].im = 0.0;
        spectrum[self.size / 2].im = 0.0;
        let mut out = vec![0.0_f32; self.size];
        if self.samples == 0 || self.inverse.process(&mut spectrum, &mut out).is_err() {
            return vec![0.0; 2 * self.max_lag + 1];
        }
        out.iter()
            .take(2 * self.max_lag + 1)
            .enumerate()
            .map(|(place, &value)| {
                let overlap = self.samples - place.abs_diff(self.max_lag);
                f64::from(value) / self.size as f64 / overlap as f64
            })
            .collect()
    }
}

fn standardised(values: impl Iterator<Item = f64>) -> Vec<f32> {
    let values: Vec<f64> = values.collect();
    let mean = crate::finite::mean(&values);
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len().max(1) as f64;
    let scale = if variance > 0.0 { variance.sqrt().recip() } else { 0.0 };
    values.iter().map(|v| ((v - mean) * scale) as f32).collect()
}

/// Spectra of the blocks that begin `lead` samples before 0, `hop`, `2 hop`, ...; the first `keep` samples of each are used.
fn blocks(signal: &[f32], hop: usize, lead: usize, keep: usize, forward: &dyn RealToComplex<f32>) -> Vec<Complex<f32>> {
    let mut spectra = Vec::new();
    let mut buffer = forward.make_input_vec();
    let mut spectrum = forward.make_output_vec();
    for begin in (0..signal.len()).step_by(hop) {
        for (k, value) in buffer.iter_mut().enumerate() {
            let inside = k < keep && begin + k >= lead;
            *value = if inside {
                signal.get(begin + k - lead).copied().unwrap_or(0.0)
            } else {
                0.0
            };
        }
        // The buffers come from the plan, so their lengths fit.
        if forward.process(&mut buffer, &mut spectrum).is_ok() {
            spectra.extend_from_slice(&spectrum);
        }
    }
    spectra
}

/// Place of the largest value, the first of equals; `None` without a finite value.
pub(super) fn peak(values: &[f64]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (i, value) in values.iter().enumerate() {
        if value.is_finite() && best.is_none_or(|b| *value > values[b]) {
            best = Some(i);
        }
    }
    best
}

/// Place of the top of the parabola through the value at `place` and its neighbours.
pub(super) fn refined(values: &[f64], place: usize) -> f64 {
    if place == 0 || place + 1 >= values.len() {
        return place as f64;
    }
    let (left, top, right) = (values[place - 1], values[place], values[place + 1]);
    let bend = left - 2.0 * top + right;
    if bend < 0.0 {
        place as f64 + 0.5 * (left - right) / bend
    } else {
        place as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, n: usize) -> Vec<i16> {
        let mut state = seed;
        let draw = |_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((state >> 48) as i16) / 64
        };
        (0..n).map(draw).collect()
    }

    fn direct(a: &[i16], b: &[i16], lag: i64) -> f64 {
        let standard = |x: &[i16]| standardised(x.iter().map(|&v| f64::from(v)));
        let (a, b) = (standard(a), standard(b));
        let products: Vec<f64> = (0..a.len() as i64)
            .filter(|t| (0..b.len() as i64).contains(&(t + lag)))
            .map(|t| f64::from(a[t as usize]) * f64::from(b[(t + lag) as usize]))
            .collect();
        products.iter().sum::<f64>() / products.len() as f64
    }

    #[test]
    fn blocks_give_the_correlations_of_the_definition() {
        let (a, b) = (noise(1, 1000), noise(2, 1000));
        let of = |x: &[i16]| Array2::from_shape_fn((1, x.len()), |(_, t)| x[t]);
        for max_lag in [1, 7, 64] {
            let lags = BlockSpectra::new(of(&a).view(), of(&b).view(), max_lag).mean_over(&[(0, 0)]);
            assert_eq!(lags.len(), 2 * max_lag + 1);
            for (place, value) in lags.iter().enumerate() {
                let expected = direct(&a, &b, place as i64 - max_lag as i64);
                assert!((value - expected).abs() < 1e-5, "{max_lag} {place}: {value} {expected}");
            }
        }
    }

    #[test]
    fn a_later_second_signal_has_a_positive_lag() {
        let signal = noise(3, 3000);
        let a = Array2::from_shape_fn((2, 2900), |(c, t)| signal[t + 50 - 10 * c]);
        let b = Array2::from_shape_fn((2, 2900), |(c, t)| signal[t + 43 - 10 * c]);
        let spectra = BlockSpectra::new(a.view(), b.view(), 20);
        let lags = spectra.mean_over(&[(0, 0), (1, 1)]);
        assert_eq!(peak(&lags), Some(27));
        assert!(lags[27] > 0.99);
        let largest = spectra.largest();
        // Channel 1 of a is channel 0 of b, 3 samples earlier.
        assert!(largest.iter().all(|&r| r > 0.99));
        assert!(BlockSpectra::new(a.view(), b.view(), 6).largest()[[0, 0]] < 0.2);
    }

    #[test]
    fn nothing_to_correlate_gives_zero_and_no_panic() {
        let empty = Array2::<i16>::zeros((2, 0));
        let constant = Array2::<i16>::from_elem((2, 10), 5);
        assert_eq!(BlockSpectra::new(empty.view(), empty.view(), 4).largest().sum(), 0.0);
        assert_eq!(
            BlockSpectra::new(constant.view(), constant.view(), 4).largest().sum(),
            0.0
        );
    }

    #[test]
    fn the_parabola_finds_the_top_between_samples() {
        let top = |x: f64| 1.0 - (x - 2.3) * (x - 2.3);
        let values: Vec<f64> = (0..5).map(|x| top(f64::from(x))).collect();
        assert_eq!(peak(&values), Some(2));
        assert!((refined(&values, 2) - 2.3).abs() < 1e-12);
        assert_eq!(refined(&values, 0), 0.0);
    }
}
