//! Displacements over time: formulas, and random courses sampled every tenth of a second.

use std::f64::consts::TAU;

use super::Setting;
use crate::random::{Draws, Key, Stream};
use crate::settings::Course;

/// Courses that have a formula.
#[derive(Debug, Clone)]
pub(super) enum Analytic {
    Linear {
        um_per_s: f64,
    },
    Sine {
        amplitude_um: f64,
        period_s: f64,
    },
    Triangle {
        amplitude_um: f64,
        period_s: f64,
    },
    Relaxation {
        amplitude_um: f64,
        period_s: f64,
        decay_s: f64,
    },
    Step {
        amplitude_um: f64,
        times_s: Vec<f64>,
        remaining: f64,
        decay_s: f64,
    },
    Pulsation {
        amplitude_um: f64,
        frequency_hz: f64,
        phase: Sampled,
    },
}

/// Standard deviation of the phase of a pulsation's random walk, radians per square root of a second.
const PHASE_WALK: f64 = 0.3;

impl Analytic {
    /// The course if it has a formula.
    pub(super) fn new(course: &Course, setting: &Setting, index: u64) -> Option<Self> {
        Some(match course {
            Course::Linear { um_per_hour } => Self::Linear {
                um_per_s: um_per_hour / 3600.0,
            },
            Course::Sine { amplitude_um, period_s } => Self::Sine {
                amplitude_um: *amplitude_um,
                period_s: *period_s,
            },
            Course::Triangle { amplitude_um, period_s } => Self::Triangle {
                amplitude_um: *amplitude_um,
                period_s: *period_s,
            },
            Course::Relaxation {
                amplitude_um,
                period_s,
                decay_s,
            } => Self::Relaxation {
                amplitude_um: *amplitude_um,
                period_s: *period_s,
                decay_s: *decay_s,
            },
            Course::Step {
                amplitude_um,
                times_s,
                remaining,
                decay_s,
            } => Self::Step {
                amplitude_um: *amplitude_um,
                times_s: times_s.clone(),
                remaining: *remaining,
                decay_s: *decay_s,
            },
            Course::Pulsation {
                amplitude_um,
                frequency_hz,
            } => {
                let walk = Course::RandomWalk {
                    um_per_sqrt_s: PHASE_WALK,
                    limit_um: 1e6,
                };
                Self::Pulsation {
                    amplitude_um: *amplitude_um,
                    frequency_hz: *frequency_hz,
                    phase: Sampled::draw(&walk, setting, index, 0),
                }
            }
            _ => return None,
        })
    }

    /// µm at this time, s.
    pub(super) fn at(&self, t: f64) -> f64 {
        match self {
            Self::Linear { um_per_s } => um_per_s * t,
            Self::Sine { amplitude_um, period_s } => amplitude_um * libm::sin(TAU * t / period_s),
            Self::Triangle { amplitude_um, period_s } => {
                // Quarters of the period: up, down, down, up.
                let quarter = 4.0 * (t / period_s - (t / period_s).floor());
                let place = match quarter {
                    q if q < 1.0 => q,
                    q if q < 3.0 => 2.0 - q,
                    q => q - 4.0,
                };
                amplitude_um * place
            }
            Self::Relaxation {
                amplitude_um,
                period_s,
                decay_s,
            } => amplitude_um * libm::exp(-(t - period_s * (t / period_s).floor()) / decay_s),
            Self::Step {
                amplitude_um,
                times_s,
                remaining,
                decay_s,
            } => times_s
                .iter()
                .filter(|&&start| t >= start)
                .map(|start| amplitude_um * (remaining + (1.0 - remaining) * libm::exp(-(t - start) / decay_s)))
                .sum(),
            Self::Pulsation {
                amplitude_um,
                frequency_hz,
                phase,
            } => amplitude_um * libm::sin(TAU * frequency_hz * t + phase.at(t)),
        }
    }
}

/// A course given at equal steps, linear in between.
#[derive(Debug, Clone)]
pub(super) struct Sampled {
    pub(super) step_s: f64,
    pub(super) values_um: Vec<f64>,
    /// It jumps within a second.
    pub(super) fast: bool,
}

