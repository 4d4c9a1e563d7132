//! One page over several results.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ferrosort, manifest, names, path, sort, stderr, stdout};

#[test]
fn results_are_summed_up_with_their_reports_and_what_is_missing() {
    let scratch = TempDir::new().unwrap();
    let at = |name: &str| scratch.path().join(name).join("sorting");
    for (name, algorithm) in [("monday", "auto"), ("tuesday", "kilosort2")] {
        sort(&at(name), &["--algorithm", algorithm, "--time-range", "..4", "--quiet"]);
    }
    fs::write(at("monday").with_file_name("report.html"), "").unwrap();
    fs::create_dir_all(scratch.path().join("wednesday/.sorting.unfinished")).unwrap();
    let (page, json) = (scratch.path().join("all.html"), scratch.path().join("all.json"));
    let folders = ["monday", "tuesday", "wednesday"].map(|name| path(&at(name)).to_string());
    let mut args: Vec<&str> = vec!["summary"];
    args.extend(folders.iter().map(String::as_str));
    args.extend(["--output", path(&page), "--json", path(&json), "--title", "A week"]);
    let done = ferrosort(&args);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(
        stderr(&done).contains("warning:") && stderr(&done).contains("not finished"),
        "{}",
        stderr(&done)
    );
    assert!(
        stdout(&done).contains("2 of 3 recordings are sorted"),
        "{}",
        stdout(&done)
    );
    let sessions: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    for (place, name) in ["monday", "tuesday"].into_iter().enumerate() {
        let (session, result) = (&sessions[place], &manifest(&at(name))["result"]);
        let facts = &session["finished"];
        assert_eq!(session["name"], name);
        assert_eq!(facts["spikes"], result["spikes"]);
        let count = |key: &str| facts[key].as_u64().unwrap();
        assert_eq!(count("good") + count("mua") + count("noise"), count("units"));
        assert_eq!(count("units"), result["units"].as_u64().unwrap());
    }
    assert_eq!(sessions[0]["report"], "monday/report.html");
    assert!(sessions[2]["missing"].as_str().unwrap().contains("goes on"));
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("<title>A week</title>") && html.contains("href=\"monday/report.html\""));
    let again = ferrosort(&args);
    assert_eq!(again.status.code(), Some(2), "an existing page is not replaced");
    let found = names(scratch.path());
    assert_eq!(found, ["all.html", "all.json", "monday", "tuesday", "wednesday"]);
}
