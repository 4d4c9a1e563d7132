//! Runs that are stopped at any moment go on, and end with the bytes of a run that was not (docs/guarantees.md).

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{SMALL_BATCHES, contents, ferrosort, names, path, recording, samples, stderr};

/// Kills of each sorter in a usual run of the tests; `FERROSORT_KILLS` has another number.
const KILLS: usize = 8;

fn kills() -> usize {
    std::env::var("FERROSORT_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(KILLS)
}

/// A sort with a checkpoint after every step.
pub fn command(input: &Path, output: &Path, algorithm: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrosort"));
    command
        .args(["sort", path(input), "--output", path(output), "--algorithm", algorithm])
        .args(["--checkpoint-seconds", "0", "--log-format", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if algorithm == "kilosort2" {
        command.args(["--set", SMALL_BATCHES]);
    }
    command
}

/// Waits until the run says that it begins this stage: those before it are kept then.
pub fn wait_for_stage(child: &mut Child, stage: &str) {
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let started = format!("\"stage_started\",\"stage\":\"{stage}\"");
    assert!(
        lines.map_while(Result::ok).any(|line| line.contains(&started)),
        "{stage} never began"
    );
}

fn kill_at_random_moments(algorithm: &str) {
    let scratch = TempDir::new().unwrap();
    let (whole, output) = (scratch.path().join("whole"), scratch.path().join("out"));
    let began = Instant::now();
    assert!(
        command(recording(), &whole, algorithm)
            .output()
            .unwrap()
            .status
            .success()
    );
    let whole_run = began.elapsed();
    let expected = contents(&whole);
    let (mut killed, mut finished) = (0, 0);
    // The moments differ from run to run only by the load of the machine.
    let mut draw = 0x2545_f491_4f6c_dd1d_u64;
    while killed < kills() || finished == 0 {
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        let share = if killed < kills() {
            (draw % 1000) as f64 / 1000.0
        } else {
            1e3
        };
        let mut child = command(recording(), &output, algorithm)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + whole_run.mul_f64(0.6 * share);
        while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(5));
        }
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
        } else if output.exists() {
            assert_eq!(contents(&output), expected, "{algorithm} after {killed} kills");
            assert_eq!(names(scratch.path()), ["out", "whole"]);
            fs::remove_dir_all(&output).unwrap();
            finished += 1;
        }
    }
}

#[test]
fn auto_survives_kills() {
    kill_at_random_moments("auto");
}

#[test]
fn kilosort2_survives_kills() {
    kill_at_random_moments("kilosort2");
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_says_what_it_keeps_and_the_next_what_it_skips() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("out");
    let mut child = command(recording(), &output, "kilosort2").spawn().unwrap();
    wait_for_stage(&mut child, "learning");
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(signalled.unwrap().success());
    let said = child.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(130), "{}", stderr(&said));
    assert!(
        stderr(&said).contains("the same command goes on from there"),
        "{}",
        stderr(&said)
    );
    assert_eq!(names(scratch.path()), [".out.unfinished"]);
    let next = command(recording(), &output, "kilosort2").output().unwrap();
    assert!(next.status.success(), "{}", stderr(&next));
    for expected in [
        "going on with the run that was interrupted",
        "ordering: done before the interruption",
    ] {
        assert!(stderr(&next).contains(expected), "{expected}: {}", stderr(&next));
    }
    assert_eq!(names(scratch.path()), ["out"]);
}

