//! The plan of a recording: units, spikes, drift and noise, all drawn before the first sample is made.

use ferrosort_core::{Probe, Result};

use crate::drift::Drift;
use crate::noise::NoiseModel;
use crate::params::SimulationParams;
use crate::random::{Key, Stream};
use crate::score::Truth;
use crate::trains::Firing;
use crate::unit::{Region, Unit};

/// Where the units to be found lie, and where the small ones of the background.
const UNITS: Region = Region {
    margin: 12.0,
    z: [10.0, 45.0],
    spacing: 18.0,
};
const BACKGROUND: Region = Region {
    margin: 40.0,
    z: [50.0, 120.0],
    spacing: 0.0,
};
/// Firing rates are clipped to this range, Hz.
const RATE_HZ: [f64; 2] = [0.5, 40.0];

/// A spike of the plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedSpike {
    /// Time of the trough on the nearest contact, samples with their fraction.
    pub(crate) sample: f64,
    /// Place in `Simulation::sources`.
    pub(crate) source: u32,
    /// Factor on the unit's amplitude.
    pub(crate) amplitude: f32,
}

/// A planned recording. Samples are made on demand, in any order, on any number of threads.
#[derive(Debug, Clone)]
pub struct Simulation {
    pub(crate) params: SimulationParams,
    /// Units first, then the small units of the background.
    pub(crate) sources: Vec<Unit>,
    /// Spikes of all sources by time, then source.
    pub(crate) spikes: Vec<PlannedSpike>,
    pub(crate) drift: Drift,
    pub(crate) noise: NoiseModel,
    /// For each shank: its number and its contacts by y.
    pub(crate) shanks: Vec<(i64, Vec<usize>)>,
}

/// Draws units, spikes, drift and noise levels; makes no samples yet.
///
/// # Errors
/// Parameters outside their ranges ([`SimulationParams::validate`]).
pub fn simulate(params: &SimulationParams) -> Result<Simulation> {
    params.validate()?;
    let noise = NoiseModel::new(&params.noise, &params.probe, params.sample_rate, params.seed);
    let sources = draw_sources(params, noise.level_uv());
    let mut spikes = Vec::new();
    for source in 0..sources.len() {
        draw_spikes(params, source, &mut spikes);
    }
    spikes.sort_by(|a, b| a.sample.total_cmp(&b.sample).then(a.source.cmp(&b.source)));
    Ok(Simulation {
        drift: Drift::rigid(params.duration_s, params.drift_range_um, params.seed),
        shanks: shanks(&params.probe),
        params: params.clone(),
        sources,
        spikes,
        noise,
    })
}

fn draw_sources(params: &SimulationParams, noise_uv: &[f64]) -> Vec<Unit> {
    let draws = |stream, index| Key::new(params.seed, stream, index).draws();
    let n = params.n_units;
    let mut snrs: Vec<f64> = (0..n).map(|i| params.snr_at((i as f64 + 0.5) / n as f64)).collect();
    draws(Stream::Snr, 0).shuffle(&mut snrs);
    let mut small = draws(Stream::Snr, 1);
    let [low, high] = params.background_snr;
    snrs.extend((0..params.n_background_units).map(|_| small.between(low, high)));

    let mut places = UNITS.place(&params.probe, n, &mut draws(Stream::Placement, 0));
    places.extend(BACKGROUND.place(
        &params.probe,
        params.n_background_units,
        &mut draws(Stream::Placement, 1),
    ));
    let draw = |(index, (place, snr))| {
        let key = (params.seed, index as u64);
        Unit::draw(place, snr, &params.probe, noise_uv, params.sample_rate, key)
    };
    places.into_iter().zip(snrs).enumerate().map(draw).collect()
}

fn draw_spikes(params: &SimulationParams, source: usize, spikes: &mut Vec<PlannedSpike>) {
    let mut draws = Key::new(params.seed, Stream::Train, source as u64).draws();
    let rate = draws.log_normal(params.rate_median_hz, params.rate_log_sd);
    let firing = Firing {
        rate_hz: rate.clamp(RATE_HZ[0], RATE_HZ[1]),
        // One sample more, so that the period also holds between rounded times.
        refractory_s: params.refractory_ms / 1000.0 + 1.0 / params.sample_rate,
        regularity: draws.between(0.6, 2.0),
    };
    let mut factors = Key::new(params.seed, Stream::Amplitude, source as u64).draws();
    let last_sample = params.n_samples() as f64 - 1.0;
    for time_s in firing.train(params.duration_s, &mut draws) {
        spikes.push(PlannedSpike {
            sample: (time_s * params.sample_rate).min(last_sample),
            source: source as u32,
            amplitude: (1.0 + params.amplitude_sd * factors.normal()).max(0.3) as f32,
        });
    }
}

