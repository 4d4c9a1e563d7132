//! `ferrosort simulate`

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::Verbosity;

const EXAMPLES: &str = "\
Examples:
  ferrosort simulate --list
      names of the presets
  ferrosort simulate tetrode --output sim --duration 60
      one minute of a tetrode, with its truth in sim/truth
  ferrosort simulate emouse-drift --waveforms waves/ --output sim
      the eMouse simulator with its own waveforms: a folder or files of .mat libraries
  ferrosort simulate --print neuropixels-1 > mine.toml
  ferrosort simulate mine.toml --output sim --seed 7
      change a preset's settings in a file
  ferrosort simulate neuropixels-1 --output sim --set noise.rms_uv=[8.0,9.0] --units 100
      change single settings

  ferrosort simulate easy --hybrid recording/ --output hybrid
      add 20 known units to a real recording

docs/simulation.md explains every setting.
Exit codes: 0 done, 2 unusable input, 3 a file could not be read or written, 130 interrupted.";

/// `ferrosort simulate`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    /// Preset, or TOML file of settings
    #[arg(value_name = "PRESET|FILE.toml", required_unless_present_any = ["list", "print"])]
    pub settings: Option<String>,

    /// Folder to create
    #[arg(long, short, value_name = "DIR", required_unless_present_any = ["list", "print"])]
    pub output: Option<PathBuf>,

    /// Replace the folder of an earlier simulation
    #[arg(long)]
    pub overwrite: bool,

    /// Show the presets
    #[arg(long, conflicts_with = "print")]
    pub list: bool,

    /// Write the settings of a preset or file as TOML, with the changes of the other options
    #[arg(long, value_name = "PRESET|FILE.toml", conflicts_with = "settings")]
    pub print: Option<String>,

    /// Length, s
    #[arg(long, value_name = "S", allow_negative_numbers = true, help_heading = "Settings")]
    pub duration: Option<f64>,

    /// Seed of everything random
    #[arg(long, value_name = "N", help_heading = "Settings")]
    pub seed: Option<u64>,

    /// Units to be found
    #[arg(long, value_name = "N", help_heading = "Settings")]
    pub units: Option<usize>,

    /// Channels, for probes that can have different numbers
    #[arg(long, value_name = "N", help_heading = "Settings")]
    pub channels: Option<usize>,

    /// Probe: a geometry's name such as np1 or linear-16, or a probe file; with --hybrid, the recording's probe file
    #[arg(long, value_name = "NAME|FILE", help_heading = "Settings")]
    pub probe: Option<String>,

    /// Replace the drift by a slow rigid one of this range, peak to peak, µm; 0 = none
    #[arg(long, value_name = "UM", allow_negative_numbers = true, help_heading = "Settings")]
    pub drift: Option<f64>,

    /// Noise: none, thermal, coloured, a noise model (.npz), or a recording folder to estimate one from
    #[arg(long, value_name = "KIND|PATH", help_heading = "Settings")]
    pub noise: Option<String>,

    /// Measured waveforms: .mat files with uColl, or folders of them; can be repeated
    #[arg(long, value_name = "PATH", help_heading = "Settings")]
    pub waveforms: Vec<PathBuf>,

    /// Single settings, `NAME=VALUE`.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        help = "One setting by its dotted name, for example drift.grid_um=1; can be repeated, and wins over all else",
        help_heading = "Settings"
    )]
    pub set: Vec<String>,

    /// Add the units to this real recording (a folder with meta.json and probe.json) instead of to simulated noise
    #[arg(long, value_name = "RECORDING", help_heading = "Hybrid")]
    pub hybrid: Option<PathBuf>,

    /// Motion of the real recording: CSV with time_s,depth_um,displacement_um
    #[arg(long, value_name = "FILE", requires = "hybrid", help_heading = "Hybrid")]
    pub motion: Option<PathBuf>,

    /// Threads to compute with; the result does not depend on it [default: all cores]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}
