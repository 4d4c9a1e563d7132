//! What packs a chunk.

use std::io::Read;

use flate2::bufread::{GzDecoder, ZlibDecoder};
use serde_json::Value;

use super::blosc;

/// A compressor by its name in `numcodecs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Plain,
    Blosc,
    Zlib,
    Gzip,
    Zstd,
    Lz4,
}

impl Codec {
    /// The compressor that `.zarray` names.
    ///
    /// # Errors
    /// One that is not read, in words.
    pub(super) fn from_json(compressor: Option<&Value>) -> Result<Self, String> {
        let Some(compressor) = compressor.filter(|value| !value.is_null()) else {
            return Ok(Self::Plain);
        };
        let text = |key: &str| compressor.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("id") {
            "blosc" if matches!(text("cname"), "blosclz" | "snappy") => Err(format!(
                "its chunks are packed by Blosc's '{}', which is not read; save the recording again with the default compressor",
                text("cname")
            )),
            "blosc" => Ok(Self::Blosc),
            "zlib" => Ok(Self::Zlib),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "lz4" => Ok(Self::Lz4),
            other => Err(format!(
                "its chunks are packed by '{other}', which is not read; save the recording again with the default compressor"
            )),
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "nothing",
            Self::Blosc => "Blosc",
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// `expected` bytes from a packed chunk; `None` when it is damaged or holds another number of them.
    pub(super) fn unpack(self, packed: Vec<u8>, expected: usize) -> Option<Vec<u8>> {
        match self {
            Self::Plain => (packed.len() == expected).then_some(packed),
            Self::Blosc => blosc::unpack(&packed, expected),
            Self::Zlib => read_all(ZlibDecoder::new(packed.as_slice()), expected),
            Self::Gzip => read_all(GzDecoder::new(packed.as_slice()), expected),
            Self::Zstd => zstd(&packed, expected),
            // numcodecs puts the number of bytes before the block.
            Self::Lz4 => lz4(packed.get(4..)?, expected),
        }
    }
}

/// Exactly `expected` bytes.
pub(super) fn read_all(reader: impl Read, expected: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(expected);
    reader.take(expected as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() == expected).then_some(bytes)
}

/// A frame of zstd.
pub(super) fn zstd(packed: &[u8], expected: usize) -> Option<Vec<u8>> {
    read_all(ruzstd::decoding::StreamingDecoder::new(packed).ok()?, expected)
}

/// A frame of zstd that holds at most `most` bytes.
pub(crate) fn zstd_at_most(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let reader = ruzstd::decoding::StreamingDecoder::new(packed).ok()?;
    reader.take(most as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= most).then_some(bytes)
}

/// A block of lz4.
pub(super) fn lz4(packed: &[u8], expected: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; expected];
    let length = lz4_flex::block::decompress_into(packed, &mut out).ok()?;
    (length == expected).then_some(out)
}
