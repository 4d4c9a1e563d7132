//! Measurements of the units of a sorting in the recording: mean waveforms, amplitudes, depths, features, noise.
//!
//! Whatever a sorter writes, these are measured in the same way for all runs that are compared. The recording is read once from end to end,
//! plus some short pieces in which the noise is measured and the main channels are found.

mod collect;
mod condition;
mod guess;
mod measure;
mod measured;
mod params;
mod pieces;
mod random;
mod stretch;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use measure::measure;
pub use measured::{DensityMap, Measured, MeasuredUnit, ValueUnit};
pub use params::MeasureParams;
pub use stretch::{filtered_stretch, subtract_spikes};
