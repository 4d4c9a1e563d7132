//! `recording.save(folder=...)`: flat files described by `binary.json`.

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Probe, Result};
use serde::Deserialize;
use serde_json::Value;

use super::{gains, probe_of_group, segments_note};
use crate::binary::{BinaryOptions, BinaryRecording, parse_sample_type};
use crate::npy::read_npy;
use crate::open::OpenOptions;
use crate::text::read_text;

/// The description of the flat files.
const DESCRIPTION: &str = "binary.json";

#[derive(Deserialize)]
struct Description {
    class: String,
    kwargs: Kwargs,
    #[serde(default)]
    relative_paths: bool,
}

#[derive(Deserialize)]
struct Kwargs {
    file_paths: Vec<PathBuf>,
    sampling_frequency: f64,
    #[serde(alias = "num_chan")]
    num_channels: usize,
    dtype: String,
    #[serde(default)]
    time_axis: u8,
    #[serde(default)]
    file_offset: u64,
    #[serde(default, rename = "gain_to_uV")]
    gain_to_uv: Value,
}

/// True for a folder with a description of flat files.
pub(crate) fn is_binary_folder(folder: &Path) -> bool {
    folder.join(DESCRIPTION).is_file()
}

/// Opens a binary folder; its segments are one recording.
///
/// # Errors
/// A description that cannot be understood or is of another kind of recording, what `overrides` contradicts, and
/// everything that [`BinaryRecording::open`] refuses.
pub(crate) fn open_binary(folder: &Path, overrides: &OpenOptions) -> Result<BinaryRecording> {
    let path = folder.join(DESCRIPTION);
    let source = path.display().to_string();
    let text = read_text(&path, "description of a folder of SpikeInterface")?;
    let description: Description =
        serde_json::from_str(&text).map_err(|e| Error::input(format!("{source} cannot be understood: {e}")))?;
    if !description.class.ends_with("BinaryRecordingExtractor") {
        return Err(Error::input(format!(
            "{source} describes a {}, not flat files; save it again with recording.save(folder=...)",
            description.class
        )));
    }
    let kwargs = description.kwargs;
    if kwargs.time_axis != 0 {
        return Err(Error::input(format!(
            "{source} says time_axis {}; only files with all channels of a sample together (0) are read, so save it again",
            kwargs.time_axis
        )));
    }
    let files: Vec<PathBuf> = kwargs
        .file_paths
        .into_iter()
        .map(|file| {
            if description.relative_paths {
                folder.join(file)
            } else {
                file
            }
        })
        .collect();
    let mut options = BinaryOptions::new(kwargs.num_channels, kwargs.sampling_frequency);
    options.sample_type = parse_sample_type(&kwargs.dtype).map_err(|e| Error::input(format!("{source}: {e}")))?;
    options.offset_bytes = kwargs.file_offset;
    options.gain_uv = match gains(&kwargs.gain_to_uv, &source)? {
        Some(gains) => Some(gains),
        None => saved_gains(folder)?,
    };
    options.probe = saved_probe(folder)?;
    options.notes.extend(segments_note(files.len()));
    options.name = Some(folder.display().to_string());
    overrides.apply(&mut options, &path)?;
    BinaryRecording::open(&files, options)
}

/// The property `gain_to_uV`, where older folders have the gains.
fn saved_gains(folder: &Path) -> Result<Option<Vec<f64>>> {
    let path = folder.join("properties").join("gain_to_uV.npy");
    if !path.is_file() {
        return Ok(None);
    }
    Ok(read_npy(&path)?
        .into_f64()
        .filter(|gains| gains.iter().all(|gain| gain.is_finite())))
}

/// `probegroup.json`, or `probe.json` of older folders.
fn saved_probe(folder: &Path) -> Result<Option<Probe>> {
    let Some(path) = ["probegroup.json", "probe.json"]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
    else {
        return Ok(None);
    };
    let source = path.display().to_string();
    let json = serde_json::from_str(&read_text(&path, "probe of a folder of SpikeInterface")?)
        .map_err(|e| Error::input(format!("{source} is not valid JSON: {e}")))?;
    probe_of_group(&json, &source)
}
