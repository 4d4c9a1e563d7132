//! A copy of processed data with rotated channels: what a sorter writes when it is given a channel map that counts from 1 and takes it to
//! count from 0. Shows the alignment at work on any recording.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ferrosort_core::{Error, ProcessedFile, ProcessedLayout, Result};

use super::layout;
use super::processed::ProcessedData;

/// Writes `source` to `path`, planar, so that channel c of the copy is channel c + `rotation` of the source, modulo the number of
/// channels. Holds one batch in memory.
///
/// # Errors
/// Those of reading and writing; `path` is the source itself.
pub fn write_rotated(source: &ProcessedFile, rotation: i64, path: &Path) -> Result<ProcessedFile> {
    let same = |p: &Path| p.canonicalize().ok();
    if same(path).is_some_and(|p| Some(p) == same(&source.path)) {
        return Err(Error::input(format!(
            "the rotated copy would replace its source {}; give another name",
            path.display()
        )));
    }
    let data = ProcessedData::open(source)?;
    let layout = layout::choose(&data)?.layout;
    let failed = |e| Error::io("write", path, e);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed)?);
    let channels = data.n_channels();
    // A planar file has whole batches only.
    let whole = (0..data.n_batches()).filter(|&k| data.samples_of(k) == source.batch_samples);
    let mut n_batches = 0;
    for k in whole {
        let batch = data.batch(k, 0..source.batch_samples, layout)?;
        for c in 0..channels {
            let from = (c as i64 + rotation).rem_euclid(channels as i64) as usize;
            for value in batch.row(from) {
                out.write_all(&value.to_le_bytes()).map_err(failed)?;
            }
        }
        n_batches += 1;
    }
    out.flush().map_err(failed)?;
    Ok(ProcessedFile {
        path: path.to_path_buf(),
        first_samples: Some(data.first_samples()[..n_batches].to_vec()),
        layout: Some(ProcessedLayout::Planar),
        ..source.clone()
    })
}
