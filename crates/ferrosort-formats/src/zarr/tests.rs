#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use flate2::Compression;
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A matrix of five rows and three columns of `int16` in chunks of 2 x 2.
fn write(folder: &Path, order: &str, compressor: Value, pack: impl Fn(&[u8]) -> Vec<u8>) {
    let meta = json!({
        "zarr_format": 2, "shape": [5, 3], "chunks": [2, 2], "dtype": "<i2", "compressor": compressor, "filters": null,
        "order": order, "fill_value": 0,
    });
    std::fs::write(folder.join(".zarray"), meta.to_string()).unwrap();
    for row in 0..3u16 {
        for column in 0..2u16 {
            let value = |r: u16, c: u16| 10 * (2 * row + r) + 2 * column + c;
            let places = if order == "C" {
                [(0, 0), (0, 1), (1, 0), (1, 1)]
            } else {
                [(0, 0), (1, 0), (0, 1), (1, 1)]
            };
            let bytes: Vec<u8> = places.iter().flat_map(|&(r, c)| value(r, c).to_le_bytes()).collect();
            std::fs::write(folder.join(format!("{row}.{column}")), pack(&bytes)).unwrap();
        }
    }
}

fn all(array: &Array) -> Vec<u16> {
    let chunks = (0..array.n_row_chunks()).flat_map(|chunk| array.rows(chunk).unwrap());
    let bytes: Vec<u8> = chunks.collect();
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&b| u16::from_le_bytes(b))
        .collect()
}

const EXPECTED: [u16; 15] = [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42];

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A container with one block in one stream.
fn blosc(bytes: &[u8], flags: u8, stream: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 1, flags, 2];
    let total = if flags & 2 == 0 { 24 } else { 16 } + stream.len();
    for number in [bytes.len(), bytes.len(), total] {
        out.extend((number as u32).to_le_bytes());
    }
    if flags & 2 == 0 {
        out.extend(20u32.to_le_bytes());
        out.extend((stream.len() as u32).to_le_bytes());
    }
    out.extend(stream);
    out
}

#[test]
fn chunks_of_some_columns_in_either_order_and_packing() {
    let folder = TempDir::new().unwrap();
    let zstd = |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let lz4 = |bytes: &[u8]| {
        let mut out = (bytes.len() as u32).to_le_bytes().to_vec();
        out.extend(lz4_flex::block::compress(bytes));
        out
    };
    let shuffled = |b: &[u8]| [b[0], b[2], b[4], b[6], b[1], b[3], b[5], b[7]];
    type Pack<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let packings: [(&str, Pack); 7] = [
        ("zlib", &zlib),
        ("zstd", &zstd),
        ("lz4", &lz4),
        ("blosc", &|b| blosc(b, 2, b)),
        ("blosc", &|b| blosc(b, 0x70, &zlib(b))),
        ("blosc", &|b| blosc(b, 0x91, &zstd(&shuffled(b)))),
        ("blosc", &|b| blosc(b, 0x31, &lz4_flex::block::compress(&shuffled(b)))),
    ];
    for order in ["C", "F"] {
        write(folder.path(), order, Value::Null, <[u8]>::to_vec);
        assert_eq!(all(&Array::open(folder.path()).unwrap()), EXPECTED);
        for (id, pack) in packings {
            write(folder.path(), order, json!({"id": id}), pack);
            assert_eq!(all(&Array::open(folder.path()).unwrap()), EXPECTED, "{id}");
        }
    }
    std::fs::remove_file(folder.path().join("1.1")).unwrap();
    let array = Array::open(folder.path()).unwrap();
    assert_eq!(all(&array)[6..12], [20, 21, 0, 30, 31, 0]);
}

#[test]
fn damaged_and_hostile_arrays_are_one_sentence() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "C", json!({"id": "blosc"}), |b| blosc(b, 0x70, &zlib(b)));
    let good: Value = serde_json::from_slice(&std::fs::read(folder.path().join(".zarray")).unwrap()).unwrap();
    let message = |key: &str, value: Value| {
        let mut bad = good.clone();
        bad[key] = value;
        std::fs::write(folder.path().join(".zarray"), bad.to_string()).unwrap();
        Array::open(folder.path()).err().unwrap().to_string()
    };
    assert!(message("zarr_format", json!(3)).contains("version 2"));
    assert!(message("filters", json!([{"id": "delta"}])).contains("without filters"));
    assert!(message("shape", json!([5])).contains("neither a list nor a matrix"));
    assert!(message("shape", json!([u64::MAX, 3])).contains("more than there can be"));
    assert!(message("chunks", json!([u64::MAX, 3])).contains("too large"));
    assert!(message("shape", json!([1u64 << 50, 1 << 17])).contains("more than there can be"));
    assert!(message("chunks", json!([0, 3])).contains("empty"));
    assert!(message("dtype", json!("<U4")).contains("'<U4'"));
    assert!(message("order", json!("K")).contains("not C or F"));
    assert!(message("compressor", json!({"id": "blosc", "cname": "snappy"})).contains("Blosc's 'snappy'"));
    assert!(message("compressor", json!({"id": "wavpack"})).contains("packed by 'wavpack'"));
    std::fs::write(folder.path().join(".zarray"), good.to_string()).unwrap();
    let packed = std::fs::read(folder.path().join("0.0")).unwrap();
    // Any cut and any changed byte is refused or read, never a panic.
    for at in 0..packed.len() {
        for changed in [0x00, 0x7F, 0xFF] {
            let mut bad = packed.clone();
            bad[at] = changed;
            std::fs::write(folder.path().join("0.0"), &bad).unwrap();
            let _ = Array::open(folder.path()).unwrap().rows(0);
        }
        std::fs::write(folder.path().join("0.0"), &packed[..at]).unwrap();
        let error = Array::open(folder.path()).unwrap().rows(0).unwrap_err();
        assert!(
            error.to_string().contains("cannot be unpacked by Blosc"),
            "{at}: {error}"
        );
    }
}
