//! What a unit is worth: expected false and missed spikes, refractoriness, label (docs/algorithm.md 11).

use ferrosort_core::UnitLabel;

use super::matching::Matched;
use super::units::Unit;

/// Units with an expected accuracy below this are labelled noise.
pub(super) const LEAST_ACCURACY: f64 = 0.55;
/// Units of which fewer spikes are larger than the template are labelled noise, unless their expected accuracy is at least `SURE_ACCURACY`:
/// so large templates have no tail of noise.
const LEAST_UPPER_SHARE: f64 = 0.45;
const SURE_ACCURACY: f64 = 0.9;
/// Largest contamination of a good unit.
pub(super) const GOOD_CONTAMINATION: f64 = 0.1;
/// Least expected accuracy of a good unit.
pub(super) const GOOD_ACCURACY: f64 = 0.8;
/// Intervals shorter than this are violations, ms; duplicates below the first are removed before.
///
/// Fast-spiking neurons fire again after 1 ms.
const VIOLATION_MS: [f64; 2] = [0.9, 1.4];

/// Expected quality of one unit.
#[derive(Debug, Clone, Copy)]
pub struct Quality {
    /// Verdict.
    pub label: UnitLabel,
    /// Share of foreign spikes from refractory violations.
    pub contamination: f64,
    /// Expected true / (true + false + missed).
    pub accuracy: f64,
    /// Share of the spikes that are larger than the template: about a half for a neuron, more where small ones are missed, less for the tail of
    /// noise and of other units above the threshold.
    pub upper_share: f64,
}

/// Spikes of one unit, in order of time.
#[derive(Debug, Clone, Default)]
pub struct Train {
    /// Samples.
    pub times: Vec<i64>,
    /// Log odds.
    pub log_odds: Vec<f32>,
    /// Factors of the template.
    pub amplitudes: Vec<f32>,
}

impl Train {
    /// Adds a later spike.
    pub fn push(&mut self, time: i64, amplitude: f32, log_odds: f32) {
        self.times.push(time);
        self.amplitudes.push(amplitude);
        self.log_odds.push(log_odds);
    }
}

/// Judges a unit by its spikes.
pub fn judge(unit: &Unit, train: &Train, sample_rate: f64, duration_s: f64) -> Quality {
    let Train { times, log_odds, .. } = train;
    let n = times.len();
    if n < 2 {
        return Quality {
            label: UnitLabel::Noise,
            contamination: 1.0,
            accuracy: 0.0,
            upper_share: 0.0,
        };
    }
    let precision = log_odds
        .iter()
        .map(|&l| 1.0 / (1.0 + (-f64::from(l)).exp()))
        .sum::<f64>()
        / n as f64;
    let recall = expected_recall(
        f64::from(unit.norm()),
        unit.amplitude_sd,
        n as f64 / duration_s,
        sample_rate,
    );
    let upper_share = train.amplitudes.iter().filter(|a| **a > 1.0).count() as f64 / n as f64;
    let contamination = contamination(times, sample_rate, duration_s);
    let precision = precision * (1.0 - 0.5 * contamination.min(1.0));
    let accuracy = 1.0 / (1.0 / precision.max(1e-9) + 1.0 / recall.max(1e-9) - 1.0);
    let is_tail = accuracy < SURE_ACCURACY && upper_share < LEAST_UPPER_SHARE;
    let label = if accuracy < LEAST_ACCURACY || is_tail {
        UnitLabel::Noise
    } else if contamination <= GOOD_CONTAMINATION && accuracy >= GOOD_ACCURACY {
        UnitLabel::Good
    } else {
        UnitLabel::Mua
    };
    Quality {
        label,
        contamination,
        accuracy,
        upper_share,
    }
}

/// Share of spikes of a template of norm `d` whose log odds are above the threshold.
fn expected_recall(d: f64, amplitude_sd: f64, rate_hz: f64, sample_rate: f64) -> f64 {
    let energy = d * d;
    let variance = amplitude_sd * amplitude_sd;
    let wide = 1.0 + variance * energy;
    let constant = (rate_hz.max(0.05) / sample_rate).ln() - 0.5 * wide.ln();
    let needed = 2.0 * wide * (super::pursuit::THRESHOLD - constant) + energy;
    let least = ((1.0 + variance * needed).max(0.0).sqrt() - 1.0) / variance;
    let spread = (energy * wide).sqrt().max(1e-9);
    0.5 * libm::erfc((least - energy) / spread / std::f64::consts::SQRT_2)
}

/// Estimated share of foreign spikes from intervals within the refractory period (Llobet et al. 2022, one contaminating train).
fn contamination(times: &[i64], sample_rate: f64, duration_s: f64) -> f64 {
    let limits = VIOLATION_MS.map(|ms| (ms * sample_rate / 1000.0) as i64);
    let violations = times
        .windows(2)
        .filter(|w| (limits[0]..limits[1]).contains(&(w[1] - w[0])))
        .count() as f64;
    let n = times.len() as f64;
    let expected = n * n * (VIOLATION_MS[1] - VIOLATION_MS[0]) / 1000.0 / duration_s.max(1e-9);
    // v = expected * (1 - (1 - c)^2)
    // Only what is more than chance: a few violations of a unit with few spikes say nothing.
    let sure = (violations - 2.0 * violations.sqrt()).max(0.0);
    let share = (sure / expected.max(1e-9)).min(1.0);
    1.0 - (1.0 - share).sqrt()
}

/// The spikes of each unit.
pub fn by_unit(spikes: &Matched, units: usize) -> Vec<Train> {
    let mut out = vec![Train::default(); units];
    for i in 0..spikes.times.len() {
        out[spikes.units[i] as usize].push(spikes.times[i], spikes.amplitudes[i], spikes.log_odds[i]);
    }
    out
}
