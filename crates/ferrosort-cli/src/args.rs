//! The command line.

mod bench;
mod compare;
mod export;
mod help;
mod notebook;
mod plan;
mod simulate;
mod summary;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ferrosort::settings::{Algorithm, PRESETS};
use ferrosort_core::SampleType;
use ferrosort_formats::{OpenOptions, TimeRange, parse_sample_type, parse_time_range};

pub use bench::{BenchArgs, SuiteName};
pub use compare::{CompareArgs, ReportArgs};
pub use export::ExportArgs;
pub use help::{CompletionsArgs, ManArgs, ParametersArgs};
pub use notebook::{NotebookArgs, NotebookOptions};
pub use plan::PlanArgs;
pub use simulate::SimulateArgs;
pub use summary::SummaryArgs;

const EXAMPLES: &str = "\
Examples:
  ferrosort demo
      simulate a recording, sort it and compare with the truth
  ferrosort info recording.bin --channels 385 --sample-rate 30000 --probe probe.json
      look at a recording before sorting it
  ferrosort sort recording.bin --channels 385 --sample-rate 30000 --probe probe.json --output sorting
      sort it; open the result with: phy template-gui sorting/params.py
  ferrosort convert run_g0/ --output recording
      write a recording of any program as a folder of flat samples
  ferrosort report sorting
      a page about the result
  ferrosort export sorting --format nwb --output sorting.nwb
      the result for other programs
  ferrosort compare simulation sorting --truth --report report.html
      how well a sorting agrees with known spikes, or with another sorting

`ferrosort sort --help` explains every option, `ferrosort parameters` every parameter of the algorithm.";

const SORT_EXAMPLES: &str = "\
Examples:
  ferrosort sort recording/ --output sorting
      a recording folder (recording.bin with meta.json and probe.json) says everything itself
  ferrosort sort run_g0/ --output sorting
      a folder of SpikeGLX, Open Ephys, Intan, SpikeInterface, ... brings its scale and, where it has one, its probe
  ferrosort sort a.bin b.bin --channels 64 --sample-rate 30000 --probe chanMap.mat --output sorting
      two files as one recording, with a Kilosort channel map
  ferrosort sort a.bin --channels 64 --sample-rate 30000 --probe p.json --output s --set Th=[6,2] --time-range 0..600
      lower thresholds, first ten minutes

Exit codes: 0 done, 2 unusable input, 3 a file could not be read or written, 130 interrupted.";

/// Spike sorting: from an extracellular recording to the spikes of single neurons.
#[derive(Debug, Parser)]
#[command(name = "ferrosort", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sort a recording into a folder that phy and SpikeInterface open
    Sort(SortArgs),
    /// Say what a recording is, and warn about likely mistakes
    Info(InfoArgs),
    /// Say what sorting a recording would choose, take and hold, before it runs
    Plan(PlanArgs),
    /// Write any recording as a recording folder
    Convert(ConvertArgs),
    /// Compare results with each other and with the truth
    Compare(CompareArgs),
    /// Write a page about one result
    Report(ReportArgs),
    /// Write a result as NWB, ALF, for SpikeInterface, or as tables
    Export(ExportArgs),
    /// Write one page over the results of many recordings
    Summary(SummaryArgs),
    /// Simulate a drifting recording, sort it with two sorters, and compare everything
    Notebook(NotebookArgs),
    /// Simulate a recording, sort it and compare the result with the truth
    Demo(DemoArgs),
    /// Make a recording with known spikes, or add known spikes to a real one
    Simulate(SimulateArgs),
    /// Simulate a suite of recordings, sort each, and measure accuracy, time and memory
    Bench(BenchArgs),
    /// Say what this machine is, and test on it that sorting works: for bug reports
    Doctor(DoctorArgs),
    /// Explain all parameters and compatibility switches
    Parameters(ParametersArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write manual pages
    Man(ManArgs),
}

/// Which recording, and what its files do not say themselves.
#[derive(Debug, Args)]
pub struct RecordingArgs {
    /// Recording: a file or folder of a known program, or flat binary files (several are joined in this order)
    #[arg(required = true, value_name = "RECORDING")]
    pub recording: Vec<PathBuf>,

    /// What flat files do not say themselves.
    #[command(flatten)]
    pub format: FormatArgs,
}

/// What flat files do not say themselves.
#[derive(Debug, Clone, Default, Args)]
pub struct FormatArgs {
    /// Channels in the file, those without a contact included
    #[arg(long, value_name = "N", help_heading = "Recording")]
    pub channels: Option<usize>,

