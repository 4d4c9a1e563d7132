//! Simulated extracellular recordings with known spikes, and the score of a sorting against them.
//!
//! [`Settings`] describe a recording: probe, units, firing, amplitudes, drift, noise. [`Simulation::plan`] draws all of
//! it, [`Simulation::write`] streams the samples to a folder together with the truth. `docs/simulation.md` has the
//! formulas. A seed means one recording: the same bytes on any machine and for any number of threads.
//!
//! ```
//! use ferrosort_core::Silent;
//! use ferrosort_simulate::{Settings, Simulation, score_against_truth};
//!
//! let mut settings = Settings::preset("tetrode")?;
//! settings.duration_s = 0.5;
//! let simulation = Simulation::plan(&settings, &Silent)?;
//! let recording = simulation.to_recording()?; // or simulation.write(folder, &observer)
//! let truth = simulation.truth();
//! let perfect = score_against_truth(&truth, &truth.spike_times, &truth.spike_units)?;
//! assert!(perfect.units.iter().all(|u| u.n_spikes == 0 || u.accuracy == 1.0));
//! # Ok::<(), ferrosort_core::Error>(())
//! ```
#![forbid(unsafe_code)]

mod amplitude;
mod firing;
pub mod geometry;
mod motion;
mod noises;
mod output;
mod random;
mod score;
pub mod settings;
mod simulation;
mod snr;
mod synthesis;
mod units;
pub mod waveforms;

pub use geometry::{neuropixels1_checkerboard, tetrode};
pub use motion::Motion;
pub use noises::NoiseModel;
pub use score::{Score, Truth, UnitScore, score_against_truth};
pub use settings::Settings;
pub use simulation::Simulation;
pub use units::Unit;
