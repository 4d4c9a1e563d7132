//! Displacement of the tissue along the probe.

use crate::random::{Key, Stream};

/// Rigid displacement of all units over time: positive = towards larger y. Linear between its points.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Seconds between points; the first is at 0 s.
    pub step_s: f64,
    /// Displacement at each point, µm.
    pub displacement_um: Vec<f64>,
}

/// Standard deviation of the Gaussian that smooths the random walk, s.
const SMOOTHING_S: f64 = 1.0;

impl Drift {
    /// A random walk in steps of 0.1 s, smoothed over 1 s, scaled so that it just reaches minus and plus `range_um`.
    pub(crate) fn rigid(duration_s: f64, range_um: f64, seed: u64) -> Self {
        let step_s = 0.1;
        let n = (duration_s / step_s).ceil() as usize + 1;
        if range_um == 0.0 {
            let displacement_um = vec![0.0; n];
            return Self {
                step_s,
                displacement_um,
            };
        }
        let mut draws = Key::new(seed, Stream::Drift, 0).draws();
        let reach = (4.0 * SMOOTHING_S / step_s) as usize;
        let mut place = 0.0;
        let walk: Vec<f64> = (0..n + 2 * reach)
            .map(|_| {
                place += draws.normal();
                place
            })
            .collect();
        let kernel: Vec<f64> = (0..=2 * reach)
            .map(|k| libm::exp(-0.5 * ((k as f64 - reach as f64) * step_s / SMOOTHING_S).powi(2)))
            .collect();
        let smooth: Vec<f64> = walk
            .windows(kernel.len())
            .map(|w| w.iter().zip(&kernel).map(|(a, b)| a * b).sum())
            .collect();
        let low = smooth.iter().copied().fold(f64::INFINITY, f64::min);
        let high = smooth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let displacement_um = smooth
            .iter()
            .map(|v| range_um * (2.0 * (v - low) / (high - low) - 1.0))
            .collect();
        Self {
            step_s,
            displacement_um,
        }
    }

    /// Displacement at `time_s`, µm; the ends are held.
    pub fn at(&self, time_s: f64) -> f64 {
        let last = self.displacement_um.len() - 1;
        let place = (time_s / self.step_s).clamp(0.0, last as f64);
        let i = (place as usize).min(last.saturating_sub(1));
        let next = self.displacement_um[(i + 1).min(last)];
        self.displacement_um[i] + (next - self.displacement_um[i]) * (place - i as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_reaches_both_ends_smoothly() {
        let d = Drift::rigid(100.0, 30.0, 5);
        assert_eq!(d.displacement_um.len(), 1001);
        let high = d.displacement_um.iter().copied().fold(f64::MIN, f64::max);
        let low = d.displacement_um.iter().copied().fold(f64::MAX, f64::min);
        assert!((high - 30.0).abs() < 1e-9 && (low + 30.0).abs() < 1e-9);
        let jump = d
            .displacement_um
            .windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0, f64::max);
        assert!(jump < 3.0, "{jump} µm in 0.1 s");
        assert!(Drift::rigid(100.0, 0.0, 5).displacement_um.iter().all(|&v| v == 0.0));
    }

    #[test]
    fn between_points_the_displacement_is_linear() {
        let d = Drift {
            step_s: 0.1,
            displacement_um: vec![0.0, 1.0, 3.0],
        };
        let close = |t: f64, v: f64| assert!((d.at(t) - v).abs() < 1e-12, "at {t}: {}", d.at(t));
        close(-1.0, 0.0);
        close(0.05, 0.5);
        close(0.15, 2.0);
        close(9.0, 3.0);
    }
}
