//! The default sorter: simulated neurons, and recordings with next to nothing in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::results::assert_valid;
use crate::support::{ferrosort, manifest, path, stderr};

/// The value at a time on a channel.
type Samples = dyn Fn(usize, usize) -> i16;

/// Settings of a tetrode without background that a sorter could find.
const SIMULATION: &str = r#"preset = "tetrode"
duration_s = 40.0
[units]
n = 5
target = { kind = "snr", quantiles = [[0.0, 6.0], [1.0, 20.0]] }
[background]
distance_um = [150.0, 300.0]
"#;

#[test]
fn most_simulated_neurons_are_found_and_hardly_anything_else() {
    let scratch = TempDir::new().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let settings = at("settings.toml");
    fs::write(&settings, SIMULATION).unwrap();
    let run = |args: &[&str]| {
        let done = ferrosort(args);
        assert!(done.status.success(), "{args:?}: {}", stderr(&done));
        done
    };
    let (recording, sorting, numbers) = (at("recording"), at("sorting"), at("numbers.json"));
    run(&[
        "simulate",
        path(&settings),
        "--output",
        path(&recording),
        "--seed",
        "4",
        "--quiet",
    ]);
    run(&["sort", path(&recording), "--output", path(&sorting), "--quiet"]);
    assert_valid(&sorting);
    assert_eq!(manifest(&sorting)["algorithm"], "auto");
    run(&[
        "compare",
        path(&recording),
        path(&sorting),
        "--truth",
        "--json",
        path(&numbers),
        "--quiet",
    ]);
    let numbers: Value = serde_json::from_str(&fs::read_to_string(&numbers).unwrap()).unwrap();
    let accuracy = numbers["pooled_with_average"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
}

#[test]
fn parameters_of_other_sorters_are_named() {
    let scratch = TempDir::new().unwrap();
    let file = samples(scratch.path(), "noise", 4, 1.0, &noise);
    let output = scratch.path().join("out");
    let flat = ["--channels", "4", "--sample-rate", "30000", "--output", path(&output)];
    let options = ["--set", "Th=[6,3]"];
    let named = ferrosort(["sort", path(&file)].iter().chain(&flat).chain(&options));
    assert!(named.status.success(), "{}", stderr(&named));
    assert!(stderr(&named).contains("has no effect on auto"), "{}", stderr(&named));
    assert!(output.exists());
}

#[test]
fn recordings_with_next_to_nothing_in_them_give_valid_results() {
    let scratch = TempDir::new().unwrap();
    let dead = |t: usize, c: usize| if c < 4 { 0 } else { neuron(t, c - 4) };
    let silences = |t: usize, c: usize| {
        if (t / 20_000).is_multiple_of(2) {
            0
        } else {
            neuron(t, c)
        }
    };
    let saturated = |t: usize, c: usize| {
        if (t / 300).is_multiple_of(200) {
            i16::MAX
        } else {
            neuron(t, c)
        }
    };
    let cases: [(&str, usize, &Samples); 7] = [
        ("one channel", 1, &neuron),
        ("two channels", 2, &neuron),
        ("half of the channels dead", 8, &dead),
        ("silent half of the time", 4, &silences),
        ("saturated now and then", 4, &saturated),
        ("noise", 4, &noise),
        ("64 channels of noise", 64, &noise),
    ];
    for (name, channels, value) in cases {
        let file = samples(scratch.path(), name, channels, 4.0, value);
        let output = scratch.path().join(format!("{name} sorted"));
        let n = channels.to_string();
        let args = [
            "sort",
            path(&file),
            "--channels",
            &n,
            "--sample-rate",
            "30000",
            "--quiet",
            "--output",
            path(&output),
        ];
        let done = ferrosort(args);
        assert!(done.status.success(), "{name}: {}", stderr(&done));
        assert_valid(&output);
        let labels = fs::read_to_string(output.join("cluster_group.tsv")).unwrap();
        let claimed = labels.lines().skip(1).filter(|line| !line.ends_with("noise")).count();
        // Edges of saturated stretches may look like a unit; that is all that is asked here.
        let expected = if name.contains("noise") { 0..=0 } else { 1..=8 };
        assert!(expected.contains(&claimed), "{name}: {labels}");
    }
}

#[test]
fn contacts_at_one_position_are_taken_apart_and_named() {
    let scratch = TempDir::new().unwrap();
    let file = samples(scratch.path(), "tetrode", 4, 4.0, &neuron);
    let probe = scratch.path().join("one.prb");
    fs::write(
        &probe,
        "channel_groups = {0: {'channels': [0, 1, 2, 3], 'geometry': {0: (0, 0), 1: (0, 0), 2: (0, 0), 3: (0, 0)}}}\n",
    )
    .unwrap();
    let output = scratch.path().join("out");
    let args = [
        "sort",
        path(&file),
        "--channels",
        "4",
        "--sample-rate",
        "30000",
        "--probe",
        path(&probe),
    ];
    let done = ferrosort(args.iter().copied().chain(["--output", path(&output)]));
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(
        stderr(&done).contains("3 contacts (the first is 1)"),
        "{}",
        stderr(&done)
    );
    assert_valid(&output);
}

/// Uncorrelated noise of some counts (the mixer of SplitMix64).
fn noise(t: usize, c: usize) -> i16 {
    let mut z = (t as u64 * 64 + c as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (0..4).map(|k| (z >> (16 * k)) as i16 % 21).sum()
}

/// Noise, and a neuron that fires every 50 ms, largest on channel 0.
fn neuron(t: usize, c: usize) -> i16 {
    let phase = (t % 1500) as f64 - 30.0;
    let shape = -(-0.5 * (phase / 4.0).powi(2)).exp() + 0.3 * (-0.5 * ((phase - 14.0) / 8.0).powi(2)).exp();
    noise(t, c) + (300.0 / (1 + c) as f64 * shape) as i16
}

/// Writes int16 samples `[time, channels]`.
fn samples(folder: &Path, name: &str, channels: usize, seconds: f64, value: &Samples) -> PathBuf {
    let file = folder.join(format!("{name}.bin"));
    let n = (seconds * 30_000.0) as usize;
    let bytes: Vec<u8> = (0..n * channels)
        .flat_map(|i| value(i / channels, i % channels).to_le_bytes())
        .collect();
    fs::write(&file, bytes).unwrap();
    file
}
