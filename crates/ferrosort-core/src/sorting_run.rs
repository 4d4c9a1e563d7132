//! What a result folder of any sorter holds: spikes, and whatever else it tells.
//!
//! Readers normalise on the way in: samples, units, channels and batches count from 0, matrices have the orientation
//! written here, names of units are kept as text. What a source does not have is `None`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::{Array2, Array3, Axis};
use serde::{Deserialize, Serialize};

use crate::{PcFeatures, Probe, SampleType};

/// Label of units that a sorter itself takes for no neuron.
const NOISE: &str = "noise";

/// What kind of result a folder or file was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// A run folder of this program.
    Ferrosort,
    /// A folder that phy opens.
    Phy,
    /// MATLAB Kilosort2: `rez.mat`, with or without the arrays for phy.
    Kilosort2,
    /// A context folder of pykilosort.
    Pykilosort,
    /// A sorting as SpikeInterface saves it.
    SpikeInterface,
    /// A table of samples and units.
    Table,
    /// Known spikes of a simulation.
    Truth,
}

/// Spikes of one run, ordered by sample, then unit. All columns have one length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpikeTable {
    /// Sample of each spike in the recording.
    pub samples: Vec<i64>,
    /// Unit of each spike: place in [`SortingRun::units`].
    pub units: Vec<u32>,
    /// Amplitude as the source gives it (see [`SortingRun::amplitude_unit`]).
    pub amplitudes: Option<Vec<f32>>,
    /// Position along the probe, µm.
    pub depths_um: Option<Vec<f32>>,
    /// Score of the spike against its template (Kilosort2's `st3`, column 4).
    pub scores: Option<Vec<f32>>,
}

impl SpikeTable {
    /// Number of spikes.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// True without spikes.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Ascending samples of each of `n_units` units.
    pub fn trains(&self, n_units: usize) -> Vec<Vec<i64>> {
        let mut trains = vec![Vec::new(); n_units];
        for (&sample, &unit) in self.samples.iter().zip(&self.units) {
            if let Some(train) = trains.get_mut(unit as usize) {
                train.push(sample);
            }
        }
        trains
    }
}

/// A unit of a run. Simulated units have the fields that a simulation knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunUnit {
    /// The source's name of the unit, usually a number.
    pub id: String,
    /// The source's verdict: `good`, `mua`, `noise`, `unsorted`, or whatever it wrote.
    pub label: Option<String>,
    /// Estimated contamination, per cent.
    pub contamination_pct: Option<f64>,
    /// Position: across the probe, along it, in front of it, µm.
    pub position_um: Option<[f64; 3]>,
    /// Trough on the best channel over the noise of that channel, by the source's definition.
    pub snr: Option<f64>,
    /// Peak to peak on the best channel, µV.
    pub ptp_uv: Option<f64>,
    /// Place of the best channel in the run's probe.
    pub best_channel: Option<usize>,
    /// Kind of neuron (`RS`, `FS`, `AX`), for simulated units.
    pub class: Option<String>,
    /// Small units of the background of a simulation, which a sorter is not asked to find.
    pub is_background: bool,
}

impl RunUnit {
    /// True for a unit that its sorter labelled `noise`: no claim of a neuron.
    pub fn is_noise(&self) -> bool {
        self.label.as_deref() == Some(NOISE)
    }
}

/// In what the values of a template are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateUnit {
    /// Standard deviations of whitened noise, or unit norm.
    Whitened,
    /// Counts of the recording's file.
    Counts,
    /// Microvolts.
    Microvolts,
}

/// Mean waveforms, `[units, samples, channels]`; rows as in [`SortingRun::units`], channels as in [`SortingRun::probe`].
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateSet {
    /// `[units, samples, channels]`.
    pub waveforms: Array3<f32>,
    /// Sample of a template that falls on the time of its spike.
    pub spike_at: usize,
    /// What the values are.
    pub unit: TemplateUnit,
}

/// The intermediates that the Kilosort2 family leaves behind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Intermediates {
    /// `[channels in, channels out]`: a filtered row times this is a whitened row, times [`Self::counts_per_sd`].
    pub whitening: Option<Array2<f64>>,
    /// Counts of the processed data for one standard deviation (`scaleproc`).
    pub counts_per_sd: Option<f64>,
    /// `[batches, batches]` in batch order (`ccb`; the notebook's `ccb0`).
    pub ccb: Option<Array2<f64>>,
    /// `[batches, batches]` in sorted order.
    pub ccbsort: Option<Array2<f64>>,
    /// Batch at each place of the sorted order (`iorig`), from 0.
    pub order: Option<Vec<usize>>,
    /// Samples between the starts of two batches.
    pub batch_samples: Option<u64>,
}

/// How the values of a processed file lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessedLayout {
    /// Batch by batch, in each all samples of the first channel, then of the second.
    Planar,
    /// All channels of the first sample, then of the second.
    Interleaved,
}

