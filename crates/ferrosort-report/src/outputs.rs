//! Files that a command writes at its end: under their names only when they are complete.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};
use ferrosort_formats::open_regular;

/// Where `-` means standard output.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Refuses outputs that cannot be written or must not be replaced, before anything is computed. `inputs` are the files and
/// folders that the command reads.
///
/// # Errors
/// One of them exists and `overwrite` is not wanted; it is a folder, a pipe, a device or a link to nothing; it is an input or
/// lies in one; it is named twice; the folder that it goes into is missing.
pub fn check_files(files: &[&Path], overwrite: bool, inputs: &[PathBuf]) -> Result<()> {
    for (place, path) in files.iter().enumerate().filter(|(_, path)| !is_stdout(path)) {
        let shown = path.display();
        if files[..place].contains(path) {
            return Err(Error::input(format!(
                "output {shown} is named twice; give each kind of output a file of its own"
            )));
        }
        if path.is_dir() {
            return Err(Error::input(format!("output {shown} is a folder; name a file in it")));
        }
        check_link(path)?;
        check_is_no_input(path, inputs)?;
        if path.exists() {
            open_regular(path, "output")?;
            if !overwrite {
                return Err(Error::input(format!(
                    "output {shown} exists; name another file, or pass --overwrite to replace it"
                )));
            }
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if parent.is_some_and(|parent| !parent.is_dir()) {
            return Err(Error::input(format!(
                "output {shown} lies in a folder that does not exist; create it first"
            )));
        }
    }
    Ok(())
}

/// Refuses a folder for files that is a file, or that holds something which may not be replaced.
///
/// # Errors
/// As said; I/O.
pub fn check_folder(folder: &Path, overwrite: bool) -> Result<()> {
    let shown = folder.display();
    check_link(folder)?;
    if folder.exists() && !folder.is_dir() {
        return Err(Error::input(format!(
            "output {shown} is a file; name a folder for the tables"
        )));
    }
    let is_used = folder.is_dir() && {
        let mut entries = fs::read_dir(folder).map_err(|e| Error::io("read", folder, e))?;
        entries.next().is_some()
    };
    if is_used && !overwrite {
        return Err(Error::input(format!(
            "output folder {shown} is not empty; name another one, or pass --overwrite to replace the tables in it"
        )));
    }
    Ok(())
}

/// A link whose end does not exist would be replaced by a file, and one that leads to itself never ends.
fn check_link(path: &Path) -> Result<()> {
    if path.is_symlink() && !path.exists() {
        return Err(Error::input(format!(
            "output {} is a symbolic link that leads nowhere; remove it or name another output",
            path.display()
        )));
    }
    Ok(())
}

fn check_is_no_input(path: &Path, inputs: &[PathBuf]) -> Result<()> {
    let Ok(real) = path.canonicalize() else {
        return Ok(());
    };
    for input in inputs {
        let Ok(input_real) = input.canonicalize() else {
            continue;
        };
        if real == input_real {
            return Err(Error::input(format!(
                "output {} is an input as well; name another file",
                path.display()
            )));
        }
        if real.starts_with(&input_real) {
            return Err(Error::input(format!(
                "output {} is part of the input {}; name another file",
                path.display(),
                input.display()
            )));
        }
    }
    Ok(())
}

/// Writes a file beside its name, flushes it and renames it. `write` gets the open file.
///
/// # Errors
/// I/O, and whatever `write` reports; the old file is then as it was.
pub fn write_file(path: &Path, write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> Result<()> {
    let fail = |e| Error::io("write", path, e);
    if is_stdout(path) {
        return write(&mut std::io::stdout().lock()).map_err(fail);
    }
    let partial = partial(path);
    let written = fs::File::create(&partial).and_then(|file| {
        let mut file = std::io::BufWriter::with_capacity(1 << 18, file);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()
    });
    written.and_then(|()| fs::rename(&partial, path)).map_err(|e| {
        // The first error is the one to report.
        let _ = fs::remove_file(&partial);
        fail(e)
    })
}

fn partial(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".partial-{}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_finished_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "old").unwrap();
        let error = write_file(&path, |file| {
            file.write_all(b"half")?;
            Err(std::io::Error::other("no space"))
        });
        assert_eq!(error.unwrap_err().exit_code(), 3);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        write_file(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn outputs_are_checked_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        fs::write(&there, "x").unwrap();
        let all = [there.as_path(), Path::new("-")];
        assert!(check_files(&all, true, &[]).is_ok());
        let message = |path: &Path| check_files(&[path], false, &[]).unwrap_err().to_string();
        assert!(message(&there).contains("--overwrite"));
        assert!(message(folder.path()).contains("is a folder"));
        let input = check_files(&all, true, &[folder.path().to_path_buf()]).unwrap_err();
        assert!(input.to_string().contains("part of the input"), "{input}");
        assert!(message(&folder.path().join("no/file")).contains("does not exist"));
    }
}
