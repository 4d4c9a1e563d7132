//! The recording and the probe that the options name.

use std::path::PathBuf;

use ferrosort::settings::RecordingOptions;
use ferrosort_core::{Error, Probe, Recording, Result};
use ferrosort_formats::{OpenOptions, TimeRange, open_recording, read_probe};

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

/// How far apart contacts that a probe file has at one position are taken to be, µm.
const SPREAD_UM: f64 = 10.0;

/// Opens the recording and the probe. `options` are parameters of the original programs that describe the recording.
pub fn open(recording: &RecordingArgs, probe: &ProbeArgs, options: &RecordingOptions) -> Result<Input> {
    let opened = open_recording(&recording.recording, &open_options(&recording.format, options)?)?;
    let mut warnings = opened.notes().to_vec();
    let (mut found, source) = match (&probe.probe, opened.probe()) {
        (Some(path), _) => (read_probe(path)?, path.display().to_string()),
        (None, Some(found)) => (found.clone(), format!("of {}", opened.name())),
        (None, None) => {
            let pitch = probe.pitch_um;
            if !(pitch.is_finite() && pitch > 0.0) {
                return Err(Error::input(format!(
                    "--pitch-um is {pitch}; the distance of contacts must be a number of µm greater than 0"
                )));
            }
            let line = assumed_line(&*opened, pitch);
            warnings.push(format!(
                "no probe was given: all {} channels are taken to lie on one line, {pitch} µm apart, in the order of the \
                 file; give --probe FILE for the true positions, or --pitch-um",
                line.len()
            ));
            (line, "assumed line".to_string())
        }
    };
    found.validate_contacts(opened.n_channels(), &source)?;
    let moved = found.spread(SPREAD_UM);
    if let Some(first) = moved.first() {
        warnings.push(format!(
            "probe {source}: {} contacts (the first is {first}) have the position of another one; they are taken to lie {SPREAD_UM} µm beside \
             it; give true positions for a better sorting",
            moved.len()
        ));
    }
    found.validate(opened.n_channels(), &source)?;
    Ok(Input {
        recording: opened,
        probe: found,
        warnings,
    })
}

/// A line of the channels that carry neural signals.
fn assumed_line(recording: &dyn Recording, pitch_um: f64) -> Probe {
    let Some(channels) = recording.neural_channels() else {
        return Probe::line(recording.n_channels(), pitch_um);
    };
    let mut line = Probe::line(channels.len(), pitch_um);
    for (contact, &channel) in line.contacts.iter_mut().zip(channels) {
        contact.channel = channel;
    }
    line
}

/// What the options say of the recording.
pub fn open_options(args: &FormatArgs, options: &RecordingOptions) -> Result<OpenOptions> {
    let time_range = options
        .time_range_s
        .map(|(start_s, end_s)| TimeRange { start_s, end_s });
    // The whole recording is what no option says as well.
    let time_range = time_range.filter(|range| range.start_s > 0.0 || range.end_s.is_some());
    Ok(OpenOptions {
        n_channels: agree(args.channels, options.n_channels, "--channels", "NchanTOT")?,
        sample_rate: agree(args.sample_rate, options.sample_rate, "--sample-rate", "fs")?,
        sample_type: args.dtype,
        gain_uv: args.gain_uv.clone(),
        offset_bytes: args.offset,
        time_range: agree(args.time_range, time_range, "--time-range", "trange")?,
        stream: args.stream.clone(),
    })
}

/// The value of the flag or of the parameter that stands for it.
fn agree<T: PartialEq + std::fmt::Debug>(
    flag: Option<T>,
    parameter: Option<T>,
    name: &str,
    alias: &str,
) -> Result<Option<T>> {
    match (&flag, &parameter) {
        (Some(a), Some(b)) if a != b => Err(Error::input(format!(
            "{name} is {a:?} but the parameter {alias} is {b:?}; give only one of them"
        ))),
        _ => Ok(flag.or(parameter)),
    }
}

/// Files and folders that a run reads: none of them may be overwritten.
pub fn paths(recording: &RecordingArgs, others: &[&Option<PathBuf>]) -> Vec<PathBuf> {
    let mut paths = recording.recording.clone();
    paths.extend(others.iter().copied().flatten().cloned());
    paths
}
