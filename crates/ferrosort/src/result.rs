//! The end of the main path: curated units as a [`Sorting`] (docs/kilosort2.md 6.6).

use ferrosort_core::{PcFeatures, Probe, Recording, Sorting, TemplateFeatures, UnitLabel, UnitSummary};
use ferrosort_kernels::linalg;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use rayon::prelude::*;

use crate::curation::curate::Curated;
use crate::curation::duplicates::TemplateExtent;
use crate::matching::accumulate::reconstructed;
use crate::preprocess::Batches;
use crate::settings::{Parameters, Settings};
use crate::templates::Templates;

/// A sorting without units: the result for a quiet recording.
pub fn empty(recording: &dyn Recording, probe: &Probe, batches: &Batches, parameters: &Parameters) -> Sorting {
    let (whitening, whitening_inverse) = whitening_pair(batches);
    Sorting {
        sample_rate: recording.sample_rate(),
        probe: probe.clone(),
        spike_times: Vec::new(),
        spike_units: Vec::new(),
        amplitudes: Vec::new(),
        templates: Array3::zeros((0, lead(parameters) + parameters.template_samples, probe.len())),
        similar_templates: Array2::zeros((0, 0)),
        whitening,
        whitening_inverse,
        units: Vec::new(),
        pc_features: None,
        template_features: None,
    }
}

/// Spikes above their unit's cutoff, in order of time, with templates padded in front so that the trough is near the middle.
pub fn assemble(
    recording: &dyn Recording,
    probe: &Probe,
    batches: &Batches,
    curated: &Curated,
    settings: &Settings,
) -> Sorting {
    let n_samples = recording.n_samples() as i64;
    let spikes = &curated.spikes;
    // The original can report spikes in the padding after the end of the recording; they have no samples to show.
    let mut rows: Vec<usize> = (0..spikes.len())
        .filter(|&i| curated.cutoffs.keep[i] && (0..n_samples).contains(&spikes.times[i]))
        .collect();
    rows.sort_by_key(|&i| spikes.times[i]);
    let kept = kept_units(curated, &rows, settings.compat.renumber_units);
    let mut new_id = vec![u32::MAX; curated.units.templates.len()];
    for (id, &unit) in kept.iter().enumerate() {
        new_id[unit] = id as u32;
    }

    let (whitening, whitening_inverse) = whitening_pair(batches);
    let templates = curated.units.templates.select(&kept);
    let unwhitened = largest_peaks(&templates, whitening_inverse.view());
    let spike_units: Vec<u32> = rows.iter().map(|&i| new_id[curated.units.labels[i] as usize]).collect();
    let amplitudes: Vec<f64> = rows.iter().map(|&i| f64::from(spikes.amplitudes[i])).collect();
    let mean_amplitudes = mean_by_unit(&spike_units, &amplitudes, kept.len());
    let units = kept
        .iter()
        .enumerate()
        .map(|(id, &unit)| {
            let cutoff = &curated.cutoffs.units[unit];
            UnitSummary {
                label: if cutoff.good { UnitLabel::Good } else { UnitLabel::Mua },
                contamination_pct: 100.0 * cutoff.contamination,
                amplitude_counts: settings.parameters.amplitude_gain * mean_amplitudes[id] * unwhitened[id].1,
                threshold_sd: cutoff.threshold,
            }
        })
        .collect();
    let similarity = curated.units.similarity.select(Axis(0), &kept).select(Axis(1), &kept);
    let similar = curated.units.similar.select(Axis(0), &kept);
    Sorting {
        sample_rate: recording.sample_rate(),
        probe: probe.clone(),
        spike_times: rows.iter().map(|&i| spikes.times[i] as u64).collect(),
        spike_units,
        amplitudes,
        templates: padded(&templates, lead(&settings.parameters)),
        similar_templates: similarity.mapv(|v| v as f32),
        whitening,
        whitening_inverse,
        units,
        pc_features: Some(PcFeatures {
            values: spikes.pc_features.select(Axis(0), &rows),
            channels: curated.units.feature_channels.select(Axis(0), &kept),
        }),
        template_features: Some(TemplateFeatures {
            values: spikes.template_features.select(Axis(0), &rows),
            // A neighbour that was removed has no id any more; its unit stands in for it.
            units: Array2::from_shape_fn(similar.dim(), |(n, j)| match new_id[similar[[n, j]] as usize] {
                u32::MAX => n as u32,
                id => id,
            }),
        }),
    }
}

