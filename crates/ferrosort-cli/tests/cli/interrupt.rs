//! Ctrl-C and sudden death.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::{names, sort, sort_args};

/// A sort that has just begun its first stage.
fn started(output: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ferrosort"))
        .args(sort_args(output, &["--log-format", "json", "--threads", "1"]))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("stage_started"), "{line}");
    child
}

#[test]
#[cfg(unix)]
fn interrupted_runs_leave_nothing() {
    for signal in ["-INT", "-TERM"] {
        let scratch = TempDir::new().unwrap();
        let mut child = started(&scratch.path().join("out"));
        assert_eq!(names(scratch.path()), [".out.unfinished"]);
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(names(scratch.path()), Vec::<String>::new());
    }
}

#[test]
fn what_a_killed_run_leaves_is_removed_by_the_next() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("out");
    let mut child = started(&output);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(scratch.path()), [".out.unfinished"]);
    sort(&output, &["--quiet", "--time-range", "..3"]);
    assert_eq!(names(scratch.path()), ["out"]);
}
