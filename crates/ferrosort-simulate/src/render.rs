//! From the plan to samples, in blocks that start at multiples of [`BLOCK`]: a sample does not depend on who asks for
//! it or with what else.

use ferrosort_core::{MemoryRecording, Result};
use rayon::prelude::*;

use crate::simulation::{PlannedSpike, Simulation};
use crate::unit::{PHASES, longest_reach_ms};

/// Samples made at a time.
pub(crate) const BLOCK: usize = 2048;

impl Simulation {
    /// Blocks of the recording; the last may be shorter than [`BLOCK`].
    pub(crate) fn n_blocks(&self) -> u64 {
        self.params.n_samples().div_ceil(BLOCK as u64)
    }

    /// One block, time-major counts.
    pub(crate) fn render_block(&self, block: u64) -> Vec<i16> {
        let start = block * BLOCK as u64;
        let n = (self.params.n_samples() - start).min(BLOCK as u64) as usize;
        let contacts = &self.params.probe.contacts;
        let mut tile = vec![0f32; contacts.len() * n];
        self.noise.fill(start, n, &mut tile);
        for spike in self.spikes_touching(start, n) {
            self.add_spike(spike, start, n, &mut tile);
        }
        let counts_per_uv = (1.0 / self.params.gain_uv) as f32;
        let mut out = vec![0i16; contacts.len() * n];
        for (contact, row) in contacts.iter().zip(tile.chunks_exact(n)) {
            let column = out[contact.channel..].iter_mut().step_by(contacts.len());
            for (count, uv) in column.zip(row) {
                *count = round(uv * counts_per_uv);
            }
        }
        out
    }

    /// Frames `[start, start + n)`, time-major counts, `n` cut at the end of the recording.
    pub fn render(&self, start: u64, n: usize) -> Vec<i16> {
        let channels = self.params.probe.len();
        let end = (start + n as u64).min(self.params.n_samples());
        if start >= end {
            return Vec::new();
        }
        let first = start / BLOCK as u64;
        let blocks: Vec<Vec<i16>> = (first..end.div_ceil(BLOCK as u64))
            .into_par_iter()
            .map(|b| self.render_block(b))
            .collect();
        let from = (start - first * BLOCK as u64) as usize * channels;
        let length = (end - start) as usize * channels;
        blocks.into_iter().flatten().skip(from).take(length).collect()
    }

    /// The whole recording in memory, in counts, with its probe.
    ///
    /// # Errors
    /// None in practice: the array is a whole number of frames.
    pub fn to_recording(&self) -> Result<MemoryRecording> {
        let counts = self.render(0, self.params.n_samples() as usize);
        let probe = &self.params.probe;
        let samples = counts.into_iter().map(f32::from).collect();
        MemoryRecording::new(self.params.sample_rate, probe.len(), samples, Some(probe.clone()))
    }

    /// Spikes whose waveform reaches into samples `[start, start + n)` on some contact.
    fn spikes_touching(&self, start: u64, n: usize) -> &[PlannedSpike] {
        let reach = (longest_reach_ms() + 1.0) * self.params.sample_rate / 1000.0;
        let first = self.spikes.partition_point(|s| s.sample < start as f64 - reach);
        let last = self
            .spikes
            .partition_point(|s| s.sample <= (start + n as u64) as f64 + reach);
        &self.spikes[first..last]
    }

    fn add_spike(&self, spike: &PlannedSpike, start: u64, n: usize, tile: &mut [f32]) {
        let unit = &self.sources[spike.source as usize];
        let by_depth = self
            .shanks
            .iter()
            .find(|(shank, _)| *shank == unit.shank)
            .map_or(&[][..], |(_, contacts)| contacts);
        let displacement = self.drift.at(spike.sample / self.params.sample_rate);
        for arrival in unit.arrivals(displacement, &self.params.probe, by_depth) {
            let trough_uv = (arrival.trough_uv * spike.amplitude as f64) as f32;
            let time = spike.sample + arrival.delay_ms * self.params.sample_rate / 1000.0;
            let steps = (time * PHASES as f64).round() as i64;
            let waveform = unit.waveform.phase(steps.rem_euclid(PHASES as i64) as usize);
            // Where the waveform's first sample lies in the block, possibly before it.
            let at = steps.div_euclid(PHASES as i64) - unit.waveform.before as i64 - start as i64;
            let skip = (-at).clamp(0, waveform.len() as i64) as usize;
            let to = at.clamp(0, n as i64) as usize;
            let row = &mut tile[arrival.contact * n + to..(arrival.contact + 1) * n];
            for (v, w) in row.iter_mut().zip(&waveform[skip..]) {
                *v += trough_uv * w;
            }
        }
    }
}

