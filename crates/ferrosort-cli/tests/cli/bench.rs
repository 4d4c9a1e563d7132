//! `bench`: recordings once, sortings every time, other sorters beside them.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ferrosort, path, stderr, stdout};

const RECORDING: &str = "tetrode-10s-seed1";

#[test]
fn a_suite_is_sorted_and_scored_and_its_recordings_are_kept() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("bench");
    let bench = |options: &[&str]| {
        let first = ["bench", "--suite", "test", "--output", path(&folder), "--threads", "2"];
        ferrosort(first.iter().chain(options))
    };
    let done = bench(&["--algorithm", "kilosort2"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stdout(&done).contains(RECORDING), "{}", stdout(&done));
    let read = || -> Value { serde_json::from_slice(&fs::read(folder.join("bench.json")).unwrap()).unwrap() };
    let first = read();
    let row = &first["rows"][0];
    assert_eq!(
        (row["recording"].as_str(), row["algorithm"].as_str()),
        (Some(RECORDING), Some("kilosort2"))
    );
    assert_eq!(row["score"]["n_units"], 8);
    assert_eq!(row["score"]["by_snr"].as_array().unwrap().len(), 4);
    assert!(row["cost"]["wall_s"].as_f64().unwrap() > 0.0);
    if cfg!(target_os = "linux") {
        assert!(row["cost"]["peak_bytes"].as_u64().unwrap() > 1 << 20, "{row}");
        assert!(row["cost"]["cpu_s"].as_f64().unwrap() > 0.0, "{row}");
    }
    assert_eq!(row["stages"][0]["name"], "channels");
    assert!(first["header"]["date"].as_str().unwrap().len() == 10);
    let page = fs::read_to_string(folder.join("bench.md")).unwrap();
    assert!(
        page.contains("| tetrode-10s-seed1 | kilosort2 |") && page.contains("by stage"),
        "{page}"
    );

    // The result as another sorter's: the same score, with the time that it says.
    let vs = scratch.path().join("others");
    fs::create_dir_all(vs.join(RECORDING)).unwrap();
    let other = vs.join(RECORDING).join("mine");
    fs::rename(folder.join("sortings").join(RECORDING).join("kilosort2"), &other).unwrap();
    fs::write(other.join("time.json"), r#"{"seconds": 2.5, "device": "a card"}"#).unwrap();
    let damaged = vs.join(RECORDING).join("nothing");
    fs::create_dir(&damaged).unwrap();
    let again = bench(&["--algorithm", "kilosort2", "--vs", path(&vs)]);
    assert_eq!(again.status.code(), Some(2), "{}", stderr(&again));
    assert!(stderr(&again).contains("already simulated"), "{}", stderr(&again));
    assert!(stderr(&again).contains("1 of 3 sortings failed"), "{}", stderr(&again));
    let rows = read()["rows"].clone();
    assert_eq!(rows[0]["score"], rows[1]["score"]);
    assert_eq!(rows[0]["score"], row["score"]);
    assert_eq!(rows[1]["cost"]["wall_s"], 2.5);
    assert_eq!(rows[1]["cost"]["device"], "a card");
    assert!(rows[2]["failure"].is_string(), "{rows}");
}
