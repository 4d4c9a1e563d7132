//! Recordings compressed by mtscomp: `.cbin` with a `.ch` beside it (<https://github.com/int-brain-lab/mtscomp>), format 1.0.
//!
//! A chunk is one zlib stream of differences over time, channel after channel. A SpikeGLX `.meta` beside the files gives
//! gains and probe; names may carry a UUID each, as those of the International Brain Laboratory do.

mod description;
mod unpack;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

use crate::binary::{BinaryOptions, open_file, read_exact_at};
use crate::chunked::{ChunkedRecording, Chunks};
use crate::open::OpenOptions;
use crate::spikeglx;
use description::Description;

pub(crate) use write::write;

/// Opens a `.cbin` file.
///
/// # Errors
/// No or a contradictory `.ch`, a `.meta` of other channels, or what `overrides` contradicts.
pub(crate) fn open(path: &Path, overrides: &OpenOptions) -> Result<ChunkedRecording<Compressed>> {
    let ch = companion(path, "ch").ok_or_else(|| {
        Error::input(format!(
            "{} has no .ch file beside it, without which it cannot be unpacked; copy that file as well",
            path.display()
        ))
    })?;
    let (file, size) = open_file(path)?;
    let description = Description::read(&ch, size, path)?;
    let mut options = match companion(path, "meta") {
        Some(meta) => described(&meta, &description, &ch)?,
        None => BinaryOptions::new(description.n_channels, description.sample_rate),
    };
    options.sample_type = description.sample_type;
    overrides.apply(&mut options, &ch)?;
    recording(path, file, description, options)
}

/// Opens the `.cbin` file of a recording folder, whose `meta.json` says the rest.
///
/// # Errors
/// No or a contradictory `.ch`, or samples of other channels or another type.
pub(crate) fn open_described(path: &Path, options: BinaryOptions) -> Result<ChunkedRecording<Compressed>> {
    let (file, size) = open_file(path)?;
    let description = Description::read(&path.with_extension("ch"), size, path)?;
    if (description.n_channels, description.sample_type) != (options.n_channels, options.sample_type) {
        return Err(Error::input(format!(
            "{} holds {} channels of {}, but meta.json beside it or the options say {} of {}",
            path.display(),
            description.n_channels,
            description.sample_type.numpy_name(),
            options.n_channels,
            options.sample_type.numpy_name()
        )));
    }
    recording(path, file, description, options)
}

fn recording(
    path: &Path,
    file: File,
    description: Description,
    options: BinaryOptions,
) -> Result<ChunkedRecording<Compressed>> {
    let bounds = description.chunk_bounds.clone();
    let chunks = Compressed {
        path: path.to_path_buf(),
        file,
        description,
    };
    ChunkedRecording::new(path.to_path_buf(), chunks, bounds, options)
}

/// What SpikeGLX's metadata say of the same samples.
fn described(meta: &Path, description: &Description, ch: &Path) -> Result<BinaryOptions> {
    let options = spikeglx::describe(meta)?;
    if options.n_channels != description.n_channels {
        return Err(Error::input(format!(
            "{} says {} channels, but {} says {}; they are not of one recording",
            meta.display(),
            options.n_channels,
            ch.display(),
            description.n_channels
        )));
    }
    Ok(options)
}

/// The file of the same recording with another suffix.
fn companion(path: &Path, suffix: &str) -> Option<PathBuf> {
    let beside = path.with_extension(suffix);
    if beside.is_file() {
        return Some(beside);
    }
    let wanted = base_name(path);
    let mut found: Vec<PathBuf> = std::fs::read_dir(
        path.parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    )
    .ok()?
    .filter_map(|entry| Some(entry.ok()?.path()))
    .filter(|other| other.extension().is_some_and(|e| e == suffix) && base_name(other) == wanted)
    .collect();
    found.sort();
    (found.len() == 1).then(|| found.remove(0))
}

/// The name without its suffix, UUID and mark of a stream.
pub(crate) fn base_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let parts: Vec<&str> = stem
        .split('.')
        .filter(|part| !is_uuid(part) && *part != "stream")
        .collect();
    parts.join(".")
}

fn is_uuid(part: &str) -> bool {
    let groups: Vec<usize> = part.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The chunks of a `.cbin` file.
pub(crate) struct Compressed {
    path: PathBuf,
    file: File,
    description: Description,
}

impl Chunks for Compressed {
    fn load(&self, chunk: usize) -> Result<Vec<u8>> {
        let Some((offset, length, frames)) = self.description.chunk(chunk) else {
            return Ok(Vec::new());
        };
        let mut bytes = vec![0; length];
        read_exact_at(&self.file, &mut bytes, offset).map_err(|e| Error::io("read", &self.path, e))?;
        unpack::unpack(&bytes, frames, &self.description).ok_or_else(|| {
            Error::input(format!(
                "{}: chunk {chunk} cannot be unpacked; the file is damaged, so copy it again",
                self.path.display()
            ))
        })
    }
}

#[cfg(test)]
mod tests;
