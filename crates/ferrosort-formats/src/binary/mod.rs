//! Flat binary recordings: interleaved samples without a header, in one or several files.
//!
//! Layout: sample 0 of all channels, sample 1 of all channels, and so on, little-endian. Files are read at
//! positions, never mapped: a file that shrinks while it is read is an error, not a crash.

mod decode;
mod frames;
mod position;

use std::fs::File;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Probe, RawFile, Recording, Result, SampleType};

pub use decode::decode;
pub(crate) use position::read_exact_at;

use crate::regular::{missing_or_io, open_regular};

/// Most columns of a file. Arrays of 65,536 electrodes exist; a larger number is a mistake, and matrices of channels by
/// channels would not fit into any memory.
pub(crate) const MAX_CHANNELS: usize = 1 << 17;
/// Bytes read from the operating system at once.
const READ_BYTES: usize = 4 << 20;

/// What a flat binary file does not say about itself.
#[derive(Debug, Clone)]
pub struct BinaryOptions {
    /// Columns of the file, including those without a contact (sync words). At least 1.
    pub n_channels: usize,
    /// Frames per second, Hz. Finite and greater than 0.
    pub sample_rate: f64,
    /// How a sample is stored.
    pub sample_type: SampleType,
    /// µV per count: one value for all channels, or one for each channel. Finite and not 0.
    pub gain_uv: Option<Vec<f64>>,
    /// Bytes before the first sample, in each file.
    pub offset_bytes: u64,
    /// Geometry known with the recording, if any.
    pub probe: Option<Probe>,
    /// Columns that carry neural signals; all when absent.
    pub neural_channels: Option<Vec<usize>>,
    /// First sample of each segment, rising from 0, when the reader knows where recording paused; else each file is a segment.
    pub segment_starts: Option<Vec<u64>>,
    /// What the user should know about how the files were read.
    pub notes: Vec<String>,
    /// What to call the recording in messages; the first path when absent.
    pub name: Option<String>,
}

impl BinaryOptions {
    /// `int16` samples without a header, gain or probe.
    pub fn new(n_channels: usize, sample_rate: f64) -> Self {
        Self {
            n_channels,
            sample_rate,
            sample_type: SampleType::Int16,
            gain_uv: None,
            offset_bytes: 0,
            probe: None,
            neural_channels: None,
            segment_starts: None,
            notes: Vec::new(),
            name: None,
        }
    }
}

/// One or several flat files, read as one recording in the order given.
#[derive(Debug)]
pub struct BinaryRecording {
    sample_rate: f64,
    n_channels: usize,
    n_samples: u64,
    gain_uv: Option<Vec<f64>>,
    probe: Option<Probe>,
    neural_channels: Option<Vec<usize>>,
    segment_starts: Vec<u64>,
    notes: Vec<String>,
    name: String,
    files: Vec<File>,
    raw: RawFile,
}

impl BinaryRecording {
    /// Opens the files and checks their sizes; no sample is read.
    ///
    /// # Errors
    /// No file, a missing or unreadable file, a file without samples or with an incomplete last frame, no channels,
    /// a sample rate that is not finite and positive, or a gain list of another length than the channels.
    pub fn open(paths: &[PathBuf], options: BinaryOptions) -> Result<Self> {
        let first = paths
            .first()
            .ok_or_else(|| Error::input("no recording file was given; name at least one file"))?;
        let name = options.name.unwrap_or_else(|| first.display().to_string());
        check_rate(options.sample_rate, &name)?;
        check_channels(options.n_channels, &name)?;
        let gain_uv = options
            .gain_uv
            .map(|gain| expand_gain(gain, options.n_channels, &name))
            .transpose()?;
        let mut files = Vec::with_capacity(paths.len());
        let mut samples_per_file = Vec::with_capacity(paths.len());
        for path in paths {
            let (file, size) = open_file(path)?;
            samples_per_file.push(frames::count(
                path,
                size,
                options.offset_bytes,
                options.n_channels,
                options.sample_type,
            )?);
            files.push(file);
        }
        Ok(Self {
            sample_rate: options.sample_rate,
            n_channels: options.n_channels,
            n_samples: samples_per_file.iter().sum(),
            segment_starts: options.segment_starts.unwrap_or_else(|| starts(&samples_per_file)),
            gain_uv,
            probe: options.probe,
            neural_channels: options.neural_channels,
            notes: options.notes,
            name,
            files,
            raw: RawFile {
                paths: paths.to_vec(),
                sample_type: options.sample_type,
                offset_bytes: options.offset_bytes,
                samples_per_file,
                first_sample: 0,
            },
        })
    }

    /// Reads frames of one file, from its frame `start`, into `out`.
    fn read_file(&self, index: usize, start: u64, out: &mut [f32]) -> Result<()> {
        let width = self.raw.sample_type.bytes();
        let frame_bytes = self.n_channels * width;
        let frames_at_once = (READ_BYTES / frame_bytes).max(1);
        let mut bytes = vec![0; frames_at_once.min(out.len() / self.n_channels) * frame_bytes];
        let path = &self.raw.paths[index];
        let mut frame = start;
        for piece in out.chunks_mut(frames_at_once * self.n_channels) {
            let bytes = &mut bytes[..piece.len() * width];
            let position = self.raw.offset_bytes + frame * frame_bytes as u64;
            read_exact_at(&self.files[index], bytes, position).map_err(|e| Error::io("read", path, e))?;
            decode(bytes, self.raw.sample_type, piece);
            if self.raw.sample_type == SampleType::Float32 {
                check_finite(piece, path, frame, self.n_channels)?;
            }
            frame += (piece.len() / self.n_channels) as u64;
        }
        Ok(())
    }
}

