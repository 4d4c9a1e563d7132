//! The table of units.

use super::identity::Identity;
use super::table::DynamicTable;
use super::{ELECTRODES, group};
use crate::export::facts::{Facts, Local};
use crate::hdf5::write::{FileWriter, Values};

/// Columns of NWB's own table; ours of these names would be taken for them.
const TAKEN: [&str; 12] = [
    "id",
    "spike_times",
    "spike_times_index",
    "obs_intervals",
    "electrodes",
    "electrodes_index",
    "electrode_group",
    "waveform_mean",
    "waveform_sd",
    "waveforms",
    "label",
    "unit_name",
];

/// Writes spikes, electrodes, waveforms, labels and metrics of all units.
pub(super) fn write<'a>(file: &mut FileWriter<'a>, facts: &'a Facts<'a>, identity: &Identity) {
    let units = &facts.run.units;
    let n = [units.len()];
    let ids = facts
        .unit_numbers()
        .unwrap_or_else(|| (0..units.len() as i64).collect());
    let description = "Units of a spike sorting; times are those of the troughs.";
    let mut table = DynamicTable::new(file, identity, "/units", ["core", "Units"], description, ids);
    write_spike_times(&mut table, facts);
    if let Some(local) = &facts.local {
        write_waveforms(&mut table, facts, local);
    }
    let names = units.iter().map(|unit| unit.id.clone()).collect();
    table.column(
        "unit_name",
        "Name of the unit in the sorting.",
        &n,
        Values::Texts(names),
    );
    if units.iter().any(|unit| unit.label.is_some()) {
        let label = |unit: &ferrosort_core::RunUnit| unit.label.clone().unwrap_or_else(|| "unsorted".to_owned());
        let labels = units.iter().map(label).collect();
        let description = "Verdict of the sorter or of a curator: good (one neuron), mua (several), noise, unsorted.";
        table.column("label", description, &n, Values::Texts(labels));
    }
    for column in facts.columns {
        let is_told = column.values.iter().any(|value| value.is_finite());
        if is_told && !TAKEN.contains(&column.name.as_str()) && !column.name.contains('/') {
            let values = Values::F64(Box::new(column.values.iter().copied()));
            table.column(&column.name, &column.description, &n, values);
        }
    }
    table.finish();
}

/// Times of the spikes, s, unit after unit.
fn write_spike_times<'a>(table: &mut DynamicTable<'_, 'a>, facts: &Facts<'a>) {
    let rate = facts.sample_rate;
    let trains = facts.run.trains();
    let ends = running_ends(trains.iter().map(Vec::len));
    let times = trains.into_iter().flatten().map(move |sample| sample as f64 / rate);
    let description = "Times of the spikes of each unit, s, from the first sample of the recording.";
    table.ragged("spike_times", description, Values::F64(Box::new(times)), ends);
    table.attribute("spike_times", "resolution", Values::number(1.0 / rate));
}

/// Mean waveforms, V, on the electrodes near each unit, which the column of electrodes names in the same order.
fn write_waveforms<'a>(table: &mut DynamicTable<'_, 'a>, facts: &Facts<'a>, local: &'a Local) {
    let (units, samples, slots) = local.waveforms.dim();
    let rows = local.channels.iter().map(|&channel| channel as i64).collect();
    let ends = running_ends(std::iter::repeat_n(slots, units));
    let description = "Electrodes near each unit; the first is the one where the unit is largest.";
    table.region("electrodes", description, ELECTRODES, rows, ends);
    let shank = |unit: usize| facts.contacts[local.channels[(unit, 0)]].shank;
    let groups = (0..units).map(|unit| group(shank(unit))).collect();
    let description = "The shank where the unit is largest.";
    table.column("electrode_group", description, &[units], Values::References(groups));
    let description = format!(
        "Mean waveform of each unit, V, on its electrodes in their order; sample {} (from 0) is at the time of the spike.",
        local.spike_at
    );
    let volts = local.waveforms.iter().map(|&uv| uv * 1e-6);
    let values = Values::F32(Box::new(volts));
    table.column("waveform_mean", &description, &[units, samples, slots], values);
    table.attribute("waveform_mean", "sampling_rate", Values::number(facts.sample_rate));
    table.attribute("waveform_mean", "unit", Values::text("volts"));
}

/// Sums of the numbers so far.
fn running_ends(counts: impl Iterator<Item = usize>) -> Vec<u64> {
    counts
        .scan(0, |end, count| {
            *end += count as u64;
            Some(*end)
        })
        .collect()
}
