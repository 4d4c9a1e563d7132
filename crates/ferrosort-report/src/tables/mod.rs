//! The numbers of a report as tables of comma-separated values, for programs.
//!
//! Names and columns are those of the downloads of the page where both exist. Units are named by their ids, missing
//! numbers are empty.

mod compared;
mod intermediates;
mod truth;

use crate::Report;
use crate::model::Array;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// File name without suffix: `performance_by_unit`.
    pub name: String,
    /// Header and rows, lines end with a carriage return and a line feed (RFC 4180).
    pub csv: String,
}

/// All tables that the report has numbers for.
///
/// Names of tables of pairs and runs end with the places of the runs when a report has more than one of them:
/// `agreement_scores-1-2`. The quality metrics of the first sorting are `quality_metrics_A`, of the second
/// `quality_metrics_B`, and so on.
pub fn tables(report: &Report) -> Vec<Table> {
    let mut tables = truth::tables(report);
    tables.extend(compared::tables(report));
    tables.extend(intermediates::tables(report));
    tables
}

/// Rows under a header.
struct Rows {
    csv: String,
}

impl Rows {
    fn new<S: AsRef<str>>(header: &[S]) -> Self {
        let mut rows = Self { csv: String::new() };
        rows.push(header.iter().map(|name| text(name.as_ref())).collect());
        rows
    }

    fn push(&mut self, cells: Vec<String>) {
        self.csv.push_str(&cells.join(","));
        self.csv.push_str("\r\n");
    }

    fn named(self, name: impl Into<String>) -> Table {
        Table {
            name: name.into(),
            csv: self.csv,
        }
    }
}

/// A cell of text; quoted where needed, and with an apostrophe before what a spreadsheet would run as a formula.
fn text(value: &str) -> String {
    let formula = value.starts_with(['=', '+', '@', '\t']) || (value.starts_with('-') && value.parse::<f64>().is_err());
    let value = if formula { format!("'{value}") } else { value.to_owned() };
    if value.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

/// A cell of a number.
fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value}")
    } else {
        String::new()
    }
}

/// A cell of a number that may be missing.
fn maybe(value: Option<f64>) -> String {
    value.map_or_else(String::new, number)
}

/// The cell of value `i` of a list.
fn cell(array: &Array, i: usize) -> String {
    maybe(array.values().get(i).copied())
}

/// The id of a unit as a cell.
fn unit(report: &Report, run: usize, unit: usize) -> String {
    text(
        report
            .runs
            .get(run)
            .and_then(|r| r.units.get(unit))
            .map_or("", |u| &u.id),
    )
}

fn run_name(report: &Report, run: usize) -> &str {
    report.runs.get(run).map_or("", |r| &r.name)
}

/// A matrix with ids before its rows and above its columns.
fn matrix(name: String, rows: &[String], columns: &[String], values: &Array) -> Table {
    let mut header = vec![String::new()];
    header.extend_from_slice(columns);
    // Ids are cells already; they are not quoted twice.
    let mut table = Rows { csv: String::new() };
    table.push(header);
    for (i, row) in rows.iter().enumerate() {
        let mut cells = vec![row.clone()];
        cells.extend((0..columns.len()).map(|j| number(values.at(i, j))));
        table.push(cells);
    }
    table.named(name)
}

/// The name, with the places of the runs when there is more than one of its kind.
fn placed(name: &str, places: &[usize], several: bool) -> String {
    if !several {
        return name.to_owned();
    }
    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
    format!("{name}-{}", places.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_and_formulas_are_not_run() {
        assert_eq!(text("a,b"), "\"a,b\"");
        assert_eq!(text("say \"a\""), "\"say \"\"a\"\"\"");
        assert_eq!(text("=1+1"), "'=1+1");
        assert_eq!(text("-5"), "-5");
        assert_eq!(text("-x"), "'-x");
    }

    #[test]
    fn missing_numbers_are_empty() {
        assert_eq!(number(f64::NAN), "");
        assert_eq!(cell(&Array::list(vec![0.5]), 3), "");
        assert_eq!(maybe(Some(2.0)), "2");
    }
}
