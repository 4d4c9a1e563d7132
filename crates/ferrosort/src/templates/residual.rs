//! New templates from what the present ones leave unexplained (docs/kilosort2.md 4.6).

use std::ops::Range;

use ferrosort_kernels::{ChannelMajor, POOL_TILE, filter_bank, pool_energy};
use ndarray::{Array2, Array3};
use rayon::prelude::*;

use crate::neighbours::Neighbours;

/// Channels pooled around each channel.
pub const POOLED_CHANNELS: usize = 7;
/// Samples on each side within which a candidate must have the largest energy.
const LOCKOUT: usize = 60;
/// A batch gives at most one new template within this many channel indices.
const CHANNEL_LOCKOUT: u32 = 5;
/// Period with which the original's running maximum leaks from the start of a batch to its end.
const LEAK_PERIOD: usize = 1024;

/// Where and how to look for new templates.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchParams {
    /// Threshold, sd: a candidate's energy exceeds its square.
    pub threshold: f32,
    /// Starts for which prototypes are correlated at all.
    pub correlated: usize,
    /// Starts at which candidates may lie.
    pub searched: Range<usize>,
    /// Reproduce the leak of the first samples into the last ones.
    pub tail_contamination: bool,
}

/// Energy of the best channel at each sample, and that channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Energy {
    /// Largest pooled energy, sd squared.
    pub value: Vec<f32>,
    /// Channel that has it.
    pub channel: Vec<u32>,
}

/// One place where a new template begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// First sample of the window.
    pub start: usize,
    /// Channel of largest energy.
    pub channel: u32,
}

/// Energy of the pooled responses of a signal `[channels, samples]` to prototypes `[prototypes, length]`, at every sample.
pub fn pooled_energy(x: &ChannelMajor, prototypes: &Array2<f32>, near: &Neighbours, params: &SearchParams) -> Energy {
    let samples = x.samples();
    // A prototype that is NaN can never win; leaving it out is the same.
    let taps: Vec<&[f32]> = prototypes
        .rows()
        .into_iter()
        .filter_map(|r| r.to_slice().filter(|r| r.iter().all(|v| v.is_finite())))
        .collect();
    let mut energy = Energy {
        value: vec![0.0; samples],
        channel: vec![0; samples],
    };
    if taps.is_empty() {
        return energy;
    }
    let tile = |start: usize, value: &mut [f32], channel: &mut [u32]| {
        let width = params.correlated.saturating_sub(start).min(value.len());
        let (mut best, mut winner) = ([0.0f32; POOL_TILE], [0u32; POOL_TILE]);
        let responses = tile_responses(x, &taps, start, width);
        for c in 0..x.channels() {
            pool_energy(&responses, taps.len(), near.of(c), c as u32, &mut best, &mut winner);
        }
        value.copy_from_slice(&best[..value.len()]);
        channel.copy_from_slice(&winner[..channel.len()]);
    };
    energy
        .value
        .par_chunks_mut(POOL_TILE)
        .zip(energy.channel.par_chunks_mut(POOL_TILE))
        .enumerate()
        .for_each(|(k, (value, channel))| tile(k * POOL_TILE, value, channel));
    if params.tail_contamination {
        leak(&mut energy);
    }
    energy
}

/// Responses `[channels, prototypes, POOL_TILE]` of `width` starts from `start`; the rest is zero.
fn tile_responses(x: &ChannelMajor, taps: &[&[f32]], start: usize, width: usize) -> Vec<f32> {
    let mut responses = vec![0.0f32; x.channels() * taps.len() * POOL_TILE];
    if width == 0 {
        return responses;
    }
    let end = start + width + taps[0].len() - 1;
    for (row, out) in x.rows().zip(responses.chunks_exact_mut(taps.len() * POOL_TILE)) {
        let mut rows: Vec<&mut [f32]> = out.chunks_exact_mut(POOL_TILE).map(|r| &mut r[..width]).collect();
        filter_bank(&row[start..end], taps, &mut rows);
    }
    responses
}

/// The last, incomplete period starts its maximum from the first samples of the batch.
fn leak(energy: &mut Energy) {
    let period_start = energy.value.len() / LEAK_PERIOD * LEAK_PERIOD;
    for t in period_start.max(LEAK_PERIOD)..energy.value.len() {
        let from = t - period_start;
        if energy.value[t] <= energy.value[from] + 1e-6 {
            energy.value[t] = energy.value[from];
            energy.channel[t] = energy.channel[from];
        }
    }
}

/// Candidates: starts whose energy exceeds the threshold and is the largest within 60 samples.
pub fn candidates(energy: &Energy, params: &SearchParams) -> Vec<Candidate> {
    let value = &energy.value;
    let limit = params.threshold * params.threshold;
    params
        .searched
        .clone()
        .filter(|&t| value[t] > limit)
        .filter(|&t| {
            let around = t.saturating_sub(LOCKOUT)..(t + LOCKOUT + 1).min(value.len());
            value[around].iter().all(|v| *v <= value[t])
        })
        .map(|start| Candidate {
            start,
            channel: energy.channel[start],
        })
        .collect()
}

/// Keeps, of all candidates of a batch, those with no stronger one within five channel indices.
pub fn strongest(candidates: &[Candidate], energy: &Energy) -> Vec<Candidate> {
    let near = |a: &Candidate, b: &Candidate| a.channel.abs_diff(b.channel) < CHANNEL_LOCKOUT;
    candidates
        .iter()
        .filter(|a| {
            !candidates
                .iter()
                .any(|b| near(a, b) && energy.value[b.start] > energy.value[a.start])
        })
        .copied()
        .collect()
}

/// Snippets at these candidates, projected on the temporal basis `[components, samples]`: `[candidates, channels, samples]`.
pub fn projected_snippets(x: &ChannelMajor, found: &[Candidate], basis: &Array2<f64>) -> Array3<f64> {
    let (components, length) = basis.dim();
    let mut out = Array3::zeros((found.len(), x.channels(), length));
    for (candidate, mut waveform) in found.iter().zip(out.outer_iter_mut()) {
        for (row, mut channel) in x.rows().zip(waveform.outer_iter_mut()) {
            let snippet = &row[candidate.start..candidate.start + length];
            for k in 0..components {
                let weights = basis.row(k);
                let coefficient: f64 = weights.iter().zip(snippet).map(|(w, &v)| w * f64::from(v)).sum();
                channel.scaled_add(coefficient, &weights);
            }
        }
    }
    out
}