/// The filtered and whitened data that a sorter kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessedFile {
    /// `int16`, little-endian.
    pub path: PathBuf,
    /// Channels in it.
    pub n_channels: usize,
    /// Samples of a batch in the file, margins included.
    pub batch_samples: usize,
    /// Sample of the recording at which each batch begins (may be negative), when known.
    pub first_samples: Option<Vec<i64>>,
    /// Where batches are cut by their margins: samples at both ends that the neighbours also hold.
    pub margin_samples: usize,
    /// As the source says; `None` when it does not, and the data have to be looked at.
    pub layout: Option<ProcessedLayout>,
}

/// One file of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Name inside the source's folder.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// Type of its numbers (NumPy's code), empty for other files than arrays.
    pub dtype: String,
    /// Shape of its array, empty for other files.
    pub shape: Vec<usize>,
}

/// How the samples of flat files lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingFormat {
    /// Columns of the files.
    pub n_channels: usize,
    /// Type of a sample.
    pub sample_type: SampleType,
    /// Bytes before the first sample of each file.
    pub offset_bytes: u64,
    /// µV per count, one for each column, when known.
    pub gain_uv: Option<Vec<f64>>,
}

/// Displacement of the tissue, positive = towards larger y.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Motion {
    /// Centres of the time bins, s.
    pub times_s: Vec<f64>,
    /// Depths, µm; one for a rigid motion.
    pub depths_um: Vec<f64>,
    /// `[times, depths]`, µm.
    pub displacement_um: Array2<f64>,
}

/// The motion of one shank.
#[derive(Debug, Clone, PartialEq)]
pub struct ShankMotion {
    /// Which shank.
    pub shank: i64,
    /// Its motion.
    pub motion: Motion,
}

impl ShankMotion {
    /// The motions of shanks whose columns lie side by side in `displacement_um` `[times, columns]`: every column has a depth and a
    /// shank. Shanks ascend.
    pub fn of_columns(times_s: &[f64], depths_um: &[f64], shanks: &[i64], displacement_um: &Array2<f64>) -> Vec<Self> {
        let mut columns: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (column, &shank) in shanks.iter().enumerate() {
            columns.entry(shank).or_default().push(column);
        }
        let motion = |columns: &[usize]| Motion {
            times_s: times_s.to_vec(),
            depths_um: columns.iter().map(|&column| depths_um[column]).collect(),
            displacement_um: displacement_um.select(Axis(1), columns),
        };
        columns
            .iter()
            .map(|(&shank, columns)| Self {
                shank,
                motion: motion(columns),
            })
            .collect()
    }
}

/// What a simulation knows beyond its spikes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TruthDetails {
    /// For each spike: 0 alone, 1 another unit within 1 ms, 2 such a unit at the same place.
    pub overlap: Option<Vec<u8>>,
    /// Samples of the spikes of small background units.
    pub background_samples: Vec<i64>,
    /// `[times, units]`, µm, at the times of the motion.
    pub unit_displacement_um: Option<Array2<f32>>,
    /// True when every spike of the recording is known; false for units injected into a real one.
    pub exhaustive: bool,
    /// Samples by which the source's spike times are known to be late against the trough.
    pub known_offset_samples: i64,
}

/// One sorter's result, or the truth.
#[derive(Debug, Clone)]
pub struct SortingRun {
    /// Short name for tables and legends.
    pub name: String,
    /// The folder or file it came from.
    pub source: PathBuf,
    /// What that was.
    pub kind: RunKind,
    /// Samples per second, Hz, when the source says.
    pub sample_rate: Option<f64>,
    /// Length of the recording, samples, when the source says.
    pub n_samples: Option<u64>,
    /// Units in the source's order; some may have no spikes.
    pub units: Vec<RunUnit>,
    /// All spikes.
    pub spikes: SpikeTable,
    /// What [`SpikeTable::amplitudes`] is, for axis labels ("factor of the template", "µV").
    pub amplitude_unit: String,
    /// Contacts in the order of every channel axis; `channel` is the column of the recording's file.
    pub probe: Option<Probe>,
    /// Templates as the source stores them.
    pub templates: Option<TemplateSet>,
    /// The same without whitening, when that can be undone.
    pub physical_templates: Option<TemplateSet>,
    /// `[units, units]` similarity as the source gives it.
    pub similarity: Option<Array2<f32>>,
    /// Features of the spikes, rows as in `spikes`.
    pub features: Option<PcFeatures>,
    /// Arrays of the Kilosort2 family.
    pub intermediates: Intermediates,
    /// The processed data, when they were kept.
    pub processed: Option<ProcessedFile>,
    /// Flat files of the raw recording, when the source names them and they exist.
    pub recording: Vec<PathBuf>,
    /// How they lie, when the source says.
    pub recording_format: Option<RecordingFormat>,
    /// Motion: estimated, or true for a simulation. Of the whole probe, or of the only shank that has one.
    pub motion: Option<Motion>,
    /// Where several shanks have motions of their own, these; `motion` is then absent.
    pub shank_motions: Vec<ShankMotion>,
    /// What only a simulation knows.
    pub truth: Option<TruthDetails>,
    /// Parameters by name, as the source gives them.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Program and version.
    pub program: Option<String>,
    /// Wall time of the sorting, s.
    pub run_time_s: Option<f64>,
    /// Stages of the sorting and their wall times, s.
    pub stage_seconds: Vec<(String, f64)>,
    /// What the sorter decided by itself, and why, one sentence each.
    pub choices: Vec<String>,
    /// The files that the source consists of.
    pub files: Vec<SourceFile>,
    /// What the reader of a comparison should know about this source, one sentence each.
    pub warnings: Vec<String>,
}

