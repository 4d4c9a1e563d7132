//! What may be replaced or removed, and what may not.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

use super::{INTERMEDIATES, LOCK, MANIFEST, PROCESSED};

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

/// The hidden sibling of a folder for this process: `.NAME.WHAT-PID`.
pub(super) fn sibling(target: &Path, what: &str) -> PathBuf {
    let mut name = prefix(target.file_name().unwrap_or_default(), what);
    name.push(std::process::id().to_string());
    target.with_file_name(name)
}

fn prefix(name: &OsStr, what: &str) -> std::ffi::OsString {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(format!(".{what}-"));
    prefix
}

/// Removes partial folders of runs that died, and puts an old result back that was moved aside when its run died
/// before the new one had its name. Does nothing where it may not.
pub(super) fn clear_leftovers(parent: &Path, name: &OsStr, target: &Path) {
    for path in siblings(parent, &prefix(name, "partial")) {
        let lock = File::options().write(true).open(path.join(LOCK));
        // A live run holds the lock of its folder.
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
    for path in siblings(parent, &prefix(name, "replaced")) {
        if target.exists() {
            let _ = fs::remove_dir_all(&path);
        } else {
            let _ = fs::rename(&path, target);
        }
    }
}

fn siblings(parent: &Path, prefix: &OsStr) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let starts = |name: &OsStr| name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| starts(&entry.file_name()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
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