/// Time between two points, s.
pub(super) const STEP_S: f64 = 0.1;

impl Sampled {
    /// Draws a random course; `index` and `knot` choose the random stream.
    pub(super) fn draw(course: &Course, setting: &Setting, index: u64, knot: u64) -> Self {
        let n = (setting.duration_s / STEP_S).ceil() as usize + 2;
        let mut draws = Key::new(setting.seed, Stream::Drift, index * 4096 + knot).draws();
        let values_um = match course {
            Course::RandomWalk {
                um_per_sqrt_s,
                limit_um,
            } => {
                let sd = um_per_sqrt_s * STEP_S.sqrt();
                let mut place = 0.0;
                (0..n)
                    .map(|_| {
                        let here = place;
                        place = reflect(place + sd * draws.normal(), *limit_um);
                        here
                    })
                    .collect()
            }
            Course::SmoothNoise { range_um, smooth_s } => smooth_noise(n, smooth_s / STEP_S, *range_um, &mut draws),
            Course::Bumps {
                amplitude_um,
                interval_s,
            } => {
                let (mut side, mut until) = (0.0, draws.between(interval_s[0], interval_s[1]));
                let mut values = Vec::with_capacity(n);
                for i in 0..n {
                    if i as f64 * STEP_S >= until {
                        side = if side > 0.0 { -0.5 } else { 0.5 };
                        until += draws.between(interval_s[0], interval_s[1]);
                    }
                    values.push(amplitude_um * side);
                }
                values
            }
            Course::Jumps {
                size_um,
                interval_s,
                limit_um,
            } => {
                let (mut place, mut next) = (0.0, *interval_s);
                let mut values = Vec::with_capacity(n);
                for i in 0..n {
                    if i as f64 * STEP_S >= next {
                        let size = draws.between(size_um[0], size_um[1]);
                        let signed = if draws.uniform() < 0.5 { size } else { -size };
                        place = reflect(place + signed, *limit_um);
                        next += interval_s;
                    }
                    values.push(place);
                }
                values
            }
            // All others have formulas or tables of their own.
            _ => vec![0.0; n],
        };
        Self {
            step_s: STEP_S,
            values_um,
            fast: matches!(course, Course::Bumps { .. } | Course::Jumps { .. }),
        }
    }

    /// µm at this time, s; the ends are held.
    pub(super) fn at(&self, time_s: f64) -> f64 {
        let last = self.values_um.len() - 1;
        let place = (time_s / self.step_s).clamp(0.0, last as f64);
        let i = (place as usize).min(last.saturating_sub(1));
        let next = self.values_um[(i + 1).min(last)];
        self.values_um[i] + (next - self.values_um[i]) * (place - i as f64)
    }
}

/// Folds a value back between minus and plus the limit.
fn reflect(value: f64, limit: f64) -> f64 {
    let period = 4.0 * limit;
    let shifted = value + limit;
    let inside = shifted - period * (shifted / period).floor();
    let folded = if inside <= 2.0 * limit { inside } else { period - inside };
    folded - limit
}

/// White noise smoothed with a Gaussian of `sd` points, scaled to reach from -range/2 to +range/2.
///
/// Smoothed by three running means, whose sum of variances is that of the Gaussian: as good as the Gaussian for a
/// random course, and linear in the number of points.
pub(super) fn smooth_noise(n: usize, sd: f64, range: f64, draws: &mut Draws) -> Vec<f64> {
    // A mean over 2 r + 1 points has the variance r (r + 1) / 3.
    let radius = (0.5 * ((1.0 + 4.0 * sd * sd).sqrt() - 1.0)).round().max(0.0) as usize;
    let mut values: Vec<f64> = (0..n + 6 * radius).map(|_| draws.normal()).collect();
    for _ in 0..3 {
        values = running_mean(&values, radius);
    }
    scale_to_range(&mut values, range);
    values
}

/// Means over `2 radius + 1` points; shorter by `2 radius`.
fn running_mean(values: &[f64], radius: usize) -> Vec<f64> {
    let width = 2 * radius + 1;
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    let mut sum = 0.0;
    for v in values {
        sum += v;
        sums.push(sum);
    }
    sums.windows(width + 1)
        .map(|w| (w[width] - w[0]) / width as f64)
        .collect()
}

