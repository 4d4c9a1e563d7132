//! Sortings as NumPy arrays by name. `python/ferrosort/_sorting.py` says what each is.

use std::path::PathBuf;

use ferrosort::pipeline::Intermediate;
use ferrosort_core::{Motion, Probe, SortingRun};
use ferrosort_formats::results::{ReadOptions, read_run};
use ndarray::Array1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;

use crate::arrays::{to_numpy, vec_to_numpy};
use crate::call;
use crate::recording::{Recording, contacts_to_numpy};
use crate::sort::{Settings, Sorted};

/// What a sort gives.
pub fn of_sort<'py>(
    py: Python<'py>,
    sorted: Sorted,
    recording: &Recording,
    settings: &Settings,
) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    let sorting = sorted.outcome.sorting;
    let first_sample = recording.recording.raw_file().map_or(0, |raw| raw.first_sample);
    let samples = sorting.spike_times.iter().map(|&t| (t + first_sample) as i64);
    all.set_item("sample_rate", sorting.sample_rate)?;
    all.set_item("spike_samples", vec_to_numpy(py, samples.collect())?)?;
    all.set_item(
        "spike_rows",
        vec_to_numpy(py, sorting.spike_units.iter().map(|&u| i64::from(u)).collect())?,
    )?;
    all.set_item("amplitudes", vec_to_numpy(py, sorting.amplitudes)?)?;
    all.set_item("templates", to_numpy(py, sorting.templates)?)?;
    all.set_item("similarity", to_numpy(py, sorting.similar_templates)?)?;
    all.set_item("whitening", to_numpy(py, sorting.whitening)?)?;
    all.set_item("whitening_inverse", to_numpy(py, sorting.whitening_inverse)?)?;
    if let Some(features) = sorting.pc_features {
        all.set_item("pc_features", to_numpy(py, features.values)?)?;
        all.set_item("pc_feature_channels", to_numpy(py, features.channels)?)?;
    }
    set_contacts(&all, &sorting.probe)?;
    let units = &sorting.units;
    all.set_item("unit_ids", (0..units.len()).map(|k| k.to_string()).collect::<Vec<_>>())?;
    let columns = PyDict::new(py);
    columns.set_item("label", units.iter().map(|u| u.label.as_str()).collect::<Vec<_>>())?;
    columns.set_item(
        "contamination_pct",
        vec_to_numpy(py, units.iter().map(|u| u.contamination_pct).collect())?,
    )?;
    columns.set_item(
        "amplitude_counts",
        vec_to_numpy(py, units.iter().map(|u| u.amplitude_counts).collect())?,
    )?;
    columns.set_item(
        "threshold_sd",
        vec_to_numpy(py, units.iter().map(|u| u.threshold_sd).collect())?,
    )?;
    all.set_item("unit_columns", columns)?;
    let intermediates = PyDict::new(py);
    for (name, _, array) in sorted.outcome.intermediates {
        intermediates.set_item(name, intermediate(py, array)?)?;
    }
    all.set_item("intermediates", intermediates)?;
    all.set_item("settings", json(&settings.resolved.settings))?;
    all.set_item("kind", "ferrosort")?;
    all.set_item("choices", sorted.outcome.choices)?;
    all.set_item("warnings", sorted.warnings)?;
    all.set_item("path", sorted.folder)?;
    all.set_item("seconds", sorted.seconds)?;
    let stages = sorted.outcome.times.iter().map(|time| (time.stage, time.seconds));
    all.set_item("stage_seconds", stages.collect::<Vec<_>>())?;
    Ok(all)
}

/// Reads any result.
#[pyfunction]
pub fn read<'py>(
    py: Python<'py>,
    path: PathBuf,
    sample_rate: Option<f64>,
    prefer_truth: bool,
    keep_empty_units: bool,
    listener: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = ReadOptions {
        sample_rate,
        prefer_truth,
        keep_empty_units,
        ..ReadOptions::default()
    };
    let run = call::run(py, listener, |_| read_run(&path, &options))?;
    of_run(py, run, path)
}

