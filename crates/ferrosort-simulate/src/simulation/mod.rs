//! The plan of a recording, and its samples on demand.

mod background;
mod hybrid;
mod plan;
mod samples;

pub(crate) use hybrid::Base;
pub(crate) use plan::spatial_overlaps;

use ferrosort_core::Probe;

use crate::geometry::SimProbe;
use crate::motion::Motion;
use crate::noises::Source;
use crate::settings::Settings;
use crate::synthesis::{Disturbances, Spike};
use crate::truth::Truth;
use crate::units::Unit;

/// A planned recording. Samples are made on demand, in any order, on any number of threads.
#[derive(Debug)]
pub struct Simulation {
    pub(crate) settings: Settings,
    /// Contacts ascending by channel.
    pub(crate) probe: SimProbe,
    pub(crate) counts_per_uv: f64,
    pub(crate) limits: [i32; 2],
    pub(crate) motion: Motion,
    pub(crate) noise: Option<Box<dyn Source>>,
    pub(crate) disturbances: Disturbances,
    /// Gain of each contact.
    pub(crate) gains: Vec<f32>,
    pub(crate) units: Vec<Unit>,
    /// Small units that are not to be found.
    pub(crate) background: Vec<Unit>,
    /// Spikes of `units`, ascending by time, then unit.
    pub(crate) spikes: Vec<Spike>,
    pub(crate) background_spikes: Vec<Spike>,
    /// Robust deviation of the noise of each contact with all background units, µV.
    pub(crate) noise_uv: Vec<f64>,
    /// Samples from the time at which the displacement is taken to the sample of a spike.
    pub(crate) lead: f64,
    pub(crate) warnings: Vec<String>,
    /// Files of measured waveforms and their hashes.
    pub(crate) library_files: Vec<(String, String)>,
    /// The recording to which units are added, if they are not in simulated noise.
    pub(crate) base: Option<Base>,
}

impl Simulation {
    /// What it was made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All contacts, ascending by channel.
    pub fn probe(&self) -> &SimProbe {
        &self.probe
    }

    /// The connected contacts, as a sorting sees them.
    pub fn sorting_probe(&self) -> Probe {
        self.probe.to_probe()
    }

    /// The units to be found; `spike_units` of [`Simulation::truth`] are places in this list.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The small units that a sorter is not expected to find.
    pub fn background_units(&self) -> &[Unit] {
        &self.background
    }

    /// Displacement of the tissue.
    pub fn motion(&self) -> &Motion {
        &self.motion
    }

    /// Median absolute deviation over 0.6745 of the noise of each contact, background units included, µV.
    pub fn noise_uv(&self) -> &[f64] {
        &self.noise_uv
    }

    /// What the user should know about the plan, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Columns of the recording.
    pub fn n_channels(&self) -> usize {
        match &self.base {
            Some(base) => base.recording.n_channels(),
            None => self.probe.n_channels(),
        }
    }

    /// True when every spike is known; false for units in a real recording.
    pub fn is_exhaustive(&self) -> bool {
        self.base.is_none()
    }

    /// µV per count; in a hybrid recording that of the first contact.
    pub fn gain_uv(&self) -> f64 {
        1.0 / self.counts_per_uv
    }

    /// Spikes of the units to be found: the sample of the trough on the largest contact.
    pub fn truth(&self) -> Truth {
        let rows = self.true_spikes();
        Truth {
            sample_rate: self.settings.sample_rate_hz,
            n_units: self.units.len(),
            spike_times: rows.iter().map(|r| r.sample.round() as u64).collect(),
            spike_units: rows.iter().map(|r| r.unit).collect(),
        }
    }

    /// Spikes of the units with the exact time of their troughs, ascending by nearest sample, then unit.
    pub(crate) fn true_spikes(&self) -> Vec<TrueSpike> {
        true_spikes(&self.spikes, &self.units, self.settings.n_samples())
    }
}

/// A spike as the truth tells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TrueSpike {
    /// Exact time of the trough, samples.
    pub(crate) sample: f64,
    pub(crate) unit: u32,
    pub(crate) amplitude: f32,
    /// Time at which the displacement was taken, samples.
    pub(crate) origin: f64,
}

pub(crate) fn true_spikes(spikes: &[Spike], units: &[Unit], n_samples: u64) -> Vec<TrueSpike> {
    let mut rows: Vec<TrueSpike> = spikes
        .iter()
        .map(|s| TrueSpike {
            sample: s.sample + units[s.source as usize].trough_shift as f64,
            unit: s.source,
            amplitude: s.amplitude,
            origin: s.sample,
        })
        .filter(|r| r.sample.round() >= 0.0 && r.sample.round() < n_samples as f64)
        .collect();
    let place = |r: &TrueSpike| (r.sample.round() as i64, r.unit);
    rows.sort_by_key(place);
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
