//! Whitened signals of one recording, tile by tile (docs/algorithm.md 2).

use ferrosort_core::{Error, Recording, Result};
use ferrosort_kernels::{ChannelMajor, Rounding, SparseMatrix, dot, filter_bank, largest_magnitude, linalg, whiten};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::geometry::Geometry;
use super::memory::Memory;
use crate::preprocess::filter::{Conditioner, Offset, column_means};
use crate::preprocess::segments::Filtered;
use crate::settings::Parameters;

/// Counts of one sd inside the whitening kernel, which rounds: 0.5 % of an sd.
const SCALE: f64 = 200.0;
/// Corner of the high-pass, Hz.
pub(super) const HIGHPASS_HZ: f64 = 300.0;
/// Samples before and after a tile that the zero-phase filter needs.
const FILTER_MARGIN: usize = 320;
/// Half-length of the temporal whitening filter, ms.
const WHITENING_MS: f64 = 0.55;
/// Channels of a shank needed for a common reference.
pub(super) const FEWEST_REFERENCED: usize = 16;
/// Windows of the recording from which the noise is learnt.
const NOISE_WINDOWS: u64 = 24;
/// Values beyond this many sd are artefacts: saturation, stimulation; and what is lost around them, ms.
pub(super) const ARTEFACT_SD: f32 = 300.0;
pub(super) const ARTEFACT_MS: f64 = 10.0;
/// Channels from which the spectrum of the noise is learnt.
const SPECTRUM_CHANNELS: usize = 32;
/// Values beyond this many sd are taken for spikes, not noise.
const SPIKE_SD: f32 = 4.5;
/// Eigenvalues of a local covariance are raised by this share of its mean variance.
const RIDGE: f64 = 1e-3;

/// What is known of the noise of a recording.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Noise {
    /// Mean of each channel, counts.
    offset: Vec<f64>,
    /// `[channels, channels]`: column `j` makes whitened channel `j` from filtered ones, sd per count.
    pub whitening: Array2<f64>,
    /// Its inverse.
    pub unwhitening: Array2<f64>,
    /// Temporal whitening filter.
    taps: Vec<f32>,
}

impl Noise {
    /// Learns the noise of these columns of a recording.
    ///
    /// # Errors
    /// Those of reading, and a covariance that is not finite.
    pub fn learn(
        recording: &dyn Recording,
        columns: &[usize],
        geometry: &Geometry,
        parameters: &Parameters,
        memory: &Memory,
    ) -> Result<Self> {
        let n = columns.len();
        let rate = recording.sample_rate();
        let window = ((0.5 * rate) as u64).min(recording.n_samples());
        let windows: Vec<u64> = {
            let last = recording.n_samples() - window;
            let count = NOISE_WINDOWS.min(1 + last / window.max(1)).max(1);
            (0..count)
                .map(|i| i * last / count.max(2).saturating_sub(1).max(1))
                .map(|s| s.min(last))
                .collect()
        };
        let width = recording.n_channels();
        let read = |start: u64, samples: u64| -> Result<Vec<f32>> {
            let mut frames = vec![0.0f32; samples as usize * width];
            recording.read(start, &mut frames)?;
            Ok(frames)
        };
        let mut offset = vec![0.0; n];
        for &start in &windows {
            for (o, m) in offset
                .iter_mut()
                .zip(column_means(&read(start, window)?, width, columns))
            {
                *o += m / windows.len() as f64;
            }
        }
        let unknown = Self {
            offset,
            whitening: Array2::eye(n),
            unwhitening: Array2::eye(n),
            taps: vec![1.0],
        };
        let mut signal = Signal::new(recording, columns.to_vec(), parameters, unknown);
        let at_once = memory.at_once(memory.window(), 0)?;
        let covariance = signal.masked_covariance(&windows, window, geometry, at_once)?;
        signal.set_whitening(local_whitening(&covariance, geometry)?);
        let half = (WHITENING_MS * rate / 1000.0).round().max(1.0) as usize;
        let autocovariance = signal.autocovariance(&windows, window, half, at_once)?;
        signal.noise.taps = whitening_taps(&autocovariance);
        Ok(signal.noise)
    }
}

