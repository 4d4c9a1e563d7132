//! NumPy files (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>): written in C order,
//! little-endian, format 1.0; read whatever their type and order.

mod header;
mod npz;
mod read;
#[cfg(test)]
mod read_tests;
mod records;

pub use npz::Npz;
pub use read::{NpyArray, NpyValues, npy_shape, read_npy, read_npy_columns};
pub use records::{write_records, write_texts};

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};
use ndarray::{ArrayRef, Dimension};

/// Values that an `.npy` file can hold here.
pub trait NpyElement: Copy {
    /// NumPy's type code.
    const DESCR: &'static str;
    /// Appends the value's little-endian bytes.
    fn put(self, bytes: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($type:ty: $descr:literal),*) => {$(
        impl NpyElement for $type {
            const DESCR: &'static str = $descr;
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

numbers!(f64: "<f8", f32: "<f4", u64: "<u8", i64: "<i8", u32: "<u4", i32: "<i4", i16: "<i2");

impl NpyElement for bool {
    const DESCR: &'static str = "|b1";
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }
}

/// Writes an array of any dimension and memory layout; the file is in C order.
///
/// # Errors
/// I/O, with the path.
pub fn write_array<T: NpyElement, D: Dimension>(path: &Path, array: &ArrayRef<T, D>) -> Result<()> {
    write_values(path, array.shape(), array.iter().copied())
}

/// Writes values given in C order as an array of this shape; their number must be the product of the shape.
///
/// # Errors
/// I/O, with the path; a shape that does not hold the values.
pub fn write_slice<T: NpyElement>(path: &Path, shape: &[usize], values: &[T]) -> Result<()> {
    if shape.iter().product::<usize>() != values.len() {
        return Err(Error::input(format!(
            "{}: {} values do not fill an array of shape {shape:?}",
            path.display(),
            values.len()
        )));
    }
    write_values(path, shape, values.iter().copied())
}

fn write_values<T: NpyElement>(path: &Path, shape: &[usize], values: impl Iterator<Item = T>) -> Result<()> {
    let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&header(T::DESCR, &shape, 0))?;
        let mut bytes = Vec::with_capacity(1 << 16);
        for value in values {
            value.put(&mut bytes);
            if bytes.len() + 8 > bytes.capacity() {
                file.write_all(&bytes)?;
                bytes.clear();
            }
        }
        file.write_all(&bytes)?;
        file.flush()
    };
    write().map_err(|e| Error::io("write", path, e))
}

/// The header of an array, padded with spaces to a multiple of 64 bytes and to at least `least` bytes.
fn header(descr: &str, shape: &[u64], least: usize) -> Vec<u8> {
    header_of(&format!("'{descr}'"), shape, least)
}

/// As [`header`], of a type as Python writes it: a code in quotes, or a list of named ones.
fn header_of(descr: &str, shape: &[u64], least: usize) -> Vec<u8> {
    let entries: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // Python's tuple of one needs a comma.
    let comma = if shape.len() == 1 { "," } else { "" };
    let dict = format!(
        "{{'descr': {descr}, 'fortran_order': False, 'shape': ({}{comma}), }}",
        entries.join(", ")
    );
    let preamble = 10;
    let total = (preamble + dict.len() + 1).next_multiple_of(64).max(least);
    let padded = total - preamble;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(padded as u16).to_le_bytes());
    bytes.extend_from_slice(dict.as_bytes());
    bytes.resize(total - 1, b' ');
    bytes.push(b'\n');
    bytes
}

/// An array `[rows, row_shape...]` written row by row, when the number of rows is not known beforehand.
///
/// Until [`NpyStream::finish`] the header says 0 rows, so a file that was not finished reads as empty.
#[derive(Debug)]
pub struct NpyStream<T> {
    file: BufWriter<File>,
    path: PathBuf,
    row_shape: Vec<u64>,
    row_len: usize,
    header_len: usize,
    values: u64,
    bytes: Vec<u8>,
    element: PhantomData<T>,
}

