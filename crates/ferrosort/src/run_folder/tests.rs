#![allow(clippy::unwrap_used)]
use ferrosort_core::{MemoryRecording, UnitLabel, UnitSummary};
use ndarray::{Array2, Array3, ArrayD, array};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::pipeline::StageTime;
use crate::settings::Algorithm;

fn outcome() -> Outcome {
    let unit = |label| UnitSummary {
        label,
        contamination_pct: 0.0,
        amplitude_counts: 10.0,
        threshold_sd: 4.0,
    };
    Outcome {
        sorting: Sorting {
            sample_rate: 1000.0,
            probe: Probe::line(3, 20.0).select(&[2, 0]),
            spike_times: vec![5, 7, 9],
            spike_units: vec![2, 0, 2],
            amplitudes: vec![1.0; 3],
            templates: Array3::zeros((3, 4, 2)),
            similar_templates: Array2::eye(3),
            whitening: Array2::eye(2),
            whitening_inverse: Array2::eye(2),
            units: vec![unit(UnitLabel::Mua), unit(UnitLabel::Good), unit(UnitLabel::Good)],
            pc_features: None,
            template_features: None,
        },
        intermediates: vec![
            (
                "Wrot",
                "`[channels, channels]`: whitening",
                Intermediate::F64(array![[1.0, 2.0]].into_dyn()),
            ),
            ("iorig", "`[batches]`: order", Intermediate::I64(ArrayD::zeros(vec![4]))),
        ],
        times: vec![StageTime {
            stage: "learn",
            seconds: 1.5,
        }],
        warnings: Vec::new(),
        choices: vec!["a choice".to_string()],
        motion_um: Some([-4.0, 6.5]),
    }
}

