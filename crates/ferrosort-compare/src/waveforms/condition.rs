//! Reference and filter: what happens to the samples before they are measured.

use std::cell::RefCell;

use ferrosort_core::Probe;
use ferrosort_kernels::iir::{Filter, LANES, gather_lanes, scatter_lanes};
use ferrosort_kernels::{MEDIAN_LANES, median_over_channels};
use rayon::prelude::*;

use super::params::MeasureParams;

/// Samples whose medians one task computes.
const MEDIAN_TILE: usize = 4096;
/// Fewest channels of a shank with a common reference: the median of one or two would take away the signal itself.
const FEWEST_REFERENCED: usize = 3;

thread_local! {
    /// Scratch of one thread, kept from chunk to chunk.
    static LANE_BUFFER: RefCell<Vec<[f64; LANES]>> = const { RefCell::new(Vec::new()) };
}

/// Channels that are filtered together; all of one shank.
#[derive(Debug, Clone)]
struct Group {
    shank: usize,
    columns: Vec<usize>,
}

/// Turns frames of the file into filtered rows, in counts.
#[derive(Debug, Clone)]
pub(crate) struct Conditioner {
    filter: Filter,
    groups: Vec<Group>,
    /// File columns of each shank.
    shanks: Vec<Vec<usize>>,
    common_reference: bool,
    /// Row of each channel of the probe; rows are ordered by shank.
    row_of: Vec<usize>,
}

/// Filtered rows of a stretch of the recording, in counts.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// `[rows, samples]`.
    data: Vec<f32>,
    samples: usize,
    /// Sample of the recording at which the block begins.
    pub start: i64,
}

impl Block {
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.samples..(row + 1) * self.samples]
    }

    /// Samples `from..to` of the recording in this row; `None` when the block does not hold them all.
    pub(crate) fn window(&self, row: usize, from: i64, to: i64) -> Option<&[f32]> {
        let first = usize::try_from(from - self.start).ok()?;
        let last = usize::try_from(to - self.start).ok()?;
        self.row(row).get(first..last)
    }
}

impl Conditioner {
    pub(crate) fn new(probe: &Probe, sample_rate: f64, params: &MeasureParams) -> Self {
        let mut names: Vec<i64> = probe.contacts.iter().map(|c| c.shank).collect();
        names.sort_unstable();
        names.dedup();
        let mut row_of = vec![0; probe.len()];
        let (mut groups, mut shanks, mut rows) = (Vec::new(), Vec::new(), 0);
        for (shank, name) in names.iter().enumerate() {
            let mut columns = Vec::new();
            for (channel, contact) in probe.contacts.iter().enumerate().filter(|(_, c)| c.shank == *name) {
                row_of[channel] = rows;
                rows += 1;
                columns.push(contact.channel);
            }
            groups.extend(columns.chunks(LANES).map(|columns| Group {
                shank,
                columns: columns.to_vec(),
            }));
            shanks.push(columns);
        }
        Self {
            filter: Filter::high_pass(3, params.highpass_hz, sample_rate),
            groups,
            shanks,
            common_reference: params.common_reference,
            row_of,
        }
    }

    /// Row of a channel of the probe in every block.
    pub(crate) fn row_of(&self, channel: usize) -> usize {
        self.row_of[channel]
    }

    /// Filters time-major `frames` of `width` columns into `block`. The mean of each channel is taken off first, so that the filter
    /// starts near its rest.
    pub(crate) fn apply(&self, frames: &[f32], width: usize, start: i64, block: &mut Block) {
        let samples = frames.len() / width;
        block.start = start;
        block.samples = samples;
        block.data.resize(self.row_of.len() * samples, 0.0);
        if samples == 0 {
            return;
        }
        let commons: Vec<Vec<f64>> = self
            .shanks
            .iter()
            .map(|columns| self.common(frames, width, columns))
            .collect();
        let mut rows = block.data.as_mut_slice();
        let mut tasks = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let (own, rest) = rows.split_at_mut(group.columns.len() * samples);
            tasks.push((group, own));
            rows = rest;
        }
        tasks.into_par_iter().for_each(|(group, rows)| {
            let offsets = column_means(frames, width, &group.columns);
            LANE_BUFFER.with_borrow_mut(|lanes| {
                lanes.resize(samples, [0.0; LANES]);
                gather_lanes(frames, width, &group.columns, &offsets, &commons[group.shank], lanes);
                self.filter.zero_phase(lanes);
                scatter_lanes(lanes, rows, samples);
            });
        });
    }

    /// Median over the channels of a shank at each sample, or zeros without reference.
    fn common(&self, frames: &[f32], width: usize, columns: &[usize]) -> Vec<f64> {
        let mut medians = vec![0.0; frames.len() / width];
        if self.common_reference && columns.len() >= FEWEST_REFERENCED {
            let offsets = column_means(frames, width, columns);
            medians.par_chunks_mut(MEDIAN_TILE).enumerate().for_each(|(tile, out)| {
                let frames = &frames[tile * MEDIAN_TILE * width..];
                median_over_channels(columns.len(), out, |first, rows| {
                    fill_centred(&frames[first * width..], width, columns, &offsets, rows);
                });
            });
        }
        medians
    }
}

/// Mean of each of these columns over every 16th frame: near enough for a filter that removes what is left.
fn column_means(frames: &[f32], width: usize, columns: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0f64; columns.len()];
    let mut n = 0.0f64;
    for frame in frames.chunks_exact(width).step_by(16) {
        n += 1.0;
        for (s, &c) in sums.iter_mut().zip(columns) {
            *s += f64::from(frame[c]);
        }
    }
    sums.iter().map(|s| s / n.max(1.0)).collect()
}

/// Values of the columns less their offsets, for the samples of one block of medians.
fn fill_centred(frames: &[f32], width: usize, columns: &[usize], offsets: &[f64], rows: &mut [[f32; MEDIAN_LANES]]) {
    for (t, frame) in frames.chunks_exact(width).take(MEDIAN_LANES).enumerate() {
        for ((row, &column), offset) in rows.iter_mut().zip(columns).zip(offsets) {
            row[t] = (f64::from(frame[column]) - offset) as f32;
        }
    }
}
