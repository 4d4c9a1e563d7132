//! Simulated extracellular recordings with known spikes, and the score of a sorting against them.
//!
//! [`Settings`] describe a recording: probe, units, firing, amplitudes, drift, noise. [`Simulation::plan`] draws all of
//! it, [`Simulation::write`] streams the samples to a folder together with the truth. `docs/simulation.md` has the
//! formulas. A seed means one recording: the same bytes on any machine and for any number of threads.
//!
//! ```
//! use ferrosort_core::{Recording, Silent};
//! use ferrosort_simulate::{Settings, Simulation};
//!
//! let mut settings = Settings::preset("tetrode")?;
//! settings.duration_s = 0.5;
//! let simulation = Simulation::plan(&settings, &Silent)?;
//! let recording = simulation.to_recording()?; // or simulation.write(folder, &observer)
//! let truth = simulation.truth();
//! assert!(recording.n_samples() == 15_000 && truth.spike_times.is_sorted());
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
pub mod settings;
mod simulation;
mod snr;
mod synthesis;
mod truth;
mod units;
pub mod waveforms;

pub use geometry::{neuropixels1_checkerboard, tetrode};
pub use motion::Motion;
pub use noises::NoiseModel;
pub use settings::Settings;
pub use simulation::Simulation;
pub use truth::Truth;
pub use units::Unit;
