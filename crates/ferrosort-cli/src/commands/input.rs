//! The recording and the probe that the options name.

use std::path::PathBuf;

use ferrosort::settings::RecordingOptions;
use ferrosort_core::{Probe, Recording, Result};
use ferrosort_formats::{OpenOptions, choose_probe, open_recording, read_probe};

use crate::args::{FormatArgs, ProbeArgs, RecordingArgs};

/// What to sort: every input is opened and checked.
pub struct Input {
    /// The recording.
    pub recording: Box<dyn Recording>,
    /// Its contacts.
    pub probe: Probe,
    /// What the user should know about them.
    pub warnings: Vec<String>,
}

/// Opens the recording and the probe. `options` are parameters of the original programs that describe the recording.
pub fn open(recording: &RecordingArgs, probe: &ProbeArgs, options: &RecordingOptions) -> Result<Input> {
    let opened = open_recording(&recording.recording, &open_options(&recording.format, options)?)?;
    let mut warnings = opened.notes().to_vec();
    let given = match &probe.probe {
        Some(path) => Some((read_probe(path)?, path.display().to_string())),
        None => None,
    };
    let probe = choose_probe(&*opened, given, probe.pitch_um, &mut warnings)?;
    Ok(Input {
        recording: opened,
        probe,
        warnings,
    })
}

/// What the options and parameters say of the recording.
pub fn open_options(args: &FormatArgs, options: &RecordingOptions) -> Result<OpenOptions> {
    options.complete(args.into())
}

/// Files and folders that a run reads: none of them may be overwritten.
pub fn paths(recording: &RecordingArgs, others: &[&Option<PathBuf>]) -> Vec<PathBuf> {
    let mut paths = recording.recording.clone();
    paths.extend(others.iter().copied().flatten().cloned());
    paths
}
