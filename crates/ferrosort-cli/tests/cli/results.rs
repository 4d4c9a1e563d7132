//! What a finished run leaves on the disk.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CHANNELS, RATE, array, contents, ferrosort, manifest, names, path, samples, sort, stderr};

const PHY_FILES: [&str; 12] = [
    "amplitudes.npy",
    "channel_map.npy",
    "channel_positions.npy",
    "cluster_KSLabel.tsv",
    "cluster_group.tsv",
    "params.py",
    "similar_templates.npy",
    "spike_clusters.npy",
    "spike_templates.npy",
    "spike_times.npy",
    "templates.npy",
    "whitening_mat_inv.npy",
];

/// Checks what every sorting must have, whatever was found.
pub fn assert_valid(folder: &Path) {
    let found = names(folder);
    for name in PHY_FILES {
        assert!(found.iter().any(|n| n == name), "{name} is missing in {found:?}");
    }
    assert!(!found.iter().any(|n| n.contains("lock")), "{found:?}");
    let manifest = manifest(folder);
    let times = array(&folder.join("spike_times.npy"));
    assert!(times.is_sorted());
    assert_eq!(manifest["result"]["spikes"], json!(times.len()));
    let first = manifest["recording"]["first_sample"].as_u64().unwrap() as f64;
    let end = first + manifest["recording"]["n_samples"].as_u64().unwrap() as f64;
    assert!(
        times.iter().all(|&t| t >= first && t < end),
        "spikes outside the recording"
    );
    for name in [
        "amplitudes.npy",
        "templates.npy",
        "whitening_mat.npy",
        "whitening_mat_inv.npy",
    ] {
        assert!(
            array(&folder.join(name)).iter().all(|v| v.is_finite()),
            "{name} is not finite"
        );
    }
    for entry in manifest["intermediates"].as_array().unwrap() {
        let values = array(&folder.join(entry["file"].as_str().unwrap()));
        let shape = entry["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap() as usize);
        assert_eq!(values.len(), shape.product::<usize>(), "{entry}");
        assert!(!entry["meaning"].as_str().unwrap().is_empty());
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let scratch = TempDir::new().unwrap();
    for algorithm in ["auto", "kilosort2", "pykilosort"] {
        let run = |threads: &str| {
            let folder = scratch.path().join(format!("{algorithm}-{threads}"));
            let mut options = vec!["--quiet", "--algorithm", algorithm, "--threads", threads];
            if algorithm != "auto" {
                options.push("--keep-processed");
            }
            sort(&folder, &options);
            assert_eq!(manifest(&folder)["timings"]["threads"].to_string(), threads);
            folder
        };
        let (one, two) = (run("1"), run("2"));
        assert_valid(&one);
        let result = &manifest(&one)["result"];
        assert!(result["spikes"].as_u64().unwrap() > 100, "{algorithm}: {result}");
        for (a, b) in contents(&one).iter().zip(&contents(&two)) {
            assert!(a == b, "{algorithm}: {} and {} differ", a.0, b.0);
        }
        assert_eq!(contents(&one).len(), contents(&two).len());
    }
}

#[test]
fn intermediates_have_the_names_of_the_originals_and_processed_data_their_size() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("out");
    sort(&folder, &["--quiet", "--keep-processed"]);
    for name in [
        "Wrot", "ccb", "ccbsort", "iorig", "wPCA", "wTEMP", "W", "U", "mu", "simScore", "st3",
    ] {
        assert!(folder.join(format!("intermediates/{name}.npy")).exists(), "{name}");
    }
    let manifest = manifest(&folder);
    let processed = &manifest["processed"];
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    let batches = processed["first_samples"].as_array().unwrap().len();
    assert_eq!(batches, array(&folder.join("intermediates/iorig.npy")).len());
    let sorted = manifest["probe"]["channels_sorted"].as_array().unwrap().len();
    assert_eq!(number(&processed["n_channels"]), sorted);
    let bytes = fs::read(folder.join("processed.bin")).unwrap();
    assert_eq!(bytes.len(), 2 * batches * sorted * number(&processed["batch_samples"]));
    let squares = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&v| f64::from(i16::from_le_bytes(v)).powi(2));
    let sd = (squares.sum::<f64>() / (bytes.len() / 2) as f64).sqrt() / processed["counts_per_sd"].as_f64().unwrap();
    assert!((0.5..2.0).contains(&sd), "{sd}");
}

