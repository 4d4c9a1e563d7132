#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use ferrosort_core::MemoryRecording;
use tempfile::TempDir;

use super::*;
use crate::{OpenOptions, open_recording};

/// A reproducible stand-in for a recording: each channel is low-passed noise of sd about 60 with an offset of its own.
fn signal(frames: usize, n_channels: usize) -> Vec<i16> {
    let mut state = 1u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    };
    let mut level = vec![0.0; n_channels];
    let mut values = Vec::with_capacity(frames * n_channels);
    for _ in 0..frames {
        for (channel, level) in level.iter_mut().enumerate() {
            *level = 0.8 * *level + 120.0 * uniform();
            values.push((*level + 5.0 * channel as f64) as i16);
        }
    }
    values
}

const FRAMES: usize = 8000;
const CHANNELS: usize = 12;

struct Given<'a> {
    n_channels: usize,
    sample_type: SampleType,
    probe: Option<&'a Probe>,
}

const RIGHT: Given = Given {
    n_channels: CHANNELS,
    sample_type: SampleType::Int16,
    probe: None,
};

/// Warnings about these bytes under this description.
fn warnings(bytes: &[u8], given: &Given) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("r.bin");
    std::fs::write(&path, bytes).unwrap();
    let options = OpenOptions {
        n_channels: Some(given.n_channels),
        sample_rate: Some(30000.0),
        sample_type: Some(given.sample_type),
        ..OpenOptions::default()
    };
    let recording = open_recording(&[path], &options).unwrap();
    inspect(&*recording, given.probe).unwrap().warnings
}

