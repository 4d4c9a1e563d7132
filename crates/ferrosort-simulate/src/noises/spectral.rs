//! Noise with given power spectra and, in each of some bands, given correlations between contacts.
//!
//! Frames of `frame` samples begin every half frame. In each, the Fourier coefficients of the contacts are independent
//! complex normal numbers, correlated between contacts band by band, and scaled to the power spectrum; transformed
//! back and multiplied by sin(pi (n + 1/2) / frame). The squares of overlapping windows add to 1, so the sum of the
//! frames is stationary and continuous.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlannerScalar};

use super::Source;
use super::prediction::{Prediction, exponential, predictions};
use crate::geometry::SimContact;
use crate::random::{Key, Stream};

/// Samples of a frame when nothing asks for another length.
pub(super) const FRAME: usize = 1024;
/// Contacts that predict the next one.
const NEIGHBOURS: usize = 16;

/// What a noise of this kind is.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// Samples of a frame, a power of two.
    pub(super) frame: usize,
    /// `[contacts, frame / 2 + 1]` one-sided power, µV²/Hz.
    pub(super) power: Vec<Vec<f64>>,
    /// For each band: its first frequency bin, and the predictions of its correlations.
    pub(super) bands: Vec<(usize, Vec<Prediction>)>,
}

impl Model {
    /// One power spectrum (of any scale) for all contacts, a total level, and exponential correlations.
    pub(super) fn of_formula(
        contacts: &[SimContact],
        sample_rate: f64,
        power: impl Fn(f64) -> f64,
        rms_uv: f64,
        length_um: f64,
    ) -> Self {
        Self::with_frame(contacts, sample_rate, FRAME, power, rms_uv, length_um)
    }

    /// The same with frames of this many samples.
    pub(super) fn with_frame(
        contacts: &[SimContact],
        sample_rate: f64,
        frame: usize,
        power: impl Fn(f64) -> f64,
        rms_uv: f64,
        length_um: f64,
    ) -> Self {
        let step_hz = sample_rate / frame as f64;
        let raw: Vec<f64> = (0..=frame / 2)
            .map(|k| if k == 0 { 0.0 } else { power(k as f64 * step_hz) })
            .collect();
        let total: f64 = raw.iter().sum::<f64>() * step_hz;
        let scale = if total > 0.0 { rms_uv * rms_uv / total } else { 0.0 };
        let row: Vec<f64> = raw.iter().map(|p| p * scale).collect();
        Self {
            frame,
            power: vec![row; contacts.len()],
            bands: vec![(
                0,
                predictions(contacts.len(), NEIGHBOURS, exponential(contacts, length_um)),
            )],
        }
    }
}

/// Power of a second-order resonator run forward and backward over a white floor of equal variance.
pub(super) fn resonance(peak_hz: f64, q: f64, sample_rate: f64) -> impl Fn(f64) -> f64 {
    use std::f64::consts::TAU;
    // Poles at radius r and the peak's angle.
    let angle = TAU * peak_hz / sample_rate;
    let radius = libm::exp(-0.5 * angle / q);
    let gain = move |f: f64| {
        let w = TAU * f / sample_rate;
        let (a1, a2) = (-2.0 * radius * libm::cos(angle), radius * radius);
        let re = 1.0 + a1 * libm::cos(w) + a2 * libm::cos(2.0 * w);
        let im = a1 * libm::sin(w) + a2 * libm::sin(2.0 * w);
        let power = 1.0 / (re * re + im * im);
        power * power
    };
    const STEPS: usize = 4096;
    let mean = (0..STEPS)
        .map(|k| gain(0.5 * sample_rate * (k as f64 + 0.5) / STEPS as f64))
        .sum::<f64>()
        / STEPS as f64;
    move |f| gain(f) / mean + 1.0
}

/// The noise of a recording.
pub(crate) struct Spectral {
    frame: usize,
    /// `[contacts, frame / 2 + 1]`: standard deviation of real and imaginary part.
    amplitude: Vec<Vec<f32>>,
    bands: Vec<(usize, Vec<Prediction>)>,
    window: Vec<f32>,
    keys: Vec<Key>,
    fft: Arc<dyn Fft<f32>>,
    /// Bins that have any power.
    bins: std::ops::Range<usize>,
}

impl std::fmt::Debug for Spectral {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spectral")
            .field("frame", &self.frame)
            .finish_non_exhaustive()
    }
}

