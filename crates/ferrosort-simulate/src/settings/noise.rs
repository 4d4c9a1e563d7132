//! Noise and disturbances.

use serde::{Deserialize, Serialize};

/// Noise of the electronics and of everything that is not simulated as a spike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Noise {
    /// Nothing.
    None,
    /// White noise, independent on every channel, whose level is uniform between the two: thermal noise. With
    /// background units this is the physical model of a probe.
    Thermal {
        /// Lowest and highest rms over channels, µV.
        rms_uv: [f64; 2],
    },
    /// White noise smoothed over time and over the channel number: the eMouse simulators.
    Smoothed {
        /// Level of each channel, µV rms.
        rms_uv: f64,
        /// Gaussian over time, sd in samples.
        time_sd: f64,
        /// Gaussian over channel numbers, sd in channels.
        channel_sd: f64,
    },
    /// White in time, with the correlation exp(-d / length) between contacts (SpikeInterface), or 2^(-d / length)
    /// when `halving` is true (MEArec).
    DistanceCorrelated {
        /// Lowest and highest rms over channels, µV.
        rms_uv: [f64; 2],
        /// µm.
        length_um: f64,
        /// The length halves the correlation instead of dividing it by e.
        #[serde(default)]
        halving: bool,
    },
    /// White, first-order coloured and common noise (see [`ColouredNoise`]).
    Coloured(ColouredNoise),
    /// Power proportional to 1 / f above a frequency and nothing below (Kilosort4's simulator), correlation
    /// exp(-d / length).
    OneOverF {
        /// µV rms.
        rms_uv: f64,
        /// Hz.
        from_hz: f64,
        /// µm.
        length_um: f64,
    },
    /// A resonance over a white floor of equal variance (MEArec's noise colour), correlation 2^(-d / length).
    Resonance {
        /// µV rms.
        rms_uv: f64,
        /// Hz.
        peak_hz: f64,
        /// Quality of the resonance.
        q: f64,
        /// µm.
        length_um: f64,
    },
    /// Power spectra and coherences of a recording: `path` is a noise model written by this program (`.npz`) or a
    /// recording folder to estimate one from.
    Measured {
        /// The model or the recording.
        path: String,
        /// Factor on its amplitude.
        #[serde(default = "one")]
        scale: f64,
    },
}

fn one() -> f64 {
    1.0
}

impl Default for Noise {
    fn default() -> Self {
        Self::Thermal { rms_uv: [5.0, 5.0] }
    }
}

/// The sum of white noise, distant neurons as an autoregression of first order, and noise of all channels. The
/// defaults imitate Neuropixels 1.0 between 300 Hz and 10 kHz.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColouredNoise {
    /// White noise of the electronics, independent on every channel, µV rms. Default 7.8.
    pub white_uv: f64,
    /// Noise of distant neurons, coloured in time and correlated between channels, µV rms. Default 8.6.
    pub hash_uv: f64,
    /// Corner of the spectrum of the distant neurons: first-order, flat below, falling above, Hz. Default 1630.
    pub hash_cutoff_hz: f64,
    /// The correlation of the distant neurons between two channels is exp(-distance / this), µm. Default 65.
    pub hash_length_um: f64,
    /// White noise that all channels share, µV rms. Default 2.
    pub common_uv: f64,
    /// Spread of the level over channels: standard deviation of its logarithm. Default 0.09.
    pub level_log_sd: f64,
}

impl Default for ColouredNoise {
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

/// Disturbances and bad channels; all off by default. What was done is written to `truth/bad_channels.csv` and
/// `truth/artifacts.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Additions {
    /// The same white noise on all channels, µV rms.
    pub common_uv: f64,
    /// Amplitude of the mains hum, µV; its phase differs between groups of 32 channels, harmonics 2 and 3 have half and
    /// a quarter of the amplitude.
    pub line_uv: f64,
    /// Frequency of the mains, Hz. Default 50.
    pub line_hz: f64,
    /// Slow potentials, 1/f² from 0.5 to 100 Hz with a correlation length of 500 µm, µV rms.
    pub lfp_uv: f64,
    /// Channels that are 0 throughout.
    pub dead_channels: Vec<usize>,
    /// Channels with four times the noise.
    pub noisy_channels: Vec<usize>,
    /// Channels with half the gain.
    pub weak_channels: Vec<usize>,
    /// Beginning and end of stretches in which all channels are at the converter's upper limit, s.
    pub saturation_s: Vec<[f64; 2]>,
    /// Beginning and end of stretches of zeros: lost samples, s.
    pub gaps_s: Vec<[f64; 2]>,
    /// Artefacts of movement.
    pub movement: Movement,
    /// Times of stimulation artefacts, s: 500 µV on all channels, decaying over 1 ms, alternating sign.
    pub stimulation_s: Vec<f64>,
}

impl Default for Additions {
    fn default() -> Self {
        Self {
            common_uv: 0.0,
            line_uv: 0.0,
            line_hz: 50.0,
            lfp_uv: 0.0,
            dead_channels: Vec::new(),
            noisy_channels: Vec::new(),
            weak_channels: Vec::new(),
            saturation_s: Vec::new(),
            gaps_s: Vec::new(),
            movement: Movement::default(),
            stimulation_s: Vec::new(),
        }
    }
}

/// Artefacts of movement: half a sine on all channels minus a slow return, random amplitude, length and sign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Movement {
    /// Mean number a minute; 0 = none.
    pub per_minute: f64,
    /// Smallest and largest amplitude, µV. Default 200 to 1000.
    pub amplitude_uv: [f64; 2],
    /// Shortest and longest duration, ms. Default 5 to 50.
    pub duration_ms: [f64; 2],
}

impl Default for Movement {
    fn default() -> Self {
        Self {
            per_minute: 0.0,
            amplitude_uv: [200.0, 1000.0],
            duration_ms: [5.0, 50.0],
        }
    }
}
