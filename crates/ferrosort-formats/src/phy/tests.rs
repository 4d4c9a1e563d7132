#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use ferrosort_core::{PcFeatures, Probe, TemplateFeatures, UnitLabel, UnitSummary};
use ndarray::{Array1, Array2, Array3, Axis, array};
use ndarray_npy::{ReadableElement, read_npy};
use tempfile::TempDir;

use super::*;
use crate::{OpenOptions, open_recording, parse_time_range};

const CHANNELS: usize = 4;
const SAMPLES: usize = 5;

/// A consistent sorting of `k` units and `n` spikes on channels 6, 4, 2, 0 of an 8-column file.
fn sorting(k: usize, n: usize) -> Sorting {
    let slots = k.min(3);
    let mut probe = Probe::line(8, 20.0).select(&[6, 4, 2, 0]);
    probe.contacts[3].shank = 1;
    Sorting {
        sample_rate: 30000.0,
        probe,
        spike_times: (0..n as u64).map(|i| 10 * i).collect(),
        spike_units: (0..n).map(|i| (i % k.max(1)) as u32).collect(),
        amplitudes: (0..n).map(|i| 10.0 + i as f64).collect(),
        templates: Array3::from_elem((k, SAMPLES, CHANNELS), 0.5),
        similar_templates: Array2::from_elem((k, k), 0.25),
        whitening: Array2::eye(CHANNELS) * 2.0,
        whitening_inverse: Array2::eye(CHANNELS) * 0.5,
        units: (0..k)
            .map(|i| UnitSummary {
                label: if i == 0 { UnitLabel::Good } else { UnitLabel::Mua },
                contamination_pct: 12.34 * i as f64,
                amplitude_counts: if i == 2 { f64::NAN } else { 50.06 },
                threshold_sd: 6.0,
            })
            .collect(),
        pc_features: Some(PcFeatures {
            values: Array3::from_elem((n, 3, 2), 1.0),
            channels: Array2::from_shape_fn((k, 2), |(unit, slot)| ((unit + slot) % CHANNELS) as u32),
        }),
        template_features: Some(TemplateFeatures {
            values: Array2::from_elem((n, slots), 2.0),
            units: Array2::from_shape_fn((k, slots), |(unit, slot)| ((unit + slot) % k) as u32),
        }),
    }
}

fn recording(folder: &TempDir, time_range: Option<&str>) -> Box<dyn Recording> {
    let paths: Vec<PathBuf> = ["it's one.bin", "two.bin"]
        .iter()
        .map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, vec![0; 3 + 16 * 3000]).unwrap();
            path
        })
        .collect();
    let options = OpenOptions {
        n_channels: Some(8),
        sample_rate: Some(30000.0),
        offset_bytes: Some(3),
        time_range: time_range.map(|text| parse_time_range(text).unwrap()),
        ..OpenOptions::default()
    };
    open_recording(&paths, &options).unwrap()
}

/// Writes the folder as `out` beside the recording and returns its path.
fn write(folder: &TempDir, sorting: &Sorting) -> PathBuf {
    let dir = folder.path().join("out.partial");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir(&dir).unwrap();
    write_phy(&dir, sorting, &*recording(folder, None), &folder.path().join("out")).unwrap();
    dir
}

fn shape<T: ReadableElement>(dir: &Path, name: &str) -> Vec<usize> {
    let array: ndarray::ArrayD<T> = read_npy(dir.join(format!("{name}.npy"))).unwrap_or_else(|e| panic!("{name}: {e}"));
    array.shape().to_vec()
}

