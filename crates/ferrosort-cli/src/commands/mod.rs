//! One file a subcommand.

pub mod completions;
pub mod demo;
pub mod info;
mod input;
mod job;
pub mod parameters;
pub mod simulate;
pub mod sort;
