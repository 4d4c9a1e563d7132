//! Run folders of this program: a phy folder with `run.json` and `intermediates/` (docs/output.md).

use std::path::{Path, PathBuf};

use ferrosort_core::{ProcessedFile, ProcessedLayout, Result, RunKind, ShankMotion, SortingRun, TemplateUnit};
use ndarray::Axis;
use serde_json::Value;

use super::{ReadOptions, columns, family, files, phy};

/// Samples by which phy templates begin before the learned ones, beyond `trough_sample`: one zero (docs/output.md).
const PADDING: usize = 1;

/// Reads a folder with `run.json`. A `run.json` of another program makes it an ordinary phy folder.
pub(super) fn read(folder: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let mut run = phy::read(folder, options)?;
    let Some(manifest) = files::json(&folder.join("run.json"))?.filter(|json| json.get("ferrosort").is_some()) else {
        return Ok(run);
    };
    run.kind = RunKind::Ferrosort;
    run.program = manifest["ferrosort"]
        .as_str()
        .map(|version| format!("ferrosort {version}"));
    run.run_time_s = manifest["timings"]["total_s"].as_f64();
    let stages = manifest["timings"]["stages"].as_array().into_iter().flatten();
    run.stage_seconds = stages
        .filter_map(|entry| Some((entry["stage"].as_str()?.to_owned(), entry["seconds"].as_f64()?)))
        .collect();
    let choices = manifest["choices"].as_array().into_iter().flatten();
    run.choices = choices.filter_map(Value::as_str).map(str::to_owned).collect();
    parameters(&mut run, &manifest);
    recording(&mut run, &manifest["recording"], options);
    if let Some(name) = manifest["probe"]["name"].as_str()
        && let Some(probe) = &mut run.probe
    {
        name.clone_into(&mut probe.name);
    }
    intermediates(&mut run, &folder.join("intermediates"))?;
    motion(&mut run, &folder.join("intermediates"), &manifest["recording"])?;
    run.processed = processed(folder, &manifest, &run);
    place_of_spike(&mut run, &manifest);
    let gain_uv = &manifest["recording"]["gain_uv"];
    if let Some(format) = &mut run.recording_format {
        format.gain_uv = serde_json::from_value(gain_uv.clone()).unwrap_or_default();
    }
    microvolts(&mut run, gain_uv);
    if let Some(table) = files::matrix(&folder.join("intermediates"), "st3_c.npy")? {
        family::scores(&mut run, table.view(), options);
    }
    Ok(run)
}

/// Parameters and compatibility switches, the latter as `compat.NAME`.
fn parameters(run: &mut SortingRun, manifest: &Value) {
    let entries = |key: &str| manifest[key].as_object().into_iter().flatten();
    run.parameters = entries("parameters")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let switches = entries("compat").map(|(name, value)| (format!("compat.{name}"), value.clone()));
    run.parameters.extend(switches);
    if let Some(algorithm) = manifest.get("algorithm") {
        run.parameters.insert("algorithm".to_owned(), algorithm.clone());
    }
}

fn recording(run: &mut SortingRun, entry: &Value, options: &ReadOptions) {
    run.sample_rate = options
        .sample_rate
        .or(entry["sample_rate_hz"].as_f64())
        .or(run.sample_rate);
    let listed: Vec<&Value> = entry["files"].as_array().into_iter().flatten().collect();
    let whole: Option<u64> = listed
        .iter()
        .try_fold(0, |sum: u64, file| sum.checked_add(file["n_samples"].as_u64()?));
    let first = entry["first_sample"].as_u64().unwrap_or(0);
    let sorted = entry["n_samples"].as_u64().and_then(|n| n.checked_add(first));
    // Spike times count from the start of the first file, even when only a range of time was sorted.
    run.n_samples = if listed.is_empty() { sorted } else { whole.or(sorted) };
    if run.recording.is_empty() {
        let paths: Vec<PathBuf> = listed
            .iter()
            .filter_map(|f| f["path"].as_str())
            .map(PathBuf::from)
            .collect();
        if paths.iter().all(|path| path.is_file()) {
            run.recording = paths;
        }
    }
}

