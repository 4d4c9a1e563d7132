//! Samples of a planned recording.

use ferrosort_core::{MemoryRecording, Result};
use rayon::prelude::*;

use super::Simulation;
use crate::synthesis::{Adder, BLOCK, Emitter, Spike, longest_reach, round_to_counts, touching};

/// Samples turned at a time from rows of channels to columns of time: the columns stay in the nearest cache.
const TURN: usize = 32;

impl Simulation {
    /// Blocks of the recording; the last may be shorter than [`BLOCK`].
    pub(crate) fn n_blocks(&self) -> u64 {
        self.settings.n_samples().div_ceil(BLOCK as u64)
    }

    fn extent(&self, block: u64) -> (u64, usize) {
        let start = block * BLOCK as u64;
        (start, (self.settings.n_samples() - start).min(BLOCK as u64) as usize)
    }

    /// Noise and background units of one block, `[contacts, n]`, µV, and n.
    pub(crate) fn noise_tile(&self, block: u64) -> (Vec<f32>, usize) {
        let (start, n) = self.extent(block);
        let contacts = &self.probe.contacts;
        let mut tile = vec![0f32; contacts.len() * n];
        if let Some(noise) = &self.noise {
            noise.add(start, n, &mut tile);
        }
        self.disturbances.scale_noise(n, &mut tile);
        self.add_spikes(&self.background_spikes, &self.background, start, n, &mut tile);
        (tile, n)
    }

    /// Background units of one block alone, `[contacts, n]`, µV, and n.
    pub(super) fn background_tile(&self, block: u64) -> (Vec<f32>, usize) {
        let (start, n) = self.extent(block);
        let mut tile = vec![0f32; self.probe.contacts.len() * n];
        self.add_spikes(&self.background_spikes, &self.background, start, n, &mut tile);
        (tile, n)
    }

    /// One block before it is digitised, `[contacts, n]`, µV, and n.
    pub(crate) fn tile(&self, block: u64) -> (Vec<f32>, usize) {
        let (start, n) = self.extent(block);
        let (mut tile, _) = self.noise_tile(block);
        self.disturbances.add_steady(&self.probe.contacts, start, n, &mut tile);
        self.add_spikes(&self.spikes, &self.units, start, n, &mut tile);
        for (gain, row) in self.gains.iter().zip(tile.chunks_exact_mut(n)) {
            if *gain != 1.0 {
                for v in &mut *row {
                    *v *= gain;
                }
            }
        }
        let limit_uv = (f64::from(self.limits[1]) / self.counts_per_uv) as f32;
        self.disturbances.finish(start, n, limit_uv, &mut tile);
        (tile, n)
    }

    fn add_spikes<E: Emitter>(&self, spikes: &[Spike], sources: &[E], start: u64, n: usize, tile: &mut [f32]) {
        let recovery = &self.settings.amplitude.recovery;
        let largest_stretch = 1.0 + recovery.widening * (1.0 - recovery.floor);
        let reach = longest_reach(sources, largest_stretch);
        let mut adder = Adder::new(&self.motion, self.settings.sample_rate_hz, start, n);
        for spike in touching(spikes, start, n, reach) {
            adder.add(spike, &sources[spike.source as usize], self.lead, tile);
        }
    }

    /// One block, time-major counts.
    ///
    /// # Errors
    /// A recording under the units that cannot be read.
    pub(crate) fn render_block(&self, block: u64) -> Result<Vec<i16>> {
        if let Some(base) = &self.base {
            let (start, n) = self.extent(block);
            let mut tile = vec![0f32; self.probe.contacts.len() * n];
            self.add_spikes(&self.spikes, &self.units, start, n, &mut tile);
            return base.mix(&self.probe, start, n, &tile);
        }
        let (tile, n) = self.tile(block);
        let columns = self.n_channels();
        let mut out = vec![0i16; columns * n];
        let counts_per_uv = self.counts_per_uv as f32;
        let [low, high] = self.limits.map(|v| v as f32);
        for t0 in (0..n).step_by(TURN) {
            let t1 = (t0 + TURN).min(n);
            for (contact, row) in self.probe.contacts.iter().zip(tile.chunks_exact(n)) {
                if !contact.connected {
                    continue;
                }
                let column = out[t0 * columns + contact.channel..].iter_mut().step_by(columns);
                for (count, uv) in column.zip(&row[t0..t1]) {
                    *count = round_to_counts(uv * counts_per_uv, low, high);
                }
            }
        }
        Ok(out)
    }

    /// Frames `[start, start + n)`, time-major counts, `n` cut at the end of the recording.
    ///
    /// # Errors
    /// A recording under the units that cannot be read.
    pub fn render(&self, start: u64, n: usize) -> Result<Vec<i16>> {
        let channels = self.n_channels();
        let end = (start + n as u64).min(self.settings.n_samples());
        if start >= end {
            return Ok(Vec::new());
        }
        let first = start / BLOCK as u64;
        let blocks: Vec<Vec<i16>> = (first..end.div_ceil(BLOCK as u64))
            .into_par_iter()
            .map(|b| self.render_block(b))
            .collect::<Result<_>>()?;
        let from = (start - first * BLOCK as u64) as usize * channels;
        let length = (end - start) as usize * channels;
        Ok(blocks.into_iter().flatten().skip(from).take(length).collect())
    }

    /// The whole recording in memory, in counts, with its probe.
    ///
    /// # Errors
    /// A recording under the units that cannot be read.
    pub fn to_recording(&self) -> Result<MemoryRecording> {
        let counts = self.render(0, self.settings.n_samples() as usize)?;
        let samples = counts.into_iter().map(f32::from).collect();
        MemoryRecording::new(
            self.settings.sample_rate_hz,
            self.n_channels(),
            samples,
            Some(self.sorting_probe()),
        )
    }
}