    /// Samples per second, Hz
    #[arg(long, value_name = "HZ", help_heading = "Recording")]
    pub sample_rate: Option<f64>,

    /// Type of a sample: int16 (default), uint16, int32 or float32, little-endian
    #[arg(long, value_name = "TYPE", value_parser = sample_type, help_heading = "Recording")]
    pub dtype: Option<SampleType>,

    /// µV per count: one number, or one for each channel separated by commas
    #[arg(
        long,
        value_name = "UV",
        value_delimiter = ',',
        allow_negative_numbers = true,
        help_heading = "Recording"
    )]
    pub gain_uv: Option<Vec<f64>>,

    /// Bytes before the first sample of each file
    #[arg(long, value_name = "BYTES", help_heading = "Recording")]
    pub offset: Option<u64>,

    /// Only this stretch, in seconds: 10..20, 10.. or ..20
    #[arg(long, value_name = "A..B", value_parser = time_range, allow_hyphen_values = true, help_heading = "Recording")]
    pub time_range: Option<TimeRange>,

    /// Which stream (probe, band, series, well) of a recording that holds several
    #[arg(long, value_name = "NAME", help_heading = "Recording")]
    pub stream: Option<String>,
}

impl From<&FormatArgs> for OpenOptions {
    fn from(args: &FormatArgs) -> Self {
        Self {
            n_channels: args.channels,
            sample_rate: args.sample_rate,
            sample_type: args.dtype,
            gain_uv: args.gain_uv.clone(),
            offset_bytes: args.offset,
            time_range: args.time_range,
            stream: args.stream.clone(),
        }
    }
}

impl RecordingArgs {
    /// A recording folder, which says everything itself.
    pub fn folder(path: PathBuf) -> Self {
        Self {
            recording: vec![path],
            format: FormatArgs::default(),
        }
    }
}

/// Where the contacts are.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Probe: probeinterface JSON, Kilosort channel map (.mat), .prb, or Kilosort4 JSON
    #[arg(long, value_name = "FILE", help_heading = "Probe")]
    pub probe: Option<PathBuf>,

    /// Without a probe, contacts are assumed to lie on a line with this distance, µm
    #[arg(long, value_name = "UM", default_value_t = DEFAULT_PITCH_UM, help_heading = "Probe")]
    pub pitch_um: f64,
}

/// Distance of contacts on the line that stands for an unknown probe, µm.
const DEFAULT_PITCH_UM: f64 = 20.0;

impl Default for ProbeArgs {
    fn default() -> Self {
        Self {
            probe: None,
            pitch_um: DEFAULT_PITCH_UM,
        }
    }
}

/// How much to say.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Verbosity {
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,

    /// How progress and warnings are written to standard error
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// Format of progress and warnings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Bars on a terminal, plain lines elsewhere
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// The sorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmName {
    /// Ours, for any probe: templates that follow the drift, one threshold in log odds
    Auto,
    /// Kilosort2 with its known defects mended
    Kilosort2,
    /// The same with the differences of its Python port
    Pykilosort,
}

impl From<AlgorithmName> for Algorithm {
    fn from(name: AlgorithmName) -> Self {
        match name {
            AlgorithmName::Auto => Self::Auto,
            AlgorithmName::Kilosort2 => Self::Kilosort2,
            AlgorithmName::Pykilosort => Self::Pykilosort,
        }
    }
}

impl AlgorithmName {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_string())
    }
}

/// `ferrosort sort`
#[derive(Debug, Args)]
#[command(after_help = SORT_EXAMPLES)]
pub struct SortArgs {
    /// Which recording.
    #[command(flatten)]
    pub recording: RecordingArgs,

    /// Where the contacts are.
    #[command(flatten)]
    pub probe: ProbeArgs,

    /// Folder to create for the result
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,

    /// Replace the sorting in the output folder when this one is complete
    #[arg(long)]
    pub overwrite: bool,

    /// Also keep the filtered and whitened data: 16-bit, about as large as the recording
    #[arg(long)]
    pub keep_processed: bool,

    /// The sorter [default: auto, or kilosort2 with an option that only it has]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Algorithm")]
    pub algorithm: Option<AlgorithmName>,

    /// Repeat the defects and differences of an original program, to compare with its results
    #[arg(long, value_name = "PRESET", value_parser = PRESETS, help_heading = "Algorithm")]
    pub compat: Option<String>,

    /// Parameters from a TOML file (see `ferrosort parameters`)
    #[arg(long, value_name = "FILE", help_heading = "Algorithm")]
    pub params: Option<PathBuf>,