#[test]
fn other_parameters_or_samples_redo_what_depends_on_them() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("out");
    let stopped_at = |stage: &str| {
        let mut child = command(recording(), &output, "kilosort2").spawn().unwrap();
        wait_for_stage(&mut child, stage);
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let expected = |options: &[&str]| {
        let fresh = scratch.path().join("fresh");
        let _ = fs::remove_dir_all(&fresh);
        assert!(
            command(recording(), &fresh, "kilosort2")
                .args(options)
                .output()
                .unwrap()
                .status
                .success()
        );
        contents(&fresh)
    };
    // What acts last redoes nothing that was done, what acts early redoes everything.
    for (options, skipped) in [
        (vec!["--set", "AUCsplit=0.8", "--set", "remove_duplicates=true"], true),
        (vec!["--set", "Th=[9,5]"], false),
    ] {
        stopped_at("extraction");
        let next = command(recording(), &output, "kilosort2")
            .args(&options)
            .output()
            .unwrap();
        assert!(next.status.success(), "{}", stderr(&next));
        let says = stderr(&next);
        assert!(says.contains("ordering: done before"), "{says}");
        assert_eq!(says.contains("learning: done before"), skipped, "{options:?}: {says}");
        assert_eq!(contents(&output), expected(&options), "{options:?}");
        fs::remove_dir_all(&output).unwrap();
    }
    stopped_at("extraction");
    let anew = command(recording(), &output, "kilosort2")
        .arg("--restart")
        .output()
        .unwrap();
    assert!(
        anew.status.success() && !stderr(&anew).contains("done before"),
        "{}",
        stderr(&anew)
    );
}

#[test]
fn a_recording_that_vanishes_midway_can_come_back() {
    let scratch = TempDir::new().unwrap();
    let (input, output) = (scratch.path().join("input"), scratch.path().join("out"));
    fs::create_dir(&input).unwrap();
    for name in names(recording()) {
        let from = recording().join(&name);
        if from.is_file() {
            fs::copy(&from, input.join(&name)).unwrap();
        }
    }
    let samples_file = input.join("recording.bin");
    let cut = || File::options().write(true).open(&samples_file).unwrap().set_len(1000);
    let remove = || fs::remove_file(&samples_file);
    let whole = scratch.path().join("whole");
    assert!(command(&input, &whole, "auto").output().unwrap().status.success());
    // What was opened can be read to the end after it was removed, so that this is found when the result is written.
    let vanish: [(&dyn Fn() -> std::io::Result<()>, &str); 2] = [(&cut, "clustering"), (&remove, "last matching")];
    for (vanish, done) in &vanish[..if cfg!(unix) { 2 } else { 1 }] {
        let mut child = command(&input, &output, "auto").spawn().unwrap();
        wait_for_stage(&mut child, "matching");
        vanish().unwrap();
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(3), "{}", stderr(&said));
        assert!(stderr(&said).contains("recording.bin"), "{}", stderr(&said));
        fs::copy(samples(), &samples_file).unwrap();
        let next = command(&input, &output, "auto").output().unwrap();
        assert!(
            next.status.success() && stderr(&next).contains(&format!("{done}: done before")),
            "{}",
            stderr(&next)
        );
        assert_eq!(contents(&output), contents(&whole));
        fs::remove_dir_all(&output).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn a_full_disk_ends_a_run_and_room_lets_it_go_on() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("out");
    // Writing beyond this many blocks fails, as on a full disk, and does not kill.
    let limited = |blocks: usize| {
        let sort = command(recording(), &output, "auto");
        let words: Vec<_> = sort.get_args().map(|a| format!("'{}'", a.to_str().unwrap())).collect();
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec '{}' {}",
            env!("CARGO_BIN_EXE_ferrosort"),
            words.join(" ")
        );
        Command::new("bash").args(["-c", &script]).output().unwrap()
    };
    let said = limited(16);
    assert_eq!(said.status.code(), Some(3), "{}", stderr(&said));
    assert!(stderr(&said).contains("cannot write"), "{}", stderr(&said));
    assert!(!output.exists());
    let next = command(recording(), &output, "auto").output().unwrap();
    assert!(next.status.success(), "{}", stderr(&next));
    let whole = scratch.path().join("whole");
    assert!(command(recording(), &whole, "auto").output().unwrap().status.success());
    assert_eq!(contents(&output), contents(&whole));
    assert_eq!(names(scratch.path()), ["out", "whole"]);
}

#[test]
fn two_runs_do_not_write_to_one_output() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("out");
    let mut child = command(recording(), &output, "kilosort2").spawn().unwrap();
    wait_for_stage(&mut child, "whitening");
    let second = ferrosort(["sort", path(recording()), "--output", path(&output), "--quiet"]);
    assert_eq!(second.status.code(), Some(2));
    assert!(
        stderr(&second).contains("another run is writing"),
        "{}",
        stderr(&second)
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
