//! Offset, common reference and filter: what happens to a buffer before whitening (docs/kilosort2.md 2.2).

use std::cell::RefCell;

use ferrosort_kernels::iir::{Filter, LANES, gather_lanes, scatter_lanes};
use ferrosort_kernels::{ChannelMajor, MEDIAN_LANES, median_over_channels};
use rayon::prelude::*;

use crate::settings::Parameters;

/// Fewest channels with a common reference: the median of one or two would take away the signal itself.
const FEWEST_REFERENCED: usize = 3;
/// Samples whose medians one task computes.
const MEDIAN_TILE: usize = 4096;

thread_local! {
    /// Scratch of one thread, kept from batch to batch: fresh pages would cost as much as the filter.
    static LANE_BUFFER: RefCell<Vec<[f64; LANES]>> = const { RefCell::new(Vec::new()) };
}

/// What is subtracted from each channel before anything else.
#[derive(Debug, Clone, PartialEq)]
pub enum Offset {
    /// The mean of the buffer at hand.
    BufferMean,
    /// A fixed value a channel, in sorting order, counts.
    Fixed(Vec<f64>),
}

/// Turns raw buffers into filtered ones.
#[derive(Debug, Clone)]
pub struct Conditioner {
    filter: Filter,
    common_reference: bool,
    offset: Offset,
}

impl Conditioner {
    /// The filter of these parameters; `low_pass` false leaves out the low-pass edge.
    pub fn new(parameters: &Parameters, sample_rate: f64, offset: Offset, low_pass: bool) -> Self {
        let (low, high) = (parameters.highpass_hz, parameters.lowpass_hz);
        let filter = if low_pass && high > 0.0 && high < sample_rate / 2.0 {
            Filter::band_pass(3, low, high, sample_rate)
        } else {
            Filter::high_pass(3, low, sample_rate)
        };
        Self {
            filter,
            common_reference: parameters.common_reference,
            offset,
        }
    }

    /// Filters time-major `frames` of `width` file columns; `columns` are those of the sorting channels.
    ///
    /// Each channel loses its offset, each sample the median over channels, then the filter runs forward and backward from zero
    /// state. The recursion is in f64, the result `[channels, samples]` in f32, counts.
    pub fn apply(&self, frames: &[f32], width: usize, columns: &[usize]) -> ChannelMajor {
        let samples = frames.len() / width;
        let offsets = match &self.offset {
            Offset::Fixed(values) => values.clone(),
            Offset::BufferMean => column_means(frames, width, columns),
        };
        let mut medians = vec![0.0; samples];
        if self.common_reference && columns.len() >= FEWEST_REFERENCED {
            medians.par_chunks_mut(MEDIAN_TILE).enumerate().for_each(|(tile, out)| {
                let frames = &frames[tile * MEDIAN_TILE * width..];
                median_over_channels(columns.len(), out, |first, rows| {
                    fill_centred(&frames[first * width..], width, columns, &offsets, rows);
                });
            });
        }
        let mut block = ChannelMajor::zeros(columns.len(), samples);
        block
            .as_mut_slice()
            .par_chunks_mut((LANES * samples).max(1))
            .enumerate()
            .for_each(|(group, rows)| {
                let first = group * LANES;
                let columns = &columns[first..(first + LANES).min(columns.len())];
                self.filter_group(frames, width, columns, &offsets[first..], &medians, rows);
            });
        block
    }

    fn filter_group(
        &self,
        frames: &[f32],
        width: usize,
        columns: &[usize],
        offsets: &[f64],
        medians: &[f64],
        rows: &mut [f32],
    ) {
        let samples = medians.len();
        LANE_BUFFER.with_borrow_mut(|lanes| {
            lanes.resize(samples, [0.0; LANES]);
            gather_lanes(frames, width, columns, offsets, medians, lanes);
            self.filter.zero_phase(lanes);
            scatter_lanes(lanes, rows, samples);
        });
    }
}

/// Mean of each of these columns, counts.
pub fn column_means(frames: &[f32], width: usize, columns: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0f64; columns.len()];
    for frame in frames.chunks_exact(width) {
        for (s, &c) in sums.iter_mut().zip(columns) {
            *s += f64::from(frame[c]);
        }
    }
    let samples = (frames.len() / width).max(1) as f64;
    sums.iter().map(|s| s / samples).collect()
}

/// Values of the columns less their offsets, for the samples of one block of medians.
fn fill_centred(frames: &[f32], width: usize, columns: &[usize], offsets: &[f64], rows: &mut [[f32; MEDIAN_LANES]]) {
    // Squares of this many channels and samples are turned in registers; single values would be written far apart.
    const SQUARE: usize = 16;
    let groups = columns
        .chunks(SQUARE)
        .zip(offsets.chunks(SQUARE))
        .zip(rows.chunks_mut(SQUARE));
    for ((columns, offsets), rows) in groups {
        for start in (0..MEDIAN_LANES).step_by(SQUARE) {
            let mut square = [[0.0f32; SQUARE]; SQUARE];
            for (line, frame) in square.iter_mut().zip(frames.chunks_exact(width).skip(start)) {
                for ((v, &column), offset) in line.iter_mut().zip(columns).zip(offsets) {
                    *v = (f64::from(frame[column]) - offset) as f32;
                }
            }
            for (j, row) in rows.iter_mut().enumerate() {
                for (t, line) in square.iter().enumerate() {
                    row[start + t] = line[j];
                }
            }
        }
    }
}
