//! One way in for every kind of recording.

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Recording, Result, SampleType};
use hdf5_reader::FilterRegistry;

use crate::binary::{BinaryOptions, BinaryRecording};
use crate::detect::{self, Found};
use crate::folder::{is_folder, open_folder};
use crate::slice::{TimeRange, TimeSlice};
use crate::{hdf5, intan, maxwell, mtscomp, nwb, openephys, spikeglx, spikeinterface};

/// What the caller says about a recording; it wins over what the recording says about itself.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Columns of the file; required for flat files.
    pub n_channels: Option<usize>,
    /// Frames per second, Hz; required for flat files.
    pub sample_rate: Option<f64>,
    /// How a sample is stored; `int16` when nobody says.
    pub sample_type: Option<SampleType>,
    /// µV per count, one for all channels or one for each.
    pub gain_uv: Option<Vec<f64>>,
    /// Bytes before the first sample of each file; 0 when nobody says.
    pub offset_bytes: Option<u64>,
    /// Only this stretch of the recording.
    pub time_range: Option<TimeRange>,
    /// Which of several streams (probes, bands, series, wells) of a file or folder, by the name that an error lists.
    pub stream: Option<String>,
}

impl OpenOptions {
    /// Lays the caller's word over what a recording says of itself: rate and gains win; a layout of the samples that
    /// contradicts the recording's is refused, since the recording knows. `source` is the file that says it.
    pub(crate) fn apply(&self, options: &mut BinaryOptions, source: &Path) -> Result<()> {
        let contradiction = |flag: &str, given: &str, found: &str| {
            Error::input(format!(
                "{flag} is {given}, but {} says {found}; leave {flag} out",
                source.display()
            ))
        };
        if let Some(n) = self.n_channels.filter(|&n| n != options.n_channels) {
            return Err(contradiction(
                "--channels",
                &n.to_string(),
                &options.n_channels.to_string(),
            ));
        }
        if let Some(given) = self.sample_type.filter(|&t| t != options.sample_type) {
            let found = options.sample_type.numpy_name();
            return Err(contradiction("--dtype", given.numpy_name(), found));
        }
        if let Some(n) = self.offset_bytes.filter(|&n| n != options.offset_bytes) {
            return Err(contradiction(
                "--offset",
                &n.to_string(),
                &options.offset_bytes.to_string(),
            ));
        }
        options.sample_rate = self.sample_rate.unwrap_or(options.sample_rate);
        if self.gain_uv.is_some() {
            options.gain_uv.clone_from(&self.gain_uv);
        }
        Ok(())
    }
}

/// Opens a recording of any format that is read: a file, a folder, or several files as one recording.
///
/// Formats are told by content; a folder is searched for the one recording in it. docs/recordings.md lists them.
///
/// # Errors
/// A missing or unreadable file, a folder without a recording or with several, a flat file without channel count or
/// sample rate, and everything that the reader of the format and [`TimeSlice::new`] refuse.
pub fn open_recording(paths: &[PathBuf], overrides: &OpenOptions) -> Result<Box<dyn Recording>> {
    let recording = match paths {
        [one] if is_folder(one)? => open_found(&detect::in_folder(one, overrides.stream.as_deref())?, overrides)?,
        _ => match detect::of_files(paths) {
            Some(found) => open_found(&found, overrides)?,
            None => Box::new(open_files(paths, overrides)?),
        },
    };
    match overrides.time_range {
        Some(range) => Ok(Box::new(TimeSlice::new(recording, range)?)),
        None => Ok(recording),
    }
}

fn open_found(found: &Found, overrides: &OpenOptions) -> Result<Box<dyn Recording>> {
    Ok(match found {
        Found::Folder(folder) => open_folder(folder, overrides)?,
        Found::SiBinary(folder) => Box::new(spikeinterface::open_binary(folder, overrides)?),
        Found::SiZarr(folder) => Box::new(spikeinterface::open_zarr(folder, overrides)?),
        Found::SpikeGlx(files) => Box::new(spikeglx::open(files, overrides)?),
        Found::Intan(files) => intan::open(files, overrides)?,
        Found::Mtscomp(path) => Box::new(mtscomp::open(path, overrides)?),
        Found::Hdf5(path) => open_hdf5(path, overrides)?,
        Found::OpenEphys(structures, stream) => {
            let mut overrides = overrides.clone();
            overrides.stream = stream.clone().or(overrides.stream);
            Box::new(openephys::open(structures, &overrides)?)
        }
    })
}

