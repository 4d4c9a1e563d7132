//! `info.rhd` or `info.rhs` with samples in files of their own.

use std::fs::File;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Recording, Result};

use super::header::Header;
use super::interleave;
use crate::binary::{BinaryOptions, BinaryRecording, open_file, read_exact_at};
use crate::chunked::{ChunkedRecording, Chunks, even_bounds};
use crate::open::OpenOptions;

/// Bytes that are interleaved at once.
const CHUNK_BYTES: u64 = 4 << 20;

/// Opens `amplifier.dat`, or `amp-A-000.dat` and so on, beside an info file; `None` when there are none of them.
///
/// # Errors
/// Files of different lengths, what `overrides` contradicts, and what the readers refuse.
pub(super) fn open(
    info: &Path,
    header: &Header,
    options: &BinaryOptions,
    overrides: &OpenOptions,
) -> Result<Option<Box<dyn Recording>>> {
    let folder = info.parent().unwrap_or(Path::new(""));
    let mut options = options.clone();
    let together = folder.join("amplifier.dat");
    if together.is_file() {
        overrides.apply(&mut options, info)?;
        return Ok(Some(Box::new(BinaryRecording::open(&[together], options)?)));
    }
    let all: Vec<PathBuf> = header
        .amplifiers
        .iter()
        .map(|name| folder.join(format!("amp-{name}.dat")))
        .collect();
    let there: Vec<PathBuf> = all.iter().filter(|path| path.is_file()).cloned().collect();
    if there.is_empty() {
        return Ok(None);
    }
    if there.len() < all.len() {
        options.notes.push(format!(
            "{} of the {} amplifier channels of {} have no file and are left out",
            all.len() - there.len(),
            all.len(),
            info.display()
        ));
    }
    options.n_channels = there.len();
    overrides.apply(&mut options, info)?;
    Ok(Some(Box::new(per_channel(info, there, options)?)))
}

/// One flat `int16` file a channel.
struct PerChannel {
    paths: Vec<PathBuf>,
    bounds: Vec<u64>,
}

fn per_channel(info: &Path, paths: Vec<PathBuf>, options: BinaryOptions) -> Result<ChunkedRecording<PerChannel>> {
    let mut size = None;
    for path in &paths {
        let (_, bytes) = open_file(path)?;
        if bytes % 2 != 0 || size.is_some_and(|size| size != bytes) {
            return Err(Error::input(format!(
                "{} has {bytes} bytes, but the files of the other channels have {}; copy the recording again",
                path.display(),
                size.unwrap_or(bytes)
            )));
        }
        size = Some(bytes);
    }
    let frames = CHUNK_BYTES / (2 * paths.len() as u64);
    let bounds = even_bounds(size.unwrap_or(0) / 2, frames);
    let chunks = PerChannel {
        paths,
        bounds: bounds.clone(),
    };
    ChunkedRecording::new(info.to_path_buf(), chunks, bounds, options)
}

impl Chunks for PerChannel {
    fn load(&self, chunk: usize) -> Result<Vec<u8>> {
        let (Some(&first), Some(&end)) = (self.bounds.get(chunk), self.bounds.get(chunk + 1)) else {
            return Ok(Vec::new());
        };
        let frames = (end - first) as usize;
        let mut by_channel = vec![0; 2 * frames * self.paths.len()];
        // Opened for each chunk: systems have fewer open files than some recordings have channels.
        for (path, bytes) in self.paths.iter().zip(by_channel.chunks_exact_mut(2 * frames)) {
            let fail = |e| Error::io("read", path, e);
            let file = File::open(path).map_err(fail)?;
            read_exact_at(&file, bytes, 2 * first).map_err(fail)?;
        }
        let mut out = vec![0; by_channel.len()];
        interleave(&by_channel, frames, self.paths.len(), &mut out);
        Ok(out)
    }
}
