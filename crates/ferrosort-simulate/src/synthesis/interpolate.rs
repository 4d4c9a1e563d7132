//! Waveforms between samples: band-limited interpolation with sixteen taps at sixteen phases.

use std::sync::LazyLock;

use crate::firing::PHASES;

/// Taps of the interpolation.
pub(super) const TAPS: usize = 16;
/// Place of the tap of the sample before the wanted time.
const CENTRE: usize = TAPS / 2 - 1;
/// Shape of the Kaiser window: 7 keeps signals below 0.7 of half the sample rate to a thousandth.
const KAISER_BETA: f64 = 7.0;

/// `[PHASES + 1][TAPS]`: a windowed sinc for each fraction of a sample, sum 1.
static KERNELS: LazyLock<Vec<[f32; TAPS]>> = LazyLock::new(|| (0..=PHASES).map(kernel).collect());

fn kernel(phase: usize) -> [f32; TAPS] {
    let fraction = phase as f64 / PHASES as f64;
    let raw: [f64; TAPS] = std::array::from_fn(|k| {
        let x = k as f64 - CENTRE as f64 - fraction;
        let place = x / (TAPS / 2) as f64;
        let window = bessel_i0(KAISER_BETA * (1.0 - place * place).max(0.0).sqrt()) / bessel_i0(KAISER_BETA);
        let angle = std::f64::consts::PI * x;
        let sinc = if x == 0.0 { 1.0 } else { libm::sin(angle) / angle };
        // At whole samples the sine is zero but for rounding.
        if phase.is_multiple_of(PHASES) && x != 0.0 {
            0.0
        } else {
            sinc * window
        }
    });
    let sum: f64 = raw.iter().sum();
    raw.map(|v| (v / sum) as f32)
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = 0.25 * x * x;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        term *= quarter / (k * k) as f64;
        sum += term;
    }
    sum
}

/// Where the samples of a delayed and stretched waveform come from.
pub(super) struct Warp {
    /// First sample of the result, relative to the first of the waveform.
    pub(super) first: i64,
    /// For each sample of the result: place of the first tap in the padded waveform, and the phase.
    places: Vec<(u32, u32)>,
    /// All samples have one phase and consecutive places.
    uniform: bool,
}

/// Zeros on both sides of a padded waveform.
pub(super) const PADDING: usize = TAPS;

impl Warp {
    /// Delays by `fraction` of a sample, in [0, 1), and stretches about sample `n0` by `stretch`, at least 1.
    pub(super) fn new(samples: usize, n0: usize, fraction: f64, stretch: f64) -> Self {
        let reach = (TAPS / 2) as f64;
        let first = (-(n0 as f64) * (stretch - 1.0) - reach).floor() as i64;
        let last = (samples as f64 + (samples - n0) as f64 * (stretch - 1.0) + reach).ceil() as i64;
        let place = |n: i64| {
            let p = n0 as f64 + (n as f64 - fraction - n0 as f64) / stretch;
            let sixteenths = (p * PHASES as f64).round() as i64;
            let (whole, phase) = (
                sixteenths.div_euclid(PHASES as i64),
                sixteenths.rem_euclid(PHASES as i64),
            );
            let at = whole - CENTRE as i64 + PADDING as i64;
            (at.clamp(0, (samples + 2 * PADDING - TAPS) as i64) as u32, phase as u32)
        };
        Self {
            first,
            places: (first..last).map(place).collect(),
            uniform: stretch == 1.0,
        }
    }

    /// Samples of the result.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The result from a waveform with [`PADDING`] zeros on both sides.
    pub(super) fn apply(&self, padded: &[f32], out: &mut [f32]) {
        if self.uniform {
            // One kernel over consecutive places: loops that vectorise. Places at the ends are clamped into the zeros.
            let phase = self.places[self.len() / 2].1 as usize;
            let middle = self.len() / 2;
            let shift = i64::from(self.places[middle].0) - middle as i64;
            out.fill(0.0);
            let from = (-shift).max(0) as usize;
            let to = out
                .len()
                .min((padded.len() as i64 + 1 - TAPS as i64 - shift).max(0) as usize);
            for (k, tap) in KERNELS[phase].iter().enumerate() {
                let source = &padded[(from as i64 + shift) as usize + k..];
                for (o, v) in out[from..to].iter_mut().zip(source) {
                    *o += tap * v;
                }
            }
            return;
        }
        for (o, &(at, phase)) in out.iter_mut().zip(&self.places) {
            let taps = &KERNELS[phase as usize];
            let source = &padded[at as usize..at as usize + TAPS];
            *o = taps.iter().zip(source).map(|(t, v)| t * v).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A smooth pulse at time `t` (samples), sd 3 samples.
    fn pulse(t: f64) -> f32 {
        (-0.5 * (t / 3.0) * (t / 3.0)).exp() as f32
    }

    fn padded() -> Vec<f32> {
        let mut padded = vec![0f32; 64 + 2 * PADDING];
        for t in 0..64 {
            padded[PADDING + t] = pulse(t as f64 - 30.0);
        }
        padded
    }

    #[test]
    fn delays_are_those_of_the_continuous_waveform() {
        for sixteenth in 0..16 {
            let fraction = f64::from(sixteenth) / 16.0;
            let warp = Warp::new(64, 30, fraction, 1.0);
            let mut out = vec![0f32; warp.len()];
            warp.apply(&padded(), &mut out);
            for (i, v) in out.iter().enumerate() {
                let t = i as f64 + warp.first as f64;
                assert!(
                    (v - pulse(t - fraction - 30.0)).abs() < 1e-3,
                    "delay {fraction} at {t}: {v}"
                );
            }
        }
    }

    #[test]
    fn stretching_keeps_the_trough_and_widens_the_waveform() {
        let warp = Warp::new(64, 30, 0.25, 1.3);
        let mut out = vec![0f32; warp.len()];
        warp.apply(&padded(), &mut out);
        for (i, v) in out.iter().enumerate() {
            let t = i as f64 + warp.first as f64 - 30.25;
            assert!((v - pulse(t / 1.3)).abs() < 0.02, "at {t}: {v}");
        }
    }

    #[test]
    fn without_delay_nothing_changes() {
        let warp = Warp::new(64, 30, 0.0, 1.0);
        let mut out = vec![0f32; warp.len()];
        warp.apply(&padded(), &mut out);
        for t in 0..64usize {
            assert_eq!(out[(t as i64 - warp.first) as usize], pulse(t as f64 - 30.0));
        }
    }
}
