//! Every kind of unusable input ends in one sentence with the file, the value and the remedy, the right exit code, and
//! nothing left behind.
//!
//! The catalogue is a table of [`Case`]s for each theme. A new case is a line in the table of its theme, and, where it needs
//! a file that is not there yet, a line in the `prepare` beside the table.

mod exports;
mod outputs;
mod parameters;
mod permission;
mod probes;
mod races;
mod recordings;
mod results;
mod settings;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use ferrosort_formats::npy::write_slice;

use crate::support::{names, path, recording, samples, stderr};

/// What is wrong, the command line, the exit code, and parts of the sentence.
struct Case {
    what: &'static str,
    /// Separated by spaces. `{dir}` is a scratch folder with the files that the theme prepares, `{raw}` the samples of a
    /// recording, `{rec}` its folder, `{deep}` brackets in brackets, `FLAT` what a flat file does not say; `sort` gets `--output {dir}/out` if it has none.
    command: &'static str,
    code: i32,
    says: &'static [&'static str],
}

const fn case(what: &'static str, command: &'static str, code: i32, says: &'static [&'static str]) -> Case {
    Case {
        what,
        command,
        code,
        says,
    }
}

/// 16 channels at 30 kHz, which `{raw}` has.
const FLAT: [&str; 4] = ["--channels", "16", "--sample-rate", "30000"];

/// After this time a command is taken to hang: a thousand times what the slowest case needs.
const PATIENCE: Duration = Duration::from_mins(5);

/// Runs every case of a table in a scratch folder, and fails with all that are not as they should be.
fn check(dir: &Path, cases: &[Case]) {
    let before = listing(dir);
    let mut wrong = Vec::new();
    for case in cases {
        let done = run(dir, &arguments(dir, case.command));
        let text = stderr(&done);
        let mut says = |problem: &str| wrong.push(format!("{}: {problem}\n  {}\n  {text}", case.what, case.command));
        if done.status.code() != Some(case.code) {
            says(&format!("{:?}, not exit code {}", done.status, case.code));
        }
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
        // The parser of the command line adds how it is used.
        let of_parser = text.contains("For more information, try '--help'");
        match errors.as_slice() {
            [error] if of_parser || text.lines().last() == Some(error) => {
                for part in case.says.iter().filter(|part| !error.contains(**part)) {
                    says(&format!("no '{part}'"));
                }
            }
            _ => says("is not one sentence"),
        }
        let after = listing(dir);
        if after != before {
            let names: Vec<&String> = after.iter().map(|(name, _)| name).collect();
            says(&format!("something was changed or left: {names:?}"));
            break;
        }
    }
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong.join("\n"));
}

/// The words of a command, with the names of files in place. Names may have spaces in them.
fn arguments(dir: &Path, command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in command.split(' ') {
        if word == "FLAT" {
            words.extend(FLAT.map(String::from));
            continue;
        }
        words.push(
            word.replace("{deep}", &"[".repeat(100_000))
                .replace("{dir}", path(dir))
                .replace("{raw}", path(&samples()))
                .replace("{rec}", path(recording())),
        );
    }
    if words[0] == "sort" && !words.iter().any(|word| word == "--output") {
        words.extend(["--output".to_string(), path(&dir.join("out")).to_string()]);
    }
    words
}

/// Runs the program in a folder; fails when it does not come to an end.
fn run(dir: &Path, args: &[String]) -> Output {
    let child = Command::new(env!("CARGO_BIN_EXE_ferrosort"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = wait.recv_timeout(PATIENCE) else {
        // Nothing was reaped, so the number is still that of the child.
        let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
        panic!("{args:?} hangs");
    };
    output.unwrap()
}

/// Everything below a folder by name, with the bytes of files. Nothing that is no file is opened, no link followed.
fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            let below = listing(&path).into_iter();
            all.extend(below.map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
            all.push((name, Vec::new()));
        } else if kind.is_file() {
            all.push((name, fs::read(&path).unwrap_or_default()));
        } else {
            all.push((name, format!("{kind:?}").into_bytes()));
        }
    }
    all
}

fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn integers(dir: &Path, name: &str, values: &[i64]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_slice(&path, &[values.len()], values).unwrap();
}

/// Changes the shape in the header of an array in an `.npz` file that is stored without compression to one of a trillion
/// values; spaces follow the header.
fn claim_more(dir: &Path, name: &str, shape: &str) {
    let mut bytes = fs::read(dir.join(name)).unwrap();
    let at = bytes
        .windows(shape.len())
        .position(|window| window == shape.as_bytes())
        .unwrap();
    let huge = b"(999999999999,)}";
    bytes[at..at + huge.len()].copy_from_slice(huge);
    write(dir, name, bytes);
}

/// A pipe that nobody writes to, and links that lead nowhere.
#[cfg(unix)]
fn prepare_special(dir: &Path) {
    let made = Command::new("mkfifo").arg(dir.join("pipe")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink(dir.join("loop"), dir.join("loop")).unwrap();
    std::os::unix::fs::symlink(dir.join("nowhere"), dir.join("dangling")).unwrap();
}

/// JSON, TOML or Python of brackets in brackets.
fn nested(open: &str) -> String {
    open.repeat(200_000)
}
