//! `.ch` files: how a `.cbin` file is divided and packed.

use std::path::Path;

use ferrosort_core::{Error, Result, SampleType};
use serde::Deserialize;

use crate::binary::parse_sample_type;
use crate::text::read_text;

/// Most bytes that one byte of a zlib stream can become.
const MAX_RATIO: u64 = 1032;

/// Bytes that any chunk may have, however short its stream.
const SMALL_BYTES: u64 = 1 << 16;

#[derive(Deserialize)]
struct Ch {
    #[serde(default = "zlib")]
    algorithm: String,
    #[serde(default = "yes")]
    do_time_diff: bool,
    #[serde(default)]
    do_spatial_diff: bool,
    dtype: String,
    n_channels: usize,
    sample_rate: f64,
    chunk_bounds: Vec<u64>,
    chunk_offsets: Vec<u64>,
    #[serde(default = "fortran")]
    chunk_order: String,
}

fn zlib() -> String {
    "zlib".to_owned()
}

fn yes() -> bool {
    true
}

fn fortran() -> String {
    "F".to_owned()
}

/// A checked `.ch` file.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) n_channels: usize,
    pub(super) sample_rate: f64,
    pub(super) sample_type: SampleType,
    /// First frame of each chunk, and the end.
    pub(super) chunk_bounds: Vec<u64>,
    /// First byte of each chunk, and the end.
    chunk_offsets: Vec<u64>,
    /// Samples are differences to the sample before.
    pub(super) time_diff: bool,
    /// Samples are differences to the channel before.
    pub(super) spatial_diff: bool,
    /// Channel after channel, else sample after sample.
    pub(super) by_channel: bool,
}

impl Description {
    /// Reads the description of a `.cbin` file of `size` bytes.
    pub(super) fn read(path: &Path, size: u64, cbin: &Path) -> Result<Self> {
        let wrong = |what: String| Error::input(format!("{}: {what}", path.display()));
        let text = read_text(path, "description of a .cbin file")?;
        let ch: Ch = serde_json::from_str(&text).map_err(|e| wrong(format!("it cannot be understood: {e}")))?;
        let sample_type = parse_sample_type(&ch.dtype).map_err(|e| wrong(e.to_string()))?;
        if sample_type == SampleType::Float32 || ch.algorithm != "zlib" {
            return Err(wrong(format!(
                "samples are {} packed by '{}'; only integers packed by zlib are read, so unpack the file with mtscomp",
                ch.dtype, ch.algorithm
            )));
        }
        let by_channel = match ch.chunk_order.as_str() {
            "F" => true,
            "C" => false,
            other => {
                return Err(wrong(format!(
                    "chunk_order is '{other}', not F or C; take the .ch that mtscomp wrote"
                )));
            }
        };
        let description = Self {
            n_channels: ch.n_channels,
            sample_rate: ch.sample_rate,
            sample_type,
            chunk_bounds: ch.chunk_bounds,
            chunk_offsets: ch.chunk_offsets,
            time_diff: ch.do_time_diff,
            spatial_diff: ch.do_spatial_diff,
            by_channel,
        };
        description.check().map_err(|what| wrong(what.to_owned()))?;
        match description.chunk_offsets.last() {
            Some(&end) if end <= size => Ok(description),
            end => Err(Error::input(format!(
                "{} has {size} bytes, but its .ch file says {}; copy it again",
                cbin.display(),
                end.copied().unwrap_or_default()
            ))),
        }
    }

    fn check(&self) -> std::result::Result<(), &'static str> {
        let rising = |list: &[u64]| list.len() > 1 && list.is_sorted_by(|a, b| a < b);
        if !rising(&self.chunk_bounds) || !rising(&self.chunk_offsets) || self.chunk_bounds.first() != Some(&0) {
            return Err("chunk_bounds and chunk_offsets do not rise; take the .ch that mtscomp wrote");
        }
        if self.chunk_bounds.len() != self.chunk_offsets.len() {
            return Err("chunk_bounds and chunk_offsets have different lengths; take the .ch that mtscomp wrote");
        }
        let frame = (self.n_channels as u64).saturating_mul(self.sample_type.bytes() as u64);
        let fits = |(bounds, offsets): (&[u64], &[u64])| match (bounds, offsets) {
            (&[first, end], &[from, to]) => {
                (end - first).saturating_mul(frame) <= SMALL_BYTES.max((to - from).saturating_mul(MAX_RATIO))
            }
            _ => false,
        };
        let mut pairs = self.chunk_bounds.windows(2).zip(self.chunk_offsets.windows(2));
        if self.n_channels > 0 && pairs.all(fits) {
            return Ok(());
        }
        Err("a chunk has more samples than its bytes can hold; take the .ch that mtscomp wrote")
    }

    /// First byte, bytes and frames of a chunk.
    pub(super) fn chunk(&self, chunk: usize) -> Option<(u64, usize, usize)> {
        let offset = *self.chunk_offsets.get(chunk)?;
        let frames = self.chunk_bounds.get(chunk + 1)? - self.chunk_bounds.get(chunk)?;
        let length = self.chunk_offsets.get(chunk + 1)? - offset;
        Some((offset, length as usize, frames as usize))
    }
}
