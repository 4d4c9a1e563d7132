//! Options of `ferrosort export`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ferrosort_formats::export::{Format, METADATA_KEYS};

use super::Verbosity;

/// `ferrosort export`
#[derive(Debug, Args)]
#[command(after_help = help())]
pub struct ExportArgs {
    /// The result: everything that `ferrosort compare` reads
    #[arg(value_name = "RESULT")]
    pub result: PathBuf,

    /// What to write; see below
    #[arg(long, short, value_name = "FORMAT", value_parser = formats())]
    pub format: Format,

    /// File to create for nwb, folder to create for everything else
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,

    /// Replace an earlier export of this format
    #[arg(long)]
    pub overwrite: bool,

    /// Of a folder with a sorting and the truth of a simulation, write the truth
    #[arg(long)]
    pub truth: bool,

    /// Samples per second, Hz, where the result does not say it
    #[arg(long, value_name = "HZ", allow_negative_numbers = true)]
    pub sample_rate: Option<f64>,

    /// µV of one count, where the result does not say it
    #[arg(long, value_name = "UV", allow_negative_numbers = true)]
    pub gain_uv: Option<f64>,

    /// What NWB asks for and a sorting does not know; can be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub metadata: Vec<String>,

    /// Threads to compute with; the result does not depend on it [default: all cores]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name)).try_map(|name| Format::from_name(&name))
}

fn help() -> String {
    let keys = METADATA_KEYS.map(|(key, meaning)| format!("  {key:<24}{meaning}"));
    format!(
        "\
Formats:
  nwb             a file of Neurodata Without Borders: units, electrodes, mean waveforms, quality metrics
  alf             a folder with the names of the International Brain Laboratory
  spikeinterface  a folder that spikeinterface.load reads as a sorting
  tsv, csv        a folder with a table of units and a table of spikes
  motion          a folder that SpikeInterface loads as Motion

Keys of --metadata:
{}

Examples:
  ferrosort export sorting --format spikeinterface --output exported
  ferrosort export sorting --format nwb --output sorting.nwb --metadata session_start_time=2026-03-01T14:30:00+01:00 \\
      --metadata subject_id=M17 --metadata species=\"Mus musculus\" --metadata sex=F --metadata age=P90D",
        keys.join("\n")
    )
}
