//! The pieces of a recording that an inspection looks at.

use std::fs::File;

use ferrosort_core::{Error, RawFile, Recording, Result, SampleType};

use crate::binary::{decode, read_exact_at};

/// Pieces spread over the recording.
const PIECES: u64 = 20;
/// Length of a piece, s, unless [`PIECE_VALUES`] is less.
const PIECE_S: f64 = 0.5;
/// Most values of a piece, so that 20 of them fit in 40 MB of int16.
const PIECE_VALUES: u64 = 1 << 20;

/// A stretch of consecutive frames.
pub(super) struct Piece {
    /// First frame, counted in the recording.
    pub(super) start: u64,
    /// Values, time-major, as the description reads them.
    pub(super) values: Vec<f32>,
    /// The bytes behind them, when there is a file.
    pub(super) bytes: Vec<u8>,
}

/// Pieces in time order, with what is needed to interpret them.
pub(super) struct Samples {
    pub(super) n_channels: usize,
    /// Columns that carry neural signals.
    pub(super) neural: Vec<usize>,
    pub(super) sample_rate: f64,
    /// How bytes are interpreted; absent for a recording without files.
    pub(super) sample_type: Option<SampleType>,
    pub(super) pieces: Vec<Piece>,
}

impl Samples {
    /// Reads the pieces. Bytes come from the files themselves, so that values that are not numbers can be looked at.
    pub(super) fn read(recording: &dyn Recording) -> Result<Self> {
        let n = recording.n_samples();
        let wanted = (PIECE_S * recording.sample_rate()).ceil() as u64;
        let longest = wanted
            .min(PIECE_VALUES / recording.n_channels() as u64)
            .clamp(1, n.max(1));
        let count = PIECES.min(n.div_ceil(longest));
        let mut pieces = Vec::with_capacity(count as usize);
        for i in 0..count {
            // The first piece starts at 0, the last ends at n; in between they are spread evenly.
            let start = if count == 1 {
                0
            } else {
                ((n - longest) as u128 * u128::from(i) / u128::from(count - 1)) as u64
            };
            pieces.push(read_piece(recording, start, longest.min(n - start))?);
        }
        Ok(Self {
            n_channels: recording.n_channels(),
            neural: recording
                .neural_channels()
                .map_or_else(|| (0..recording.n_channels()).collect(), <[usize]>::to_vec),
            sample_rate: recording.sample_rate(),
            sample_type: recording.raw_file().map(|raw| raw.sample_type),
            pieces,
        })
    }

    /// All frames of all pieces.
    pub(super) fn frames(&self) -> impl Iterator<Item = &[f32]> {
        self.pieces.iter().flat_map(|p| p.values.chunks_exact(self.n_channels))
    }
}

fn read_piece(recording: &dyn Recording, start: u64, frames: u64) -> Result<Piece> {
    let n_channels = recording.n_channels();
    let Some(raw) = recording.raw_file() else {
        let mut values = vec![0.0; frames as usize * n_channels];
        recording.read(start, &mut values)?;
        return Ok(Piece {
            start,
            values,
            bytes: Vec::new(),
        });
    };
    let bytes = read_bytes(raw, n_channels, start, frames)?;
    let mut values = vec![0.0; bytes.len() / raw.sample_type.bytes()];
    decode(&bytes, raw.sample_type, &mut values);
    Ok(Piece { start, values, bytes })
}

/// The bytes of these frames, or of those up to the end of the file that the first of them is in.
fn read_bytes(raw: &RawFile, n_channels: usize, start: u64, frames: u64) -> Result<Vec<u8>> {
    let mut skip = raw.first_sample + start;
    for (path, &in_file) in raw.paths.iter().zip(&raw.samples_per_file) {
        if skip >= in_file {
            skip -= in_file;
            continue;
        }
        let frame_bytes = (n_channels * raw.sample_type.bytes()) as u64;
        let mut bytes = vec![0; (frames.min(in_file - skip) * frame_bytes) as usize];
        let file = File::open(path).map_err(|e| Error::io("read", path, e))?;
        read_exact_at(&file, &mut bytes, raw.offset_bytes + skip * frame_bytes)
            .map_err(|e| Error::io("read", path, e))?;
        return Ok(bytes);
    }
    Ok(Vec::new())
}
