//! The whitened data as a file, for those who compare intermediates (docs/kilosort2.md 2.5).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ferrosort_core::{Error, Observer, Result};

use crate::preprocess::{Batches, check_cancelled};

/// Writes every batch as 16-bit little-endian integers: all samples of the first channel, then of the second, ...
///
/// # Errors
/// Those of reading and writing, and cancellation.
pub fn write(batches: &Batches, path: &Path, observer: &dyn Observer) -> Result<()> {
    let failed = |e| Error::io("write", path, e);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed)?);
    for k in 0..batches.layout().batches() {
        check_cancelled(observer)?;
        for value in batches.counts(k)? {
            out.write_all(&value.to_le_bytes()).map_err(failed)?;
        }
        observer.advanced(1);
    }
    out.flush().map_err(failed)
}