/// How whitened signals are made.
pub struct Signal<'a> {
    filtered: Filtered<'a>,
    conditioner: Conditioner,
    /// The noise that is whitened.
    pub noise: Noise,
    sparse: SparseMatrix,
}

impl<'a> Signal<'a> {
    /// Whitened signals of these columns of a recording.
    pub fn new(recording: &'a dyn Recording, columns: Vec<usize>, parameters: &Parameters, noise: Noise) -> Self {
        let mut parameters = parameters.clone();
        parameters.common_reference &= has_common_reference(columns.len());
        parameters.highpass_hz = HIGHPASS_HZ;
        let offset = Offset::Fixed(noise.offset.clone());
        let mut signal = Self {
            filtered: Filtered::new(recording, columns, FILTER_MARGIN),
            conditioner: Conditioner::new(&parameters, recording.sample_rate(), offset, false),
            noise,
            sparse: SparseMatrix::from_fn(0, |_, _| 0.0),
        };
        signal.set_sparse();
        signal
    }

    /// Samples per second, Hz.
    pub fn sample_rate(&self) -> f64 {
        self.filtered.recording().sample_rate()
    }

    fn channels(&self) -> usize {
        self.filtered.columns().len()
    }

    /// Samples of the recording.
    pub fn n_samples(&self) -> u64 {
        self.filtered.recording().n_samples()
    }

    fn set_whitening(&mut self, matrix: Array2<f64>) {
        self.noise.unwhitening = linalg::inverse(matrix.view());
        self.noise.whitening = matrix;
        self.set_sparse();
    }

    fn set_sparse(&mut self) {
        let matrix = &self.noise.whitening;
        self.sparse = SparseMatrix::from_fn(matrix.nrows(), |i, j| SCALE * matrix[[i, j]]);
    }

    /// Whitened samples `[start, start + samples)`, `[channels, samples]`, sd; zero outside the recording.
    ///
    /// # Errors
    /// Those of reading.
    pub fn tile(&self, start: i64, samples: usize) -> Result<ChannelMajor> {
        let half = self.noise.taps.len() / 2;
        let x = self.spatially_white(start - half as i64, samples + 2 * half)?;
        let mut out = ChannelMajor::zeros(self.channels(), samples);
        for c in 0..self.channels() {
            filter_bank(x.row(c), &[&self.noise.taps], &mut [out.row_mut(c)]);
        }
        blank_artefacts(&mut out, (ARTEFACT_MS * self.sample_rate() / 1000.0) as usize);
        Ok(out)
    }

    fn spatially_white(&self, start: i64, samples: usize) -> Result<ChannelMajor> {
        let (filtered, lead) = self.filtered(start, samples)?;
        Ok(whiten(
            &filtered,
            lead,
            samples,
            &self.sparse,
            Rounding::Nearest,
            SCALE as f32,
        ))
    }

    /// Filtered samples with at least the filter's margin around them, and the place of `start` among them.
    fn filtered(&self, start: i64, samples: usize) -> Result<(ChannelMajor, usize)> {
        let (first, total) = (start - FILTER_MARGIN as i64, samples + 2 * FILTER_MARGIN);
        Ok((self.filtered.samples(&self.conditioner, first, total)?, FILTER_MARGIN))
    }

