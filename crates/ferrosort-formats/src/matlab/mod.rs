//! Variables of MATLAB `.mat` files: in from v4, v5 (also compressed) and v7.3 (HDF5), out as v5.
//!
//! What comes back are numbers (as `f64` in column-major order, whatever class and storage the file uses) and, from v5
//! files, structure arrays. Cells, objects and sparse matrices are skipped.

mod structure;
mod v4;
mod v5;
mod v73;
mod value;
mod write;

use std::path::Path;

use ferrosort_core::{Error, Result};

use crate::regular::read_regular;

pub(crate) use structure::Structure;
pub use value::{Numbers, Structs, Value};
pub use write::{MatData, MatVariable, write_mat};

/// Largest amount of decoded data accepted from one file, bytes. A channel map is a few kilobytes, a library of
/// waveforms a few megabytes.
const MAX_DECODED_BYTES: usize = 64 << 20;
/// Largest file read, bytes: the times of a hundred million spikes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// A named array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variable {
    /// Name in MATLAB's workspace.
    name: String,
    value: Value,
}

/// The variables of a `.mat` file.
#[derive(Debug, Clone, Default)]
pub struct MatFile {
    variables: Vec<Variable>,
    /// The file, in messages.
    source: String,
}

impl MatFile {
    /// Reads the variables called `names` (v7.3) or all of them (v4, v5).
    ///
    /// # Errors
    /// A missing or unreadable file, one that is no `.mat` file, or one that unpacks to more than 64 MiB.
    pub fn open(path: &Path, names: &[&str]) -> Result<Self> {
        let bytes = read_regular(path, "MATLAB file", MAX_FILE_BYTES)?;
        Self::parse(&bytes, names, &path.display().to_string())
    }

    /// Reads the bytes of a file; `source` names it in messages.
    pub(crate) fn parse(bytes: &[u8], names: &[&str], source: &str) -> Result<Self> {
        let read = if v73::detect(bytes) {
            v73::read(bytes, names)
        } else if v5::detect(bytes) {
            v5::read(bytes)
        } else {
            v4::read(bytes)
        };
        let variables = read.map_err(|reason| {
            Error::input(format!(
                "{source} cannot be read as a MATLAB file: {reason}; save it again from MATLAB (save -v7) or SciPy"
            ))
        })?;
        Ok(Self {
            variables,
            source: source.to_owned(),
        })
    }

    /// The variable of this name; the last one when a name is repeated.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.variables.iter().rev().find(|v| v.name == name)?;
        Some(&found.value)
    }

    /// The variable of this name if it holds numbers.
    pub fn get_numbers(&self, name: &str) -> Option<&Numbers> {
        self.get(name)?.as_numbers()
    }

    /// The variable of this name, which must hold numbers.
    ///
    /// # Errors
    /// It is missing or holds something else.
    pub fn numbers(&self, name: &str) -> Result<&Numbers> {
        self.get_numbers(name).ok_or_else(|| self.lacks(name, "numbers"))
    }

    /// The variable of this name, which must be a structure array.
    ///
    /// # Errors
    /// It is missing or holds something else.
    pub fn structs(&self, name: &str) -> Result<&Structs> {
        self.get(name)
            .and_then(Value::as_structs)
            .ok_or_else(|| self.lacks(name, "a structure array"))
    }

    fn lacks(&self, name: &str, what: &str) -> Error {
        let names: Vec<&str> = self.names().collect();
        Error::input(format!(
            "{} has no variable '{name}' with {what} (it has: {}); check that it is the right file",
            self.source,
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        ))
    }

    /// Names in file order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|v| v.name.as_str())
    }
}

/// Why a file could not be read; wrapped into one sentence by [`MatFile`].
type Outcome<T> = std::result::Result<T, String>;

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    Signed(usize),
    Unsigned(usize),
    Float(usize),
}

impl Storage {
    fn bytes(self) -> usize {
        match self {
            Self::Signed(n) | Self::Unsigned(n) | Self::Float(n) => n,
        }
    }

    /// Decodes packed numbers of 1, 2, 4 or 8 bytes; an incomplete last one is left out.
    fn decode(self, bytes: &[u8], big_endian: bool) -> Vec<f64> {
        bytes
            .chunks_exact(self.bytes())
            .map(|chunk| {
                let mut word = [0u8; 8];
                for (i, &b) in chunk.iter().enumerate() {
                    word[if big_endian { chunk.len() - 1 - i } else { i }] = b;
                }
                let bits = u64::from_le_bytes(word);
                match self {
                    Self::Unsigned(_) => bits as f64,
                    Self::Signed(n) => {
                        let shift = 64 - 8 * n as u32;
                        ((bits << shift) as i64 >> shift) as f64
                    }
                    Self::Float(4) => f64::from(f32::from_bits(bits as u32)),
                    Self::Float(_) => f64::from_bits(bits),
                }
            })
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn storage_decodes_both_byte_orders_and_signs() {
        assert_eq!(Storage::Signed(1).decode(&[0xff, 0x7f], false), [-1.0, 127.0]);
        assert_eq!(Storage::Signed(2).decode(&[0xff, 0xfe], true), [-2.0]);
        assert_eq!(Storage::Unsigned(4).decode(&[1, 0, 0, 0x80, 9], false), [2147483649.0]);
        assert_eq!(Storage::Float(4).decode(&0.5f32.to_be_bytes(), true), [0.5]);
        assert_eq!(Storage::Float(8).decode(&(-2.5f64).to_le_bytes(), false), [-2.5]);
        assert_eq!(Storage::Signed(8).decode(&(-3i64).to_le_bytes(), false), [-3.0]);
    }

    /// Changing, cutting or extending a valid file never panics.
    fn damage(original: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
        let changes = prop::collection::vec((0..original.len(), any::<u8>()), 0..6);
        (changes, 0..=original.len(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(
            move |(changes, keep, extra)| {
                let mut bytes = original.to_vec();
                for (at, value) in changes {
                    bytes[at] = value;
                }
                bytes.truncate(keep);
                bytes.extend(extra);
                bytes
            },
        )
    }

    macro_rules! never_panics {
        ($($name:ident: $file:literal),*) => {
            proptest! {
                #![proptest_config(ProptestConfig::with_cases(512))]
                $(#[test]
                fn $name(bytes in damage(include_bytes!(concat!("../../tests/data/", $file)))) {
                    let _ = MatFile::parse(&bytes, &["chanMap", "xcoords", "connected"], "damaged");
                })*
            }
        };
    }

    never_panics!(damaged_v4: "chanmap/v4.mat", damaged_v5: "chanmap/v5.mat", damaged_compressed: "chanmap/v5_compressed.mat",
        damaged_v73: "chanmap/v73.mat", damaged_structs: "structs.mat");
}
