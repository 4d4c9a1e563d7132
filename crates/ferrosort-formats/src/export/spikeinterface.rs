//! A folder that `spikeinterface.load` reads as a sorting: its `NumpyFolder`, with a property for everything known of the units.

use std::fs;
use std::path::Path;

use ferrosort_core::{Error, Result};
use serde_json::{Value, json};

use super::facts::Facts;
use super::write_json;
use crate::npy::{write_records, write_slice, write_texts};

/// Version of SpikeInterface whose layout this is.
const LAYOUT_OF: &str = "0.105.3";

/// Writes spikes, units and properties. Units have numbers as ids where all their names are numbers, else texts.
pub(super) fn write(facts: &Facts, folder: &Path) -> Result<()> {
    let run = facts.run;
    let ids: Vec<Value> = match facts.unit_numbers() {
        Some(numbers) => numbers.into_iter().map(Value::from).collect(),
        None => run.units.iter().map(|unit| Value::from(unit.id.as_str())).collect(),
    };
    let info = json!({ "sampling_frequency": facts.sample_rate, "unit_ids": ids, "num_segments": 1 });
    write_json(&folder.join("numpysorting_info.json"), &info)?;
    let loader = json!({
        "class": "spikeinterface.core.sortingfolder.NumpyFolderSorting",
        "module": "spikeinterface",
        "version": LAYOUT_OF,
        "kwargs": { "folder_path": ".", "mmap_mode": null },
        "annotations": {},
        "properties": {},
        "relative_paths": true,
    });
    write_json(&folder.join("si_folder.json"), &loader)?;
    let annotations = json!({ "name": run.name, "sorter": run.program });
    write_json(&folder.join("annotations.json"), &annotations)?;
    let spikes = run.spikes.samples.iter().zip(&run.spikes.units);
    let rows = spikes.map(|(&sample, &unit)| [sample, i64::from(unit), 0]);
    let fields = ["sample_index", "unit_index", "segment_index"];
    write_records(&folder.join("spikes.npy"), fields, run.spikes.len(), rows)?;
    write_properties(facts, &folder.join("properties"))
}

fn write_properties(facts: &Facts, folder: &Path) -> Result<()> {
    fs::create_dir(folder).map_err(|e| Error::io("create", folder, e))?;
    let units = &facts.run.units;
    if units.iter().any(|unit| unit.label.is_some()) {
        let labels: Vec<&str> = units
            .iter()
            .map(|unit| unit.label.as_deref().unwrap_or("unsorted"))
            .collect();
        write_texts(&folder.join("quality.npy"), &labels)?;
    }
    let names: Vec<&str> = units.iter().map(|unit| unit.id.as_str()).collect();
    write_texts(&folder.join("unit_name.npy"), &names)?;
    let position = |axis: usize| -> Vec<f64> {
        let positions = (0..units.len()).map(|unit| facts.position_um(unit));
        positions.map(|p| p.map_or(f64::NAN, |p| p[axis])).collect()
    };
    let own = [("x_um", position(0)), ("y_um", position(1)), ("ptp_uv", facts.ptp_uv())];
    let own = own.iter().map(|(name, values)| (*name, values));
    let more = facts
        .columns
        .iter()
        .map(|column| (column.name.as_str(), &column.values));
    for (name, values) in own
        .chain(more)
        .filter(|(_, values)| values.iter().any(|v| v.is_finite()))
    {
        write_slice(&folder.join(format!("{name}.npy")), &[values.len()], values)?;
    }
    Ok(())
}
