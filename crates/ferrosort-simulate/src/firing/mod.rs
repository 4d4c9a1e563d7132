//! When units fire: rates, intervals, bursts, shared modulation, presence, coincidences.

mod intervals;
mod modulation;
mod overlaps;
mod presence;

use crate::random::{Draws, Key, Stream};
use crate::settings::{FiringModel, FiringSettings, Rates};

pub(crate) use intervals::{EMOUSE_ALIGNMENT, emouse_train};
pub(crate) use modulation::Modulation;
pub(crate) use overlaps::{Lanes, apply as apply_overlaps};
pub(crate) use presence::Habits;

use intervals::Intervals;

/// Log-normal and other random rates are clipped to this range, Hz.
const RATE_HZ: [f64; 2] = [0.05, 60.0];

/// Spike times are multiples of this fraction of a sample.
pub(crate) const PHASES: usize = 16;

/// What decides one unit's train.
#[derive(Debug, Clone)]
pub(crate) struct Firing {
    /// Mean rate, Hz.
    pub(crate) rate_hz: f64,
    /// Shortest interval, s.
    pub(crate) refractory_s: f64,
    /// Probability that an event is a burst; 0 = never.
    pub(crate) burst_probability: f64,
    /// Coupling to the shared modulation.
    pub(crate) coupling: f64,
    /// Presence and silence.
    pub(crate) habits: Habits,
}

/// Kinds of units that fire differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Excitatory,
    Inhibitory,
    Other,
}

impl Firing {
    /// Draws rate, bursting, coupling and presence of one unit.
    pub(crate) fn draw(settings: &FiringSettings, kind: Kind, duration_s: f64, seed: u64, unit: u64) -> Self {
        let mut draws = Key::new(seed, Stream::Train, unit).draws();
        let rate_hz = draw_rate(settings.rates, kind, &mut draws);
        let mut habits = Key::new(seed, Stream::Habits, unit).draws();
        let bursts = kind == Kind::Excitatory && habits.uniform() < settings.burst_share;
        let [low, high] = settings.burst_probability;
        let probability = habits.between(low, high);
        Self {
            rate_hz,
            refractory_s: match kind {
                Kind::Inhibitory => settings.refractory_fs_ms,
                Kind::Excitatory | Kind::Other => settings.refractory_ms,
            } / 1000.0,
            burst_probability: if bursts { probability } else { 0.0 },
            coupling: settings.modulation_sd * habits.normal(),
            habits: Habits::draw(&settings.presence, duration_s, &mut habits),
        }
    }

    /// Samples (with fractions of 1/16) of the unit's spikes within the recording, ascending.
    pub(crate) fn train(
        &self,
        settings: &FiringSettings,
        recording: Recorded,
        modulation: &Modulation,
        seed: u64,
        unit: u64,
    ) -> Vec<f64> {
        // The rate was drawn from the same stream; its numbers come first.
        let mut draws = Key::new(seed, Stream::Train, unit).draws();
        let _ = draw_rate(settings.rates, Kind::Other, &mut draws);
        if settings.model == FiringModel::Emouse {
            let mut train = emouse_train(self.rate_hz, recording, &mut draws);
            self.habits.keep(&mut train, recording.sample_rate, &mut draws);
            return train;
        }
        let intervals = Intervals {
            model: settings.model,
            rate_hz: self.rate_hz,
            // One sample more, so that the period also holds between quantised times.
            refractory_s: self.refractory_s + 1.0 / recording.sample_rate,
            burst_probability: self.burst_probability,
            burst_mean: settings.burst_mean,
            burst_interval_s: settings.burst_interval_ms / 1000.0,
        };
        let mut times_s = intervals.train(
            modulation.operational_s(self.coupling, recording.duration_s()),
            &mut draws,
        );
        if modulation.acts_on(self.coupling) {
            modulation.warp(self.coupling, &mut times_s);
            drop_close(&mut times_s, intervals.refractory_s);
        }
        let steps = if settings.jitter { PHASES as f64 } else { 1.0 };
        let mut train: Vec<f64> = times_s
            .into_iter()
            .map(|t| (t * recording.sample_rate * steps).round() / steps)
            .filter(|&s| s < recording.n_samples as f64)
            .collect();
        self.habits.keep(&mut train, recording.sample_rate, &mut draws);
        train
    }
}

/// Length and rate of the recording.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    pub(crate) n_samples: u64,
    pub(crate) sample_rate: f64,
}

impl Recorded {
    pub(crate) fn duration_s(self) -> f64 {
        self.n_samples as f64 / self.sample_rate
    }
}

/// Two uniform draws whatever the distribution, so that the train that follows does not depend on it.
fn draw_rate(rates: Rates, kind: Kind, draws: &mut Draws) -> f64 {
    let normal = {
        let mut two = draws.clone();
        two.normal()
    };
    let uniform = draws.uniform();
    let _ = draws.uniform();
    match rates {
        Rates::Uniform { low_hz, high_hz } => low_hz + (high_hz - low_hz) * uniform,
        Rates::LogNormal { median_hz, log_sd } => {
            (median_hz * libm::exp(log_sd * normal)).clamp(RATE_HZ[0], RATE_HZ[1])
        }
        Rates::ExcitatoryInhibitory => match kind {
            Kind::Inhibitory => (15.0 + 3.0 * normal).clamp(0.5, RATE_HZ[1]),
            Kind::Excitatory | Kind::Other => (5.0 + normal).clamp(0.5, RATE_HZ[1]),
        },
    }
}

