//! Short pieces of the recording: the noise of each channel, and spikes for a first look at each unit.

use ferrosort_core::{Recording, Result};
use rayon::prelude::*;

use super::condition::{Block, Conditioner};
use super::params::MeasureParams;
use super::random::SplitMix;

/// Median absolute deviation of a normal variable of standard deviation 1.
const MAD_OF_NORMAL: f64 = 0.674_489_750_196_081_7;

/// Reads stretches of a recording with margins and filters them.
pub(crate) struct Reader<'a> {
    pub recording: &'a dyn Recording,
    pub conditioner: &'a Conditioner,
    frames: Vec<f32>,
    /// The last stretch read.
    pub block: Block,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(recording: &'a dyn Recording, conditioner: &'a Conditioner) -> Self {
        Self {
            recording,
            conditioner,
            frames: Vec::new(),
            block: Block::default(),
        }
    }

    /// Reads samples `from..to` and up to `margin` more on both sides, where the recording has them, into `block`.
    pub(crate) fn read(&mut self, from: u64, to: u64, margin: u64) -> Result<()> {
        let first = from.saturating_sub(margin);
        let last = (to + margin).min(self.recording.n_samples());
        let width = self.recording.n_channels();
        self.frames.resize(last.saturating_sub(first) as usize * width, 0.0);
        self.recording.read(first, &mut self.frames)?;
        self.conditioner
            .apply(&self.frames, width, first as i64, &mut self.block);
        Ok(())
    }
}

/// Noise of each row: means over the pieces, counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Noise {
    /// Median absolute deviation, scaled to the standard deviation of a normal distribution.
    pub mad: Vec<f64>,
    /// Standard deviation.
    pub sd: Vec<f64>,
    pieces: f64,
}

impl Noise {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            mad: vec![0.0; rows],
            sd: vec![0.0; rows],
            pieces: 0.0,
        }
    }

    /// Takes in samples `from..to` of the recording.
    pub(crate) fn add(&mut self, block: &Block, from: i64, to: i64) {
        let levels: Vec<(f64, f64)> = (0..self.mad.len())
            .into_par_iter()
            .map(|row| block.window(row, from, to).map_or((0.0, 0.0), noise_level))
            .collect();
        self.pieces += 1.0;
        for (row, (mad, sd)) in levels.into_iter().enumerate() {
            self.mad[row] += (mad - self.mad[row]) / self.pieces;
            self.sd[row] += (sd - self.sd[row]) / self.pieces;
        }
    }
}

/// Scaled median absolute deviation and standard deviation.
fn noise_level(values: &[f32]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    let mut work = values.to_vec();
    let centre = median_in_place(&mut work);
    for v in &mut work {
        *v = (f64::from(*v) - centre).abs() as f32;
    }
    (median_in_place(&mut work) / MAD_OF_NORMAL, variance.sqrt())
}

fn median_in_place(values: &mut [f32]) -> f64 {
    let n = values.len();
    let (below, &mut upper, _) = values.select_nth_unstable_by(n / 2, f32::total_cmp);
    let upper = f64::from(upper);
    if n % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().max_by(f32::total_cmp).map_or(upper, f64::from);
    f64::midpoint(lower, upper)
}

/// First samples of the pieces in which the noise is measured, ascending, and their length.
pub(crate) fn noise_pieces(n_samples: u64, sample_rate: f64, params: &MeasureParams) -> (Vec<u64>, u64) {
    let length = ((params.noise_piece_s * sample_rate) as u64).clamp(1, n_samples.max(1));
    let places = n_samples.saturating_sub(length) + 1;
    let mut random = SplitMix::new(params.seed, 1);
    let mut starts: Vec<u64> = (0..params.noise_pieces).map(|_| random.below(places)).collect();
    starts.sort_unstable();
    (starts, length)
}
