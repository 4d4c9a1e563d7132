//! A spike's course in time from three exponentials: depolarisation, repolarisation and recovery.
//!
//! The formula of SpikeInterface's simulated ground truth (`generate_single_fake_waveform`; Buccino et al., eLife
//! 9:e61834, 2020), so that both programs can simulate the same units.

use ferrosort_core::{Error, Result};

use super::Window;
use crate::random::Draws;

/// Course in time of a parametric spike with a trough of -1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapeParams {
    /// From rest to the trough, ms.
    pub depolarization_ms: f64,
    /// From the trough to the positive peak, ms.
    pub repolarization_ms: f64,
    /// From the positive peak back to rest, ms.
    pub recovery_ms: f64,
    /// Height of the positive peak over the depth of the trough.
    pub positive_amplitude: f64,
    /// Standard deviation of the Gaussian that rounds the corners, ms.
    pub smooth_ms: f64,
}

impl ShapeParams {
    /// Uniform within SpikeInterface's default ranges.
    pub(crate) fn draw(draws: &mut Draws) -> Self {
        Self {
            depolarization_ms: draws.between(0.09, 0.14),
            repolarization_ms: draws.between(0.5, 0.8),
            recovery_ms: draws.between(1.0, 1.5),
            positive_amplitude: draws.between(0.1, 0.25),
            smooth_ms: draws.between(0.03, 0.07),
        }
    }

    /// The waveform, `[samples]`, lowest at sample `n0` of the window.
    ///
    /// # Errors
    /// A duration that is not a positive number, or phases that do not fit into the window.
    pub(super) fn waveform(&self, window: &Window) -> Result<Vec<f64>> {
        let rate = window.sample_rate_hz;
        let durations = [self.depolarization_ms, self.repolarization_ms, self.recovery_ms];
        let fine = durations.iter().all(|d| d.is_finite() && *d > 0.0)
            && self.positive_amplitude.is_finite()
            && (0.0..100.0).contains(&self.smooth_ms);
        let [down, up, back] = durations.map(|d| (d * rate / 1000.0) as usize);
        if !fine || down > window.n0 || window.n0 + up + back >= window.n_samples {
            return Err(Error::input(format!(
                "a spike with phases of {durations:?} ms does not fit into {} samples at {rate} Hz with the trough on \
                 sample {}; use a longer window or shorter phases",
                window.n_samples, window.n0
            )));
        }
        let mut wave = vec![0.0; window.n_samples];
        let n0 = window.n0;
        let peak = self.positive_amplitude;
        wave[n0 - down..n0].copy_from_slice(&growth(0.0, -1.0, self.depolarization_ms, 0.2, rate));
        wave[n0..n0 + up].copy_from_slice(&relaxation(-1.0, peak, self.repolarization_ms, rate));
        wave[n0 + up..n0 + up + back].copy_from_slice(&relaxation(peak, 0.0, self.recovery_ms, rate));
        let mut wave = smooth(&wave, self.smooth_ms * rate / 1000.0);
        put_trough_on(&mut wave, n0);
        Ok(wave)
    }
}

/// From `start` towards `end` with a growing exponential whose time constant is `tau` times the duration; the end
/// itself belongs to the next segment.
fn growth(start: f64, end: f64, duration_ms: f64, tau: f64, rate: f64) -> Vec<f64> {
    let mut y = exponential(start, end, duration_ms, tau, rate);
    y.pop();
    y
}

/// From `start` towards `end` with an exponential that slows down: growth from `end` to `start`, backwards.
fn relaxation(start: f64, end: f64, duration_ms: f64, rate: f64) -> Vec<f64> {
    let mut y = exponential(end, start, duration_ms, 0.5, rate);
    y.reverse();
    y.pop();
    y
}

