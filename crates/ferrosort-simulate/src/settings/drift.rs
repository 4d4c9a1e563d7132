//! Displacement of the tissue.

use serde::{Deserialize, Serialize};

/// The displacement is the sum of components, each a course over time times a profile over depth. Positive = the
/// tissue moves towards larger y.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriftSettings {
    /// Direction. Default `y`.
    pub axis: Axis,
    /// Waveforms are computed at displacements this far apart and interpolated linearly between them, µm. Default 2.
    pub grid_um: f64,
    /// Components; none = no drift.
    pub components: Vec<Component>,
}

impl Default for DriftSettings {
    fn default() -> Self {
        Self {
            axis: Axis::Y,
            grid_um: 2.0,
            components: Vec::new(),
        }
    }
}

/// Direction of the displacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Across the shank.
    X,
    /// Along the shank.
    Y,
    /// Towards and away from the shank: amplitudes change.
    Z,
}

/// One part of the displacement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Over time, µm.
    pub course: Course,
    /// Factor over depth.
    #[serde(default)]
    pub profile: Profile,
}

/// A displacement over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Course {
    /// Speed times time.
    Linear {
        /// µm per hour.
        um_per_hour: f64,
    },
    /// A sin(2 pi t / P).
    Sine {
        /// A, µm.
        amplitude_um: f64,
        /// P, s.
        period_s: f64,
    },
    /// A triangle from 0 to A at P/4, -A at 3P/4 and back to 0.
    Triangle {
        /// A, µm.
        amplitude_um: f64,
        /// P, s.
        period_s: f64,
    },
    /// A jump of A at every multiple of P that decays as exp(-t / tau): the "exp" drift of the eMouse simulator.
    Relaxation {
        /// A, µm.
        amplitude_um: f64,
        /// P, s.
        period_s: f64,
        /// tau, s.
        decay_s: f64,
    },
    /// Jumps at given times, of which a part remains: A (f + (1 - f) exp(-(t - t_k) / tau)).
    Step {
        /// A, µm.
        amplitude_um: f64,
        /// t_k, s.
        times_s: Vec<f64>,
        /// f: 1 = the whole jump stays.
        remaining: f64,
        /// tau, s.
        decay_s: f64,
    },
    /// Gaussian steps of sd `um_per_sqrt_s` sqrt(0.1 s) every 0.1 s, reflected at the limit.
    RandomWalk {
        /// µm per square root of a second.
        um_per_sqrt_s: f64,
        /// Largest displacement, µm.
        limit_um: f64,
    },
    /// White noise smoothed with a Gaussian of this time, scaled to the range: from -range/2 to +range/2.
    SmoothNoise {
        /// Peak to peak, µm.
        range_um: f64,
        /// Standard deviation of the Gaussian, s.
        smooth_s: f64,
    },
    /// Heartbeat or breathing: a sine whose phase wanders.
    Pulsation {
        /// µm.
        amplitude_um: f64,
        /// Hz.
        frequency_hz: f64,
    },
    /// Alternates between +A/2 and -A/2 after intervals uniform between the two times (SpikeInterface's "bump").
    Bumps {
        /// A, µm.
        amplitude_um: f64,
        /// Shortest and longest interval, s.
        interval_s: [f64; 2],
    },
    /// Jumps of random sign every `interval_s`, reflected at the limit (MEArec's fast drift).
    Jumps {
        /// Smallest and largest jump, µm.
        size_um: [f64; 2],
        /// s.
        interval_s: f64,
        /// Largest displacement, µm.
        limit_um: f64,
    },
    /// Kilosort4's simulated drift: smoothed noise common to nine depths plus a part of each depth, constant over
    /// batches of 2 s. It brings its own profile.
    Kilosort4 {
        /// Range of the whole, µm.
        range_um: f64,
        /// Smoothing, batches of 2 s.
        smooth_batches: f64,
        /// Jump in the middle of the recording, µm.
        step_um: f64,
    },
    /// A table `time_s,depth_um,displacement_um` in a CSV file with a header: linear in between, ends held. It brings
    /// its own profile.
    Table {
        /// The file.
        path: String,
    },
}

/// Factor of a course over depth.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Profile {
    /// 1 everywhere.
    #[default]
    Rigid,
    /// exp(-|y - centre| / length).
    Exponential {
        /// µm.
        centre_um: f64,
        /// µm.
        length_um: f64,
    },
    /// Linear from the least factor at the lowest contact to 1 at the highest.
    Gradient {
        /// Factor at the lowest contact.
        least: f64,
    },
    /// 0 below and 1 above a depth, a logistic edge 100 µm wide between.
    Blocks {
        /// µm.
        edge_um: f64,
    },
    /// For random courses: independent courses at `n` equally spaced depths, smoothed over depth with a Gaussian of
    /// `smooth` knots and linear in between.
    Knots {
        /// Depths, at least 2.
        n: usize,
        /// Gaussian's standard deviation in knots.
        smooth: f64,
    },
}
