//! Everything that a user can choose.

use serde::{Deserialize, Serialize};

mod compat;
pub mod metadata;
mod parameters;
pub mod reference;
mod resolve;
mod validate;

pub use compat::{Compat, PRESETS};
pub use parameters::Parameters;
pub use resolve::{RecordingOptions, Resolved};

/// The sorters inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Ours: universal detection, drift registration, clustering, and pursuit with templates that follow the drift.
    Auto,
    /// Kilosort2 with its documented defects mended.
    Kilosort2,
    /// The same engine with the differences of its Python port.
    Pykilosort,
}

/// Everything that a sort depends on, besides the recording and the probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The sorter.
    pub algorithm: Algorithm,
    /// Its numbers.
    pub parameters: Parameters,
    /// Behaviours of the original programs that are switched on.
    pub compat: Compat,
}

impl Settings {
    /// Defaults of this algorithm.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Auto | Algorithm::Kilosort2 => Self {
                algorithm,
                parameters: Parameters::kilosort2(),
                compat: Compat::default(),
            },
            Algorithm::Pykilosort => Self {
                algorithm,
                parameters: Parameters::pykilosort(),
                compat: Compat::pykilosort(),
            },
        }
    }
}