#[test]
fn shapes_and_tables_agree_for_every_number_of_units_and_spikes() {
    let folder = TempDir::new().unwrap();
    for k in [0, 1, 2, 5] {
        for n in [0, 1, 2, 50] {
            if k == 0 && n > 0 {
                continue;
            }
            let dir = write(&folder, &sorting(k, n));
            let rows = if k == 1 { 2 } else { k };
            let slots = if k == 1 { 2 } else { k.min(3) };
            assert_eq!(shape::<i64>(&dir, "spike_times"), [n]);
            assert_eq!(shape::<i32>(&dir, "spike_templates"), [n]);
            assert_eq!(shape::<i32>(&dir, "spike_clusters"), [n]);
            assert_eq!(shape::<f64>(&dir, "amplitudes"), [n]);
            assert_eq!(shape::<f32>(&dir, "templates"), [rows, SAMPLES, CHANNELS]);
            assert_eq!(shape::<f64>(&dir, "templates_ind"), [rows, CHANNELS]);
            assert_eq!(shape::<f32>(&dir, "similar_templates"), [rows, rows]);
            assert_eq!(shape::<f32>(&dir, "pc_features"), [n, 3, 2]);
            assert_eq!(shape::<u32>(&dir, "pc_feature_ind"), [rows, 2]);
            assert_eq!(shape::<f32>(&dir, "template_features"), [n, slots]);
            assert_eq!(shape::<u32>(&dir, "template_feature_ind"), [rows, slots]);
            assert_eq!(shape::<i32>(&dir, "channel_map"), [CHANNELS]);
            assert_eq!(shape::<i64>(&dir, "channel_shanks"), [CHANNELS]);
            assert_eq!(shape::<f64>(&dir, "channel_positions"), [CHANNELS, 2]);
            assert_eq!(shape::<f64>(&dir, "whitening_mat"), [CHANNELS, CHANNELS]);
            assert_eq!(shape::<f64>(&dir, "whitening_mat_inv"), [CHANNELS, CHANNELS]);
            for field in ["KSLabel", "group", "ContamPct", "Amplitude"] {
                let text = std::fs::read_to_string(dir.join(format!("cluster_{field}.tsv"))).unwrap();
                let ids: Vec<&str> = text.lines().map(|line| line.split('\t').next().unwrap()).collect();
                let expected: Vec<String> = (0..rows).map(|id| id.to_string()).collect();
                assert_eq!(ids[0], "cluster_id");
                assert_eq!(ids[1..], expected);
                assert!(text.starts_with(&format!("cluster_id\t{field}\n")) && !text.contains('\r'));
                assert!(text.lines().all(|line| line.split('\t').count() == 2));
            }
        }
    }
}

#[test]
fn tables_hold_the_units_values() {
    let folder = TempDir::new().unwrap();
    let dir = write(&folder, &sorting(3, 9));
    let table = |field: &str| std::fs::read_to_string(dir.join(format!("cluster_{field}.tsv"))).unwrap();
    assert_eq!(table("group"), "cluster_id\tgroup\n0\tgood\n1\tmua\n2\tmua\n");
    assert_eq!(table("ContamPct"), "cluster_id\tContamPct\n0\t0.0\n1\t12.3\n2\t24.7\n");
    assert_eq!(table("Amplitude"), "cluster_id\tAmplitude\n0\t50.1\n1\t50.1\n2\t\n");
}

#[test]
fn a_single_unit_gets_an_empty_companion() {
    let folder = TempDir::new().unwrap();
    let dir = write(&folder, &sorting(1, 4));
    let templates: Array3<f32> = read_npy(dir.join("templates.npy")).unwrap();
    assert!(templates.index_axis(Axis(0), 0).iter().all(|&v| v == 0.5));
    assert!(templates.index_axis(Axis(0), 1).iter().all(|&v| v == 5e-7));
    let similar: Array2<f32> = read_npy(dir.join("similar_templates.npy")).unwrap();
    assert_eq!(similar, array![[0.25, 0.0], [0.0, 1.0]]);
    let ind: Array2<u32> = read_npy(dir.join("template_feature_ind.npy")).unwrap();
    assert_eq!(ind, array![[0, 1], [1, 0]]);
    let features: Array2<f32> = read_npy(dir.join("template_features.npy")).unwrap();
    assert_eq!(features.row(0), array![2.0, 0.0]);
    let label = std::fs::read_to_string(dir.join("cluster_KSLabel.tsv")).unwrap();
    assert_eq!(label, "cluster_id\tKSLabel\n0\tgood\n1\tnoise\n");
}

