//! Quality metrics against SpikeInterface, on a sorting and a recording made of integers (`tests/data/make_golden_quality.py`).

#![allow(clippy::unwrap_used)]

use std::path::Path;

use ferrosort_compare::quality::{
    CutoffCounts, Extent, QualityInputs, QualityParams, SlidingBins, UnitDepths, d_prime, isolation,
    nearest_neighbours, quality_table, silhouette,
};
use ferrosort_compare::waveforms::{MeasureParams, measure};
use ferrosort_core::{MemoryRecording, Probe, RunKind, RunUnit, Silent, SortingRun};
use ndarray::{Array2, Axis, concatenate};
use serde_json::Value;

const RATE: f64 = 10_000.0;
const N: i64 = 1_301_234;
const CHANNELS: usize = 4;
const SHAPE: [i64; 11] = [-100, -400, -1000, -600, -100, 200, 350, 300, 200, 100, 50];
const TROUGH: i64 = 2;
/// Size of each unit in hundredths and its main channel.
const UNITS: [(i64, usize); 8] = [
    (100, 0),
    (60, 1),
    (40, 2),
    (150, 3),
    (80, 2),
    (100, 0),
    (50, 1),
    (70, 3),
];
/// Share of a unit on channels at distance 0, 1, 2, 3, in hundredths.
const FALL: [i64; 4] = [100, 40, 15, 5];

struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    fn below(&mut self, m: i64) -> i64 {
        (i64::from(self.next()) * m) >> 32
    }

    /// Nearly normal, standard deviation 1000.
    fn bell(&mut self) -> i64 {
        (0..12).map(|_| self.below(1000)).sum::<i64>() - 6000
    }

    fn renewal(&mut self, dead: i64, spread: i64, end: i64) -> Vec<i64> {
        let (mut train, mut t) = (Vec::new(), 0);
        loop {
            t += dead + self.below(spread);
            if t >= end {
                return train;
            }
            train.push(t);
        }
    }
}

fn trains() -> Vec<Vec<i64>> {
    let mut r = Numbers(2024);
    let mut units: Vec<Vec<i64>> = [
        (40, 420, N),
        (2, 700, N),
        (30, 1600, N),
        (30, 900, 620_000),
        (30, 3000, N),
    ]
    .into_iter()
    .map(|(dead, spread, end)| r.renewal(dead, spread, end))
    .collect();
    let every = |step: usize| units[0].iter().copied().step_by(step).collect::<Vec<i64>>();
    let (fifth, ninth, tenth) = (every(5), every(9), every(10));
    units[4].extend(fifth);
    units[4].sort_unstable();
    units[4].dedup();
    units.extend([Vec::new(), ninth, tenth]);
    units
}

fn recording(units: &[Vec<i64>]) -> MemoryRecording {
    let mut r = Numbers(99);
    let mut traces: Vec<i64> = (0..N as usize * CHANNELS)
        .map(|_| {
            let x = r.next();
            i64::from(x >> 24) + i64::from((x >> 16) & 255) - 255
        })
        .collect();
    for (&(size, main), train) in UNITS.iter().zip(units) {
        for (&t, (k, value)) in train.iter().flat_map(|t| SHAPE.iter().enumerate().map(move |s| (t, s))) {
            let at = t - TROUGH + k as i64;
            if (0..N).contains(&at) {
                for c in 0..CHANNELS {
                    // Division towards minus infinity, as in Python.
                    let share = (value * (size * FALL[c.abs_diff(main)])).div_euclid(10_000);
                    traces[at as usize * CHANNELS + c] += share;
                }
            }
        }
    }
    MemoryRecording::new(RATE, CHANNELS, traces.iter().map(|&v| v as f32).collect(), None).unwrap()
}

fn given_amplitudes(unit: usize, train: &[i64]) -> Vec<f32> {
    let mut r = Numbers(31 + unit as u32);
    let mut values: Vec<f64> = train.iter().map(|_| -(100.0 + r.bell() as f64 / 100.0)).collect();
    if unit == 1 {
        for v in &mut values {
            *v = v.min(-95.0 - r.below(1000) as f64 / 500.0);
        }
    }
    values.iter().map(|&v| v as f32).collect()
}

