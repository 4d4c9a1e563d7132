//! The sorter `auto`: universal detection, drift registration, local clustering, pursuit with templates that follow the drift
//! (docs/algorithm.md).

pub mod basis;
pub mod cluster;
pub mod constants;
pub mod detect;
pub mod displacement;
mod echo;
mod features;
pub mod geometry;
pub mod isosplit;
pub mod label;
pub mod matching;
pub mod memory;
pub mod merge;
mod mixture;
pub mod motion;
pub mod pipeline;
pub mod plan;
pub mod pursuit;
pub mod results;
pub mod shift;
pub mod signal;
pub mod tile;
mod turns;
pub mod units;