/// The contacts of each shank, by y then list order; shanks in order of their first contact.
fn shanks(probe: &Probe) -> Vec<(i64, Vec<usize>)> {
    let mut shanks: Vec<(i64, Vec<usize>)> = Vec::new();
    for (i, contact) in probe.contacts.iter().enumerate() {
        match shanks.iter_mut().find(|(shank, _)| *shank == contact.shank) {
            Some((_, contacts)) => contacts.push(i),
            None => shanks.push((contact.shank, vec![i])),
        }
    }
    for (_, contacts) in &mut shanks {
        contacts.sort_by(|&a, &b| probe.contacts[a].y_um.total_cmp(&probe.contacts[b].y_um));
    }
    shanks
}

impl Simulation {
    /// The parameters it was made with.
    pub fn params(&self) -> &SimulationParams {
        &self.params
    }

    /// The units to be found; `spike_units` of [`Simulation::truth`] are places in this list.
    pub fn units(&self) -> &[Unit] {
        &self.sources[..self.params.n_units]
    }

    /// Displacement of the tissue over time.
    pub fn drift(&self) -> &Drift {
        &self.drift
    }

    /// Standard deviation of each contact's noise between 300 and 6000 Hz without the small units, µV.
    pub fn noise_uv(&self) -> &[f64] {
        self.noise.level_uv()
    }

    /// Spikes of the units to be found.
    pub fn truth(&self) -> Truth {
        let n_units = self.params.n_units;
        let of_units = || self.spikes.iter().filter(|s| (s.source as usize) < n_units);
        Truth {
            sample_rate: self.params.sample_rate,
            n_units,
            spike_times: of_units().map(|s| s.sample.round() as u64).collect(),
            spike_units: of_units().map(|s| s.source).collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rounded_spike_times_keep_the_refractory_period_and_their_order() {
        let params = SimulationParams {
            duration_s: 120.0,
            n_units: 10,
            rate_median_hz: 20.0,
            ..SimulationParams::default()
        };
        let truth = simulate(&params).unwrap().truth();
        assert!(truth.spike_times.is_sorted() && truth.spike_times.len() > 10_000);
        assert!(truth.spike_times.iter().all(|&t| t < params.n_samples()));
        for unit in 0..10 {
            let times: Vec<u64> = (truth.spike_times.iter().zip(&truth.spike_units))
                .filter(|&(_, &u)| u == unit)
                .map(|(&t, _)| t)
                .collect();
            let shortest = times.windows(2).map(|w| w[1] - w[0]).min();
            assert!(shortest >= Some(60), "unit {unit}: {shortest:?} samples");
        }
    }

    #[test]
    fn unit_snrs_are_the_quantiles_asked_for() {
        let params = SimulationParams {
            duration_s: 1.0,
            n_units: 40,
            snr_quantiles: vec![[0.0, 3.0], [1.0, 23.0]],
            ..SimulationParams::default()
        };
        let simulation = simulate(&params).unwrap();
        let mut snrs: Vec<f64> = simulation.units().iter().map(|u| u.snr).collect();
        assert!(!snrs.is_sorted());
        snrs.sort_by(f64::total_cmp);
        for (i, snr) in snrs.iter().enumerate() {
            assert!((snr - (3.25 + 0.5 * i as f64)).abs() < 1e-9);
        }
        for u in simulation.units() {
            assert!((u.trough_uv / simulation.noise_uv()[u.best_contact] - u.snr).abs() < 1e-9);
        }
    }

    #[test]
    fn changing_the_noise_leaves_units_and_spikes_alone() {
        let params = SimulationParams {
            duration_s: 5.0,
            ..SimulationParams::default()
        };
        let mut quiet = params.clone();
        quiet.noise.white_uv = 3.0;
        let (a, b) = (simulate(&params).unwrap(), simulate(&quiet).unwrap());
        assert_eq!(a.truth(), b.truth());
        assert_eq!(a.units()[7].position_um, b.units()[7].position_um);
        let other_seed = simulate(&SimulationParams { seed: 2, ..params }).unwrap();
        assert!(a.truth() != other_seed.truth());
    }

    #[test]
    fn no_units_is_a_valid_plan() {
        let params = SimulationParams {
            n_units: 0,
            n_background_units: 0,
            ..SimulationParams::default()
        };
        let simulation = simulate(&params).unwrap();
        assert!(simulation.truth().spike_times.is_empty() && simulation.units().is_empty());
    }
}
