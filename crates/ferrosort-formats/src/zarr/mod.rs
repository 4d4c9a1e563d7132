//! Arrays of Zarr, version 2, on a disk (<https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html>).
//!
//! A folder with `.zarray` and one file a chunk. Only what recordings need: lists and matrices of numbers, chunks without
//! filters, plain or packed by Blosc, zlib, gzip, zstd or lz4.

mod blosc;
mod codec;
mod shuffle;

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::binary::MAX_CHANNELS;
use crate::text::read_text;
use codec::Codec;

pub(crate) use blosc::unpack_at_most as unpack_blosc;
pub(crate) use codec::zstd_at_most as unpack_zstd;

/// Largest unpacked chunk, bytes.
const MAX_CHUNK_BYTES: u64 = 1 << 30;

/// Most chunks of an array along time.
const MAX_CHUNKS: u64 = 1 << 24;

/// Largest file of a chunk, bytes: an unpacked chunk and what packing may add.
const MAX_FILE_BYTES: u64 = MAX_CHUNK_BYTES + (1 << 20);

/// `.zarray` as it is.
#[derive(Deserialize)]
struct Meta {
    zarr_format: u64,
    shape: Vec<u64>,
    chunks: Vec<u64>,
    dtype: String,
    compressor: Option<Value>,
    filters: Option<Vec<Value>>,
    order: String,
    #[serde(default = "dot")]
    dimension_separator: String,
}

fn dot() -> String {
    ".".to_owned()
}

/// A list or matrix. A list is a matrix with one column.
pub(crate) struct Array {
    folder: PathBuf,
    rows: u64,
    columns: usize,
    chunk_rows: u64,
    chunk_columns: usize,
    dtype: String,
    width: usize,
    codec: Codec,
    /// Chunks hold column after column.
    by_column: bool,
    is_list: bool,
    separator: String,
}

