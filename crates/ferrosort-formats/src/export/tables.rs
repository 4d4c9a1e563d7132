//! Tables of units and spikes as text: `units.tsv` and `spikes.tsv`, or `.csv`.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use ferrosort_core::{Cell, Error, Result, RowText, Separator, Table};

use super::facts::Facts;
use super::write_text;

/// Writes both tables.
pub(super) fn write(facts: &Facts, separator: Separator, folder: &Path) -> Result<()> {
    let extension = match separator {
        Separator::Tab => "tsv",
        Separator::Comma => "csv",
    };
    let units = units(facts).to_text(separator);
    write_text(&folder.join(format!("units.{extension}")), &units)?;
    let path = folder.join(format!("spikes.{extension}"));
    write_spikes(facts, separator, &path).map_err(|e| Error::io("write", &path, e))
}

/// A row for each unit.
pub(super) fn units(facts: &Facts) -> Table {
    let own = ["unit", "label", "x_um", "y_um", "channel", "ptp_uv"];
    let more = facts.columns.iter().map(|column| column.name.as_str());
    let mut table = Table::new("units", own.into_iter().chain(more));
    let ptp_uv = facts.ptp_uv();
    for (place, unit) in facts.run.units.iter().enumerate() {
        let [x_um, y_um] = facts.position_um(place).unwrap_or([f64::NAN; 2]);
        let channel = facts.best_contact(place).map(|contact| contact.channel);
        let mut row: Vec<Cell> = vec![
            unit.id.as_str().into(),
            unit.label.as_deref().unwrap_or_default().into(),
            x_um.into(),
            y_um.into(),
            channel.map_or(Cell::Real(f64::NAN), Cell::from),
            ptp_uv[place].into(),
        ];
        row.extend(facts.columns.iter().map(|column| Cell::Real(column.values[place])));
        table.push(row);
    }
    table
}

/// A row for each spike, in order of sample, then unit; columns that the run does not have are left out.
fn write_spikes(facts: &Facts, separator: Separator, path: &Path) -> io::Result<()> {
    let (spikes, units) = (&facts.run.spikes, &facts.run.units);
    let optional = [
        ("amplitude", &spikes.amplitudes),
        ("depth_um", &spikes.depths_um),
        ("score", &spikes.scores),
    ];
    let columns: Vec<(&str, &Vec<f32>)> = optional
        .iter()
        .filter_map(|(name, values)| values.as_ref().map(|values| (*name, values)))
        .collect();
    let mut file = BufWriter::new(File::create(path)?);
    let mut text = String::new();
    let mut header = RowText::new(&mut text, separator);
    let names = columns.iter().map(|(name, _)| *name);
    for name in ["sample", "time_s", "unit"].into_iter().chain(names) {
        header.text(name);
    }
    header.end();
    for (spike, (&sample, &unit)) in spikes.samples.iter().zip(&spikes.units).enumerate() {
        let mut row = RowText::new(&mut text, separator);
        row.number(sample);
        row.number(sample as f64 / facts.sample_rate);
        row.text(&units[unit as usize].id);
        for (_, values) in &columns {
            row.number(values[spike]);
        }
        row.end();
        if text.len() > 1 << 16 {
            file.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    file.write_all(text.as_bytes())?;
    file.flush()
}
