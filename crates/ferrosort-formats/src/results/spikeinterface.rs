//! Sortings as SpikeInterface saves them: `NpzSortingExtractor` and `NumpyFolder`.

use std::collections::BTreeMap;
use std::path::Path;

use ferrosort_core::{Error, Result, RunKind, RunUnit, SortingRun};
use serde_json::Value;

use super::{ReadOptions, columns, files};
use crate::npy::{Npz, read_npy_columns};

/// Reads a pack with `unit_ids`, `spike_indexes_seg0`, `spike_labels_seg0` and `sampling_frequency`.
pub(super) fn read_npz(path: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let mut pack = Npz::open(path)?;
    let numbers = |what: &str| Error::input(format!("{}: {what} are not numbers", path.display()));
    let segments = match pack.read("num_segment")? {
        Some(array) => array.into_i64().and_then(|n| n.first().copied()).unwrap_or(1),
        None => 1,
    };
    one_segment(segments, path)?;
    let seconds = pack
        .read("sampling_frequency")?
        .and_then(|array| array.into_f64()?.first().copied());
    let seg0 = pack.names().iter().any(|name| name == "spike_indexes_seg0");
    let (indexes, labels) = if seg0 {
        ("spike_indexes_seg0", "spike_labels_seg0")
    } else {
        ("spike_indexes", "spike_labels")
    };
    let samples = pack.require(indexes)?.into_i64().ok_or_else(|| numbers(indexes))?;
    let labels = pack.require(labels)?.into_texts();
    let ids = pack.require("unit_ids")?.into_texts();
    let names = [
        ("spike_indexes", Some(samples.len())),
        ("spike_labels", Some(labels.len())),
    ];
    files::same_length(path, &names)?;

    let mut run = SortingRun::new("", path, RunKind::SpikeInterface);
    run.sample_rate = options.sample_rate.or(seconds);
    let places: BTreeMap<&str, u32> = ids.iter().zip(0..).map(|(id, place)| (id.as_str(), place)).collect();
    let place = |label: &String| {
        places.get(label.as_str()).copied().ok_or_else(|| {
            Error::input(format!(
                "{}: a spike has the unit '{label}', which unit_ids lacks",
                path.display()
            ))
        })
    };
    run.spikes.units = labels.iter().map(place).collect::<Result<_>>()?;
    run.spikes.samples = samples;
    run.units = named(&ids);
    columns::settle(&mut run, options.time_offset);
    Ok(run)
}

/// Reads a folder with `numpysorting_info.json` and `spikes.npy`.
pub(super) fn read_folder(folder: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let info_path = folder.join("numpysorting_info.json");
    let info = files::json(&info_path)?.unwrap_or_default();
    let wrong = |what: &str| Error::input(format!("{} has no {what}", info_path.display()));
    one_segment(info["num_segments"].as_i64().unwrap_or(1), folder)?;
    let ids = info["unit_ids"].as_array().ok_or_else(|| wrong("list of unit_ids"))?;
    let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let ids: Vec<String> = ids.iter().map(text).collect();

    let mut run = SortingRun::new("", folder, RunKind::SpikeInterface);
    run.sample_rate = options.sample_rate.or(info["sampling_frequency"].as_f64());
    let path = folder.join("spikes.npy");
    let mut columns = read_npy_columns(&path)?;
    let mut column = |name: &str| {
        let place = columns.iter().position(|(column, _)| column == name);
        let values = place.and_then(|place| columns.swap_remove(place).1.into_i64());
        values.ok_or_else(|| Error::input(format!("{} has no column {name} of whole numbers", path.display())))
    };
    run.spikes.samples = column("sample_index")?;
    let units = column("unit_index")?;
    let n = ids.len() as i64;
    if let Some(unit) = units.iter().find(|&&unit| !(0..n).contains(&unit)) {
        return Err(Error::input(format!("{} names the unit {unit} of {n}", path.display())));
    }
    run.spikes.units = units.into_iter().map(|unit| unit as u32).collect();
    run.units = named(&ids);
    properties(&mut run, &folder.join("properties"))?;
    columns::settle(&mut run, options.time_offset);
    Ok(run)
}

fn one_segment(segments: i64, path: &Path) -> Result<()> {
    if segments == 1 {
        return Ok(());
    }
    Err(Error::input(format!(
        "{} has {segments} segments, whose places in one recording are not known; save one segment of it",
        path.display()
    )))
}

fn named(ids: &[String]) -> Vec<RunUnit> {
    let unit = |id: &String| RunUnit {
        id: id.clone(),
        ..RunUnit::default()
    };
    ids.iter().map(unit).collect()
}

/// Labels and positions, where they were saved as properties of the units.
fn properties(run: &mut SortingRun, folder: &Path) -> Result<()> {
    for name in ["KSLabel.npy", "quality.npy", "group.npy"] {
        let labels = files::array(folder, name)?
            .map(crate::npy::NpyArray::into_texts)
            .unwrap_or_default();
        if labels.len() == run.units.len() && labels.iter().any(|label| label.parse::<f64>().is_err()) {
            for (unit, label) in run.units.iter_mut().zip(labels) {
                unit.label = Some(label).filter(|label| !label.is_empty());
            }
        }
    }
    let positions = files::array(folder, "gt_unit_locations.npy")?.and_then(crate::npy::NpyArray::into_matrix);
    if let Some(positions) = positions.filter(|p| p.nrows() == run.units.len() && p.ncols() >= 2) {
        for (unit, row) in run.units.iter_mut().zip(positions.outer_iter()) {
            unit.position_um = Some([row[0], row[1], row.get(2).copied().unwrap_or(0.0)]);
        }
    }
    Ok(())
}
