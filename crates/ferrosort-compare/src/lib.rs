//! Comparison of spike sortings with each other and with the truth, and quality metrics of units.
#![forbid(unsafe_code)]

mod correlogram;
#[cfg(test)]
mod fixture;
mod merged;
pub mod quality;
pub mod waveforms;

pub use correlogram::{CorrelogramBins, autocorrelogram, correlograms, cross_correlogram};
