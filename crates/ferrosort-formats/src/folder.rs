//! Recording folders: `recording.bin`, `recording.raw` or (compressed) `recording.cbin` beside a `meta.json`, and possibly a `probe.json`.
//!
//! Two dialects of `meta.json` are read: `sample_rate` or `sample_rate_hz`, with `n_channels`, `dtype`,
//! `gain_to_uV` (a number, a list or null) and optionally `n_samples`, `offset_bytes`, `file` (the name of the data
//! file), `channel_positions_um` (`[x, y]` for each channel, or null) and `neural_channels` (the columns that are not sync
//! words or analogue inputs). Other keys are ignored.

use std::path::{Path, PathBuf};

use ferrosort_core::{Contact, Error, Probe, Recording, Result};
use serde::Deserialize;

use crate::binary::{BinaryOptions, BinaryRecording, parse_sample_type};
use crate::mtscomp;
use crate::open::OpenOptions;
use crate::probe::read_probe;
use crate::regular::{missing_or_io, read_regular_text};

/// The keys of a recording folder's `meta.json` that matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FolderMeta {
    /// Frames per second, Hz.
    #[serde(alias = "sample_rate_hz")]
    sample_rate: Option<f64>,
    /// Columns of the data file.
    n_channels: Option<usize>,
    /// Frames of the data file, checked against its size.
    n_samples: Option<u64>,
    /// NumPy's name of the sample type; `int16` when absent.
    dtype: Option<String>,
    /// µV per count, for all channels or for each.
    #[serde(rename = "gain_to_uV")]
    gain_to_uv: Option<Gain>,
    /// Bytes before the first sample.
    offset_bytes: Option<u64>,
    /// `little` (default); anything else is refused.
    byte_order: Option<String>,
    /// Name of the data file; `recording.bin` or `recording.raw` when absent.
    file: Option<String>,
    /// `[x, y]` in µm for each channel.
    channel_positions_um: Option<Vec<[f64; 2]>>,
    /// Columns that carry neural signals; all when absent.
    neural_channels: Option<Vec<usize>>,
}

/// µV per count as `meta.json` gives it.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Gain {
    /// The same for all channels.
    One(f64),
    /// One for each channel.
    Each(Vec<f64>),
}

impl Gain {
    fn into_vec(self) -> Vec<f64> {
        match self {
            Self::One(gain) => vec![gain],
            Self::Each(gains) => gains,
        }
    }
}

/// Opens a recording folder. What `overrides` gives wins over `meta.json`.
///
/// # Errors
/// No or a malformed `meta.json`, no data file, a value that neither `meta.json` nor `overrides` gives, or a size that
/// disagrees with `n_samples`.
pub(crate) fn open_folder(folder: &Path, overrides: &OpenOptions) -> Result<Box<dyn Recording>> {
    let meta_path = folder.join("meta.json");
    let meta = read_meta(&meta_path)?;
    let data = data_file(folder, meta.file.as_deref())?;
    let missing = |key: &str, flag: &str| {
        Error::input(format!(
            "{} has no '{key}'; add it there or pass {flag}",
            meta_path.display()
        ))
    };
    let n_channels = overrides
        .n_channels
        .or(meta.n_channels)
        .ok_or_else(|| missing("n_channels", "--channels"))?;
    let sample_rate = overrides
        .sample_rate
        .or(meta.sample_rate)
        .ok_or_else(|| missing("sample_rate", "--sample-rate"))?;
    let mut options = BinaryOptions::new(n_channels, sample_rate);
    options.sample_type = match (overrides.sample_type, &meta.dtype) {
        (Some(sample_type), _) => sample_type,
        (None, Some(name)) => {
            parse_sample_type(name).map_err(|e| Error::input(format!("{}: {e}", meta_path.display())))?
        }
        (None, None) => options.sample_type,
    };
    if meta.byte_order.as_deref().is_some_and(|order| order != "little") {
        return Err(Error::input(format!(
            "{} says byte_order is not little; only little-endian samples are read, so convert the file first",
            meta_path.display()
        )));
    }
    options.gain_uv = overrides
        .gain_uv
        .clone()
        .or_else(|| meta.gain_to_uv.clone().map(Gain::into_vec));
    options.offset_bytes = overrides.offset_bytes.or(meta.offset_bytes).unwrap_or(0);
    options.name = Some(folder.display().to_string());
    options.probe = folder_probe(folder, &meta, &meta_path)?;
    options.neural_channels = neural_channels(&meta, n_channels, &meta_path)?;
    let recording: Box<dyn Recording> = if data.extension().is_some_and(|e| e == "cbin") {
        Box::new(mtscomp::open_described(&data, options)?)
    } else {
        Box::new(BinaryRecording::open(std::slice::from_ref(&data), options)?)
    };
    check_n_samples(&meta, &meta_path, &data, overrides, recording.n_samples())?;
    Ok(recording)
}

