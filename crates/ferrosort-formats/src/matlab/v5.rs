//! MATLAB v5 to v7 files: a 128-byte header and tagged elements, possibly compressed (MAT-File Format, chapter 1).

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{MAX_DECODED_BYTES, Numbers, Outcome, Storage, Structs, Value, Variable};

const HEADER: usize = 128;
const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;
const MI_UTF8: u32 = 16;
const CHAR: u32 = 4;
const STRUCT: u32 = 2;
/// Structures within structures are read to this depth.
const MAX_DEPTH: usize = 8;

/// True when the header's byte-order mark is there.
pub(super) fn detect(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && matches!(&bytes[126..128], b"IM" | b"MI")
}

/// Reads all numeric, logical, character and structure arrays.
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
                    variables.extend(order.matrix(inner.data, 0)?);
                }
            }
            MI_MATRIX => variables.extend(order.matrix(element.data, 0)?),
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

    /// A matrix of numbers, logicals, characters or structures; anything else is `None`.
    fn matrix(self, bytes: &[u8], depth: usize) -> Outcome<Option<Variable>> {
        let flags = self.element(bytes)?;
        let class = self.word(flags.data, 0)? & 0xff;
        // 6 to 15 are double, single and the integers.
        if class != CHAR && class != STRUCT && !(6..=15).contains(&class) {
            return Ok(None);
        }
        let dimensions = self.element(flags.rest)?;
        let shape: Vec<usize> = Storage::Signed(4)
            .decode(dimensions.data, self.big_endian)
            .iter()
            .map(|&n| n as usize)
            .collect();
        let name = self.element(dimensions.rest)?;
        let contents = name.rest;
        let name = String::from_utf8_lossy(name.data).into_owned();
        let value = if class == STRUCT {
            if depth == MAX_DEPTH {
                return Ok(None);
            }
            Value::Structs(self.structs(contents, &shape, depth)?)
        } else {
            Value::Numbers(self.numbers(contents, shape, class == CHAR, &name)?)
        };
        Ok(Some(Variable { name, value }))
    }

    fn numbers(self, bytes: &[u8], shape: Vec<usize>, is_text: bool, name: &str) -> Outcome<Numbers> {
        let real = self.element(bytes)?;
        let storage = storage(real.kind)
            .ok_or_else(|| format!("variable '{name}' is stored as the unknown data type {}", real.kind))?;
        let values = if is_text && real.kind == MI_UTF8 {
            let text = String::from_utf8_lossy(real.data);
            text.chars().map(|c| f64::from(c as u32)).collect()
        } else {
            storage.decode(real.data, self.big_endian)
        };
        let expected = shape.iter().map(|&n| n as f64).product::<f64>();
        if !is_text && expected != values.len() as f64 {
            return Err(format!(
                "variable '{name}' should have {expected} values but has {}",
                values.len()
            ));
        }
        Ok(Numbers { shape, values, is_text })
    }

    /// The length of a field's name, the names, then all fields of the first structure, of the second, and so on.
    fn structs(self, bytes: &[u8], shape: &[usize], depth: usize) -> Outcome<Structs> {
        let name_len = self.element(bytes)?;
        let names = self.element(name_len.rest)?;
        let name_len = self.word(name_len.data, 0)? as usize;
        if name_len == 0 {
            return Err("a structure has field names of no length".to_owned());
        }
        let fields: Vec<String> = (names.data.chunks_exact(name_len))
            .map(|name| String::from_utf8_lossy(name.split(|&b| b == 0).next().unwrap_or_default()).into_owned())
            .collect();
        let mut rest = names.rest;
        let n = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        // Every field has a tag of 8 bytes, which bounds what a damaged file can claim.
        let n = n
            .filter(|n| n.saturating_mul(8 * fields.len()) <= rest.len() && (!fields.is_empty() || *n <= 1))
            .ok_or_else(|| "it ends in the middle of a structure".to_owned())?;
        let mut elements = Vec::with_capacity(n);
        for _ in 0..n {
            let mut values = Vec::with_capacity(fields.len());
            for _ in &fields {
                let element = self.element(rest)?;
                rest = element.rest;
                values.push(self.field(&element, depth)?);
            }
            elements.push(values);
        }
        Ok(Structs { fields, elements })
    }

    fn field(self, element: &Element<'_>, depth: usize) -> Outcome<Option<Value>> {
        if element.kind != MI_MATRIX {
            return Ok(None);
        }
        if element.data.is_empty() {
            return Ok(Some(Value::of_numbers(vec![0, 0], Vec::new())));
        }
        Ok(self.matrix(element.data, depth + 1)?.map(|variable| variable.value))
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
            value: Value::of_numbers(vec![1, 2], vec![1.0, 300.0]),
        };
        assert_eq!(read(&bytes).unwrap(), [expected]);
    }

    /// `structs.mat` is made by `make_fixtures.py`.
    #[test]
    fn structure_arrays_of_any_class_and_order_read() {
        let file = include_bytes!("../../tests/data/structs.mat");
        let variables = read(file).unwrap();
        let units = variables.iter().find(|v| v.name == "units").unwrap();
        let units = units.value.as_structs().unwrap();
        assert_eq!(
            units.fields(),
            ["label", "xC", "waves", "note", "inner", "empty", "cell"]
        );
        assert_eq!(units.len(), 2);
        let values = |i, field| units.numbers(i, field).unwrap().values.clone();
        assert_eq!(units.numbers(1, "label").unwrap().scalar(), Some(300.0));
        assert_eq!(values(0, "xC"), [-24.0, 8.0]);
        // [[1, 2, 3], [4, 5, 6]] in column-major order.
        assert_eq!(values(0, "waves"), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(units.numbers(0, "waves").unwrap().shape, [2, 3]);
        assert_eq!(units.numbers(1, "note").unwrap().text().as_deref(), Some("µV"));
        let inner = units.get(1, "inner").and_then(Value::as_structs).unwrap();
        assert_eq!(inner.numbers(0, "a").unwrap().scalar(), Some(1.5));
        assert!(values(0, "empty").is_empty());
        assert_eq!(
            (units.get(0, "cell"), units.get(0, "other"), units.get(2, "label")),
            (None, None, None)
        );
    }

    #[test]
    fn a_structure_that_claims_more_than_the_file_holds_is_refused() {
        let order = Order { big_endian: false };
        let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        // The length of a name (2), one name 'a', no structures.
        let mut bytes = words(&[4 << 16 | 5, 2, 2 << 16 | 1]);
        bytes.extend([b'a', 0, 0, 0]);
        assert_eq!(order.structs(&bytes, &[1, 0], 0).unwrap().len(), 0);
        for shape in [[1, 1], [1 << 20, 1 << 20], [usize::MAX, 2]] {
            assert!(
                order
                    .structs(&bytes, &shape, 0)
                    .unwrap_err()
                    .contains("middle of a structure")
            );
        }
        bytes[4] = 0;
        assert!(order.structs(&bytes, &[1, 0], 0).unwrap_err().contains("no length"));
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
