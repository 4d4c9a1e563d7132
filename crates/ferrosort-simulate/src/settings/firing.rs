//! When units fire.

use serde::{Deserialize, Serialize};

/// Rates, intervals, bursts, presence and coincidences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FiringSettings {
    /// Distribution of intervals. Default: Poisson.
    pub model: FiringModel,
    /// Distribution of rates over units. Default: log-normal with median 3 Hz.
    pub rates: Rates,
    /// Shortest interval of FS units, ms. Default 1.
    pub refractory_fs_ms: f64,
    /// Shortest interval of all other units, ms. Default 2.
    pub refractory_ms: f64,
    /// Share of RS units that burst. Default 0.4.
    pub burst_share: f64,
    /// Smallest and largest probability that an event of a bursting unit is a burst. Default 0.2 to 0.5.
    pub burst_probability: [f64; 2],
    /// Mean number of spikes in a burst, above 2. Default 3.
    pub burst_mean: f64,
    /// Median interval within bursts, ms. Default 4.
    pub burst_interval_ms: f64,
    /// Shared modulation of rates: standard deviation of the units' coupling; 0 = constant rates. Default 0.
    pub modulation_sd: f64,
    /// Time constant of the modulation, s. Default 20.
    pub modulation_s: f64,
    /// Spikes lie between samples (quantised to 1/16 sample). Default true.
    pub jitter: bool,
    /// Units that come and go.
    pub presence: Presence,
    /// Coincidences of spikes of different units.
    pub overlaps: Overlaps,
}

impl Default for FiringSettings {
    fn default() -> Self {
        Self {
            model: FiringModel::Poisson,
            rates: Rates::LogNormal {
                median_hz: 3.0,
                log_sd: 1.0,
            },
            refractory_fs_ms: 1.0,
            refractory_ms: 2.0,
            burst_share: 0.4,
            burst_probability: [0.2, 0.5],
            burst_mean: 3.0,
            burst_interval_ms: 4.0,
            modulation_sd: 0.0,
            modulation_s: 20.0,
            jitter: true,
            presence: Presence::default(),
            overlaps: Overlaps::default(),
        }
    }
}

/// Distribution of the intervals of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FiringModel {
    /// Geometric intervals in steps of 1/30000 s of which those below 2 ms are left out: the eMouse simulators. The
    /// mean rate is r / (1 + 0.002 r).
    Emouse,
    /// Refractory period plus an exponential.
    Poisson,
    /// Refractory period plus a gamma distribution of this shape.
    Gamma {
        /// Below 1 irregular, above 1 regular.
        shape: f64,
    },
    /// Refractory period plus a log-normal distribution.
    LogNormal {
        /// Standard deviation of the logarithm.
        log_sd: f64,
    },
}

/// Distribution of mean rates over units. All are clipped to 0.05 to 60 Hz, but for the uniform one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rates {
    /// Uniform.
    Uniform {
        /// Hz.
        low_hz: f64,
        /// Hz.
        high_hz: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Hz.
        median_hz: f64,
        /// Standard deviation of the logarithm.
        log_sd: f64,
    },
    /// RS units N(5, 1) Hz, FS units N(15, 3) Hz, not below 0.5 Hz (MEArec's defaults).
    ExcitatoryInhibitory,
}

/// Units that appear, disappear or fall silent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Presence {
    /// Share of units that are there for a part of the recording only. Default 0.
    pub transient_share: f64,
    /// Shortest and longest part, as fractions of the recording. Default 0.2 to 0.8.
    pub window: [f64; 2],
    /// Time over which the amplitude rises and falls at the ends of the window, s. Default 30.
    pub ramp_s: f64,
    /// Share of units that once fire fifty times less often for 60 to 300 s. Default 0.
    pub silent_share: f64,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            transient_share: 0.0,
            window: [0.2, 0.8],
            ramp_s: 30.0,
            silent_share: 0.0,
        }
    }
}

/// Coincidences that are added or removed after all trains are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overlaps {
    /// Spikes to add, as a share of all: each copies the time of a random spike onto another unit. Default 0.
    pub synchronous_share: f64,
    /// Share of the spikes of neighbouring pairs of units that coincide, in spikes with a partner over all spikes of
    /// the two; 0 = as they fall. Default 0.
    pub pair_share: f64,
    /// Coincident spikes of a pair lie within plus and minus half of this, ms. Default 0.
    pub pair_jitter_ms: f64,
    /// Remove spikes that coincide within 1 ms with a spike of a unit at the same place. Default false.
    pub avoid: bool,
    /// Make every spike of one unit of each pair of neighbours fall within plus and minus this of a spike of the other,
    /// with uniform lags, ms; 0 = not. Default 0.
    pub lag_sweep_ms: f64,
}
