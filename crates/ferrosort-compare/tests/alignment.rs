//! Processed files of known relation, aligned from their bytes.

use std::path::{Path, PathBuf};

use ferrosort_compare::Part;
use ferrosort_compare::intermediates::alignment::{Alignment, AlignmentParams, align};
use ferrosort_compare::intermediates::rotation_demo::write_rotated;
use ferrosort_core::{ProcessedFile, ProcessedLayout};

/// Reproducible numbers (Knuth's MMIX generator).
struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Signals as a whitening leaves them, 200 counts for one standard deviation: noise that is smooth in time and independent between
/// channels, and spikes on three neighbouring channels. `[channels][samples]`.
fn whitened(channels: usize, samples: usize) -> Vec<Vec<f64>> {
    let mut draws = Draws(7);
    let mut signals: Vec<Vec<f64>> = (0..channels)
        .map(|_| {
            let mut value = 0.0;
            let mut next = || {
                value = 0.7 * value + 143.0 * draws.normal();
                value
            };
            (0..samples).map(|_| next()).collect()
        })
        .collect();
    for _ in 0..samples / 300 {
        let start = (draws.unit() * (samples - 30) as f64) as usize;
        let channel = (draws.unit() * channels as f64) as usize;
        for (side, share) in [(0, 1.0), (1, 0.4), (channels - 1, 0.4)] {
            for t in 0..30 {
                let shape = (-(t as f64 - 10.0).powi(2) / 18.0).exp() - 0.4 * (-(t as f64 - 18.0).powi(2) / 40.0).exp();
                signals[(channel + side) % channels][start + t] -= 2500.0 * share * shape;
            }
        }
    }
    signals
}

/// How a file is cut and laid out.
struct Cut {
    batch_samples: usize,
    firsts: Vec<i64>,
    layout: ProcessedLayout,
}

/// Writes the signals (sample 0 of the recording first) as `cut` says; samples that do not exist are 0.
fn write(path: &Path, signals: &[Vec<f64>], cut: &Cut, declared: Option<ProcessedLayout>) -> ProcessedFile {
    let mut bytes = Vec::new();
    let value = |c: usize, sample: i64| -> i16 {
        let found = usize::try_from(sample).ok().and_then(|s| signals[c].get(s));
        found.map_or(0, |v| v.round() as i16)
    };
    for &first in &cut.firsts {
        let times = 0..cut.batch_samples as i64;
        match cut.layout {
            ProcessedLayout::Planar => {
                for c in 0..signals.len() {
                    times
                        .clone()
                        .for_each(|t| bytes.extend(value(c, first + t).to_le_bytes()));
                }
            }
            ProcessedLayout::Interleaved => {
                for t in times {
                    (0..signals.len()).for_each(|c| bytes.extend(value(c, first + t).to_le_bytes()));
                }
            }
        }
    }
    std::fs::write(path, bytes).expect("temporary file");
    ProcessedFile {
        path: path.to_path_buf(),
        n_channels: signals.len(),
        batch_samples: cut.batch_samples,
        first_samples: Some(cut.firsts.clone()),
        margin_samples: 0,
        layout: declared,
    }
}

fn planar(batch_samples: usize, firsts: &[i64]) -> Cut {
    Cut {
        batch_samples,
        firsts: firsts.to_vec(),
        layout: ProcessedLayout::Planar,
    }
}

fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (a, b) = (dir.path().join("a.bin"), dir.path().join("b.bin"));
    (dir, a, b)
}

fn aligned(a: &ProcessedFile, b: &ProcessedFile) -> Alignment {
    match align(Some(a), Some(b), &AlignmentParams::default()) {
        Part::Available(alignment) => alignment,
        Part::NotAvailable(reason) => panic!("{reason}"),
    }
}

/// What another program makes of the same signals: a gain of 0.99, 2.8 counts of its own noise.
fn another(signals: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut draws = Draws(8);
    let own = |v: &f64| 0.99 * v + 2.8 * draws.normal();
    let mut own = own;
    signals
        .iter()
        .map(|channel| channel.iter().map(&mut own).collect())
        .collect()
}

fn rotated(mut signals: Vec<Vec<f64>>, by: usize) -> Vec<Vec<f64>> {
    signals.rotate_left(by);
    signals
}

