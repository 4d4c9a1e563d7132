//! A first look at each unit: on which channels, and how far from its spike times, its waveforms are largest.

use ferrosort_core::{Observer, Probe, Result};
use ferrosort_kernels::linalg;
use ndarray::Array2;
use rayon::prelude::*;

use super::condition::Block;
use super::params::MeasureParams;
use super::pieces::{Noise, Reader, noise_pieces};
use super::random::SplitMix;

/// Spikes of the first look at a unit.
const MOST_SPIKES: usize = 50;
/// Units with fewer spikes in the pieces get some more of their own.
const FEWEST_SPIKES: usize = 20;
/// Channels near a known one among which the largest is searched.
const SEARCHED_CHANNELS: usize = 48;
/// Channels that may turn out to be the main channel.
const MOST_CANDIDATES: usize = 3;
/// A channel with this share of the largest peak may turn out to be the main channel.
const CANDIDATE_SHARE: f64 = 0.75;

/// Lengths around a spike, samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Waveforms begin this long before the spike.
    pub before: i64,
    /// They end this long after it, exclusive.
    pub after: i64,
    /// Peak to peak is taken from this long before to this long after.
    pub near: i64,
    /// Read on both sides of a stretch, so that the filter has settled.
    pub margin: u64,
}

impl Timing {
    pub(crate) fn new(sample_rate: f64, params: &MeasureParams) -> Self {
        // A third-order high-pass of 300 Hz forgets to a part in 10^4 within three periods of its corner, 10 ms.
        const SETTLING_PERIODS: f64 = 3.0;
        let samples = |ms: f64| ((ms * 1e-3 * sample_rate) as i64).max(1);
        let (before, after) = (samples(params.before_ms), samples(params.after_ms));
        let settling = (SETTLING_PERIODS / params.highpass_hz * sample_rate).ceil() as u64;
        Self {
            before,
            after,
            near: samples(0.5).min(before).min(after),
            margin: settling + (before + after) as u64,
        }
    }

    /// Samples of a waveform.
    pub(crate) fn samples(self) -> usize {
        (self.before + self.after) as usize
    }

    /// Samples of the window of the first look and of features: as long after the spike as before it.
    pub(crate) fn short(self) -> usize {
        2 * self.before as usize
    }
}

/// Spikes of one unit, ascending.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnitSpikes {
    /// Samples.
    pub samples: Vec<i64>,
    /// Place of each in the run's table of spikes.
    pub places: Vec<u32>,
}

/// A channel that may be the main channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// Place in the probe.
    pub channel: usize,
    /// Sample of the largest absolute value, from the spike.
    pub offset: i64,
}

/// What the first look found.
#[derive(Debug, Clone)]
pub(crate) struct Guess {
    /// Largest first.
    pub candidates: Vec<Candidate>,
    /// Mean waveform on the first candidate, `2 * before` samples.
    pub waveform: Vec<f32>,
}

/// Sum of waveforms of a unit on the channels that are searched.
struct FirstLook {
    channels: Vec<usize>,
    sums: Vec<f32>,
    spikes: usize,
}

impl FirstLook {
    fn add(&mut self, reader: &Reader, block: &Block, timing: Timing, spike: i64) {
        let short = timing.short();
        let (from, to) = (spike - timing.before, spike + timing.before);
        if self.spikes >= MOST_SPIKES || block.window(0, from, to).is_none() {
            return;
        }
        self.spikes += 1;
        for (&channel, sums) in self.channels.iter().zip(self.sums.chunks_exact_mut(short)) {
            if let Some(window) = block.window(reader.conditioner.row_of(channel), from, to) {
                for (s, v) in sums.iter_mut().zip(window) {
                    *s += v;
                }
            }
        }
    }

    fn guess(&self, timing: Timing, gains: &[f64]) -> Option<Guess> {
        if self.spikes == 0 {
            return None;
        }
        let short = timing.short();
        let mut peaks: Vec<(f64, Candidate, usize)> = self
            .sums
            .chunks_exact(short)
            .zip(&self.channels)
            .enumerate()
            .map(|(row, (sums, &channel))| {
                let at = place_of_largest(sums);
                let candidate = Candidate {
                    channel,
                    offset: at as i64 - timing.before,
                };
                (f64::from(sums[at].abs()) * gains[channel].abs(), candidate, row)
            })
            .collect();
        peaks.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.channel.cmp(&b.1.channel)));
        let &(largest, _, row) = peaks.first()?;
        Some(Guess {
            candidates: peaks
                .iter()
                .take(MOST_CANDIDATES)
                .filter(|p| p.0 >= CANDIDATE_SHARE * largest)
                .map(|p| p.1)
                .collect(),
            waveform: self.sums[row * short..(row + 1) * short]
                .iter()
                .map(|s| s / self.spikes as f32)
                .collect(),
        })
    }
}

/// Place of the first of the largest absolute values.
pub(crate) fn place_of_largest(values: &[f32]) -> usize {
    let mut largest = 0;
    for (k, v) in values.iter().enumerate() {
        if v.abs() > values[largest].abs() {
            largest = k;
        }
    }
    largest
}

