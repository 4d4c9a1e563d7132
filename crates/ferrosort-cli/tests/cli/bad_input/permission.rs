//! What the operating system refuses: full disks, and files and folders without permission.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::FLAT;
use crate::support::{ferrosort, names, path, samples, sort_args, stderr};

#[test]
fn a_full_disk_is_an_io_error_that_leaves_no_result() {
    let scratch = TempDir::new().unwrap();
    let args = sort_args(&scratch.path().join("out"), &["--quiet"]);
    // Files may grow to 64 KiB; a write beyond fails as on a full disk.
    let done = Command::new("bash")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 64; exec \"$@\"",
            "bash",
            env!("CARGO_BIN_EXE_ferrosort"),
        ])
        .args(args)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    assert!(stderr(&done).starts_with("error: cannot write "), "{}", stderr(&done));
    // What was done is kept, and nothing under the output's name.
    assert_eq!(names(scratch.path()), [".out.unfinished"]);
}

/// As another user if this one may do everything: the tests of a container often run as root.
#[cfg(unix)]
fn without_privileges(args: &[&str]) -> Option<std::process::Output> {
    let program = env!("CARGO_BIN_EXE_ferrosort");
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout == b"0\n");
    if !is_root {
        return Some(ferrosort(args));
    }
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let reaches = Command::new("setpriv")
        .args(nobody)
        .args([program, "--version"])
        .output();
    if !reaches.is_ok_and(|done| done.status.success()) {
        eprintln!("SKIPPED: this user may read everything, and no other one can start the program");
        return None;
    }
    Command::new("setpriv")
        .args(nobody)
        .arg(program)
        .args(args)
        .output()
        .ok()
}

#[test]
#[cfg(unix)]
fn folders_and_files_without_permission_are_io_errors() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let scratch = TempDir::new().unwrap();
    mode(scratch.path(), 0o755);
    let (closed, open) = (scratch.path().join("closed"), scratch.path().join("open"));
    fs::create_dir(&closed).unwrap();
    fs::create_dir(&open).unwrap();
    mode(&open, 0o777);
    let (secret, raw) = (closed.join("a.bin"), open.join("b.bin"));
    fs::copy(samples(), &secret).unwrap();
    fs::copy(samples(), &raw).unwrap();
    mode(&raw, 0o644);
    mode(&secret, 0o000);
    let read_only = closed.join("out");
    mode(&closed, 0o555);
    let output = open.join("out");
    let cases: [(&[&str], &str); 4] = [
        (&["sort", path(&secret), "--output", path(&output)], "cannot read"),
        (&["sort", path(&raw), "--output", path(&read_only)], "cannot create"),
        (
            &["sort", path(&raw), "--output", path(&output), "--probe", path(&secret)],
            "cannot read",
        ),
        (
            &["sort", path(&raw), "--output", path(&output), "--params", path(&secret)],
            "cannot read",
        ),
    ];
    for (args, says) in cases {
        let Some(done) = without_privileges(&[args, &FLAT].concat()) else {
            return;
        };
        let text = stderr(&done);
        assert_eq!(done.status.code(), Some(3), "{args:?}: {text}");
        assert!(
            text.contains(says) && text.contains("ermission denied"),
            "{args:?}: {text}"
        );
        assert!(text.contains("closed"), "the path is named: {text}");
        assert_eq!(names(&open), ["b.bin"], "{args:?}");
        assert_eq!(names(&closed), ["a.bin"], "{args:?}");
    }
    mode(&closed, 0o755);
}
