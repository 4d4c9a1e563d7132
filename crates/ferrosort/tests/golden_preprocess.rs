//! Channel test, filter, covariance, whitening and whitened batches against golden arrays (docs/kilosort2.md 1.4, 2.1-2.5).
//!
//! Each test runs on the large file of the original program's numbers and on the small file of the project, whichever are there.
#![allow(clippy::unwrap_used)]

use ferrosort::preprocess::filter::{Conditioner, Offset};
use ferrosort::preprocess::layout::BatchLayout;
use ferrosort::preprocess::survey::{Survey, survey};
use ferrosort::preprocess::{Batches, whitening};
use ferrosort::settings::{Algorithm, Compat, Parameters, Settings};
use ferrosort_core::{Contact, MemoryRecording, Probe, Recording, Silent};
use ferrosort_golden::{Golden, max_abs_difference, open_all};
use ndarray::{Array1, Array2};

/// Every file of this stage, with the recording that lies beside it.
fn files() -> Vec<(Golden, Golden)> {
    open_all("kilosort2/stage1_preprocess.npz")
        .into_iter()
        .map(|golden| {
            let recording = Golden::open(golden.path().with_file_name("small_recording.npz"));
            (golden, recording)
        })
        .collect()
}

/// The value `name`, or what holds for the file that does not store it.
fn scalar_or(golden: &mut Golden, name: &str, otherwise: f64) -> f64 {
    if golden.has(name) {
        golden.scalar(name)
    } else {
        otherwise
    }
}

/// The numbers `n` for which the file has an array `prefix`n.
fn numbered(golden: &mut Golden, prefix: &str) -> Vec<usize> {
    let found: Vec<usize> = (0..100).filter(|n| golden.has(&format!("{prefix}{n}"))).collect();
    assert!(!found.is_empty(), "{}: {prefix}", golden.path().display());
    found
}

fn settings(golden: &mut Golden) -> Settings {
    let mut settings = Settings::new(Algorithm::Kilosort2);
    settings.compat = Compat::kilosort2_2_0_2();
    let first: Array2<f64> = golden.f64("proc_0");
    settings.parameters.batch_samples = first.nrows();
    settings.parameters.covariance_stride = scalar_or(golden, "covariance_stride", 5.0) as usize;
    settings.parameters.whitening_range = scalar_or(golden, "whitening_range", 32.0) as usize;
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
    for (mut golden, mut recording) in files() {
        let rows = golden.usize("filt_rows");
        let mut without_reference = 0;
        for batch in numbered(&mut golden, "filt_in_") {
            let input: Array2<f32> = golden.f32(&format!("filt_in_{batch}"));
            for (common_reference, suffix) in [(true, ""), (false, "_nocar")] {
                let name = format!("filt_out_{batch}{suffix}");
                if !golden.has(&name) {
                    assert!(!common_reference, "{name}");
                    continue;
                }
                without_reference += usize::from(!common_reference);
                let expected: Array2<f64> = golden.f64(&name);
                let parameters = Parameters {
                    common_reference,
                    ..Parameters::kilosort2()
                };
                let conditioner = Conditioner::new(&parameters, recording.scalar("fs"), Offset::BufferMean, true);
                let columns: Vec<usize> = (0..input.ncols()).collect();
                let out = conditioner.apply(input.as_slice().unwrap(), input.ncols(), &columns);
                let got = Array2::from_shape_fn(expected.dim(), |(i, c)| f64::from(out.row(c)[rows[i]]));
                let scale = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                let worst = max_abs_difference(&got, &expected);
                // The result is stored in f32.
                assert!(worst < 2e-7 * scale, "{name}: worst difference {worst} of {scale}");
            }
        }
        assert!(without_reference > 0, "{}", golden.path().display());
    }
}

#[test]
fn discarded_samples() {
    for (mut golden, mut input) in files() {
        let (recording, _) = recording_and_probe(&mut input);
        let settings = settings(&mut golden);
        let layout = BatchLayout::new(recording.n_samples(), &settings.parameters, &settings.compat);
        for batch in numbered(&mut golden, "discard_") {
            let window = layout.window(batch);
            assert_eq!(window.discard, golden.scalar(&format!("discard_{batch}")) as usize);
            let buffer: Array2<f64> = golden.f64(&format!("filt_in_{batch}"));
            assert_eq!(window.read_samples, buffer.nrows());
        }
    }
}

