//! Tables that a report shows and a CSV file holds.

use std::fmt::Write as _;

use serde::Serialize;

/// One value of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number; those that are not finite are empty in CSV.
    Real(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Integer(number as i64)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

/// A table with a name, which is also the name of its file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// Name without suffix.
    pub name: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows as long as the header.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(name: &str, header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name: name.to_owned(),
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// The table as RFC 4180 has it: commas, lines that end in CR LF, quotes around cells that need them. Numbers are written
    /// with as many digits as bring back the same number.
    pub fn to_csv(&self) -> String {
        let mut csv = String::new();
        write_line(&mut csv, self.header.iter().map(|name| quoted(name)));
        for row in &self.rows {
            write_line(&mut csv, row.iter().map(cell_text));
        }
        csv
    }
}

fn write_line(csv: &mut String, cells: impl Iterator<Item = String>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            csv.push(',');
        }
        csv.push_str(&cell);
    }
    csv.push_str("\r\n");
}

fn cell_text(cell: &Cell) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match cell {
        Cell::Text(content) => return quoted(content),
        Cell::Integer(number) => write!(text, "{number}"),
        Cell::Real(number) if number.is_finite() => write!(text, "{number}"),
        Cell::Real(_) => Ok(()),
    };
    text
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_only_where_they_must_be() {
        let mut table = Table::new("units", ["unit", "accuracy", "note"]);
        table.push(vec![7_i64.into(), 0.1.into(), "plain".into()]);
        table.push(vec!["a,b".into(), f64::NAN.into(), "says \"no\"\nand goes".into()]);
        assert_eq!(
            table.to_csv(),
            "unit,accuracy,note\r\n7,0.1,plain\r\n\"a,b\",,\"says \"\"no\"\"\nand goes\"\r\n"
        );
    }

    #[test]
    fn json_holds_plain_values() {
        let mut table = Table::new("t", ["a", "b"]);
        table.push(vec![1_usize.into(), f64::NAN.into()]);
        assert_eq!(
            serde_json::json!(table).to_string(),
            r#"{"name":"t","header":["a","b"],"rows":[[1,null]]}"#
        );
    }
}
