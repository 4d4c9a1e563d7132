//! Help, completions, parameters, and what a run prints.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ferrosort, names, path, sort, sort_args, stderr, stdout};

#[test]
fn help_explains_the_commands_with_examples() {
    let help = stdout(&ferrosort(["--help"]));
    for part in [
        "sort",
        "info",
        "demo",
        "parameters",
        "completions",
        "Examples:",
        "ferrosort sort recording.bin",
    ] {
        assert!(help.contains(part), "no '{part}' in: {help}");
    }
    let sort = stdout(&ferrosort(["sort", "--help"]));
    for part in [
        "--probe",
        "--set",
        "--compat",
        "--draws",
        "pykilosort-2.0.0a2",
        "Exit codes:",
        "Th=[6,2]",
    ] {
        assert!(sort.contains(part), "no '{part}' in: {sort}");
    }
    assert!(!stdout(&ferrosort(["sort", "-h"])).contains("--draws"));
    let nothing = ferrosort(Vec::<String>::new());
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("Usage"));
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&ferrosort(["completions", shell]));
        assert!(script.contains("keep-processed"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("share/man1");
    assert!(ferrosort(["man", "--output", path(&folder)]).status.success());
    let pages = names(&folder);
    for page in [
        "ferrosort.1",
        "ferrosort-sort.1",
        "ferrosort-summary.1",
        "ferrosort-man.1",
    ] {
        assert!(pages.iter().any(|name| name == page), "{page} is missing in {pages:?}");
    }
    assert!(!pages.iter().any(|name| name.contains("help")), "{pages:?}");
    let sort = std::fs::read_to_string(folder.join("ferrosort-sort.1")).unwrap();
    for part in [
        ".TH ferrosort-sort 1",
        "\\fBferrosort sort\\fR",
        "\\-\\-checkpoint\\-seconds",
        "Exit codes",
    ] {
        assert!(sort.contains(part), "no '{part}' in {sort}");
    }
}

#[test]
fn parameters_are_listed_and_the_file_is_accepted() {
    let text = stdout(&ferrosort(["parameters"]));
    for part in [
        "threshold (Th) = [10.0, 4.0] sd",
        "batch_samples (NT) = 65600",
        "compat.stale_row",
    ] {
        assert!(text.contains(part), "no '{part}' in: {text}");
    }
    assert!(stdout(&ferrosort(["parameters", "--algorithm", "pykilosort"])).contains("(NT) = 32832"));
    let auto = stdout(&ferrosort(["parameters", "--algorithm", "auto"]));
    assert!(
        auto.contains("common_reference (CAR) = true") && !auto.contains("(NT)"),
        "{auto}"
    );
    let scratch = TempDir::new().unwrap();
    let file = scratch.path().join("all.toml");
    std::fs::write(&file, ferrosort(["parameters", "--toml"]).stdout).unwrap();
    sort(
        &scratch.path().join("out"),
        &["--params", path(&file), "--time-range", "..2", "--quiet"],
    );
}

#[test]
fn a_run_says_what_it_does_and_what_came_out() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("out");
    let done = sort(&output, &["--set", "GPU=1"]);
    let (out, err) = (stdout(&done), stderr(&done));
    assert!(out.contains(" units, ") && out.contains("good"), "{out}");
    assert!(
        out.contains(&format!("phy template-gui {}/params.py", output.display())),
        "{out}"
    );
    assert!(err.contains("warning: --set GPU has no effect"), "{err}");
    assert!(
        err.lines().any(|line| line.contains(" in ") && line.ends_with(" s")),
        "{err}"
    );
    assert!(
        !err.contains('\u{1b}') && !err.contains('\r'),
        "no terminal codes in a file: {err:?}"
    );
}

#[test]
fn quiet_is_quiet_and_json_is_json() {
    let scratch = TempDir::new().unwrap();
    let quiet = sort(&scratch.path().join("quiet"), &["--quiet", "--set", "GPU=1"]);
    assert_eq!((stdout(&quiet), stderr(&quiet)), (String::new(), String::new()));
    let json = sort(
        &scratch.path().join("json"),
        &["--log-format", "json", "--set", "GPU=1"],
    );
    let events = events(&stderr(&json));
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert!(count("stage_started") >= 3 && count("stage_started") == count("stage_finished"));
    assert!(count("warning") >= 1);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "finished");
    assert!(last["spikes"].as_u64().unwrap() > 0 && last["folder"].as_str().unwrap().ends_with("json"));
}

#[test]
fn errors_are_json_too() {
    let scratch = TempDir::new().unwrap();
    let args = sort_args(
        &scratch.path().join("out"),
        &["--log-format", "json", "--set", "nonsense=1"],
    );
    let failed = ferrosort(args);
    let events = events(&stderr(&failed));
    assert_eq!(events.last().unwrap()["event"], "error");
    assert_eq!(events.last().unwrap()["exit_code"], 2);
}

fn events(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}