fn open_hdf5(path: &Path, overrides: &OpenOptions) -> Result<Box<dyn Recording>> {
    let file = hdf5::File::open(path, FilterRegistry::new())?;
    if maxwell::is_maxwell(&file) {
        Ok(Box::new(maxwell::open(path, overrides)?))
    } else if nwb::is_nwb(&file) {
        Ok(Box::new(nwb::open(path, overrides)?))
    } else {
        Err(file.error(
            "this HDF5 file is neither NWB nor a recording of MaxWell; convert it to one of the formats in docs/recordings.md",
        ))
    }
}

fn open_files(paths: &[PathBuf], overrides: &OpenOptions) -> Result<BinaryRecording> {
    for path in paths {
        if is_folder(path)? {
            return Err(Error::input(format!(
                "{} is a folder; several recordings can only be joined as flat files",
                path.display()
            )));
        }
    }
    let missing = |what: &str, flag: &str| {
        let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
        Error::input(format!(
            "{first} is a flat binary file, which does not say its {what}; pass {flag}"
        ))
    };
    let n_channels = overrides
        .n_channels
        .ok_or_else(|| missing("number of channels", "--channels"))?;
    let sample_rate = overrides
        .sample_rate
        .ok_or_else(|| missing("sample rate", "--sample-rate"))?;
    let mut options = BinaryOptions::new(n_channels, sample_rate);
    options.sample_type = overrides.sample_type.unwrap_or(options.sample_type);
    options.gain_uv.clone_from(&overrides.gain_uv);
    options.offset_bytes = overrides.offset_bytes.unwrap_or(0);
    BinaryRecording::open(paths, options)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::parse_time_range;

    fn flat(folder: &TempDir, name: &str, samples: usize) -> PathBuf {
        let path = folder.path().join(name);
        let bytes: Vec<u8> = (0..samples as i16).flat_map(i16::to_le_bytes).collect();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn flat_files_need_channels_and_rate() {
        let folder = TempDir::new().unwrap();
        let paths = [flat(&folder, "a.bin", 8)];
        let message = |options: &OpenOptions| open_recording(&paths, options).err().unwrap().to_string();
        let mut options = OpenOptions::default();
        assert!(message(&options).contains("pass --channels"));
        options.n_channels = Some(2);
        assert!(message(&options).contains("pass --sample-rate"));
        options.sample_rate = Some(10.0);
        let recording = open_recording(&paths, &options).unwrap();
        assert_eq!((recording.n_samples(), recording.n_channels()), (4, 2));
    }

    #[test]
    fn a_time_range_moves_the_first_sample_and_counts_from_zero() {
        let folder = TempDir::new().unwrap();
        let paths = [flat(&folder, "a.bin", 8), flat(&folder, "b.bin", 8)];
        let options = OpenOptions {
            n_channels: Some(2),
            sample_rate: Some(10.0),
            time_range: Some(parse_time_range("0.3..0.6").unwrap()),
            ..OpenOptions::default()
        };
        let recording = open_recording(&paths, &options).unwrap();
        assert_eq!(recording.n_samples(), 3);
        assert_eq!(recording.raw_file().unwrap().first_sample, 3);
        let mut out = [0.0; 6];
        recording.read(0, &mut out).unwrap();
        assert_eq!(out, [6.0, 7.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ferrosort_core::segments(&*recording), [0..1, 1..3]);
    }

    #[test]
    fn folders_cannot_be_joined_and_missing_files_are_named() {
        let folder = TempDir::new().unwrap();
        let paths = [flat(&folder, "a.bin", 8), folder.path().to_path_buf()];
        let error = open_recording(&paths, &OpenOptions::default()).err().unwrap();
        assert!(error.to_string().contains("is a folder"), "{error}");
        let none = [folder.path().join("none")];
        let error = open_recording(&none, &OpenOptions::default()).err().unwrap();
        assert!(error.to_string().contains("none does not exist"), "{error}");
        assert_eq!(error.exit_code(), 2);
        assert!(open_recording(&[], &OpenOptions::default()).is_err());
    }
}
