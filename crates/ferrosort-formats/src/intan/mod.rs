//! Recordings of Intan's RHD and RHS systems: the traditional format, one file per type of signal, one file per channel
//! (<https://intantech.com/files/Intan_RHD2000_data_file_formats.pdf>).
//!
//! Only amplifier channels are read; they have 0.195 µV per count. The files have no places of electrodes.

mod header;
mod separate;

use std::fs::File;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Recording, Result, SampleType};

use crate::binary::{BinaryOptions, open_file, read_exact_at};
use crate::chunked::{ChunkedRecording, Chunks};
use crate::open::OpenOptions;
use crate::regular::first_bytes;
use header::Header;

/// µV per count of amplifier channels.
const GAIN_UV: f64 = 0.195;

/// Longest header that is read, bytes; a header has about 100 bytes for each channel.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// Bytes of the file that are unpacked at once.
const CHUNK_BYTES: u64 = 4 << 20;

/// True when a file begins like one of Intan's.
pub(crate) fn is_intan(path: &Path) -> bool {
    first_bytes::<4>(path).is_some_and(|first| header::is_intan(&first))
}

/// What the files of one session share: the name without date and time, `rat` of `rat_260101_120000.rhd`.
pub(crate) fn session(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let digits = |text: &str| text.len() == 6 && text.chars().all(|c| c.is_ascii_digit());
    match stem.rsplit_once('_').map(|(rest, time)| (rest.rsplit_once('_'), time)) {
        Some((Some((name, date)), time)) if digits(date) && digits(time) => name.to_owned(),
        _ => stem.into_owned(),
    }
}

/// Opens `info.rhd` or `info.rhs` with the files of samples beside it, or one or several files of the traditional format
/// as one recording, in time order.
///
/// # Errors
/// A header that cannot be understood, files whose channels differ, missing files of samples, or what `overrides`
/// contradicts.
pub(crate) fn open(paths: &[PathBuf], overrides: &OpenOptions) -> Result<Box<dyn Recording>> {
    let first = paths
        .first()
        .ok_or_else(|| Error::input("no recording file was given; name at least one file"))?;
    let header = read_header(first)?;
    if header.amplifiers.is_empty() {
        return Err(Error::input(format!(
            "{} has no amplifier channel that was switched on, so there is nothing to sort",
            first.display()
        )));
    }
    let mut options = BinaryOptions::new(header.amplifiers.len(), header.sample_rate);
    options.gain_uv = Some(vec![GAIN_UV]);
    if let [info] = paths
        && info.file_stem().is_some_and(|stem| stem == "info")
        && let Some(recording) = separate::open(info, &header, &options, overrides)?
    {
        return Ok(recording);
    }
    options.sample_type = SampleType::Uint16;
    overrides.apply(&mut options, first)?;
    Ok(Box::new(traditional(paths, &header, options)?))
}

fn read_header(path: &Path) -> Result<Header> {
    let (file, size) = open_file(path)?;
    let mut bytes = vec![0; size.min(MAX_HEADER_BYTES) as usize];
    read_exact_at(&file, &mut bytes, 0).map_err(|e| Error::io("read", path, e))?;
    Header::parse(&bytes).ok_or_else(|| {
        Error::input(format!(
            "{} does not begin with a complete header of Intan's .rhd or .rhs files; check that the file is complete",
            path.display()
        ))
    })
}

/// Blocks of one file that are unpacked at once.
struct Piece {
    file: usize,
    first_byte: u64,
    blocks: u64,
}

/// Blocks of time stamps, amplifier channels one after the other, and other signals.
struct Blocks {
    header: Header,
    files: Vec<(PathBuf, File)>,
    pieces: Vec<Piece>,
}

