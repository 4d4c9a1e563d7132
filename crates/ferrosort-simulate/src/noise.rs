//! Background noise: white noise of the electronics, noise of distant neurons, noise common to all channels.
//!
//! The distant neurons are an autoregressive process of first order in time, x_t = a x_(t-1) + sqrt(1 - a²) e_t with
//! a = exp(-2 pi f_c / f_s), whose innovations e_t have the correlation exp(-d_ij / L) between channels. They are drawn
//! channel by channel: given the earlier channels, channel i is a weighted sum of its nearest eight plus an
//! independent rest (Vecchia, J R Stat Soc B 50:297, 1988). That costs eight multiplications a value for any geometry
//! instead of a dense matrix, and departs from the wanted correlations by 0.01 to 0.03.

use ferrosort_core::Probe;

use crate::params::NoiseParams;
use crate::random::{Key, Stream};

/// Channels that predict the next one.
const NEIGHBOURS: usize = 8;
/// The memory of the autoregression at which a start from zero no longer shows in `f32`: a^n = exp(-20).
const FORGOTTEN: f64 = 20.0;
/// Band in which the noise level of a channel is stated, Hz.
const BAND_HZ: [f64; 2] = [300.0, 6000.0];

/// One channel's noise.
#[derive(Debug, Clone)]
struct ChannelNoise {
    white_uv: f32,
    hash_uv: f32,
    /// Earlier channels and their weights.
    predictors: Vec<(usize, f32)>,
    /// Standard deviation of what they do not predict.
    rest: f32,
    white_key: Key,
    hash_key: Key,
}

/// The noise of a recording, a function of channel and sample.
#[derive(Debug, Clone)]
pub(crate) struct NoiseModel {
    channels: Vec<ChannelNoise>,
    common_uv: f32,
    common_key: Key,
    memory: f32,
    /// Samples before a block from which the autoregression is started.
    lead: usize,
    level_uv: Vec<f64>,
}

impl NoiseModel {
    pub(crate) fn new(p: &NoiseParams, probe: &Probe, sample_rate: f64, seed: u64) -> Self {
        let memory = libm::exp(-std::f64::consts::TAU * p.hash_cutoff_hz / sample_rate);
        let lead = (FORGOTTEN / -libm::log(memory)).ceil() as usize;
        let [white_share, hash_share] = band_shares(sample_rate, memory);
        let mut level_uv = Vec::with_capacity(probe.len());
        let channels = (0..probe.len())
            .map(|i| {
                let level = Key::new(seed, Stream::Level, i as u64)
                    .draws()
                    .log_normal(1.0, p.level_log_sd);
                let own = level.powi(2) * (p.white_uv.powi(2) * white_share + p.hash_uv.powi(2) * hash_share);
                level_uv.push((own + p.common_uv.powi(2) * white_share).sqrt());
                let (predictors, rest) = predictors(probe, i, p.hash_length_um);
                ChannelNoise {
                    white_uv: (level * p.white_uv) as f32,
                    hash_uv: (level * p.hash_uv * (1.0 - memory * memory).sqrt()) as f32,
                    predictors,
                    rest,
                    white_key: Key::new(seed, Stream::White, i as u64),
                    hash_key: Key::new(seed, Stream::Hash, i as u64),
                }
            })
            .collect();
        Self {
            channels,
            common_uv: p.common_uv as f32,
            common_key: Key::new(seed, Stream::Common, 0),
            memory: memory as f32,
            lead,
            level_uv,
        }
    }

    /// Standard deviation of each channel's noise between 300 and 6000 Hz, µV.
    pub(crate) fn level_uv(&self) -> &[f64] {
        &self.level_uv
    }

    /// Writes the noise of samples `[start, start + n)` into `tile`, `[channels, n]`, µV.
    pub(crate) fn fill(&self, start: u64, n: usize, tile: &mut [f32]) {
        let width = self.lead + n;
        let mut innovations = vec![0f32; self.channels.len() * width];
        for (i, channel) in self.channels.iter().enumerate() {
            let (earlier, rest) = innovations.split_at_mut(i * width);
            let row = &mut rest[..width];
            // Counters are samples plus the lead: they start at 0 for the first block.
            channel.hash_key.fill_normals(start, row);
            for v in row.iter_mut() {
                *v *= channel.rest;
            }
            for &(j, weight) in &channel.predictors {
                let other = &earlier[j * width..(j + 1) * width];
                for (v, o) in row.iter_mut().zip(other) {
                    *v += weight * o;
                }
            }
        }
        let mut common = vec![0f32; n];
        self.common_key.fill_normals(start, &mut common);
        let rows = innovations.chunks_exact(width).zip(tile.chunks_exact_mut(n));
        for (channel, (hash, out)) in self.channels.iter().zip(rows) {
            channel.white_key.fill_normals(start, out);
            let step = |state: f32, e: f32| self.memory * state + e;
            let mut state = hash[..self.lead].iter().fold(0f32, |s, &e| step(s, e));
            for ((v, &e), c) in out.iter_mut().zip(&hash[self.lead..]).zip(&common) {
                state = step(state, e);
                *v = channel.white_uv * *v + channel.hash_uv * state + self.common_uv * c;
            }
        }
    }
}

/// Share of the variance of white noise and of the autoregression that lies in [`BAND_HZ`].
fn band_shares(sample_rate: f64, memory: f64) -> [f64; 2] {
    let nyquist = sample_rate / 2.0;
    let [low, high] = BAND_HZ.map(|f| f.min(nyquist) / nyquist);
    // Integral of the spectrum (1 - a²) / |1 - a exp(-iw)|² from 0 to w, over its integral to pi.
    let below = |share: f64| {
        if share >= 1.0 {
            return 1.0;
        }
        let half = share * std::f64::consts::FRAC_PI_2;
        libm::atan((1.0 + memory) / (1.0 - memory) * libm::tan(half)) / std::f64::consts::FRAC_PI_2
    };
    [high - low, below(high) - below(low)]
}

