//! The shape of a mean waveform.

use ndarray::Array2;

/// Mean waveform of a unit near its main channel, and the noise there.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitTemplate {
    /// `[channels, samples]`, µV or counts.
    pub waveform: Array2<f32>,
    /// Position of each of these channels: across and along the probe, µm.
    pub positions_um: Vec<[f64; 2]>,
    /// Row of the main channel: the one with the largest absolute value.
    pub main: usize,
    /// Noise of the main channel by its median absolute deviation, in the unit of the waveform.
    pub noise_mad: f64,
    /// Standard deviation of the whole signal of the main channel.
    pub noise_sd: f64,
}

/// Shape of a mean waveform. NaN where a quantity does not exist.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TemplateShape {
    /// From the trough to the largest value after it, ms.
    pub trough_to_peak_ms: f64,
    /// Width at half the depth of the trough, ms.
    pub half_width_ms: f64,
    /// Largest value after the trough over the depth of the trough.
    pub peak_trough_ratio: f64,
    /// Extent along the probe of the channels with more than 12 % of the largest peak to peak, µm.
    pub spread_um: f64,
    /// Slope of the time of the trough along the probe over those channels, inverted: µm/ms, positive upwards.
    pub velocity_um_per_ms: f64,
}

/// Share of the largest peak to peak from which a channel belongs to the unit.
const LEAST_SHARE: f64 = 0.12;

impl UnitTemplate {
    /// Mean waveform on the main channel.
    pub fn main_waveform(&self) -> Vec<f32> {
        self.waveform.row(self.main).to_vec()
    }

    /// Largest absolute value of the main channel over its noise level; NaN without noise.
    pub fn snr(&self) -> f64 {
        let largest = self.waveform.row(self.main).iter().fold(0.0f32, |m, v| m.max(v.abs()));
        if self.noise_mad > 0.0 {
            f64::from(largest) / self.noise_mad
        } else {
            f64::NAN
        }
    }

    /// Measures the shape; `sample_rate` in Hz.
    pub fn shape(&self, sample_rate: f64) -> TemplateShape {
        let to_ms = 1000.0 / sample_rate;
        let wave = self.main_waveform();
        let trough = position_of_least(&wave);
        let depth = -f64::from(wave.get(trough).copied().unwrap_or(f32::NAN));
        let after = wave.get(trough + 1..).unwrap_or_default();
        let (peak, height) = after
            .iter()
            .enumerate()
            .fold((0, f64::NEG_INFINITY), |(at, best), (k, &v)| {
                if f64::from(v) > best {
                    (k + 1, f64::from(v))
                } else {
                    (at, best)
                }
            });
        let has_trough = depth > 0.0;
        let existing = |value: f64| {
            if has_trough && !after.is_empty() {
                value
            } else {
                f64::NAN
            }
        };
        let (spread_um, velocity_um_per_ms) = self.extent_and_velocity(to_ms);
        TemplateShape {
            trough_to_peak_ms: existing(peak as f64 * to_ms),
            half_width_ms: half_width(&wave, trough) * to_ms,
            peak_trough_ratio: existing(height / depth),
            spread_um,
            velocity_um_per_ms,
        }
    }

    fn extent_and_velocity(&self, to_ms: f64) -> (f64, f64) {
        let ptps: Vec<f64> = self.waveform.rows().into_iter().map(|r| ptp(r.iter())).collect();
        let largest = ptps.iter().copied().fold(0.0, f64::max);
        let points: Vec<(f64, f64)> = self
            .waveform
            .rows()
            .into_iter()
            .zip(&self.positions_um)
            .zip(&ptps)
            .filter(|&(_, &p)| p > LEAST_SHARE * largest)
            .map(|((row, position), _)| {
                let trough = position_of_least(&row.to_vec());
                (position[1], trough as f64 * to_ms)
            })
            .collect();
        if points.is_empty() {
            return (f64::NAN, f64::NAN);
        }
        let (low, high) = points
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.0), h.max(p.0)));
        let n = points.len() as f64;
        let (mean_y, mean_t) = points.iter().fold((0.0, 0.0), |(y, t), p| (y + p.0 / n, t + p.1 / n));
        let (mut yy, mut yt) = (0.0, 0.0);
        for (y, t) in &points {
            yy += (y - mean_y) * (y - mean_y);
            yt += (y - mean_y) * (t - mean_t);
        }
        // A slope of zero means that the spike is everywhere at once: no velocity can be told.
        (high - low, if yt == 0.0 { f64::NAN } else { yy / yt })
    }
}

/// Peak to peak.
pub(crate) fn ptp<'a>(values: impl Iterator<Item = &'a f32>) -> f64 {
    let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    if high >= low {
        f64::from(high) - f64::from(low)
    } else {
        0.0
    }
}

/// Place of the first of the smallest values.
fn position_of_least(values: &[f32]) -> usize {
    let mut least = 0;
    for (k, v) in values.iter().enumerate() {
        if *v < values[least] {
            least = k;
        }
    }
    least
}

/// Samples between the two crossings of half the trough's depth, linear between samples; NaN when a side does not cross.
fn half_width(wave: &[f32], trough: usize) -> f64 {
    let Some(half) = wave.get(trough).map(|&v| f64::from(v) / 2.0).filter(|&h| h < 0.0) else {
        return f64::NAN;
    };
    let value = |k: usize| f64::from(wave[k]);
    let right = (trough + 1..wave.len())
        .find(|&k| value(k) >= half)
        .map(|k| (k - 1) as f64 + (half - value(k - 1)) / (value(k) - value(k - 1)));
    let left = (0..trough)
        .rev()
        .find(|&k| value(k) >= half)
        .map(|k| (k + 1) as f64 - (half - value(k + 1)) / (value(k) - value(k + 1)));
    match (left, right) {
        (Some(l), Some(r)) => r - l,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn template() -> UnitTemplate {
        UnitTemplate {
            waveform: array![
                [0.0, -5.0, 0.0, 2.0, 0.0, 0.0],
                [0.0, -2.0, -10.0, 0.0, 5.0, 1.0],
                [0.0, 0.0, 0.0, -4.0, 0.0, 0.0],
                [0.1, 0.0, 0.0, 0.0, 0.0, 0.0]
            ],
            positions_um: vec![[0.0, 0.0], [0.0, 20.0], [0.0, 40.0], [0.0, 60.0]],
            main: 1,
            noise_mad: 2.0,
            noise_sd: 3.0,
        }
    }

    #[test]
    fn a_waveform_is_measured_by_hand() {
        let t = template();
        assert_eq!(t.snr(), 5.0);
        let s = t.shape(1000.0);
        assert_eq!(s.trough_to_peak_ms, 2.0);
        assert_eq!(s.peak_trough_ratio, 0.5);
        // Left: -2 to -10 crosses -5 at 1.375; right: -10 to 0 at 2.5.
        assert!((s.half_width_ms - 1.125).abs() < 1e-12);
        assert_eq!(s.spread_um, 40.0, "the fourth channel is too small");
        assert!((s.velocity_um_per_ms - 20.0).abs() < 1e-12, "20 µm a sample");
    }

    #[test]
    fn a_flat_or_positive_waveform_has_no_trough() {
        let mut t = template();
        t.waveform.fill(0.0);
        let s = t.shape(1000.0);
        assert!(s.half_width_ms.is_nan() && s.peak_trough_ratio.is_nan() && s.spread_um.is_nan());
        t.waveform = Array2::zeros((0, 0));
        t.positions_um.clear();
        t.waveform = Array2::zeros((4, 0));
        assert!(t.shape(1000.0).trough_to_peak_ms.is_nan());
    }
}