fn of_run(py: Python<'_>, run: SortingRun, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("sample_rate", run.sample_rate)?;
    all.set_item("spike_samples", vec_to_numpy(py, run.spikes.samples)?)?;
    all.set_item(
        "spike_rows",
        vec_to_numpy(py, run.spikes.units.iter().map(|&u| i64::from(u)).collect())?,
    )?;
    let columns = [
        ("amplitudes", run.spikes.amplitudes),
        ("spike_depths_um", run.spikes.depths_um),
        ("spike_scores", run.spikes.scores),
    ];
    for (name, values) in columns {
        all.set_item(name, values.map(|values| vec_to_numpy(py, values)).transpose()?)?;
    }
    if let Some(templates) = run.templates {
        all.set_item("template_spike_at", templates.spike_at)?;
        all.set_item("templates", to_numpy(py, templates.waveforms)?)?;
    }
    if let Some(similarity) = run.similarity {
        all.set_item("similarity", to_numpy(py, similarity)?)?;
    }
    if let Some(features) = run.features {
        all.set_item("pc_features", to_numpy(py, features.values)?)?;
        all.set_item("pc_feature_channels", to_numpy(py, features.channels)?)?;
    }
    if let Some(probe) = &run.probe {
        set_contacts(&all, probe)?;
    }
    let units = &run.units;
    all.set_item("unit_ids", units.iter().map(|u| u.id.as_str()).collect::<Vec<_>>())?;
    let columns = PyDict::new(py);
    columns.set_item("label", units.iter().map(|u| u.label.as_deref()).collect::<Vec<_>>())?;
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    columns.set_item(
        "contamination_pct",
        vec_to_numpy(py, units.iter().map(|u| number(u.contamination_pct)).collect())?,
    )?;
    for (axis, name) in ["x_um", "y_um"].into_iter().enumerate() {
        let values = units.iter().map(|u| number(u.position_um.map(|p| p[axis])));
        columns.set_item(name, vec_to_numpy(py, values.collect())?)?;
    }
    columns.set_item(
        "ptp_uv",
        vec_to_numpy(py, units.iter().map(|u| number(u.ptp_uv)).collect())?,
    )?;
    all.set_item("unit_columns", columns)?;
    all.set_item("intermediates", intermediates_read(py, run.intermediates)?)?;
    all.set_item("motion", run.motion.map(|of| motion(py, of)).transpose()?)?;
    let shanks = PyDict::new(py);
    for of in run.shank_motions {
        shanks.set_item(of.shank, motion(py, of.motion)?)?;
    }
    all.set_item("shank_motions", shanks)?;
    all.set_item("settings", json(&run.parameters))?;
    all.set_item("kind", kind(run.kind))?;
    all.set_item("warnings", run.warnings)?;
    all.set_item("path", path)?;
    all.set_item("seconds", run.run_time_s)?;
    all.set_item("stage_seconds", run.stage_seconds)?;
    Ok(all)
}

/// Times, depths, displacement.
fn motion(py: Python<'_>, motion: Motion) -> PyResult<(Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>)> {
    Ok((
        vec_to_numpy(py, motion.times_s)?,
        vec_to_numpy(py, motion.depths_um)?,
        to_numpy(py, motion.displacement_um)?,
    ))
}

fn intermediates_read(py: Python<'_>, found: ferrosort_core::Intermediates) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    for (name, matrix) in [
        ("Wrot", found.whitening),
        ("ccb", found.ccb),
        ("ccbsort", found.ccbsort),
    ] {
        if let Some(matrix) = matrix {
            all.set_item(name, to_numpy(py, matrix)?)?;
        }
    }
    if let Some(order) = found.order {
        all.set_item(
            "iorig",
            to_numpy(py, Array1::from_iter(order.into_iter().map(|b| b as i64)))?,
        )?;
    }
    Ok(all)
}

fn intermediate(py: Python<'_>, array: Intermediate) -> PyResult<Bound<'_, PyAny>> {
    match array {
        Intermediate::F64(array) => to_numpy(py, array),
        Intermediate::F32(array) => to_numpy(py, array),
        Intermediate::I64(array) => to_numpy(py, array),
    }
}

fn set_contacts(all: &Bound<'_, PyDict>, probe: &Probe) -> PyResult<()> {
    let [channels, positions, shanks] = contacts_to_numpy(all.py(), probe)?;
    all.set_item("channels", channels)?;
    all.set_item("channel_positions", positions)?;
    all.set_item("channel_shanks", shanks)
}

/// The name that serialisation gives it.
fn kind(kind: ferrosort_core::RunKind) -> String {
    json(&kind).trim_matches('"').to_owned()
}

/// As JSON, which Python reads by itself.
fn json(value: &impl Serialize) -> String {
    // Settings and kinds have keys that are text, so this cannot fail; an empty text would be a loud error in Python.
    serde_json::to_string(value).unwrap_or_default()
}
