//! What to simulate.

use ferrosort_core::{Error, Probe, Result};
use serde::{Deserialize, Serialize};

use crate::geometry::neuropixels1_checkerboard;

/// Background noise of a recording: the sum of three Gaussian parts. The defaults imitate the noise of
/// Neuropixels 1.0 recordings between 300 Hz and 10 kHz.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoiseParams {
    /// White noise of the electronics, independent on every channel, µV rms. Default 7.8.
    pub white_uv: f64,
    /// Noise of distant neurons, coloured in time and correlated between channels, µV rms. Default 8.6.
    pub hash_uv: f64,
    /// Corner of the spectrum of the distant neurons: first-order, flat below, falling above, Hz. Default 1630.
    pub hash_cutoff_hz: f64,
    /// The correlation of the distant neurons between two channels is exp(-distance / this), µm. Default 65.
    pub hash_length_um: f64,
    /// White noise that all channels share, µV rms. Default 2.0.
    pub common_uv: f64,
    /// Spread of the level over channels: standard deviation of its logarithm. Default 0.09.
    pub level_log_sd: f64,
}

impl Default for NoiseParams {
    fn default() -> Self {
        Self {
            white_uv: 7.8,
            hash_uv: 8.6,
            hash_cutoff_hz: 1630.0,
            hash_length_um: 65.0,
            common_uv: 2.0,
            level_log_sd: 0.09,
        }
    }
}

/// Everything that decides a simulated recording. The same parameters give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulationParams {
    /// Length, s. Default 60.
    pub duration_s: f64,
    /// Frames per second, Hz, 5000 to 200000. Default 30000.
    pub sample_rate: f64,
    /// Contacts; every column of the recording has one. Default: 64 channels of Neuropixels 1.0.
    pub probe: Probe,
    /// Units to be found. Default 40.
    pub n_units: usize,
    /// Small units below the detection limit, with real spikes. Default 64.
    pub n_background_units: usize,
    /// Trough of a background unit on its best channel, in noise levels: uniform between these. Default 0.3 to 1.2.
    pub background_snr: [f64; 2],
    /// Distribution of the SNR over units: (probability, SNR) pairs, probabilities rising from 0 to 1, linear in
    /// between. Unit SNRs are its quantiles at (i + 1/2) / `n_units`. The SNR is the trough on the best channel at
    /// zero displacement over the noise of that channel between 300 and 6000 Hz ([`crate::Simulation::noise_uv`]).
    pub snr_quantiles: Vec<[f64; 2]>,
    /// Median of the log-normal distribution of firing rates, Hz. Default 5.2.
    pub rate_median_hz: f64,
    /// Standard deviation of the logarithm of the firing rate; rates are clipped to 0.5 to 40 Hz. Default 0.75.
    pub rate_log_sd: f64,
    /// No two spikes of a unit are closer than this, ms. Default 2.
    pub refractory_ms: f64,
    /// Standard deviation of the amplitude of a unit's spikes, relative. Default 0.08.
    pub amplitude_sd: f64,
    /// The tissue moves along the probe between minus and plus this, µm, by a smoothed random walk that reaches
    /// both ends; 0 = no drift. Default 0.
    pub drift_range_um: f64,
    /// Background noise.
    pub noise: NoiseParams,
    /// µV per count of the `int16` samples. Default 2.34375 (Neuropixels 1.0 at gain 500).
    pub gain_uv: f64,
    /// Seed of everything random. Default 1.
    pub seed: u64,
}

impl Default for SimulationParams {
    fn default() -> Self {
        Self {
            duration_s: 60.0,
            sample_rate: 30_000.0,
            probe: neuropixels1_checkerboard(64),
            n_units: 40,
            n_background_units: 64,
            background_snr: [0.3, 1.2],
            snr_quantiles: vec![
                [0.0, 3.0],
                [0.1, 3.7],
                [0.25, 4.8],
                [0.5, 7.6],
                [0.75, 11.3],
                [0.9, 15.5],
                [1.0, 25.5],
            ],
            rate_median_hz: 5.2,
            rate_log_sd: 0.75,
            refractory_ms: 2.0,
            amplitude_sd: 0.08,
            drift_range_um: 0.0,
            noise: NoiseParams::default(),
            gain_uv: 2.34375,
            seed: 1,
        }
    }
}

