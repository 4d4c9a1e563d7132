//! Options of `ferrosort notebook`. Each can be a flag, a `FERROSORT_*` variable or a line of the configuration file; the
//! first of these that says something wins.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::Verbosity;

const EXAMPLES: &str = "\
Examples:
  ferrosort notebook --output drift
      simulate a drifting recording, sort it with both sorters, compare everything; again: nothing is done twice
  ferrosort notebook --output drift --force pykilosort
      sort with one of them again
  ferrosort notebook --output drift --kilosort2-results matlab/ --pykilosort-results context/
      compare results that the original programs made of the recording in drift/recording
  FERROSORT_DURATION=300 ferrosort notebook --output drift --config notebook.toml
      options from variables and a file

The configuration file has the names of the flags with underscores: duration = 300, waveforms = [\"a.mat\", \"b.mat\"], ...";

/// `ferrosort notebook`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct NotebookArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "FERROSORT_CONFIG")]
    pub config: Option<PathBuf>,

    /// What to do.
    #[command(flatten)]
    pub options: NotebookOptions,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What the configuration file can say as well.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotebookOptions {
    /// Folder for the recording, the sortings and the report
    #[arg(long, short, value_name = "DIR", env = "FERROSORT_OUTPUT")]
    pub output: Option<PathBuf>,

    /// Preset or TOML file of the simulation [default: emouse-drift]
    #[arg(
        long,
        value_name = "PRESET|FILE",
        env = "FERROSORT_SIMULATION",
        help_heading = "Simulation"
    )]
    pub simulation: Option<String>,

    /// Length of the recording, s [default: as the preset]
    #[arg(long, value_name = "S", env = "FERROSORT_DURATION", help_heading = "Simulation")]
    pub duration: Option<f64>,

    /// Seed of the simulation
    #[arg(long, value_name = "N", env = "FERROSORT_SEED", help_heading = "Simulation")]
    pub seed: Option<u64>,

    /// Waveform libraries (.mat) [default: built-in waveforms]
    #[arg(
        long,
        value_name = "FILE",
        num_args = 1..,
        env = "FERROSORT_WAVEFORMS",
        value_delimiter = ',',
        help_heading = "Simulation"
    )]
    pub waveforms: Option<Vec<PathBuf>>,

    /// Result of MATLAB Kilosort2 on the recording, instead of sorting
    #[arg(
        long,
        value_name = "DIR",
        env = "FERROSORT_KILOSORT2_RESULTS",
        help_heading = "Sorting"
    )]
    pub kilosort2_results: Option<PathBuf>,

    /// Result of pykilosort on the recording, instead of sorting
    #[arg(
        long,
        value_name = "DIR",
        env = "FERROSORT_PYKILOSORT_RESULTS",
        help_heading = "Sorting"
    )]
    pub pykilosort_results: Option<PathBuf>,

    /// One parameter for both sorters, for example Th=[6,2]; can be repeated
    #[arg(long, value_name = "NAME=VALUE", env = "FERROSORT_SET", help_heading = "Sorting")]
    pub set: Option<Vec<String>>,

    /// Operations to do again: simulate, kilosort2, pykilosort, compare, or all
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', env = "FERROSORT_FORCE")]
    pub force: Option<Vec<String>>,

    /// Threads to compute with; the result does not depend on it [default: all cores]
    #[arg(long, short = 'j', value_name = "N", env = "FERROSORT_THREADS")]
    pub threads: Option<std::num::NonZeroUsize>,

    /// Open the report in a browser at the end
    #[arg(long, env = "FERROSORT_OPEN")]
    #[serde(default)]
    pub open: bool,
}

impl NotebookOptions {
    /// These options, with those of `file` where these say nothing.
    pub fn or(self, file: Self) -> Self {
        Self {
            output: self.output.or(file.output),
            simulation: self.simulation.or(file.simulation),
            duration: self.duration.or(file.duration),
            seed: self.seed.or(file.seed),
            waveforms: self.waveforms.or(file.waveforms),
            kilosort2_results: self.kilosort2_results.or(file.kilosort2_results),
            pykilosort_results: self.pykilosort_results.or(file.pykilosort_results),
            set: self.set.or(file.set),
            force: self.force.or(file.force),
            threads: self.threads.or(file.threads),
            open: self.open || file.open,
        }
    }
}
