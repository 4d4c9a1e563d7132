//! The `.npy` files of a phy folder.

use std::path::{Path, PathBuf};

use ferrosort_core::{PcFeatures, Result, Sorting, TemplateFeatures};
use ndarray::{Array2, Array3, ArrayRef, Ix2};

use crate::npy::{NpyElement, NpyStream, write_array, write_slice};

const PC_FEATURES: &str = "pc_features.npy";
const PC_FEATURE_CHANNELS: &str = "pc_feature_ind.npy";
/// Size of the empty companion's template relative to the only unit's: nothing to see, but not zero, because
/// SpikeInterface looks for the channels of every template and refuses one without any.
const COMPANION_SCALE: f32 = 1e-6;

/// Sample, unit and amplitude of each spike. `first_sample` moves times of a time range to the whole files.
pub(super) fn write_spikes(dir: &Path, sorting: &Sorting, first_sample: u64) -> Result<()> {
    let n = [sorting.spike_times.len()];
    // Signed: subtracting unsigned times is a classic trap in NumPy.
    let times: Vec<i64> = sorting.spike_times.iter().map(|&t| (t + first_sample) as i64).collect();
    let units: Vec<i32> = sorting.spike_units.iter().map(|&u| u as i32).collect();
    write_slice(&dir.join("spike_times.npy"), &n, &times)?;
    write_slice(&dir.join("spike_templates.npy"), &n, &units)?;
    write_slice(&dir.join("spike_clusters.npy"), &n, &units)?;
    write_slice(&dir.join("amplitudes.npy"), &n, &sorting.amplitudes)
}

/// Templates, their (trivial) channel lists and similarities.
pub(super) fn write_templates(dir: &Path, sorting: &Sorting) -> Result<()> {
    let (units, samples, channels) = sorting.templates.dim();
    let rows = super::rows(sorting);
    let template = |(unit, sample, channel): (usize, usize, usize)| {
        let own = sorting.templates.get((unit, sample, channel)).copied();
        own.unwrap_or_else(|| COMPANION_SCALE * sorting.templates[(0, sample, channel)])
    };
    let similarity = |(i, j): (usize, usize)| {
        let padding = if i == j { 1.0 } else { 0.0 };
        sorting.similar_templates.get((i, j)).map_or(padding, |&v| v)
    };
    let similar = dir.join("similar_templates.npy");
    if rows == units {
        write_array(&dir.join("templates.npy"), &sorting.templates)?;
        write_array(&similar, &sorting.similar_templates)?;
    } else {
        let padded = Array3::from_shape_fn((rows, samples, channels), template);
        write_array(&dir.join("templates.npy"), &padded)?;
        write_array(&similar, &Array2::from_shape_fn((rows, rows), similarity))?;
    }
    let ind = Array2::from_shape_fn((rows, channels), |(_, channel)| channel as f64);
    write_array(&dir.join("templates_ind.npy"), &ind)
}

/// File column, position and shank of each sorted channel, and the whitening matrices.
pub(super) fn write_channels(dir: &Path, sorting: &Sorting) -> Result<()> {
    let contacts = &sorting.probe.contacts;
    let n = [contacts.len()];
    let map: Vec<i32> = contacts.iter().map(|c| c.channel as i32).collect();
    let shanks: Vec<i64> = contacts.iter().map(|c| c.shank).collect();
    let positions: Vec<f64> = contacts.iter().flat_map(|c| [c.x_um, c.y_um]).collect();
    write_slice(&dir.join("channel_map.npy"), &n, &map)?;
    write_slice(&dir.join("channel_shanks.npy"), &n, &shanks)?;
    write_slice(&dir.join("channel_positions.npy"), &[contacts.len(), 2], &positions)?;
    write_array(&dir.join("whitening_mat.npy"), &sorting.whitening)?;
    write_array(&dir.join("whitening_mat_inv.npy"), &sorting.whitening_inverse)
}

/// Principal components of each spike (at least two, the second zero if need be) and the channels of each template.
pub(super) fn write_pc_features(dir: &Path, features: &PcFeatures, rows: usize) -> Result<()> {
    let (spikes, components, slots) = features.values.dim();
    let path = dir.join(PC_FEATURES);
    if components >= 2 {
        write_array(&path, &features.values)?;
    } else {
        let value = |index: (usize, usize, usize)| features.values.get(index).map_or(0.0, |&v| v);
        write_array(&path, &Array3::from_shape_fn((spikes, 2, slots), value))?;
    }
    write_padded(&dir.join(PC_FEATURE_CHANNELS), &features.channels, rows)
}

/// Writes principal components spike by spike, where they are too many to be held.
#[derive(Debug)]
pub struct PcFeatureWriter {
    values: NpyStream<f32>,
    channels: PathBuf,
}

impl PcFeatureWriter {
    /// Creates `pc_features.npy` in the folder of a sorting, `[spikes, components, slots]`; at least two of both.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn create(dir: &Path, [components, slots]: [usize; 2]) -> Result<Self> {
        Ok(Self {
            values: NpyStream::create(&dir.join(PC_FEATURES), &[components, slots])?,
            channels: dir.join(PC_FEATURE_CHANNELS),
        })
    }

    /// Appends the next spike's values, `[components, slots]`, sd.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn append(&mut self, values: &[f32]) -> Result<()> {
        self.values.append(values)
    }

    /// Writes the sorting channel of each slot, `[units, slots]`.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn finish(self, channels: &Array2<u32>) -> Result<()> {
        self.values.finish()?;
        write_padded(&self.channels, channels, super::template_rows(channels.nrows()))
    }
}

/// Scores of each spike against similar templates, and which templates those are; at least two of them.
pub(super) fn write_template_features(dir: &Path, features: &TemplateFeatures, rows: usize) -> Result<()> {
    let values_path = dir.join("template_features.npy");
    let ind_path = dir.join("template_feature_ind.npy");
    let (spikes, slots) = features.values.dim();
    if slots != 1 {
        write_array(&values_path, &features.values)?;
        return write_padded(&ind_path, &features.units, rows);
    }
    let value = |index: (usize, usize)| features.values.get(index).map_or(0.0, |&v| v);
    write_array(&values_path, &Array2::from_shape_fn((spikes, 2), value))?;
    let own = |k: usize| features.units.get((k, 0)).map_or(k as u32, |&u| u);
    let ind = Array2::from_shape_fn(
        (rows, 2),
        |(k, slot)| {
            if slot == 0 { own(k) } else { (own(k) + 1) % rows as u32 }
        },
    );
    write_array(&ind_path, &ind)
}

/// Writes the array with its first row repeated at the end until it has `rows` rows.
fn write_padded<T: NpyElement>(path: &Path, array: &ArrayRef<T, Ix2>, rows: usize) -> Result<()> {
    let (have, columns) = array.dim();
    if have == rows {
        return write_array(path, array);
    }
    write_array(
        path,
        &Array2::from_shape_fn((rows, columns), |(k, slot)| array[(if k < have { k } else { 0 }, slot)]),
    )
}
