//! `compare` and `report`: what they write, and what they say of inputs that do not fit.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ferrosort, names, path, recording, sort, stderr, stdout};

/// A table of spikes: sample, unit.
fn table(folder: &Path, name: &str, spikes: &[(i64, &str)]) -> PathBuf {
    let file = folder.join(name);
    let rows: Vec<String> = spikes.iter().map(|(sample, unit)| format!("{sample},{unit}")).collect();
    fs::write(&file, format!("sample,unit\n{}\n", rows.join("\n"))).unwrap();
    file
}

/// Runs `compare` with these further options and returns the numbers.
fn numbers(a: &Path, b: &Path, options: &[&str]) -> Value {
    let mut args = vec!["compare", path(a), path(b), "--json", "-", "--no-recording"];
    args.extend(options);
    let done = ferrosort(&args);
    assert!(done.status.success(), "{}", stderr(&done));
    serde_json::from_str(&stdout(&done)).unwrap()
}

#[test]
fn two_tables_are_compared_and_every_number_has_its_name() {
    let scratch = TempDir::new().unwrap();
    let a = table(
        scratch.path(),
        "a.csv",
        &[(100, "x"), (200, "y"), (300, "x"), (400, "x")],
    );
    let b = table(
        scratch.path(),
        "b.csv",
        &[(105, "7"), (305, "7"), (500, "7"), (205, "9")],
    );
    let found = numbers(&a, &b, &["--sample-rate", "30000"]);
    assert_eq!(found["unit_ids_a"], serde_json::json!(["x", "y"]));
    assert_eq!(found["match_event_count"], serde_json::json!([[2, 0], [0, 1]]));
    assert_eq!(found["agreement"], serde_json::json!([[0.5, 0.0], [0.0, 1.0]]));
    assert_eq!(found["hungarian_match_12"], serde_json::json!([0, 1]));
    assert!(found.get("performance_by_unit").is_none());
    for name in [
        "match_event_count",
        "agreement_scores",
        "hungarian",
        "quality_metrics_A",
        "quality_metrics_B",
    ] {
        assert!(found["tables"][name]["rows"].is_array(), "{name}");
    }
    let found = numbers(&a, &b, &["--truth"]);
    assert_eq!(found["performance_by_unit"][0]["tp"], 2);
    assert_eq!(found["performance_by_unit"][0]["accuracy"], 0.5);
    assert!(found["warnings"][0].as_str().unwrap().contains("--sample-rate"));
    // A delay of five samples is within 0.4 ms, but not within 0.1 ms.
    let strict = numbers(&a, &b, &["--delta-ms", "0.1"]);
    assert_eq!(strict["match_event_count"], serde_json::json!([[0, 0], [0, 0]]));
    let moved = numbers(&a, &b, &["--delta-ms", "0.1", "--time-offset", "5"]);
    assert_eq!(moved["match_event_count"], serde_json::json!([[2, 0], [0, 1]]));
}

#[test]
fn a_sorting_is_compared_with_its_truth_and_reported() {
    let scratch = TempDir::new().unwrap();
    let sorting = scratch.path().join("sorting");
    sort(&sorting, &["--quiet", "--keep-processed"]);
    let (page, tables, json) = (
        scratch.path().join("r.html"),
        scratch.path().join("tables"),
        scratch.path().join("n.json"),
    );
    let args = [
        "compare",
        path(recording()),
        path(&sorting),
        "--report",
        path(&page),
        "--tables",
        path(&tables),
        "--json",
        path(&json),
    ];
    let done = ferrosort(args);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stdout(&done).contains("mean accuracy"), "{}", stdout(&done));
    let found: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(found["truth"], true);
    let units = found["performance_by_unit"].as_array().unwrap();
    assert_eq!(units.len(), 8);
    assert!(
        units.iter().any(|unit| unit["accuracy"].as_f64().unwrap() > 0.9),
        "{units:?}"
    );
    assert!(found["similarity"].is_array() && found["quality_metrics_B"]["columns"].is_array());
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>") || text.starts_with("<!doctype html>"));
    assert!(page.metadata().unwrap().len() < 10_000_000);
    for name in [
        "performance_by_unit.csv",
        "agreement_scores.csv",
        "quality_metrics_B.csv",
        "confusion_matrix.csv",
    ] {
        assert!(names(&tables).iter().any(|n| n == name), "{name}");
    }
    let again = ferrosort(args);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("--overwrite"), "{}", stderr(&again));

    let one = ferrosort(["report", path(&sorting)]);
    assert!(one.status.success(), "{}", stderr(&one));
    assert!(scratch.path().join("sorting-report.html").is_file());
}

#[test]
fn the_numbers_do_not_depend_on_the_number_of_threads() {
    let scratch = TempDir::new().unwrap();
    let sorting = scratch.path().join("sorting");
    sort(&sorting, &["--quiet"]);
    let run = |threads: &str| {
        let page = scratch.path().join(format!("{threads}.html"));
        let args = [
            "compare",
            path(recording()),
            path(&sorting),
            "--json",
            "-",
            "--threads",
            threads,
            "--report",
        ];
        let done = ferrosort(args.iter().copied().chain([path(&page)]));
        assert!(done.status.success(), "{}", stderr(&done));
        (done.stdout, fs::read(page).unwrap())
    };
    assert!(run("1") == run("2"));
}

#[test]
fn results_that_do_not_fit_are_reported_with_the_reasons() {
    let scratch = TempDir::new().unwrap();
    let a = table(scratch.path(), "a.csv", &[(100, "1"), (200, "2")]);
    let empty = table(scratch.path(), "empty.csv", &[]);
    let page = scratch.path().join("empty.html");
    let done = ferrosort(["compare", path(&a), path(&empty), "--report", path(&page)]);
    assert!(done.status.success() && page.is_file(), "{}", stderr(&done));
    let sorting = scratch.path().join("sorting");
    sort(&sorting, &["--quiet"]);
    let page = scratch.path().join("mixed.html");
    let done = ferrosort(["compare", path(&sorting), path(&a), "--report", path(&page)]);
    assert!(done.status.success() && page.is_file(), "{}", stderr(&done));
}