impl SimulationParams {
    /// Frames of the recording.
    pub fn n_samples(&self) -> u64 {
        (self.duration_s * self.sample_rate).round() as u64
    }

    /// Checks every value.
    ///
    /// # Errors
    /// A value outside its range, a probe that is not one contact a channel, or quantiles that do not rise.
    pub fn validate(&self) -> Result<()> {
        self.probe.validate(self.probe.len(), "of the simulation")?;
        let within = [
            ("duration_s", self.duration_s, 0.01, 1e7),
            ("sample_rate", self.sample_rate, 5e3, 2e5),
            ("rate_median_hz", self.rate_median_hz, 0.01, 100.0),
            ("rate_log_sd", self.rate_log_sd, 0.0, 3.0),
            ("refractory_ms", self.refractory_ms, 0.0, 10.0),
            ("amplitude_sd", self.amplitude_sd, 0.0, 0.5),
            ("drift_range_um", self.drift_range_um, 0.0, 1000.0),
            ("gain_uv", self.gain_uv, 1e-3, 1e3),
            ("background_snr", self.background_snr[0], 0.0, 1e3),
            ("background_snr", self.background_snr[1], self.background_snr[0], 1e3),
            ("noise.white_uv", self.noise.white_uv, 1e-3, 1e4),
            ("noise.hash_uv", self.noise.hash_uv, 0.0, 1e4),
            ("noise.hash_cutoff_hz", self.noise.hash_cutoff_hz, 10.0, 1e5),
            ("noise.hash_length_um", self.noise.hash_length_um, 0.1, 1e5),
            ("noise.common_uv", self.noise.common_uv, 0.0, 1e4),
            ("noise.level_log_sd", self.noise.level_log_sd, 0.0, 1.0),
        ];
        for (name, value, low, high) in within {
            if !(low..=high).contains(&value) {
                return Err(Error::input(format!(
                    "simulation parameter {name} is {value}; it must be between {low} and {high}"
                )));
            }
        }
        self.validate_quantiles()
    }

    fn validate_quantiles(&self) -> Result<()> {
        let q = &self.snr_quantiles;
        let ends = q.first().is_some_and(|f| f[0] == 0.0 && f[1] > 0.0) && q.last().is_some_and(|l| l[0] == 1.0);
        let rising = q.windows(2).all(|w| w[0][0] < w[1][0] && w[0][1] <= w[1][1]);
        if ends && rising && q.iter().all(|p| p[1].is_finite()) {
            return Ok(());
        }
        Err(Error::input(format!(
            "simulation parameter snr_quantiles is {q:?}; give [probability, SNR] pairs with probabilities rising from 0 \
             to 1 and positive SNRs that do not fall"
        )))
    }

    /// SNR at this probability.
    pub(crate) fn snr_at(&self, probability: f64) -> f64 {
        let q = &self.snr_quantiles;
        let upper = q.partition_point(|p| p[0] < probability).clamp(1, q.len().max(2) - 1);
        let (a, b) = (q[upper - 1], q[upper]);
        a[1] + (b[1] - a[1]) * (probability - a[0]) / (b[0] - a[0])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn snr_quantiles_are_interpolated() {
        let p = SimulationParams {
            snr_quantiles: vec![[0.0, 4.0], [0.5, 8.0], [1.0, 20.0]],
            ..SimulationParams::default()
        };
        assert!(p.validate().is_ok());
        assert_eq!(
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|x| p.snr_at(x)),
            [4.0, 6.0, 8.0, 14.0, 20.0]
        );
    }

    #[test]
    fn wrong_values_are_named() {
        let message = |p: SimulationParams| p.validate().unwrap_err().to_string();
        let base = SimulationParams::default;
        assert!(
            message(SimulationParams {
                duration_s: f64::NAN,
                ..base()
            })
            .contains("duration_s is NaN")
        );
        assert!(message(SimulationParams { gain_uv: 0.0, ..base() }).contains("gain_uv"));
        for quantiles in [
            vec![],
            vec![[0.0, 3.0]],
            vec![[0.0, 3.0], [0.9, 5.0]],
            vec![[0.0, 3.0], [1.0, 2.0]],
        ] {
            assert!(
                message(SimulationParams {
                    snr_quantiles: quantiles,
                    ..base()
                })
                .contains("snr_quantiles")
            );
        }
        let mut p = base();
        p.probe.contacts[3].channel = 0;
        assert!(message(p).contains("more than one contact"));
    }
}
