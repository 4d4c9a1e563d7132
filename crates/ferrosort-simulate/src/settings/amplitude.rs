//! How large each spike is.

use serde::{Deserialize, Serialize};

/// Factor of each spike: a random variation times, for units that recover slowly, a factor of the interval before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmplitudeSettings {
    /// Random factor of each spike. Default: normal with sd 0.05.
    pub variation: Variation,
    /// Smaller, wider spikes after short intervals.
    pub recovery: Recovery,
    /// Slow random walk of a unit's amplitude: standard deviation after 10 minutes, relative. Default 0.
    pub walk_sd_10min: f64,
}

impl Default for AmplitudeSettings {
    fn default() -> Self {
        Self {
            variation: Variation::Normal { sd: 0.05 },
            recovery: Recovery::default(),
            walk_sd_10min: 0.0,
        }
    }
}

/// Random factor of each spike, mean 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Variation {
    /// Always 1.
    None,
    /// Gamma with this standard deviation.
    Gamma {
        /// Standard deviation.
        sd: f64,
    },
    /// Normal with this standard deviation, not below 0.1.
    Normal {
        /// Standard deviation.
        sd: f64,
    },
}

/// Recovery of the amplitude: after an interval I, `m = 1 - (1 - m_before (1 - loss)) exp(-I / tau)`, not below the
/// floor; the waveform is stretched in time by `1 + widening (1 - m)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recovery {
    /// Fraction lost with each spike; 0 = no recovery model. Applies to RS units. Default 0.12.
    pub loss: f64,
    /// Time constant, s. Default 0.06.
    pub tau_s: f64,
    /// Smallest factor. Default 0.4.
    pub floor: f64,
    /// Widening of small spikes. Default 0.5.
    pub widening: f64,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            loss: 0.12,
            tau_s: 0.06,
            floor: 0.4,
            widening: 0.5,
        }
    }
}