/// Channels of the shank of `channel`, nearest first (ties: the lower channel), itself the first.
pub(crate) fn nearest_channels(probe: &Probe, channel: usize, most: usize) -> Vec<usize> {
    let centre = &probe.contacts[channel];
    let squared = |c: usize| {
        let other = &probe.contacts[c];
        (other.x_um - centre.x_um).powi(2) + (other.y_um - centre.y_um).powi(2)
    };
    let mut channels: Vec<usize> = (0..probe.len())
        .filter(|&c| probe.contacts[c].shank == centre.shank)
        .collect();
    channels.sort_by(|&a, &b| squared(a).total_cmp(&squared(b)).then(a.cmp(&b)));
    channels.truncate(most.max(1));
    channels
}

/// Measures the noise in the pieces and looks at each unit's spikes in them; units with few there get stretches of their own.
///
/// `known` are the best channels that the run names. `gains` turn counts into the unit of the result.
pub(crate) fn first_look(
    reader: &mut Reader,
    probe: &Probe,
    spikes: &[UnitSpikes],
    known: &[Option<usize>],
    (timing, gains, params): (Timing, &[f64], &MeasureParams),
    observer: &dyn Observer,
) -> Result<(Noise, Vec<Option<Guess>>)> {
    let mut looks: Vec<FirstLook> = spikes
        .iter()
        .zip(known)
        .map(|(unit, known)| {
            let channels = match known {
                _ if unit.samples.is_empty() => Vec::new(),
                Some(channel) => nearest_channels(probe, *channel, SEARCHED_CHANNELS),
                None => (0..probe.len()).collect(),
            };
            FirstLook {
                sums: vec![0.0; channels.len() * timing.short()],
                channels,
                spikes: 0,
            }
        })
        .collect();
    let mut noise = Noise::new(probe.len());
    let n_samples = reader.recording.n_samples();
    let (starts, length) = noise_pieces(n_samples, reader.recording.sample_rate(), params);
    for from in starts {
        let to = (from + length).min(n_samples);
        reader.read(from, to, timing.margin)?;
        noise.add(&reader.block, from as i64, to as i64);
        let reader = &*reader;
        looks.par_iter_mut().zip(spikes).for_each(|(look, unit)| {
            let first = unit.samples.partition_point(|&t| t < from as i64);
            for &t in unit.samples[first..].iter().take_while(|&&t| t < to as i64) {
                look.add(reader, &reader.block, timing, t);
            }
        });
        observer.advanced(to - from);
    }
    for (unit, look) in looks.iter_mut().enumerate() {
        look_closer(
            reader,
            look,
            &spikes[unit],
            timing,
            &mut SplitMix::new(params.seed, 1000 + unit as u64),
        )?;
    }
    Ok((noise, looks.iter().map(|look| look.guess(timing, gains)).collect()))
}

/// Reads some spikes of a unit one by one until there are enough.
fn look_closer(
    reader: &mut Reader,
    look: &mut FirstLook,
    unit: &UnitSpikes,
    timing: Timing,
    random: &mut SplitMix,
) -> Result<()> {
    if look.spikes >= FEWEST_SPIKES || look.spikes >= unit.samples.len() {
        return Ok(());
    }
    // Half the margin: the filter has settled to a part in 100, enough for finding a channel.
    let margin = timing.margin / 2;
    let n_samples = reader.recording.n_samples();
    for k in random.spread(unit.samples.len(), FEWEST_SPIKES - look.spikes) {
        let t = unit.samples[k];
        let (Ok(from), Ok(to)) = (u64::try_from(t - timing.before), u64::try_from(t + timing.before)) else {
            continue;
        };
        if to > n_samples {
            continue;
        }
        reader.read(from, to, margin)?;
        look.add(reader, &reader.block, timing, t);
    }
    Ok(())
}

/// Orthonormal shapes, `[components, 2 * before]`, that describe the units' waveforms best: the principal components of their
/// first mean waveforms, each scaled to norm 1. `None` without waveforms.
pub(crate) fn temporal_basis(guesses: &[Option<Guess>], components: usize) -> Option<Array2<f32>> {
    let length = guesses.iter().flatten().map(|g| g.waveform.len()).next()?;
    let mut products = Array2::<f64>::zeros((length, length));
    for guess in guesses.iter().flatten() {
        let norm2: f64 = guess.waveform.iter().map(|&v| f64::from(v).powi(2)).sum();
        if norm2 > 0.0 {
            for (i, &a) in guess.waveform.iter().enumerate() {
                for (j, &b) in guess.waveform.iter().enumerate() {
                    products[[i, j]] += f64::from(a) * f64::from(b) / norm2;
                }
            }
        }
    }
    let (_, vectors) = linalg::symmetric_eigen(products.view()).ok()?;
    let components = components.min(length);
    let mut basis = Array2::zeros((components, length));
    for p in 0..components {
        let mut shape = vectors.column(p).to_vec();
        linalg::fix_sign(&mut shape);
        for (out, v) in basis.row_mut(p).iter_mut().zip(shape) {
            *out = v as f32;
        }
    }
    Some(basis)
}