fn read_meta(path: &Path) -> Result<FolderMeta> {
    if !path.exists() {
        return Err(Error::input(format!(
            "{} is not a recording folder: it has no meta.json; name a flat binary file, or add a meta.json with \
             sample_rate, n_channels and dtype",
            path.parent().unwrap_or(path).display()
        )));
    }
    let text = read_regular_text(path, "description of the recording")?;
    serde_json::from_str(&text).map_err(|e| Error::input(format!("{} cannot be understood: {e}", path.display())))
}

fn data_file(folder: &Path, named: Option<&str>) -> Result<PathBuf> {
    let names = named.map_or_else(
        || vec!["recording.bin", "recording.raw", "recording.cbin"],
        |name| vec![name],
    );
    let found: Vec<PathBuf> = names
        .iter()
        .map(|name| folder.join(name))
        .filter(|path| path.exists())
        .collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Error::input(format!(
            "{} has no {}; put the data file beside meta.json",
            folder.display(),
            names.join(" or ")
        ))),
        _ => Err(Error::input(format!(
            "{} has {}; name one in meta.json as \"file\"",
            folder.display(),
            found_names(&found)
        ))),
    }
}

/// "recording.bin and recording.raw"
fn found_names(found: &[PathBuf]) -> String {
    let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    names.join(" and ")
}

/// `probe.json` if there is one, else the positions in `meta.json`.
fn folder_probe(folder: &Path, meta: &FolderMeta, meta_path: &Path) -> Result<Option<Probe>> {
    let path = folder.join("probe.json");
    if path.exists() {
        return read_probe(&path).map(Some);
    }
    let Some(positions) = &meta.channel_positions_um else {
        return Ok(None);
    };
    if meta.n_channels.is_some_and(|n| n != positions.len()) {
        return Err(Error::input(format!(
            "{}: channel_positions_um has {} entries for {} channels; give one position for each channel",
            meta_path.display(),
            positions.len(),
            meta.n_channels.unwrap_or_default()
        )));
    }
    let contacts = positions.iter().enumerate().map(|(channel, &[x_um, y_um])| Contact {
        channel,
        x_um,
        y_um,
        shank: 0,
    });
    Ok(Some(Probe {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        contacts: contacts.collect(),
    }))
}

/// The neural columns, all of them columns of the file and in order.
fn neural_channels(meta: &FolderMeta, n_channels: usize, meta_path: &Path) -> Result<Option<Vec<usize>>> {
    let Some(channels) = &meta.neural_channels else {
        return Ok(None);
    };
    if channels.iter().all(|&c| c < n_channels) && channels.is_sorted_by(|a, b| a < b) && !channels.is_empty() {
        return Ok(Some(channels.clone()));
    }
    Err(Error::input(format!(
        "{}: neural_channels must be columns from 0 to {}, in order and each once",
        meta_path.display(),
        n_channels.saturating_sub(1)
    )))
}

/// `n_samples` describes the file as `meta.json` reads it; an override of its layout makes it meaningless.
fn check_n_samples(meta: &FolderMeta, meta_path: &Path, data: &Path, over: &OpenOptions, found: u64) -> Result<()> {
    let overridden = over.n_channels.is_some() || over.sample_type.is_some() || over.offset_bytes.is_some();
    match meta.n_samples {
        Some(expected) if expected != found && !overridden => Err(Error::input(format!(
            "{} says n_samples is {expected}, but {} holds {found}; the copy may be incomplete, or n_channels or dtype \
             is wrong",
            meta_path.display(),
            data.display()
        ))),
        _ => Ok(()),
    }
}

