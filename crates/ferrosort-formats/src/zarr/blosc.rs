//! Containers of Blosc, version 1 (<https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst>).
//!
//! A header of 16 bytes, the places of the blocks, and for each block one packed stream, or one for each byte of a value.

use super::codec::{lz4, read_all, zstd};
use super::shuffle::{bits_unshuffled, bytes_unshuffled};

/// Bytes of the header.
const HEADER_BYTES: usize = 16;

/// Blocks are split into streams when a stream gets this many bytes, and values have at most `MAX_STREAMS` of them.
const MIN_STREAM_BYTES: usize = 128;
const MAX_STREAMS: usize = 16;

/// What a header says.
struct Header {
    /// Bits that say how bytes were moved and packed.
    flags: u8,
    /// Bytes of a value.
    type_bytes: usize,
    /// Unpacked bytes of a block.
    block_bytes: usize,
}

impl Header {
    fn bytes_shuffled(&self) -> bool {
        self.flags & 0x1 != 0
    }
    fn stored(&self) -> bool {
        self.flags & 0x2 != 0
    }
    fn bits_shuffled(&self) -> bool {
        self.flags & 0x4 != 0
    }
    fn whole_blocks(&self) -> bool {
        self.flags & 0x10 != 0
    }
    fn format(&self) -> u8 {
        self.flags >> 5
    }
}

/// `expected` bytes from a container; `None` when it is damaged, of another size, or packed by a codec that is not read.
pub(super) fn unpack(packed: &[u8], expected: usize) -> Option<Vec<u8>> {
    let header = Header {
        flags: *packed.get(2)?,
        type_bytes: usize::from(*packed.get(3)?).max(1),
        block_bytes: number(packed, 8)?,
    };
    if number(packed, 4)? != expected || number(packed, 12)? > packed.len() {
        return None;
    }
    if header.stored() {
        return packed.get(HEADER_BYTES..HEADER_BYTES + expected).map(<[u8]>::to_vec);
    }
    if header.block_bytes == 0 || header.block_bytes > expected.max(1) {
        return None;
    }
    let mut out = Vec::with_capacity(expected);
    let mut block = 0;
    while out.len() < expected {
        let bytes = header.block_bytes.min(expected - out.len());
        let start = number(packed, HEADER_BYTES + 4 * block)?;
        out.extend(unpack_block(packed.get(start..)?, bytes, &header)?);
        block += 1;
    }
    Some(out)
}

/// What a container says that it holds, if that is at most `most` bytes.
pub(crate) fn unpack_at_most(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    unpack(packed, number(packed, 4).filter(|&bytes| bytes <= most)?)
}

fn number(packed: &[u8], at: usize) -> Option<usize> {
    let bytes = packed.get(at..)?.first_chunk::<4>()?;
    usize::try_from(i32::from_le_bytes(*bytes)).ok()
}

/// A block of `bytes` unpacked bytes.
fn unpack_block(packed: &[u8], bytes: usize, header: &Header) -> Option<Vec<u8>> {
    let split = !header.whole_blocks()
        && header.type_bytes <= MAX_STREAMS
        && bytes / header.type_bytes >= MIN_STREAM_BYTES
        && bytes == header.block_bytes;
    let streams = if split { header.type_bytes } else { 1 };
    let stream_bytes = bytes / streams;
    let mut out = Vec::with_capacity(bytes);
    let mut rest = packed;
    for _ in 0..streams {
        let length = number(rest, 0)?;
        let stream = rest.get(4..)?.get(..length)?;
        if length == stream_bytes {
            out.extend_from_slice(stream);
        } else {
            out.extend(unpack_stream(stream, stream_bytes, header.format())?);
        }
        rest = rest.get(4 + length..)?;
    }
    if out.len() != bytes {
        return None;
    }
    Some(if header.bits_shuffled() && bytes >= header.type_bytes {
        bits_unshuffled(out, header.type_bytes)
    } else if header.bytes_shuffled() && header.type_bytes > 1 {
        bytes_unshuffled(out, header.type_bytes)
    } else {
        out
    })
}

fn unpack_stream(stream: &[u8], expected: usize, format: u8) -> Option<Vec<u8>> {
    match format {
        1 => lz4(stream, expected),
        3 => read_all(flate2::bufread::ZlibDecoder::new(stream), expected),
        4 => zstd(stream, expected),
        // BloscLZ and Snappy.
        _ => None,
    }
}
