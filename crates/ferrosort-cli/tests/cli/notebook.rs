//! `notebook`: everything once, and nothing twice.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{ferrosort, names, path, stderr, stdout};

/// A short, small simulation that the notebook can be run on.
const SETTINGS: &str = "\
preset = \"emouse-drift\"
duration_s = 20.0
[probe]
n_channels = 16
[units]
n = 8
";

fn notebook(folder: &Path, options: &[&str]) -> std::process::Output {
    let settings = folder.with_extension("toml");
    if !settings.exists() {
        fs::write(&settings, SETTINGS).unwrap();
    }
    let mut args = vec![
        "notebook",
        "--output",
        path(folder),
        "--simulation",
        path(&settings),
        "--set",
        "NT=16448",
    ];
    args.extend(options);
    let done = ferrosort(&args);
    assert!(done.status.success(), "{}", stderr(&done));
    done
}

#[test]
fn operations_are_done_once_and_again_when_forced_or_changed() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("notebook");
    let first = notebook(&folder, &[]);
    assert!(!stderr(&first).contains("skipped"), "{}", stderr(&first));
    assert!(stdout(&first).contains("kilosort2 against truth"), "{}", stdout(&first));
    for name in [
        "recording",
        "kilosort2",
        "pykilosort",
        "report.html",
        "comparison.json",
        "tables",
        "notebook.json",
    ] {
        assert!(names(&folder).iter().any(|n| n == name), "{name}");
    }
    let skipped = |done: &std::process::Output| -> Vec<String> {
        let said = stderr(done);
        let lines = said
            .lines()
            .filter_map(|line| line.strip_suffix(": nothing changed, skipped"));
        lines.map(String::from).collect()
    };
    let second = notebook(&folder, &[]);
    assert_eq!(skipped(&second), ["simulate", "kilosort2", "pykilosort", "compare"]);
    assert_eq!(stdout(&first), stdout(&second));
    // The recording comes out the same, so that nothing follows.
    let forced = notebook(&folder, &["--force", "simulate,kilosort2"]);
    assert!(
        skipped(&forced).contains(&"pykilosort".to_string()),
        "{:?}",
        skipped(&forced)
    );
    assert!(!skipped(&forced).contains(&"simulate".to_string()));
    let changed = notebook(&folder, &["--seed", "5"]);
    assert_eq!(skipped(&changed), Vec::<String>::new());
    // Results made elsewhere take the place of a sorting.
    let elsewhere = scratch.path().join("elsewhere");
    fs::rename(folder.join("pykilosort"), &elsewhere).unwrap();
    let given = notebook(&folder, &["--seed", "5", "--pykilosort-results", path(&elsewhere)]);
    assert!(skipped(&given).contains(&"kilosort2".to_string()) && !folder.join("pykilosort").exists());
}

#[test]
fn options_come_from_flags_variables_and_a_file_in_this_order() {
    let scratch = TempDir::new().unwrap();
    let config = scratch.path().join("notebook.toml");
    let run = |text: &str, variables: &[(&str, &str)], flags: &[&str]| {
        fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferrosort"));
        command.args(["notebook", "--config", path(&config)]).args(flags);
        command.envs(variables.iter().copied());
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{}", stderr(&done));
        stderr(&done)
    };
    // Each names a simulation that does not exist: the message tells which one was meant.
    let output = format!("output = \"{}\"\n", scratch.path().join("n").display());
    let file = format!("{output}simulation = \"of-the-file\"\n");
    assert!(run(&file, &[], &[]).contains("of-the-file"));
    let variable = [("FERROSORT_SIMULATION", "of-the-variable")];
    assert!(run(&file, &variable, &[]).contains("of-the-variable"));
    assert!(run(&file, &variable, &["--simulation", "of-the-flag"]).contains("of-the-flag"));
    assert!(run("", &[], &[]).contains("needs a folder"));
    assert!(run("colour = 1\n", &[], &[]).contains("colour"));
    assert!(run(&file, &[], &["--force", "sorting"]).contains("--force sorting names no operation"));
}
