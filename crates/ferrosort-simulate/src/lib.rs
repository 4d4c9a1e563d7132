//! Simulated extracellular recordings with known spikes, and the score of a sorting against them.
//!
//! A modest model for tests, demonstrations and measurements: neurons with parametric waveforms whose amplitude falls
//! with distance, irregular firing with a refractory period, rigid drift, and coloured, spatially correlated noise.
//! Each spike is evaluated at the neuron's displaced position, with its fraction of a sample and its delay on every
//! contact. A seed means one recording: the same bytes on any machine and any number of threads.
//!
//! ```
//! use ferrosort_simulate::{SimulationParams, score_against_truth, simulate};
//!
//! let params = SimulationParams { duration_s: 0.5, n_units: 5, ..SimulationParams::default() };
//! let simulation = simulate(&params)?;
//! let recording = simulation.to_recording()?; // or simulation.write(folder, &observer)
//! let truth = simulation.truth();
//! let perfect = score_against_truth(&truth, &truth.spike_times, &truth.spike_units)?;
//! assert!(perfect.units.iter().all(|u| u.n_spikes == 0 || u.accuracy == 1.0));
//! # Ok::<(), ferrosort_core::Error>(())
//! ```
#![forbid(unsafe_code)]

mod drift;
pub mod geometry;
mod noise;
mod params;
mod random;
mod render;
mod score;
mod simulation;
mod trains;
mod unit;
pub mod waveforms;
mod write;

pub use drift::Drift;
pub use geometry::{neuropixels1_checkerboard, tetrode};
pub use params::{NoiseParams, SimulationParams};
pub use score::{Score, Truth, UnitScore, score_against_truth};
pub use simulation::{Simulation, simulate};
pub use unit::Unit;
