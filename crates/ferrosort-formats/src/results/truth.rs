//! The truth of a simulation of this program: the folder `truth/` (docs/simulation.md).

use std::path::Path;

use ferrosort_core::{Error, Motion, Result, RunKind, RunUnit, SortingRun, TemplateSet, TemplateUnit, TruthDetails};
use ndarray::Array2;
use serde_json::Value;

use super::table::cells;
use super::{ReadOptions, columns, family, files};
use crate::probe::read_probe;

/// Reads `truth/`; the recording's facts and the probe are beside it, in the folder above.
pub(super) fn read(folder: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let mut run = SortingRun::new("", folder, RunKind::Truth);
    let simulation = files::json(&folder.join("sim.json"))?.unwrap_or_default();
    let above = folder
        .canonicalize()
        .ok()
        .and_then(|path| path.parent().map(Path::to_path_buf));
    if let Some(above) = &above {
        recording(&mut run, above)?;
    }
    run.sample_rate = options
        .sample_rate
        .or(run.sample_rate)
        .or_else(|| number(&simulation, "sample_rate"));
    run.n_samples = run
        .n_samples
        .or_else(|| number(&simulation, "n_samples").map(|n| n as u64));
    run.program = simulation["generator"].as_str().map(str::to_owned);
    if let Some(parameters) = simulation["parameters"].as_object() {
        run.parameters = parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }
    order_channels(&mut run, &simulation);
    spikes(&mut run, folder)?;
    units(&mut run, folder)?;
    templates(&mut run, folder, &simulation)?;
    motion(&mut run, folder)?;
    let exhaustive = simulation["exhaustive"].as_bool().unwrap_or(true);
    let details = details(&run, folder, exhaustive)?;
    run.truth = Some(details);
    columns::settle(&mut run, options.time_offset);
    Ok(run)
}

fn number(json: &Value, name: &str) -> Option<f64> {
    json[name]
        .as_f64()
        .or_else(|| json[format!("{name}_hz")].as_f64())
        .or_else(|| json["recording"][name].as_f64())
}

/// `meta.json`, `probe.json` and the data file of the simulation's folder.
fn recording(run: &mut SortingRun, folder: &Path) -> Result<()> {
    if let Some(meta) = files::json(&folder.join("meta.json"))? {
        run.sample_rate = number(&meta, "sample_rate");
        run.n_samples = meta["n_samples"].as_u64();
    }
    let data = folder.join("recording.bin");
    if data.is_file() {
        run.recording = vec![data];
    }
    let probe = folder.join("probe.json");
    if probe.is_file() {
        run.probe = Some(read_probe(&probe)?);
    }
    Ok(())
}

/// Puts the contacts into the order of the channel axis of the templates; the probe's file lists them otherwise.
fn order_channels(run: &mut SortingRun, simulation: &Value) {
    let (Some(list), Some(probe)) = (simulation["template_channels"].as_array(), &mut run.probe) else {
        return;
    };
    let place = |channel: &Value| {
        let channel = channel.as_u64()? as usize;
        probe.contacts.iter().position(|contact| contact.channel == channel)
    };
    if let Some(places) = list.iter().map(place).collect::<Option<Vec<usize>>>() {
        *probe = probe.select(&places);
    }
}

fn spikes(run: &mut SortingRun, folder: &Path) -> Result<()> {
    let column = |name: &str| {
        files::integers(folder, name)?.ok_or_else(|| {
            Error::input(format!(
                "{} has no {name}, so it is no truth of a simulation",
                folder.display()
            ))
        })
    };
    run.spikes.samples = column("spike_samples.npy")?;
    let units = column("spike_units.npy")?;
    if units.iter().any(|unit| !(0..family::MAX_UNITS).contains(unit)) {
        return Err(files::not(folder, "spike_units.npy", "units counted from 0"));
    }
    run.spikes.units = units.iter().map(|&unit| unit as u32).collect();
    run.spikes.amplitudes = files::singles(folder, "spike_ptp_uV.npy")?;
    "peak to peak, µV".clone_into(&mut run.amplitude_unit);
    if run.spikes.amplitudes.is_none() {
        run.spikes.amplitudes = files::singles(folder, "spike_amplitudes.npy")?;
        "factor of the template".clone_into(&mut run.amplitude_unit);
    }
    run.spikes.depths_um = files::singles(folder, "spike_depths.npy")?;
    let len = |column: &Option<Vec<f32>>| column.as_ref().map(Vec::len);
    files::same_length(
        folder,
        &[
            ("spike_samples.npy", Some(run.spikes.samples.len())),
            ("spike_units.npy", Some(units.len())),
            ("the amplitudes", len(&run.spikes.amplitudes)),
            ("spike_depths.npy", len(&run.spikes.depths_um)),
        ],
    )
}

/// `units.csv`; without it, units are numbered.
fn units(run: &mut SortingRun, folder: &Path) -> Result<()> {
    let used = run.spikes.units.iter().max().map_or(0, |&unit| unit as usize + 1);
    let path = folder.join("units.csv");
    let Some(text) = files::text(&path)? else {
        run.units = (0..used)
            .map(|id| RunUnit {
                id: id.to_string(),
                ..RunUnit::default()
            })
            .collect();
        return Ok(());
    };
    let mut lines = text.lines();
    let header = cells(lines.next().unwrap_or_default(), ',');
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let row = cells(line, ',');
        let unit = unit(&header, &row, run);
        run.units.push(unit);
    }
    if used > run.units.len() {
        return Err(Error::input(format!(
            "{} has {} units but spike_units.npy names unit {}; the folder is damaged",
            path.display(),
            run.units.len(),
            used - 1
        )));
    }
    Ok(())
}

