use std::fs;

use ferrosort_core::Silent;
use ferrosort_formats::{OpenOptions, open_recording};
use ndarray::{Array1, Array2, Array3};
use ndarray_npy::{ReadableElement, read_npy};
use serde_json::Value;

use super::*;
use crate::settings::Settings;

fn settings() -> Settings {
    let mut s = Settings::preset("demo").unwrap();
    s.duration_s = 2.0;
    s.probe.n_channels = 8;
    s.units.n = 4;
    s.background.n_hash = 3;
    s.files.kilosort4 = true;
    s.files.moved_templates = true;
    s.additions.dead_channels = vec![2];
    s.additions.gaps_s = vec![[1.0, 1.1]];
    s
}

fn column<T: ReadableElement + Clone>(folder: &Path, name: &str) -> Vec<T> {
    let array: Array1<T> = read_npy(folder.join("truth").join(name)).unwrap();
    array.to_vec()
}

#[test]
fn files_hold_what_the_simulation_says() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("sim");
    let simulation = Simulation::plan(&settings(), &Silent).unwrap();
    simulation.write(&folder, false, &Silent).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no hidden folder stays");

    let recording = open_recording(std::slice::from_ref(&folder), &OpenOptions::default()).unwrap();
    assert_eq!((recording.n_samples(), recording.n_channels()), (60_000, 8));
    assert!(recording.gain_uv().unwrap().iter().all(|g| *g == simulation.gain_uv()));
    assert_eq!(recording.probe().unwrap().contacts, simulation.sorting_probe().contacts);
    let mut frames = vec![0f32; 60_000 * 8];
    recording.read(0, &mut frames).unwrap();
    let made = simulation.render(0, 60_000).unwrap();
    assert!(frames.iter().zip(&made).all(|(a, b)| *a == f32::from(*b)));
    assert!(frames.iter().skip(2).step_by(8).all(|v| *v == 0.0));
    assert!(frames[30_000 * 8..33_000 * 8].iter().all(|v| *v == 0.0));

    let samples: Vec<i64> = column(&folder, "spike_samples.npy");
    let n = samples.len();
    let truth = simulation.truth();
    assert!(samples.is_sorted() && samples.iter().map(|&s| s as u64).eq(truth.spike_times));
    assert_eq!(column::<i32>(&folder, "spike_units.npy").len(), n);
    for name in ["spike_amplitudes.npy", "spike_depths.npy", "spike_ptp_uV.npy"] {
        let values: Vec<f32> = column(&folder, name);
        assert!(values.len() == n && values.iter().all(|v| v.is_finite()), "{name}");
    }
    let exact: Vec<f64> = column(&folder, "spike_times_exact.npy");
    assert!(exact.iter().zip(&samples).all(|(e, s)| (e - *s as f64).abs() <= 0.5));
    assert!(column::<u8>(&folder, "spike_overlap.npy").iter().all(|k| *k <= 2));
    assert!(!column::<i64>(&folder, "background_samples.npy").is_empty());

    let sim: Value = serde_json::from_slice(&fs::read(folder.join("truth/sim.json")).unwrap()).unwrap();
    let templates: Array3<f32> = read_npy(folder.join("truth/templates.npy")).unwrap();
    assert_eq!(templates.dim().0, 4);
    assert_eq!(templates.dim().2, 8);
    let n0 = sim["n0"].as_u64().unwrap() as usize;
    for (u, unit) in simulation.units().iter().enumerate() {
        let unit_template = templates.index_axis(ndarray::Axis(0), u);
        let on_best = unit_template.column(unit.best_contact);
        let lowest = (0..on_best.len()).min_by(|&a, &b| on_best[a].total_cmp(&on_best[b]));
        assert_eq!(lowest, Some(n0));
        assert!((f64::from(-on_best[n0]) / unit.trough_uv - 1.0).abs() < 0.01);
    }
    assert_eq!(sim["exhaustive"], Value::Bool(true));
    let parameters: Settings = serde_json::from_value(sim["parameters"].clone()).unwrap();
    assert_eq!(parameters, settings());
    let field: Array2<f32> = read_npy(folder.join("truth/displacement.npy")).unwrap();
    let times: Vec<f64> = column(&folder, "displacement_times.npy");
    let depths: Vec<f64> = column(&folder, "displacement_depths.npy");
    assert_eq!(field.dim(), (times.len(), depths.len()));
    let table = fs::read_to_string(folder.join("truth/units.csv")).unwrap();
    assert_eq!(table.lines().count(), 5);
    assert_eq!(table.lines().next().unwrap().split(',').count(), 18);
    assert_eq!(
        fs::read_to_string(folder.join("truth/bad_channels.csv")).unwrap(),
        "channel,kind\n2,dead\n"
    );
    assert!(folder.join("kilosort4_params.npz").is_file() && folder.join("truth/sorting.npz").is_file());
    assert!(
        fs::read_to_string(folder.join("README.md"))
            .unwrap()
            .contains("spike_samples.npy")
    );
}

