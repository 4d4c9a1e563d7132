//! Settings of the measurements.

use ferrosort_core::{Error, Result};
use serde::Serialize;

/// Settings of [`measure`](super::measure).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeasureParams {
    /// Corner of the high-pass filter (Butterworth, third order, forward and backward), Hz.
    pub highpass_hz: f64,
    /// Subtract the median over the channels of each shank before the filter.
    pub common_reference: bool,
    /// Waveforms begin this long before the spike, ms.
    pub before_ms: f64,
    /// Waveforms end this long after the spike, ms.
    pub after_ms: f64,
    /// Spikes of a unit whose waveforms are averaged.
    pub max_template_spikes: usize,
    /// Waveforms of single spikes that are kept for each unit.
    pub max_waveforms: usize,
    /// Channels of a mean waveform, those nearest to the main channel.
    pub max_channels: usize,
    /// Channels whose peak to peak counts for a position: at most this far from the main channel, µm.
    pub position_radius_um: f64,
    /// Spikes of a unit whose depths are measured.
    pub max_depth_spikes: usize,
    /// Compute features of the spikes that make the mean waveform.
    pub features: bool,
    /// Channels of the features, those nearest to the main channel.
    pub feature_channels: usize,
    /// Pieces in which the noise is measured.
    pub noise_pieces: usize,
    /// Length of a piece, s.
    pub noise_piece_s: f64,
    /// Seed of every choice of pieces and spikes.
    pub seed: u64,
}

impl Default for MeasureParams {
    fn default() -> Self {
        Self {
            highpass_hz: 300.0,
            common_reference: false,
            before_ms: 1.0,
            after_ms: 2.0,
            max_template_spikes: 500,
            max_waveforms: 100,
            max_channels: 32,
            position_radius_um: 75.0,
            max_depth_spikes: 20_000,
            features: true,
            feature_channels: 12,
            noise_pieces: 20,
            noise_piece_s: 0.5,
            seed: 0,
        }
    }
}

impl MeasureParams {
    /// Checks the settings for a recording of `sample_rate` Hz.
    pub(crate) fn validate(&self, sample_rate: f64) -> Result<()> {
        let refuse = |what: &str, value: f64, remedy: &str| {
            Err(Error::input(format!(
                "measurement of waveforms: {what} is {value}; {remedy}"
            )))
        };
        if !(self.highpass_hz > 0.0 && self.highpass_hz < sample_rate / 2.0) {
            return refuse(
                "the corner of the high-pass filter (Hz)",
                self.highpass_hz,
                "give a value above 0 and below half the sampling rate",
            );
        }
        for (what, value) in [
            ("the time before a spike (ms)", self.before_ms),
            ("the time after a spike (ms)", self.after_ms),
        ] {
            if !(0.1..=10.0).contains(&value) {
                return refuse(what, value, "give a value from 0.1 to 10");
            }
        }
        if !(0.01..=60.0).contains(&self.noise_piece_s) {
            return refuse(
                "the length of a noise piece (s)",
                self.noise_piece_s,
                "give a value from 0.01 to 60",
            );
        }
        let counts = [
            ("the number of noise pieces", self.noise_pieces),
            ("the number of channels of a waveform", self.max_channels),
            ("the number of spikes of a mean waveform", self.max_template_spikes),
        ];
        for (what, value) in counts {
            if value == 0 {
                return refuse(what, 0.0, "give at least 1");
            }
        }
        Ok(())
    }
}
