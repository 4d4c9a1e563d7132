//! Reading `.npy` files of any number or text type into one of four kinds of values.
//!
//! Written here rather than taken from a crate because the readers of results do not know the type beforehand: the
//! same array is `int32`, `uint64` or `float64`, in C or Fortran order, depending on who wrote it.

use std::io::{BufReader, Read};
use std::path::Path;

use ferrosort_core::{Error, Result};
use ndarray::{Array2, Array3, ArrayD, IxDyn, ShapeBuilder};

use super::header::{self, Field, Header, Outcome, Scalar};
use crate::regular::open_regular;

/// Bytes decoded at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Longest axis of an array without values: nothing in the file bounds it, and readers go through rows.
const MAX_EMPTY: usize = 1 << 20;

/// Values of an array, in C order.
#[derive(Debug, Clone, PartialEq)]
pub enum NpyValues {
    /// Booleans (0 and 1) and integers. Unsigned ones beyond the range of `i64` become its largest value.
    Integers(Vec<i64>),
    /// `float16` and `float32`.
    Singles(Vec<f32>),
    /// `float64`.
    Doubles(Vec<f64>),
    /// Unicode and byte strings.
    Texts(Vec<String>),
}

/// An array as it lies in an `.npy` file.
#[derive(Debug, Clone, PartialEq)]
pub struct NpyArray {
    /// Sizes of its axes; empty for a single value.
    pub shape: Vec<usize>,
    /// Its values in C order, whatever order the file has.
    pub values: NpyValues,
}