/// Nearest integer, ties to even, saturating. Adding 1.5 * 2^23 leaves an `f32` no fraction bits: this rounds without
/// a library call on every target.
#[inline]
fn round(counts: f32) -> i16 {
    const SHIFT: f32 = 12_582_912.0;
    ((counts.clamp(-32768.0, 32767.0) + SHIFT) - SHIFT) as i16
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::geometry::{neuropixels1_checkerboard, tetrode};
    use crate::params::SimulationParams;
    use crate::simulation::simulate;
    use ferrosort_core::{Probe, Recording};

    fn small() -> SimulationParams {
        SimulationParams {
            duration_s: 0.5,
            probe: neuropixels1_checkerboard(16),
            n_units: 8,
            n_background_units: 8,
            drift_range_um: 20.0,
            rate_median_hz: 20.0,
            ..SimulationParams::default()
        }
    }

    #[test]
    fn counts_are_rounded_and_saturate() {
        assert_eq!(
            [0.49, 0.51, -0.51, -3.2, 1e9, -1e9].map(round),
            [0, 1, -1, -3, 32767, -32768]
        );
    }

    #[test]
    fn samples_do_not_depend_on_threads_or_pieces() {
        let simulation = simulate(&small()).unwrap();
        let whole = simulation.render(0, 15_000);
        assert_eq!(whole.len(), 15_000 * 16);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(
                pool.install(|| simulation.render(0, 15_000)) == whole,
                "{threads} threads"
            );
        }
        for piece in [700, 2048, 4999] {
            let joined: Vec<i16> = (0..15_000)
                .step_by(piece)
                .flat_map(|t| simulation.render(t as u64, piece))
                .collect();
            assert!(joined == whole, "pieces of {piece} samples");
        }
        assert!(simulation.render(15_000, 10).is_empty());
    }

    #[test]
    fn a_quiet_recording_is_the_sum_of_its_spikes() {
        let mut params = small();
        params.noise.white_uv = 1e-3;
        params.noise.hash_uv = 0.0;
        params.noise.common_uv = 0.0;
        params.noise.level_log_sd = 0.0;
        params.n_background_units = 0;
        params.n_units = 1;
        params.amplitude_sd = 0.0;
        params.drift_range_um = 0.0;
        // The noise level is 1 nV: an SNR of 1e5 is 62 µV.
        params.snr_quantiles = vec![[0.0, 1e5], [1.0, 1e5]];
        let simulation = simulate(&params).unwrap();
        let unit = &simulation.units()[0];
        let truth = simulation.truth();
        let data = simulation.render(0, 15_000);
        let inside = truth.spike_times.iter().filter(|&&t| (100..14_800).contains(&t));
        assert!(inside.clone().count() > 3);
        for &t in inside {
            let trough = data[t as usize * 16 + unit.best_contact] as f64 * params.gain_uv;
            assert!(
                (trough + unit.trough_uv).abs() < 0.06 * unit.trough_uv,
                "at {t}: {trough}"
            );
        }
    }

    #[test]
    fn columns_follow_the_wiring() {
        let mut params = small();
        let straight = simulate(&params).unwrap().render(0, 100);
        for contact in &mut params.probe.contacts {
            contact.channel = 15 - contact.channel;
        }
        let reversed = simulate(&params).unwrap().render(0, 100);
        for t in 0..100 {
            for c in 0..16 {
                assert_eq!(straight[t * 16 + c], reversed[t * 16 + 15 - c]);
            }
        }
    }

    #[test]
    fn small_probes_work_and_recordings_carry_their_probe() {
        for probe in [tetrode(), Probe::line(1, 20.0)] {
            let params = SimulationParams {
                probe: probe.clone(),
                n_units: 3,
                n_background_units: 2,
                ..small()
            };
            let recording = simulate(&params).unwrap().to_recording().unwrap();
            assert_eq!(recording.n_samples(), 15_000);
            assert_eq!(recording.probe(), Some(&probe));
            let mut frame = vec![0f32; probe.len()];
            recording.read(14_999, &mut frame).unwrap();
            assert!(frame.iter().all(|v| v.fract() == 0.0));
        }
    }
}
