//! One file a subcommand.

pub mod bench;
mod browser;
pub mod compare;
pub mod completions;
pub mod convert;
pub mod demo;
pub mod doctor;
pub mod export;
mod finished;
pub mod info;
mod input;
pub mod man;
pub mod notebook;
pub mod parameters;
pub mod plan;
pub mod report;
pub mod simulate;
pub mod sort;
pub mod summary;
mod usage;