#[test]
fn every_file_and_every_key_of_the_manifest_is_documented() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/output.md");
    let page = fs::read_to_string(page).unwrap();
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("out");
    sort(&folder, &["--quiet", "--keep-processed"]);
    let manifest = manifest(&folder);
    let files = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["file"].as_str().unwrap());
    let names = files.map(|file| file.trim_start_matches("intermediates/").trim_end_matches(".npy"));
    for name in names.chain(manifest.as_object().unwrap().keys().map(String::as_str)) {
        let found = page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}.npy`"));
        assert!(found, "docs/output.md does not mention {name}");
    }
}

#[test]
fn a_flat_file_gives_the_same_spikes_as_the_folder() {
    let scratch = TempDir::new().unwrap();
    let whole = scratch.path().join("whole");
    sort(&whole, &["--quiet"]);
    // Of several files each is a segment, filtered apart (odd.rs).
    let flat = scratch.path().join("flat.bin");
    fs::copy(samples(), &flat).unwrap();
    let sorted = scratch.path().join("sorted");
    let probe = samples().with_file_name("probe.json");
    let args = [
        "sort",
        path(&flat),
        "--output",
        path(&sorted),
        "--probe",
        path(&probe),
        "--quiet",
        "--algorithm",
        "kilosort2",
    ];
    let params = scratch.path().join("opts.toml");
    fs::write(
        &params,
        format!("NT = 16448\nfs = {RATE}\nNchanTOT = {CHANNELS}\ntrange = [0, inf]\n"),
    )
    .unwrap();
    let done = ferrosort(args.iter().chain(&["--params", path(&params)]));
    assert!(done.status.success(), "{}", stderr(&done));
    for name in ["spike_times.npy", "spike_clusters.npy", "templates.npy"] {
        assert!(
            fs::read(whole.join(name)).unwrap() == fs::read(sorted.join(name)).unwrap(),
            "{name}"
        );
    }
    let py = fs::read_to_string(sorted.join("params.py")).unwrap();
    assert!(py.contains("../flat.bin"), "{py}");
}

#[test]
fn a_time_range_counts_from_the_start_of_the_file() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("out");
    sort(&folder, &["--quiet", "--time-range", "4..9"]);
    assert_valid(&folder);
    let times = array(&folder.join("spike_times.npy"));
    assert!(times.len() > 100);
    assert!(times[0] >= 4.0 * RATE && times[times.len() - 1] < 9.0 * RATE);
    assert_eq!(manifest(&folder)["recording"]["first_sample"], json!(120_000));
}

#[test]
fn overwriting_replaces_the_old_result_and_nothing_else() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("out");
    sort(&folder, &["--quiet", "--time-range", "..3"]);
    fs::write(folder.join("phy.log"), "curated").unwrap();
    sort(&folder, &["--quiet", "--time-range", "..4", "--overwrite"]);
    assert!(!folder.join("phy.log").exists());
    assert_eq!(manifest(&folder)["recording"]["n_samples"], json!(120_000));
    assert_eq!(names(scratch.path()), ["out"]);
}

#[test]
fn short_and_quiet_recordings_give_a_valid_result_that_says_what_was_skipped() {
    let scratch = TempDir::new().unwrap();
    let cases = [("short", 0.05, 20), ("tiny", 0.0005, 20), ("silent", 2.0, 0)];
    let algorithms = ["auto", "kilosort2"];
    for ((name, seconds, level), algorithm) in cases.iter().flat_map(|c| algorithms.map(|a| (*c, a))) {
        let file = scratch.path().join(format!("{name}.bin"));
        let n = (seconds * RATE) as usize * 4;
        let noise = |i: usize| ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as i16 % (level + 1);
        let bytes: Vec<u8> = (0..n).flat_map(|i| noise(i).to_le_bytes()).collect();
        fs::write(&file, bytes).unwrap();
        let folder = scratch.path().join(format!("{name}-{algorithm}"));
        let args = [
            "sort",
            path(&file),
            "--algorithm",
            algorithm,
            "--channels",
            "4",
            "--sample-rate",
            "30000",
            "--output",
            path(&folder),
        ];
        let done = ferrosort(args);
        assert!(done.status.success(), "{name}: {}", stderr(&done));
        assert_valid(&folder);
        assert!(
            stderr(&done).contains("warning: no probe was given"),
            "{}",
            stderr(&done)
        );
        let warnings = manifest(&folder)["warnings"].as_array().unwrap().len();
        assert!(
            warnings >= if algorithm == "auto" { 1 } else { 2 },
            "{name}: {}",
            manifest(&folder)["warnings"]
        );
    }
}
