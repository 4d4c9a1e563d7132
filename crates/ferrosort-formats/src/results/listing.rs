//! The files that a result consists of, with the shapes of arrays.

use std::fs;
use std::path::{Path, PathBuf};

use ferrosort_core::SourceFile;

use crate::npy::npy_shape;

/// Depth of folders and number of files that are listed.
const MOST_LEVELS: usize = 3;
const MOST_FILES: usize = 300;

/// All files of a folder by name, or the file itself. What cannot be looked at is left out: the list is for people.
pub(super) fn files(path: &Path) -> Vec<SourceFile> {
    let mut found = Vec::new();
    if path.is_dir() {
        collect(path, MOST_LEVELS, &mut found);
    } else {
        found.push(path.to_path_buf());
    }
    found.truncate(MOST_FILES);
    let base = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(path)
    };
    found.iter().filter_map(|file| describe(base, file)).collect()
}

fn collect(folder: &Path, levels: usize, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if found.len() >= MOST_FILES {
            return;
        }
        if path.is_dir() {
            if levels > 1 {
                collect(&path, levels - 1, found);
            }
        } else {
            found.push(path);
        }
    }
}

fn describe(base: &Path, file: &Path) -> Option<SourceFile> {
    let bytes = fs::metadata(file).ok()?.len();
    let name = file.strip_prefix(base).unwrap_or(file).to_string_lossy().into_owned();
    let (dtype, shape) = match file.extension().and_then(|e| e.to_str()) {
        Some("npy") => npy_shape(file).unwrap_or_default(),
        _ => Default::default(),
    };
    Some(SourceFile {
        name,
        bytes,
        dtype,
        shape,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::npy::write_slice;

    #[test]
    fn arrays_are_listed_with_type_and_shape() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        write_slice(&folder.path().join("inner/a.npy"), &[2, 3], &[0.5f32; 6]).unwrap();
        fs::write(folder.path().join("note.txt"), "hello").unwrap();
        let listed = files(folder.path());
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0].name, "inner/a.npy");
        assert_eq!(
            (listed[0].dtype.as_str(), listed[0].shape.as_slice()),
            ("f4", &[2, 3][..])
        );
        assert_eq!((listed[1].name.as_str(), listed[1].bytes), ("note.txt", 5));
        assert_eq!(files(&folder.path().join("note.txt"))[0].name, "note.txt");
    }
}
