//! Options of `ferrosort plan`.

use std::num::NonZeroUsize;

use clap::Args;

use super::{AlgorithmName, ProbeArgs, RecordingArgs, Verbosity, size};

/// `ferrosort plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Which recording.
    #[command(flatten)]
    pub recording: RecordingArgs,

    /// Where the contacts are.
    #[command(flatten)]
    pub probe: ProbeArgs,

    /// The sorter
    #[arg(long, value_enum, default_value = "auto", value_name = "NAME")]
    pub algorithm: AlgorithmName,

    /// Most memory that the run may use, as 900M or 4G [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,

    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,

    /// Threads that the run would have [default: all cores]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}
