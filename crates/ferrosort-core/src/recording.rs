//! A recording: samples in, whatever the file format.

use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Error, Probe, Result};

/// How one sample is stored in a file. Little-endian always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleType {
    /// Signed 16-bit integers.
    Int16,
    /// Unsigned 16-bit integers; 32768 is subtracted on reading.
    Uint16,
    /// Signed 32-bit integers.
    Int32,
    /// 32-bit floating point.
    Float32,
}

impl SampleType {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::Int16 | Self::Uint16 => 2,
            Self::Int32 | Self::Float32 => 4,
        }
    }

    /// NumPy's name of the type.
    pub fn numpy_name(self) -> &'static str {
        match self {
            Self::Int16 => "int16",
            Self::Uint16 => "uint16",
            Self::Int32 => "int32",
            Self::Float32 => "float32",
        }
    }
}

/// What other programs need in order to open the raw samples themselves (phy's `params.py`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawFile {
    /// The files, in time order.
    pub paths: Vec<PathBuf>,
    /// Type of a sample.
    pub sample_type: SampleType,
    /// Bytes before the first sample of each file.
    pub offset_bytes: u64,
    /// Samples (frames) of each file.
    pub samples_per_file: Vec<u64>,
    /// First sample of this recording in the concatenated files (a `--time-range` moves it).
    pub first_sample: u64,
}

/// An extracellular recording: `n_samples` frames of `n_channels` values.
///
/// Samples are counted in `u64` from 0. Values are in file counts (`uint16` centred by 32768) as `f32`.
pub trait Recording: Send + Sync {
    /// Frames per second, Hz.
    fn sample_rate(&self) -> f64;
    /// Columns of the file, including those without a contact.
    fn n_channels(&self) -> usize;
    /// Frames.
    fn n_samples(&self) -> u64;
    /// µV per count, one for each channel, when known.
    fn gain_uv(&self) -> Option<&[f64]>;
    /// Geometry stored with the recording, when there is any.
    fn probe(&self) -> Option<&Probe>;
    /// The flat files behind this recording, when there are any.
    fn raw_file(&self) -> Option<&RawFile>;
    /// How a sample is stored, when that is known; compressed recordings have no flat files but still a type.
    fn sample_type(&self) -> Option<SampleType> {
        self.raw_file().map(|raw| raw.sample_type)
    }
    /// Columns that carry neural signals, when the recording says that others do not (sync words, analogue inputs).
    fn neural_channels(&self) -> Option<&[usize]> {
        None
    }
    /// What the user should know about how the files were read (files joined, streams left out), one sentence each.
    fn notes(&self) -> &[String] {
        &[]
    }
    /// First sample of each segment, a stretch that was saved without a pause: rising, the first is 0.
    ///
    /// Samples of all segments are counted in a row. What is on the two sides of a border was not recorded one after the other, and
    /// is filtered apart.
    fn segment_starts(&self) -> Vec<u64> {
        vec![0]
    }
    /// What to call this recording in messages, usually its path.
    fn name(&self) -> &str;
    /// Reads frames `[start, start + out.len() / n_channels)` into `out`, time-major.
    ///
    /// # Errors
    /// I/O, a range outside the recording, or a sample that is NaN or infinite.
    fn read(&self, start: u64, out: &mut [f32]) -> Result<()>;
}

/// The segments of a recording as ranges of samples: in order, none of them empty, together the whole recording.
pub fn segments(recording: &dyn Recording) -> Vec<Range<u64>> {
    let n = recording.n_samples();
    let mut starts = recording.segment_starts();
    starts.retain(|&start| start < n);
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([n]);
    starts.iter().zip(ends).map(|(&start, end)| start..end).collect()
}

/// A recording held in memory: for tests and for callers that have an array.
#[derive(Debug, Clone)]
pub struct MemoryRecording {
    sample_rate: f64,
    n_channels: usize,
    data: Vec<f32>,
    probe: Option<Probe>,
}

impl MemoryRecording {
    /// Wraps time-major samples; `data.len()` must be a multiple of `n_channels`.
    ///
    /// # Errors
    /// No channels, or a length that is not a whole number of frames.
    pub fn new(sample_rate: f64, n_channels: usize, data: Vec<f32>, probe: Option<Probe>) -> Result<Self> {
        if n_channels == 0 || !data.len().is_multiple_of(n_channels) {
            return Err(Error::input(format!(
                "an array of {} values is not a whole number of frames of {n_channels} channels",
                data.len()
            )));
        }
        Ok(Self {
            sample_rate,
            n_channels,
            data,
            probe,
        })
    }
}

impl Recording for MemoryRecording {
    fn sample_rate(&self) -> f64 {
        self.sample_rate
    }
    fn n_channels(&self) -> usize {
        self.n_channels
    }
    fn n_samples(&self) -> u64 {
        (self.data.len() / self.n_channels) as u64
    }
    fn gain_uv(&self) -> Option<&[f64]> {
        None
    }
    fn probe(&self) -> Option<&Probe> {
        self.probe.as_ref()
    }
    fn raw_file(&self) -> Option<&RawFile> {
        None
    }
    fn name(&self) -> &'static str {
        "array in memory"
    }
    fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
        let first = start as usize * self.n_channels;
        let source = self.data.get(first..first + out.len()).ok_or_else(|| {
            Error::input(format!(
                "frames from {start} are outside the array of {} frames",
                self.n_samples()
            ))
        })?;
        out.copy_from_slice(source);
        Ok(())
    }
}
