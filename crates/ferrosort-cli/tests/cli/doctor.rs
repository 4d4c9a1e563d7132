//! `ferrosort doctor`.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ferrosort, names, path, stderr, stdout};

#[test]
fn a_machine_that_works_is_described_for_people_and_programs() {
    let scratch = TempDir::new().unwrap();
    let done = ferrosort(["doctor", "--folder", path(scratch.path()), "--json"]);
    let found: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let test = &found["self_test"]["Ok"];
    assert_eq!(done.status.code(), Some(0), "{found:#}");
    assert_eq!(found["problems"], serde_json::json!([]));
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    assert!(test["mean_accuracy"].as_f64().unwrap() > 0.8, "{test}");
    assert_eq!(test["same_bytes"], true);
    assert_eq!(test["sorted"][0]["threads"], 1);
    assert!(test["sorted"][1]["threads"].as_u64().unwrap() > 1, "{test}");
    assert!(found["system"]["threads"].as_u64().unwrap() > 0 && found["system"]["os"].is_string());
    assert!(
        found["disk"]["Ok"]["written_per_s"].as_f64().unwrap() > 0.0,
        "{}",
        found["disk"]
    );
    assert_eq!(stderr(&done), "");
    assert_eq!(names(scratch.path()), Vec::<String>::new(), "nothing stays");

    let done = ferrosort(["doctor", "--folder", path(scratch.path())]);
    let text = stdout(&done);
    assert!(done.status.success(), "{text}");
    for line in [
        "ferrosort ",
        "system ",
        "processor ",
        "vectors ",
        "memory ",
        "disk ",
        "devices ",
        "self-test ",
        "accuracy ",
    ] {
        assert!(text.lines().any(|l| l.starts_with(line)), "no line '{line}' in: {text}");
    }
    assert!(text.ends_with("everything works\n"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_cannot_be_written_is_a_problem_with_a_reason() {
    let done = ferrosort(["doctor", "--folder", "/proc"]);
    let text = stdout(&done);
    assert_eq!(done.status.code(), Some(1), "{text}");
    let problem = text.lines().last().unwrap();
    assert!(
        problem.starts_with("problem: nothing can be written to /proc: cannot create"),
        "{text}"
    );
    assert!(text.contains("self-test   not done"), "{text}");
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_a_problem_with_a_reason() {
    let scratch = TempDir::new().unwrap();
    // Files may grow to 64 KiB; a write beyond fails as on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    let done = std::process::Command::new("bash")
        .args([
            "-c",
            limited,
            "bash",
            env!("CARGO_BIN_EXE_ferrosort"),
            "doctor",
            "--json",
        ])
        .args(["--folder", path(scratch.path())])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    let found: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let problems = found["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].as_str().unwrap().contains("cannot write"), "{problems:?}");
    assert_eq!(names(scratch.path()), Vec::<String>::new(), "nothing stays");
}

#[test]
fn a_folder_that_does_not_exist_is_a_mistake() {
    let done = ferrosort(["doctor", "--folder", "no/such/folder"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(
        stderr(&done).contains("--folder no/such/folder is no folder"),
        "{}",
        stderr(&done)
    );
    assert_eq!(stdout(&done), "");
}
