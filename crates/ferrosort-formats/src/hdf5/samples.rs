//! A matrix of samples in an HDF5 file.

use ferrosort_core::{Result, SampleType};
use hdf5_reader::{Dataset, Datatype, SliceInfo, SliceInfoElem};
use ndarray::{ArrayD, Axis, Ix2};

use super::File;
use crate::binary::MAX_CHANNELS;
use crate::chunked::{Chunks, even_bounds};

/// Bytes that are read at once, if the file's chunks are smaller.
const CHUNK_BYTES: u64 = 4 << 20;

/// Bytes that are read at once at most, if the file's chunks are longer.
const MAX_CHUNK_BYTES: u64 = 64 << 20;

/// Most bytes that one byte of a file can become: deflate's limit, doubled for filters before it.
const MAX_RATIO: u64 = 2 * 1032;

/// How a dataset holds its samples.
pub(crate) struct Layout {
    /// Axis of time: 0 or 1; channels are the other one.
    pub(crate) time_axis: usize,
    /// Rows of the channel axis that are channels, in order; all when absent.
    pub(crate) rows: Option<Vec<usize>>,
    /// Samples of 16 bits without sign are taken as they are, since they use fewer bits; else they are centred.
    pub(crate) few_bits: bool,
}

/// A dataset as chunks of a recording.
pub(crate) struct Samples {
    file: File,
    dataset: Dataset,
    layout: Layout,
    sample_type: SampleType,
    n_channels: usize,
    bounds: Vec<u64>,
}

impl Samples {
    /// Checks type, shape and size of a dataset.
    ///
    /// # Errors
    /// A dataset that is no matrix of numbers, rows outside it, or more samples than the file can hold.
    pub(crate) fn new(file: File, dataset: Dataset, layout: Layout) -> Result<Self> {
        let what = dataset.name().to_owned();
        let (frames, rows) = match (dataset.shape(), layout.time_axis) {
            // A series of one channel may be a list.
            (&[frames], 0) => (frames, 1),
            (&[frames, rows], 0) | (&[rows, frames], 1) => (frames, rows),
            (shape, _) => {
                return Err(file.error(&format!(
                    "'{what}' has {} dimensions; samples are a matrix of times and channels",
                    shape.len()
                )));
            }
        };
        let sample_type = stored_type(dataset.dtype(), layout.few_bits).ok_or_else(|| {
            file.error(&format!(
                "'{what}' does not hold numbers, so it cannot be read as samples"
            ))
        })?;
        if rows > MAX_CHANNELS as u64 {
            return Err(file.error(&format!(
                "'{what}' claims {rows} channels, more than any recording has; it is damaged"
            )));
        }
        let frame = rows.saturating_mul(sample_type.bytes() as u64).max(1);
        if frame.saturating_mul(frames) > file.size().saturating_mul(MAX_RATIO) {
            return Err(file.error(&format!(
                "'{what}' claims {frames} samples of {rows} channels, more than the file can hold; it is damaged"
            )));
        }
        if layout
            .rows
            .as_ref()
            .is_some_and(|list| list.iter().any(|&row| row as u64 >= rows))
        {
            return Err(file.error(&format!(
                "'{what}' has {rows} rows, fewer than its map of electrodes names"
            )));
        }
        let native = dataset.chunks().and_then(|c| c.get(layout.time_axis).copied());
        let native = u64::from(native.unwrap_or(1)).max(1);
        let at_once = (CHUNK_BYTES / frame / native).max(1).saturating_mul(native);
        let at_once = at_once.min((MAX_CHUNK_BYTES / frame).max(1));
        Ok(Self {
            n_channels: layout.rows.as_ref().map_or(rows as usize, Vec::len),
            bounds: even_bounds(frames, at_once),
            file,
            dataset,
            layout,
            sample_type,
        })
    }

    /// Channels that are read.
    pub(crate) fn n_channels(&self) -> usize {
        self.n_channels
    }

    /// How unpacked samples are stored.
    pub(crate) fn sample_type(&self) -> SampleType {
        self.sample_type
    }

    /// Borders of the chunks, frames.
    pub(crate) fn bounds(&self) -> &[u64] {
        &self.bounds
    }

    /// Frames `[first, end)` as values of the dataset's type, in the dataset's order, turned to bytes by `bytes`.
    fn slice<T: hdf5_reader::H5Type, const W: usize>(
        &self,
        first: u64,
        end: u64,
        bytes: impl Fn(T) -> [u8; W],
    ) -> Result<Vec<u8>> {
        let all = SliceInfoElem::Slice {
            start: 0,
            end: u64::MAX,
            step: 1,
        };
        let time = SliceInfoElem::Slice {
            start: first,
            end,
            step: 1,
        };
        let selections = match (self.dataset.ndim(), self.layout.time_axis) {
            (1, _) => vec![time],
            (_, 0) => vec![time, all],
            _ => vec![all, time],
        };
        let values: ArrayD<T> = self
            .dataset
            .read_slice(&SliceInfo { selections })
            .map_err(|e| self.file.failed(self.dataset.name(), &e))?;
        Ok(self.ordered(values).iter().flat_map(|v| bytes(v.clone())).collect())
    }

    /// Values as a list in the order of a flat file.
    fn ordered<T: Clone>(&self, values: ArrayD<T>) -> Vec<T> {
        let Ok(matrix) = values.clone().into_dimensionality::<Ix2>() else {
            return values.into_iter().collect();
        };
        let frames_first = if self.layout.time_axis == 0 {
            matrix
        } else {
            matrix.reversed_axes()
        };
        match &self.layout.rows {
            Some(rows) => frames_first.select(Axis(1), rows).into_iter().collect(),
            None => frames_first.into_iter().collect(),
        }
    }
}

impl Chunks for Samples {
    fn load(&self, chunk: usize) -> Result<Vec<u8>> {
        let (Some(&first), Some(&end)) = (self.bounds.get(chunk), self.bounds.get(chunk + 1)) else {
            return Ok(Vec::new());
        };
        match self.dataset.dtype() {
            Datatype::FixedPoint {
                size: 2, signed: true, ..
            } => self.slice(first, end, i16::to_le_bytes),
            Datatype::FixedPoint {
                size: 2, signed: false, ..
            } => self.slice(first, end, u16::to_le_bytes),
            Datatype::FixedPoint {
                size: 4, signed: true, ..
            } => self.slice(first, end, i32::to_le_bytes),
            Datatype::FixedPoint {
                size: 1, signed: true, ..
            } => self.slice(first, end, |v: i8| i16::from(v).to_le_bytes()),
            Datatype::FixedPoint {
                size: 1, signed: false, ..
            } => self.slice(first, end, |v: u8| i16::from(v).to_le_bytes()),
            Datatype::FloatingPoint { size: 4, .. } => self.slice(first, end, f32::to_le_bytes),
            _ => self.slice(first, end, |v: f64| (v as f32).to_le_bytes()),
        }
    }
}

/// The type of a flat file with the same samples; `None` for what is not a number.
fn stored_type(datatype: &Datatype, few_bits: bool) -> Option<SampleType> {
    match datatype {
        Datatype::FixedPoint { size: 1, .. } => Some(SampleType::Int16),
        Datatype::FixedPoint { size: 2, signed, .. } => Some(if *signed || few_bits {
            SampleType::Int16
        } else {
            SampleType::Uint16
        }),
        Datatype::FixedPoint {
            size: 4, signed: true, ..
        } => Some(SampleType::Int32),
        Datatype::FloatingPoint { size: 4 | 8, .. } => Some(SampleType::Float32),
        _ => None,
    }
}
