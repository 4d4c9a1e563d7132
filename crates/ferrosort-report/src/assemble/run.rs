//! A run with its units, and the files that it came from.

use ferrosort_compare::analysis::{Analysis, RunAnalysis};
use ferrosort_compare::quality::views;
use ferrosort_compare::quality::{Better, Extent, SuspectLimits, metric};
use ferrosort_core::TemplateUnit;

use super::budget::Budget;
use super::channels::Channels;
use super::{matrix, unit};
use crate::model::{Array, FileRow, Kept, MetricColumn, Part, Raster, Role, Run, Stage};

/// Spikes in the raster of all units, and its length, s.
const RASTER_SPIKES: usize = 20_000;
const RASTER_S: f64 = 10.0;
/// Bins of the presence map over the recording, and their smoothing.
const PRESENCE_BINS: usize = 240;
const PRESENCE_SD_BINS: f64 = 1.0;

pub(super) fn run(analysis: &Analysis, place: usize, channels: &Channels, budget: &Budget) -> Run {
    let analysed = &analysis.runs[place];
    let source = &analysed.run;
    let trains = source.trains();
    let extent = Extent {
        sample_rate: analysis.sample_rate,
        n_samples: analysis.n_samples,
    };
    let is_truth = analysis.params.truth && place == 0;
    Run {
        name: source.name.clone(),
        role: if is_truth { Role::Truth } else { Role::Sorting },
        program: source.program.clone().unwrap_or_default(),
        source: source.source.display().to_string(),
        run_time_s: source.run_time_s,
        stages: source
            .stage_seconds
            .iter()
            .map(|(name, seconds)| Stage {
                name: name.clone(),
                seconds: *seconds,
            })
            .collect(),
        choices: source.choices.clone(),
        n_spikes: source.spikes.len() as u64,
        amplitude_unit: analysed.measured.available().map_or_else(
            || source.amplitude_unit.clone(),
            |measured| measured.unit.as_str().to_string(),
        ),
        waveform_unit: waveform_unit(analysed).to_string(),
        units: unit::units(analysis, place, &trains, channels, budget),
        metrics: metrics(analysed),
        raster: raster(&trains, extent),
        presence: Part::Available(matrix(
            &views::presence_map(&trains, extent, PRESENCE_BINS, PRESENCE_SD_BINS).rates_hz,
            Kept::Levels8,
        )),
    }
}

/// In what the waveforms of the units are.
pub(super) fn waveform_unit(run: &RunAnalysis) -> &'static str {
    match (&run.measured.available(), unit::stored_templates(&run.run)) {
        (Some(measured), _) => measured.unit.as_str(),
        (None, Some(set)) => match set.unit {
            TemplateUnit::Whitened => "sd of the noise",
            TemplateUnit::Counts => "counts",
            TemplateUnit::Microvolts => "µV",
        },
        (None, None) => "",
    }
}

fn metrics(run: &RunAnalysis) -> Vec<MetricColumn> {
    let limits = SuspectLimits::default();
    run.quality
        .columns
        .iter()
        .map(|column| {
            let known = metric(&column.name);
            let (above, below) = suspicious(&column.name, &limits);
            MetricColumn {
                name: column.name.clone(),
                label: column.name.replace('_', " "),
                unit: column.unit.clone(),
                values: Array::list(column.values.clone()),
                suspicious_above: above.filter(|_| known.is_none_or(|m| m.better != Better::High)),
                suspicious_below: below.filter(|_| known.is_none_or(|m| m.better != Better::Low)),
                meaning: known.map_or_else(String::new, |m| m.description.to_string()),
            }
        })
        .collect()
}

/// Above and below which a metric makes a unit suspicious.
fn suspicious(name: &str, limits: &SuspectLimits) -> (Option<f64>, Option<f64>) {
    match name {
        "num_spikes" => (None, Some(limits.fewest_spikes)),
        "rp_contamination" => (Some(limits.rp_contamination), None),
        "amplitude_cutoff" => (Some(limits.amplitude_cutoff), None),
        "noise_cutoff" => (Some(limits.noise_cutoff), None),
        "presence_ratio" => (None, Some(limits.presence_ratio)),
        "snr" => (None, Some(limits.snr)),
        "drift_ptp" => (Some(limits.drift_ptp_um), None),
        "sync_spike_8" => (Some(limits.sync_spike_8), None),
        "isi_violations_ratio" => (Some(0.5), None),
        _ => (None, None),
    }
}

fn raster(trains: &[Vec<i64>], extent: Extent) -> Part<Raster> {
    let seconds = extent.duration_s().min(RASTER_S);
    let thinned = views::raster(trains, 0, (seconds * extent.sample_rate) as i64, RASTER_SPIKES);
    let mut spikes: Vec<(i64, usize)> = thinned
        .iter()
        .enumerate()
        .flat_map(|(unit, train)| train.iter().map(move |&sample| (sample, unit)))
        .collect();
    spikes.sort_unstable();
    if spikes.is_empty() {
        return Part::missing("no unit fires in the first seconds");
    }
    Part::Available(Raster {
        window_s: [0.0, seconds],
        times_s: Array::list(spikes.iter().map(|s| s.0 as f64 / extent.sample_rate).collect()),
        units: Array::integers(spikes.iter().map(|s| s.1 as i64)),
    })
}

/// The arrays of the runs that a reader looks for, with their shapes.
pub(super) fn files(analysis: &Analysis) -> Vec<FileRow> {
    let mut rows = Vec::new();
    for (place, analysed) in analysis.runs.iter().enumerate() {
        for file in &analysed.run.files {
            rows.push(FileRow {
                run: place,
                name: file.name.clone(),
                bytes: Some(file.bytes),
                dtype: file.dtype.clone(),
                shape: file.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "),
            });
        }
    }
    rows
}
