//! Compressions that HDF5 files have beside those of HDF5 itself: Zstandard (filter 32015) and Blosc (32001).

use hdf5_reader::FilterRegistry;
use hdf5_reader::error::Error;

use super::MAX_CHUNK_BYTES;
use crate::zarr::{unpack_blosc, unpack_zstd};

/// Registered number of Blosc.
const BLOSC: u16 = 32001;
/// Registered number of Zstandard.
const ZSTD: u16 = 32015;

/// HDF5's own filters and these two.
pub(crate) fn registry() -> FilterRegistry {
    let mut registry = FilterRegistry::new();
    let damaged = |what: &str| Error::InvalidData(format!("a chunk cannot be unpacked by {what}"));
    registry.register(
        BLOSC,
        Box::new(move |_, bytes, _| unpack_blosc(bytes, MAX_CHUNK_BYTES).ok_or_else(|| damaged("Blosc"))),
    );
    registry.register(
        ZSTD,
        Box::new(move |_, bytes, _| unpack_zstd(bytes, MAX_CHUNK_BYTES).ok_or_else(|| damaged("Zstandard"))),
    );
    registry
}
