//! A modulation of the rates that units share.

use crate::random::{Key, Stream};
use crate::settings::FiringSettings;

/// An Ornstein-Uhlenbeck process z(t) of unit variance. A unit with the coupling g fires at its rate times
/// exp(g z - g²/2): its train is drawn in operational time, the integral of that factor, and mapped back.
#[derive(Debug, Clone)]
pub(crate) struct Modulation {
    z: Vec<f64>,
}

/// Time between two points, s.
const STEP_S: f64 = 0.01;

impl Modulation {
    /// Constant rates.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { z: Vec::new() }
    }

    /// Draws the process, if the settings want one.
    pub(crate) fn draw(settings: &FiringSettings, duration_s: f64, seed: u64) -> Self {
        if settings.modulation_sd == 0.0 {
            return Self { z: Vec::new() };
        }
        let mut draws = Key::new(seed, Stream::Modulation, 0).draws();
        let memory = libm::exp(-STEP_S / settings.modulation_s);
        let fresh = (1.0 - memory * memory).sqrt();
        let mut state = draws.normal();
        let z = (0..=(duration_s / STEP_S).ceil() as usize)
            .map(|_| {
                let here = state;
                state = memory * state + fresh * draws.normal();
                here
            })
            .collect();
        Self { z }
    }

    /// True when a unit of this coupling has a varying rate.
    pub(crate) fn acts_on(&self, coupling: f64) -> bool {
        !self.z.is_empty() && coupling != 0.0
    }

    fn factor(&self, coupling: f64, place: usize) -> f64 {
        libm::exp(coupling * self.z[place] - 0.5 * coupling * coupling)
    }

    /// Length of the recording in the unit's operational time, s.
    pub(crate) fn operational_s(&self, coupling: f64, duration_s: f64) -> f64 {
        if !self.acts_on(coupling) {
            return duration_s;
        }
        (0..self.z.len()).map(|i| self.factor(coupling, i) * STEP_S).sum()
    }

    /// Maps ascending operational times to times, s.
    pub(crate) fn warp(&self, coupling: f64, times_s: &mut [f64]) {
        let (mut place, mut passed) = (0, 0.0);
        for t in times_s {
            let mut step = self.factor(coupling, place) * STEP_S;
            while passed + step < *t && place + 1 < self.z.len() {
                passed += step;
                place += 1;
                step = self.factor(coupling, place) * STEP_S;
            }
            *t = (place as f64 + ((*t - passed) / step).min(1.0)) * STEP_S;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warped_times_have_the_density_of_the_rate() {
        // z is 1 in the first second and -1 in the second.
        let z: Vec<f64> = (0..200).map(|i| if i < 100 { 1.0 } else { -1.0 }).collect();
        let m = Modulation { z };
        let g = 0.5;
        let total = m.operational_s(g, 2.0);
        assert!((total - libm::exp(-0.125) * (libm::exp(0.5) + libm::exp(-0.5))).abs() < 1e-9);
        let mut times: Vec<f64> = (0..1000).map(|i| total * (i as f64 + 0.5) / 1000.0).collect();
        m.warp(g, &mut times);
        assert!(times.is_sorted() && times[999] < 2.0);
        let first = times.iter().filter(|&&t| t < 1.0).count() as f64 / 1000.0;
        let share = libm::exp(0.5) / (libm::exp(0.5) + libm::exp(-0.5));
        assert!((first - share).abs() < 0.002, "{first} for {share}");
    }
}