/// Wanted correlation between two contacts; shanks are independent of each other.
fn correlation(probe: &Probe, i: usize, j: usize, length_um: f64) -> f64 {
    let (a, b) = (&probe.contacts[i], &probe.contacts[j]);
    if a.shank != b.shank {
        return 0.0;
    }
    // libm rather than the platform's hypot: the same bits everywhere.
    libm::exp(-libm::hypot(a.x_um - b.x_um, a.y_um - b.y_um) / length_um)
}

/// Weights of the nearest earlier contacts in the prediction of contact `i`, and the standard deviation of the rest.
fn predictors(probe: &Probe, i: usize, length_um: f64) -> (Vec<(usize, f32)>, f32) {
    let mut near: Vec<(f64, usize)> = (0..i)
        .map(|j| (correlation(probe, i, j, length_um), j))
        .filter(|&(r, _)| r > 0.01)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    near.truncate(NEIGHBOURS);
    let n = near.len();
    // Augmented system: correlations among the neighbours | correlations with contact i. The matrix is positive
    // definite (an exponential covariance of distinct points), so elimination needs no pivots.
    let mut rows: Vec<Vec<f64>> = near
        .iter()
        .map(|&(r, a)| {
            let among = near.iter().map(|&(_, b)| correlation(probe, a, b, length_um));
            among.chain([r]).collect()
        })
        .collect();
    for k in 0..n {
        let pivot = rows[k].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|&(r, _)| r != k) {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
    let weights: Vec<f64> = (0..n).map(|k| rows[k][n] / rows[k][k]).collect();
    let explained: f64 = weights.iter().zip(&near).map(|(w, &(r, _))| w * r).sum();
    let pairs = near.iter().zip(&weights).map(|(&(_, j), &w)| (j, w as f32)).collect();
    (pairs, (1.0 - explained).max(0.0).sqrt() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::neuropixels1_checkerboard;

    #[test]
    fn channels_have_unit_variance_and_exponential_correlations() {
        let probe = neuropixels1_checkerboard(48);
        let c = probe.len();
        // Covariance implied by the predictors: row i = weighted earlier rows, plus the rest on the diagonal.
        let mut cov = vec![vec![0f64; c]; c];
        for i in 0..c {
            let (near, rest) = predictors(&probe, i, 65.0);
            for j in 0..i {
                cov[i][j] = near.iter().map(|&(k, w)| w as f64 * cov[k][j]).sum();
                cov[j][i] = cov[i][j];
            }
            cov[i][i] = (rest as f64).powi(2) + near.iter().map(|&(k, w)| w as f64 * cov[i][k]).sum::<f64>();
        }
        for i in 0..c {
            assert!((cov[i][i] - 1.0).abs() < 1e-5, "variance of {i}: {}", cov[i][i]);
            for j in 0..i {
                let wanted = correlation(&probe, i, j, 65.0);
                assert!((cov[i][j] - wanted).abs() < 0.03, "{i} {j}: {} for {wanted}", cov[i][j]);
            }
        }
    }

    #[test]
    fn the_level_is_that_of_the_samples() {
        // White noise only: the share of the band is (6000 - 300) / 15000 of the variance.
        let p = NoiseParams {
            white_uv: 10.0,
            hash_uv: 0.0,
            common_uv: 0.0,
            level_log_sd: 0.0,
            ..NoiseParams::default()
        };
        let model = NoiseModel::new(&p, &Probe::line(1, 20.0), 30_000.0, 1);
        assert!((model.level_uv()[0] - 10.0 * 0.38f64.sqrt()).abs() < 1e-9);
        // The autoregression has the variance asked for, and all of it lies below Nyquist.
        let p = NoiseParams {
            white_uv: 1e-3,
            hash_uv: 7.0,
            ..p
        };
        let model = NoiseModel::new(&p, &Probe::line(2, 20.0), 30_000.0, 1);
        let n = 100_000;
        let mut tile = vec![0f32; 2 * n];
        model.fill(0, n, &mut tile);
        let (a, b) = tile.split_at(n);
        let mean = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(p, q)| (p * q) as f64).sum::<f64>() / n as f64;
        assert!((mean(a, a).sqrt() - 7.0).abs() < 0.15);
        assert!((mean(a, b) / mean(a, a) - libm::exp(-20.0 / 65.0)).abs() < 0.03);
        let memory = libm::exp(-std::f64::consts::TAU * 1630.0 / 30_000.0);
        assert!((mean(&a[1..], &a[..n - 1]) / mean(a, a) - memory).abs() < 0.02);
    }

    #[test]
    fn overlapping_pieces_agree() {
        let model = NoiseModel::new(&NoiseParams::default(), &neuropixels1_checkerboard(6), 30_000.0, 3);
        let (mut whole, mut piece) = (vec![0f32; 6 * 500], vec![0f32; 6 * 100]);
        model.fill(0, 500, &mut whole);
        model.fill(300, 100, &mut piece);
        for c in 0..6 {
            for t in 0..100 {
                let (a, b) = (whole[c * 500 + 300 + t], piece[c * 100 + t]);
                assert!((a - b).abs() < 1e-4, "channel {c} sample {t}: {a} {b}");
            }
        }
    }

    #[test]
    fn shanks_with_equal_coordinates_are_independent() {
        let mut probe = Probe::line(2, 20.0);
        probe.contacts[1].y_um = 0.0;
        probe.contacts[1].shank = 1;
        assert_eq!(predictors(&probe, 1, 65.0), (vec![], 1.0));
    }
}
