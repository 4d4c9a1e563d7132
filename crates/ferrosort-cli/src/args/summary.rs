//! Options of `ferrosort summary`.

use std::path::PathBuf;

use clap::Args;

use super::Verbosity;

const EXAMPLES: &str = "\
Examples:
  ferrosort summary results/*/sorting --output summary.html
      one row for each recording: units, spikes, drift, time, warnings, and a link to its report
  ferrosort summary monday tuesday --output week.html --json week.json --title \"Mouse 12\"
      the numbers as JSON, too

The report of a sorting is looked for beside it: NAME-report.html, where `ferrosort report` puts it, or report.html.
Folders without a result keep their row, with the reason.";

/// `ferrosort summary`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SummaryArgs {
    /// Folders that `ferrosort sort` wrote
    #[arg(required = true, value_name = "RESULT")]
    pub results: Vec<PathBuf>,

    /// The page to write
    #[arg(long, short, value_name = "FILE.html")]
    pub output: PathBuf,

    /// Write the numbers to this file as well; - for standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Title of the page
    #[arg(long, value_name = "TEXT", default_value = "Sorted recordings")]
    pub title: String,

    /// Replace output files that exist
    #[arg(long)]
    pub overwrite: bool,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}
