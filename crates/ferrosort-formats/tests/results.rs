//! Results as other programs write them: files made by `tests/data/results/make_results.py`, and a real run of
//! pykilosort.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use ferrosort_core::{ProcessedLayout, RunKind, SortingRun, TemplateUnit};
use ferrosort_formats::npy::{NpyValues, Npz, write_slice};
use ferrosort_formats::results::{ReadOptions, read_run};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/results")
        .join(name)
}

fn read(path: &Path) -> SortingRun {
    read_run(path, &ReadOptions::default()).unwrap()
}

fn refusal(path: &Path) -> String {
    let error = read_run(path, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

fn expected(name: &str) -> Vec<f64> {
    let all: Value = serde_json::from_slice(&fs::read(data("expected.json")).unwrap()).unwrap();
    serde_json::from_value(all["kilosort2"][name].clone()).unwrap()
}

/// Largest difference, in units of the largest expected value.
fn error(found: impl IntoIterator<Item = f64>, expected: &[f64]) -> f64 {
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    found
        .iter()
        .zip(expected)
        .fold(0.0, |a: f64, (f, e)| a.max((f - e).abs()))
        / largest
}

fn doubles<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<f64> {
    values.into_iter().map(|&v| f64::from(v)).collect()
}

#[test]
fn rez_alone_gives_spikes_templates_and_intermediates() {
    let run = read(&data("kilosort2"));
    assert_eq!((run.kind, run.name.as_str()), (RunKind::Kilosort2, "kilosort2"));
    assert_eq!((run.sample_rate, run.n_samples), (Some(25000.0), Some(256)));
    assert_eq!(run.spikes.samples, [10, 40, 40, 200]);
    assert_eq!(run.spikes.units, [0, 0, 1, 1]);
    assert_eq!(run.spikes.amplitudes, Some(vec![20.0, 22.0, 12.0, 14.0]));
    assert_eq!(run.spikes.scores, Some(vec![21.0, 23.0, 13.0, 15.0]));
    let labels: Vec<_> = run
        .units
        .iter()
        .map(|u| (u.id.as_str(), u.label.as_deref(), u.contamination_pct))
        .collect();
    assert_eq!(labels, [("0", Some("good"), Some(5.0)), ("1", Some("mua"), Some(50.0))]);

    let templates = run.templates.as_ref().unwrap();
    assert_eq!(templates.waveforms.dim(), (2, 9, 3));
    assert_eq!(templates.spike_at, 5, "three zeros, then nt0min");
    assert!(error(doubles(&templates.waveforms), &expected("templates")) < 1e-6);
    let physical = run.physical_templates.as_ref().unwrap();
    assert_eq!(physical.unit, TemplateUnit::Counts);
    assert!(error(doubles(&physical.waveforms), &expected("physical")) < 1e-5);
    assert_eq!(run.similarity.as_ref().unwrap()[(0, 1)], 0.25);

    let known = &run.intermediates;
    // Not symmetric: a transposed matrix would fail.
    assert_eq!(
        known.whitening.as_ref().unwrap().iter().copied().collect::<Vec<_>>(),
        expected("wrot")
    );
    assert_eq!((known.counts_per_sd, known.batch_samples), (Some(200.0), Some(64)));
    assert!(error(known.ccb.clone().unwrap(), &expected("ccb")) < 1e-6);
    assert!(error(known.ccbsort.clone().unwrap(), &expected("ccbsort")) < 1e-6);
    assert_eq!(known.order, Some(vec![2, 0, 3, 1]));
    assert_eq!(run.parameters["Th"], json!([10, 4]));
    assert_eq!(run.parameters["fproc"], "D:\\data\\temp_wh.dat");

    let contacts = &run.probe.unwrap().contacts;
    let sites: Vec<_> = contacts.iter().map(|c| (c.channel, c.x_um, c.y_um, c.shank)).collect();
    assert_eq!(sites, [(3, 10.0, 0.0, 1), (0, 20.0, 25.0, 1), (1, 30.0, 50.0, 2)]);
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
}

#[test]
fn an_old_rez_reads_like_a_new_one() {
    let (new, old) = (read(&data("kilosort2")), read(&data("kilosort2_v5")));
    assert_eq!((old.kind, &old.spikes, &old.units), (new.kind, &new.spikes, &new.units));
    assert_eq!(old.templates, new.templates);
    assert_eq!(old.intermediates, new.intermediates);
    assert_eq!((old.probe, old.parameters), (new.probe, new.parameters));
}

#[test]
fn the_processed_file_of_kilosort2_is_found_beside_rez() {
    let folder = TempDir::new().unwrap();
    fs::copy(data("kilosort2/rez.mat"), folder.path().join("rez.mat")).unwrap();
    fs::write(folder.path().join("temp_wh.dat"), [0u8; 2 * 4 * 96 * 3]).unwrap();
    let processed = read(folder.path()).processed.unwrap();
    assert_eq!(processed.path, folder.path().join("temp_wh.dat"));
    assert_eq!(
        (processed.n_channels, processed.batch_samples, processed.margin_samples),
        (3, 96, 32)
    );
    assert_eq!(processed.layout, Some(ProcessedLayout::Planar));
    assert_eq!(processed.first_samples, Some(vec![0, 32, 96, 160]));
}

#[test]
fn fields_at_the_root_without_spikes_still_give_the_intermediates() {
    let run = read(&data("kilosort2_root/rez2.mat"));
    assert!(run.spikes.is_empty() && run.units.is_empty());
    assert_eq!(run.intermediates.order, Some(vec![2, 0, 3, 1]));
    assert!(run.warnings.iter().any(|warning| warning.contains("st3")));
}

#[test]
fn the_truth_of_an_emouse_simulation_counts_from_0_here() {
    let run = read_run(
        &data("emouse"),
        &ReadOptions {
            sample_rate: Some(30000.0),
            ..ReadOptions::default()
        },
    )
    .unwrap();
    assert_eq!(run.kind, RunKind::Truth);
    assert_eq!(run.spikes.samples, [40, 99, 249]);
    assert_eq!(run.spikes.units, [1, 0, 1]);
    let ids: Vec<&str> = run.units.iter().map(|unit| unit.id.as_str()).collect();
    assert_eq!(ids, ["3", "12"]);
    assert_eq!(run.spikes.depths_um, Some(vec![30.5, 60.25, 31.5]));
    let truth = run.truth.unwrap();
    assert!(truth.exhaustive);
    assert_eq!(truth.known_offset_samples, 1);
}

#[test]
fn the_truth_of_a_kilosort4_simulation_knows_its_background() {
    let run = read(&data("kilosort4_params.npz"));
    assert_eq!(run.spikes.samples, [20, 30, 50]);
    assert_eq!(run.spikes.units, [3, 1, 0]);
    let background: Vec<bool> = run.units.iter().map(|unit| unit.is_background).collect();
    assert_eq!(background, [false, false, true, true]);
}

#[test]
fn sortings_of_spikeinterface_read_from_packs_and_folders() {
    let options = ReadOptions {
        keep_empty_units: true,
        ..ReadOptions::default()
    };
    for name in ["spikeinterface/sorting.npz", "spikeinterface/numpy_folder"] {
        let run = read_run(&data(name), &options).unwrap();
        assert_eq!(
            (run.kind, run.sample_rate),
            (RunKind::SpikeInterface, Some(20000.0)),
            "{name}"
        );
        assert_eq!(run.spikes.samples, [5, 9, 9, 30], "{name}");
        assert_eq!(run.spikes.units, [0, 0, 1, 1], "{name}");
        let ids: Vec<&str> = run.units.iter().map(|unit| unit.id.as_str()).collect();
        assert_eq!(ids, ["b", "a", "silent"], "{name}");
    }
    let folder = read(&data("spikeinterface/numpy_folder"));
    assert_eq!(folder.units.len(), 2);
    assert_eq!(folder.units[1].label.as_deref(), Some("mua"));
    assert_eq!(folder.units[1].position_um, Some([4.0, 5.0, 6.0]));
    let old = read(&data("spikeinterface/npz_folder"));
    let ids: Vec<&str> = old.units.iter().map(|unit| unit.id.as_str()).collect();
    assert_eq!((ids, old.spikes.units), (vec!["3", "7"], vec![1, 0, 1, 0]));
    assert!(refusal(&data("spikeinterface/two_segments.npz")).contains("2 segments"));
}

#[test]
fn spike_trains_of_mearec_become_samples() {
    let run = read(&data("mearec.h5"));
    assert_eq!((run.sample_rate, run.n_samples), (Some(32000.0), Some(320_000)));
    assert_eq!(run.spikes.samples, [32, 8000, 16000]);
    assert_eq!(run.spikes.units, [0, 1, 0]);
    assert_eq!(run.units.len(), 3);
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
}

#[test]
fn compressed_packs_read_in_any_order_and_endianness() {
    let mut pack = Npz::open(&data("compressed.npz")).unwrap();
    assert_eq!(pack.names(), ["a", "text"]);
    let array = pack.require("a").unwrap();
    assert_eq!(
        (array.shape.as_slice(), array.values),
        ([3, 2].as_slice(), NpyValues::Integers(vec![0, 3, 1, 4, 2, 5]))
    );
    assert_eq!(pack.require("text").unwrap().into_texts(), ["é", "bc"]);
    assert!(pack.read("b").unwrap().is_none());
    assert!(pack.require("b").unwrap_err().to_string().contains("it has: a, text"));
    let mut objects = Npz::open(&data("kilosort4_params.npz")).unwrap();
    assert!(objects.read("note").unwrap_err().to_string().contains("Python objects"));
}

/// Writes every array of a golden pack as a file; texts (`*_tsv`, `*_py`) as they were called.
fn unpack(pack: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut pack = Npz::open(pack).unwrap();
    for name in pack.names() {
        let array = pack.require(&name).unwrap();
        let path = folder.join(format!("{name}.npy"));
        match array.values {
            NpyValues::Integers(values) => write_slice(&path, &array.shape, &values).unwrap(),
            NpyValues::Singles(values) => write_slice(&path, &array.shape, &values).unwrap(),
            NpyValues::Doubles(values) => write_slice(&path, &array.shape, &values).unwrap(),
            NpyValues::Texts(texts) => {
                let name = name.replace("_tsv", ".tsv").replace("_py", ".py");
                fs::write(folder.join(name), texts.concat()).unwrap();
            }
        }
    }
}

/// The folder of a real run of pykilosort as the program lays it out, or `None`, visibly, where there is none.
#[allow(clippy::print_stderr)]
fn pykilosort(variant: &str) -> Option<TempDir> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/pykilosort");
    if !golden.is_dir() {
        eprintln!("SKIPPED: no real run of pykilosort in ../shared/golden");
        return None;
    }
    let folder = TempDir::new().unwrap();
    unpack(
        &golden.join(format!("{variant}_phy.npz")),
        &folder.path().join("output"),
    );
    unpack(
        &golden.join(format!("{variant}_intermediates.npz")),
        &folder.path().join(".kilosort/recording"),
    );
    Some(folder)
}

#[test]
fn a_real_run_of_pykilosort_reads_from_any_of_its_folders() {
    let Some(folder) = pykilosort("default") else {
        return;
    };
    let whole = read(folder.path());
    assert_eq!(whole.kind, RunKind::Pykilosort);
    assert_eq!((whole.spikes.len(), whole.units.len()), (3336, 58));
    assert_eq!(whole.templates.as_ref().unwrap().waveforms.dim(), (58, 82, 57));
    assert_eq!(whole.intermediates.order.as_ref().unwrap().len(), 37);
    assert_eq!(whole.intermediates.whitening.as_ref().unwrap().dim(), (57, 57));
    assert!(whole.spikes.scores.is_some());
    // The same result from the context folder, and the phy files alone.
    let context = read(&folder.path().join(".kilosort/recording"));
    assert_eq!((context.kind, &context.spikes), (RunKind::Pykilosort, &whole.spikes));
    let phy = read(&folder.path().join("output"));
    assert_eq!((phy.kind, phy.sample_rate), (RunKind::Phy, Some(30000.0)));
    assert_eq!(phy.spikes.samples, whole.spikes.samples);
}

#[test]
fn unwhitened_sizes_are_the_amplitudes_that_pykilosort_wrote() {
    let Some(folder) = pykilosort("default") else {
        return;
    };
    let folder = folder.path().join("output");
    let run = read(&folder);
    let table = fs::read_to_string(folder.join("cluster_Amplitude.tsv")).unwrap();
    let written = table
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(1).unwrap().parse::<f32>().unwrap());
    let physical = &run.physical_templates.unwrap().waveforms;
    let mut n = 0;
    for (unit, written) in written.enumerate() {
        let channel = run.units[unit].best_channel.unwrap();
        let trace: Vec<f32> = (0..82).map(|sample| physical[(unit, sample, channel)]).collect();
        let range = trace.iter().copied().fold(f32::MIN, f32::max) - trace.iter().copied().fold(f32::MAX, f32::min);
        assert!((range - written).abs() < 0.051, "unit {unit}: {range} for {written}");
        n += 1;
    }
    assert_eq!(n, 58);
}

