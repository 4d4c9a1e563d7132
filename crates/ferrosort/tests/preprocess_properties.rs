//! Whitened batches in default mode: what holds whatever the recording is (docs/kilosort2.md 2).
#![allow(clippy::unwrap_used)]

mod support;

use ferrosort::preprocess::Batches;
use ferrosort::preprocess::layout::BatchLayout;
use ferrosort::preprocess::whitening::whitening_matrix;
use ferrosort::settings::{Algorithm, Settings};
use ferrosort_core::{Contact, MemoryRecording, Probe, Recording, Silent};
use ndarray::Array2;
use proptest::prelude::*;
use support::Noise;

const RATE_HZ: f64 = 30000.0;

/// Two staggered columns: equal distances are frequent.
fn probe(channels: usize) -> Probe {
    let contacts = (0..channels)
        .map(|channel| Contact {
            channel,
            x_um: 32.0 * (channel % 2) as f64,
            y_um: 10.0 * channel as f64,
            shank: 0,
        })
        .collect();
    Probe {
        name: String::new(),
        contacts,
    }
}

/// Whole counts: noise shared by neighbours, a slow wave of 60 counts, and an offset for each channel.
fn samples(seed: u64, channels: usize, samples: usize) -> Vec<f32> {
    let mut noise = Noise(seed);
    let offsets: Vec<f64> = (0..channels).map(|_| 100.0 * noise.normal()).collect();
    let mut out = Vec::with_capacity(channels * samples);
    for t in 0..samples {
        let wave = 60.0 * (t as f64 / 3000.0 * std::f64::consts::TAU).sin();
        let own: Vec<f64> = (0..=channels).map(|_| 8.0 * noise.normal()).collect();
        out.extend(
            (0..channels)
                .map(|c| (own[c] + 0.5 * own[c + 1] + wave * (1.0 + 0.1 * c as f64) + offsets[c]).round() as f32),
        );
    }
    out
}

fn recording(channels: usize, data: Vec<f32>) -> MemoryRecording {
    MemoryRecording::new(RATE_HZ, channels, data, None).unwrap()
}

fn settings(batch_samples: usize) -> Settings {
    let mut settings = Settings::new(Algorithm::Kilosort2);
    settings.parameters.batch_samples = batch_samples;
    settings.parameters.covariance_stride = 1;
    settings.parameters.whitening_range = 5;
    settings
}

/// Batches of all columns, with their true means as offsets.
fn prepare(recording: &MemoryRecording, batch_samples: usize) -> Batches<'_> {
    let settings = settings(batch_samples);
    let channels = recording.n_channels();
    let mut data = vec![0.0; recording.n_samples() as usize * channels];
    recording.read(0, &mut data).unwrap();
    let columns: Vec<usize> = (0..channels).collect();
    let means = ferrosort::preprocess::filter::column_means(&data, channels, &columns);
    let layout = BatchLayout::new(recording.n_samples(), &settings.parameters, &settings.compat);
    Batches::prepare(recording, &probe(channels), means, layout, &settings, &Silent).unwrap()
}

/// Every kept value that lies in the recording, from every batch: `(sample, channel, counts)`.
fn kept(batches: &Batches, n_samples: u64) -> Vec<(usize, usize, i16)> {
    let mut out = Vec::new();
    for k in 0..batches.layout().batches() {
        let window = batches.layout().window(k);
        let counts = batches.counts(k).unwrap();
        for (c, row) in counts.chunks_exact(window.samples).enumerate() {
            for (t, &v) in row.iter().enumerate() {
                let sample = window.first + t as i64;
                if (0..n_samples as i64).contains(&sample) {
                    out.push((sample as usize, c, v));
                }
            }
        }
    }
    out
}

#[test]
fn a_sample_is_the_same_in_every_batch_that_holds_it() {
    let (channels, n) = (9, 11_000);
    let recording = recording(channels, samples(1, channels, n));
    let standard = prepare(&recording, 4160);
    let mut reference = vec![None; channels * n];
    let mut compared = 0usize;
    let mut differing = 0usize;
    for batch_samples in [4160, 2112, 3001, 70_000] {
        let mut batches = prepare(&recording, batch_samples);
        batches.set_matrix(standard.matrix().clone());
        for (t, c, v) in kept(&batches, n as u64) {
            let first = *reference[t * channels + c].get_or_insert(v);
            let apart = first.abs_diff(v);
            assert!(
                apart <= 1,
                "sample {t}, channel {c}: {first} and {v} in batches of {batch_samples}"
            );
            compared += 1;
            differing += usize::from(apart > 0);
        }
    }
    assert!(reference.iter().all(Option::is_some), "all samples are in a batch");
    assert!(compared > 4 * channels * n, "batches overlap");
    let fraction = differing as f64 / compared as f64;
    assert!(fraction < 1e-3, "{fraction} of the values differ");
}

