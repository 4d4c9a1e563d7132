//! How large each spike of a unit is.

use crate::firing::Habits;
use crate::random::{Draws, Key, Stream};
use crate::settings::{AmplitudeSettings, Recovery, Variation};

/// Factor of a spike, and how much of its size the unit had recovered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Size {
    /// Factor on the waveform, everything included.
    pub(crate) amplitude: f32,
    /// Factor of recovery, which also widens the waveform.
    pub(crate) recovered: f32,
}

/// Smallest factor of the normal variation.
const LEAST: f64 = 0.1;
/// Time between two points of the slow walk, s.
const WALK_STEP_S: f64 = 10.0;

/// Sizes of the spikes of one unit.
pub(crate) fn sizes(
    settings: &AmplitudeSettings,
    recovers: bool,
    habits: &Habits,
    train_s: &[f64],
    duration_s: f64,
    key: (u64, u64),
) -> Vec<Size> {
    let mut draws = Key::new(key.0, Stream::Amplitude, key.1).draws();
    let walk = slow_walk(settings.walk_sd_10min, duration_s, &mut draws);
    let recovery = (recovers && settings.recovery.loss > 0.0).then_some(&settings.recovery);
    let mut state = 1.0;
    let mut last = f64::NEG_INFINITY;
    train_s
        .iter()
        .map(|&t| {
            if let Some(r) = recovery {
                state = if last.is_finite() {
                    recover(r, state, t - last)
                } else {
                    1.0
                };
            }
            last = t;
            let slow = walk.get((t / WALK_STEP_S) as usize).copied().unwrap_or(1.0);
            let factor = vary(settings.variation, &mut draws) * state * slow * habits.ramp(t, duration_s);
            Size {
                amplitude: factor as f32,
                recovered: state as f32,
            }
        })
        .collect()
}

/// Recovery over an interval: m = 1 - (1 - m_before (1 - loss)) exp(-I / tau), not below the floor.
fn recover(r: &Recovery, before: f64, interval_s: f64) -> f64 {
    (1.0 - (1.0 - before * (1.0 - r.loss)) * libm::exp(-interval_s / r.tau_s)).max(r.floor)
}

fn vary(variation: Variation, draws: &mut Draws) -> f64 {
    match variation {
        Variation::Gamma { sd } if sd > 0.0 => draws.gamma(1.0 / (sd * sd)),
        Variation::None | Variation::Gamma { .. } => 1.0,
        Variation::Normal { sd } => (1.0 + sd * draws.normal()).max(LEAST),
    }
}

/// A random walk from 1 with this standard deviation after 10 minutes; empty when there is none.
fn slow_walk(sd_10min: f64, duration_s: f64, draws: &mut Draws) -> Vec<f64> {
    if sd_10min == 0.0 {
        return Vec::new();
    }
    let step = sd_10min * (WALK_STEP_S / 600.0).sqrt();
    let mut value = 1.0;
    (0..=(duration_s / WALK_STEP_S) as usize)
        .map(|_| {
            let here: f64 = value;
            value = (value + step * draws.normal()).max(LEAST);
            here
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_bursts_converge_to_the_fixed_point() {
        let r = Recovery::default();
        let mut m = 1.0;
        for _ in 0..200 {
            m = recover(&Recovery { floor: 0.0, ..r }, m, 0.005);
        }
        let e = libm::exp(-5.0 / 60.0);
        assert!((m - (1.0 - e) / (1.0 - 0.88 * e)).abs() < 1e-9);
        assert!((m - 0.42).abs() < 0.01, "{m}");
        assert_eq!(recover(&Recovery { floor: 0.5, ..r }, 0.5, 0.005), 0.5);
    }

    #[test]
    fn gamma_factors_have_mean_one_and_the_wanted_spread() {
        let settings = AmplitudeSettings {
            variation: Variation::Gamma { sd: 0.1 },
            ..AmplitudeSettings::default()
        };
        let times: Vec<f64> = (0..50_000).map(f64::from).collect();
        let s = sizes(&settings, false, &Habits::always(1e6), &times, 1e6, (101, 0));
        let mean = s.iter().map(|v| v.amplitude as f64).sum::<f64>() / 5e4;
        let sd = (s.iter().map(|v| (v.amplitude as f64 - mean).powi(2)).sum::<f64>() / 5e4).sqrt();
        assert!((mean - 1.0).abs() < 0.002 && (sd - 0.1).abs() < 0.002, "{mean} {sd}");
        assert!(s.iter().all(|v| v.recovered == 1.0));
        let recovering = sizes(
            &settings,
            true,
            &Habits::always(1e6),
            &[0.0, 0.004, 10.0],
            1e6,
            (101, 0),
        );
        assert!(recovering[1].recovered < 0.95 && recovering[2].recovered > 0.999);
    }

    #[test]
    fn the_slow_walk_has_its_spread_after_ten_minutes() {
        let ends: Vec<f64> = (0..400)
            .map(|i| slow_walk(0.05, 600.0, &mut Key::new(i, Stream::Amplitude, 0).draws())[60])
            .collect();
        let sd = (ends.iter().map(|e| (e - 1.0).powi(2)).sum::<f64>() / 400.0).sqrt();
        assert!((sd - 0.05).abs() < 0.008, "{sd}");
    }
}