#[test]
fn the_context_of_pykilosort_alone_gives_the_same_spikes_and_templates() {
    let Some(folder) = pykilosort("seed") else {
        return;
    };
    let with_phy = read(folder.path());
    fs::remove_dir_all(folder.path().join("output")).unwrap();
    let alone = read(folder.path());
    assert_eq!(alone.spikes.samples, with_phy.spikes.samples);
    assert_eq!(alone.spikes.units, with_phy.spikes.units);
    let (a, b) = (alone.templates.unwrap(), with_phy.templates.unwrap());
    assert_eq!(a.spike_at, b.spike_at);
    assert_eq!(a.waveforms.dim(), b.waveforms.dim());
    assert!(error(doubles(&a.waveforms), &doubles(&b.waveforms)) < 1e-5);
}

/// A copy with changed bytes, cut short.
fn damaged(original: &Path, copy: &Path, changes: &[(usize, u8)], keep: f64) {
    let mut bytes = fs::read(original).unwrap();
    let n = bytes.len();
    for &(at, value) in changes {
        bytes[at % n] = value;
    }
    bytes.truncate((n as f64 * keep).ceil() as usize);
    fs::write(copy, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        keep in prop_oneof![Just(1.0), 0.0..1.0],
    ) {
        let folder = TempDir::new().unwrap();
        for name in ["kilosort2/rez.mat", "kilosort2_v5/rez.mat", "spikeinterface/sorting.npz", "kilosort4_params.npz", "mearec.h5", "emouse/eMouseGroundTruth.mat"] {
            let copy = folder.path().join(Path::new(name).file_name().unwrap());
            damaged(&data(name), &copy, &changes, keep);
            let _ = read_run(&copy, &ReadOptions::default());
        }
    }

    #[test]
    fn damaged_tables_and_parameters_never_panic(text in "([0-9a-z,;\t\n\"'= \\[\\]{}().:_-]|sample|unit|sample_rate){0,60}") {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("spikes.csv"), &text).unwrap();
        let _ = read_run(&at("spikes.csv"), &ReadOptions::default());
        write_slice(&at("spike_times.npy"), &[1], &[1i64]).unwrap();
        write_slice(&at("spike_clusters.npy"), &[1], &[0i64]).unwrap();
        fs::write(at("params.py"), &text).unwrap();
        fs::write(at("cluster_group.tsv"), &text).unwrap();
        prop_assert_eq!(read(folder.path()).spikes.len(), 1);
    }
}
