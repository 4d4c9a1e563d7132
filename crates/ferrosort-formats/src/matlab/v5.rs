//! MATLAB v5 to v7 files: a 128-byte header and tagged elements, possibly compressed (MAT-File Format, chapter 1).

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{MAX_DECODED_BYTES, Outcome, Storage, Variable};

const HEADER: usize = 128;
const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;

/// True when the header's byte-order mark is there.
pub(super) fn detect(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && matches!(&bytes[126..128], b"IM" | b"MI")
}

/// Reads all numeric, logical and character arrays.
pub(super) fn read(bytes: &[u8]) -> Outcome<Vec<Variable>> {
    let order = Order {
        big_endian: &bytes[126..128] == b"MI",
    };
    let mut variables = Vec::new();
    let mut budget = MAX_DECODED_BYTES;
    let mut rest = &bytes[HEADER..];
    while !rest.is_empty() {
        let element = order.element(rest)?;
        // A compressed element is followed by the next one without padding.
        rest = if element.kind == MI_COMPRESSED {
            &rest[8 + element.data.len()..]
        } else {
            element.rest
        };
        match element.kind {
            MI_COMPRESSED => {
                let unpacked = inflate(element.data, &mut budget)?;
                let inner = order.element(&unpacked)?;
                if inner.kind == MI_MATRIX {
                    variables.extend(order.matrix(inner.data)?);
                }
            }
            MI_MATRIX => variables.extend(order.matrix(element.data)?),
            _ => {}
        }
    }
    Ok(variables)
}

fn inflate(data: &[u8], budget: &mut usize) -> Outcome<Vec<u8>> {
    let mut unpacked = Vec::new();
    ZlibDecoder::new(data)
        .take(*budget as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|e| format!("a compressed variable is damaged ({e})"))?;
    *budget = budget
        .checked_sub(unpacked.len())
        .ok_or_else(|| format!("it unpacks to more than {} MiB", MAX_DECODED_BYTES >> 20))?;
    Ok(unpacked)
}

/// One tagged piece of data, and the bytes after its padding.
struct Element<'a> {
    kind: u32,
    data: &'a [u8],
    rest: &'a [u8],
}

/// Byte order of the file.
#[derive(Clone, Copy)]
struct Order {
    big_endian: bool,
}

impl Order {
    fn word(self, bytes: &[u8], at: usize) -> Outcome<u32> {
        let word = bytes
            .get(at..)
            .and_then(|b| b.first_chunk::<4>())
            .ok_or_else(|| "it ends in the middle of a variable".to_owned())?;
        Ok(if self.big_endian {
            u32::from_be_bytes(*word)
        } else {
            u32::from_le_bytes(*word)
        })
    }

    /// The element at the start of `bytes`, in its normal or its small form (up to 4 bytes inside the tag).
    fn element(self, bytes: &[u8]) -> Outcome<Element<'_>> {
        let cut = || "it ends in the middle of a variable".to_owned();
        let tag = self.word(bytes, 0)?;
        let small_len = (tag >> 16) as usize;
        if small_len > 0 {
            let data = bytes.get(4..8).and_then(|b| b.get(..small_len)).ok_or_else(cut)?;
            return Ok(Element {
                kind: tag & 0xffff,
                data,
                rest: &bytes[8..],
            });
        }
        let len = self.word(bytes, 4)? as usize;
        let data = bytes.get(8..).and_then(|b| b.get(..len)).ok_or_else(cut)?;
        let next = (8 + len).next_multiple_of(8).min(bytes.len());
        Ok(Element {
            kind: tag,
            data,
            rest: &bytes[next..],
        })
    }

    /// A matrix of numbers, logicals or characters; anything else is `None`.
    fn matrix(self, bytes: &[u8]) -> Outcome<Option<Variable>> {
        let flags = self.element(bytes)?;
        let class = self.word(flags.data, 0)? & 0xff;
        // 4 is char, 6 to 15 are double, single and the integers.
        if class != 4 && !(6..=15).contains(&class) {
            return Ok(None);
        }
        let dimensions = self.element(flags.rest)?;
        let name = self.element(dimensions.rest)?;
        let real = self.element(name.rest)?;
        let name = String::from_utf8_lossy(name.data).into_owned();
        let storage = storage(real.kind)
            .ok_or_else(|| format!("variable '{name}' is stored as the unknown data type {}", real.kind))?;
        let values = storage.decode(real.data, self.big_endian);
        let expected = Storage::Signed(4)
            .decode(dimensions.data, self.big_endian)
            .iter()
            .product::<f64>();
        if class != 4 && expected != values.len() as f64 {
            return Err(format!(
                "variable '{name}' should have {expected} values but has {}",
                values.len()
            ));
        }
        Ok(Some(Variable { name, values }))
    }
}

fn storage(kind: u32) -> Option<Storage> {
    Some(match kind {
        1 => Storage::Signed(1),
        2 | 16 => Storage::Unsigned(1),
        3 => Storage::Signed(2),
        4 | 17 => Storage::Unsigned(2),
        5 => Storage::Signed(4),
        6 | 18 => Storage::Unsigned(4),
        7 => Storage::Float(4),
        9 => Storage::Float(8),
        12 => Storage::Signed(8),
        13 => Storage::Unsigned(8),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `a = [1 300]` stored as uint16 in a double array, big-endian, with small elements for name and data.
    fn big_endian_file() -> Vec<u8> {
        let mut bytes = vec![b' '; 124];
        bytes.extend([1, 0, b'M', b'I']);
        let words = [14u32, 48, 6, 8, 6, 0, 5, 8, 1, 2];
        bytes.extend(words.iter().flat_map(|w| w.to_be_bytes()));
        bytes.extend([0, 1, 0, 1, b'a', 0, 0, 0]);
        bytes.extend([0, 4, 0, 4, 0, 1, 1, 44]);
        bytes
    }

    #[test]
    fn small_elements_and_big_endian_read() {
        let bytes = big_endian_file();
        assert!(detect(&bytes));
        let expected = Variable {
            name: "a".into(),
            values: vec![1.0, 300.0],
        };
        assert_eq!(read(&bytes).unwrap(), [expected]);
    }

    #[test]
    fn a_wrong_value_count_is_an_error() {
        let mut bytes = big_endian_file();
        let dims = HEADER + 8 + 16 + 8;
        bytes[dims + 7] = 3;
        assert_eq!(read(&bytes).unwrap_err(), "variable 'a' should have 3 values but has 2");
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut budget = 10;
        let mut packed = flate2::read::ZlibEncoder::new([0u8; 1000].as_slice(), flate2::Compression::best());
        let mut bytes = Vec::new();
        packed.read_to_end(&mut bytes).unwrap();
        assert!(inflate(&bytes, &mut budget).unwrap_err().contains("more than"));
    }
}
