//! Tables, truths, choices between results, and comparisons of runs.

use ndarray::Array2;

use super::*;

#[test]
fn a_folder_with_a_sorting_and_a_truth_is_what_is_asked_for() {
    let folder = phy_folder();
    let truth = folder.path().join("truth");
    fs::create_dir(&truth).unwrap();
    write_slice(&truth.join("spike_samples.npy"), &[1], &[5i64]).unwrap();
    write_slice(&truth.join("spike_units.npy"), &[1], &[0i32]).unwrap();
    assert_eq!(read(folder.path()).kind, RunKind::Phy);
    let options = ReadOptions {
        prefer_truth: true,
        ..ReadOptions::default()
    };
    assert_eq!(read_run(folder.path(), &options).unwrap().kind, RunKind::Truth);
}

#[test]
fn tables_read_by_header_or_by_place() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spikes.csv");
    fs::write(&path, "unit_id,sample\n10,300\n9,100\n10,200\n").unwrap();
    let run = read(&path);
    assert_eq!(run.kind, RunKind::Table);
    assert_eq!(run.spikes.samples, [100, 200, 300]);
    assert_eq!(run.spikes.units, [0, 1, 1]);
    let ids: Vec<&str> = run.units.iter().map(|unit| unit.id.as_str()).collect();
    assert_eq!(ids, ["9", "10"]);
    fs::write(&path, "5 a\n6 b\n").unwrap();
    assert_eq!(read(&path).spikes.samples, [5, 6]);
    fs::write(&path, "time_s\tunit\n0.5\t1\n").unwrap();
    assert!(refusal(&path).contains("sample rate"));
    let options = ReadOptions {
        sample_rate: Some(1000.0),
        time_offset: 3,
        ..ReadOptions::default()
    };
    assert_eq!(read_run(&path, &options).unwrap().spikes.samples, [497]);
    fs::write(&path, "sample,unit\n1,2\nx,2\n").unwrap();
    assert!(refusal(&path).contains("line 3"));
    fs::write(&path, "").unwrap();
    assert!(read(&path).spikes.is_empty());
}

#[test]
fn the_truth_of_a_simulation_reads_from_its_folder_or_the_one_above() {
    let folder = TempDir::new().unwrap();
    let truth = folder.path().join("truth");
    fs::create_dir(&truth).unwrap();
    let at = |name: &str| truth.join(name);
    write_slice(&at("spike_samples.npy"), &[3], &[5i64, 6, 7]).unwrap();
    write_slice(&at("spike_units.npy"), &[3], &[1i32, 0, 1]).unwrap();
    write_slice(&at("spike_ptp_uV.npy"), &[3], &[50.0f32, 60.0, 70.0]).unwrap();
    write_slice(&at("background_samples.npy"), &[1], &[9i64]).unwrap();
    let units =
        "unit_id,class,x,y,z,best_channel,snr,is_mua\n0,RS,1,2,3,4,7.5,0\n1,FS,4,5,6,2,3.5,1\n2,AX,4,5,6,2,3.5,0\n";
    fs::write(at("units.csv"), units).unwrap();
    fs::write(
        at("sim.json"),
        r#"{"n0": 2, "template_channels": [4, 2], "parameters": {"seed": 3}}"#,
    )
    .unwrap();
    let contact = |channel, y_um| ferrosort_core::Contact {
        channel,
        x_um: 0.0,
        y_um,
        shank: 0,
    };
    let probe = ferrosort_core::Probe {
        name: "two".into(),
        contacts: vec![contact(2, 20.0), contact(4, 40.0)],
    };
    crate::write_probe(&folder.path().join("probe.json"), &probe).unwrap();
    write_array(&at("templates.npy"), &Array3::<f32>::zeros((3, 4, 2))).unwrap();
    write_array(&at("displacement.npy"), &array![[0.0f32], [1.5]]).unwrap();
    write_slice(&at("displacement_times.npy"), &[2], &[0.0f64, 0.2]).unwrap();
    write_slice(&at("displacement_depths.npy"), &[1], &[20.0f64]).unwrap();
    fs::write(
        folder.path().join("meta.json"),
        r#"{"sample_rate": 24000, "n_samples": 100}"#,
    )
    .unwrap();
    for path in [folder.path(), truth.as_path()] {
        let run = read(path);
        assert_eq!(run.kind, RunKind::Truth);
        assert_eq!((run.sample_rate, run.n_samples), (Some(24000.0), Some(100)));
        assert_eq!(run.spikes.amplitudes, Some(vec![50.0, 60.0, 70.0]));
        assert_eq!(run.units.len(), 3, "units of a simulation stay without spikes");
        assert_eq!(run.units[0].position_um, Some([1.0, 2.0, 3.0]));
        assert_eq!(
            (run.units[0].snr, run.units[0].class.as_deref()),
            (Some(7.5), Some("RS"))
        );
        assert!(run.units[1].is_background);
        // Templates have channel 4 first; the file of the probe has channel 2 first.
        let channels: Vec<usize> = run.probe.as_ref().unwrap().contacts.iter().map(|c| c.channel).collect();
        assert_eq!(
            (channels, run.units[0].best_channel, run.units[1].best_channel),
            (vec![4, 2], Some(0), Some(1))
        );
        assert_eq!(run.templates.as_ref().unwrap().spike_at, 2);
        assert_eq!(run.motion.as_ref().unwrap().displacement_um, array![[0.0], [1.5]]);
        let details = run.truth.unwrap();
        assert!(details.exhaustive);
        assert_eq!(details.background_samples, [9]);
        assert_eq!(run.parameters["seed"], 3);
    }
}

