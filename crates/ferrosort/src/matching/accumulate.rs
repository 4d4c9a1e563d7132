//! What a pursued batch adds to the running means, and the features of its spikes.

use ferrosort_kernels::ChannelMajor;
use ndarray::{Array2, Array3, ArrayView3, Axis};
use rayon::prelude::*;

use super::{Spike, TemplateSet};
use crate::neighbours::Neighbours;

/// Sums over the spikes of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveformSums {
    /// Sum of the waveforms, residual plus own contribution: `[templates, channels, samples]`, sd.
    pub sum: Array3<f64>,
    /// Spikes summed for each template.
    pub count: Vec<u32>,
}

/// Sums the waveforms of all spikes with a score above `min_score`, in time order for each template.
pub fn waveform_sums(residual: &ChannelMajor, spikes: &[Spike], set: &TemplateSet, min_score: f32) -> WaveformSums {
    let length = set.filters.first().map_or(0, ferrosort_kernels::TemplateFilter::length);
    let mut sum = Array3::zeros((set.len(), residual.channels(), length));
    let mut count = vec![0u32; set.len()];
    let mut own: Vec<Vec<&Spike>> = vec![Vec::new(); set.len()];
    for spike in spikes.iter().filter(|s| s.score > min_score) {
        own[spike.template as usize].push(spike);
        count[spike.template as usize] += 1;
    }
    sum.axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(own)
        .enumerate()
        .for_each(|(n, (mut total, own))| {
            for spike in own {
                let window = spike.start as usize..spike.start as usize + length;
                for (row, mut out) in residual.rows().zip(total.outer_iter_mut()) {
                    for (o, &v) in out.iter_mut().zip(&row[window.clone()]) {
                        *o += f64::from(v);
                    }
                }
                for (slot, &c) in set.filters[n].channels.iter().enumerate() {
                    for (i, o) in total.row_mut(c as usize).iter_mut().enumerate() {
                        *o += f64::from(spike.amplitude * set.value(n, slot, i));
                    }
                }
            }
        });
    WaveformSums { sum, count }
}

/// Updates running means `[templates, channels, samples]`: with `n` new spikes the old mean keeps the weight `exp(-n / memory)`.
pub fn update_means(mean: &mut Array3<f64>, sums: &WaveformSums, memory: f64) {
    mean.axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(sums.sum.axis_iter(Axis(0)))
        .zip(&sums.count)
        .filter(|(_, n)| **n > 0)
        .for_each(|((mut mean, sum), &n)| {
            let keep = (-1.0 / memory).exp().powi(n as i32);
            let add = (1.0 - keep) / f64::from(n);
            mean.zip_mut_with(&sum, |m, s| *m = keep * *m + add * s);
        });
}

/// Projections of each spike's waveform (residual plus own contribution) on the temporal basis `[3, samples]`, on the neighbourhood of its
/// template's main channel: `[spikes, 3, slots]`.
pub fn pc_features(
    residual: &ChannelMajor,
    spikes: &[Spike],
    set: &TemplateSet,
    main_channels: &[usize],
    near: &Neighbours,
    basis: &Array2<f32>,
) -> Array3<f32> {
    let (components, length) = basis.dim();
    let mut out = Array3::zeros((spikes.len(), components, near.size()));
    out.axis_iter_mut(Axis(0)).into_par_iter().zip(spikes).for_each_init(
        || vec![0.0f32; length],
        |waveform, (mut features, spike)| {
            let n = spike.template as usize;
            for (slot, &c) in near.of(main_channels[n]).iter().enumerate() {
                let start = spike.start as usize;
                waveform.copy_from_slice(&residual.row(c as usize)[start..start + length]);
                if let Some(own) = set.filters[n].channels.iter().position(|&o| o == c) {
                    set.add_waveform(n, own, spike.amplitude, waveform);
                }
                for k in 0..components {
                    features[[k, slot]] = basis
                        .row(k)
                        .iter()
                        .zip(waveform.iter())
                        .fold(0.0f32, |sum, (b, v)| sum + b * v);
                }
            }
        },
    );
    out
}

/// Rank-3 waveforms `mu W U'` of all templates, `[templates, channels, samples]`.
pub fn reconstructed(w: ArrayView3<f64>, u: ArrayView3<f64>, mu: &[f64]) -> Array3<f64> {
    let (templates, rank, length) = w.dim();
    let mut out = Array3::zeros((templates, u.dim().2, length));
    for (n, mut waveform) in out.outer_iter_mut().enumerate() {
        for (c, mut row) in waveform.outer_iter_mut().enumerate() {
            for q in 0..rank {
                let weight = mu[n] * u[[n, q, c]];
                if weight != 0.0 {
                    row.scaled_add(weight, &w.index_axis(Axis(0), n).row(q));
                }
            }
        }
    }
    out
}
