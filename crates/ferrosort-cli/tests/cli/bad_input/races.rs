//! Files and folders that change while a sorting runs.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::FLAT;
use crate::support::{SMALL_BATCHES, names, path, samples};

/// Sorts a copy of the recording; `change` happens when the first stage has begun. Returns the exit code and the error
/// output.
fn sort_while(dir: &Path, algorithm: &str, change: impl FnOnce(&Path)) -> (Option<i32>, String) {
    let raw = dir.join("raw.bin");
    fs::copy(samples(), &raw).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ferrosort"))
        .args(["sort", path(&raw), "--output", path(&dir.join("out")), "--threads", "1"])
        .args(["--algorithm", algorithm, "--log-format", "json", "--set", SMALL_BATCHES])
        .args(FLAT)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("stage_started") {
        assert!(lines.read_line(&mut said).unwrap() > 0, "ended too early: {said}");
    }
    change(&raw);
    lines.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_recording_that_shrinks_while_it_is_read_is_an_io_error() {
    for algorithm in ["auto", "kilosort2"] {
        let scratch = TempDir::new().unwrap();
        let (code, said) = sort_while(scratch.path(), algorithm, |raw| {
            OpenOptions::new().write(true).open(raw).unwrap().set_len(1000).unwrap();
        });
        assert_eq!(code, Some(3), "{algorithm}: {said}");
        let last = said.lines().last().unwrap();
        assert!(
            last.contains("cannot read") && last.contains("raw.bin"),
            "{algorithm}: {last}"
        );
        assert!(
            last.contains("it has become shorter since it was opened"),
            "{algorithm}: {last}"
        );
        assert_eq!(names(scratch.path()), ["raw.bin"], "{algorithm}");
    }
}

#[test]
fn a_recording_that_vanishes_while_it_is_read_is_an_io_error() {
    for algorithm in ["auto", "kilosort2"] {
        let scratch = TempDir::new().unwrap();
        let (code, said) = sort_while(scratch.path(), algorithm, |raw| fs::remove_file(raw).unwrap());
        assert_eq!(code, Some(3), "{algorithm}: {said}");
        let last = said.lines().last().unwrap();
        assert!(
            last.contains("cannot read") && last.contains("raw.bin"),
            "{algorithm}: {last}"
        );
        assert_eq!(
            names(scratch.path()),
            [".out.unfinished"],
            "{algorithm}: what was done is kept"
        );
    }
}

#[test]
fn an_output_that_appears_meanwhile_is_not_replaced() {
    let scratch = TempDir::new().unwrap();
    let out = scratch.path().join("out");
    let (code, said) = sort_while(scratch.path(), "kilosort2", |_| {
        fs::create_dir(&out).unwrap();
        fs::write(out.join("mine"), "mine").unwrap();
    });
    assert_eq!(code, Some(2), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.contains("out appeared while this run was at work"), "{last}");
    assert_eq!(names(scratch.path()), [".out.unfinished", "out", "raw.bin"]);
    assert_eq!(fs::read(out.join("mine")).unwrap(), b"mine");
}

#[test]
#[cfg(unix)]
fn a_hidden_folder_that_is_removed_meanwhile_is_an_io_error() {
    let scratch = TempDir::new().unwrap();
    let (code, said) = sort_while(scratch.path(), "kilosort2", |_| {
        fs::remove_dir_all(scratch.path().join(".out.unfinished")).unwrap();
    });
    assert_eq!(code, Some(3), "{said}");
    assert!(said.lines().last().unwrap().contains("cannot "), "{said}");
    assert_eq!(
        names(scratch.path()),
        [".out.unfinished", "raw.bin"],
        "later stages are kept"
    );
}
