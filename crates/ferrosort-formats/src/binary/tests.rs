#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Writes the bytes as files `0.bin`, `1.bin`, … of a folder.
fn write(folder: &TempDir, files: &[&[u8]]) -> Vec<PathBuf> {
    files
        .iter()
        .enumerate()
        .map(|(i, bytes)| {
            let path = folder.path().join(format!("{i}.bin"));
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect()
}

fn int16_bytes(values: &[i16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn several_files_are_one_recording_and_reads_cross_borders() {
    let folder = TempDir::new().unwrap();
    let (a, b, c) = (
        int16_bytes(&[1, 2, 3, 4]),
        int16_bytes(&[5, 6]),
        int16_bytes(&[7, 8, 9, 10]),
    );
    let recording = BinaryRecording::open(&write(&folder, &[&a, &b, &c]), BinaryOptions::new(2, 10.0)).unwrap();
    assert_eq!(recording.n_samples(), 5);
    assert_eq!(recording.raw_file().unwrap().samples_per_file, [2, 1, 2]);
    assert_eq!(recording.segment_starts(), [0, 2, 3]);
    let mut out = [0.0; 8];
    recording.read(1, &mut out).unwrap();
    assert_eq!(out, [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
    recording.read(5, &mut []).unwrap();
    let message = recording.read(2, &mut out).unwrap_err().to_string();
    assert!(
        message.contains("samples 2 to 6") && message.contains("has 5"),
        "{message}"
    );
    assert!(recording.read(0, &mut out[..3]).is_err());
    assert!(recording.read(u64::MAX, &mut out).is_err());
}

#[test]
fn the_offset_is_skipped_in_each_file() {
    let folder = TempDir::new().unwrap();
    let paths = write(&folder, &[b"hdr\x01\x00\x02\x00", b"hdr\x03\x00\x04\x00"]);
    let mut options = BinaryOptions::new(2, 10.0);
    options.offset_bytes = 3;
    let recording = BinaryRecording::open(&paths, options).unwrap();
    let mut out = [0.0; 4];
    recording.read(0, &mut out).unwrap();
    assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn nan_names_file_sample_and_channel() {
    let folder = TempDir::new().unwrap();
    let bytes: Vec<u8> = [0.0f32, 1.0, 2.0, 3.0, 4.0, f32::NEG_INFINITY]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let mut options = BinaryOptions::new(2, 10.0);
    options.sample_type = SampleType::Float32;
    let recording = BinaryRecording::open(&write(&folder, &[&bytes]), options).unwrap();
    let error = recording.read(1, &mut [0.0; 4]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let message = error.to_string();
    for part in ["0.bin", "sample 2 of channel 1", "infinite", "replace"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    recording.read(0, &mut [0.0; 4]).unwrap();
}

#[test]
fn a_file_that_shrinks_is_an_io_error() {
    let folder = TempDir::new().unwrap();
    let paths = write(&folder, &[&int16_bytes(&[0; 100])]);
    let recording = BinaryRecording::open(&paths, BinaryOptions::new(2, 10.0)).unwrap();
    File::options()
        .write(true)
        .open(&paths[0])
        .unwrap()
        .set_len(40)
        .unwrap();
    let error = recording.read(0, &mut [0.0; 100]).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("shorter"), "{error}");
}

#[test]
fn a_sparse_file_of_100_gb_opens_at_once_and_reads_at_its_end() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("huge.bin");
    File::create(&path).unwrap().set_len(100_000_000_000).unwrap();
    let recording = BinaryRecording::open(&[path], BinaryOptions::new(250, 30000.0)).unwrap();
    assert_eq!(recording.n_samples(), 200_000_000);
    let mut out = [1.0; 500];
    recording.read(199_999_998, &mut out).unwrap();
    assert!(out.iter().all(|&v| v == 0.0));
}

#[test]
fn bad_options_are_refused() {
    let folder = TempDir::new().unwrap();
    let paths = write(&folder, &[&int16_bytes(&[0; 4]), &[]]);
    let message = |paths: &[PathBuf], change: &dyn Fn(&mut BinaryOptions)| {
        let mut options = BinaryOptions::new(2, 10.0);
        change(&mut options);
        let error = BinaryRecording::open(paths, options).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    };
    let one = &paths[..1];
    assert!(message(one, &|o| o.sample_rate = f64::NAN).contains("--sample-rate"));
    assert!(message(one, &|o| o.sample_rate = 0.0).contains("--sample-rate"));
    assert!(message(one, &|o| o.n_channels = 0).contains("--channels"));
    let many = |o: &mut BinaryOptions| (o.n_channels, o.gain_uv) = (usize::MAX, Some(vec![1.0]));
    assert!(message(one, &many).contains("--channels"));
    assert!(message(one, &|o| o.gain_uv = Some(vec![1.0; 3])).contains("3 gains"));
    assert!(message(one, &|o| o.gain_uv = Some(vec![f64::NAN])).contains("finite"));
    assert!(message(&[], &|_| ()).contains("no recording file"));
    assert!(message(&paths, &|_| ()).contains("holds no samples"));
    assert!(message(&[folder.path().join("none.bin")], &|_| ()).contains("does not exist"));
    assert!(message(&[folder.path().to_path_buf()], &|_| ()).contains("not a file"));
}

#[test]
fn one_gain_serves_all_channels() {
    let folder = TempDir::new().unwrap();
    let mut options = BinaryOptions::new(2, 10.0);
    options.gain_uv = Some(vec![0.195]);
    let recording = BinaryRecording::open(&write(&folder, &[&int16_bytes(&[0; 4])]), options).unwrap();
    assert_eq!(recording.gain_uv(), Some([0.195, 0.195].as_slice()));
}

#[test]
fn sample_types_have_names() {
    assert_eq!(parse_sample_type("int16").unwrap(), SampleType::Int16);
    assert_eq!(parse_sample_type("<f4").unwrap(), SampleType::Float32);
    assert!(
        parse_sample_type(">i2")
            .unwrap_err()
            .to_string()
            .contains("little-endian")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A read of any range of a recording cut into files equals the same range of the whole.
    #[test]
    fn concatenated_read_equals_split_reads(
        cuts in prop::collection::vec(1usize..20, 1..5),
        n_channels in 1usize..4,
        from in 0.0f64..1.0,
        length in 0.0f64..1.0,
    ) {
        let frames: usize = cuts.iter().sum();
        let whole: Vec<i16> = (0..frames * n_channels).map(|v| v as i16 - 7).collect();
        let folder = TempDir::new().unwrap();
        let mut parts = Vec::new();
        let mut rest = whole.as_slice();
        for cut in &cuts {
            let (now, later) = rest.split_at(cut * n_channels);
            parts.push(int16_bytes(now));
            rest = later;
        }
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let recording = BinaryRecording::open(&write(&folder, &slices), BinaryOptions::new(n_channels, 1.0)).unwrap();
        let start = (from * frames as f64) as usize;
        let n = (length * (frames - start) as f64) as usize;
        let mut out = vec![0.0; n * n_channels];
        recording.read(start as u64, &mut out).unwrap();
        let expected: Vec<f32> = whole[start * n_channels..(start + n) * n_channels].iter().map(|&v| f32::from(v)).collect();
        prop_assert_eq!(out, expected);
    }
}
