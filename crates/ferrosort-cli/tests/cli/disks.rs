//! Disks that fill up or become read-only while a run writes to them: mounted for the test, which only root may do on Linux.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::resume::{command, wait_for_stage};
use crate::support::{contents, names, path, recording, stderr};

/// Something mounted; it goes when the test ends, however that is.
struct Mount(PathBuf);

impl Mount {
    /// `mount ARGS FOLDER`; `None`, with a message, where this is not allowed.
    fn new(args: &[&str], folder: &Path) -> Option<Self> {
        let done = Command::new("mount").args(args).arg(folder).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(folder.to_path_buf()));
        }
        eprintln!("SKIPPED: only root can mount a disk for this test");
        None
    }

    /// Mounts again with other options.
    fn again(&self, options: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.0)
            .status();
        assert!(done.unwrap().success(), "{options}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// The same command goes on and gives what a run on a good disk gives.
fn goes_on(output: &Path, algorithm: &str, whole: &Path) {
    let next = command(recording(), output, algorithm).output().unwrap();
    assert!(next.status.success(), "{}", stderr(&next));
    assert!(
        stderr(&next).contains("done before the interruption"),
        "{}",
        stderr(&next)
    );
    let undisturbed = command(recording(), whole, algorithm).output().unwrap();
    assert!(undisturbed.status.success(), "{}", stderr(&undisturbed));
    assert_eq!(contents(output), contents(whole), "{algorithm}");
}

#[test]
fn a_disk_that_is_full_midway_ends_a_run_and_room_lets_it_go_on() {
    let scratch = TempDir::new().unwrap();
    let disk = scratch.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=200k", "tmpfs"], &disk) else {
        return;
    };
    let output = disk.join("out");
    for algorithm in ["auto", "kilosort2"] {
        mount.again("size=200k");
        let said = command(recording(), &output, algorithm).output().unwrap();
        assert_eq!(said.status.code(), Some(3), "{}", stderr(&said));
        assert!(stderr(&said).contains("No space left"), "{}", stderr(&said));
        assert_eq!(names(&disk), [".out.unfinished"], "{algorithm}");
        mount.again("size=64m");
        goes_on(&output, algorithm, &scratch.path().join(algorithm));
        assert_eq!(names(&disk), ["out"]);
        fs::remove_dir_all(&output).unwrap();
    }
}

#[test]
fn an_output_that_becomes_read_only_ends_a_run_and_the_next_goes_on() {
    let scratch = TempDir::new().unwrap();
    for (algorithm, stage) in [("auto", "matching"), ("kilosort2", "learning")] {
        let folder = scratch.path().join(algorithm);
        let (output, unfinished) = (folder.join("out"), folder.join(".out.unfinished"));
        let mut child = command(recording(), &output, algorithm).spawn().unwrap();
        wait_for_stage(&mut child, stage);
        // A second view of the folder: the first cannot be made read-only while its lock is open.
        let Some(mount) = Mount::new(&["--bind", path(&unfinished)], &unfinished) else {
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        };
        mount.again("bind,ro");
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(3), "{}", stderr(&said));
        assert!(stderr(&said).contains("Read-only file system"), "{}", stderr(&said));
        let again = command(recording(), &output, algorithm).output().unwrap();
        assert_eq!(again.status.code(), Some(3), "{}", stderr(&again));
        assert!(
            stderr(&again).contains("Read-only file system") && !output.exists(),
            "{}",
            stderr(&again)
        );
        drop(mount);
        goes_on(&output, algorithm, &folder.join("whole"));
        assert_eq!(names(&folder), ["out", "whole"]);
    }
}