fn traditional(paths: &[PathBuf], header: &Header, mut options: BinaryOptions) -> Result<ChunkedRecording<Blocks>> {
    let mut blocks = Blocks {
        header: header.clone(),
        files: Vec::new(),
        pieces: Vec::new(),
    };
    let mut bounds = vec![0];
    let mut segment_starts = vec![0];
    let mut expected = None;
    for path in paths {
        check_same(header, &read_header(path)?, path, paths)?;
        let (file, size) = open_file(path)?;
        let payload = size.saturating_sub(header.first_block);
        let n_blocks = payload / header.block_bytes;
        if payload % header.block_bytes != 0 {
            options.notes.push(format!(
                "{} ends inside a block of samples, which is left out; the copy may be incomplete",
                path.display()
            ));
        }
        let stamp = first_stamp(&file, path, header, n_blocks)?;
        if stamp.is_some() && expected.is_some() && stamp != expected {
            segment_starts.extend(bounds.last());
        }
        expected = stamp.map(|stamp| stamp.wrapping_add((n_blocks * header.block_frames) as u32));
        blocks.add(path, file, n_blocks, &mut bounds);
    }
    let gaps = segment_starts.len() - 1;
    if gaps > 0 {
        options.notes.push(format!(
            "{} files are read as one recording; {gaps} of the borders between them are gaps, and times count the samples \
             that were saved",
            paths.len()
        ));
    }
    options.segment_starts = Some(segment_starts);
    let path = paths.first().cloned().unwrap_or_default();
    ChunkedRecording::new(path, blocks, bounds, options)
}

fn check_same(first: &Header, other: &Header, path: &Path, paths: &[PathBuf]) -> Result<()> {
    let same = |h: &Header| (h.amplifiers.clone(), h.sample_rate, h.block_bytes, h.first_block);
    if same(first) == same(other) {
        return Ok(());
    }
    Err(Error::input(format!(
        "{} has other channels or another rate than {}; give files of one session",
        path.display(),
        paths.first().map(|p| p.display().to_string()).unwrap_or_default()
    )))
}

/// Time stamp of the first sample of a file.
fn first_stamp(file: &File, path: &Path, header: &Header, n_blocks: u64) -> Result<Option<u32>> {
    if n_blocks == 0 {
        return Ok(None);
    }
    let mut bytes = [0; 4];
    read_exact_at(file, &mut bytes, header.first_block).map_err(|e| Error::io("read", path, e))?;
    Ok(Some(u32::from_le_bytes(bytes)))
}

impl Blocks {
    /// Adds the blocks of a file as pieces, and their borders.
    fn add(&mut self, path: &Path, file: File, n_blocks: u64, bounds: &mut Vec<u64>) {
        let at_once = (CHUNK_BYTES / self.header.block_bytes).max(1);
        let mut block = 0;
        while block < n_blocks {
            let blocks = at_once.min(n_blocks - block);
            self.pieces.push(Piece {
                file: self.files.len(),
                first_byte: self.header.first_block + block * self.header.block_bytes,
                blocks,
            });
            let end = bounds.last().copied().unwrap_or(0) + blocks * self.header.block_frames;
            bounds.push(end);
            block += blocks;
        }
        self.files.push((path.to_path_buf(), file));
    }
}

impl Chunks for Blocks {
    fn load(&self, chunk: usize) -> Result<Vec<u8>> {
        let Some(piece) = self.pieces.get(chunk) else {
            return Ok(Vec::new());
        };
        let Some((path, file)) = self.files.get(piece.file) else {
            return Ok(Vec::new());
        };
        let block_bytes = self.header.block_bytes as usize;
        let mut bytes = vec![0; piece.blocks as usize * block_bytes];
        read_exact_at(file, &mut bytes, piece.first_byte).map_err(|e| Error::io("read", path, e))?;
        let frames = self.header.block_frames as usize;
        let n_channels = self.header.amplifiers.len();
        let block_out = frames * n_channels * 2;
        let mut out = vec![0; piece.blocks as usize * block_out];
        for (block, out) in bytes.chunks_exact(block_bytes).zip(out.chunks_exact_mut(block_out)) {
            let amplifiers = block.get(4 * frames..4 * frames + block_out).unwrap_or_default();
            interleave(amplifiers, frames, n_channels, out);
        }
        Ok(out)
    }
}

/// 16-bit samples `[channels, frames]` as `[frames, channels]`.
fn interleave(by_channel: &[u8], frames: usize, n_channels: usize, out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    for (channel, samples) in by_channel.chunks_exact(2 * frames).enumerate() {
        let (samples, _) = samples.as_chunks::<2>();
        for (slot, sample) in out.iter_mut().skip(channel).step_by(n_channels).zip(samples) {
            *slot = *sample;
        }
    }
}

#[cfg(test)]
mod tests;