impl Recording for BinaryRecording {
    fn sample_rate(&self) -> f64 {
        self.sample_rate
    }
    fn n_channels(&self) -> usize {
        self.n_channels
    }
    fn n_samples(&self) -> u64 {
        self.n_samples
    }
    fn gain_uv(&self) -> Option<&[f64]> {
        self.gain_uv.as_deref()
    }
    fn probe(&self) -> Option<&Probe> {
        self.probe.as_ref()
    }
    fn raw_file(&self) -> Option<&RawFile> {
        Some(&self.raw)
    }
    fn neural_channels(&self) -> Option<&[usize]> {
        self.neural_channels.as_deref()
    }
    fn notes(&self) -> &[String] {
        &self.notes
    }
    fn segment_starts(&self) -> Vec<u64> {
        self.segment_starts.clone()
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
        check_range(self, start, out.len())?;
        let mut skip = start;
        let mut rest = out;
        for (index, &frames) in self.raw.samples_per_file.iter().enumerate() {
            if rest.is_empty() {
                break;
            }
            if skip >= frames {
                skip -= frames;
                continue;
            }
            let here = ((frames - skip) as usize).min(rest.len() / self.n_channels);
            let (now, later) = rest.split_at_mut(here * self.n_channels);
            self.read_file(index, skip, now)?;
            rest = later;
            skip = 0;
        }
        Ok(())
    }
}

/// Where pieces of these lengths begin, one after the other.
pub(crate) fn starts(lengths: &[u64]) -> Vec<u64> {
    let begin = |end: &mut u64, length: &u64| {
        let start = *end;
        *end += length;
        Some(start)
    };
    lengths.iter().scan(0, begin).collect()
}

/// Refuses a read that is not whole frames inside the recording.
pub(crate) fn check_range(recording: &dyn Recording, start: u64, values: usize) -> Result<()> {
    let n_channels = recording.n_channels();
    if !values.is_multiple_of(n_channels) {
        return Err(Error::input(format!(
            "{}: a buffer of {values} values is not a whole number of frames of {n_channels} channels",
            recording.name()
        )));
    }
    let frames = (values / n_channels) as u64;
    match start.checked_add(frames) {
        Some(end) if end <= recording.n_samples() => Ok(()),
        _ => Err(Error::input(format!(
            "{}: samples {start} to {} were asked for, but the recording has {}",
            recording.name(),
            start.saturating_add(frames),
            recording.n_samples()
        ))),
    }
}

/// The sample type of this name: NumPy's names and codes (`int16`, `<i2`, `i2`, and so on), in lower case.
///
/// # Errors
/// Any other name, with the list of those that work.
pub fn parse_sample_type(name: &str) -> Result<SampleType> {
    match name.strip_prefix('<').unwrap_or(name) {
        "int16" | "i2" => Ok(SampleType::Int16),
        "uint16" | "u2" => Ok(SampleType::Uint16),
        "int32" | "i4" => Ok(SampleType::Int32),
        "float32" | "f4" => Ok(SampleType::Float32),
        _ => Err(Error::input(format!(
            "sample type '{name}' is not supported; use int16, uint16, int32 or float32 (little-endian)"
        ))),
    }
}

fn check_channels(n_channels: usize, name: &str) -> Result<()> {
    if (1..=MAX_CHANNELS).contains(&n_channels) {
        return Ok(());
    }
    Err(Error::input(format!(
        "{name}: the number of channels is {n_channels}; a recording has from 1 to {MAX_CHANNELS} (--channels)"
    )))
}

pub(crate) fn check_rate(sample_rate: f64, name: &str) -> Result<()> {
    if sample_rate.is_finite() && sample_rate > 0.0 {
        return Ok(());
    }
    Err(Error::input(format!(
        "{name}: the sample rate is {sample_rate} Hz; it must be a finite number greater than 0 (--sample-rate)"
    )))
}

pub(crate) fn expand_gain(gain: Vec<f64>, n_channels: usize, name: &str) -> Result<Vec<f64>> {
    if let Some((i, g)) = gain.iter().enumerate().find(|(_, g)| !g.is_finite() || **g == 0.0) {
        return Err(Error::input(format!(
            "{name}: gain {i} is {g} µV per count; gains must be finite and not 0 (--gain-uv)"
        )));
    }
    match gain.as_slice() {
        [one] => Ok(vec![*one; n_channels]),
        _ if gain.len() == n_channels => Ok(gain),
        _ => Err(Error::input(format!(
            "{name}: {} gains were given for {n_channels} channels; give one for all or one for each (--gain-uv)",
            gain.len()
        ))),
    }
}

/// Opens a regular file; returns it with its size in bytes.
pub(crate) fn open_file(path: &Path) -> Result<(File, u64)> {
    let found = std::fs::metadata(path).map_err(|e| missing_or_io(path, "recording", e))?;
    if !found.is_file() {
        // A pipe would block before it is refused.
        return Err(Error::input(format!(
            "{} is not a file of samples; name a flat binary file or a recording folder with a meta.json",
            path.display()
        )));
    }
    open_regular(path, "recording")
}

/// Refuses samples that are NaN or infinite. `values` are whole frames from `first_frame` on; `path` names them in the message.
///
/// # Errors
/// The first such sample.
pub fn check_finite(values: &[f32], path: &Path, first_frame: u64, n_channels: usize) -> Result<()> {
    let Some(at) = values.iter().position(|v| !v.is_finite()) else {
        return Ok(());
    };
    Err(Error::input(format!(
        "{}: sample {} of channel {} (both 0-based) is {}; replace such samples (for example by 0), or check --dtype \
         if the file should hold none",
        path.display(),
        first_frame + (at / n_channels) as u64,
        at % n_channels,
        if values[at].is_nan() { "NaN" } else { "infinite" }
    )))
}

#[cfg(test)]
mod tests;