#[test]
fn the_offset_of_the_notebook_is_one_channel_of_a_planar_file() {
    let (_dir, path_a, path_b) = folder();
    let signals = whitened(64, 65_600);
    let cut = planar(65_600, &[0]);
    let a = write(&path_a, &signals, &cut, None);
    let b = write(&path_b, &rotated(another(&signals), 1), &cut, None);
    let found = aligned(&a, &b);

    let naive = found.naive.available().expect("equal channels");
    assert_eq!(naive.offset_frames, 1025);
    assert!(naive.correlation > 0.98, "{}", naive.correlation);
    assert!(naive.correlation_at_zero.abs() < 0.05);
    assert!((naive.by_offset[naive.max_offset + 1000]).abs() < 0.05);
    assert_eq!((naive.expected_offset_frames, naive.explained), (Some(1025.0), true));
    let text = "planar file read as interleaved; channel rotation by 1: probably a 1-based channel map";
    assert!(
        naive.explanation.contains(text) && naive.explanation.contains("65600/64 = 1025"),
        "{}",
        naive.explanation
    );

    assert_eq!(
        (found.layout_a.layout, found.layout_b.layout),
        (ProcessedLayout::Planar, ProcessedLayout::Planar)
    );
    assert!(found.layout_a.planar_correlation > 0.6 && found.layout_a.interleaved_correlation < 0.05);
    assert_eq!(
        (
            found.assignment.rotation,
            found.assignment.shift,
            found.assignment.shift_share
        ),
        (1, 63, 1.0)
    );
    assert!(found.assignment.correlation_by_place < 0.1);
    assert_eq!(found.lag_samples, 0);
    assert!(found.lag_refined.abs() < 0.01);
    assert!(found.correlation_min > 0.999 && found.correlation_median >= found.correlation_min);
    assert!((found.gain - 0.99).abs() < 1e-3, "{}", found.gain);
    assert!(found.overall.rms_fraction < 0.03 && found.overall.rms_difference > 2.0);
    assert_eq!(
        (
            found.channels.len(),
            found.channels[5].channel_a,
            found.channels[5].channel_b
        ),
        (64, 5, 4)
    );
    assert!(
        found
            .sentences
            .iter()
            .any(|s| s.contains("Channel rotation by 1 (channel c of B is channel c + 1 of A)"))
    );

    let after = &found.traces_after;
    assert_eq!((after.a.dim(), after.channels[1]), ((8, 4000), (9, 8)));
    let size = |traces: &ndarray::Array2<f32>| traces.iter().map(|v| f64::from(v * v)).sum::<f64>();
    assert!(size(&after.difference) < 0.01 * size(&after.a));
    assert!(size(&found.traces_before.difference) > size(&found.traces_before.a));
    assert!(size(&found.traces_naive.difference) > size(&found.traces_naive.a));
    assert!(
        (found.traces_after.spacing / 1200.0 - 1.0).abs() < 0.4,
        "{}",
        found.traces_after.spacing
    );
}

#[test]
fn a_rotated_copy_is_recognised_and_turning_it_back_gives_the_file() {
    let (dir, path_a, path_b) = folder();
    let signals = whitened(16, 6400);
    let a = write(
        &path_a,
        &signals,
        &planar(3264, &[0, 3136]),
        Some(ProcessedLayout::Planar),
    );
    let b = write_rotated(&a, 3, &path_b).expect("copy");
    let found = aligned(&a, &b);
    assert_eq!((found.assignment.rotation, found.lag_samples), (3, 0));
    assert_eq!(
        (found.overall.rms_difference, found.overall.largest_difference),
        (0.0, 0)
    );
    let naive = found.naive.available().expect("equal channels");
    assert_eq!((naive.offset_frames, naive.explained), (3 * 3264 / 16, true));
    let back = write_rotated(&b, -3, &dir.path().join("back.bin")).expect("copy");
    assert_eq!(
        std::fs::read(back.path).expect("read"),
        std::fs::read(&a.path).expect("read")
    );
    assert!(write_rotated(&a, 1, &a.path).is_err());
}

#[test]
fn layouts_may_differ_and_are_seen_in_the_data() {
    let (_dir, path_a, path_b) = folder();
    let signals = whitened(12, 20_000);
    let a = write(&path_a, &signals, &planar(20_000, &[0]), None);
    let cut = Cut {
        batch_samples: 20_000,
        firsts: vec![0],
        layout: ProcessedLayout::Interleaved,
    };
    let b = write(&path_b, &signals, &cut, None);
    let found = aligned(&a, &b);
    assert_eq!(found.layout_b.layout, ProcessedLayout::Interleaved);
    assert_eq!(
        (
            found.assignment.rotation,
            found.lag_samples,
            found.overall.largest_difference
        ),
        (0, 0, 0)
    );
    assert!(
        found
            .naive
            .available()
            .expect("equal channels")
            .explanation
            .contains("other is interleaved")
    );
    let mut wrong = b.clone();
    wrong.layout = Some(ProcessedLayout::Planar);
    assert!(
        aligned(&a, &wrong)
            .layout_b
            .reason
            .contains("but the values look interleaved")
    );
}