/// Units to export: all, or those with spikes.
fn kept_units(curated: &Curated, rows: &[usize], only_with_spikes: bool) -> Vec<usize> {
    let count = curated.units.templates.len();
    let mut used = vec![!only_with_spikes; count];
    for &i in rows {
        used[curated.units.labels[i] as usize] = true;
    }
    (0..count).filter(|&n| used[n]).collect()
}

fn mean_by_unit(units: &[u32], values: &[f64], count: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0u64); count];
    for (&u, &v) in units.iter().zip(values) {
        sums[u as usize].0 += v;
        sums[u as usize].1 += 1;
    }
    sums.iter()
        .map(|&(s, n)| if n == 0 { 0.0 } else { s / n as f64 })
        .collect()
}

/// Whitening without the scale of the 16-bit data, and its inverse.
fn whitening_pair(batches: &Batches) -> (Array2<f64>, Array2<f64>) {
    let whitening = batches.matrix() / batches.scale();
    let mut inverse = linalg::inverse(whitening.view());
    if inverse.iter().any(|v| !v.is_finite()) {
        // A singular matrix (channels that are copies of each other): the least-squares inverse with a little ridge.
        let mut normal = whitening.t().dot(&whitening);
        let ridge = 1e-9 * normal.diag().iter().fold(1e-12f64, |m, v| m.max(*v));
        normal.diag_mut().mapv_inplace(|v| v + ridge);
        inverse = linalg::solve(normal.view(), whitening.t());
    }
    (whitening, inverse)
}

/// Samples of zeros before an exported template, so that its trough is near the middle.
fn lead(parameters: &Parameters) -> usize {
    parameters.trough_sample + 1
}

/// `[templates, lead + samples, channels]`: unit-norm templates after `lead` samples of zeros.
fn padded(templates: &Templates, lead: usize) -> Array3<f32> {
    let waveforms = reconstructed(templates.w.view(), templates.u.view(), &vec![1.0; templates.len()]);
    let (n, channels, samples) = waveforms.dim();
    Array3::from_shape_fn((n, lead + samples, channels), |(n, t, c)| {
        if t < lead {
            0.0
        } else {
            waveforms[[n, c, t - lead]] as f32
        }
    })
}

/// For each unit-norm template, back in raw counts: the channel of largest peak-to-peak, and that peak-to-peak.
fn largest_peaks(templates: &Templates, whitening_inverse: ArrayView2<f64>) -> Vec<(usize, f64)> {
    let waveforms = reconstructed(templates.w.view(), templates.u.view(), &vec![1.0; templates.len()]);
    waveforms
        .axis_iter(Axis(0))
        .into_par_iter()
        .map(|waveform| {
            let raw = whitening_inverse.t().dot(&waveform);
            let size = |row: ndarray::ArrayView1<f64>| {
                let (low, high) = row.iter().fold((0.0f64, 0.0f64), |(l, h), &v| (l.min(v), h.max(v)));
                high - low
            };
            raw.outer_iter()
                .map(size)
                .enumerate()
                .fold((0, 0.0), |best, (c, s)| if s > best.1 { (c, s) } else { best })
        })
        .collect()
}

/// Place and size of each template in the recording rather than in whitened space.
pub fn extents(templates: &Templates, batches: &Batches, probe: &Probe) -> Vec<TemplateExtent> {
    let (_, inverse) = whitening_pair(batches);
    let positions = probe.positions_um();
    largest_peaks(templates, inverse.view())
        .iter()
        .map(|&(channel, size)| TemplateExtent {
            position_um: positions[channel],
            size,
        })
        .collect()
}
