//! A first look at the recording: which channels carry spikes, and their offsets (docs/kilosort2.md 1.4).

use ferrosort_core::{Observer, Recording, Result};
use ferrosort_kernels::ChannelMajor;
use rayon::prelude::*;

use super::filter::{Conditioner, Offset, column_means};
use crate::settings::{Compat, Parameters};

/// Samples on each side within which a crossing must be the lowest value.
const PEAK_RADIUS: usize = 30;

/// What the first look found, for each contact of the probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Threshold crossings.
    pub crossings: Vec<u64>,
    /// Crossings per second.
    pub rate_hz: Vec<f64>,
    /// Mean value, counts.
    pub offset: Vec<f64>,
}

impl Survey {
    /// Indices of the contacts whose rate is at least `min_rate_hz`; all when it is 0.
    pub fn good_channels(&self, min_rate_hz: f64) -> Vec<usize> {
        (0..self.rate_hz.len())
            .filter(|&c| min_rate_hz <= 0.0 || self.rate_hz[c] >= min_rate_hz)
            .collect()
    }
}

/// Reads at most 100 pieces of the recording, spread over it, and counts peaks below the threshold on every contact.
///
/// # Errors
/// Those of reading, and cancellation.
pub fn survey(
    recording: &dyn Recording,
    columns: &[usize],
    batches: usize,
    parameters: &Parameters,
    compat: &Compat,
    observer: &dyn Observer,
) -> Result<Survey> {
    let width = recording.n_channels();
    let conditioner = Conditioner::new(parameters, recording.sample_rate(), Offset::BufferMean, true);
    let step = batches.div_ceil(100).max(1);
    let mut crossings = vec![0u64; columns.len()];
    let mut sums = vec![0.0f64; columns.len()];
    let mut read = 0u64;
    for q in (0..batches).step_by(step) {
        super::check_cancelled(observer)?;
        let start = (q * parameters.batch_samples) as u64;
        if start >= recording.n_samples() {
            break;
        }
        let samples = (recording.n_samples() - start).min(parameters.batch_samples as u64) as usize;
        let mut frames = vec![0.0f32; samples * width];
        recording.read(start, &mut frames)?;
        for (sum, mean) in sums.iter_mut().zip(column_means(&frames, width, columns)) {
            *sum += mean * samples as f64;
        }
        let filtered = conditioner.apply(&frames, width, columns);
        for (total, n) in crossings.iter_mut().zip(count_crossings(&filtered, parameters, compat)) {
            *total += n;
        }
        read += samples as u64;
        observer.advanced(1);
    }
    let seconds = read as f64 / recording.sample_rate();
    Ok(Survey {
        rate_hz: crossings.iter().map(|&n| n as f64 / seconds).collect(),
        offset: sums.iter().map(|s| s / read.max(1) as f64).collect(),
        crossings,
    })
}

/// Peaks below the threshold on each channel, in units of the channel's standard deviation.
fn count_crossings(filtered: &ChannelMajor, parameters: &Parameters, compat: &Compat) -> Vec<u64> {
    let length = parameters.template_samples;
    // The inequality of the original is on samples counted from 1; its port applies it to samples counted from 0.
    let base = usize::from(!compat.peak_edges);
    let inside = |t: usize| t + base >= length && t + base <= parameters.batch_samples - length;
    (0..filtered.channels())
        .into_par_iter()
        .map(|c| {
            let row = filtered.row(c);
            let n = row.len().max(1) as f64;
            let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            let variance = row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
            let scale = 1.0 / variance.sqrt();
            let z = |t: usize| f64::from(row[t]) * scale;
            (0..row.len())
                .filter(|&t| z(t) < parameters.peak_threshold && inside(t))
                .filter(|&t| {
                    let around = t.saturating_sub(PEAK_RADIUS)..(t + PEAK_RADIUS + 1).min(row.len());
                    around.into_iter().all(|s| z(t) < z(s) + 1e-3)
                })
                .count() as u64
        })
        .collect()
}