/// True when the path is a folder. A path that cannot be looked at is an error.
pub(crate) fn is_folder(path: &Path) -> Result<bool> {
    std::fs::metadata(path)
        .map(|meta| meta.is_dir())
        .map_err(|e| missing_or_io(path, "recording", e))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::SampleType;
    use tempfile::TempDir;

    use super::*;

    fn folder(meta: &str, files: &[(&str, usize)]) -> TempDir {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("meta.json"), meta).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), vec![0; *bytes]).unwrap();
        }
        folder
    }

    fn message(meta: &str, files: &[(&str, usize)]) -> String {
        let folder = folder(meta, files);
        let error = open_folder(folder.path(), &OpenOptions::default()).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    #[test]
    fn both_dialects_open_and_unknown_keys_are_ignored() {
        let a = folder(
            r#"{"sample_rate_hz": 20000.0, "n_channels": 2, "dtype": "int16", "gain_to_uV": 0.5, "n_samples": 3,
                "file": "recording.raw", "channel_positions_um": [[0, 10], [0, 30.5]], "offset": "about 2050"}"#,
            &[("recording.raw", 12)],
        );
        let recording = open_folder(a.path(), &OpenOptions::default()).unwrap();
        assert_eq!((recording.n_samples(), recording.sample_rate()), (3, 20000.0));
        assert_eq!(recording.gain_uv(), Some([0.5, 0.5].as_slice()));
        assert_eq!(recording.probe().unwrap().positions_um(), [[0.0, 10.0], [0.0, 30.5]]);
        let b = folder(
            r#"{"sample_rate": 30000, "n_channels": 2, "dtype": "float32", "gain_to_uV": null, "seed": 1}"#,
            &[("recording.bin", 16)],
        );
        let recording = open_folder(b.path(), &OpenOptions::default()).unwrap();
        assert_eq!(recording.raw_file().unwrap().sample_type, SampleType::Float32);
        assert_eq!((recording.n_samples(), recording.gain_uv()), (2, None));
        assert!(recording.probe().is_none());
    }

    #[test]
    fn overrides_win() {
        let folder = folder(
            r#"{"n_channels": 2, "dtype": "int16", "n_samples": 4}"#,
            &[("recording.bin", 16)],
        );
        let overrides = OpenOptions {
            n_channels: Some(4),
            sample_rate: Some(1000.0),
            gain_uv: Some(vec![2.0]),
            ..OpenOptions::default()
        };
        let recording = open_folder(folder.path(), &overrides).unwrap();
        assert_eq!((recording.n_samples(), recording.n_channels()), (2, 4));
        assert_eq!(recording.gain_uv(), Some([2.0; 4].as_slice()));
    }

    #[test]
    fn a_probe_beside_the_data_is_read() {
        let folder = folder(r#"{"sample_rate": 1000, "n_channels": 2}"#, &[("recording.bin", 16)]);
        crate::write_probe(&folder.path().join("probe.json"), &Probe::line(2, 25.0)).unwrap();
        let recording = open_folder(folder.path(), &OpenOptions::default()).unwrap();
        assert_eq!(recording.probe().unwrap().positions_um(), [[0.0, 0.0], [0.0, 25.0]]);
    }

    #[test]
    fn mistakes_are_one_sentence() {
        let data = [("recording.bin", 12)];
        assert!(message("{}", &data).contains("'n_channels'"));
        assert!(message(r#"{"n_channels": 2}"#, &data).contains("--sample-rate"));
        assert!(message(r#"{"n_channels": "two"}"#, &data).contains("meta.json cannot be understood"));
        assert!(message("[", &data).contains("line 1"));
        let good = r#"{"n_channels": 2, "sample_rate": 10}"#;
        assert!(message(good, &[]).contains("recording.bin or recording.raw"));
        assert!(
            message(good, &[("recording.bin", 4), ("recording.raw", 4)]).contains("recording.bin and recording.raw")
        );
        assert!(message(r#"{"n_channels": 2, "sample_rate": 10, "n_samples": 4}"#, &data).contains("holds 3"));
        assert!(message(r#"{"n_channels": 2, "sample_rate": 10, "dtype": "complex64"}"#, &data).contains("complex64"));
        assert!(message(r#"{"n_channels": 2, "sample_rate": 10, "byte_order": "big"}"#, &data).contains("little"));
        assert!(
            message(
                r#"{"n_channels": 2, "sample_rate": 10, "channel_positions_um": [[0, 1]]}"#,
                &data
            )
            .contains("1 entries for 2 channels")
        );
        let neural = r#"{"n_channels": 2, "sample_rate": 10, "neural_channels": [2]}"#;
        assert!(message(neural, &data).contains("columns from 0 to 1"));
        let none = r#"{"n_channels": 0, "sample_rate": 10, "neural_channels": [0]}"#;
        assert!(message(none, &data).contains("in order"));
        let empty = TempDir::new().unwrap();
        let error = open_folder(empty.path(), &OpenOptions::default()).err().unwrap();
        assert!(error.to_string().contains("not a recording folder"), "{error}");
    }
}
