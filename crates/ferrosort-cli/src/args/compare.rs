//! Options of `ferrosort compare` and `ferrosort report`.

use std::path::PathBuf;

use clap::Args;
use ferrosort_report::signal::SignalSource;

use super::{FormatArgs, Verbosity};

const EXAMPLES: &str = "\
Examples:
  ferrosort compare simulation sorting --truth --report report.html
      how well a sorting agrees with the known spikes of a simulation
  ferrosort compare kilosort2 pykilosort --json comparison.json --tables tables
      two results with each other; every number as JSON and CSV
  ferrosort compare simulation kilosort2 pykilosort --truth --report report.html
      both: two sorters against the truth and with each other

A result is a run folder, a folder for phy, a folder with MATLAB's rez.mat, a context folder of pykilosort, a simulation or its
truth folder, an .npz or a folder of SpikeInterface, or a table (.csv, .tsv) with a column of samples and one of units.";

/// `ferrosort compare`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
// Flags of a command line are independent of each other.
#[allow(clippy::struct_excessive_bools)]
pub struct CompareArgs {
    /// Results to compare; rows of every matrix belong to the first, columns to the second
    #[arg(required = true, num_args = 2.., value_name = "RESULT")]
    pub results: Vec<PathBuf>,

    /// The first result is the truth (a simulation is taken as that by itself)
    #[arg(long)]
    pub truth: bool,

    /// The truth does not know every spike of the recording: units without a partner are then no mistakes
    #[arg(long)]
    pub not_exhaustive: bool,

    /// Also compare units that their sorter labelled `noise`; without this they are left out, since they claim no neuron
    #[arg(long)]
    pub keep_noise: bool,

    /// Write every number, matrix and table to this file; - for standard output
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub json: Option<PathBuf>,

    /// Write the tables as CSV files into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub tables: Option<PathBuf>,

    /// Write the report to this HTML file
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub report: Option<PathBuf>,

    /// Replace output files that exist
    #[arg(long, help_heading = "Output")]
    pub overwrite: bool,

    /// Matching of spikes and units.
    #[command(flatten)]
    pub matching: MatchingArgs,

    /// Names for tables and legends, separated by commas [default: names of the folders]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub names: Option<Vec<String>>,

    /// Where the signal is.
    #[command(flatten)]
    pub signal: SignalArgs,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// How spikes and units are matched.
#[derive(Debug, Clone, Args)]
pub struct MatchingArgs {
    /// Largest distance of two spikes that count as one, ms
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 0.4,
        allow_negative_numbers = true,
        help_heading = "Matching"
    )]
    pub delta_ms: f64,

    /// Smallest agreement of two units that are matched
    #[arg(
        long,
        value_name = "SCORE",
        default_value_t = 0.5,
        allow_negative_numbers = true,
        help_heading = "Matching"
    )]
    pub match_score: f64,

    /// Smallest agreement of two units that may be the same
    #[arg(
        long,
        value_name = "SCORE",
        default_value_t = 0.1,
        allow_negative_numbers = true,
        help_heading = "Matching"
    )]
    pub chance_score: f64,

    /// Samples to subtract from the spike times of the second and further results
    #[arg(
        long,
        value_name = "SAMPLES",
        default_value_t = 0,
        allow_negative_numbers = true,
        help_heading = "Matching"
    )]
    pub time_offset: i64,
}

/// Which recording the results belong to, and how to compute on it.
#[derive(Debug, Clone, Default, Args)]
pub struct SignalArgs {
    /// The recording, for waveforms, amplitudes and noise [default: where the results say it is]
    #[arg(long, value_name = "RECORDING", num_args = 1.., help_heading = "Recording")]
    pub recording: Vec<PathBuf>,

    /// Do not read any recording: numbers that need one are left out
    #[arg(long, conflicts_with = "recording", help_heading = "Recording")]
    pub no_recording: bool,

    /// What flat files do not say themselves; the sample rate is also that of tables of spikes.
    #[command(flatten)]
    pub format: FormatArgs,

    /// Probe file [default: as the results or the recording say]
    #[arg(long, value_name = "FILE", help_heading = "Probe")]
    pub probe: Option<PathBuf>,

    /// Threads to compute with; the result does not depend on it [default: all cores]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,
}

impl From<&SignalArgs> for SignalSource {
    fn from(args: &SignalArgs) -> Self {
        Self {
            recording: args.recording.clone(),
            none: args.no_recording,
            options: (&args.format).into(),
            probe: args.probe.clone(),
        }
    }
}

/// `ferrosort report`
#[derive(Debug, Args)]
#[command(after_help = "Example: ferrosort report sorting --output report.html")]
pub struct ReportArgs {
    /// The result: everything that `ferrosort compare` reads
    #[arg(value_name = "SORTING")]
    pub sorting: PathBuf,

    /// The page to write [default: NAME-report.html beside the sorting]
    #[arg(long, short, value_name = "FILE.html")]
    pub output: Option<PathBuf>,

    /// Write every number to this file as well; - for standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write the tables as CSV files into this folder
    #[arg(long, value_name = "DIR")]
    pub tables: Option<PathBuf>,

    /// Replace output files that exist
    #[arg(long)]
    pub overwrite: bool,

    /// Where the signal is.
    #[command(flatten)]
    pub signal: SignalArgs,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}
