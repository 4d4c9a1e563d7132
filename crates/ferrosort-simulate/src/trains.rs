//! When units fire.

use crate::random::Draws;

/// One unit's way of firing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Firing {
    /// Mean rate, Hz.
    pub(crate) rate_hz: f64,
    /// Shortest interval, s.
    pub(crate) refractory_s: f64,
    /// Shape of the gamma distribution of the intervals beyond the refractory period: 1 = Poisson, below = bursty.
    pub(crate) regularity: f64,
}

impl Firing {
    /// Spike times in `[0, duration_s)`, s: a renewal process, interval = refractory period + gamma.
    pub(crate) fn train(&self, duration_s: f64, draws: &mut Draws) -> Vec<f64> {
        let mean = 1.0 / self.rate_hz - self.refractory_s;
        let mut times = Vec::with_capacity((duration_s * self.rate_hz * 1.2) as usize + 8);
        // The recording begins somewhere inside an interval.
        let mut t = draws.uniform() * (self.refractory_s + mean * draws.gamma(self.regularity));
        while t < duration_s {
            times.push(t);
            t += self.refractory_s + mean * draws.gamma(self.regularity);
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Stream};

    #[test]
    fn trains_keep_the_refractory_period_and_the_rate() {
        for (index, regularity) in [0.6, 1.0, 2.0].into_iter().enumerate() {
            let firing = Firing {
                rate_hz: 20.0,
                refractory_s: 0.002,
                regularity,
            };
            let times = firing.train(500.0, &mut Key::new(1, Stream::Train, index as u64).draws());
            assert!((times.len() as f64 - 10_000.0).abs() < 450.0, "{} spikes", times.len());
            assert!(times.windows(2).all(|w| w[1] - w[0] >= 0.002));
            assert!(times.iter().all(|t| (0.0..500.0).contains(t)));
        }
    }
}