#[test]
fn one_component_gets_a_zero_second() {
    let folder = TempDir::new().unwrap();
    let mut one = sorting(2, 3);
    one.pc_features.as_mut().unwrap().values = Array3::from_elem((3, 1, 2), 7.0);
    let dir = write(&folder, &one);
    let values: Array3<f32> = read_npy(dir.join("pc_features.npy")).unwrap();
    assert_eq!(values.dim(), (3, 2, 2));
    assert_eq!(values.index_axis(Axis(0), 0).to_owned(), array![[7.0, 7.0], [0.0, 0.0]]);
}

#[test]
fn params_name_the_files_and_channels_their_columns() {
    let folder = TempDir::new().unwrap();
    let dir = write(&folder, &sorting(2, 3));
    assert_eq!(
        std::fs::read_to_string(dir.join("params.py")).unwrap(),
        "dat_path = ['../it\\'s one.bin', '../two.bin']\nn_channels_dat = 8\ndtype = 'int16'\noffset = 3\n\
         sample_rate = 30000.0\nhp_filtered = False\n"
    );
    let map: Array1<i32> = read_npy(dir.join("channel_map.npy")).unwrap();
    assert_eq!(map, array![6, 4, 2, 0]);
    let shanks: Array1<i64> = read_npy(dir.join("channel_shanks.npy")).unwrap();
    assert_eq!(shanks, array![0, 0, 0, 1]);
}

#[test]
fn times_of_a_range_are_samples_of_the_whole_files() {
    let folder = TempDir::new().unwrap();
    let slice = recording(&folder, Some("0.1.."));
    write_phy(folder.path(), &sorting(2, 3), &*slice, &folder.path().join("out")).unwrap();
    let times: Array1<i64> = read_npy(folder.path().join("spike_times.npy")).unwrap();
    assert_eq!(times, array![3000, 3010, 3020]);
}

#[test]
fn an_array_in_memory_has_no_raw_file() {
    let folder = TempDir::new().unwrap();
    let memory = ferrosort_core::MemoryRecording::new(30000.0, 8, vec![0.0; 80], None).unwrap();
    write_phy(folder.path(), &sorting(2, 3), &memory, &folder.path().join("out")).unwrap();
    let text = std::fs::read_to_string(folder.path().join("params.py")).unwrap();
    assert!(text.starts_with("dat_path = ''\nn_channels_dat = 8\n"), "{text}");
}

#[test]
fn what_phy_cannot_open_is_said() {
    assert!(phy_can_open(&sorting(0, 0)).unwrap().contains("no units"));
    assert!(phy_can_open(&sorting(2, 1)).unwrap().contains("two spikes"));
    assert!(phy_can_open(&sorting(1, 2)).is_none());
}

#[test]
fn disagreeing_arrays_and_missing_folders_are_errors() {
    let folder = TempDir::new().unwrap();
    let recording = recording(&folder, None);
    let error = |change: &dyn Fn(&mut Sorting)| {
        let mut sorting = sorting(2, 3);
        change(&mut sorting);
        write_phy(folder.path(), &sorting, &*recording, folder.path())
            .unwrap_err()
            .to_string()
    };
    assert!(error(&|s| s.amplitudes.push(0.0)).contains("amplitudes"));
    assert!(error(&|s| s.spike_times[0] = 99).contains("spike_times order"));
    assert!(error(&|s| s.spike_units[0] = 2).contains("spike_units range"));
    assert!(error(&|s| s.pc_features.as_mut().unwrap().channels[(0, 0)] = 4).contains("pc_features channels"));
    let missing = write_phy(&folder.path().join("none"), &sorting(2, 3), &*recording, folder.path());
    assert_eq!(missing.unwrap_err().exit_code(), 3);
}