fn fill(folder: &RunFolder) {
    let recording = MemoryRecording::new(1000.0, 3, vec![0.0; 300], None).unwrap();
    let run = Run {
        recording: &recording,
        probe: &Probe::line(3, 20.0),
        settings: &Settings::new(Algorithm::Kilosort2),
        outcome: &outcome(),
        warnings: &["a warning".to_string()],
        threads: 2,
        seconds: 3.25,
    };
    folder.write(&run).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn refusal(output: &Path, overwrite: bool, inputs: &[PathBuf]) -> String {
    let error = RunFolder::create(output, overwrite, inputs).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

#[test]
fn a_finished_run_is_under_its_name_with_a_complete_manifest() {
    let parent = TempDir::new().unwrap();
    let output = parent.path().join("out");
    let folder = RunFolder::create(&output, false, &[]).unwrap();
    fs::write(folder.processed_file(), [0u8; 6]).unwrap();
    fill(&folder);
    assert!(!output.exists());
    folder.finish().unwrap();
    assert_eq!(names(parent.path()), ["out"]);

    let manifest: Value = serde_json::from_slice(&fs::read(output.join(MANIFEST)).unwrap()).unwrap();
    assert_eq!(manifest["algorithm"], json!("kilosort2"));
    assert_eq!(manifest["parameters"]["threshold"], json!([10.0, 4.0]));
    assert_eq!(manifest["compat"]["stale_row"], json!(false));
    assert_eq!(
        manifest["result"],
        json!({
            "spikes": 3, "templates": 3, "units": 2, "good_units": 1, "mua_units": 1, "noise_units": 0, "motion_um": [-4.0, 6.5],
        })
    );
    assert_eq!(manifest["probe"]["channels_sorted"], json!([2, 0]));
    assert_eq!(manifest["probe"]["contacts"].as_array().unwrap().len(), 3);
    assert_eq!(manifest["processed"]["file"], json!(PROCESSED));
    assert_eq!(manifest["intermediates"][0]["shape"], json!([1, 2]));
    assert_eq!(manifest["intermediates"][1]["dtype"], json!("int64"));
    assert_eq!(manifest["warnings"], json!(["a warning"]));
    assert_eq!(manifest["choices"], json!(["a choice"]));
    assert_eq!(
        manifest["timings"],
        json!({"threads": 2, "total_s": 3.25, "stages": [{"stage": "learn", "seconds": 1.5}]})
    );
    for entry in manifest["files"].as_array().unwrap() {
        let bytes = fs::read(output.join(entry["file"].as_str().unwrap())).unwrap();
        assert_eq!(entry["blake3"], json!(blake3::hash(&bytes).to_hex().to_string()));
        assert_eq!(entry["bytes"], json!(bytes.len()));
    }
    let listed: Vec<&str> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["file"].as_str().unwrap())
        .collect();
    for name in ["intermediates/iorig.npy", "params.py", "spike_times.npy", PROCESSED] {
        assert!(listed.contains(&name), "{name} in {listed:?}");
    }
    assert!(!listed.contains(&MANIFEST));
}

#[test]
fn a_run_that_is_given_up_leaves_nothing() {
    let parent = TempDir::new().unwrap();
    let folder = RunFolder::create(&parent.path().join("a/b/out"), false, &[]).unwrap();
    fill(&folder);
    drop(folder);
    assert_eq!(names(parent.path()), Vec::<String>::new());
}

#[test]
fn an_old_result_stays_until_the_new_one_is_complete() {
    let parent = TempDir::new().unwrap();
    let output = parent.path().join("out");
    let make = |overwrite| RunFolder::create(&output, overwrite, &[]);
    let first = make(false).unwrap();
    fill(&first);
    first.finish().unwrap();
    fs::write(output.join("cluster_group.tsv"), "curated").unwrap();
    assert!(refusal(&output, false, &[]).contains("pass --overwrite"));

    drop(make(true).unwrap());
    assert_eq!(fs::read_to_string(output.join("cluster_group.tsv")).unwrap(), "curated");

    let second = make(true).unwrap();
    fill(&second);
    assert_eq!(fs::read_to_string(output.join("cluster_group.tsv")).unwrap(), "curated");
    second.finish().unwrap();
    assert_ne!(fs::read_to_string(output.join("cluster_group.tsv")).unwrap(), "curated");
    assert_eq!(names(parent.path()), ["out"]);
}

#[test]
fn folders_that_are_no_sorting_are_never_replaced() {
    let parent = TempDir::new().unwrap();
    let output = parent.path().join("out");
    fs::create_dir(&output).unwrap();
    assert!(RunFolder::create(&output, true, &[]).is_ok(), "an empty folder");
    fs::write(output.join("notes.txt"), "mine").unwrap();
    assert!(refusal(&output, true, &[]).contains("neither empty nor a sorting"));
    fs::write(output.join("params.py"), "").unwrap();
    fs::write(output.join("spike_times.npy"), "").unwrap();
    assert!(refusal(&output, true, &[]).contains("'notes.txt'"));
    fs::remove_file(output.join("notes.txt")).unwrap();
    assert!(RunFolder::create(&output, true, &[]).is_ok(), "a phy folder");

    let input = output.join("spike_times.npy");
    assert!(refusal(&output, true, &[input]).contains("holds the input"));
    assert!(refusal(&output, true, std::slice::from_ref(&output)).contains("holds the input"));
    assert!(refusal(&output.join("params.py"), true, &[]).contains("is a file"));
    assert!(refusal(Path::new("/"), false, &[]).contains("has no name"));
}

#[test]
fn checkpoints_outlive_a_run_that_is_given_up_and_go_with_one_that_finishes() {
    let parent = TempDir::new().unwrap();
    let output = parent.path().join("a/out");
    let key = crate::checkpoint::Key::of(b"inputs");
    let create = || RunFolder::create(&output, false, &[]).unwrap();
    let first = create();
    assert_eq!(first.checkpoints_left(), None);
    fill(&first);
    first.checkpoints(Duration::ZERO).save("stage", key, &7u64).unwrap();
    drop(first);
    let hidden = parent.path().join("a/.out.unfinished");
    assert_eq!(names(&hidden), [LOCK, CHECKPOINTS, RESULT]);

    let second = create();
    assert_eq!(second.checkpoints_left(), Some(hidden.as_path()));
    assert_eq!(second.checkpoints(Duration::ZERO).load("stage", key), Some(7u64));
    assert!(refusal(&output, false, &[]).contains("another run is writing"));
    fill(&second);
    second.finish().unwrap();
    assert_eq!(names(&parent.path().join("a")), ["out"]);

    let mut third = RunFolder::create(&parent.path().join("b/out"), false, &[]).unwrap();
    third.checkpoints(Duration::ZERO).save("stage", key, &7u64).unwrap();
    third.forget_checkpoints();
    drop(third);
    assert_eq!(names(parent.path()), ["a"]);
}

#[test]
fn what_a_run_leaves_that_died_after_its_last_step_goes() {
    let parent = TempDir::new().unwrap();
    let output = parent.path().join("out");
    let folder = RunFolder::create(&output, false, &[]).unwrap();
    fill(&folder);
    folder.finish().unwrap();
    let hidden = parent.path().join(".out.unfinished");
    fs::create_dir_all(hidden.join(CHECKPOINTS)).unwrap();
    fs::write(hidden.join(LOCK), "").unwrap();
    assert!(refusal(&output, false, &[]).contains("exists"));
    assert_eq!(names(parent.path()), ["out"]);
}

#[test]
fn half_a_result_of_a_killed_run_goes() {
    let parent = TempDir::new().unwrap();
    let half = parent.path().join(".out.unfinished").join(RESULT);
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("spike_times.npy"), "half").unwrap();
    let folder = RunFolder::create(&parent.path().join("out"), false, &[]).unwrap();
    assert_eq!(names(&folder.path()), Vec::<String>::new());
    drop(folder);
    assert_eq!(names(parent.path()), Vec::<String>::new());
}

#[test]
fn an_old_result_moved_aside_by_a_dead_run_comes_back() {
    let parent = TempDir::new().unwrap();
    let output = parent.path().join("out");
    let aside = parent.path().join(".out.replaced");
    fs::create_dir(&aside).unwrap();
    fs::write(aside.join(MANIFEST), "old").unwrap();
    assert!(refusal(&output, false, &[]).contains("exists"));
    assert_eq!(fs::read_to_string(output.join(MANIFEST)).unwrap(), "old");
    assert_eq!(names(parent.path()), ["out"]);
}

#[test]
fn a_parent_that_cannot_be_made_is_an_io_error() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RunFolder::create(&file.join("out"), false, &[]).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
}
