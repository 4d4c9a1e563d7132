//! What may be replaced or removed, and what may not.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

use super::{INTERMEDIATES, LOCK, MANIFEST, PROCESSED, RESULT};

/// The output as an absolute path without symbolic links in what exists of it, so that its siblings are on its disk.
pub(super) fn absolute_target(output: &Path) -> Result<PathBuf> {
    if output.is_symlink() && !output.exists() {
        return Err(Error::input(format!(
            "output {} is a symbolic link that leads nowhere; remove it or name another folder",
            output.display()
        )));
    }
    if output.as_os_str().is_empty() {
        return Err(Error::input(
            "the output has no name; name a folder that can be created",
        ));
    }
    let absolute = std::path::absolute(output).map_err(|e| Error::io("find", output, e))?;
    if let Ok(existing) = absolute.canonicalize() {
        return Ok(existing);
    }
    let parent = absolute.parent().and_then(|parent| parent.canonicalize().ok());
    Ok(match (parent, absolute.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => absolute,
    })
}

/// The hidden sibling of a folder: `.NAME.WHAT`.
pub(super) fn sibling(target: &Path, what: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{what}"));
    target.with_file_name(name)
}

/// Locks the file for this process. `shown` is how the user wrote the output.
pub(super) fn locked(path: &Path, shown: &Path) -> Result<File> {
    let file = File::create(path).map_err(|e| Error::io("create", path, e))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::input(format!(
            "another run is writing to output {}; wait for it, or name another folder",
            shown.display()
        ))),
        // Some network disks have no locks; then nothing tells two runs apart that write to one output.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Removes the hidden folder of a run that gave its result its name and died before it could clean up: no result is in it any more.
pub(super) fn clear_finished(unfinished: &Path) {
    let lock = File::options().write(true).open(unfinished.join(LOCK));
    if !unfinished.join(RESULT).exists() && lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
        let _ = fs::remove_dir_all(unfinished);
    }
}

/// Puts an old result back that was moved aside when its run died before the new one had its name, or removes it where the new one
/// has it. Does nothing where it may not.
pub(super) fn put_back(target: &Path) {
    let replaced = sibling(target, "replaced");
    if !replaced.exists() {
        return;
    }
    if target.exists() {
        let _ = fs::remove_dir_all(&replaced);
    } else {
        let _ = fs::rename(&replaced, target);
    }
}

/// Refuses an output that exists and must not be replaced. `shown` is how the user wrote it.
pub(super) fn check_target(target: &Path, shown: &Path, overwrite: bool, inputs: &[PathBuf]) -> Result<()> {
    if !target.exists() {
        return Ok(());
    }
    let shown = shown.display();
    if !target.is_dir() {
        return Err(Error::input(format!(
            "output {shown} is a file; name a folder that does not exist yet"
        )));
    }
    for input in inputs {
        if input.canonicalize().is_ok_and(|input| input.starts_with(target)) {
            return Err(Error::input(format!(
                "output {shown} holds the input {}; name another folder",
                input.display()
            )));
        }
    }
    if !overwrite {
        return Err(Error::input(format!(
            "output folder {shown} exists; name another one, or pass --overwrite to replace the sorting in it"
        )));
    }
    check_is_sorting(target, &shown.to_string())
}

/// Only an empty folder, or a sorting without anything else beside it, may be replaced.
fn check_is_sorting(target: &Path, shown: &str) -> Result<()> {
    let fail = |e| Error::io("read", target, e);
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(target).map_err(fail)? {
        names.push(entry.map_err(fail)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let has = |name: &str| names.iter().any(|n| n == name);
    let is_sorting = has(MANIFEST) || (has("params.py") && has("spike_times.npy"));
    if !(names.is_empty() || is_sorting) {
        return Err(Error::input(format!(
            "output folder {shown} is neither empty nor a sorting, so --overwrite does not replace it; name another folder"
        )));
    }
    match names.iter().find(|name| !belongs_to_sorting(name)) {
        None => Ok(()),
        Some(foreign) => Err(Error::input(format!(
            "output folder {shown} also holds '{foreign}', which is no part of a sorting; move it away before you pass \
             --overwrite, or name another folder"
        ))),
    }
}

/// Names that ferrosort, Kilosort, phy and Python write into a sorting.
fn belongs_to_sorting(name: &str) -> bool {
    let known = [
        MANIFEST,
        PROCESSED,
        INTERMEDIATES,
        "params.py",
        ".phy",
        "phy.log",
        "__pycache__",
        "rez.mat",
        "rez2.mat",
        "temp_wh.dat",
        "proc.dat",
    ];
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    known.contains(&name) || matches!(extension, Some("npy" | "tsv"))
}
