//! `params.py`: parsed, never executed.

use std::path::{Path, PathBuf};

use ferrosort_core::{RecordingFormat, Result};

use crate::binary::parse_sample_type;
use crate::literals::{Value, parse};
use crate::results::files;

/// What is of use in a `params.py`.
#[derive(Debug, Default)]
pub(super) struct Params {
    /// Samples per second, Hz.
    pub(super) sample_rate: Option<f64>,
    /// Raw files that exist.
    pub(super) recording: Vec<PathBuf>,
    n_channels: Option<f64>,
    dtype: Option<String>,
    offset_bytes: u64,
}

impl Params {
    /// How the raw files lie, when it is known.
    pub(super) fn format(&self) -> Option<RecordingFormat> {
        Some(RecordingFormat {
            n_channels: self.n_channels.filter(|n| *n >= 1.0)? as usize,
            sample_type: parse_sample_type(self.dtype.as_deref()?).ok()?,
            offset_bytes: self.offset_bytes,
            gain_uv: None,
        })
    }

    /// Length of the recording by the sizes of its files, samples.
    pub(super) fn n_samples(&self) -> Option<u64> {
        let format = self.format()?;
        let frame_bytes = (format.n_channels as u64).checked_mul(format.sample_type.bytes() as u64)?;
        let samples = |path: &PathBuf| {
            let bytes = std::fs::metadata(path).ok()?.len();
            Some(bytes.saturating_sub(self.offset_bytes) / frame_bytes)
        };
        (!self.recording.is_empty())
            .then(|| self.recording.iter().map(samples).sum())
            .flatten()
    }
}

/// Reads `params.py`. Lines that are not plain assignments are left out, with a warning.
pub(super) fn read(folder: &Path, warnings: &mut Vec<String>) -> Result<Params> {
    let mut params = Params::default();
    let Some(text) = files::text(&folder.join("params.py"))? else {
        warnings.push("the folder has no params.py".to_owned());
        return Ok(params);
    };
    for (name, value) in assignments(&text, warnings) {
        match name.to_lowercase().as_str() {
            "sample_rate" => params.sample_rate = value.number().filter(|rate| rate.is_finite() && *rate > 0.0),
            "n_channels_dat" => params.n_channels = value.number(),
            "dtype" => params.dtype = value.text().map(str::to_owned),
            "offset" => params.offset_bytes = value.number().unwrap_or(0.0).max(0.0) as u64,
            "dat_path" => params.recording = existing(folder, &value),
            _ => {}
        }
    }
    Ok(params)
}

fn assignments(text: &str, warnings: &mut Vec<String>) -> Vec<(String, Value)> {
    if let Ok(all) = parse(text) {
        return all;
    }
    let mut found = Vec::new();
    for (i, line) in text.lines().enumerate() {
        match parse(line) {
            Ok(assigned) => found.extend(assigned),
            Err(problem) => warnings.push(format!(
                "params.py line {} was left out ({}); only plain values are understood, nothing is executed",
                i + 1,
                problem.what
            )),
        }
    }
    found
}

/// The raw files, relative to the folder, when all of them exist.
fn existing(folder: &Path, value: &Value) -> Vec<PathBuf> {
    let names: Vec<&str> = match value {
        Value::Text(name) => vec![name.as_str()],
        Value::List(names) => names.iter().filter_map(Value::text).collect(),
        _ => Vec::new(),
    };
    let paths: Vec<PathBuf> = names
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| folder.join(name))
        .collect();
    if paths.iter().all(|path| path.is_file()) {
        paths
    } else {
        Vec::new()
    }
}
