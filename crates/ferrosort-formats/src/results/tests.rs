#![allow(clippy::unwrap_used)]
use std::fs;
use std::path::Path;

use ferrosort_core::{RunKind, TemplateUnit};
use ndarray::{Array3, array};
use tempfile::TempDir;

use super::*;
use crate::npy::{write_array, write_slice};

mod sources;

fn read(path: &Path) -> SortingRun {
    read_run(path, &ReadOptions::default()).unwrap()
}

fn refusal(path: &Path) -> String {
    let error = read_run(path, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

/// Two channels, three templates of four samples; spikes of templates 0, 2, 2, 1 with factors 2, 3, 5, 1.
fn phy_folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_slice(&at("spike_times.npy"), &[4, 1], &[10u64, 20, 30, 40]).unwrap();
    write_slice(&at("spike_templates.npy"), &[4, 1], &[0u32, 2, 2, 1]).unwrap();
    write_slice(&at("amplitudes.npy"), &[4, 1], &[2.0f64, 3.0, 5.0, 1.0]).unwrap();
    let mut templates = Array3::<f32>::zeros((3, 4, 2));
    templates[(0, 1, 0)] = -1.0;
    templates[(1, 1, 1)] = -1.0;
    templates[(2, 1, 0)] = -0.6;
    templates[(2, 2, 1)] = 0.8;
    write_array(&at("templates.npy"), &templates).unwrap();
    write_slice(&at("channel_map.npy"), &[2, 1], &[5i32, 3]).unwrap();
    write_slice(&at("channel_positions.npy"), &[2, 2], &[0.0f64, 0.0, 0.0, 25.0]).unwrap();
    // A row times this is whitened; its inverse is [[2, 0], [-4, 4]].
    write_array(&at("whitening_mat.npy"), &array![[0.5f64, 0.0], [0.5, 0.25]]).unwrap();
    let similar = array![[1.0f32, 0.1, 0.2], [0.1, 1.0, 0.3], [0.2, 0.3, 1.0]];
    write_array(&at("similar_templates.npy"), &similar).unwrap();
    fs::write(at("raw.dat"), [0u8; 8 * 2 * 50]).unwrap();
    let params = "dat_path = r'raw.dat'\nn_channels_dat = 8\ndtype = 'int16'\noffset = 0\nsample_rate = 25000.\nhp_filtered = False\n";
    fs::write(at("params.py"), params).unwrap();
    fs::write(
        at("cluster_KSLabel.tsv"),
        "cluster_id\tKSLabel\r\n0\tgood\r\n1\tmua\r\n2\tgood\r\n",
    )
    .unwrap();
    fs::write(at("cluster_group.tsv"), "cluster_id\tgroup\n1\tnoise\n").unwrap();
    folder
}

#[test]
fn a_phy_folder_reads_with_everything_in_it() {
    let folder = phy_folder();
    let run = read(folder.path());
    assert_eq!(run.kind, RunKind::Phy);
    assert_eq!((run.sample_rate, run.n_samples), (Some(25000.0), Some(50)));
    assert_eq!(run.recording, [folder.path().join("raw.dat")]);
    assert_eq!(run.spikes.samples, [10, 20, 30, 40]);
    assert_eq!(run.spikes.units, [0, 2, 2, 1]);
    assert_eq!(run.spikes.amplitudes, Some(vec![2.0, 3.0, 5.0, 1.0]));
    let labels: Vec<_> = run.units.iter().map(|unit| unit.label.as_deref()).collect();
    assert_eq!(labels, [Some("good"), Some("noise"), Some("good")]);
    let channels: Vec<usize> = run.probe.as_ref().unwrap().contacts.iter().map(|c| c.channel).collect();
    assert_eq!(channels, [5, 3]);
    assert_eq!(run.templates.as_ref().unwrap().spike_at, 1);
    assert_eq!(run.similarity.as_ref().unwrap()[(0, 2)], 0.2);
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
}

#[test]
fn templates_are_unwhitened_and_have_the_mean_amplitude_of_their_spikes() {
    let run = read(phy_folder().path());
    let physical = run.physical_templates.unwrap();
    assert_eq!(physical.unit, TemplateUnit::Counts);
    // Unit 2 has mean amplitude 4: -0.6 on channel 0 becomes 4 (-0.6 · [2, 0]), 0.8 on channel 1 becomes 4 (0.8 · [-4, 4]).
    let expected = [[0.0, 0.0], [-4.8, 0.0], [-12.8, 12.8], [0.0, 0.0]];
    for (sample, row) in expected.iter().enumerate() {
        for (channel, &value) in row.iter().enumerate() {
            assert!((physical.waveforms[(2, sample, channel)] - value).abs() < 1e-5);
        }
    }
    assert_eq!(run.units[2].best_channel, Some(0));
}

#[test]
fn clusters_merged_in_phy_have_the_weighted_mean_of_their_templates() {
    let folder = phy_folder();
    // Clusters 0 and 2 were merged into 7.
    write_slice(&folder.path().join("spike_clusters.npy"), &[4], &[7i32, 7, 7, 1]).unwrap();
    let run = read(folder.path());
    let ids: Vec<&str> = run.units.iter().map(|unit| unit.id.as_str()).collect();
    assert_eq!(ids, ["1", "7"]);
    assert_eq!(run.spikes.units, [1, 1, 1, 0]);
    let waveforms = &run.templates.unwrap().waveforms;
    assert!((waveforms[(1, 1, 0)] - (-1.0 - 2.0 * 0.6) / 3.0).abs() < 1e-6);
    assert!((waveforms[(1, 2, 1)] - 2.0 * 0.8 / 3.0).abs() < 1e-6);
    // Most spikes of 7 have template 2.
    assert_eq!(run.similarity.unwrap()[(0, 1)], 0.3);
}

#[test]
fn units_without_spikes_are_kept_on_request() {
    let folder = phy_folder();
    write_slice(&folder.path().join("spike_clusters.npy"), &[4], &[0i32, 2, 2, 2]).unwrap();
    assert_eq!(read(folder.path()).units.len(), 2);
    let options = ReadOptions {
        keep_empty_units: true,
        ..ReadOptions::default()
    };
    let run = read_run(folder.path(), &options).unwrap();
    assert_eq!(run.units.len(), 3);
    assert_eq!(run.templates.unwrap().waveforms[(1, 1, 1)], -1.0);
}

#[test]
fn sparse_templates_are_spread_over_the_channels() {
    let folder = phy_folder();
    let at = |name: &str| folder.path().join(name);
    write_array(&at("templates.npy"), &Array3::<f32>::from_elem((3, 4, 1), 1.0)).unwrap();
    assert!(refusal(folder.path()).contains("template_ind.npy"));
    write_slice(&at("template_ind.npy"), &[3, 1], &[1i64, 0, -1]).unwrap();
    let options = ReadOptions {
        keep_empty_units: true,
        ..ReadOptions::default()
    };
    let waveforms = read_run(folder.path(), &options).unwrap().templates.unwrap().waveforms;
    let expected = Array3::from_shape_fn((3, 4, 2), |(k, _, c)| {
        f32::from(u8::from((k, c) == (0, 1) || (k, c) == (1, 0)))
    });
    assert_eq!(waveforms, expected);
}

#[test]
fn features_of_spikes_with_another_template_move_to_the_slots_of_their_channels() {
    let folder = phy_folder();
    let at = |name: &str| folder.path().join(name);
    write_slice(&at("spike_clusters.npy"), &[4], &[7i32, 7, 7, 1]).unwrap();
    write_array(&at("pc_feature_ind.npy"), &array![[0u32, 1], [0, 1], [1, 0]]).unwrap();
    let features = Array3::from_shape_fn((4, 1, 2), |(spike, _, slot)| (10 * spike + slot) as f32);
    write_array(&at("pc_features.npy"), &features).unwrap();
    let run = read(folder.path());
    let features = run.features.unwrap();
    assert_eq!(features.channels, array![[0, 1], [1, 0]]);
    // The first spike's template has channels 0, 1; its cluster's slots are channels 1, 0.
    let rows: Vec<f32> = features.values.iter().copied().collect();
    assert_eq!(rows, [1.0, 0.0, 10.0, 11.0, 20.0, 21.0, 30.0, 31.0]);
    // Second spike: 10 on channel 1 (y = 25), 11 on channel 0.
    let depth = run.spikes.depths_um.unwrap()[1];
    assert!((depth - 25.0 * 100.0 / 221.0).abs() < 1e-4, "{depth}");
}

#[test]
fn whitening_of_kilosort4_acts_from_the_left() {
    let folder = phy_folder();
    let expected = read(folder.path()).physical_templates;
    let at = |name: &str| folder.path().join(name);
    write_array(&at("whitening_mat.npy"), &array![[0.5f64, 0.5], [0.0, 0.25]]).unwrap();
    assert_ne!(read(folder.path()).physical_templates, expected);
    write_slice(&at("kept_spikes.npy"), &[4], &[true; 4]).unwrap();
    let run = read(folder.path());
    assert_eq!(run.physical_templates, expected);
    assert_eq!(run.intermediates.whitening, Some(array![[0.5, 0.0], [0.5, 0.25]]));
}

/// The phy folder as a run folder with a gain and intermediates.
fn run_folder() -> TempDir {
    let folder = phy_folder();
    let at = |name: &str| folder.path().join(name);
    let manifest = serde_json::json!({
        "ferrosort": "0.1.0",
        "algorithm": "kilosort2",
        "parameters": {"threshold": [10.0, 4.0], "batch_samples": 96, "batch_overlap": 32, "whitened_scale": 200.0,
            "template_samples": 1, "trough_sample": 2},
        "compat": {"alignment_off_by_one": true},
        "recording": {"sample_rate_hz": 25000.0, "n_samples": 30, "first_sample": 10, "gain_uv": [1.0, 1.0, 1.0, 2.0, 1.0, 0.5],
            "files": [{"path": "elsewhere/raw.dat", "n_samples": 45}]},
        "probe": {"name": "two sites"},
        "processed": {"file": "processed.bin", "n_channels": 2, "batch_samples": 128, "first_samples": [-32, 32]},
        "timings": {"total_s": 1.5},
    });
    fs::write(at("run.json"), manifest.to_string()).unwrap();
    fs::write(at("processed.bin"), [0u8; 4]).unwrap();
    let below = folder.path().join("intermediates");
    fs::create_dir(&below).unwrap();
    write_array(&below.join("Wrot.npy"), &array![[100.0f64, 0.0], [100.0, 50.0]]).unwrap();
    write_array(&below.join("ccb.npy"), &array![[1.0f64, 2.0], [2.0, 3.0]]).unwrap();
    write_slice(&below.join("iorig.npy"), &[2], &[1i64, 0]).unwrap();
    // In the order of the extraction, times from the start of the range.
    let st3 = array![
        [20.0f64, 2.0, 5.0, 7.0, 0.0],
        [0.0, 0.0, 2.0, 4.0, 1.0],
        [30.0, 1.0, 1.0, 8.0, 1.0],
        [10.0, 2.0, 3.0, 6.0, 0.0]
    ];
    write_array(&below.join("st3_c.npy"), &st3).unwrap();
    folder
}

#[test]
fn a_run_folder_adds_parameters_gain_scores_and_intermediates() {
    let folder = run_folder();
    let run = read(folder.path());
    assert_eq!(run.kind, RunKind::Ferrosort);
    assert_eq!(
        (run.program.as_deref(), run.run_time_s),
        (Some("ferrosort 0.1.0"), Some(1.5))
    );
    assert_eq!(run.n_samples, Some(45), "the whole file, though a range was sorted");
    assert_eq!(run.spikes.scores, Some(vec![4.0, 6.0, 7.0, 8.0]));
    assert_eq!(run.parameters["compat.alignment_off_by_one"], true);
    let known = &run.intermediates;
    assert_eq!((known.counts_per_sd, known.batch_samples), (Some(200.0), Some(64)));
    assert_eq!(
        (known.order.as_deref(), known.ccb.as_ref().unwrap()[(1, 1)]),
        (Some([1, 0].as_slice()), 3.0)
    );
    let physical = run.physical_templates.as_ref().unwrap();
    assert_eq!(physical.unit, TemplateUnit::Microvolts);
    // Columns 5 and 3 of the file have 0.5 and 2 µV per count.
    assert!((physical.waveforms[(2, 2, 0)] + 6.4).abs() < 1e-5 && (physical.waveforms[(2, 2, 1)] - 25.6).abs() < 1e-5);
    assert!((run.units[2].ptp_uv.unwrap() - 25.6).abs() < 1e-5);
    // Four samples of which one was learned: three zeros are trough_sample and one; the switch moves the spike by one.
    assert_eq!(physical.spike_at, 5);
    let processed = run.processed.unwrap();
    assert_eq!(
        (processed.margin_samples, processed.first_samples),
        (64, Some(vec![-32, 32]))
    );
    assert_eq!(run.probe.unwrap().name, "two sites");
}

#[test]
fn damaged_phy_folders_are_refused_in_one_sentence() {
    let folder = phy_folder();
    let at = |name: &str| folder.path().join(name);
    write_slice(&at("amplitudes.npy"), &[3], &[1.0f32; 3]).unwrap();
    assert!(refusal(folder.path()).contains("amplitudes.npy has 3 entries but spike_times.npy has 4"));
    write_slice(&at("amplitudes.npy"), &[4], &[1.0f32; 4]).unwrap();
    write_slice(&at("spike_templates.npy"), &[4], &[0i32, 1, 2, 3]).unwrap();
    assert!(refusal(folder.path()).contains("names the template 3"));
    write_slice(&at("spike_clusters.npy"), &[4], &[0i32, 1, 2, -3]).unwrap();
    assert!(refusal(folder.path()).contains("counted from 0"));
}

#[test]
fn odd_spikes_are_warned_of() {
    let folder = phy_folder();
    let at = |name: &str| folder.path().join(name);
    write_slice(&at("spike_times.npy"), &[4], &[40i64, -1, 50, 50]).unwrap();
    write_slice(&at("spike_templates.npy"), &[4], &[0i32, 1, 2, 2]).unwrap();
    let params = "import os\ndat_path = 'raw.dat'\nn_channels_dat = 8\ndtype = 'int16'\n";
    fs::write(at("params.py"), params).unwrap();
    let run = read(folder.path());
    assert_eq!(run.spikes.samples, [-1, 40, 50, 50]);
    assert_eq!(run.spikes.units, [1, 0, 2, 2]);
    let all = run.warnings.join("; ");
    for part in [
        "line 1",
        "not in order",
        "1 spikes repeat",
        "1 spikes are before",
        "2 spikes are beyond",
        "sample rate",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
}