#[test]
fn emouse_files_follow_the_original_layout() {
    use ferrosort_formats::matlab::MatFile;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("sim");
    let mut s = Settings::preset("emouse-drift").unwrap();
    s.duration_s = 3.0;
    s.probe.n_channels = 16;
    s.units.n = 5;
    let simulation = Simulation::plan(&s, &Silent).unwrap();
    simulation.write(&folder, false, &Silent).unwrap();
    let truth = MatFile::open(&folder.join("eMouseGroundTruth.mat"), &[]).unwrap();
    let times = truth.numbers("gtRes").unwrap().values.clone();
    let units = truth.numbers("gtClu").unwrap().values.clone();
    let n = times.len();
    assert!(n > 30 && units.len() == n && times.is_sorted());
    assert!(units.iter().all(|u| (1.0..=5.0).contains(u)));
    // 1-based centre of a window: troughs of generated waveforms lie on it.
    let samples: Vec<i64> = column(&folder, "spike_samples.npy");
    assert!(times.iter().zip(&samples).all(|(t, s)| *t == (s + 1) as f64));
    let record = MatFile::open(&folder.join("eMouseSimRecord.mat"), &[]).unwrap();
    let record = record.numbers("yDriftRec").unwrap().values.clone();
    assert_eq!(record.len(), 5 * n);
    for i in 0..n {
        // The window begins 41 samples before the 1-based centre.
        assert!((record[i] * 30_000.0 - (times[i] - 41.0)).abs() < 1e-6);
        let unit = &simulation.units()[units[i] as usize - 1];
        let y = unit.position_um[1] + 10.0 * (std::f64::consts::TAU * record[i] / 600.0).sin();
        assert!((record[n + i] - y).abs() < 1e-6 && record[2 * n + i] == units[i]);
        assert!((record[3 * n + i] / unit.ptp_uv - 1.0).abs() < 0.1);
        assert!(record[4 * n + i] > 0.6 * record[3 * n + i], "the data hold the spike");
    }
    assert!(folder.join("chanMap.mat").is_file());
}

#[test]
fn an_existing_folder_is_refused_and_only_simulations_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let mut s = settings();
    s.duration_s = 0.2;
    s.additions.gaps_s.clear();
    let simulation = Simulation::plan(&s, &Silent).unwrap();
    let error = simulation.write(dir.path(), false, &Silent).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("exists"));
    fs::write(dir.path().join("thesis.txt"), "years of work").unwrap();
    let error = simulation.write(dir.path(), true, &Silent).unwrap_err();
    assert!(error.to_string().contains("not an earlier simulation"));
    let folder = dir.path().join("sim");
    simulation.write(&folder, false, &Silent).unwrap();
    simulation.write(&folder, true, &Silent).unwrap();
    assert!(folder.join("truth/units.csv").is_file());
    for mine in ["notes.txt", "truth/curated.xlsx"] {
        fs::write(folder.join(mine), "years of work").unwrap();
        let error = simulation.write(&folder, true, &Silent).unwrap_err();
        assert!(error.to_string().contains(mine) && error.exit_code() == 2, "{error}");
        fs::remove_file(folder.join(mine)).unwrap();
    }
}

#[test]
fn a_cancelled_run_leaves_nothing() {
    struct Stop;
    impl Observer for Stop {
        fn stage_started(&self, _: &str, _: u64, _: &str) {}
        fn advanced(&self, _: u64) {}
        fn stage_finished(&self, _: &str, _: f64) {}
        fn warning(&self, _: &str) {}
        fn note(&self, _: &str) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let simulation = Simulation::plan(&settings(), &Silent).unwrap();
    let error = simulation.write(&dir.path().join("sim"), false, &Stop).unwrap_err();
    assert!(matches!(error, Error::Interrupted));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
