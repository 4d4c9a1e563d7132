//! `ferrosort bench`

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{AlgorithmName, Verbosity};

const EXAMPLES: &str = "\
Examples:
  ferrosort bench
      one short recording of each main kind, with every algorithm
  ferrosort bench --suite full --output bench --threads 8
      every kind at full length, three seeds each; takes hours and about 60 GB
  ferrosort bench --only tetrode --algorithm kilosort2
  ferrosort bench --vs others/
      also score others/RECORDING/SORTER/, results of other sorters for the recordings in ferrosort-bench/recordings

docs/bench.md explains every column.
Exit codes: 0 done, 2 unusable input or a sorting that failed, 3 a file could not be read or written, 130 interrupted.";

/// `ferrosort bench`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// Which recordings
    #[arg(long, value_enum, default_value_t, value_name = "SUITE")]
    pub suite: SuiteName,

    /// Only this recording of the suite; can be repeated
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,

    /// Only this sorter; can be repeated [default: all]
    #[arg(long, value_enum, value_name = "NAME")]
    pub algorithm: Vec<AlgorithmName>,

    /// Also score results of other sorters: DIR/RECORDING/SORTER/, each with a time.json if its time is known
    #[arg(long, value_name = "DIR")]
    pub vs: Option<PathBuf>,

    /// Folder for the recordings, which are kept, the sortings, bench.json and bench.md
    #[arg(long, short, value_name = "DIR", default_value = "ferrosort-bench")]
    pub output: PathBuf,

    /// Threads to compute with [default: all cores]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// A set of recordings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SuiteName {
    /// The main kinds, short, one seed
    #[default]
    Small,
    /// All kinds, three seeds
    Full,
    /// One tiny recording, for the tests of the program
    #[value(hide = true)]
    Test,
}

impl SuiteName {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Full => "full",
            Self::Test => "test",
        }
    }
}