fn bytes(values: &[i16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The only warning, which contains the part.
fn expect_one(warnings: &[String], part: &str) {
    assert!(
        warnings.len() == 1 && warnings[0].contains(part),
        "{part}: {warnings:?}"
    );
}

#[test]
fn a_right_description_gives_facts_and_no_warning() {
    let values = signal(FRAMES, CHANNELS);
    assert_eq!(warnings(&bytes(&values), &RIGHT), [""; 0]);
    let floats = values.iter().map(|&v| f32::from(v)).collect();
    let probe = Probe::line(CHANNELS, 20.0);
    let memory = MemoryRecording::new(1000.0, CHANNELS, floats, Some(probe)).unwrap();
    let inspection = inspect(&memory, None).unwrap();
    assert_eq!(inspection.duration_s, 8.0);
    assert_eq!(inspection.files, None);
    let facts = inspection.probe.unwrap();
    assert_eq!(
        (facts.n_contacts, facts.n_shanks, facts.y_um),
        (CHANNELS, 1, [0.0, 220.0])
    );
    assert!(inspection.warnings.is_empty(), "{:?}", inspection.warnings);
}

#[test]
fn a_wrong_channel_count_is_told_with_the_right_one() {
    let data = bytes(&signal(FRAMES, CHANNELS));
    for n_channels in [1, 3, 6, 10, 24, 32, 64] {
        let given = Given { n_channels, ..RIGHT };
        expect_one(
            &warnings(&data, &given),
            &format!("look like 12 channels rather than {n_channels}"),
        );
    }
}

#[test]
fn wrong_sample_types_are_told() {
    let values = signal(FRAMES, CHANNELS);
    let int16 = bytes(&values);
    let encode = |convert: &dyn Fn(i16) -> Vec<u8>| values.iter().flat_map(|&v| convert(v)).collect::<Vec<u8>>();
    let volts = encode(&|v| (f32::from(v) * 0.195e-6).to_le_bytes().to_vec());
    let counts = encode(&|v| f32::from(v).to_le_bytes().to_vec());
    let int32 = encode(&|v| i32::from(v).to_le_bytes().to_vec());
    let uint16 = encode(&|v| (v as u16 ^ 0x8000).to_le_bytes().to_vec());
    let swapped = encode(&|v| v.to_be_bytes().to_vec());
    let swapped32 = encode(&|v| i32::from(v).to_be_bytes().to_vec());
    let swapped_float = encode(&|v| (f32::from(v) * 0.195).to_be_bytes().to_vec());
    let given = |sample_type| Given { sample_type, ..RIGHT };
    for n_channels in [CHANNELS, 15] {
        let as_int16 = Given { n_channels, ..RIGHT };
        expect_one(&warnings(&volts, &as_int16), "--dtype float32");
        expect_one(&warnings(&counts, &as_int16), "--dtype float32");
        expect_one(&warnings(&int32, &as_int16), "--dtype int32");
    }
    expect_one(&warnings(&uint16, &RIGHT), "--dtype uint16");
    expect_one(&warnings(&swapped, &RIGHT), "big-endian");
    expect_one(&warnings(&int16, &given(SampleType::Uint16)), "--dtype int16");
    expect_one(&warnings(&int16, &given(SampleType::Float32)), "--dtype int16");
    expect_one(&warnings(&int16, &given(SampleType::Int32)), "--dtype int16");
    expect_one(&warnings(&swapped_float, &given(SampleType::Float32)), "big-endian");
    expect_one(&warnings(&swapped32, &given(SampleType::Int32)), "big-endian");
    for (data, sample_type) in [
        (&volts, SampleType::Float32),
        (&counts, SampleType::Float32),
        (&int32, SampleType::Int32),
        (&uint16, SampleType::Uint16),
    ] {
        assert_eq!(warnings(data, &given(sample_type)), [""; 0], "{sample_type:?}");
    }
}

#[test]
fn nan_is_a_warning() {
    let mut floats: Vec<f32> = signal(FRAMES, CHANNELS).iter().map(|&v| f32::from(v)).collect();
    floats[5 * CHANNELS + 7] = f32::NAN;
    let data: Vec<u8> = floats.iter().flat_map(|v| v.to_le_bytes()).collect();
    let given = Given {
        sample_type: SampleType::Float32,
        ..RIGHT
    };
    expect_one(&warnings(&data, &given), "sample 5 of channel 7");
}

/// The signal after a change of each (frame, channel, value).
fn changed(change: impl Fn(usize, usize, i16) -> i16) -> Vec<u8> {
    let mut values = signal(FRAMES, CHANNELS);
    for (i, value) in values.iter_mut().enumerate() {
        *value = change(i / CHANNELS, i % CHANNELS, *value);
    }
    bytes(&values)
}

#[test]
fn dead_clipped_and_copied_channels_are_told() {
    let dead = changed(|_, c, v| if c == 3 || c == 7 { 9 } else { v });
    expect_one(&warnings(&dead, &RIGHT), "channels 3 and 7 (0-based) are constant");
    let clipped = changed(|_, c, v| if c == 2 { v.clamp(-90, 90) } else { v });
    let told = warnings(&clipped, &RIGHT);
    expect_one(&told, "channel 2 (0-based) saturates");
    assert!(told[0].contains("90 or -90"), "{told:?}");
    let mut values = signal(FRAMES, CHANNELS);
    for frame in values.chunks_exact_mut(CHANNELS) {
        frame[11] = frame[4];
    }
    expect_one(
        &warnings(&bytes(&values), &RIGHT),
        "channels 4 and 11 (0-based) hold the same",
    );
    let silent = changed(|_, _, _| 0);
    expect_one(&warnings(&silent, &RIGHT), "all channels are constant");
    let late = changed(|frame, _, v| if frame < 900 { 7 } else { v });
    expect_one(&warnings(&late, &RIGHT), "the first 0.030 s are nearly flat");
}

#[test]
fn probes_of_another_recording_are_told() {
    let data = bytes(&signal(FRAMES, CHANNELS));
    let told = |n: usize| {
        let probe = Probe::line(n, 20.0);
        warnings(
            &data,
            &Given {
                probe: Some(&probe),
                ..RIGHT
            },
        )
    };
    assert_eq!(told(CHANNELS), [""; 0]);
    assert_eq!(told(CHANNELS - 1), [""; 0], "a sync channel has no contact");
    expect_one(&told(CHANNELS - 4), "8 contacts for 12 channels, so 4 channels");
    expect_one(
        &told(CHANNELS + 1),
        "channel 12 (0-based), but the recording has 12 channels",
    );
}

#[test]
fn long_lists_of_channels_are_shortened() {
    assert_eq!(list_channels(&[4]), "channel 4 (0-based)");
    assert_eq!(list_channels(&[1, 2, 7]), "channels 1, 2 and 7 (0-based)");
    let many: Vec<usize> = (0..12).collect();
    assert_eq!(
        list_channels(&many),
        "channels 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more (0-based)"
    );
}

#[allow(clippy::print_stderr)]
/// Warnings about a recording folder of the shared test data, or `None` where that is absent.
fn shared(name: &str) -> Option<Vec<String>> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/real")
        .join(name);
    if !folder.exists() {
        eprintln!("skipped: {} is not here", folder.display());
        return None;
    }
    let recording = open_recording(&[folder], &OpenOptions::default()).unwrap();
    Some(inspect(&*recording, None).unwrap().warnings)
}

#[test]
fn real_recordings_give_no_false_alarm() {
    for name in [
        "maxone-25ch-network",
        "maxone-25ch-silent",
        "openephys-2ch",
        "phy-4ch-1s",
        "locust-20010201-trial01",
    ] {
        if let Some(warnings) = shared(name) {
            assert_eq!(warnings, [""; 0], "{name}");
        }
    }
}

#[test]
fn real_faults_are_told() {
    if let Some(warnings) = shared("neuralynx-5ch-artefacts") {
        assert!(
            warnings.iter().any(|w| w.contains("channel 2 (0-based) saturates")),
            "{warnings:?}"
        );
    }
    if let Some(warnings) = shared("whitematter-64ch-1s") {
        assert!(
            warnings.iter().any(|w| w.contains("first 0.065 s are nearly flat")),
            "{warnings:?}"
        );
    }
}

#[test]
fn a_rate_that_no_header_can_mean_is_looked_at_without_windows() {
    let values: Vec<f32> = signal(FRAMES, CHANNELS).into_iter().map(f32::from).collect();
    let recording = MemoryRecording::new(1e38, CHANNELS, values, None).unwrap();
    let found = inspect(&recording, None).unwrap();
    assert_eq!(found.sample_rate, 1e38);
    assert!(
        !found.warnings.iter().any(|w| w.contains("nearly flat")),
        "{:?}",
        found.warnings
    );
}
