//! Samples in blocks that start at multiples of [`BLOCK`]: a sample does not depend on who asks for it or with what
//! else.

use super::bank::Bank;
use super::interpolate::{PADDING, Warp};
use crate::motion::Motion;

/// Samples made at a time.
pub(crate) const BLOCK: usize = 2048;

/// A spike to be added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spike {
    /// Sample on which `n0` of the waveform falls, with its fraction.
    pub(crate) sample: f64,
    /// Place in the list of sources.
    pub(crate) source: u32,
    /// Factor on the waveform.
    pub(crate) amplitude: f32,
    /// Factor on its duration, at least 1.
    pub(crate) stretch: f32,
}

/// A unit as the renderer sees it.
pub(crate) trait Emitter {
    fn bank(&self) -> &Bank;
    /// Place at rest along the probe, µm.
    fn rest_um(&self) -> f64;
}

/// Samples before and after the time of a spike that any waveform can reach.
pub(crate) fn longest_reach<E: Emitter>(sources: &[E], largest_stretch: f64) -> f64 {
    let longest = sources.iter().map(|s| s.bank().samples).max().unwrap_or(0);
    longest as f64 * largest_stretch + 32.0
}

/// The spikes among these, ascending, that can reach into samples `[start, start + n)`.
pub(crate) fn touching(spikes: &[Spike], start: u64, n: usize, reach: f64) -> &[Spike] {
    let first = spikes.partition_point(|s| s.sample < start as f64 - reach);
    let last = spikes.partition_point(|s| s.sample <= (start + n as u64) as f64 + reach);
    &spikes[first..last]
}

/// Adds spikes to the samples `[start, start + n)`.
pub(crate) struct Adder<'a> {
    pub(crate) motion: &'a Motion,
    pub(crate) sample_rate: f64,
    pub(crate) start: u64,
    pub(crate) n: usize,
    padded: Vec<f32>,
    shifted: Vec<f32>,
}

impl<'a> Adder<'a> {
    pub(crate) fn new(motion: &'a Motion, sample_rate: f64, start: u64, n: usize) -> Self {
        Self {
            motion,
            sample_rate,
            start,
            n,
            padded: Vec::new(),
            shifted: Vec::new(),
        }
    }

    /// Adds one spike to `tile`, `[contacts, n]`, µV.
    pub(crate) fn add(&mut self, spike: &Spike, unit: &impl Emitter, lead: f64, tile: &mut [f32]) {
        let bank = unit.bank();
        let displacement = if self.motion.is_still() {
            0.0
        } else {
            self.motion.at(unit.rest_um(), (spike.sample - lead) / self.sample_rate)
        };
        let place = bank.place(displacement);
        let whole = spike.sample.floor();
        let fraction = spike.sample - whole;
        let first = whole as i64 - bank.n0 as i64 - self.start as i64;
        if fraction == 0.0 && spike.stretch == 1.0 {
            self.shifted.resize(bank.samples, 0.0);
            for (i, &contact) in bank.contacts().iter().enumerate() {
                bank.waveform(place, i, spike.amplitude, &mut self.shifted);
                add_at(
                    &mut tile[contact * self.n..(contact + 1) * self.n],
                    &self.shifted,
                    first,
                );
            }
            return;
        }
        let warp = Warp::new(bank.samples, bank.n0, fraction, f64::from(spike.stretch));
        self.padded.clear();
        self.padded.resize(bank.samples + 2 * PADDING, 0.0);
        self.shifted.resize(warp.len(), 0.0);
        for (i, &contact) in bank.contacts().iter().enumerate() {
            let inner = &mut self.padded[PADDING..PADDING + bank.samples];
            bank.waveform(place, i, spike.amplitude, inner);
            warp.apply(&self.padded, &mut self.shifted);
            let row = &mut tile[contact * self.n..(contact + 1) * self.n];
            add_at(row, &self.shifted, first + warp.first);
        }
    }
}

/// Adds `values` to `row` from sample `at` on, which may lie before the row; what lies outside is left out.
fn add_at(row: &mut [f32], values: &[f32], at: i64) {
    let skip = (-at).clamp(0, values.len() as i64) as usize;
    let to = at.clamp(0, row.len() as i64) as usize;
    for (v, w) in row[to..].iter_mut().zip(&values[skip..]) {
        *v += w;
    }
}

/// Nearest count, halves away from zero, within the limits.
#[inline]
pub(crate) fn round_to_counts(value: f32, low: f32, high: f32) -> i16 {
    (value + 0.5f32.copysign(value)).clamp(low, high) as i32 as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rounded_away_from_zero_and_saturate() {
        let found = [0.49, 0.5, 0.51, -0.49, -0.5, -3.2, 1e9, -1e9, 2.5].map(|v| round_to_counts(v, -32768.0, 32767.0));
        assert_eq!(found, [0, 1, 1, 0, -1, -3, 32767, -32768, 3]);
        assert_eq!(round_to_counts(600.0, -512.0, 511.0), 511);
    }

    #[test]
    fn values_outside_the_row_are_left_out() {
        let mut row = [0.0; 4];
        add_at(&mut row, &[1.0, 2.0, 3.0], -2);
        add_at(&mut row, &[1.0, 2.0, 3.0], 2);
        add_at(&mut row, &[9.0], 4);
        add_at(&mut row, &[9.0], -1);
        assert_eq!(row, [3.0, 0.0, 1.0, 2.0]);
    }
}
