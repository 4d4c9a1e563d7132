//! MATLAB v5 files, not compressed (MAT-File Format, chapter 1): what MATLAB, Octave and SciPy read.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use ferrosort_core::{Error, Result};

const MI_INT8: u32 = 1;
const MI_UINT8: u32 = 2;
const MI_INT32: u32 = 5;
const MI_UINT32: u32 = 6;
const MI_DOUBLE: u32 = 9;
const MI_INT64: u32 = 12;
const MI_MATRIX: u32 = 14;
const MI_UTF16: u32 = 17;
/// Flag of a logical array in the word that holds the class.
const LOGICAL: u32 = 0x200;
/// Sizes are 32-bit numbers, signed in some readers.
const MAX_BYTES: usize = i32::MAX as usize;
/// Longest name of a variable.
const MAX_NAME: usize = 63;

/// Values of a variable, in column-major order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MatData<'a> {
    /// `double`.
    Double(&'a [f64]),
    /// `int64`.
    Int64(&'a [i64]),
    /// `logical`.
    Logical(&'a [bool]),
    /// `char`, one row.
    Text(&'a str),
}

/// A variable to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatVariable<'a> {
    /// Name in MATLAB's workspace: a letter, then letters, digits and underscores.
    pub name: &'a str,
    /// Rows and columns, `[1, length]` for text.
    pub shape: [usize; 2],
    /// As many values as the shape says.
    pub data: MatData<'a>,
}

impl<'a> MatVariable<'a> {
    /// A column of doubles.
    pub fn column(name: &'a str, values: &'a [f64]) -> Self {
        Self {
            name,
            shape: [values.len(), 1],
            data: MatData::Double(values),
        }
    }

    /// A column of `int64`.
    pub fn int64_column(name: &'a str, values: &'a [i64]) -> Self {
        Self {
            name,
            shape: [values.len(), 1],
            data: MatData::Int64(values),
        }
    }

    /// A column of logicals.
    pub fn logical_column(name: &'a str, values: &'a [bool]) -> Self {
        Self {
            name,
            shape: [values.len(), 1],
            data: MatData::Logical(values),
        }
    }

    /// One number.
    pub fn scalar(name: &'a str, value: &'a f64) -> Self {
        Self::column(name, std::slice::from_ref(value))
    }

    /// A row of characters.
    pub fn text(name: &'a str, text: &'a str) -> Self {
        Self {
            name,
            shape: [1, text.encode_utf16().count()],
            data: MatData::Text(text),
        }
    }

    fn len(&self) -> usize {
        match self.data {
            MatData::Double(values) => values.len(),
            MatData::Int64(values) => values.len(),
            MatData::Logical(values) => values.len(),
            MatData::Text(text) => text.encode_utf16().count(),
        }
    }

    /// The variable as an element of the file.
    fn element(&self) -> std::result::Result<Vec<u8>, String> {
        let mut letters = self.name.bytes();
        let name_is_valid = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
            && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && self.name.len() <= MAX_NAME;
        if !name_is_valid {
            return Err(format!("'{}' is not a name that MATLAB allows", self.name));
        }
        if self.shape[0].checked_mul(self.shape[1]) != Some(self.len()) || self.len() > MAX_BYTES / 8 - 64 {
            return Err(format!(
                "variable '{}' has {} values, not {} x {}, or more than the format can hold",
                self.name,
                self.len(),
                self.shape[0],
                self.shape[1]
            ));
        }
        let (class, kind, values) = match self.data {
            MatData::Double(values) => (6, MI_DOUBLE, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            MatData::Int64(values) => (14, MI_INT64, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            MatData::Logical(values) => (9 | LOGICAL, MI_UINT8, values.iter().map(|&v| u8::from(v)).collect()),
            MatData::Text(text) => (
                4,
                MI_UTF16,
                text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
            ),
        };
        let words = |words: [u32; 2]| words.map(u32::to_le_bytes).concat();
        let mut body = Vec::with_capacity(values.len() + 128);
        append(&mut body, MI_UINT32, &words([class, 0]));
        append(&mut body, MI_INT32, &words(self.shape.map(|n| n as u32)));
        append(&mut body, MI_INT8, self.name.as_bytes());
        append(&mut body, kind, &values);
        let mut element = Vec::with_capacity(body.len() + 8);
        append(&mut element, MI_MATRIX, &body);
        Ok(element)
    }
}

/// A tag, the data, and zeros up to a multiple of eight bytes.
fn append(out: &mut Vec<u8>, kind: u32, data: &[u8]) {
    out.extend(kind.to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out.resize(out.len().next_multiple_of(8), 0);
}

/// Writes variables in their order. The same variables give the same bytes: the header has no date.
///
/// # Errors
/// I/O; a name that MATLAB does not allow, a shape that does not fit its values, or more than 2 GiB in a variable.
pub fn write_mat(path: &Path, variables: &[MatVariable<'_>]) -> Result<()> {
    let fail = |e| Error::io("write", path, e);
    let mut file = BufWriter::new(File::create(path).map_err(|e| Error::io("create", path, e))?);
    let mut header = b"MATLAB 5.0 MAT-file, written by ferrosort".to_vec();
    header.resize(116, b' ');
    // No subsystem data; version 1 in little-endian order.
    header.extend([0; 8]);
    header.extend([0x00, 0x01, b'I', b'M']);
    file.write_all(&header).map_err(fail)?;
    for variable in variables {
        let element = variable
            .element()
            .map_err(|reason| Error::input(format!("{} cannot be written: {reason}", path.display())))?;
        file.write_all(&element).map_err(fail)?;
    }
    file.flush().map_err(fail)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::matlab::MatFile;

    #[test]
    fn what_is_written_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mat");
        let table = [1.0, 2.0, 3.0, -4.5, f64::INFINITY, 6.0];
        let variables = [
            MatVariable {
                name: "table",
                shape: [2, 3],
                data: MatData::Double(&table),
            },
            MatVariable::int64_column("gtRes", &[41, -7, 1 << 40]),
            MatVariable::logical_column("connected", &[true, false, true]),
            MatVariable::text("name", "64 µm"),
            MatVariable::scalar("fs", &30_000.0),
            MatVariable::column("none", &[]),
        ];
        write_mat(&path, &variables).unwrap();
        let file = MatFile::open(&path, &[]).unwrap();
        assert_eq!(file.names().count(), 6);
        let read = |name| file.numbers(name).unwrap();
        assert_eq!(
            (&read("table").values[..], &read("table").shape[..]),
            (&table[..], &[2, 3][..])
        );
        assert_eq!(read("gtRes").values, [41.0, -7.0, (1u64 << 40) as f64]);
        assert_eq!(read("connected").values, [1.0, 0.0, 1.0]);
        assert_eq!(read("name").text().unwrap(), "64 µm");
        assert_eq!(read("fs").scalar(), Some(30_000.0));
        assert!(read("none").values.is_empty());
        assert!(
            file.structs("fs")
                .unwrap_err()
                .to_string()
                .contains("has no variable 'fs' with a structure")
        );
    }

    #[test]
    fn bad_names_and_shapes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let long = "a".repeat(64);
        for name in ["", "1a", "a b", "µ", long.as_str()] {
            let error = write_mat(&dir.path().join("out.mat"), &[MatVariable::scalar(name, &1.0)]).unwrap_err();
            assert!(error.to_string().contains("not a name that MATLAB allows"));
        }
        let wrong = MatVariable {
            name: "a",
            shape: [2, 2],
            data: MatData::Int64(&[1, 2, 3]),
        };
        let error = write_mat(&dir.path().join("out.mat"), &[wrong]).unwrap_err();
        assert!(error.to_string().contains("has 3 values, not 2 x 2"));
    }
}
