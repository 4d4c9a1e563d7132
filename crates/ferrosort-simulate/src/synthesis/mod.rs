//! From waveforms, spikes and noise to samples.

mod bank;
mod disturbances;
mod interpolate;
mod render;

pub(crate) use bank::{Bank, range};
pub(crate) use disturbances::{Artefact, Disturbances};
pub(crate) use render::{Adder, BLOCK, Emitter, Spike, longest_reach, round_to_counts, touching};
