//! MATLAB v7.3 files: HDF5 behind a 512-byte header. Arrays are stored transposed, so that reading them in file order
//! gives MATLAB's column-major order; logicals are `uint8`, text is `uint16`, structures are groups.

use std::path::Path;

use ferrosort_core::{Error, Result};
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};
use ndarray::{Array2, Array3, ShapeBuilder};

use super::{MAX_DECODED_BYTES, Outcome, Storage, Variable};

/// Largest array read from a structure, bytes: a deflated one can claim any size.
const MAX_FIELD_BYTES: u64 = 8 << 30;
/// Bytes that one deflated byte can become, at most.
const MAX_RATIO: u64 = 1100;

/// True when an HDF5 signature stands at one of the places where it may.
pub(super) fn detect(bytes: &[u8]) -> bool {
    let signature = b"\x89HDF\r\n\x1a\n";
    [0, 512, 1024, 2048]
        .iter()
        .any(|&at| bytes.get(at..).is_some_and(|b| b.starts_with(signature)))
}

/// Reads the numeric datasets called `names` in the root group.
pub(super) fn read(bytes: &[u8], names: &[&str]) -> Outcome<Vec<Variable>> {
    let options = OpenOptions {
        max_chunk_bytes: MAX_DECODED_BYTES,
        max_read_bytes: MAX_DECODED_BYTES,
        ..OpenOptions::default()
    };
    let file = Hdf5File::from_vec_with_options(bytes.to_vec(), options).map_err(|e| e.to_string())?;
    let root = file.root_group().map_err(|e| e.to_string())?;
    let (_, present) = root.member_names().map_err(|e| e.to_string())?;
    let mut variables = Vec::new();
    for name in names {
        if present.iter().any(|p| p == name) {
            let dataset = root.dataset(name).map_err(|e| e.to_string())?;
            variables.push(Variable {
                name: (*name).to_owned(),
                values: values(&dataset, name)?,
            });
        }
    }
    Ok(variables)
}

/// A structure in a file, or the file itself seen as one: its fields are read when they are asked for.
pub(crate) struct Structure {
    group: Group,
    source: String,
}

/// An array of a structure with its shape in MATLAB, values in column-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
    pub(crate) is_text: bool,
}

impl Field {
    /// The text of a character array.
    pub(crate) fn text(&self) -> Option<String> {
        let units: Vec<u16> = self.values.iter().map(|&v| v as u16).collect();
        self.is_text.then(|| String::from_utf16_lossy(&units))
    }

    /// The values as a matrix, rows first as MATLAB shows it.
    pub(crate) fn matrix(self) -> Option<Array2<f64>> {
        let &[rows, columns] = self.shape.as_slice() else {
            return None;
        };
        Array2::from_shape_vec((rows, columns).f(), self.values).ok()
    }

    /// The values as a block of three axes; a matrix has a third axis of length 1.
    pub(crate) fn cube(self) -> Option<Array3<f32>> {
        let (a, b, c) = match *self.shape.as_slice() {
            [a, b] => (a, b, 1),
            [a, b, c] => (a, b, c),
            _ => return None,
        };
        let values = self.values.into_iter().map(|v| v as f32).collect();
        Array3::from_shape_vec((a, b, c).f(), values).ok()
    }
}

impl Structure {
    /// Opens a file as the structure of its variables.
    ///
    /// # Errors
    /// A missing file or one that is not HDF5.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let source = path.display().to_string();
        let bytes = std::fs::metadata(path)
            .map_err(|e| crate::binary::missing_or_io(path, "MATLAB file", e))?
            .len();
        let limit = bytes.saturating_mul(MAX_RATIO).min(MAX_FIELD_BYTES) as usize;
        let options = OpenOptions {
            max_chunk_bytes: limit.min(1 << 30),
            max_read_bytes: limit,
            ..OpenOptions::default()
        };
        let group = Hdf5File::open_with_options(path, options).and_then(|file| file.root_group());
        let group = group.map_err(|e| {
            Error::input(format!(
                "{source} cannot be read as a MATLAB file of version 7.3: {e}; save it again from MATLAB with save -v7.3"
            ))
        })?;
        Ok(Self { group, source })
    }

    /// Names of the fields that are arrays, as the file lists them.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        self.group
            .member_names()
            .map(|(_, arrays)| arrays)
            .map_err(|e| self.failed("its fields", &e))
    }

    /// The structure in this field, if it is one.
    pub(crate) fn structure(&self, name: &str) -> Result<Option<Self>> {
        let (groups, _) = self.group.member_names().map_err(|e| self.failed(name, &e))?;
        if !groups.iter().any(|group| group == name) {
            return Ok(None);
        }
        let group = self.group.group(name).map_err(|e| self.failed(name, &e))?;
        Ok(Some(Self {
            group,
            source: self.source.clone(),
        }))
    }

    /// The array in this field; `None` when there is none or it does not hold numbers or text.
    pub(crate) fn field(&self, name: &str) -> Result<Option<Field>> {
        if !self.names()?.iter().any(|field| field == name) {
            return Ok(None);
        }
        let dataset = self.group.dataset(name).map_err(|e| self.failed(name, &e))?;
        if storage(dataset.dtype()).is_none() {
            return Ok(None);
        }
        let values = values(&dataset, name).map_err(|e| self.failed(name, &e))?;
        let class = dataset.attribute("MATLAB_class").and_then(|class| class.read_string());
        let mut shape: Vec<usize> = dataset.shape().iter().rev().map(|&n| n as usize).collect();
        if values.is_empty() {
            shape = vec![0, 0];
        }
        if shape.iter().product::<usize>() != values.len() {
            return Err(self.failed(name, &"its size is not that of its values"));
        }
        Ok(Some(Field {
            shape,
            values,
            is_text: class.is_ok_and(|class| class.trim_end_matches('\0') == "char"),
        }))
    }

    fn failed(&self, name: &str, reason: &dyn std::fmt::Display) -> Error {
        Error::input(format!("{}: {name} cannot be read: {reason}", self.source))
    }
}

fn values(dataset: &Dataset, name: &str) -> Outcome<Vec<f64>> {
    // MATLAB stores an empty array as its dimensions, with this mark.
    if dataset.attribute("MATLAB_empty").is_ok() {
        return Ok(Vec::new());
    }
    let (storage, big_endian) = storage(dataset.dtype()).ok_or_else(|| format!("variable '{name}' is not numeric"))?;
    let bytes = dataset
        .read_raw_bytes()
        .map_err(|e| format!("variable '{name}': {e}"))?;
    Ok(storage.decode(&bytes, big_endian))
}

fn storage(datatype: &Datatype) -> Option<(Storage, bool)> {
    let big = |order: &hdf5_reader::error::ByteOrder| *order == hdf5_reader::error::ByteOrder::BigEndian;
    match datatype {
        Datatype::FixedPoint {
            size: size @ (1 | 2 | 4 | 8),
            signed,
            byte_order,
        } => {
            let size = usize::from(*size);
            let storage = if *signed {
                Storage::Signed(size)
            } else {
                Storage::Unsigned(size)
            };
            Some((storage, big(byte_order)))
        }
        Datatype::FloatingPoint {
            size: size @ (4 | 8),
            byte_order,
        } => Some((Storage::Float(usize::from(*size)), big(byte_order))),
        // h5py's booleans are an enumeration over int8.
        Datatype::Enum { base, .. } => storage(base),
        _ => None,
    }
}