impl Array {
    /// Reads the description of an array.
    ///
    /// # Errors
    /// A missing or malformed `.zarray`, or something in it that is not read.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(".zarray");
        let wrong = |what: &str| Error::input(format!("{}: {what}", path.display()));
        let meta: Meta = serde_json::from_str(&read_text(&path, "description of a Zarr array")?)
            .map_err(|e| wrong(&format!("it cannot be understood: {e}")))?;
        if meta.zarr_format != 2 || meta.filters.as_ref().is_some_and(|filters| !filters.is_empty()) {
            return Err(wrong(
                "only Zarr version 2 without filters is read; save the recording again without them",
            ));
        }
        let ((rows, columns), (chunk_rows, chunk_columns)) = match (meta.shape.as_slice(), meta.chunks.as_slice()) {
            (&[rows], &[chunk]) => ((rows, 1), (chunk, 1)),
            (&[rows, columns], &[a, b]) => ((rows, columns), (a, b)),
            _ => return Err(wrong("it is neither a list nor a matrix of samples and channels")),
        };
        let width =
            width(&meta.dtype).ok_or_else(|| wrong(&format!("numbers of type '{}' are not read", meta.dtype)))?;
        let bytes = chunk_rows.saturating_mul(chunk_columns).saturating_mul(width as u64);
        if bytes == 0 || bytes > MAX_CHUNK_BYTES || columns > MAX_CHANNELS as u64 {
            return Err(wrong(&format!(
                "chunks of {chunk_rows} x {chunk_columns} values are empty or too large"
            )));
        }
        let unpacked = rows
            .min(chunk_rows)
            .saturating_mul(columns)
            .saturating_mul(width as u64);
        if rows.div_ceil(chunk_rows) > MAX_CHUNKS || unpacked > MAX_CHUNK_BYTES {
            return Err(wrong(&format!(
                "it claims {rows} samples of {columns} channels, more than there can be"
            )));
        }
        let by_column = match meta.order.as_str() {
            "C" => false,
            "F" => true,
            other => return Err(wrong(&format!("order is '{other}', not C or F"))),
        };
        let codec = Codec::from_json(meta.compressor.as_ref()).map_err(|what| wrong(&what))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            rows,
            columns: columns as usize,
            chunk_rows,
            chunk_columns: chunk_columns as usize,
            dtype: meta.dtype,
            width,
            codec,
            by_column,
            is_list: meta.shape.len() == 1,
            separator: meta.dimension_separator,
        })
    }

    /// Rows.
    pub(crate) fn n_rows(&self) -> u64 {
        self.rows
    }

    /// Columns.
    pub(crate) fn n_columns(&self) -> usize {
        self.columns
    }

    /// NumPy's name of the type.
    pub(crate) fn dtype(&self) -> &str {
        &self.dtype
    }

    /// Chunks along the rows.
    pub(crate) fn n_row_chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk_rows) as usize
    }

    /// First row after a chunk.
    pub(crate) fn end_of(&self, chunk: usize) -> u64 {
        ((chunk as u64 + 1) * self.chunk_rows).min(self.rows)
    }

    /// The rows of a chunk with all columns: `[rows, columns]` in the bytes of the type.
    ///
    /// # Errors
    /// I/O, or a chunk that cannot be unpacked.
    pub(crate) fn rows(&self, chunk: usize) -> Result<Vec<u8>> {
        let rows = self.end_of(chunk).saturating_sub(chunk as u64 * self.chunk_rows) as usize;
        let row_bytes = self.columns * self.width;
        let mut out = vec![0; rows * row_bytes];
        for (index, first) in (0..self.columns).step_by(self.chunk_columns).enumerate() {
            // Chunks that were never written hold zeros.
            let Some(bytes) = self.chunk(chunk, index)? else {
                continue;
            };
            if !self.by_column && self.chunk_columns == self.columns {
                out.copy_from_slice(bytes.get(..rows * row_bytes).unwrap_or_default());
            } else {
                self.place(&bytes, first, &mut out);
            }
        }
        Ok(out)
    }

    /// Copies the values of a chunk of some columns to their places in whole rows.
    fn place(&self, bytes: &[u8], first: usize, out: &mut [u8]) {
        let columns = self.chunk_columns.min(self.columns - first);
        let (row_step, column_step) = if self.by_column {
            (1, self.chunk_rows as usize)
        } else {
            (self.chunk_columns, 1)
        };
        for (row, out_row) in out.chunks_exact_mut(self.columns * self.width).enumerate() {
            let slots = out_row.chunks_exact_mut(self.width).skip(first).take(columns);
            for (column, slot) in slots.enumerate() {
                let at = (row * row_step + column * column_step) * self.width;
                if let Some(value) = bytes.get(at..at + self.width) {
                    slot.copy_from_slice(value);
                }
            }
        }
    }

    /// The unpacked bytes of a chunk; `None` when it was never written.
    fn chunk(&self, row: usize, column: usize) -> Result<Option<Vec<u8>>> {
        let name = if self.is_list {
            row.to_string()
        } else {
            format!("{row}{}{column}", self.separator)
        };
        let path = self.folder.join(name);
        let size = match std::fs::metadata(&path) {
            Ok(meta) => meta.len(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("read", path, e)),
        };
        if size > MAX_FILE_BYTES {
            return Err(Error::input(format!(
                "{} is larger than a chunk can be",
                path.display()
            )));
        }
        let packed = std::fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
        let expected = self.chunk_rows as usize * self.chunk_columns * self.width;
        self.codec.unpack(packed, expected).map(Some).ok_or_else(|| {
            Error::input(format!(
                "{} cannot be unpacked by {}; the file is damaged, so copy it again",
                path.display(),
                self.codec.name()
            ))
        })
    }

    /// All values of a short list of numbers.
    ///
    /// # Errors
    /// Another type or shape, and what [`Array::rows`] refuses.
    pub(crate) fn numbers(&self) -> Result<Vec<f64>> {
        let wrong = || Error::input(format!("{} is not a short list of numbers", self.folder.display()));
        if self.columns != 1 || self.rows > 1 << 20 {
            return Err(wrong());
        }
        let mut values = Vec::new();
        for chunk in 0..self.n_row_chunks() {
            let bytes = self.rows(chunk)?;
            let (fours, eights) = (bytes.as_chunks::<4>().0, bytes.as_chunks::<8>().0);
            match self.dtype.as_str() {
                "<f4" => values.extend(fours.iter().map(|&b| f64::from(f32::from_le_bytes(b)))),
                "<f8" => values.extend(eights.iter().map(|&b| f64::from_le_bytes(b))),
                "<i4" => values.extend(fours.iter().map(|&b| f64::from(i32::from_le_bytes(b)))),
                "<i8" => values.extend(eights.iter().map(|&b| i64::from_le_bytes(b) as f64)),
                _ => return Err(wrong()),
            }
        }
        Ok(values)
    }
}

/// Bytes of a number of this type: `<i2`, `|u1`.
fn width(dtype: &str) -> Option<usize> {
    let kind = dtype.strip_prefix(['<', '|'])?;
    let number = kind.strip_prefix(['i', 'u', 'f'])?;
    number.parse().ok().filter(|width| [1, 2, 4, 8].contains(width))
}

#[cfg(test)]
mod tests;
