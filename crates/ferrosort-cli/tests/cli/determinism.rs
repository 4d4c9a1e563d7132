//! The same bytes whatever the machine gives a run (docs/guarantees.md).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{CHANNELS, array, contents, ferrosort, manifest, path, recording, sort, stderr};

/// Sorts with these options and compares with what no options give.
fn same_with(all: &[&[&str]]) {
    let scratch = TempDir::new().unwrap();
    let run = |name: &str, options: &[&str]| {
        let folder = scratch.path().join(name);
        sort(&folder, &[&["--quiet", "--algorithm", "auto"], options].concat());
        contents(&folder)
    };
    let plain = run("plain", &[]);
    assert!(
        manifest(&scratch.path().join("plain"))["result"]["spikes"]
            .as_u64()
            .unwrap()
            > 100
    );
    for options in all {
        let other = run(&options.concat(), options);
        assert_eq!(plain.len(), other.len());
        for (a, b) in plain.iter().zip(&other) {
            assert!(a == b, "{options:?}: {} differs", a.0);
        }
    }
}

#[test]
fn threads_chunks_and_memory_change_nothing() {
    same_with(&[
        &["--threads", "1"],
        &["--threads", "4"],
        &["--chunk-seconds", "0.1"],
        &["--chunk-seconds", "1"],
        &["--chunk-seconds", "7"],
        &["--memory", "120M", "--threads", "3"],
    ]);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn vector_instructions_change_nothing() {
    let levels: Vec<&[&str]> = [
        (true, ["--simd", "baseline"].as_slice()),
        (is_x86_feature_detected!("avx2"), &["--simd", "avx2"]),
        (is_x86_feature_detected!("avx512bw"), &["--simd", "avx512"]),
    ]
    .into_iter()
    .filter_map(|(has, options)| has.then_some(options))
    .collect();
    same_with(&levels);
}

/// The recording with its columns in another order, and a probe that says so.
fn shuffled(folder: &Path) {
    let column_of = |channel: usize| (channel * 5 + 3) % CHANNELS;
    fs::create_dir(folder).unwrap();
    let samples = fs::read(recording().join("recording.bin")).unwrap();
    let mut moved = vec![0u8; samples.len()];
    for (from, to) in samples
        .chunks_exact(2 * CHANNELS)
        .zip(moved.chunks_exact_mut(2 * CHANNELS))
    {
        for c in 0..CHANNELS {
            to[2 * column_of(c)..][..2].copy_from_slice(&from[2 * c..][..2]);
        }
    }
    fs::write(folder.join("recording.bin"), moved).unwrap();
    fs::copy(recording().join("meta.json"), folder.join("meta.json")).unwrap();
    let mut probe: Value = serde_json::from_slice(&fs::read(recording().join("probe.json")).unwrap()).unwrap();
    for index in probe["probes"][0]["device_channel_indices"].as_array_mut().unwrap() {
        *index = column_of(index.as_u64().unwrap() as usize).into();
    }
    fs::write(folder.join("probe.json"), probe.to_string()).unwrap();
}

#[test]
fn the_order_of_channels_in_the_file_changes_only_their_numbers() {
    let scratch = TempDir::new().unwrap();
    let (other, out) = (scratch.path().join("shuffled"), scratch.path().join("out"));
    shuffled(&other);
    sort(&out, &["--quiet", "--algorithm", "auto"]);
    let done = ferrosort([
        "sort",
        path(&other),
        "--output",
        path(&scratch.path().join("out2")),
        "--quiet",
    ]);
    assert!(done.status.success(), "{}", stderr(&done));
    let named =
        |folder: &str| -> BTreeMap<String, Vec<u8>> { contents(&scratch.path().join(folder)).into_iter().collect() };
    let (a, b) = (named("out"), named("out2"));
    for name in [
        "spike_times.npy",
        "spike_clusters.npy",
        "amplitudes.npy",
        "templates.npy",
        "cluster_group.tsv",
    ] {
        assert!(a[name] == b[name], "{name} differs");
    }
    assert_ne!(
        array(&scratch.path().join("out/channel_map.npy")),
        array(&scratch.path().join("out2/channel_map.npy"))
    );
}
