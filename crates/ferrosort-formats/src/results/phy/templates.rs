//! Templates of the units, whitened and not.

use std::path::Path;

use ferrosort_core::{Error, Result, SortingRun, TemplateSet, TemplateUnit};
use ndarray::{Array2, Array3, Axis};

use super::{Assignment, is_kilosort4};
use crate::results::{columns, files, whitening};

/// Rows of zeros that Kilosort2 puts before a template for phy, with its usual `nt0min` of 20.
const KILOSORT2_ROWS: usize = 82;
/// Sample of those templates at the time of the spike: 21 zeros, then 20 samples.
const KILOSORT2_SPIKE_AT: usize = 41;

/// Templates as they lie in the folder, `[templates, samples, channels]`, dense.
pub(super) struct Stored {
    pub(super) waveforms: Array3<f32>,
}

/// Reads `templates.npy`. With `template_ind.npy` (or a `templates_ind.npy` of that shape) each row has its own
/// channels, −1 for none; they are spread over all channels.
pub(super) fn read(folder: &Path, n_channels: Option<usize>) -> Result<Option<Stored>> {
    let Some(mut waveforms) = files::cube(folder, "templates.npy")? else {
        return Ok(None);
    };
    let (rows, _, slots) = waveforms.dim();
    // phylib, too, takes a template without numbers for an empty one.
    waveforms.mapv_inplace(|value| if value.is_finite() { value } else { 0.0 });
    let n_channels = n_channels.unwrap_or(slots);
    for name in ["template_ind.npy", "templates_ind.npy"] {
        if let Some(channels) = files::matrix(folder, name)?.filter(|ind| ind.dim() == (rows, slots)) {
            return spread(&waveforms, &channels, n_channels.max(slots), folder, name).map(Some);
        }
    }
    if slots != n_channels {
        return Err(Error::input(format!(
            "{}: templates.npy has {slots} channels but channel_positions.npy has {n_channels}, and no template_ind.npy \
             tells which",
            folder.display()
        )));
    }
    Ok(Some(Stored { waveforms }))
}

fn spread(sparse: &Array3<f32>, channels: &Array2<f64>, n: usize, folder: &Path, name: &str) -> Result<Stored> {
    let (rows, samples, slots) = sparse.dim();
    let mut waveforms = Array3::zeros((rows, samples, n));
    for row in 0..rows {
        for slot in 0..slots {
            let channel = channels[(row, slot)];
            if channel < 0.0 {
                continue;
            }
            if channel.fract() != 0.0 || channel >= n as f64 {
                return Err(files::not(folder, name, &format!("channels from 0 to {}", n - 1)));
            }
            for sample in 0..samples {
                waveforms[(row, sample, channel as usize)] = sparse[(row, sample, slot)];
            }
        }
    }
    Ok(Stored { waveforms })
}

/// Gives the run the templates of its units, the similarity, the whitening and best channels.
pub(super) fn apply(run: &mut SortingRun, stored: Stored, assignment: &Assignment, folder: &Path) -> Result<()> {
    let waveforms = of_units(&stored.waveforms, assignment);
    let samples = waveforms.dim().1;
    let whitening = files::matrix(folder, "whitening_mat.npy")?;
    let inverse = files::matrix(folder, "whitening_mat_inv.npy")?;
    let n_channels = waveforms.dim().2;
    for (name, matrix) in [("whitening_mat.npy", &whitening), ("whitening_mat_inv.npy", &inverse)] {
        if matrix
            .as_ref()
            .is_some_and(|matrix| matrix.dim() != (n_channels, n_channels))
        {
            return Err(files::not(
                folder,
                name,
                &format!("a matrix of {n_channels} by {n_channels} channels"),
            ));
        }
    }
    // Kilosort4 multiplies a column of channels from the left; here a row is multiplied from the right.
    let turned = |matrix: Array2<f64>| {
        if is_kilosort4(folder) {
            matrix.reversed_axes()
        } else {
            matrix
        }
    };
    let whitening = whitening.map(turned);
    let inverse = inverse
        .map(turned)
        .or_else(|| whitening.as_ref().and_then(whitening::inverted));

    let physical_already = run.amplitude_unit == "µV";
    let templates = TemplateSet {
        spike_at: if samples == KILOSORT2_ROWS && !physical_already {
            KILOSORT2_SPIKE_AT
        } else {
            trough_place(&waveforms)
        },
        unit: if physical_already {
            TemplateUnit::Microvolts
        } else {
            TemplateUnit::Whitened
        },
        waveforms,
    };
    run.physical_templates = match inverse {
        _ if physical_already => Some(templates.clone()),
        Some(inverse) => Some(whitening::unwhitened(&templates, &inverse, run)),
        None => None,
    };
    let best = columns::best_channels(run.physical_templates.as_ref().unwrap_or(&templates));
    for (unit, best) in run.units.iter_mut().zip(best) {
        unit.best_channel = best.map(|(channel, _)| channel);
        unit.ptp_uv = best.filter(|_| physical_already).map(|(_, range)| f64::from(range));
    }
    run.templates = Some(templates);
    run.intermediates.counts_per_sd = whitening.is_some().then_some(1.0);
    run.intermediates.whitening = whitening;
    run.similarity = similarity(folder, stored.waveforms.dim().0, assignment)?;
    Ok(())
}

/// Means of the templates, weighted by the numbers of spikes; zeros for a unit without any.
fn of_units(templates: &Array3<f32>, assignment: &Assignment) -> Array3<f32> {
    let (_, samples, channels) = templates.dim();
    let mut waveforms = Array3::<f32>::zeros((assignment.ids.len(), samples, channels));
    for (mut waveform, parts) in waveforms.outer_iter_mut().zip(&assignment.mixture) {
        if let &[(template, _)] = parts.as_slice() {
            waveform.assign(&templates.index_axis(Axis(0), template));
            continue;
        }
        let total: f64 = parts.iter().map(|&(_, weight)| weight).sum();
        for &(template, weight) in parts {
            waveform.scaled_add((weight / total) as f32, &templates.index_axis(Axis(0), template));
        }
    }
    waveforms
}

/// Where the troughs of the templates are: the middle one of their places.
fn trough_place(waveforms: &Array3<f32>) -> usize {
    let mut troughs: Vec<usize> = Vec::new();
    for waveform in waveforms.outer_iter() {
        let mut lowest = (0, 0.0f32);
        for (sample, row) in waveform.outer_iter().enumerate() {
            for &value in row {
                if value < lowest.1 {
                    lowest = (sample, value);
                }
            }
        }
        if lowest.1 < 0.0 {
            troughs.push(lowest.0);
        }
    }
    troughs.sort_unstable();
    troughs.get(troughs.len() / 2).copied().unwrap_or(waveforms.dim().1 / 2)
}

/// Similarity of the units: that of the templates that most of their spikes have.
fn similarity(folder: &Path, rows: usize, assignment: &Assignment) -> Result<Option<Array2<f32>>> {
    let Some(values) = files::matrix(folder, "similar_templates.npy")?.filter(|s| s.dim() == (rows, rows)) else {
        return Ok(None);
    };
    let main = assignment.main_templates();
    Ok(Some(Array2::from_shape_fn((main.len(), main.len()), |(a, b)| {
        match (main[a], main[b]) {
            (Some(a), Some(b)) => values[(a, b)] as f32,
            _ => 0.0,
        }
    })))
}