/// Checks counts, rates and the channels kept; gives the indices of those.
fn check_survey(golden: &mut Golden, found: &Survey, seconds: f64, min_rate_hz: f64) -> Vec<usize> {
    // Filtered values are stored in f32 here: a crossing whose f64 value is within 1e-7 of a threshold may fall on the other side.
    // (The original, in f32 throughout, counts two more in total in the large file.)
    let allowed = u64::from(scalar_or(golden, "good_margin", 0.0) < 1e-5);
    let counts = golden.usize("good_count");
    let apart: Vec<u64> = found
        .crossings
        .iter()
        .zip(&counts)
        .map(|(a, &b)| a.abs_diff(b as u64))
        .collect();
    assert!(apart.iter().sum::<u64>() <= allowed, "{apart:?}");
    let rates: Array1<f64> = golden.f64("good_rate");
    assert!(max_abs_difference(&found.rate_hz, &rates) <= allowed as f64 / seconds + 1e-9);
    let mask: Array1<f64> = golden.f64("good_mask");
    let good = found.good_channels(min_rate_hz);
    assert_eq!(good, (0..mask.len()).filter(|&i| mask[i] > 0.0).collect::<Vec<_>>());
    good
}

#[test]
fn channels_covariance_and_batches() {
    for (mut golden, mut input) in files() {
        let (recording, probe) = recording_and_probe(&mut input);
        let settings = settings(&mut golden);
        let layout = BatchLayout::new(recording.n_samples(), &settings.parameters, &settings.compat);
        let columns: Vec<usize> = probe.contacts.iter().map(|c| c.channel).collect();
        let (parameters, compat) = (&settings.parameters, &settings.compat);
        let found = survey(&recording, &columns, layout.batches(), parameters, compat, &Silent).unwrap();
        let seconds = recording.n_samples() as f64 / recording.sample_rate();
        let good = check_survey(&mut golden, &found, seconds, parameters.min_channel_rate_hz);

        let probe = probe.select(&good);
        let prepare = |settings: &Settings| {
            let offset = vec![0.0; good.len()];
            Batches::prepare(&recording, &probe, offset, layout.clone(), settings, &Silent).unwrap()
        };
        let other_strides = numbered(&mut golden, "CC_skip");
        let strides = [(parameters.covariance_stride, "CC".to_owned())]
            .into_iter()
            .chain(other_strides.into_iter().map(|s| (s, format!("CC_skip{s}"))));
        for (stride, name) in strides {
            let mut settings = settings.clone();
            settings.parameters.covariance_stride = stride;
            // A global matrix W satisfies W' CC W = scale^2: the covariance is seen through it.
            settings.parameters.whitening_range = 0;
            let batches = prepare(&settings);
            let covariance: Array2<f64> = golden.f64(&name);
            let w = batches.matrix();
            let white = w.t().dot(&covariance).dot(w) / 200f64.powi(2);
            assert!(max_abs_difference(&white, &Array2::eye(good.len())) < 1e-5, "{name}");
        }
        check_batches(&mut golden, &prepare(&settings));
    }
}

fn check_batches(golden: &mut Golden, batches: &Batches) {
    for k in numbered(golden, "proc_") {
        let expected: Array2<f64> = golden.f64(&format!("proc_{k}"));
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

#[test]
fn whitening_matrices() {
    for (mut golden, _) in files() {
        let covariance: Array2<f64> = golden.f64("CC");
        let xy: Array2<f64> = golden.f64("xy_good");
        let positions: Vec<[f64; 2]> = xy.rows().into_iter().map(|r| [r[0], r[1]]).collect();
        let standard = settings(&mut golden).parameters.whitening_range;
        let others = numbered(&mut golden, "Wrot_range");
        let ranges = [(standard, "Wrot".to_owned()), (0, "Wrot_global".to_owned())]
            .into_iter()
            .chain(others.into_iter().map(|r| (r, format!("Wrot_range{r}"))));
        for (range, name) in ranges {
            let w: Array2<f64> = golden.f64(&name);
            let got = whitening::whitening_matrix(&covariance, &positions, range, 200.0).unwrap();
            let norm = w.iter().map(|v| v * v).sum::<f64>().sqrt();
            assert!(max_abs_difference(&got, &w) < 1e-9 * norm, "{name}");
        }
    }
}
