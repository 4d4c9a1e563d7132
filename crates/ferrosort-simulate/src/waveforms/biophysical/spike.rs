//! The intracellular spike that drives everything (docs/waveforms.md 1.1).

use realfft::num_complex::Complex64;

use crate::random::Draws;
use crate::waveforms::fourier::Fourier;

/// Time of the spike in the simulated span, s.
const SPIKE_AT_S: f64 = 0.008;
/// Span at least simulated, as samples at 30 kHz: 34 ms.
const SPAN_AT_30_KHZ: f64 = 1024.0;
/// The spike is sampled this many times finer than the recording, so that nothing folds into its band.
const OVERSAMPLING: usize = 4;

/// Membrane potential of the soma over rest during a spike: a fast logistic rise at time 0, a logistic fall `width_ms`
/// later, and what it overshoots by, which decays exponentially.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntracellularSpike {
    /// Height A, mV.
    pub amplitude_mv: f64,
    /// Time constant of the rise, ms.
    pub rise_ms: f64,
    /// Time between rise and fall, ms; sets the time from trough to peak outside.
    pub width_ms: f64,
    /// Time constant of the fall, ms.
    pub fall_ms: f64,
    /// Afterhyperpolarisation as a share of the height.
    pub after_share: f64,
    /// Time constant with which the afterhyperpolarisation decays, ms.
    pub after_ms: f64,
}

impl IntracellularSpike {
    /// A spike of an axon: shorter than any somatic one, so that its second derivative has one trough.
    pub(crate) fn draw_axonal(draws: &mut Draws) -> Self {
        Self {
            amplitude_mv: draws.between(65.0, 85.0),
            rise_ms: draws.between(0.04, 0.06),
            width_ms: draws.between(0.12, 0.18),
            fall_ms: draws.between(0.05, 0.08),
            after_share: draws.between(0.05, 0.15),
            after_ms: draws.between(1.0, 3.0),
        }
    }

    /// mV over rest.
    pub fn at(&self, t_ms: f64) -> f64 {
        let logistic = |t: f64, tau: f64| 1.0 / (1.0 + libm::exp(-t / tau));
        let since_fall = t_ms - self.width_ms;
        let after = 1.0 + self.after_share * libm::exp(-since_fall.max(0.0) / self.after_ms);
        self.amplitude_mv * (logistic(t_ms, self.rise_ms) - after * logistic(since_fall, self.fall_ms))
    }

    /// All values are numbers, all times positive.
    pub(in crate::waveforms) fn is_valid(&self) -> bool {
        let times = [self.rise_ms, self.width_ms, self.fall_ms, self.after_ms];
        times.iter().all(|t| t.is_finite() && *t > 0.0) && self.amplitude_mv.is_finite() && self.after_share.is_finite()
    }
}

/// The frequencies and samples on which currents are computed.
#[derive(Debug, Clone)]
pub(in crate::waveforms) struct TimeBase {
    sample_rate_hz: f64,
    /// For the finely sampled spike.
    fine: Fourier,
    /// For signals at the rate of the recording.
    coarse: Fourier,
}

impl TimeBase {
    pub(in crate::waveforms) fn new(sample_rate_hz: f64) -> Self {
        let n = (SPAN_AT_30_KHZ * sample_rate_hz / 30_000.0).ceil() as usize;
        let coarse = Fourier::at_least(n);
        Self {
            sample_rate_hz,
            fine: Fourier::at_least(OVERSAMPLING * coarse.len()),
            coarse,
        }
    }

    /// Samples at the rate of the recording.
    pub(in crate::waveforms) fn n_samples(&self) -> usize {
        self.coarse.len()
    }

    /// Sample at which the spike rises.
    pub(in crate::waveforms) fn spike_sample(&self) -> usize {
        (SPIKE_AT_S * self.sample_rate_hz).round() as usize
    }

    /// 2 pi f of the bins below half the recording's rate, rad/s.
    pub(in crate::waveforms) fn angular_frequencies(&self) -> Vec<f64> {
        let bin_hz = self.sample_rate_hz / self.n_samples() as f64;
        (0..self.n_samples() / 2)
            .map(|k| std::f64::consts::TAU * bin_hz * k as f64)
            .collect()
    }

    /// Spectrum of the spike at those bins, mV.
    pub(in crate::waveforms) fn spectrum(&self, spike: &IntracellularSpike) -> Vec<Complex64> {
        let fine_per_ms = OVERSAMPLING as f64 * self.sample_rate_hz / 1000.0;
        let mut values: Vec<Complex64> = (0..self.fine.len())
            .map(|i| Complex64::new(spike.at(i as f64 / fine_per_ms - SPIKE_AT_S * 1000.0), 0.0))
            .collect();
        self.fine.forward(&mut values);
        values.truncate(self.n_samples() / 2);
        values
    }

    /// Two real signals at the recording's rate from their spectra, of which nothing above half the rate is kept.
    pub(in crate::waveforms) fn signals(&self, one: &[Complex64], two: &[Complex64]) -> [Vec<f64>; 2] {
        let n = self.n_samples();
        let mut both = vec![Complex64::ZERO; n];
        for (k, (a, b)) in one.iter().zip(two).enumerate() {
            both[k] = a + Complex64::I * b;
            if k > 0 {
                both[n - k] = a.conj() + Complex64::I * b.conj();
            }
        }
        self.coarse.inverse(&mut both);
        let scale = 1.0 / self.fine.len() as f64;
        [
            both.iter().map(|v| v.re * scale).collect(),
            both.iter().map(|v| v.im * scale).collect(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPIKE: IntracellularSpike = IntracellularSpike {
        amplitude_mv: 90.0,
        rise_ms: 0.06,
        width_ms: 0.5,
        fall_ms: 0.15,
        after_share: 0.05,
        after_ms: 4.0,
    };

    #[test]
    fn a_spike_rises_by_its_amplitude_and_undershoots_by_its_share() {
        assert!(SPIKE.at(-5.0).abs() < 1e-9);
        let top = (0..500).map(|i| SPIKE.at(i as f64 * 0.001)).fold(0.0, f64::max);
        assert!((75.0..90.0).contains(&top), "{top}");
        let bottom = (500..4000).map(|i| SPIKE.at(i as f64 * 0.001)).fold(0.0, f64::min);
        assert!((-4.5..-3.0).contains(&bottom), "{bottom}");
        assert!(SPIKE.at(30.0).abs() < 0.01);
    }

    #[test]
    fn decimation_returns_the_spike() {
        let base = TimeBase::new(30_000.0);
        assert_eq!((base.n_samples(), base.spike_sample()), (1024, 240));
        let spectrum = base.spectrum(&SPIKE);
        let [one, two] = base.signals(&spectrum, &vec![Complex64::ZERO; 512]);
        // A slow spike has little above 15 kHz, so that the band-limited one is nearly the sampled one.
        for (i, v) in one.iter().enumerate() {
            let expected = SPIKE.at((i as f64 - 240.0) / 30.0);
            assert!((v - expected).abs() < 0.3, "sample {i}: {v} instead of {expected}");
        }
        assert!(two.iter().all(|v| v.abs() < 1e-9));
    }

    #[test]
    fn other_rates_span_at_least_as_long() {
        for rate in [20_000.0, 25_000.0, 32_000.0, 50_000.0] {
            let base = TimeBase::new(rate);
            assert!(base.n_samples() as f64 / rate >= 0.0341 && base.n_samples().is_power_of_two());
        }
    }
}
