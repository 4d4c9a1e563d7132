//! One file a subcommand.

pub mod bench;
mod browser;
pub mod compare;
mod comparison;
pub mod completions;
pub mod convert;
pub mod demo;
mod finished;
pub mod info;
mod input;
pub mod notebook;
mod outputs;
pub mod parameters;
pub mod report;
mod signal;
pub mod simulate;
pub mod sort;
mod usage;