fn intermediates(run: &mut SortingRun, folder: &Path) -> Result<()> {
    let known = &mut run.intermediates;
    if let Some(whitening) = files::matrix(folder, "Wrot.npy")? {
        known.whitening = Some(whitening);
        known.counts_per_sd = run.parameters.get("whitened_scale").and_then(Value::as_f64);
    }
    known.ccb = files::matrix(folder, "ccb.npy")?;
    known.ccbsort = files::matrix(folder, "ccbsort.npy")?;
    known.order = family::order(folder)?;
    let number = |name: &str| run.parameters.get(name).and_then(Value::as_u64);
    if let (Some(batch), Some(overlap)) = (number("batch_samples"), number("batch_overlap")) {
        known.batch_samples = batch.checked_sub(overlap);
    }
    Ok(())
}

/// The motions that the sorter followed. Times of the file count from the start of the time range, those of spikes from that of the
/// recording.
fn motion(run: &mut SortingRun, folder: &Path, entry: &Value) -> Result<()> {
    let (Some(displacement_um), Some(times), Some(depths_um), Some(shanks)) = (
        files::matrix(folder, "motion.npy")?,
        files::doubles(folder, "motion_times.npy")?,
        files::doubles(folder, "motion_depths.npy")?,
        files::integers(folder, "motion_shanks.npy")?,
    ) else {
        return Ok(());
    };
    if displacement_um.dim() != (times.len(), depths_um.len()) || shanks.len() != depths_um.len() {
        return Err(files::not(
            folder,
            "motion.npy",
            "a displacement for each of motion_times and motion_depths",
        ));
    }
    let first = entry["first_sample"].as_u64().unwrap_or(0) as f64;
    let start_s = run.sample_rate.map_or(0.0, |rate| first / rate);
    let times_s: Vec<f64> = times.iter().map(|t| t + start_s).collect();
    run.shank_motions = ShankMotion::of_columns(&times_s, &depths_um, &shanks, &displacement_um);
    if run.shank_motions.len() == 1 {
        run.motion = run.shank_motions.pop().map(|only| only.motion);
    }
    Ok(())
}

fn processed(folder: &Path, manifest: &Value, run: &SortingRun) -> Option<ProcessedFile> {
    let entry = manifest.get("processed")?;
    let path = folder.join(entry["file"].as_str()?);
    if !path.is_file() {
        return None;
    }
    let batch_samples = entry["batch_samples"].as_u64()? as usize;
    let first_samples = entry["first_samples"].as_array()?;
    let hop = run.intermediates.batch_samples.unwrap_or(batch_samples as u64);
    Some(ProcessedFile {
        path,
        n_channels: entry["n_channels"].as_u64()? as usize,
        batch_samples,
        first_samples: first_samples.iter().map(Value::as_i64).collect(),
        margin_samples: batch_samples.saturating_sub(hop as usize),
        layout: Some(ProcessedLayout::Planar),
    })
}

/// The sample of a template at the time of its spike follows from the parameters.
fn place_of_spike(run: &mut SortingRun, manifest: &Value) {
    let number = |name: &str| run.parameters.get(name).and_then(Value::as_u64).map(|n| n as usize);
    let (Some(template), Some(trough)) = (number("template_samples"), number("trough_sample")) else {
        return;
    };
    let late = manifest["compat"]["alignment_off_by_one"].as_bool() == Some(true);
    for templates in [&mut run.templates, &mut run.physical_templates].into_iter().flatten() {
        let samples = templates.waveforms.dim().1;
        let padding = samples.saturating_sub(template);
        if padding.checked_sub(PADDING) == Some(trough) {
            templates.spike_at = padding + trough - 1 + usize::from(late);
        }
    }
}

/// Turns counts into µV where the gain of every channel is known.
fn microvolts(run: &mut SortingRun, gain_uv: &Value) {
    let gains: Option<Vec<f64>> = gain_uv
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_f64).collect());
    let (Some(gains), Some(probe), Some(physical)) = (gains, &run.probe, &mut run.physical_templates) else {
        return;
    };
    let of_channel = |channel: usize| gains.get(channel).copied();
    let Some(factors) = probe
        .contacts
        .iter()
        .map(|c| of_channel(c.channel))
        .collect::<Option<Vec<f64>>>()
    else {
        return;
    };
    for (mut channel, factor) in physical.waveforms.axis_iter_mut(Axis(2)).zip(factors) {
        channel.mapv_inplace(|value| value * factor as f32);
    }
    physical.unit = TemplateUnit::Microvolts;
    for (unit, best) in run.units.iter_mut().zip(columns::best_channels(physical)) {
        unit.best_channel = best.map(|(channel, _)| channel);
        unit.ptp_uv = best.map(|(_, range)| f64::from(range));
    }
}