/// Takes out times that follow the one kept before them too closely.
fn drop_close(times: &mut Vec<f64>, least: f64) {
    let mut last = f64::NEG_INFINITY;
    times.retain(|&t| {
        let keep = t - last >= least;
        if keep {
            last = t;
        }
        keep
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const RECORDED: Recorded = Recorded {
        n_samples: 30_000 * 600,
        sample_rate: 30_000.0,
    };

    fn firing(rate_hz: f64) -> Firing {
        Firing {
            rate_hz,
            refractory_s: 0.002,
            burst_probability: 0.0,
            coupling: 0.0,
            habits: Habits::always(600.0),
        }
    }

    #[test]
    fn poisson_trains_have_the_rate_the_dead_time_and_exponential_intervals() {
        let settings = FiringSettings::default();
        let still = Modulation::none();
        for unit in 0..4 {
            let train = firing(20.0).train(&settings, RECORDED, &still, 7, unit);
            // Standard deviation of the count: sqrt(n) times the coefficient of variation (0.96).
            assert!((train.len() as f64 - 12_000.0).abs() < 3.0 * 105.0, "{}", train.len());
            let mut rest: Vec<f64> = train.windows(2).map(|w| (w[1] - w[0]) / 30_000.0 - 0.002).collect();
            assert!(rest.iter().all(|&r| r >= 0.0));
            rest.sort_by(f64::total_cmp);
            let (n, mean) = (rest.len() as f64, rest.iter().sum::<f64>() / rest.len() as f64);
            let distance = rest
                .iter()
                .enumerate()
                .map(|(i, r)| (1.0 - libm::exp(-r / mean) - i as f64 / n).abs())
                .fold(0.0, f64::max);
            // Kolmogorov-Smirnov: P(distance > 1.95 / sqrt(n)) = 0.001.
            assert!(distance < 1.95 / n.sqrt(), "unit {unit}: {distance}");
            assert!(train.iter().all(|s| (s * 16.0).fract() == 0.0));
            assert!(train.iter().any(|s| s.fract() != 0.0));
        }
    }

    #[test]
    fn modulated_trains_keep_rate_and_dead_time_and_vary_together() {
        let settings = FiringSettings {
            modulation_sd: 0.5,
            modulation_s: 5.0,
            ..FiringSettings::default()
        };
        let modulation = Modulation::draw(&settings, 600.0, 3);
        let unit = |u| {
            let mut f = firing(20.0);
            f.coupling = 0.7;
            f.train(&settings, RECORDED, &modulation, 7, u)
        };
        let counts = |train: &[f64]| -> Vec<f64> {
            let mut bins = vec![0.0; 600];
            for s in train {
                bins[(s / 30_000.0) as usize] += 1.0;
            }
            bins
        };
        let (a, b) = (unit(0), unit(1));
        assert!(a.windows(2).all(|w| w[1] - w[0] >= 60.0));
        let (x, y) = (counts(&a), counts(&b));
        let mean = |v: &[f64]| v.iter().sum::<f64>() / 600.0;
        let cov = |v: &[f64], w: &[f64]| -> f64 {
            v.iter().zip(w).map(|(p, q)| (p - mean(v)) * (q - mean(w))).sum::<f64>() / 600.0
        };
        let r = cov(&x, &y) / (cov(&x, &x) * cov(&y, &y)).sqrt();
        assert!(r > 0.5, "correlation of counts {r}");
        assert!((mean(&x) - 20.0).abs() < 5.0);
    }

    #[test]
    fn rates_follow_their_distribution() {
        let settings = FiringSettings::default();
        let mut rates: Vec<f64> = (0..2000)
            .map(|u| Firing::draw(&settings, Kind::Excitatory, 60.0, 1, u).rate_hz)
            .collect();
        rates.sort_by(f64::total_cmp);
        assert!((rates[1000] - 3.0).abs() < 0.25, "median {}", rates[1000]);
        let spread = libm::log(rates[1682] / rates[1000]);
        assert!((spread - 1.0).abs() < 0.12, "{spread}");
        let bursting =
            (0..2000).filter(|&u| Firing::draw(&settings, Kind::Excitatory, 60.0, 1, u).burst_probability > 0.0);
        assert!((bursting.count() as f64 / 2000.0 - 0.4).abs() < 0.04);
    }

    #[test]
    fn changing_the_modulation_leaves_the_draws_of_other_units_alone() {
        let a = FiringSettings::default();
        let mut b = a.clone();
        b.rates = Rates::Uniform {
            low_hz: 20.0,
            high_hz: 20.0,
        };
        let still = Modulation::none();
        assert_eq!(
            firing(20.0).train(&a, RECORDED, &still, 7, 1),
            firing(20.0).train(&b, RECORDED, &still, 7, 1)
        );
    }
}
