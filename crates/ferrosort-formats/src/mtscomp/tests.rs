#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use ferrosort_core::Recording;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn deflate(values: impl Iterator<Item = i16>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let bytes: Vec<u8> = values.flat_map(i16::to_le_bytes).collect();
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two channels and five frames in chunks of three and two; the second channel wraps around.
const FRAMES: [[i16; 2]; 5] = [[1, 32767], [5, -32768], [2, 0], [-7, 9], [-7, 10]];

/// A chunk packed like mtscomp does.
fn pack(frames: &[[i16; 2]], time: bool, spatial: bool, by_channel: bool) -> Vec<u8> {
    let mut rows: Vec<[i16; 2]> = frames.to_vec();
    if time {
        for i in (1..rows.len()).rev() {
            rows[i] = [0, 1].map(|c| rows[i][c].wrapping_sub(rows[i - 1][c]));
        }
    }
    if spatial {
        for row in &mut rows {
            row[1] = row[1].wrapping_sub(row[0]);
        }
    }
    if by_channel {
        deflate((0..2).flat_map(|c| rows.iter().map(move |row| row[c])))
    } else {
        deflate(rows.iter().flatten().copied())
    }
}

fn ch(parts: &[Vec<u8>], time: bool, spatial: bool, by_channel: bool) -> Value {
    json!({
        "version": "1.0", "algorithm": "zlib", "comp_level": -1, "do_time_diff": time, "do_spatial_diff": spatial,
        "dtype": "int16", "n_channels": 2, "sample_rate": 100.0, "chunk_bounds": [0, 3, 5],
        "chunk_offsets": [0, parts[0].len(), parts[0].len() + parts[1].len()],
        "chunk_order": if by_channel { "F" } else { "C" }, "shape": [5, 2],
    })
}

fn write(folder: &TempDir, name: &str, cbin: &[Vec<u8>], ch: &Value) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, cbin.concat()).unwrap();
    std::fs::write(path.with_extension("ch"), ch.to_string()).unwrap();
    path
}

fn open_path(path: &Path) -> Result<ChunkedRecording<Compressed>> {
    open(path, &OpenOptions::default())
}

fn samples(recording: &dyn Recording) -> Vec<f32> {
    let mut out = vec![0.0; recording.n_samples() as usize * recording.n_channels()];
    recording.read(0, &mut out).unwrap();
    out
}

#[test]
fn every_packing_reads_the_same() {
    let expected: Vec<f32> = FRAMES.iter().flatten().map(|&v| f32::from(v)).collect();
    let folder = TempDir::new().unwrap();
    for bits in 0..8 {
        let [time, spatial, by_channel] = [1, 2, 4].map(|bit| bits & bit != 0);
        let parts = [&FRAMES[..3], &FRAMES[3..]].map(|f| pack(f, time, spatial, by_channel));
        let path = write(&folder, "a.cbin", &parts, &ch(&parts, time, spatial, by_channel));
        assert_eq!(samples(&open_path(&path).unwrap()), expected, "{bits}");
    }
}

#[test]
fn companions_are_found_by_name_without_uuids() {
    let folder = TempDir::new().unwrap();
    let parts = [&FRAMES[..3], &FRAMES[3..]].map(|f| pack(f, true, false, true));
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    let path = write(
        &folder,
        &format!("r_g0_t0.imec0.ap.{uuid}.cbin"),
        &parts,
        &ch(&parts, true, false, true),
    );
    let other = folder
        .path()
        .join("r_g0_t0.imec0.ap.fedcba98-89ab-cdef-0123-456789abcdef.ch");
    std::fs::rename(path.with_extension("ch"), other).unwrap();
    let meta = "imDatPrb_pn=NP2000\nimSampRate=30000.5\nimAiRangeMax=0.5\nimMaxInt=8192\nnSavedChans=2\nsnsApLfSy=1,0,1\n\
                snsSaveChanSubset=7,384\n~imroTbl=(21,384)(7 1 0 400)\n";
    std::fs::write(folder.path().join("r_g0_t0.imec0.ap.meta"), meta).unwrap();
    let recording = open_path(&path).unwrap();
    assert_eq!((recording.sample_rate(), recording.n_channels()), (30000.5, 2));
    assert_eq!(recording.probe().unwrap().positions_um(), [[27.0, 3000.0]]);
    assert_eq!(recording.gain_uv().unwrap()[0], 0.5 / 8192.0 / 80.0 * 1e6);
    std::fs::write(
        folder.path().join("r_g0_t0.imec0.ap.meta"),
        meta.replace("NP2000", "X").replace("=2", "=3"),
    )
    .unwrap();
    assert!(open_path(&path).is_err());
    std::fs::remove_file(folder.path().join("r_g0_t0.imec0.ap.meta")).unwrap();
    assert!(open_path(&path).unwrap().probe().is_none());
}

#[test]
fn damaged_and_hostile_files_are_one_sentence() {
    let folder = TempDir::new().unwrap();
    let parts = [&FRAMES[..3], &FRAMES[3..]].map(|f| pack(f, true, false, true));
    let good = ch(&parts, true, false, true);
    let message = |key: &str, value: Value| {
        let mut bad = good.clone();
        bad[key] = value;
        let error = open_path(&write(&folder, "a.cbin", &parts, &bad)).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    assert!(message("algorithm", json!("lzma")).contains("unpack the file with mtscomp"));
    assert!(message("dtype", json!("float32")).contains("only integers"));
    assert!(message("chunk_order", json!("K")).contains("not F or C"));
    assert!(message("chunk_bounds", json!([0, 5, 3])).contains("do not rise"));
    assert!(message("chunk_bounds", json!([0, 5])).contains("different lengths"));
    assert!(message("chunk_bounds", json!([0, 3, u64::MAX])).contains("more samples than its bytes"));
    assert!(message("n_channels", json!(0)).contains("more samples"));
    assert!(message("chunk_offsets", json!([0, 3, 9999])).contains("its .ch file says 9999"));
    assert!(message("sample_rate", json!(0)).contains("sample rate is 0"));
    let mut cut = parts.clone();
    cut[0][4] ^= 0xFF;
    let path = write(&folder, "a.cbin", &cut, &good);
    let error = open_path(&path).unwrap().read(0, &mut [0.0; 2]).unwrap_err();
    assert!(error.to_string().contains("chunk 0 cannot be unpacked"), "{error}");
    std::fs::remove_file(path.with_extension("ch")).unwrap();
    assert!(open_path(&path).err().unwrap().to_string().contains("no .ch file"));
}
