//! Writing `.cbin` and `.ch` files, one second a chunk, as mtscomp does by default.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use ferrosort_core::{Error, Observer, Recording, Result};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::json;
use sha1::{Digest, Sha1};

/// Effort of zlib. More takes several times as long and saves a few per cent on neural signals, which are mostly noise.
const LEVEL: u32 = 3;

/// Most values of a chunk, where a second has more.
const MAX_VALUES: u64 = 64 << 20;

/// A chunk before and after packing.
struct Packed {
    /// Samples `[frames, channels]`, `int16`.
    plain: Vec<u8>,
    /// The zlib stream.
    stream: Vec<u8>,
    frames: u64,
}

/// Writes `int16` samples of a recording as `folder/recording.cbin` and `.ch`. Chunks are packed on all cores.
///
/// # Errors
/// The recording cannot be read, the disk refuses, or the observer cancels.
pub(crate) fn write(recording: &dyn Recording, folder: &Path, stage: &str, observer: &dyn Observer) -> Result<()> {
    let path = folder.join("recording.cbin");
    let fail = |e| Error::io("write", &path, e);
    let mut file = File::create(&path).map_err(|e| Error::io("create", &path, e))?;
    let (mut plain_hash, mut packed_hash) = (Sha1::new(), Sha1::new());
    let (mut bounds, mut offsets) = (vec![0u64], vec![0u64]);
    let frames = chunk_frames(recording);
    let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    observer.stage_started(stage, recording.n_samples().div_ceil(frames), "chunks");
    let started = std::time::Instant::now();
    let mut start = 0;
    while start < recording.n_samples() {
        if observer.cancelled() {
            return Err(Error::Interrupted);
        }
        let end = start.saturating_add(frames * at_once).min(recording.n_samples());
        for packed in pack_all(recording, start, end, frames)? {
            file.write_all(&packed.stream).map_err(fail)?;
            plain_hash.update(&packed.plain);
            packed_hash.update(&packed.stream);
            bounds.push(bounds.last().copied().unwrap_or(0) + packed.frames);
            offsets.push(offsets.last().copied().unwrap_or(0) + packed.stream.len() as u64);
            observer.advanced(1);
        }
        start = end;
    }
    file.sync_all().map_err(fail)?;
    let ch = json!({
        "version": "1.0", "algorithm": "zlib", "comp_level": LEVEL, "do_time_diff": true, "do_spatial_diff": false,
        "dtype": "int16", "n_channels": recording.n_channels(), "sample_rate": recording.sample_rate(),
        "chunk_bounds": bounds, "chunk_offsets": offsets, "chunk_order": "F",
        "sha1_compressed": hex(&packed_hash.finalize()), "sha1_uncompressed": hex(&plain_hash.finalize()),
        "shape": [recording.n_samples(), recording.n_channels()],
    });
    let path = folder.join("recording.ch");
    std::fs::write(&path, format!("{ch}\n")).map_err(|e| Error::io("write", &path, e))?;
    observer.stage_finished(stage, started.elapsed().as_secs_f64());
    Ok(())
}

/// Frames of a second, or fewer where that is too much for the memory.
fn chunk_frames(recording: &dyn Recording) -> u64 {
    let most = (MAX_VALUES / recording.n_channels() as u64).max(1);
    (recording.sample_rate().round() as u64).clamp(1, most)
}

/// The chunks of frames `[start, end)`, packed at the same time, in order.
fn pack_all(recording: &dyn Recording, start: u64, end: u64, frames: u64) -> Result<Vec<Packed>> {
    let pack_from = |first: u64| {
        let n = frames.min(end - first);
        let mut values = vec![0.0; n as usize * recording.n_channels()];
        recording.read(first, &mut values)?;
        pack(&values, recording.n_channels(), n)
    };
    std::thread::scope(|scope| {
        let pack_from = &pack_from;
        let firsts = (start..end).step_by(frames as usize);
        let threads: Vec<_> = firsts.map(|first| scope.spawn(move || pack_from(first))).collect();
        let panicked = || Error::input("a thread that packs samples failed; this is a defect of the program");
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| panicked())?)
            .collect()
    })
}

/// Samples `[frames, channels]` as one stream of differences over time, channel after channel.
fn pack(values: &[f32], n_channels: usize, frames: u64) -> Result<Packed> {
    let samples: Vec<i16> = values.iter().map(|&v| v as i16).collect();
    let mut by_channel = Vec::with_capacity(2 * samples.len());
    for channel in 0..n_channels {
        let mut before = 0i16;
        for &sample in samples.iter().skip(channel).step_by(n_channels) {
            by_channel.extend(sample.wrapping_sub(before).to_le_bytes());
            before = sample;
        }
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(LEVEL));
    let packed = encoder.write_all(&by_channel).and_then(|()| encoder.finish());
    Ok(Packed {
        plain: samples.iter().flat_map(|v| v.to_le_bytes()).collect(),
        stream: packed.map_err(|e| Error::input(format!("samples cannot be packed: {e}")))?,
        frames,
    })
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
