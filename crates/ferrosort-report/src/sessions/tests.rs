#![allow(clippy::unwrap_used)]
use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A folder as `ferrosort sort` leaves it, as far as the page reads it.
fn sorting(root: &Path, name: &str, warnings: &[&str]) -> PathBuf {
    let folder = root.join(name).join("sorting");
    fs::create_dir_all(&folder).unwrap();
    let manifest = json!({
        "ferrosort": "0.1.0", "algorithm": "auto", "warnings": warnings,
        "recording": {"duration_s": 600.0}, "probe": {"channels_sorted": [0, 1, 2, 3]},
        "result": {
            "spikes": 123_456, "units": 9, "good_units": 5, "mua_units": 3, "noise_units": 1, "motion_um": [-10.0, 15.5],
        },
        "timings": {"threads": 2, "total_s": 60.0},
    });
    fs::write(folder.join("run.json"), manifest.to_string()).unwrap();
    folder
}

#[test]
fn every_session_has_a_row_with_its_numbers_and_its_report() {
    let root = TempDir::new().unwrap();
    let folders = [
        sorting(root.path(), "mouse 1", &[]),
        sorting(root.path(), "b<i>", &["too few & short"]),
    ];
    fs::write(folders[0].with_file_name("sorting-report.html"), "").unwrap();
    let sessions = read_sessions(&folders, root.path()).unwrap();
    assert_eq!(sessions[0].name, "mouse 1");
    assert_eq!(
        sessions[0].report.as_deref(),
        Some(Path::new("mouse 1/sorting-report.html"))
    );
    assert_eq!(sessions[1].report, None);
    let facts = sessions[1].facts().unwrap();
    assert_eq!((facts.good, facts.mua, facts.noise), (5, Some(3), Some(1)));
    assert_eq!((facts.motion_um, facts.seconds), (Some([-10.0, 15.5]), Some(60.0)));
    let page = render_sessions("Night", &sessions).unwrap();
    for part in [
        "2 recordings are sorted; 1 sorting gave warnings.",
        "href=\"mouse%201/sorting-report.html\"",
        "123\u{202f}456",
        "26 µm",
        "10.0 ×",
        "20.0 min",
    ] {
        assert!(page.contains(part), "no '{part}' in {page}");
    }
    assert!(
        !page.contains("b<i>") && !page.contains("few & short"),
        "names and warnings are escaped"
    );
}

#[test]
fn what_has_no_result_says_why() {
    let root = TempDir::new().unwrap();
    let at = |name: &str| root.path().join(name).join("sorting");
    let good = sorting(root.path(), "good", &[]);
    fs::create_dir_all(root.path().join("killed/.sorting.unfinished")).unwrap();
    fs::create_dir_all(at("empty")).unwrap();
    fs::create_dir_all(at("damaged")).unwrap();
    fs::write(at("damaged").join("run.json"), "{").unwrap();
    fs::create_dir_all(at("old")).unwrap();
    fs::write(at("old").join("run.json"), "{\"ferrosort\": \"0.0.1\"}").unwrap();
    let folders = [good, at("killed"), at("empty"), at("damaged"), at("old"), at("absent")];
    let sessions = read_sessions(&folders, root.path()).unwrap();
    let reasons: Vec<&str> = sessions
        .iter()
        .filter_map(|s| match &s.state {
            State::Missing(reason) => Some(reason.as_str()),
            State::Finished(_) => None,
        })
        .collect();
    let expected = [
        "not finished",
        "no run.json",
        "not valid JSON",
        "no number of spikes",
        "no such folder",
    ];
    assert_eq!(reasons.len(), expected.len());
    for (reason, part) in reasons.iter().zip(expected) {
        assert!(reason.contains(part), "{reason}");
    }
    assert!(
        render_sessions("Night", &sessions)
            .unwrap()
            .contains("5 have no result")
    );
    let error = read_sessions(&folders[1..2], root.path()).unwrap_err();
    assert!(
        error.exit_code() == 2 && error.to_string().contains("not finished"),
        "{error}"
    );
}
