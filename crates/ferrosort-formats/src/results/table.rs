//! Tables of spikes as text: a sample (or a time) and a unit in each row.

use std::collections::BTreeMap;
use std::path::Path;

use ferrosort_core::{Error, Result, RunKind, RunUnit, SortingRun};

use super::{ReadOptions, columns, files};

/// Headers of a column of samples, of times in seconds, and of units.
const SAMPLE_NAMES: [&str; 7] = [
    "sample",
    "samples",
    "spike_sample",
    "spike_samples",
    "sample_index",
    "frame",
    "spike_times",
];
const TIME_NAMES: [&str; 4] = ["time_s", "time", "seconds", "spike_time_s"];
const UNIT_NAMES: [&str; 7] = ["unit", "unit_id", "units", "cluster", "cluster_id", "neuron", "label"];

/// Reads a table. With a header the columns are found by name, else the first two are sample and unit. Cells are
/// separated by tabs, commas, semicolons or spaces.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let text = files::text(path)?.unwrap_or_default();
    let mut run = SortingRun::new("", path, RunKind::Table);
    run.sample_rate = options.sample_rate;
    let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let mut lines = lines
        .by_ref()
        .filter(|(_, line)| !(line.trim().is_empty() || line.starts_with('#')))
        .peekable();
    let Some(&(_, first)) = lines.peek() else {
        run.warnings.push("the table is empty".to_owned());
        return Ok(run);
    };
    let separator = separator(first);
    let layout = layout(&cells(first, separator), path, options)?;
    if layout.has_header {
        lines.next();
    }
    let mut ids = Vec::new();
    for (number, line) in lines {
        let row = cells(line, separator);
        let (sample, id) = spike(&row, &layout).ok_or_else(|| {
            Error::input(format!(
                "{} line {number}: '{line}' is not a sample and a unit",
                path.display()
            ))
        })?;
        run.spikes.samples.push(sample);
        ids.push(id);
    }
    (run.units, run.spikes.units) = units(&ids);
    columns::settle(&mut run, options.time_offset);
    Ok(run)
}

struct Layout {
    time: usize,
    unit: usize,
    /// Samples per unit of the time column: 1, or the sample rate.
    factor: f64,
    has_header: bool,
}

fn layout(first: &[String], path: &Path, options: &ReadOptions) -> Result<Layout> {
    let find = |names: &[&str]| {
        first
            .iter()
            .position(|cell| names.contains(&cell.to_lowercase().as_str()))
    };
    let has_header = first.iter().any(|cell| cell.parse::<f64>().is_err()) && first[0].parse::<f64>().is_err();
    if !has_header {
        return Ok(Layout {
            time: 0,
            unit: 1,
            factor: 1.0,
            has_header,
        });
    }
    let missing = |what: &str, names: &[&str]| {
        Error::input(format!(
            "{} has no column of {what}; call it one of {} (its header is: {})",
            path.display(),
            names.join(", "),
            first.join(", ")
        ))
    };
    let unit = find(&UNIT_NAMES).ok_or_else(|| missing("units", &UNIT_NAMES))?;
    let (time, factor) = match (find(&SAMPLE_NAMES), find(&TIME_NAMES)) {
        (Some(time), _) => (time, 1.0),
        (None, Some(time)) => {
            let rate = options.sample_rate.ok_or_else(|| {
                Error::input(format!(
                    "{} gives times in seconds, which need a sample rate to become samples; give the sample rate",
                    path.display()
                ))
            })?;
            (time, rate)
        }
        (None, None) => return Err(missing("samples", &SAMPLE_NAMES)),
    };
    Ok(Layout {
        time,
        unit,
        factor,
        has_header,
    })
}

fn spike(row: &[String], layout: &Layout) -> Option<(i64, String)> {
    let time: f64 = row.get(layout.time)?.parse().ok()?;
    let sample = (time * layout.factor).round();
    let whole = layout.factor != 1.0 || time.fract() == 0.0;
    let id = row.get(layout.unit).filter(|id| !id.is_empty())?;
    (whole && sample.abs() < 9e15).then(|| (sample as i64, id.clone()))
}

/// The most telling separator in a line.
pub(super) fn separator(line: &str) -> char {
    ['\t', ',', ';'].into_iter().find(|&c| line.contains(c)).unwrap_or(' ')
}

/// Cells of a line, without the quotes around them; doubled quotes inside stand for one.
pub(super) fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = characters.next() {
        let at = cells.len() - 1;
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cells[at].push('"');
            }
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => cells.push(String::new()),
            _ => cells[at].push(c),
        }
    }
    let cells = cells.into_iter().map(|cell| cell.trim().to_owned());
    if separator == ' ' {
        cells.filter(|cell| !cell.is_empty()).collect()
    } else {
        cells.collect()
    }
}

/// Units in order of their ids, by number where all ids are whole numbers, and the unit of each spike.
pub(super) fn units(ids: &[String]) -> (Vec<RunUnit>, Vec<u32>) {
    let mut names: Vec<&String> = ids.iter().collect();
    names.sort();
    names.dedup();
    if names.iter().all(|name| name.parse::<i64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    let places: BTreeMap<&String, u32> = names.iter().copied().zip(0..).collect();
    let of_spikes = ids
        .iter()
        .map(|id| places.get(id).copied().unwrap_or_default())
        .collect();
    (named(&names), of_spikes)
}

fn named(names: &[&String]) -> Vec<RunUnit> {
    let unit = |id: &&String| RunUnit {
        id: (*id).clone(),
        ..RunUnit::default()
    };
    names.iter().map(unit).collect()
}
