//! White noise smoothed over time and over the channel number, as the eMouse simulators make it.
//!
//! Both kernels are Gaussians with taps -m..m, m = ceil(4 sd), of sum 1. Over channels, taps beyond the first and last
//! channel are left out and the others divided by their sum. The result is divided by its analytic standard
//! deviation, so every channel has exactly the wanted level in expectation and blocks join without a seam. (The
//! original standardises each batch of 4 s instead.) Nothing is smoothed when either sd is 0.25 or less.

use super::Source;
use crate::random::{Key, Stream};

/// Smoothed white noise.
#[derive(Debug)]
pub(super) struct Smoothed {
    keys: Vec<Key>,
    /// Scaled to unit variance.
    time_taps: Vec<f32>,
    channel_taps: Vec<f32>,
    /// What each channel is multiplied by at the end.
    scale: Vec<f32>,
}

/// Largest standard deviation that counts as no smoothing.
const NO_SMOOTHING: f64 = 0.25;

/// Taps of a Gaussian, sum 1.
fn gaussian_taps(sd: f64) -> Vec<f64> {
    let m = (4.0 * sd).ceil() as i64;
    let raw: Vec<f64> = (-m..=m)
        .map(|k| libm::exp(-((k * k) as f64) / (2.0 * sd * sd)))
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|v| v / sum).collect()
}

impl Smoothed {
    pub(super) fn new(n_channels: usize, rms_uv: f64, time_sd: f64, channel_sd: f64, seed: u64) -> Self {
        let smooth = time_sd > NO_SMOOTHING && channel_sd > NO_SMOOTHING;
        let taps = |sd: f64| if smooth { gaussian_taps(sd) } else { vec![1.0] };
        let (time, channel) = (taps(time_sd), taps(channel_sd));
        let root = |taps: &[f64]| taps.iter().map(|w| w * w).sum::<f64>().sqrt();
        let time_root = root(&time);
        let half = channel.len() / 2;
        let scale = (0..n_channels)
            .map(|c| {
                let inside: Vec<f64> = (0..channel.len())
                    .filter(|&k| (c + k).checked_sub(half).is_some_and(|other| other < n_channels))
                    .map(|k| channel[k])
                    .collect();
                // Dividing by the sum of the taps inside and by the deviation that results is one factor.
                (rms_uv / root(&inside)) as f32
            })
            .collect();
        Self {
            keys: (0..n_channels)
                .map(|c| Key::new(seed, Stream::White, c as u64))
                .collect(),
            time_taps: time.iter().map(|w| (w / time_root) as f32).collect(),
            channel_taps: channel.iter().map(|&w| w as f32).collect(),
            scale,
        }
    }
}

impl Source for Smoothed {
    fn add(&self, start: u64, n: usize, tile: &mut [f32]) {
        // Counters are samples plus half a kernel: they start at 0 for the first block.
        let mut white = vec![0f32; n + self.time_taps.len() - 1];
        let mut row = vec![0f32; n];
        let half = self.channel_taps.len() / 2;
        for (c, key) in self.keys.iter().enumerate() {
            key.fill_normals(start, &mut white);
            row.fill(0.0);
            for (k, tap) in self.time_taps.iter().enumerate() {
                for (v, e) in row.iter_mut().zip(&white[k..]) {
                    *v += tap * e;
                }
            }
            for other in c.saturating_sub(half)..(c + half + 1).min(self.keys.len()) {
                let weight = self.scale[other] * self.channel_taps[half + c - other];
                for (v, e) in tile[other * n..(other + 1) * n].iter_mut().zip(&row) {
                    *v += weight * e;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_of_half_a_sample_are_those_of_the_original() {
        let taps = gaussian_taps(0.5);
        for (found, wanted) in taps.iter().zip([0.000264, 0.106451, 0.786571, 0.106451, 0.000264]) {
            assert!((found - wanted).abs() < 5e-7, "{taps:?}");
        }
    }

    #[test]
    fn small_deviations_do_not_smooth() {
        let s = Smoothed::new(3, 10.0, 0.25, 5.0, 1);
        assert_eq!(
            (s.time_taps.as_slice(), s.channel_taps.as_slice()),
            (&[1.0f32][..], &[1.0f32][..])
        );
        assert_eq!(s.scale, [10.0; 3]);
    }
}
