//! HDF5 files that hold recordings: opened with bounds, and a matrix of samples read in chunks.
//!
//! The file is read at positions, never mapped: a file that shrinks while it is read is an error, not a crash.

mod filters;
mod numbers;
mod samples;
pub(crate) mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferrosort_core::{Error, Result};
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, FileStorage, FilterRegistry, Hdf5File, OpenOptions};

use crate::binary::open_file;
use crate::regular::first_bytes;

pub(crate) use filters::registry;
pub(crate) use numbers::number;
pub(crate) use samples::{Layout, Samples};

/// Signature of HDF5 files.
const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// Largest chunk of a dataset that is unpacked, bytes.
const MAX_CHUNK_BYTES: usize = 256 << 20;

/// Most that one read may take, bytes.
const MAX_READ_BYTES: usize = 256 << 20;

/// Longest list of numbers or texts that describes channels.
const MAX_LIST: u64 = 1 << 24;

/// True when a file has the signature of HDF5 at its start.
pub(crate) fn is_hdf5(path: &Path) -> bool {
    first_bytes(path) == Some(*SIGNATURE)
}

/// An open file.
pub(crate) struct File {
    path: PathBuf,
    /// Bytes of the file: what it says about its content is held against them.
    size: u64,
    hdf5: Hdf5File,
}

impl File {
    /// Opens a file; `filters` unpack what HDF5's own filters do not.
    ///
    /// # Errors
    /// A missing file, or one that is not complete HDF5.
    pub(crate) fn open(path: &Path, filters: FilterRegistry) -> Result<Self> {
        let (file, size) = open_file(path)?;
        let options = OpenOptions {
            max_chunk_bytes: MAX_CHUNK_BYTES,
            max_read_bytes: MAX_READ_BYTES,
            filter_registry: Some(filters),
            ..OpenOptions::default()
        };
        let hdf5 = FileStorage::from_file(file)
            .and_then(|storage| Hdf5File::from_storage_with_options(Arc::new(storage), options))
            .map_err(|e| {
                Error::input(format!(
                    "{} cannot be read as an HDF5 file: {e}; the copy may be incomplete",
                    path.display()
                ))
            })?;
        let end = hdf5.superblock().eof_address;
        if end != u64::MAX && end > size {
            return Err(Error::input(format!(
                "{} has {size} bytes, but says that it ends at byte {end}; the copy is incomplete",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_path_buf(),
            size,
            hdf5,
        })
    }

    /// The group at the top.
    pub(crate) fn root(&self) -> Result<Group> {
        self.hdf5
            .root_group()
            .map_err(|e| self.failed("the top of the file", &e))
    }

    /// The group of this path; `None` when there is none.
    pub(crate) fn group(&self, path: &str) -> Option<Group> {
        self.hdf5.group(path).ok()
    }

    /// The dataset of this path; `None` when there is none.
    pub(crate) fn dataset(&self, path: &str) -> Option<Dataset> {
        self.hdf5.dataset(path).ok()
    }

    /// Bytes of the whole file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The numbers of a dataset, whatever their type, in order.
    ///
    /// # Errors
    /// Too many of them, another kind of value, or damaged bytes.
    pub(crate) fn numbers(&self, dataset: &Dataset) -> Result<Vec<f64>> {
        let what = dataset.name();
        if dataset.num_elements().map_err(|e| self.failed(what, &e))? > MAX_LIST {
            return Err(self.error(&format!("'{what}' is longer than any list of channels")));
        }
        let bytes = dataset.read_raw_bytes().map_err(|e| self.failed(what, &e))?;
        let width = dataset.raw_element_size().map_err(|e| self.failed(what, &e))?.max(1);
        bytes
            .chunks_exact(width)
            .map(|bytes| number(bytes, dataset.dtype()))
            .collect::<Option<_>>()
            .ok_or_else(|| self.error(&format!("'{what}' does not hold numbers")))
    }

    /// The texts of a dataset, in order.
    ///
    /// # Errors
    /// Too many of them, another kind of value, or damaged bytes.
    pub(crate) fn texts(&self, dataset: &Dataset) -> Result<Vec<String>> {
        let what = dataset.name();
        if dataset.num_elements().map_err(|e| self.failed(what, &e))? > MAX_LIST {
            return Err(self.error(&format!("'{what}' is longer than any list of channels")));
        }
        dataset.read_strings().map_err(|e| self.failed(what, &e))
    }

    /// An error about this file.
    pub(crate) fn error(&self, what: &str) -> Error {
        Error::input(format!("{}: {what}", self.path.display()))
    }

    /// What the reader says of a part of this file.
    pub(crate) fn failed(&self, what: &str, error: &hdf5_reader::error::Error) -> Error {
        Error::input(format!(
            "{}: '{what}' cannot be read: {error}; the copy may be incomplete",
            self.path.display()
        ))
    }
}
