//! Arrays of texts, and of records.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use ferrosort_core::{Error, Result};

use super::header_of;

/// Writes texts as an array of Unicode strings (`<U`) as long as the longest; NumPy reads it without pickle.
///
/// # Errors
/// I/O, with the path.
pub fn write_texts(path: &Path, texts: &[&str]) -> Result<()> {
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&header_of(&format!("'<U{longest}'"), &[texts.len() as u64], 0))?;
        for text in texts {
            let padded = text.chars().map(u32::from).chain(std::iter::repeat(0));
            for code in padded.take(longest) {
                file.write_all(&code.to_le_bytes())?;
            }
        }
        file.flush()
    };
    write().map_err(|e| Error::io("write", path, e))
}

/// Writes rows of whole numbers as a structured array, a field of type `<i8` for each name; `n_rows` are as many as there are rows.
///
/// # Errors
/// I/O, with the path.
pub fn write_records<const N: usize>(
    path: &Path,
    names: [&str; N],
    n_rows: usize,
    rows: impl Iterator<Item = [i64; N]>,
) -> Result<()> {
    let fields = names.map(|name| format!("('{name}', '<i8')")).join(", ");
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&header_of(&format!("[{fields}]"), &[n_rows as u64], 0))?;
        for value in rows.flatten() {
            file.write_all(&value.to_le_bytes())?;
        }
        file.flush()
    };
    write().map_err(|e| Error::io("write", path, e))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::npy::{read_npy, read_npy_columns};

    use super::*;

    #[test]
    fn texts_and_records_read_back() {
        let scratch = tempfile::TempDir::new().unwrap();
        let path = scratch.path().join("a.npy");
        write_texts(&path, &["good", "µV", ""]).unwrap();
        assert_eq!(read_npy(&path).unwrap().into_texts(), ["good", "µV", ""]);
        write_texts(&path, &[]).unwrap();
        assert_eq!(read_npy(&path).unwrap().shape, [0]);
        write_records(&path, ["sample", "unit"], 2, [[5, 0], [-7, 1]].into_iter()).unwrap();
        let columns = read_npy_columns(&path).unwrap();
        assert_eq!(columns[0].0, "sample");
        assert_eq!(columns.into_iter().nth(1).unwrap().1.into_i64().unwrap(), [0, 1]);
    }
}
