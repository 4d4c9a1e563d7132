//! MATLAB v7.3 files: HDF5 behind a 512-byte header. Arrays are stored transposed, so that reading them in file order
//! gives MATLAB's column-major order; logicals are `uint8`.

use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};

use super::{MAX_DECODED_BYTES, Outcome, Storage, Value, Variable};

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
                value: value(&dataset, name)?,
            });
        }
    }
    Ok(variables)
}

pub(super) fn value(dataset: &Dataset, name: &str) -> Outcome<Value> {
    // MATLAB stores an empty array as its dimensions, with this mark.
    if dataset.attribute("MATLAB_empty").is_ok() {
        return Ok(Value::of_numbers(vec![0, 0], Vec::new()));
    }
    let (storage, big_endian) = storage(dataset.dtype()).ok_or_else(|| format!("variable '{name}' is not numeric"))?;
    let bytes = dataset
        .read_raw_bytes()
        .map_err(|e| format!("variable '{name}': {e}"))?;
    let shape = dataset.shape().iter().rev().map(|&n| n as usize).collect();
    Ok(Value::of_numbers(shape, storage.decode(&bytes, big_endian)))
}

pub(super) fn storage(datatype: &Datatype) -> Option<(Storage, bool)> {
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