#[test]
fn folders_without_a_sorting_say_what_was_looked_for_or_where_there_is_one() {
    let folder = TempDir::new().unwrap();
    assert!(refusal(folder.path()).contains("spike_times.npy"));
    let below = folder.path().join("output");
    fs::create_dir(&below).unwrap();
    write_slice(&below.join("spike_times.npy"), &[1], &[1i64]).unwrap();
    write_slice(&below.join("spike_clusters.npy"), &[1], &[0i32]).unwrap();
    let message = refusal(folder.path());
    assert!(
        message.contains("subfolders") && message.contains("output"),
        "{message}"
    );
    assert!(refusal(&folder.path().join("nothing")).contains("does not exist"));
    assert_eq!(read(&below).units.len(), 1);
}

#[test]
fn whatever_makes_two_runs_hard_to_compare_is_named() {
    let folder = phy_folder();
    let mut a = read(folder.path());
    a.name = "first".to_owned();
    let mut b = a.clone();
    b.name = "second".to_owned();
    assert!(consistency_warnings(&a, &b).is_empty());
    a.parameters.insert("Th".to_owned(), serde_json::json!([10, 4]));
    a.parameters.insert("CAR".to_owned(), serde_json::json!(1));
    b.parameters
        .insert("threshold".to_owned(), serde_json::json!([6.0, 2.0]));
    b.parameters
        .insert("common_reference".to_owned(), serde_json::json!(true));
    b.sample_rate = Some(30000.0);
    b.n_samples = Some(51);
    let contacts = &mut b.probe.as_mut().unwrap().contacts;
    contacts[0].channel = 6;
    contacts[1].x_um = 9.0;
    let warnings = consistency_warnings(&a, &b);
    let all = warnings.join("; ");
    assert_eq!(warnings.len(), 5, "{all}");
    for part in [
        "25000 Hz in first, 30000 Hz in second",
        "50 samples in first, 51 in second",
        "1 of 2 only in first",
        "channel 3",
        "threshold differs: [10,4] in first, [6.0,2.0] in second",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
}

#[test]
fn overrides_of_the_processed_data_win() {
    let folder = phy_folder();
    let mut run = read(folder.path());
    run.intermediates.order = Some(vec![0, 1]);
    let over = ProcessedOptions {
        path: Some(folder.path().join("raw.dat")),
        layout: Some(ProcessedLayout::Interleaved),
        batch_samples: None,
        n_channels: None,
    };
    override_processed(&mut run, &over);
    let processed = run.processed.unwrap();
    // 800 bytes are two batches of two channels of 100 samples.
    assert_eq!((processed.n_channels, processed.batch_samples), (2, 100));
    assert_eq!(processed.layout, Some(ProcessedLayout::Interleaved));
    let identity = Array2::<f64>::eye(2);
    assert_eq!(whitening::inverted(&identity), Some(identity));
}
