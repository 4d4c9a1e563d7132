//! Options of the commands that explain: `ferrosort parameters`, `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::AlgorithmName;

/// `ferrosort parameters`
#[derive(Debug, Args)]
pub struct ParametersArgs {
    /// Whose parameters and defaults to show [default: auto and kilosort2; with --toml, kilosort2]
    #[arg(long, value_enum, value_name = "NAME")]
    pub algorithm: Option<AlgorithmName>,

    /// Write a parameter file with all defaults, for --params
    #[arg(long, conflicts_with = "markdown")]
    pub toml: bool,

    /// Write the reference page of all algorithms in Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// `ferrosort completions`
#[derive(Debug, Args)]
#[command(after_help = "Example: ferrosort completions bash > ~/.local/share/bash-completion/completions/ferrosort")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `ferrosort man`
#[derive(Debug, Args)]
#[command(after_help = "Example: ferrosort man --output ~/.local/share/man/man1; then: man ferrosort-sort")]
pub struct ManArgs {
    /// Folder for ferrosort.1 and a page for each command; it is created if it does not exist
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
}