fn exponential(start: f64, end: f64, duration_ms: f64, tau: f64, rate: f64) -> Vec<f64> {
    let n = (duration_ms * rate / 1000.0) as usize;
    let y: Vec<f64> = (0..=n)
        .map(|i| libm::exp(i as f64 / rate * 1000.0 / (duration_ms * tau)))
        .collect();
    let (first, last) = (y[0], y[n]);
    if n == 0 {
        return vec![start];
    }
    y.iter()
        .map(|v| (v - first) / (last - first) * (end - start) + start)
        .collect()
}

/// Convolution with a Gaussian of standard deviation `sd` samples, cut at four of them; the largest magnitude is kept.
fn smooth(wave: &[f64], sd: f64) -> Vec<f64> {
    let reach = (sd * 4.0) as usize;
    if reach == 0 {
        return wave.to_vec();
    }
    let taps: Vec<f64> = (0..=2 * reach)
        .map(|k| libm::exp(-(k as f64 - reach as f64).powi(2) / (2.0 * sd * sd)))
        .collect();
    let sum: f64 = taps.iter().sum();
    let at = |t: usize| -> f64 {
        let first = t.saturating_sub(reach);
        let last = (t + reach).min(wave.len() - 1);
        (first..=last).map(|i| wave[i] * taps[t + reach - i] / sum).sum()
    };
    let largest = |w: &[f64]| w.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let rounded: Vec<f64> = (0..wave.len()).map(at).collect();
    let gain = largest(wave) / largest(&rounded);
    rounded.iter().map(|v| v * gain).collect()
}

/// Moves the waveform by whole samples; the end that is vacated keeps what it had.
fn put_trough_on(wave: &mut [f64], n0: usize) {
    let lowest = (0..wave.len()).fold(0, |low, i| if wave[i] < wave[low] { i } else { low });
    if lowest > n0 {
        wave.copy_within(lowest - n0.., 0);
    } else {
        let len = wave.len();
        wave.copy_within(..len - (n0 - lowest), n0 - lowest);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SHAPE: ShapeParams = ShapeParams {
        depolarization_ms: 0.1,
        repolarization_ms: 0.6,
        recovery_ms: 1.1,
        positive_amplitude: 0.15,
        smooth_ms: 0.05,
    };

    #[test]
    fn a_shape_has_its_trough_of_one_where_the_window_says() {
        let wave = SHAPE.waveform(&Window::around_trough(1.5, 3.0, 30_000.0)).unwrap();
        assert_eq!(wave.len(), 135);
        assert!((wave[45] + 1.0).abs() < 1e-12 && wave.iter().all(|v| *v >= -1.0));
        let peak = wave.iter().copied().fold(0.0, f64::max);
        assert!((0.12..0.2).contains(&peak), "{peak}");
        assert!(wave[..34].iter().all(|v| *v == 0.0), "rest before the depolarisation");
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let window = Window::around_trough(1.0, 1.5, 30_000.0);
        assert!(
            SHAPE
                .waveform(&window)
                .unwrap_err()
                .to_string()
                .contains("longer window")
        );
        let bad = ShapeParams {
            recovery_ms: f64::NAN,
            ..SHAPE
        };
        assert!(bad.waveform(&Window::around_trough(1.5, 3.0, 30_000.0)).is_err());
    }

    #[test]
    fn segments_run_from_value_to_value() {
        let down = growth(0.0, -1.0, 0.1, 0.2, 30_000.0);
        // Three samples: (e^(5/3 * i) - 1) / (e^5 - 1).
        assert_eq!(down.len(), 3);
        let expected = |i: f64| -(libm::exp(5.0 * i / 3.0) - 1.0) / (libm::exp(5.0) - 1.0);
        assert!((0..3).all(|i| (down[i] - expected(i as f64)).abs() < 1e-12));
        let up = relaxation(-1.0, 0.5, 1.0, 30_000.0);
        assert_eq!((up.len(), up[0]), (30, -1.0));
        assert!(up.windows(2).all(|w| w[1] > w[0]) && up[29] < 0.5);
    }
}