fn given_depths(unit: usize, train: &[i64]) -> UnitDepths {
    let mut r = Numbers(77 + unit as u32);
    let mut depth = |&t: &i64| (40.0 + unit as f64 + (t * 8) as f64 / N as f64 + r.bell() as f64 / 500.0) as f32;
    UnitDepths {
        samples: train.to_vec(),
        depths_um: train.iter().map(&mut depth).collect(),
    }
}

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/golden/quality/spikeinterface.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A column of the golden file; missing values are NaN.
fn column(part: &Value, name: &str) -> Vec<f64> {
    let values = part[name]
        .as_array()
        .unwrap_or_else(|| panic!("{name} is in the golden file"));
    values.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn assert_close(name: &str, found: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (unit, (f, e)) in found.iter().zip(expected).enumerate() {
        let agree = (f.is_nan() && e.is_nan()) || (f - e).abs() <= relative * e.abs().max(1e-3);
        assert!(agree, "{name} of unit {unit}: {f}, SpikeInterface {e}");
    }
}

fn inputs(units: Vec<Vec<i64>>) -> QualityInputs {
    QualityInputs {
        unit_ids: (0..units.len()).map(|u| u.to_string()).collect(),
        extent: Extent {
            sample_rate: RATE,
            n_samples: N as u64,
        },
        amplitudes: Some(units.iter().enumerate().map(|(u, t)| given_amplitudes(u, t)).collect()),
        amplitude_unit: "µV".into(),
        amplitude_source: None,
        depths: Some(units.iter().enumerate().map(|(u, t)| given_depths(u, t)).collect()),
        templates: None,
        features: None,
        positions_um: None,
        contamination_pct: None,
        trains: units,
    }
}

#[test]
fn metrics_of_given_trains_amplitudes_and_depths_equal_those_of_spikeinterface() {
    let golden = golden();
    let units = trains();
    let counts: Vec<f64> = units.iter().map(|t| t.len() as f64).collect();
    assert_eq!(counts, column(&golden, "num_spikes"));
    let sums: Vec<f64> = units.iter().map(|t| t.iter().sum::<i64>() as f64).collect();
    assert_eq!(sums, column(&golden, "sum_of_times"));
    let params = QualityParams {
        sliding_bins: SlidingBins::True,
        cutoff_counts: CutoffCounts::Truncated,
        ..QualityParams::default()
    };
    let table = quality_table(&inputs(units), &params);
    let exact = golden["exact"].as_object().unwrap();
    assert!(exact.len() >= 20, "{}", exact.len());
    for name in exact.keys() {
        let found = table.column(name).unwrap_or_else(|| panic!("{name} is in the table"));
        assert_close(name, found, &column(&golden["exact"], name), 1e-6);
    }
}

#[test]
fn metrics_of_given_features_equal_those_of_spikeinterface() {
    let mut r = Numbers(4711);
    let centres = [[0.0, 0.0, 0.0, 0.0], [3.0, 1.0, 0.0, 0.0], [0.0, 2.0, 3.0, 1.0]];
    let clusters: Vec<Array2<f64>> = centres
        .iter()
        .zip([150, 240, 330])
        .map(|(centre, n)| Array2::from_shape_fn((n, 4), |(_, k)| centre[k] + r.bell() as f64 / 1000.0))
        .collect();
    let mut found = vec![Vec::new(); 6];
    for unit in 0..3 {
        let rest: Vec<usize> = (0..3).filter(|&k| k != unit).collect();
        let others = concatenate(Axis(0), &rest.iter().map(|&k| clusters[k].view()).collect::<Vec<_>>()).unwrap();
        let labels: Vec<u32> = rest
            .iter()
            .flat_map(|&k| std::iter::repeat_n(k as u32, clusters[k].nrows()))
            .collect();
        let (own, others) = (clusters[unit].view(), others.view());
        let distances = isolation(own, others);
        let rates = nearest_neighbours(own, others, 5, 500);
        found[0].push(distances.isolation_distance);
        found[1].push(distances.l_ratio);
        found[2].push(d_prime(own, others));
        found[3].push(rates.hit);
        found[4].push(rates.miss);
        found[5].push(silhouette(own, others, &labels));
    }
    let names = [
        "isolation_distance",
        "l_ratio",
        "d_prime",
        "nn_hit_rate",
        "nn_miss_rate",
        "silhouette",
    ];
    for (name, found) in names.iter().zip(&found) {
        assert_close(name, found, &column(&golden()["features"], name), 1e-6);
    }
}

#[test]
fn measurements_in_the_recording_agree_with_those_of_spikeinterface() {
    let golden = golden();
    let units = trains();
    let recording = recording(&units);
    let probe = Probe::line(CHANNELS, 20.0);
    let mut run = SortingRun::new("golden", "golden", RunKind::SpikeInterface);
    run.units = (0..units.len())
        .map(|u| RunUnit {
            id: u.to_string(),
            ..RunUnit::default()
        })
        .collect();
    let mut spikes: Vec<(i64, u32)> = units
        .iter()
        .enumerate()
        .flat_map(|(u, t)| t.iter().map(move |&t| (t, u as u32)))
        .collect();
    spikes.sort_unstable();
    (run.spikes.samples, run.spikes.units) = spikes.into_iter().unzip();
    let measured = measure(&recording, &probe, &run, &MeasureParams::default(), &Silent).unwrap();
    assert_close("noise", &measured.noise_mad, &column(&golden, "noise_levels"), 0.02);
    let inputs = measured.quality_inputs(&run, &probe, 0);
    let depths: Vec<f64> = inputs
        .depths
        .as_ref()
        .unwrap()
        .iter()
        .map(|d| {
            let mut y = d.depths_um.clone();
            y.sort_unstable_by(f32::total_cmp);
            y.get(y.len() / 2).map_or(f64::NAN, |&v| f64::from(v))
        })
        .collect();
    assert_close("depth", &depths, &column(&golden["measured"], "median_depth"), 0.02);
    let table = quality_table(&inputs, &QualityParams::spikeinterface());
    for name in ["snr", "amplitude_median", "sd_ratio"] {
        let mut expected = column(&golden["measured"], name);
        // A unit without spikes has no template here; SpikeInterface gives it one of zeros.
        expected[5] = f64::NAN;
        assert_close(name, table.column(name).unwrap(), &expected, 0.02);
    }
}