impl<T: NpyElement> NpyStream<T> {
    /// Creates the file. `row_shape` is the shape of one row, empty for a one-dimensional array.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn create(path: &Path, row_shape: &[usize]) -> Result<Self> {
        let row_shape: Vec<u64> = row_shape.iter().map(|&n| n as u64).collect();
        let header_len = header(T::DESCR, &full_shape(u64::MAX, &row_shape), 0).len();
        let mut stream = Self {
            file: BufWriter::new(File::create(path).map_err(|e| Error::io("create", path, e))?),
            path: path.to_path_buf(),
            row_len: row_shape.iter().product::<u64>() as usize,
            row_shape,
            header_len,
            values: 0,
            bytes: Vec::new(),
            element: PhantomData,
        };
        stream.write_header(0)?;
        Ok(stream)
    }

    /// Appends values in C order; whole rows or parts of them.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn append(&mut self, values: &[T]) -> Result<()> {
        self.bytes.clear();
        for &value in values {
            value.put(&mut self.bytes);
        }
        self.values += values.len() as u64;
        let written = self.file.write_all(&self.bytes);
        written.map_err(|e| Error::io("write", &self.path, e))
    }

    /// Writes the number of rows into the header and returns it.
    ///
    /// # Errors
    /// I/O, with the path; an incomplete last row.
    pub fn finish(mut self) -> Result<u64> {
        let row_len = (self.row_len as u64).max(1);
        if !self.values.is_multiple_of(row_len) {
            return Err(Error::input(format!(
                "{}: {} values are not a whole number of rows of {row_len}",
                self.path.display(),
                self.values
            )));
        }
        let rows = self.values / row_len;
        self.write_header(rows)?;
        let flushed = self.file.flush();
        flushed.map_err(|e| Error::io("write", &self.path, e))?;
        Ok(rows)
    }

    fn write_header(&mut self, rows: u64) -> Result<()> {
        let bytes = header(T::DESCR, &full_shape(rows, &self.row_shape), self.header_len);
        let write = |file: &mut BufWriter<File>| -> io::Result<()> {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&bytes)
        };
        write(&mut self.file).map_err(|e| Error::io("write", &self.path, e))
    }
}

fn full_shape(rows: u64, row_shape: &[u64]) -> Vec<u64> {
    [&[rows], row_shape].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::{Array1, Array2, Array3, ArrayD, array};
    use ndarray_npy::read_npy;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn arrays_read_back_whatever_their_memory_layout() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.npy");
        let array = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| (100 * i + 10 * j + k) as f32);
        write_array(&path, &array).unwrap();
        assert_eq!(read_npy::<_, Array3<f32>>(&path).unwrap(), array);
        let turned = array.view().reversed_axes();
        write_array(&path, &turned).unwrap();
        assert_eq!(read_npy::<_, Array3<f32>>(&path).unwrap(), turned);
        write_array(&path, &Array2::<f64>::zeros((0, 5))).unwrap();
        assert_eq!(read_npy::<_, Array2<f64>>(&path).unwrap().shape(), [0, 5]);
        write_array(&path, &ndarray::arr0(3i64)).unwrap();
        assert_eq!(read_npy::<_, ArrayD<i64>>(&path).unwrap().shape(), [0usize; 0]);
    }

    #[test]
    fn every_type_reads_back() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.npy");
        macro_rules! round_trip {
            ($($type:ty: [$($value:expr),*]),*) => {$(
                write_slice(&path, &[2], &[$($value as $type),*]).unwrap();
                assert_eq!(read_npy::<_, Array1<$type>>(&path).unwrap(), array![$($value as $type),*]);
            )*};
        }
        round_trip!(f64: [-1.5, f64::MAX], f32: [0.1, f32::MIN], u64: [1, u64::MAX], i64: [i64::MIN, 2],
            u32: [3, u32::MAX], i32: [i32::MIN, 4], i16: [i16::MIN, 5]);
        write_slice(&path, &[2], &[true, false]).unwrap();
        assert_eq!(read_npy::<_, Array1<bool>>(&path).unwrap(), array![true, false]);
    }

    #[test]
    fn headers_align_the_data() {
        for dimensions in 0..20 {
            let bytes = header("<f4", &vec![1_000_000_007; dimensions], 0);
            assert!(bytes.len().is_multiple_of(64));
            assert_eq!(usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10, bytes.len());
            assert_eq!(bytes.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn a_stream_gets_its_row_count_at_the_end() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s.npy");
        let mut stream = NpyStream::<i32>::create(&path, &[2]).unwrap();
        stream.append(&[1, 2, 3]).unwrap();
        stream.append(&[4]).unwrap();
        assert_eq!(stream.finish().unwrap(), 2);
        assert_eq!(read_npy::<_, Array2<i32>>(&path).unwrap(), array![[1, 2], [3, 4]]);
        let empty = NpyStream::<f32>::create(&path, &[]).unwrap();
        assert_eq!(empty.finish().unwrap(), 0);
        assert_eq!(read_npy::<_, Array1<f32>>(&path).unwrap().len(), 0);
        let mut broken = NpyStream::<f32>::create(&path, &[3]).unwrap();
        broken.append(&[1.0]).unwrap();
        assert!(broken.finish().unwrap_err().to_string().contains("s.npy"));
    }

    #[test]
    fn errors_carry_the_path_and_shapes_are_checked() {
        let error = write_slice(Path::new("no/such/folder/x.npy"), &[1], &[1.0]).unwrap_err();
        assert!(error.to_string().contains("x.npy") && error.exit_code() == 3, "{error}");
        assert!(write_slice(Path::new("x.npy"), &[2], &[1.0]).is_err());
    }
}