fn unit(header: &[String], row: &[String], run: &SortingRun) -> RunUnit {
    let cell = |names: &[&str]| {
        let place = header.iter().position(|title| names.contains(&title.as_str()))?;
        row.get(place).filter(|cell| !cell.is_empty()).cloned()
    };
    let value = |names: &[&str]| cell(names).and_then(|cell| cell.parse::<f64>().ok());
    let position = [&["x", "x_um"], &["y", "y_um"], &["z", "z_um"]].map(|names| value(names.as_slice()));
    let channel = value(&["best_channel"]).map(|channel| channel as usize);
    let place = |channel: usize| match &run.probe {
        Some(probe) => probe.contacts.iter().position(|contact| contact.channel == channel),
        None => Some(channel),
    };
    let truthy = |text: String| matches!(text.to_lowercase().as_str(), "1" | "true");
    RunUnit {
        id: cell(&["unit_id", "unit", "id"]).unwrap_or_else(|| run.units.len().to_string()),
        position_um: match position {
            [Some(x), Some(y), z] => Some([x, y, z.unwrap_or(0.0)]),
            _ => None,
        },
        snr: value(&["snr"]),
        ptp_uv: value(&["ptp_on_probe_uv", "ptp_on_probe_uV", "ptp_probe_uv", "ptp_uv", "ptp_uV"]),
        best_channel: channel.and_then(place),
        class: cell(&["class"]),
        is_background: cell(&["is_mua", "is_background"]).is_some_and(truthy),
        ..RunUnit::default()
    }
}

/// `templates.npy`, µV, which need no unwhitening.
fn templates(run: &mut SortingRun, folder: &Path, simulation: &Value) -> Result<()> {
    let Some(waveforms) = files::cube(folder, "templates.npy")? else {
        return Ok(());
    };
    if run.probe.as_ref().is_some_and(|probe| probe.len() != waveforms.dim().2) {
        return Err(files::not(
            folder,
            "templates.npy",
            "a waveform for each contact of the probe",
        ));
    }
    if waveforms.dim().0 != run.units.len() {
        return Err(Error::input(format!(
            "{}: templates.npy has {} units but units.csv has {}; the folder is damaged",
            folder.display(),
            waveforms.dim().0,
            run.units.len()
        )));
    }
    let middle = waveforms.dim().1 / 2;
    let templates = TemplateSet {
        spike_at: simulation["n0"].as_u64().map_or(middle, |n0| n0 as usize),
        unit: TemplateUnit::Microvolts,
        waveforms,
    };
    for (unit, best) in run.units.iter_mut().zip(columns::best_channels(&templates)) {
        unit.best_channel = unit.best_channel.or(best.map(|(channel, _)| channel));
        unit.ptp_uv = unit.ptp_uv.or(best.map(|(_, range)| f64::from(range)));
    }
    run.physical_templates = Some(templates.clone());
    run.templates = Some(templates);
    Ok(())
}

/// `displacement.npy` with its times and depths.
fn motion(run: &mut SortingRun, folder: &Path) -> Result<()> {
    let Some(values) = files::array(folder, "displacement.npy")? else {
        return Ok(());
    };
    let times_s = files::doubles(folder, "displacement_times.npy")?.unwrap_or_default();
    let depths_um = files::doubles(folder, "displacement_depths.npy")?.unwrap_or_else(|| vec![0.0]);
    let wrong = || {
        files::not(
            folder,
            "displacement.npy",
            "a displacement for each of displacement_times and _depths",
        )
    };
    let values = values.into_f64().ok_or_else(wrong)?;
    let displacement_um = Array2::from_shape_vec((times_s.len(), depths_um.len()), values).map_err(|_| wrong())?;
    run.motion = Some(Motion {
        times_s,
        depths_um,
        displacement_um,
    });
    Ok(())
}

fn details(run: &SortingRun, folder: &Path, exhaustive: bool) -> Result<TruthDetails> {
    let overlap = files::integers(folder, "spike_overlap.npy")?;
    let overlap: Option<Vec<u8>> = overlap.map(|values| values.into_iter().map(|v| v.clamp(0, 2) as u8).collect());
    let names = [
        ("spike_samples.npy", Some(run.spikes.len())),
        ("spike_overlap.npy", overlap.as_ref().map(Vec::len)),
    ];
    files::same_length(folder, &names)?;
    let background = match files::integers(folder, "background_samples.npy")? {
        Some(samples) => Some(samples),
        None => files::integers(folder, "background_spike_samples.npy")?,
    };
    let displacement = files::matrix(folder, "unit_displacements.npy")?;
    Ok(TruthDetails {
        overlap,
        background_samples: background.unwrap_or_default(),
        unit_displacement_um: displacement.map(|values| values.mapv(|v| v as f32)),
        exhaustive,
        known_offset_samples: 0,
    })
}