impl Spectral {
    pub(crate) fn new(model: &Model, sample_rate: f64, seed: u64, stream: Stream) -> Self {
        let frame = model.frame;
        let half = frame / 2;
        let step_hz = sample_rate / frame as f64;
        let amplitude: Vec<Vec<f32>> = model
            .power
            .iter()
            .map(|row| {
                let deviation = |(k, p): (usize, &f64)| match k {
                    0 => 0.0,
                    // The last bin has no partner at a negative frequency.
                    k if k == half => (p * step_hz * 0.5).sqrt() as f32,
                    _ => (p * step_hz * 0.25).sqrt() as f32,
                };
                row.iter().enumerate().map(deviation).collect()
            })
            .collect();
        let powered = |k: usize| amplitude.iter().any(|row| row[k] > 0.0);
        let first = (1..=half).find(|&k| powered(k)).unwrap_or(1);
        let last = (1..=half).rev().find(|&k| powered(k)).unwrap_or(0);
        Self {
            frame,
            bands: model.bands.clone(),
            window: (0..frame)
                .map(|n| libm::sin(std::f64::consts::PI * (n as f64 + 0.5) / frame as f64) as f32)
                .collect(),
            keys: (0..amplitude.len()).map(|c| Key::new(seed, stream, c as u64)).collect(),
            amplitude,
            // The scalar planner does not look at the processor: the same bits everywhere.
            fft: FftPlannerScalar::new().plan_fft_inverse(frame),
            bins: first..last + 1,
        }
    }

    /// Correlated normal numbers of one frame: `[contacts, bins, (re, im)]`.
    fn coefficients(&self, index: u64) -> Vec<f32> {
        let width = 2 * self.bins.len();
        let mut values = vec![0f32; self.keys.len() * width];
        for (i, key) in self.keys.iter().enumerate() {
            let (earlier, rest) = values.split_at_mut(i * width);
            let row = &mut rest[..width];
            key.fill_normals(index * self.frame as u64, row);
            for (b, (first, predictions)) in self.bands.iter().enumerate() {
                let end = self.bands.get(b + 1).map_or(usize::MAX, |next| next.0);
                let place = |bin: usize| 2 * (bin.clamp(self.bins.start, self.bins.end) - self.bins.start);
                let (from, to) = (place(*first), place(end));
                for v in &mut row[from..to] {
                    *v *= predictions[i].rest;
                }
                for &(j, weight) in &predictions[i].terms {
                    let other = &earlier[j * width + from..j * width + to];
                    for (v, o) in row[from..to].iter_mut().zip(other) {
                        *v += weight * o;
                    }
                }
            }
        }
        values
    }

    /// Adds what frame `index` (samples from `frame / 2 (index - 1)`) has in common with the block.
    fn add_frame(
        &self,
        index: u64,
        start: u64,
        n: usize,
        tile: &mut [f32],
        buffer: &mut [Complex32],
        scratch: &mut [Complex32],
    ) {
        let hop = (self.frame / 2) as i64;
        let offset = (index as i64 - 1) * hop - start as i64;
        let from = (-offset).max(0) as usize;
        let to = (n as i64 - offset).clamp(0, self.frame as i64) as usize;
        if from >= to {
            return;
        }
        let values = self.coefficients(index);
        let width = 2 * self.bins.len();
        // Two contacts in one transform: one as the real part, the other as the imaginary part.
        for pair in 0..self.keys.len().div_ceil(2) {
            let (a, b) = (2 * pair, (2 * pair + 1).min(self.keys.len() - 1));
            buffer.fill(Complex32::default());
            for (k, bin) in self.bins.clone().enumerate() {
                let at = |c: usize| {
                    let v = &values[c * width + 2 * k..];
                    Complex32::new(v[0], v[1]) * self.amplitude[c][bin]
                };
                let (first, second) = (at(a), at(b));
                if bin == self.frame / 2 {
                    buffer[bin] = Complex32::new(2.0 * first.re, 2.0 * second.re) * 0.5f32.sqrt();
                } else {
                    buffer[bin] = Complex32::new(first.re - second.im, first.im + second.re);
                    buffer[self.frame - bin] = Complex32::new(first.re + second.im, second.re - first.im);
                }
            }
            self.fft.process_with_scratch(buffer, scratch);
            let to_rows = |tile: &mut [f32], c: usize, part: fn(&Complex32) -> f32| {
                let row = &mut tile[c * n..(c + 1) * n];
                let target = &mut row[(offset + from as i64) as usize..(offset + to as i64) as usize];
                for ((v, x), w) in target.iter_mut().zip(&buffer[from..to]).zip(&self.window[from..to]) {
                    *v += w * part(x);
                }
            };
            to_rows(tile, a, |x| x.re);
            if b != a {
                to_rows(tile, b, |x| x.im);
            }
        }
    }
}

impl Source for Spectral {
    fn add(&self, start: u64, n: usize, tile: &mut [f32]) {
        let hop = (self.frame / 2) as u64;
        let mut buffer = vec![Complex32::default(); self.frame];
        let mut scratch = vec![Complex32::default(); self.fft.get_inplace_scratch_len()];
        for index in start / hop..=(start + n as u64 - 1) / hop + 1 {
            self.add_frame(index, start, n, tile, &mut buffer, &mut scratch);
        }
    }
}