#[test]
fn late_and_early_signals_are_moved() {
    let (_dir, path_a, path_b) = folder();
    let signals = whitened(8, 30_000);
    let a = write(&path_a, &signals, &planar(30_000, &[0]), None);
    // 700 samples are beyond the lags at which channels are assigned first.
    for late in [37_i64, -3, 700] {
        let moved: Vec<Vec<f64>> = signals
            .iter()
            .map(|c| {
                (0..30_000_i64)
                    .map(|t| {
                        usize::try_from(t - late)
                            .ok()
                            .and_then(|t| c.get(t))
                            .copied()
                            .unwrap_or(0.0)
                    })
                    .collect()
            })
            .collect();
        let found = aligned(&a, &write(&path_b, &moved, &planar(30_000, &[0]), None));
        assert_eq!((found.lag_samples, found.assignment.shift_share), (late, 1.0));
        assert!((found.lag_refined - late as f64).abs() < 0.01 && found.lag_correlation > 0.99);
        assert_eq!(found.overall.largest_difference, 0);
        assert_eq!(found.overall.samples, 8 * (30_000 - late.unsigned_abs()));
    }
}

#[test]
fn files_cut_differently_are_compared_on_the_clock_of_the_recording() {
    let (_dir, path_a, path_b) = folder();
    let signals = whitened(6, 12_000);
    let a = write(&path_a, &signals, &planar(4160, &[0, 3936, 7936]), None);
    let b = write(&path_b, &signals, &planar(3000, &[-100, 2600, 5400, 8300]), None);
    let found = aligned(&a, &b);
    assert_eq!(found.compared, 0..11_300);
    assert_eq!((found.lag_samples, found.overall.largest_difference), (0, 0));
    assert_eq!(found.overall.samples, 6 * (4160 + 4160 + 11_300 - 7936));
    assert_eq!(found.batches.len(), 3);
}

#[test]
fn differences_at_the_edges_of_batches_stay_at_the_edges() {
    let (_dir, path_a, path_b) = folder();
    let signals = whitened(6, 12_000);
    let cut = planar(4000, &[0, 4000, 8000]);
    let a = write(&path_a, &signals, &cut, None);
    let mut disturbed = signals.clone();
    for channel in &mut disturbed {
        for value in &mut channel[4000..4064] {
            *value += 50.0;
        }
    }
    disturbed[2][9000] += 3000.0;
    let found = aligned(&a, &write(&path_b, &disturbed, &cut, None));
    let batch = &found.batches[1];
    assert!((batch.start.rms_difference - 50.0).abs() < 1.0 && batch.start.samples == 6 * 64);
    assert_eq!((batch.interior.rms_difference, batch.end.rms_difference), (0.0, 0.0));
    assert_eq!(found.batches[0].start.rms_difference, 0.0);
    let row = &found.channels[2].residual;
    assert!((row.largest_difference - 3000).abs() <= 1);
    assert_eq!(row.largest_at_sample, 9000);
}

#[test]
fn a_file_with_fewer_channels_is_matched_to_those_it_has() {
    let (_dir, path_a, path_b) = folder();
    let signals = whitened(10, 20_000);
    let a = write(&path_a, &signals, &planar(20_000, &[0]), None);
    let fewer = vec![signals[7].clone(), signals[2].clone(), signals[4].clone()];
    let found = aligned(&a, &write(&path_b, &fewer, &planar(20_000, &[0]), None));
    let partners: Vec<(usize, usize)> = found
        .channels
        .iter()
        .map(|row| (row.channel_a, row.channel_b))
        .collect();
    assert_eq!(partners, [(2, 1), (4, 2), (7, 0)]);
    assert_eq!(found.overall.largest_difference, 0);
    assert!(
        found
            .naive
            .reason()
            .expect("different channels")
            .contains("10 channels and B has 3")
    );
}

#[test]
fn what_cannot_be_aligned_is_said() {
    let (_dir, path_a, path_b) = folder();
    let zeros = vec![vec![0.0; 1000]; 4];
    let a = write(&path_a, &zeros, &planar(1000, &[0]), None);
    let found = aligned(&a, &write(&path_b, &zeros, &planar(1000, &[0]), None));
    assert!(found.correlation_median.is_nan() && found.lag_samples == 0);
    let reason = |a: Option<&ProcessedFile>, b: Option<&ProcessedFile>| {
        align(a, b, &AlignmentParams::default())
            .reason()
            .unwrap_or_default()
            .to_string()
    };
    assert_eq!(reason(Some(&a), None), "B did not keep its processed data");
    let elsewhere = write(&path_b, &zeros, &planar(1000, &[900]), None);
    assert!(reason(Some(&a), Some(&elsewhere)).contains("only 100 samples in common"));
    let mut absent = a.clone();
    absent.path = path_b.with_file_name("absent.bin");
    assert!(reason(Some(&a), Some(&absent)).contains("cannot open"));
}