#[test]
fn whitened_channels_have_unit_variance_and_no_offset() {
    let (channels, n) = (8, 9000);
    let recording = recording(channels, samples(2, channels, n));
    let values = kept(&prepare(&recording, 2112), n as u64);
    let (mut sum, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
    for &(_, c, v) in &values {
        sum[c] += f64::from(v) / 200.0;
        squares[c] += (f64::from(v) / 200.0).powi(2);
    }
    let count = (values.len() / channels) as f64;
    for c in 0..channels {
        // The covariance is taken over exactly these samples; what is left is rounding.
        assert!(
            (squares[c] / count - 1.0).abs() < 1e-3,
            "channel {c}: {}",
            squares[c] / count
        );
        assert!((sum[c] / count).abs() < 1e-2, "channel {c}");
    }
}

#[test]
fn what_all_channels_share_is_removed() {
    let (channels, n) = (7, 5000);
    let plain = samples(3, channels, n);
    let mut noise = Noise(4);
    let mut shared = plain.clone();
    for frame in shared.chunks_exact_mut(channels) {
        let common = (200.0 * noise.normal()).round() as f32;
        for v in frame {
            *v += common;
        }
    }
    let (plain, shared) = (recording(channels, plain), recording(channels, shared));
    let (a, b) = (prepare(&plain, 2112), prepare(&shared, 2112));
    let pairs = kept(&a, n as u64).into_iter().zip(kept(&b, n as u64));
    let mut differing = 0;
    for (x, y) in pairs {
        assert!(x.2.abs_diff(y.2) <= 1, "{x:?} {y:?}");
        differing += usize::from(x.2 != y.2);
    }
    assert!(differing < channels * n / 500, "{differing} values differ");
}

#[test]
fn threads_change_nothing() {
    let recording = recording(19, samples(5, 19, 7000));
    let [one, three] = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let batches = prepare(&recording, 2112);
            let counts: Vec<Vec<i16>> = (0..batches.layout().batches())
                .map(|k| batches.counts(k).unwrap())
                .collect();
            let first = batches.batch(0).unwrap();
            (batches.matrix().clone(), counts, first)
        })
    });
    assert!(one == three);
}

#[test]
fn silent_and_constant_channels_give_finite_values() {
    let (channels, n) = (6, 4000);
    let with = |value: &dyn Fn(usize, f32) -> f32| -> Vec<f32> {
        let data = samples(6, channels, n);
        data.iter().enumerate().map(|(i, &v)| value(i % channels, v)).collect()
    };
    let cases = [
        ("one silent", with(&|c, v| if c == 2 { 0.0 } else { v })),
        ("one constant", with(&|c, v| if c == 2 { 1234.0 } else { v })),
        ("all but one silent", with(&|c, v| if c == 2 { v } else { 0.0 })),
        ("all silent", with(&|_, _| 0.0)),
        ("all constant", with(&|c, _| 100.0 * c as f32)),
        ("two alike", with(&|_, v| v)),
        (
            "at the limit",
            with(&|c, v| if c == 2 { 32767.0 * v.signum() } else { v }),
        ),
    ];
    for (name, mut data) in cases {
        if name == "two alike" {
            data.chunks_exact_mut(channels).for_each(|f| f[3] = f[2]);
        }
        let recording = recording(channels, data);
        let batches = prepare(&recording, 2112);
        assert!(batches.matrix().iter().all(|v| v.is_finite()), "{name}");
        for k in 0..batches.layout().batches() {
            assert!(
                batches.batch(k).unwrap().as_slice().iter().all(|v| v.is_finite()),
                "{name}"
            );
        }
        if name.starts_with("all s") || name.starts_with("all c") {
            assert!(batches.counts(0).unwrap().iter().all(|&v| v == 0), "{name}");
        }
    }
}

#[test]
fn short_recordings_make_one_batch() {
    for (channels, n) in [
        (5, 0usize),
        (5, 1),
        (5, 10),
        (5, 60),
        (5, 61),
        (5, 500),
        (5, 2047),
        (1, 500),
        (2, 500),
    ] {
        let recording = recording(channels, samples(8, channels, n));
        let batches = prepare(&recording, 2112);
        assert_eq!(batches.layout().batches(), 1, "{channels} channels, {n} samples");
        assert!(
            batches.matrix().iter().all(|v| v.is_finite()),
            "{channels} channels, {n} samples"
        );
        let batch = batches.batch(0).unwrap();
        assert_eq!(
            (batch.channels(), batch.samples()),
            (channels, batches.layout().kept_samples())
        );
        assert!(
            batch.as_slice().iter().all(|v| v.is_finite()),
            "{channels} channels, {n} samples"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any positive definite covariance, and contacts that may coincide.
    #[test]
    fn every_output_has_unit_variance(
        seed in any::<u64>(),
        channels in 1usize..14,
        range in 0usize..16,
        columns in 1usize..4,
    ) {
        let mut noise = Noise(seed);
        let mixing = Array2::from_shape_simple_fn((channels, channels), || noise.normal());
        let covariance = mixing.dot(&mixing.t()) + Array2::<f64>::eye(channels) * 0.5;
        let positions: Vec<[f64; 2]> = (0..channels)
            .map(|_| [(noise.uniform() * columns as f64).floor() * 16.0, (noise.uniform() * 6.0).floor() * 20.0])
            .collect();
        let w = whitening_matrix(&covariance, &positions, range, 200.0).unwrap() / 200.0;
        let white = w.t().dot(&covariance).dot(&w);
        for j in 0..channels {
            prop_assert!((white[[j, j]] - 1.0).abs() < 1e-5, "channel {}: {}", j, white[[j, j]]);
            let used = w.column(j).iter().filter(|v| **v != 0.0).count();
            prop_assert!(range == 0 || used <= range, "channel {} mixes {}", j, used);
        }
        if range == 0 {
            for (i, row) in white.rows().into_iter().enumerate() {
                let off = row.iter().enumerate().filter(|(j, _)| *j != i).fold(0.0f64, |m, (_, v)| m.max(v.abs()));
                prop_assert!(off < 1e-5);
            }
        }
    }
}
