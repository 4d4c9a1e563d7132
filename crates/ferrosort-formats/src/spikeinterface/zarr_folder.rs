//! `recording.save(format="zarr")`: a Zarr group with one array of samples a segment.

use std::path::Path;

use ferrosort_core::{Error, Result, SampleType};
use serde_json::Value;

use super::{probe_of_group, segments_note};
use crate::binary::{BinaryOptions, parse_sample_type, starts};
use crate::chunked::{ChunkedRecording, Chunks};
use crate::open::OpenOptions;
use crate::text::read_text;
use crate::zarr::Array;

/// Most segments that are believed.
const MAX_SEGMENTS: u64 = 1 << 16;

/// True for a Zarr group of version 2 that says how fast it was sampled.
pub(crate) fn is_zarr_folder(folder: &Path) -> bool {
    folder.join(".zgroup").is_file() && folder.join("traces_seg0").join(".zarray").is_file()
}

/// Arrays of samples, one a segment, in time order.
pub(crate) struct Segments {
    arrays: Vec<Array>,
    /// Segment and chunk of that segment.
    places: Vec<(usize, usize)>,
}

impl Chunks for Segments {
    fn load(&self, chunk: usize) -> Result<Vec<u8>> {
        match self
            .places
            .get(chunk)
            .and_then(|&(segment, chunk)| Some((self.arrays.get(segment)?, chunk)))
        {
            Some((array, chunk)) => array.rows(chunk),
            None => Ok(Vec::new()),
        }
    }
}

/// Opens a Zarr folder; its segments are one recording.
///
/// # Errors
/// Attributes or arrays that cannot be understood, a compression that is not read, or what `overrides` contradicts.
pub(crate) fn open_zarr(folder: &Path, overrides: &OpenOptions) -> Result<ChunkedRecording<Segments>> {
    let path = folder.join(".zattrs");
    let source = path.display().to_string();
    let attributes: Value = serde_json::from_str(&read_text(&path, "attributes of a Zarr folder")?)
        .map_err(|e| Error::input(format!("{source} is not valid JSON: {e}")))?;
    let rate = attributes.get("sampling_frequency").and_then(Value::as_f64);
    let rate = overrides
        .sample_rate
        .or(rate)
        .ok_or_else(|| Error::input(format!("{source} has no sampling_frequency; pass --sample-rate")))?;
    let segments = attributes.get("num_segments").and_then(Value::as_u64).unwrap_or(1);
    if segments == 0 || segments > MAX_SEGMENTS {
        return Err(Error::input(format!(
            "{source} says num_segments {segments}; a recording has at least one"
        )));
    }
    let arrays = (0..segments)
        .map(|i| Array::open(&folder.join(format!("traces_seg{i}"))))
        .collect::<Result<Vec<_>>>()?;
    let sample_type = sample_type(&arrays, folder)?;
    let n_channels = arrays.first().map_or(0, Array::n_columns);
    if arrays.iter().any(|array| array.n_columns() != n_channels) {
        return Err(Error::input(format!(
            "{}: the segments have different numbers of channels; save them as recordings of their own",
            folder.display()
        )));
    }
    let mut options = BinaryOptions::new(n_channels, rate);
    options.sample_type = sample_type;
    options.gain_uv = saved_gains(folder)?;
    let group = attributes.get("probegroup").or_else(|| attributes.get("probe"));
    options.probe = probe_of_group(group.unwrap_or(&Value::Null), &source)?;
    options.notes.extend(segments_note(arrays.len()));
    options.segment_starts = Some(starts(&arrays.iter().map(Array::n_rows).collect::<Vec<_>>()));
    overrides.apply(&mut options, &path)?;
    let (places, bounds) = places(&arrays);
    ChunkedRecording::new(folder.to_path_buf(), Segments { arrays, places }, bounds, options)
}

/// The type of all segments.
fn sample_type(arrays: &[Array], folder: &Path) -> Result<SampleType> {
    let names: Vec<&str> = arrays.iter().map(Array::dtype).collect();
    match names.split_first() {
        Some((first, rest)) if rest.iter().all(|name| name == first) => {
            parse_sample_type(first).map_err(|e| Error::input(format!("{}: {e}", folder.display())))
        }
        _ => Err(Error::input(format!(
            "{}: the segments have samples of different types; save them as recordings of their own",
            folder.display()
        ))),
    }
}

/// The chunks of all segments in a row, and their borders.
fn places(arrays: &[Array]) -> (Vec<(usize, usize)>, Vec<u64>) {
    let (mut places, mut bounds) = (Vec::new(), vec![0]);
    let mut start = 0;
    for (segment, array) in arrays.iter().enumerate() {
        for chunk in 0..array.n_row_chunks() {
            places.push((segment, chunk));
            bounds.push(start + array.end_of(chunk));
        }
        start += array.n_rows();
    }
    (places, bounds)
}

/// The property `gain_to_uV`.
fn saved_gains(folder: &Path) -> Result<Option<Vec<f64>>> {
    let path = folder.join("properties").join("gain_to_uV");
    if !path.join(".zarray").is_file() {
        return Ok(None);
    }
    let gains = Array::open(&path)?.numbers()?;
    Ok(gains.iter().all(|gain| gain.is_finite()).then_some(gains))
}
