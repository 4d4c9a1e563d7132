//! One chunk: a zlib stream of differences, which wrap around in the type of the samples.

use std::io::Read;

use flate2::bufread::ZlibDecoder;

use super::description::Description;

/// Frames that are put in order at once, so that what is written stays in the cache.
const TILE_FRAMES: usize = 64;

/// Samples of a chunk as `[frames, channels]`; `None` when the stream is damaged or has another length.
pub(super) fn unpack(stream: &[u8], frames: usize, description: &Description) -> Option<Vec<u8>> {
    let width = description.sample_type.bytes();
    let expected = frames * description.n_channels * width;
    let mut bytes = Vec::with_capacity(expected);
    let limit = expected as u64 + 1;
    ZlibDecoder::new(stream).take(limit).read_to_end(&mut bytes).ok()?;
    if bytes.len() != expected {
        return None;
    }
    if width == 2 {
        ordered(
            &mut bytes,
            frames,
            description,
            u16::from_le_bytes,
            u16::to_le_bytes,
            u16::wrapping_add,
        );
    } else {
        ordered(
            &mut bytes,
            frames,
            description,
            u32::from_le_bytes,
            u32::to_le_bytes,
            u32::wrapping_add,
        );
    }
    Some(bytes)
}

/// Undoes order and differences. `get`, `put` and `add` are those of an integer of `W` bytes.
fn ordered<const W: usize, T: Copy + Default>(
    bytes: &mut Vec<u8>,
    frames: usize,
    description: &Description,
    get: impl Fn([u8; W]) -> T,
    put: impl Fn(T) -> [u8; W],
    add: impl Fn(T, T) -> T,
) {
    let n = description.n_channels;
    if description.by_channel {
        *bytes = transposed::<W>(bytes, frames, n);
    }
    let (samples, _) = bytes.as_chunks_mut::<W>();
    let mut sums = vec![T::default(); n];
    for frame in samples.chunks_exact_mut(n) {
        let mut left = T::default();
        for (sample, sum) in frame.iter_mut().zip(&mut sums) {
            let mut value = get(*sample);
            if description.spatial_diff {
                value = add(value, left);
                left = value;
            }
            if description.time_diff {
                value = add(value, *sum);
                *sum = value;
            }
            *sample = put(value);
        }
    }
}

/// Samples `[channels, frames]` as `[frames, channels]`.
fn transposed<const W: usize>(bytes: &[u8], frames: usize, n_channels: usize) -> Vec<u8> {
    let mut out = vec![0; bytes.len()];
    let (samples, _) = bytes.as_chunks::<W>();
    let (out_samples, _) = out.as_chunks_mut::<W>();
    for (tile, out_tile) in out_samples.chunks_mut(TILE_FRAMES * n_channels).enumerate() {
        let here = out_tile.len() / n_channels;
        for (channel, row) in samples.chunks_exact(frames).enumerate() {
            let row = row.iter().skip(tile * TILE_FRAMES).take(here);
            for (slot, sample) in out_tile.iter_mut().skip(channel).step_by(n_channels).zip(row) {
                *slot = *sample;
            }
        }
    }
    out
}
