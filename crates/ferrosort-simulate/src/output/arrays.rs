//! Arrays, tables and JSON of one folder.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};
use ndarray::{Array1, ArrayBase, Data, Dimension};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpyError, WriteNpyExt, WriteNpzError};
use serde_json::Value;

/// Writes arrays into a folder.
pub(super) struct Arrays<'a> {
    pub(super) folder: &'a Path,
}

impl Arrays<'_> {
    /// `NAME.npy` with these values.
    pub(super) fn column<T: WritableElement>(&self, name: &str, values: impl Iterator<Item = T>) -> Result<()> {
        self.array(name, &values.collect::<Array1<T>>())
    }

    /// `NAME.npy`.
    pub(super) fn array<S, D>(&self, name: &str, array: &ArrayBase<S, D>) -> Result<()>
    where
        S: Data<Elem: WritableElement>,
        D: Dimension,
    {
        let path = self.folder.join(format!("{name}.npy"));
        let mut file = create(&path)?;
        array.write_npy(&mut file).map_err(|e| match e {
            WriteNpyError::Io(source) => Error::io("write", &path, source),
            other => Error::io("write", &path, std::io::Error::other(other)),
        })?;
        file.flush().map_err(|e| Error::io("write", &path, e))
    }
}

/// Several arrays in one `.npz`.
pub(super) struct Npz {
    writer: NpzWriter<File>,
    path: PathBuf,
}

impl Npz {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|e| Error::io("create", path, e))?;
        Ok(Self {
            writer: NpzWriter::new(file),
            path: path.to_path_buf(),
        })
    }

    pub(super) fn add<S, D>(&mut self, name: &str, array: &ArrayBase<S, D>) -> Result<()>
    where
        S: Data<Elem: WritableElement>,
        D: Dimension,
    {
        self.writer.add_array(name, array).map_err(|e| fail(&self.path, e))
    }

    pub(super) fn finish(self) -> Result<()> {
        self.writer.finish().map_err(|e| fail(&self.path, e))?;
        Ok(())
    }
}

fn fail(path: &Path, error: WriteNpzError) -> Error {
    Error::io("write", path, std::io::Error::other(error))
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    File::create(path)
        .map(BufWriter::new)
        .map_err(|e| Error::io("create", path, e))
}

pub(super) fn write_json(path: &Path, value: &Value) -> Result<()> {
    write_text(path, &format!("{value:#}\n"))
}

pub(super) fn write_text(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Error::io("write", path, e))
}
