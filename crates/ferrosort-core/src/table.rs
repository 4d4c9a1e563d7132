//! Tables that a report shows and that files hold as CSV or TSV.

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
    /// with as many digits as bring back the same number. Text that a spreadsheet would run as a formula is preceded by an
    /// apostrophe, see [`RowText::text`].
    pub fn to_csv(&self) -> String {
        self.to_text(Separator::Comma)
    }

    /// As [`Table::to_csv`], with another separator.
    pub fn to_text(&self, separator: Separator) -> String {
        let mut text = String::new();
        let mut header = RowText::new(&mut text, separator);
        for name in &self.header {
            header.text(name);
        }
        header.end();
        for row in &self.rows {
            let mut line = RowText::new(&mut text, separator);
            for cell in row {
                line.cell(cell);
            }
            line.end();
        }
        text
    }
}

/// What stands between the cells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// CSV; lines end in CR LF.
    Comma,
    /// TSV; lines end in LF.
    Tab,
}

/// One line of a table that is written as text, cell by cell: the only place where cells become CSV or TSV.
#[derive(Debug)]
pub struct RowText<'a> {
    text: &'a mut String,
    separator: Separator,
    is_first: bool,
}

impl<'a> RowText<'a> {
    /// Appends a line to the text.
    pub fn new(text: &'a mut String, separator: Separator) -> Self {
        Self {
            text,
            separator,
            is_first: true,
        }
    }

    /// Appends a cell of text, in quotes where it needs them. Spreadsheets run text that begins with `=`, `+`, `-`, `@`, a tab or a line break
    /// as a formula, and names in files of others may be made for that: such text, unless it is a number, gets an apostrophe in front.
    pub fn text(&mut self, content: &str) {
        self.next();
        let formula = content.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_number(content);
        let guard = if formula { "'" } else { "" };
        let (text, separator) = (&mut *self.text, self.separator.char());
        if content.contains(['"', separator, '\r', '\n']) {
            text.push('"');
            text.push_str(guard);
            text.push_str(&content.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(guard);
            text.push_str(content);
        }
    }

    /// Appends a number, with as many digits as bring back the same number; an empty cell when it is not finite.
    pub fn number(&mut self, number: impl Number) {
        self.next();
        if number.is_finite() {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{number}");
        }
    }

    /// Appends a cell of any kind.
    pub fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Text(content) => self.text(content),
            Cell::Integer(number) => self.number(*number),
            Cell::Real(number) => self.number(*number),
        }
    }

    /// Ends the line.
    pub fn end(self) {
        self.text.push_str(match self.separator {
            Separator::Comma => "\r\n",
            Separator::Tab => "\n",
        });
    }

    fn next(&mut self) {
        if !self.is_first {
            self.text.push(self.separator.char());
        }
        self.is_first = false;
    }
}

impl Separator {
    fn char(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Tab => '\t',
        }
    }
}

/// Numbers that a cell can hold.
pub trait Number: std::fmt::Display {
    /// False for those that have no digits.
    fn is_finite(&self) -> bool;
}

impl Number for i64 {
    fn is_finite(&self) -> bool {
        true
    }
}

impl Number for f32 {
    fn is_finite(&self) -> bool {
        f32::is_finite(*self)
    }
}

impl Number for f64 {
    fn is_finite(&self) -> bool {
        f64::is_finite(*self)
    }
}

/// Digits with a sign, a point or an exponent: what a spreadsheet takes for a number, not for a formula.
fn is_number(text: &str) -> bool {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    text.chars().all(digits) && text.parse::<f64>().is_ok()
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
        assert_eq!(
            table.to_text(Separator::Tab),
            "unit\taccuracy\tnote\n7\t0.1\tplain\na,b\t\t\"says \"\"no\"\"\nand goes\"\n"
        );
    }

    #[test]
    fn no_text_is_a_formula() {
        let mut text = String::new();
        let mut line = RowText::new(&mut text, Separator::Comma);
        for cell in ["=1+1", "@SUM(A1)", "-1+cmd|' /C calc'!A0", "+x", "\t=1", "=\"a\",1"] {
            line.text(cell);
        }
        for cell in ["-1", "+2.5e-3", "a=b", ""] {
            line.text(cell);
        }
        line.number(-3.5);
        line.number(0.1_f32);
        line.end();
        assert_eq!(
            text,
            "'=1+1,'@SUM(A1),'-1+cmd|' /C calc'!A0,'+x,'\t=1,\"'=\"\"a\"\",1\",-1,+2.5e-3,a=b,,-3.5,0.1\r\n"
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