    /// Single parameters, `NAME=VALUE`.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        help = "One parameter, for example Th=[6,2]; can be repeated, and wins over --params",
        help_heading = "Algorithm"
    )]
    pub set: Vec<String>,

    /// File of random draws.
    #[arg(
        long,
        value_name = "FILE",
        help = "Random draws of another program's run, to repeat it: an .npz file with any of km_start [batches, clusters], \
                proto_start [6] and embed_x0 [batches]",
        hide_short_help = true,
        help_heading = "Algorithm"
    )]
    pub draws: Option<PathBuf>,

    /// File for the processor time and the peak memory of this process, as JSON
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub usage: Option<PathBuf>,

    /// Most memory to use, as 900M or 4G; the result does not depend on it. Only auto can do with less [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,

    /// Length of the recording that is worked on at a time, s; the result does not depend on it [default: what the threads can use]
    #[arg(long, value_name = "S", hide_short_help = true)]
    pub chunk_seconds: Option<f64>,

    /// Begin anew, also where a run of the same command was interrupted
    #[arg(long)]
    pub restart: bool,

    /// Time between checkpoints within a stage, s; an interrupted run loses no more than this
    #[arg(long, value_name = "S", default_value_t = 20.0, hide_short_help = true)]
    pub checkpoint_seconds: f64,

    /// Widest vector instructions to use; the result does not depend on it [default: what the processor has]
    #[arg(long, value_enum, value_name = "LEVEL", hide_short_help = true)]
    pub simd: Option<SimdName>,

    /// Threads to compute with; the result does not depend on it [default: all cores]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// Bytes of a size as people write it: a number with K, M, G or T, powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[number.len()..].to_ascii_uppercase();
    let shift = match unit.trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("give a number of bytes, or one with K, M, G or T, as 900M or 4G".to_string()),
    };
    match number.parse::<f64>() {
        Ok(value) if value > 0.0 && value * f64::from(1u32 << shift.min(30)) < 1e15 => {
            Ok((value * (1u64 << shift) as f64) as u64)
        }
        _ => Err("give a number greater than 0, as 900M or 4G".to_string()),
    }
}

/// Vector instructions of x86-64 processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimdName {
    /// What every processor has
    Baseline,
    /// AVX2 with fused multiply-add
    Avx2,
    /// AVX-512
    Avx512,
}

/// `ferrosort info`
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Which recording.
    #[command(flatten)]
    pub recording: RecordingArgs,

    /// Probe: probeinterface JSON, Kilosort channel map (.mat), .prb, or Kilosort4 JSON
    #[arg(long, value_name = "FILE", help_heading = "Probe")]
    pub probe: Option<PathBuf>,
}

/// `ferrosort convert`
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// Which recording.
    #[command(flatten)]
    pub recording: RecordingArgs,

    /// Probe, instead of the recording's own: probeinterface JSON, Kilosort channel map (.mat), .prb, or Kilosort4 JSON
    #[arg(long, value_name = "FILE", help_heading = "Probe")]
    pub probe: Option<PathBuf>,

    /// Folder to create
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,

    /// Replace the folder of an earlier conversion
    #[arg(long)]
    pub overwrite: bool,

    /// Pack 16-bit samples without loss, as mtscomp does: recording.cbin instead of recording.bin
    #[arg(long)]
    pub compress: bool,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// `ferrosort demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder to create for the recording, its sorting and the report
    #[arg(long, short, value_name = "DIR", default_value = "ferrosort-demo")]
    pub output: PathBuf,

    /// Replace the folder of an earlier demo
    #[arg(long)]
    pub overwrite: bool,

    /// Do not open the report in a browser; without a display it is not opened anyway
    #[arg(long)]
    pub no_open: bool,

    /// Length of the recording, s
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    pub duration: f64,

    /// Seed of the simulation
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Threads to compute with; the result does not depend on it [default: all cores]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// `ferrosort doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 everything works, 1 something is wrong and named, 2 no such folder, 130 interrupted."
)]
pub struct DoctorArgs {
    /// Folder whose disk is measured, and in which the self-test runs; nothing stays in it
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,

    /// Write what was found as JSON
    #[arg(long)]
    pub json: bool,
}

fn sample_type(text: &str) -> Result<SampleType, String> {
    parse_sample_type(&text.to_lowercase()).map_err(|e| e.to_string())
}

fn time_range(text: &str) -> Result<TimeRange, String> {
    parse_time_range(text).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
