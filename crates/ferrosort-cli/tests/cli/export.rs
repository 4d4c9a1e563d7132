//! Exports of sortings. That other programs read them is tested in tests/python/test_export.py.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{contents, ferrosort, path, recording, sort, stderr, stdout};

#[test]
fn every_format_is_written_replaced_and_the_same_again() {
    let scratch = TempDir::new().unwrap();
    let sorting = scratch.path().join("sorting");
    sort(&sorting, &["--quiet"]);
    for format in ["alf", "spikeinterface", "tsv", "csv"] {
        let output = scratch.path().join(format);
        let mut args = vec!["export", path(&sorting), "--format", format, "--output", path(&output)];
        let done = ferrosort(&args);
        assert!(done.status.success(), "{}", stderr(&done));
        assert!(stdout(&done).contains("written:"), "{}", stdout(&done));
        let first = contents(&output);
        assert!(first.len() > 2, "{format}");
        args.extend(["--overwrite", "--threads", "1"]);
        assert!(ferrosort(&args).status.success());
        assert!(contents(&output) == first, "{format} differs when it is written again");
    }
    let units = fs::read_to_string(scratch.path().join("csv/units.csv")).unwrap();
    assert!(
        units.starts_with("unit,label,x_um,y_um,channel,ptp_uv,num_spikes,"),
        "{units}"
    );
    let exported = scratch.path().join("spikeinterface");
    let back = ["compare", path(&sorting), path(&exported)];
    let done = ferrosort(back.into_iter().chain(["--no-recording", "--json", "-"]));
    let numbers: Value = serde_json::from_str(&stdout(&done)).unwrap();
    assert!(numbers.is_object(), "{}", stderr(&done));
}

#[test]
fn the_truth_of_a_simulation_is_exported_with_its_motion() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("motion");
    let done = ferrosort([
        "export",
        path(recording()),
        "--truth",
        "--format",
        "motion",
        "--output",
        path(&output),
    ]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(output.join("displacement_seg0.npy").is_file());
    let file = scratch.path().join("truth.nwb");
    let done = ferrosort([
        "export",
        path(recording()),
        "--format",
        "nwb",
        "--output",
        path(&file),
        "--metadata",
        "session_start_time=2026-03-01T14:30:00+01:00",
        "--log-format",
        "json",
    ]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(!stderr(&done).contains("1970"), "{}", stderr(&done));
    assert!(fs::read(&file).unwrap().starts_with(b"\x89HDF"));
}
