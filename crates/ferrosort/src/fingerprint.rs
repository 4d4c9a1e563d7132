//! Short names for the content of files, to see whether they changed: cheap for recordings of any size.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

/// Bytes at the start and at the end of a file that its fingerprint covers.
const END_BYTES: u64 = 1 << 20;

/// Size of a file, and blake3 over its size (u64, little-endian), its first and its last MiB.
///
/// # Errors
/// I/O, with the path.
pub fn of_file(path: &Path) -> Result<(u64, String)> {
    let read = || -> io::Result<(u64, String)> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes.to_le_bytes());
        hasher.update_reader((&mut file).take(END_BYTES))?;
        file.seek(SeekFrom::Start(bytes.saturating_sub(END_BYTES)))?;
        hasher.update_reader(file.take(END_BYTES))?;
        Ok((bytes, hasher.finalize().to_hex().to_string()))
    };
    read().map_err(|e| Error::io("read", path, e))
}

/// One fingerprint of a file, or of every file below a folder with its relative path.
///
/// # Errors
/// I/O, with the path.
pub fn of_path(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for file in files(path)? {
        let name = file.strip_prefix(path).unwrap_or(&file);
        hasher.update(name.to_string_lossy().as_bytes());
        hasher.update(&[0]);
        hasher.update(of_file(&file)?.1.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The file itself, or all files below the folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e| Error::io("read", path, e);
    if !std::fs::metadata(path).map_err(fail)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(fail)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(fail)?;
    entries.sort();
    let mut all = Vec::new();
    for entry in entries {
        all.extend(files(&entry)?);
    }
    Ok(all)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_changes_with_the_size_the_ends_and_the_names() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let mut bytes = vec![0u8; 3 << 20];
        std::fs::write(&a, &bytes).unwrap();
        let first = of_file(&a).unwrap();
        assert_eq!(first.0, 3 << 20);
        let whole = of_path(folder.path()).unwrap();
        for at in [0, (3 << 20) - 1] {
            bytes[at] = 1;
            std::fs::write(&a, &bytes).unwrap();
            assert_ne!(of_file(&a).unwrap(), first);
            assert_ne!(of_path(folder.path()).unwrap(), whole);
            bytes[at] = 0;
        }
        std::fs::write(&a, &bytes[1..]).unwrap();
        assert_ne!(of_file(&a).unwrap().1, first.1);
        std::fs::write(&a, &bytes).unwrap();
        assert_eq!(of_path(folder.path()).unwrap(), whole);
        std::fs::rename(&a, &b).unwrap();
        assert_ne!(of_path(folder.path()).unwrap(), whole);
        assert!(of_file(&a).unwrap_err().to_string().contains("cannot read"));
    }
}
