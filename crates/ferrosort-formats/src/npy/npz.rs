//! Packs of arrays: `.npz` files, which are zip archives of `.npy` files, stored or deflated.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};
use zip::ZipArchive;

use super::read::{NpyArray, read_columns, single, unreadable};
use crate::regular::open_regular;

/// Largest array read from a pack, bytes unpacked: a compressed pack can claim any size.
const MAX_ARRAY_BYTES: u64 = 4 << 30;

/// An open `.npz` file.
#[derive(Debug)]
pub struct Npz {
    archive: ZipArchive<BufReader<File>>,
    path: PathBuf,
}

impl Npz {
    /// Opens a pack.
    ///
    /// # Errors
    /// A missing file or one that is no zip archive.
    pub fn open(path: &Path) -> Result<Self> {
        let (file, _) = open_regular(path, "pack of arrays")?;
        let archive = ZipArchive::new(BufReader::new(file))
            .map_err(|e| unreadable(path, &format!("it is not a NumPy pack ({e})")))?;
        Ok(Self {
            archive,
            path: path.to_path_buf(),
        })
    }

    /// Names of the arrays, sorted.
    pub fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().filter_map(|name| name.strip_suffix(".npy"));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names
    }

    /// The array of this name, or `None` when the pack has none.
    ///
    /// # Errors
    /// As [`read_npy`](super::read_npy); an array of more than 4 GiB.
    pub fn read(&mut self, name: &str) -> Result<Option<NpyArray>> {
        let failed = |reason: String| Error::input(format!("{}: array '{name}': {reason}", self.path.display()));
        let mut entry = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(zip::result::ZipError::FileNotFound) => return Ok(None),
            Err(e) => return Err(failed(e.to_string())),
        };
        if entry.size() > MAX_ARRAY_BYTES {
            return Err(failed("it is larger than 4 GiB".to_owned()));
        }
        let available = entry.size();
        let columns = read_columns(&mut (&mut entry).take(MAX_ARRAY_BYTES), available).map_err(failed)?;
        single(columns).map(Some).map_err(failed)
    }

    /// The array of this name.
    ///
    /// # Errors
    /// As [`Npz::read`]; no such array.
    pub fn require(&mut self, name: &str) -> Result<NpyArray> {
        self.read(name)?.ok_or_else(|| {
            Error::input(format!(
                "{} has no array '{name}' (it has: {})",
                self.path.display(),
                self.names().join(", ")
            ))
        })
    }
}
