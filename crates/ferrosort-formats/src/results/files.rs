//! Arrays and texts of a folder that may or may not be there.

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, ProcessedFile, Result, SortingRun};
use ndarray::{Array2, Array3};

use crate::npy::{NpyArray, read_npy};
use crate::regular::read_regular;

/// Longest text read, bytes: tables of a hundred thousand units, lists of every file of a run.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// Reads `name` in `folder`, if it is there.
pub(super) fn array(folder: &Path, name: &str) -> Result<Option<NpyArray>> {
    let path = folder.join(name);
    if path.is_file() {
        read_npy(&path).map(Some)
    } else {
        Ok(None)
    }
}

/// A column of whole numbers.
pub(super) fn integers(folder: &Path, name: &str) -> Result<Option<Vec<i64>>> {
    let Some(array) = array(folder, name)? else {
        return Ok(None);
    };
    array
        .into_i64()
        .map(Some)
        .ok_or_else(|| not(folder, name, "whole numbers"))
}

/// A column of numbers.
pub(super) fn singles(folder: &Path, name: &str) -> Result<Option<Vec<f32>>> {
    let Some(array) = array(folder, name)? else {
        return Ok(None);
    };
    array.into_f32().map(Some).ok_or_else(|| not(folder, name, "numbers"))
}

/// A column of numbers.
pub(super) fn doubles(folder: &Path, name: &str) -> Result<Option<Vec<f64>>> {
    let Some(array) = array(folder, name)? else {
        return Ok(None);
    };
    array.into_f64().map(Some).ok_or_else(|| not(folder, name, "numbers"))
}

/// A matrix of numbers.
pub(super) fn matrix(folder: &Path, name: &str) -> Result<Option<Array2<f64>>> {
    let Some(array) = array(folder, name)? else {
        return Ok(None);
    };
    array
        .into_matrix()
        .map(Some)
        .ok_or_else(|| not(folder, name, "a matrix of numbers"))
}

/// A block of numbers with three axes.
pub(super) fn cube(folder: &Path, name: &str) -> Result<Option<Array3<f32>>> {
    let Some(array) = array(folder, name)? else {
        return Ok(None);
    };
    array
        .into_cube()
        .map(Some)
        .ok_or_else(|| not(folder, name, "a block of numbers with three axes"))
}

/// The error of an array that is not what its name says.
pub(super) fn not(folder: &Path, name: &str, what: &str) -> Error {
    Error::input(format!("{} does not hold {what}", folder.join(name).display()))
}

/// A text, if it is there.
pub(super) fn text(path: &Path) -> Result<Option<String>> {
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = read_regular(path, "text of a result", MAX_TEXT_BYTES)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A JSON file, if it is there.
pub(super) fn json(path: &Path) -> Result<Option<serde_json::Value>> {
    let Some(text) = text(path)? else {
        return Ok(None);
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|e| Error::input(format!("{} is not valid JSON: {e}", path.display())))
}

/// Refuses columns of unequal length. `columns` are names and lengths.
pub(super) fn same_length(folder: &Path, columns: &[(&str, Option<usize>)]) -> Result<()> {
    let mut present = columns.iter().filter_map(|(name, len)| len.map(|len| (name, len)));
    let Some((first, expected)) = present.next() else {
        return Ok(());
    };
    match present.find(|&(_, len)| len != expected) {
        None => Ok(()),
        Some((name, len)) => Err(Error::input(format!(
            "{}: {name} has {len} entries but {first} has {expected}; the folder is damaged or mixes two sortings",
            folder.display()
        ))),
    }
}

/// The file as the processed data of a run whose intermediates are known: one batch for each place of the order.
pub(super) fn processed(path: PathBuf, run: &SortingRun) -> Option<ProcessedFile> {
    let bytes = std::fs::metadata(&path).ok()?.len();
    let n_channels = run.probe.as_ref()?.len();
    let batches = run.intermediates.order.as_ref().map_or(0, Vec::len);
    let values = batches.checked_mul(n_channels).filter(|&n| n > 0)? as u64;
    Some(ProcessedFile {
        path,
        n_channels,
        batch_samples: (bytes / 2 / values) as usize,
        first_samples: None,
        margin_samples: 0,
        layout: None,
    })
}
