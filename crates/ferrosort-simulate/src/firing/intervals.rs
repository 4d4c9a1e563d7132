//! Intervals between the spikes of one unit.

use super::Recorded;
use crate::random::Draws;
use crate::settings::FiringModel;

/// Rate at which the eMouse simulators draw intervals, Hz.
const EMOUSE_RATE: f64 = 30_000.0;
/// Intervals of fewer samples are left out there: 2 ms.
const EMOUSE_DEAD_TIME: u64 = 60;
/// Sample of the window on which the template's centre falls there; the train gives the window's first sample.
pub(crate) const EMOUSE_ALIGNMENT: f64 = 40.0;

/// Intervals of a renewal process, with bursts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intervals {
    pub(super) model: FiringModel,
    /// Mean rate of all spikes, Hz.
    pub(super) rate_hz: f64,
    pub(super) refractory_s: f64,
    pub(super) burst_probability: f64,
    pub(super) burst_mean: f64,
    pub(super) burst_interval_s: f64,
}

/// Spread of the logarithm of intervals within bursts.
const BURST_LOG_SD: f64 = 0.3;
/// Most spikes in a burst.
const LONGEST_BURST: u64 = 10;
/// Mean interval beyond the refractory period when rate and refractory period leave none, s.
const LEAST_MEAN_S: f64 = 1e-4;

impl Intervals {
    /// Spike times in `[0, duration_s)`, s.
    ///
    /// Between events there is the refractory period plus a random time from the last spike of the event before. Its
    /// mean is chosen so that all spikes together have the mean rate.
    pub(super) fn train(&self, duration_s: f64, draws: &mut Draws) -> Vec<f64> {
        let p = self.burst_probability;
        // Spikes of a burst beyond the first: 1 + a geometric number, cut off.
        let success = 1.0 / (self.burst_mean - 1.0).max(1.0);
        let cut = LONGEST_BURST - 2;
        let tail = libm::pow(1.0 - success, cut as f64);
        let followers = 1.0 + (1.0 - success) / success * (1.0 - tail);
        let within = self.burst_interval_s * libm::exp(0.5 * BURST_LOG_SD * BURST_LOG_SD);
        let gap = (1.0 + p * followers) / self.rate_hz - p * followers * within.max(self.refractory_s);
        let mean = (gap - self.refractory_s).max(LEAST_MEAN_S);
        let mut times = Vec::with_capacity((duration_s * self.rate_hz * 1.2) as usize + 8);
        // The recording begins somewhere inside an interval.
        let mut t = draws.uniform() * (self.refractory_s + mean * self.beyond(draws));
        while t < duration_s {
            times.push(t);
            if p > 0.0 && draws.uniform() < p {
                let n = 1 + draws.geometric(success).min(cut);
                for _ in 0..n {
                    t += draws
                        .log_normal(self.burst_interval_s, BURST_LOG_SD)
                        .max(self.refractory_s);
                    if t < duration_s {
                        times.push(t);
                    }
                }
            }
            t += self.refractory_s + mean * self.beyond(draws);
        }
        times
    }

    /// Time beyond the refractory period, mean 1.
    fn beyond(&self, draws: &mut Draws) -> f64 {
        match self.model {
            FiringModel::Emouse | FiringModel::Poisson => draws.exponential(),
            FiringModel::Gamma { shape } => draws.gamma(shape),
            FiringModel::LogNormal { log_sd } => draws.log_normal(libm::exp(-0.5 * log_sd * log_sd), log_sd),
        }
    }
}

/// The eMouse simulators' train: geometric intervals in samples of 1/30000 s, those below 60 left out. The result is
/// the sample of the template's centre; the window begins [`EMOUSE_ALIGNMENT`] samples earlier.
pub(crate) fn emouse_train(rate_hz: f64, recording: Recorded, draws: &mut Draws) -> Vec<f64> {
    let n = (2.0 * rate_hz * recording.duration_s()).ceil() as u64;
    let scale = recording.sample_rate / EMOUSE_RATE;
    let mut start = 0u64;
    let mut train = Vec::with_capacity(n as usize / 2);
    for _ in 0..n {
        let interval = draws.geometric(rate_hz / EMOUSE_RATE);
        if interval < EMOUSE_DEAD_TIME {
            continue;
        }
        start += interval;
        let sample = (start as f64 * scale).round();
        if sample >= recording.n_samples as f64 {
            break;
        }
        train.push(sample + EMOUSE_ALIGNMENT);
    }
    train
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Stream};

    fn intervals(model: FiringModel) -> Intervals {
        Intervals {
            model,
            rate_hz: 20.0,
            refractory_s: 0.002,
            burst_probability: 0.0,
            burst_mean: 3.0,
            burst_interval_s: 0.004,
        }
    }

    #[test]
    fn every_model_has_the_rate_and_the_refractory_period() {
        let models = [
            FiringModel::Poisson,
            FiringModel::Gamma { shape: 2.0 },
            FiringModel::Gamma { shape: 0.6 },
            FiringModel::LogNormal { log_sd: 0.8 },
        ];
        for (i, model) in models.into_iter().enumerate() {
            let times = intervals(model).train(1000.0, &mut Key::new(2, Stream::Train, i as u64).draws());
            assert!(
                (times.len() as f64 - 20_000.0).abs() < 700.0,
                "{model:?}: {}",
                times.len()
            );
            assert!(times.windows(2).all(|w| w[1] - w[0] >= 0.002 - 1e-12));
        }
    }

    #[test]
    fn bursts_leave_the_mean_rate_and_make_short_intervals() {
        let bursting = Intervals {
            burst_probability: 0.5,
            rate_hz: 10.0,
            ..intervals(FiringModel::Poisson)
        };
        let times = bursting.train(4000.0, &mut Key::new(2, Stream::Train, 0).draws());
        assert!((times.len() as f64 / 40_000.0 - 1.0).abs() < 0.03, "{}", times.len());
        let short = times.windows(2).filter(|w| w[1] - w[0] < 0.01).count() as f64 / times.len() as f64;
        // Half of the events are bursts with two more spikes on average: half of all intervals lie within bursts.
        assert!((short - 0.5).abs() < 0.06, "{short}");
        assert!(times.windows(2).all(|w| w[1] - w[0] >= 0.002 - 1e-12));
    }

    #[test]
    fn emouse_trains_have_a_dead_time_of_sixty_samples_and_a_lower_rate() {
        let recording = Recorded {
            n_samples: 30_000 * 1000,
            sample_rate: 30_000.0,
        };
        let mut found = 0.0;
        let mut expected = 0.0;
        for unit in 0..40 {
            let rate = 1.0 + 9.0 * unit as f64 / 39.0;
            let train = emouse_train(rate, recording, &mut Key::new(101, Stream::Train, unit).draws());
            found += train.len() as f64;
            expected += 1000.0 * rate / (1.0 + 0.002 * rate);
            let shortest = train.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
            assert!(shortest >= 60.0, "{shortest}");
            assert!(train[0] >= 100.0, "the first interval is not below 60 either");
        }
        assert!((found / expected - 1.0).abs() < 0.01, "{}", found / expected);
    }
}