impl SortingRun {
    /// A run with nothing in it yet.
    pub fn new(name: impl Into<String>, source: impl Into<PathBuf>, kind: RunKind) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            kind,
            sample_rate: None,
            n_samples: None,
            units: Vec::new(),
            spikes: SpikeTable::default(),
            amplitude_unit: String::new(),
            probe: None,
            templates: None,
            physical_templates: None,
            similarity: None,
            features: None,
            intermediates: Intermediates::default(),
            processed: None,
            recording: Vec::new(),
            recording_format: None,
            motion: None,
            shank_motions: Vec::new(),
            truth: None,
            parameters: BTreeMap::new(),
            program: None,
            run_time_s: None,
            stage_seconds: Vec::new(),
            choices: Vec::new(),
            files: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Ascending samples of each unit, in the order of `units`.
    pub fn trains(&self) -> Vec<Vec<i64>> {
        self.spikes.trains(self.units.len())
    }

    /// The run without the units that its sorter labelled `noise`, and how many these are: those claim no neuron.
    #[must_use]
    pub fn without_noise(mut self) -> (Self, usize) {
        let kept: Vec<usize> = (0..self.units.len()).filter(|&u| !self.units[u].is_noise()).collect();
        let left_out = self.units.len() - kept.len();
        if left_out == 0 {
            return (self, 0);
        }
        let mut place = vec![None; self.units.len()];
        for (new, &old) in kept.iter().enumerate() {
            place[old] = Some(new as u32);
        }
        let is_kept = |row: &usize| place.get(self.spikes.units[*row] as usize).copied().flatten().is_some();
        let rows: Vec<usize> = (0..self.spikes.len()).filter(is_kept).collect();
        let spikes = &self.spikes;
        let column = |values: &Option<Vec<f32>>| values.as_ref().map(|v| rows.iter().map(|&i| v[i]).collect());
        let units = rows.iter().filter_map(|&i| place[spikes.units[i] as usize]).collect();
        self.spikes = SpikeTable {
            samples: rows.iter().map(|&i| spikes.samples[i]).collect(),
            units,
            amplitudes: column(&spikes.amplitudes),
            depths_um: column(&spikes.depths_um),
            scores: column(&spikes.scores),
        };
        self.units = kept.iter().map(|&u| self.units[u].clone()).collect();
        for set in [&mut self.templates, &mut self.physical_templates]
            .into_iter()
            .flatten()
        {
            set.waveforms = set.waveforms.select(Axis(0), &kept);
        }
        self.similarity = self
            .similarity
            .take()
            .map(|s| s.select(Axis(0), &kept).select(Axis(1), &kept));
        self.features = self.features.take().map(|f| PcFeatures {
            values: f.values.select(Axis(0), &rows),
            channels: f.channels.select(Axis(0), &kept),
        });
        (self, left_out)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, array};

    use super::*;

    #[test]
    fn noise_goes_with_all_its_rows() {
        let mut run = SortingRun::new("a", "a", RunKind::Phy);
        let unit = |id: &str, label: &str| RunUnit {
            id: id.into(),
            label: Some(label.into()),
            ..RunUnit::default()
        };
        run.units = vec![unit("7", "good"), unit("8", "noise"), unit("9", "mua")];
        run.spikes = SpikeTable {
            samples: vec![10, 20, 30, 40],
            units: vec![2, 1, 0, 2],
            amplitudes: Some(vec![1.0, 2.0, 3.0, 4.0]),
            ..SpikeTable::default()
        };
        run.similarity = Array::from_shape_vec((3, 3), (0..9).map(|v| v as f32).collect()).ok();
        run.features = Some(PcFeatures {
            values: Array::from_shape_fn((4, 1, 1), |(i, _, _)| i as f32),
            channels: Array::from_shape_fn((3, 1), |(u, _)| u as u32),
        });
        let (run, left_out) = run.without_noise();
        assert_eq!(left_out, 1);
        assert_eq!(run.units.iter().map(|u| u.id.as_str()).collect::<Vec<_>>(), ["7", "9"]);
        assert_eq!(
            (run.spikes.samples, run.spikes.units),
            (vec![10, 30, 40], vec![1, 0, 1])
        );
        assert_eq!(run.spikes.amplitudes, Some(vec![1.0, 3.0, 4.0]));
        assert_eq!(run.similarity, Some(array![[0.0, 2.0], [6.0, 8.0]]));
        let features = run.features.map(|f| {
            (
                f.values.into_raw_vec_and_offset().0,
                f.channels.into_raw_vec_and_offset().0,
            )
        });
        assert_eq!(features, Some((vec![0.0, 2.0, 3.0], vec![0, 2])));
    }
}