impl NpyArray {
    /// Number of values.
    pub fn len(&self) -> usize {
        match &self.values {
            NpyValues::Integers(values) => values.len(),
            NpyValues::Singles(values) => values.len(),
            NpyValues::Doubles(values) => values.len(),
            NpyValues::Texts(values) => values.len(),
        }
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The array without its axes of length 1.
    pub fn squeezed(mut self) -> Self {
        self.shape.retain(|&size| size != 1);
        self
    }

    /// All values as integers; `None` for text and for numbers that are not whole.
    pub fn into_i64(self) -> Option<Vec<i64>> {
        let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
        match self.values {
            NpyValues::Integers(values) => Some(values),
            NpyValues::Singles(values) => values.into_iter().map(|v| whole(f64::from(v))).collect(),
            NpyValues::Doubles(values) => values.into_iter().map(whole).collect(),
            NpyValues::Texts(_) => None,
        }
    }

    /// All values as `f32`; `None` for text.
    pub fn into_f32(self) -> Option<Vec<f32>> {
        match self.values {
            NpyValues::Integers(values) => Some(values.into_iter().map(|v| v as f32).collect()),
            NpyValues::Singles(values) => Some(values),
            NpyValues::Doubles(values) => Some(values.into_iter().map(|v| v as f32).collect()),
            NpyValues::Texts(_) => None,
        }
    }

    /// All values as `f64`; `None` for text.
    pub fn into_f64(self) -> Option<Vec<f64>> {
        match self.values {
            NpyValues::Integers(values) => Some(values.into_iter().map(|v| v as f64).collect()),
            NpyValues::Singles(values) => Some(values.into_iter().map(f64::from).collect()),
            NpyValues::Doubles(values) => Some(values),
            NpyValues::Texts(_) => None,
        }
    }

    /// All values as text; whole numbers without a decimal point.
    pub fn into_texts(self) -> Vec<String> {
        match self.values {
            NpyValues::Integers(values) => values.iter().map(ToString::to_string).collect(),
            NpyValues::Singles(values) => values.iter().map(ToString::to_string).collect(),
            NpyValues::Doubles(values) => values.iter().map(ToString::to_string).collect(),
            NpyValues::Texts(values) => values,
        }
    }

    /// The array as a matrix; `None` when it has another number of axes, or text.
    pub fn into_matrix(self) -> Option<Array2<f64>> {
        let &[rows, columns] = self.shape.as_slice() else {
            return None;
        };
        Array2::from_shape_vec((rows, columns), self.into_f64()?).ok()
    }

    /// The array as a block of `f32` with three axes; `None` when it has another number of axes, or text.
    pub fn into_cube(self) -> Option<Array3<f32>> {
        let &[a, b, c] = self.shape.as_slice() else {
            return None;
        };
        Array3::from_shape_vec((a, b, c), self.into_f32()?).ok()
    }
}

/// Reads an array of numbers, booleans or text of any size, byte order and memory order.
///
/// # Errors
/// A missing file; one that is no NumPy file, holds less than its header claims, holds Python objects or has several
/// columns (see [`read_npy_columns`]).
pub fn read_npy(path: &Path) -> Result<NpyArray> {
    single(read_file(path)?).map_err(|reason| unreadable(path, &reason))
}

/// Reads the columns of a structured array, with their names; an ordinary array is one column without a name.
///
/// # Errors
/// As [`read_npy`]; columns that hold several values in each row.
pub fn read_npy_columns(path: &Path) -> Result<Vec<(String, NpyArray)>> {
    read_file(path)
}

/// Type (NumPy's code) and shape of a `.npy` file; `None` when its header cannot be read.
pub fn npy_shape(path: &Path) -> Option<(String, Vec<usize>)> {
    let mut file = std::io::BufReader::new(open_regular(path, "array").ok()?.0);
    let header = header::read(&mut file).ok()?;
    let dtype = match header.fields.as_slice() {
        [one] => one.scalar.code(),
        _ => "struct".to_owned(),
    };
    Some((dtype, header.shape))
}

pub(super) fn unreadable(path: &Path, reason: &str) -> Error {
    Error::input(format!("{} cannot be read: {reason}", path.display()))
}

fn read_file(path: &Path) -> Result<Vec<(String, NpyArray)>> {
    let (file, bytes) = open_regular(path, "array")?;
    let mut file = BufReader::new(file);
    read_columns(&mut file, bytes).map_err(|reason| unreadable(path, &reason))
}

/// The only column of an ordinary array.
pub(super) fn single(mut columns: Vec<(String, NpyArray)>) -> Outcome<NpyArray> {
    match columns.pop() {
        Some((name, array)) if name.is_empty() && columns.is_empty() => Ok(array),
        _ => Err("it is a table of several columns where plain values were expected".to_owned()),
    }
}

/// Reads an array from a stream that holds no more than `available` bytes.
pub(super) fn read_columns(file: &mut impl Read, available: u64) -> Outcome<Vec<(String, NpyArray)>> {
    let header = header::read(file)?;
    let claimed = (header.rows as u64)
        .checked_mul(header.row_bytes as u64)
        .filter(|&bytes| bytes <= available.saturating_sub(header.own_bytes));
    if claimed.is_none() {
        return Err(format!(
            "its header claims the shape {:?}, which is more than it holds; the copy may be incomplete",
            header.shape
        ));
    }
    if header.shape.contains(&0) && header.shape.iter().any(|&size| size > MAX_EMPTY) {
        return Err(format!(
            "its header claims the shape {:?}, which holds nothing; it is damaged",
            header.shape
        ));
    }
    let mut columns: Vec<NpyValues> = header.fields.iter().map(|field| empty(field.scalar)).collect();
    let rows_at_once = (CHUNK_BYTES / header.row_bytes.max(1)).max(1);
    let mut chunk = Vec::new();
    let mut left = if header.row_bytes == 0 { 0 } else { header.rows };
    while left > 0 {
        let rows = left.min(rows_at_once);
        chunk.resize(rows * header.row_bytes, 0);
        file.read_exact(&mut chunk)
            .map_err(|e| format!("it ends before the values its header claims ({e})"))?;
        for (field, column) in header.fields.iter().zip(&mut columns) {
            decode(&chunk, header.row_bytes, field, column);
        }
        left -= rows;
    }
    if header.row_bytes == 0 {
        fill_empty_texts(&header, &mut columns)?;
    }
    let names = header.fields.iter().map(|field| field.name.clone());
    Ok(names
        .zip(columns)
        .map(|(name, values)| {
            let values = if header.fortran_order {
                reordered(values, &header.shape)
            } else {
                values
            };
            let shape = header.shape.clone();
            (name, NpyArray { shape, values })
        })
        .collect())
}

/// Texts of no characters take no bytes, so the size of the file does not bound their number.
fn fill_empty_texts(header: &Header, columns: &mut [NpyValues]) -> Outcome<()> {
    if header.rows > CHUNK_BYTES {
        return Err("it claims to hold more than a million empty texts".to_owned());
    }
    for column in columns {
        if let NpyValues::Texts(texts) = column {
            texts.resize(header.rows, String::new());
        }
    }
    Ok(())
}

fn empty(scalar: Scalar) -> NpyValues {
    match scalar {
        Scalar::Bool | Scalar::Signed(_) | Scalar::Unsigned(_) => NpyValues::Integers(Vec::new()),
        Scalar::Float(8) => NpyValues::Doubles(Vec::new()),
        Scalar::Float(_) => NpyValues::Singles(Vec::new()),
        Scalar::Unicode(_) | Scalar::Bytes(_) => NpyValues::Texts(Vec::new()),
    }
}

/// Appends the values of one column in these rows.
fn decode(rows: &[u8], row_bytes: usize, field: &Field, column: &mut NpyValues) {
    let cells = rows
        .chunks_exact(row_bytes)
        .map(|row| &row[field.offset..field.offset + field.scalar.bytes()]);
    let big = field.big_endian;
    match column {
        NpyValues::Integers(values) => {
            let signed = matches!(field.scalar, Scalar::Signed(_));
            values.extend(cells.map(|cell| integer(cell, big, signed)));
        }
        NpyValues::Singles(values) if field.scalar == Scalar::Float(2) => {
            values.extend(cells.map(|cell| half(word(cell, big) as u16)));
        }
        NpyValues::Singles(values) => values.extend(cells.map(|cell| f32::from_bits(word(cell, big) as u32))),
        NpyValues::Doubles(values) => values.extend(cells.map(|cell| f64::from_bits(word(cell, big)))),
        NpyValues::Texts(values) => {
            let unicode = matches!(field.scalar, Scalar::Unicode(_));
            values.extend(cells.map(|cell| text(cell, big, unicode)));
        }
    }
}

/// Up to eight bytes as an unsigned number.
fn word(cell: &[u8], big_endian: bool) -> u64 {
    // The usual sizes without a loop: features are hundreds of millions of values.
    match *cell {
        [a, b, c, d] if big_endian => u64::from(u32::from_be_bytes([a, b, c, d])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] if !big_endian => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => {
            let place = |i: usize| if big_endian { cell.len() - 1 - i } else { i };
            (0..cell.len()).fold(0, |sum, i| sum | u64::from(cell[place(i)]) << (8 * i))
        }
    }
}

fn integer(cell: &[u8], big_endian: bool, signed: bool) -> i64 {
    let bits = word(cell, big_endian);
    if signed {
        let shift = 64 - 8 * cell.len() as u32;
        ((bits << shift) as i64) >> shift
    } else {
        i64::try_from(bits).unwrap_or(i64::MAX)
    }
}

/// A number of 16 bits: sign, 5 bits of exponent, 10 bits of fraction (IEEE 754).
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    match i32::from(bits >> 10 & 0x1f) {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// Text without the zeros at its end.
fn text(cell: &[u8], big_endian: bool, unicode: bool) -> String {
    if !unicode {
        let end = cell.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        return String::from_utf8_lossy(&cell[..end]).into_owned();
    }
    let characters = cell.chunks_exact(4).map(|c| word(c, big_endian) as u32);
    let text: String = characters
        .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.trim_end_matches('\0').to_owned()
}

/// Values in Fortran order, put into C order.
fn reordered(values: NpyValues, shape: &[usize]) -> NpyValues {
    if shape.len() < 2 {
        return values;
    }
    match values {
        NpyValues::Integers(values) => NpyValues::Integers(to_c_order(values, shape)),
        NpyValues::Singles(values) => NpyValues::Singles(to_c_order(values, shape)),
        NpyValues::Doubles(values) => NpyValues::Doubles(to_c_order(values, shape)),
        NpyValues::Texts(values) => NpyValues::Texts(to_c_order(values, shape)),
    }
}

fn to_c_order<T: Clone>(values: Vec<T>, shape: &[usize]) -> Vec<T> {
    match ArrayD::from_shape_vec(IxDyn(shape).f(), values) {
        Ok(array) => array.iter().cloned().collect(),
        // The caller decoded as many values as the shape has.
        Err(_) => Vec::new(),
    }
}