/// Shifts and scales values so that they reach from -range/2 to +range/2.
pub(super) fn scale_to_range(values: &mut [f64], range: f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scale = if high > low { range / (high - low) } else { 0.0 };
    for v in values {
        *v = (*v - 0.5 * (low + high)) * scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: Setting = Setting {
        duration_s: 200.0,
        span_um: [0.0, 100.0],
        seed: 5,
    };

    fn analytic(course: &Course) -> Analytic {
        Analytic::new(course, &SETTING, 0).expect("the course has a formula")
    }

    #[test]
    fn formulas_at_points_worked_by_hand() {
        let close = |course: &Course, t: f64, v: f64| {
            let found = analytic(course).at(t);
            assert!((found - v).abs() < 1e-9, "{course:?} at {t}: {found}");
        };
        let triangle = Course::Triangle {
            amplitude_um: 20.0,
            period_s: 200.0,
        };
        for (t, v) in [(0.0, 0.0), (50.0, 20.0), (75.0, 10.0), (150.0, -20.0), (200.0, 0.0)] {
            close(&triangle, t, v);
        }
        let jump = Course::Relaxation {
            amplitude_um: 10.0,
            period_s: 600.0,
            decay_s: 2.0,
        };
        close(&jump, 602.0, 10.0 * libm::exp(-1.0));
        let step = Course::Step {
            amplitude_um: 8.0,
            times_s: vec![10.0, 20.0],
            remaining: 0.5,
            decay_s: 30.0,
        };
        close(&step, 9.9, 0.0);
        close(&step, 10.0, 8.0);
        close(&step, 1e5, 8.0);
        close(&Course::Linear { um_per_hour: 36.0 }, 100.0, 1.0);
    }

    #[test]
    fn walks_and_jumps_stay_within_their_limits() {
        let walk = Course::RandomWalk {
            um_per_sqrt_s: 5.0,
            limit_um: 10.0,
        };
        let s = Sampled::draw(&walk, &SETTING, 0, 0);
        assert!(s.values_um.iter().all(|v| v.abs() <= 10.0));
        assert!(s.values_um.iter().any(|v| v.abs() > 8.0));
        let jumps = Course::Jumps {
            size_um: [5.0, 20.0],
            interval_s: 10.0,
            limit_um: 20.0,
        };
        let s = Sampled::draw(&jumps, &SETTING, 0, 0);
        let changes = s.values_um.windows(2).filter(|w| w[0] != w[1]).count();
        assert!((17..=20).contains(&changes) && s.values_um.iter().all(|v| v.abs() <= 20.0));
    }

    #[test]
    fn smooth_noise_is_as_smooth_as_asked_and_reaches_its_range() {
        let mut draws = Key::new(1, Stream::Drift, 0).draws();
        let x = smooth_noise(20_000, 10.0, 6.0, &mut draws);
        let (low, high) = (
            x.iter().copied().fold(f64::MAX, f64::min),
            x.iter().copied().fold(f64::MIN, f64::max),
        );
        assert!((low + 3.0).abs() < 1e-9 && (high - 3.0).abs() < 1e-9 && x.len() == 20_000);
        // White noise smoothed with a Gaussian of sd 10 has the autocorrelation exp(-lag² / 400).
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let product = |lag: usize| -> f64 { x.iter().zip(&x[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum() };
        let rho = product(10) / product(0);
        assert!((rho - libm::exp(-0.25)).abs() < 0.05, "{rho}");
    }

    #[test]
    fn bumps_alternate_between_two_places() {
        let bumps = Course::Bumps {
            amplitude_um: 10.0,
            interval_s: [30.0, 40.0],
        };
        let s = Sampled::draw(&bumps, &SETTING, 0, 0);
        assert_eq!(s.values_um[0], 0.0);
        assert!(s.values_um[400..].iter().all(|v| v.abs() == 5.0));
        assert!(s.values_um.contains(&5.0) && s.values_um.contains(&-5.0));
    }
}
