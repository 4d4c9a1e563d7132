//! What a recording is, and the likely mistakes in how it was described.
//!
//! A flat file cannot say that its description is wrong, but its samples can: [`inspect`] looks at up to 20 pieces spread
//! over the recording. Mistakes of sample type are looked for first, then the channel count, then single channels; later
//! checks mean nothing when an earlier one found something.

mod channels;
mod count;
mod layout;
mod sample;

use ferrosort_core::{Probe, Recording, Result, SampleType};
use serde::Serialize;

use sample::Samples;

/// Facts about a recording and sentences about its likely mistakes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// What the recording is called, usually its path.
    pub name: String,
    /// Columns of the file.
    pub n_channels: usize,
    /// Frames per second, Hz.
    pub sample_rate: f64,
    /// Frames.
    pub n_samples: u64,
    /// Length, s.
    pub duration_s: f64,
    /// The flat files behind the recording; absent for arrays in memory.
    pub files: Option<FileFacts>,
    /// Smallest and largest gain, µV per count, when known.
    pub gain_uv: Option<[f64; 2]>,
    /// The probe given, or the one stored with the recording.
    pub probe: Option<ProbeFacts>,
    /// Likely mistakes, each a sentence with its remedy.
    pub warnings: Vec<String>,
}

/// Facts about the flat files of a recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileFacts {
    /// The files, in time order.
    pub paths: Vec<std::path::PathBuf>,
    /// How a sample is stored.
    pub sample_type: SampleType,
    /// Bytes of samples in all files, without offsets.
    pub sample_bytes: u64,
    /// Bytes before the first sample of each file.
    pub offset_bytes: u64,
    /// First sample of the recording in the files (not 0 for a time range).
    pub first_sample: u64,
}

/// Facts about a probe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeFacts {
    /// A name for people, empty when unknown.
    pub name: String,
    /// Wired contacts.
    pub n_contacts: usize,
    /// Distinct shanks.
    pub n_shanks: usize,
    /// Smallest and largest x, µm.
    pub x_um: [f64; 2],
    /// Smallest and largest y, µm.
    pub y_um: [f64; 2],
}

/// Looks at a recording and, when given, at the probe it will be sorted with (else at its own).
///
/// # Errors
/// I/O. Samples that are NaN or infinite are a warning here, not an error.
pub fn inspect(recording: &dyn Recording, probe: Option<&Probe>) -> Result<Inspection> {
    let probe = probe.or_else(|| recording.probe());
    let samples = Samples::read(recording)?;
    let mut warnings = recording.notes().to_vec();
    let noted = warnings.len();
    warnings.extend(layout::check(&samples));
    if warnings.len() == noted {
        warnings.extend(count::check(&samples));
    }
    if warnings.len() == noted {
        warnings.extend(channels::check(&samples));
    }
    if let Some(probe) = probe {
        warnings.extend(check_probe(probe, recording));
    }
    let n_channels = recording.n_channels();
    Ok(Inspection {
        name: recording.name().to_owned(),
        n_channels,
        sample_rate: recording.sample_rate(),
        n_samples: recording.n_samples(),
        duration_s: recording.n_samples() as f64 / recording.sample_rate(),
        files: recording.raw_file().map(|raw| FileFacts {
            paths: raw.paths.clone(),
            sample_type: raw.sample_type,
            sample_bytes: raw.samples_per_file.iter().sum::<u64>() * (n_channels * raw.sample_type.bytes()) as u64,
            offset_bytes: raw.offset_bytes,
            first_sample: raw.first_sample,
        }),
        gain_uv: recording.gain_uv().map(|gains| neural_gains(recording, gains)),
        probe: probe.map(probe_facts),
        warnings,
    })
}

/// Smallest and largest gain of the channels that carry neural signals.
fn neural_gains(recording: &dyn Recording, gains: &[f64]) -> [f64; 2] {
    match recording.neural_channels() {
        Some(channels) => extent(channels.iter().filter_map(|&c| gains.get(c).copied())),
        None => extent(gains.iter().copied()),
    }
}

fn probe_facts(probe: &Probe) -> ProbeFacts {
    let mut shanks: Vec<i64> = probe.contacts.iter().map(|c| c.shank).collect();
    shanks.sort_unstable();
    shanks.dedup();
    ProbeFacts {
        name: probe.name.clone(),
        n_contacts: probe.len(),
        n_shanks: shanks.len(),
        x_um: extent(probe.contacts.iter().map(|c| c.x_um)),
        y_um: extent(probe.contacts.iter().map(|c| c.y_um)),
    }
}

/// Smallest and largest value; zeros when there is none.
fn extent(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values
        .map(|v| [v, v])
        .reduce(|[low, high], [v, _]| [low.min(v), high.max(v)])
        .unwrap_or_default()
}

/// A probe that cannot be used, or that leaves out more channels than sync words and auxiliary inputs explain.
fn check_probe(probe: &Probe, recording: &dyn Recording) -> Option<String> {
    let n_channels = recording.n_channels();
    let name = if probe.name.is_empty() {
        "(unnamed)"
    } else {
        &probe.name
    };
    if let Err(error) = probe.validate(n_channels, name) {
        return Some(error.to_string());
    }
    let n_channels = recording.neural_channels().map_or(n_channels, <[usize]>::len);
    let unwired = n_channels.saturating_sub(probe.len());
    (unwired > (n_channels / 16).max(1)).then(|| {
        format!(
            "probe {name} has {} contacts for {n_channels} channels, so {unwired} channels will not be sorted; check that \
             it is the probe of this recording",
            probe.len()
        )
    })
}

/// "channel 3 (0-based)" or "channels 1, 2 and 7 (0-based)", shortened after ten.
fn list_channels(channels: &[usize]) -> String {
    let shown: Vec<String> = channels.iter().take(10).map(ToString::to_string).collect();
    match (channels.len() - shown.len(), shown.split_last()) {
        (0, Some((only, []))) => format!("channel {only} (0-based)"),
        (0, Some((last, others))) => format!("channels {} and {last} (0-based)", others.join(", ")),
        (more, _) => format!("channels {} and {more} more (0-based)", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
