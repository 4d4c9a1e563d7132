//! Numeric variables of MATLAB `.mat` files: v4, v5 (also compressed) and v7.3 (HDF5).
//!
//! Only what channel maps need: real numbers, logicals and characters come back as `f64` in column-major order,
//! whatever class and storage the file uses. Cells, structures and objects are skipped.

mod v4;
mod v5;
mod v73;

use ferrosort_core::{Error, Result};

pub(crate) use v73::{Field, Structure};

/// Largest amount of decoded data accepted from one file, bytes. A channel map is a few kilobytes.
const MAX_DECODED_BYTES: usize = 64 << 20;

/// A named numeric array, flattened in column-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variable {
    /// Name in MATLAB's workspace.
    pub(crate) name: String,
    /// Values, as MATLAB's doubles.
    pub(crate) values: Vec<f64>,
}

/// The variables of a `.mat` file that hold numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(Vec<Variable>);

impl Variables {
    /// Values of the variable of this name; the last one when a name is repeated.
    pub(crate) fn get(&self, name: &str) -> Option<&[f64]> {
        let found = self.0.iter().rev().find(|v| v.name == name)?;
        Some(&found.values)
    }

    /// Names in file order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|v| v.name.as_str())
    }
}

/// Reads the numeric variables called `names` (v7.3) or all of them (v4, v5). `source` names the file in messages.
///
/// # Errors
/// Not a `.mat` file, a damaged one, or one that unpacks to more than 64 MiB.
pub(crate) fn read_variables(bytes: &[u8], names: &[&str], source: &str) -> Result<Variables> {
    let read = if v73::detect(bytes) {
        v73::read(bytes, names)
    } else if v5::detect(bytes) {
        v5::read(bytes)
    } else {
        v4::read(bytes)
    };
    read.map(Variables).map_err(|reason| {
        Error::input(format!(
            "{source} cannot be read as a MATLAB file: {reason}; save it again from MATLAB (save -v7) or SciPy"
        ))
    })
}

/// Why a file could not be read; wrapped into one sentence by [`read_variables`].
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
                fn $name(bytes in damage(include_bytes!(concat!("../../tests/data/chanmap/", $file)))) {
                    let _ = read_variables(&bytes, &["chanMap", "xcoords", "connected"], "damaged");
                })*
            }
        };
    }

    never_panics!(damaged_v4: "v4.mat", damaged_v5: "v5.mat", damaged_compressed: "v5_compressed.mat", damaged_v73: "v73.mat");
}
