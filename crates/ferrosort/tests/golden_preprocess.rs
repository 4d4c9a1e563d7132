//! Channel test, filter, covariance, whitening and whitened batches against golden arrays (docs/kilosort2.md 1.4, 2.1-2.5).
#![allow(clippy::unwrap_used)]

use ferrosort::preprocess::filter::{Conditioner, Offset};
use ferrosort::preprocess::layout::BatchLayout;
use ferrosort::preprocess::survey::survey;
use ferrosort::preprocess::{Batches, whitening};
use ferrosort::settings::{Algorithm, Compat, Parameters, Settings};
use ferrosort_core::{Contact, MemoryRecording, Probe, Recording, Silent};
use ferrosort_golden::{Golden, max_abs_difference, open};
use ndarray::{Array1, Array2};

fn settings() -> Settings {
    let mut settings = Settings::new(Algorithm::Kilosort2);
    settings.compat = Compat::kilosort2_2_0_2();
    settings.parameters.batch_samples = 16448;
    settings.parameters.covariance_stride = 5;
    settings
}

fn recording_and_probe(golden: &mut Golden) -> (MemoryRecording, Probe) {
    let raw: Array2<f32> = golden.f32("raw");
    let rows = golden.usize("chan_map");
    let xy: Array2<f64> = golden.f64("xy");
    let contacts = rows
        .iter()
        .enumerate()
        .map(|(i, &channel)| Contact {
            channel,
            x_um: xy[[i, 0]],
            y_um: xy[[i, 1]],
            shank: 0,
        })
        .collect();
    let width = raw.ncols();
    let data = raw.iter().copied().collect();
    let probe = Probe {
        name: String::new(),
        contacts,
    };
    (
        MemoryRecording::new(golden.scalar("fs"), width, data, None).unwrap(),
        probe,
    )
}

#[test]
fn filtered_buffers() {
    let Some(mut golden) = open("kilosort2/stage1_preprocess.npz") else {
        return;
    };
    let rows = golden.usize("filt_rows");
    for (batch, common_reference, name) in [
        (0, true, "filt_out_0"),
        (3, true, "filt_out_3"),
        (21, true, "filt_out_21"),
        (3, false, "filt_out_3_nocar"),
    ] {
        if !golden.has(name) {
            continue;
        }
        let input: Array2<f32> = golden.f32(&format!("filt_in_{batch}"));
        let expected: Array2<f64> = golden.f64(name);
        let parameters = Parameters {
            common_reference,
            ..Parameters::kilosort2()
        };
        let conditioner = Conditioner::new(&parameters, 30000.0, Offset::BufferMean, true);
        let columns: Vec<usize> = (0..input.ncols()).collect();
        let out = conditioner.apply(input.as_slice().unwrap(), input.ncols(), &columns);
        let got = Array2::from_shape_fn(expected.dim(), |(i, c)| f64::from(out.row(c)[rows[i]]));
        let scale = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let worst = max_abs_difference(&got, &expected);
        assert!(worst < 2e-6 * scale, "{name}: worst difference {worst} of {scale}");
    }
}

#[test]
fn channels_covariance_whitening_and_batches() {
    let (Some(mut input), Some(mut golden)) = (
        open("kilosort2/small_recording.npz"),
        open("kilosort2/stage1_preprocess.npz"),
    ) else {
        return;
    };
    let (recording, probe) = recording_and_probe(&mut input);
    let settings = settings();
    let layout = BatchLayout::new(recording.n_samples(), &settings.parameters, &settings.compat);
    let columns: Vec<usize> = probe.contacts.iter().map(|c| c.channel).collect();
    let found = survey(
        &recording,
        &columns,
        layout.batches(),
        &settings.parameters,
        &settings.compat,
        &Silent,
    )
    .unwrap();
    // Filtered values are stored in f32 here: a crossing whose f64 value is within 1e-7 of the threshold may fall on the other side.
    // (The original, in f32 throughout, counts two more in total.)
    let counts = golden.usize("good_count");
    let apart: Vec<u64> = found
        .crossings
        .iter()
        .zip(&counts)
        .map(|(a, &b)| a.abs_diff(b as u64))
        .collect();
    assert!(apart.iter().sum::<u64>() <= 1, "{apart:?}");
    let rates: Array1<f64> = golden.f64("good_rate");
    assert!(max_abs_difference(&found.rate_hz, &rates) <= 1.001 / 12.0);
    let mask: Array1<f64> = golden.f64("good_mask");
    let good = found.good_channels(settings.parameters.min_channel_rate_hz);
    assert_eq!(good, (0..mask.len()).filter(|&i| mask[i] > 0.0).collect::<Vec<_>>());

    let probe = probe.select(&good);
    let expected: Array2<f64> = golden.f64("CC");
    for (stride, name) in [(5, "CC"), (7, "CC_skip7")] {
        if !golden.has(name) {
            continue;
        }
        let mut settings = settings.clone();
        settings.parameters.covariance_stride = stride;
        // A global matrix W satisfies W' CC W = scale^2: the covariance is seen through it.
        settings.parameters.whitening_range = 0;
        let batches = Batches::prepare(
            &recording,
            &probe,
            vec![0.0; good.len()],
            layout.clone(),
            &settings,
            &Silent,
        )
        .unwrap();
        let covariance: Array2<f64> = golden.f64(name);
        let w = batches.matrix();
        let white = w.t().dot(&covariance).dot(w) / 200f64.powi(2);
        assert!(max_abs_difference(&white, &Array2::eye(good.len())) < 1e-5, "{name}");
    }
    let positions = probe.positions_um();
    for (range, name) in [(32, "Wrot"), (0, "Wrot_global"), (9, "Wrot_range9")] {
        if !golden.has(name) {
            continue;
        }
        let w: Array2<f64> = golden.f64(name);
        let got = whitening::whitening_matrix(&expected, &positions, range, 200.0).unwrap();
        let norm = w.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!(max_abs_difference(&got, &w) < 1e-9 * norm, "{name}");
    }

    let batches = Batches::prepare(&recording, &probe, vec![0.0; good.len()], layout, &settings, &Silent).unwrap();
    for k in [0usize, 3, 21] {
        let name = format!("proc_{k}");
        if !golden.has(&name) {
            continue;
        }
        let expected: Array2<f64> = golden.f64(&name);
        let got = batches.counts(k).unwrap();
        let samples = expected.nrows();
        let differing = expected
            .indexed_iter()
            .map(|((t, c), v)| (v - f64::from(got[c * samples + t])).abs())
            .inspect(|d| assert!(*d <= 1.0, "batch {k}: a value differs by {d}"))
            .filter(|d| *d > 0.0)
            .count();
        let fraction = differing as f64 / expected.len() as f64;
        assert!(fraction < 1e-3, "batch {k}: {fraction} of the values differ");
    }
}