    /// Covariance of the filtered channels outside spikes, counts squared, for pairs within a wide neighbourhood; 0 for others.
    fn masked_covariance(
        &self,
        windows: &[u64],
        window: u64,
        geometry: &Geometry,
        at_once: usize,
    ) -> Result<Array2<f64>> {
        let n = self.channels();
        let mut pairs: Vec<(usize, usize)> = (0..n)
            .flat_map(|a| {
                let list = &geometry.wide[a];
                list.iter()
                    .flat_map(move |&b| list.iter().map(move |&c| (b, c)))
                    .filter(|(b, c)| b <= c)
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let products_at = |&start: &u64| {
            let (block, lead) = self.filtered(start as i64, window as usize)?;
            let (values, masks) = masked(&block, lead, window as usize);
            let products =
                |&(a, b): &(usize, usize)| [dot(values.row(a), values.row(b)), dot(masks.row(a), masks.row(b))];
            Ok(pairs.iter().map(products).collect())
        };
        let sums: Vec<Vec<[f64; 2]>> = some_at_once(windows, at_once, products_at)?;
        let mut covariance = Array2::zeros((n, n));
        for (k, &(a, b)) in pairs.iter().enumerate() {
            let [sum, count] = sums.iter().fold([0.0, 0.0], |s, w| [s[0] + w[k][0], s[1] + w[k][1]]);
            covariance[[a, b]] = sum / f64::max(count, 1.0);
            covariance[[b, a]] = covariance[[a, b]];
        }
        Ok(covariance)
    }

    /// Mean autocovariance over some channels of the spatially white signal outside spikes, lags `0..=2 half`.
    fn autocovariance(&self, windows: &[u64], window: u64, half: usize, at_once: usize) -> Result<Vec<f64>> {
        let step = self.channels().div_ceil(SPECTRUM_CHANNELS).max(1);
        let products_at = |&start: &u64| {
            let block = self.spatially_white(start as i64, window as usize)?;
            let (values, masks) = masked(&block, 0, window as usize);
            let mut out = vec![[0.0; 2]; 2 * half + 1];
            for (v, m) in values.rows().zip(masks.rows()).step_by(step) {
                for (lag, out) in out.iter_mut().enumerate() {
                    let lagged = |x: &[f32]| dot(x, &x[lag.min(x.len())..]);
                    out[0] += lagged(v);
                    out[1] += lagged(m);
                }
            }
            Ok(out)
        };
        let sums: Vec<Vec<[f64; 2]>> = some_at_once(windows, at_once, products_at)?;
        Ok((0..=2 * half)
            .map(|lag| {
                let [sum, count] = sums
                    .iter()
                    .fold([0.0, 0.0], |s, w| [s[0] + w[lag][0], s[1] + w[lag][1]]);
                sum / f64::max(count, 1.0)
            })
            .collect())
    }
}

/// Works on windows in parallel, so many at a time; results are in order.
fn some_at_once<T: Send>(
    windows: &[u64],
    at_once: usize,
    work: impl Fn(&u64) -> Result<T> + Sync + Send,
) -> Result<Vec<T>> {
    let mut out = Vec::with_capacity(windows.len());
    for windows in windows.chunks(at_once) {
        out.extend(windows.par_iter().map(&work).collect::<Result<Vec<_>>>()?);
    }
    Ok(out)
}

/// Whether so many channels have a common reference: of few, it would hold much of the spikes themselves.
pub fn has_common_reference(channels: usize) -> bool {
    channels >= FEWEST_REFERENCED
}

/// Silences all channels around values that no neuron reaches: their filtered edges would be the largest spikes of the recording.
fn blank_artefacts(y: &mut ChannelMajor, margin: usize) {
    let samples = y.samples();
    let mut blank = vec![false; samples];
    for row in y.rows().filter(|row| largest_magnitude(row) > ARTEFACT_SD) {
        for (t, v) in row.iter().enumerate() {
            if v.abs() > ARTEFACT_SD {
                blank[t.saturating_sub(margin)..(t + margin).min(samples)].fill(true);
            }
        }
    }
    if blank.contains(&true) {
        for c in 0..y.channels() {
            for (v, blank) in y.row_mut(c).iter_mut().zip(&blank) {
                if *blank {
                    *v = 0.0;
                }
            }
        }
    }
}

/// Samples without spikes (others zero), and ones where they are.
fn masked(block: &ChannelMajor, lead: usize, samples: usize) -> (ChannelMajor, ChannelMajor) {
    let channels = block.channels();
    let mut values = ChannelMajor::zeros(channels, samples);
    let mut masks = ChannelMajor::zeros(channels, samples);
    for c in 0..channels {
        let row = &block.row(c)[lead..lead + samples];
        let sd = median_sd(row);
        if sd <= f32::MIN_POSITIVE {
            // A dead channel or a silent stretch tells nothing about the noise.
            continue;
        }
        let (v, m) = (values.row_mut(c), masks.row_mut(c));
        m.fill(1.0);
        for (t, x) in row.iter().enumerate() {
            if x.abs() > ARTEFACT_SD * sd {
                m[t.saturating_sub(300)..(t + 300).min(samples)].fill(0.0);
            } else if x.abs() > SPIKE_SD * sd {
                m[t.saturating_sub(10)..(t + 20).min(samples)].fill(0.0);
            }
        }
        for t in 0..samples {
            v[t] = row[t] * m[t];
        }
    }
    (values, masks)
}

/// Standard deviation of a normal distribution from the median absolute value.
pub fn median_sd(row: &[f32]) -> f32 {
    let mut values: Vec<f32> = row.iter().map(|v| v.abs()).collect();
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let (_, m, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    *m / 0.6745
}

/// Whitens each channel from its neighbours: column `j` of the result.
fn local_whitening(covariance: &Array2<f64>, geometry: &Geometry) -> Result<Array2<f64>> {
    let n = covariance.nrows();
    let mut matrix = Array2::zeros((n, n));
    let columns: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|j| {
            let list = &geometry.wide[j];
            let local = Array2::from_shape_fn((list.len(), list.len()), |(a, b)| covariance[[list[a], list[b]]]);
            let (values, vectors) = linalg::symmetric_eigen(local.view()).map_err(|_| {
                Error::input("the covariance of the channels is not finite; check the sample type of the recording")
            })?;
            let mean = values.iter().map(|v| v.max(0.0)).sum::<f64>() / values.len() as f64;
            let ridge = if mean > 0.0 { RIDGE * mean } else { 1.0 };
            Ok((0..list.len())
                .map(|a| {
                    (0..list.len())
                        .map(|k| vectors[[0, k]] * vectors[[a, k]] / (values[k].max(0.0) + ridge).sqrt())
                        .sum()
                })
                .collect())
        })
        .collect::<Result<_>>()?;
    for (j, column) in columns.iter().enumerate() {
        for (&i, v) in geometry.wide[j].iter().zip(column) {
            matrix[[i, j]] = *v;
        }
    }
    Ok(matrix)
}

/// Symmetric filter whose squared gain is the inverse of the noise spectrum, for an output of unit variance.
fn whitening_taps(autocovariance: &[f64]) -> Vec<f32> {
    let lags = autocovariance.len();
    let half = lags / 2;
    if autocovariance[0] <= 0.0 {
        return vec![1.0];
    }
    let window = |lag: usize| 0.5 * (1.0 + (std::f64::consts::PI * lag as f64 / lags as f64).cos());
    const GRID: usize = 512;
    let angle = |k: usize, lag: usize| std::f64::consts::PI * (k * lag) as f64 / GRID as f64;
    let spectrum: Vec<f64> = (0..=GRID)
        .map(|k| {
            autocovariance[0]
                + 2.0
                    * (1..lags)
                        .map(|lag| window(lag) * autocovariance[lag] * angle(k, lag).cos())
                        .sum::<f64>()
        })
        .collect();
    let mean = spectrum.iter().sum::<f64>() / spectrum.len() as f64;
    let gain: Vec<f64> = spectrum.iter().map(|s| 1.0 / s.max(0.05 * mean).sqrt()).collect();
    let tap = |lag: usize| {
        let ends = f64::midpoint(gain[0], gain[GRID] * if lag.is_multiple_of(2) { 1.0 } else { -1.0 });
        (ends + (1..GRID).map(|k| gain[k] * angle(k, lag).cos()).sum::<f64>()) / GRID as f64
    };
    let side: Vec<f64> = (0..=half)
        .map(|lag| tap(lag) * 0.5 * (1.0 + (std::f64::consts::PI * lag as f64 / (half + 1) as f64).cos()))
        .collect();
    let taps: Vec<f64> = (0..=2 * half).map(|i| side[i.abs_diff(half)]).collect();
    let mut variance = 0.0;
    for (i, a) in taps.iter().enumerate() {
        for (j, b) in taps.iter().enumerate() {
            variance += a * b * autocovariance.get(i.abs_diff(j)).copied().unwrap_or(0.0);
        }
    }
    let scale = if variance > 0.0 { variance.sqrt().recip() } else { 1.0 };
    taps.iter().map(|t| (t * scale) as f32).collect()
}
