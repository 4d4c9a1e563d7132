//! The first screen in words: a verdict, a few numbers, and the worst problems with links.
//!
//! With a truth the questions are how many of its units were found and what else was found; with two sortings, how far
//! they agree; with one, what the units look like. The first sorting is the one that is judged.

mod pair;
mod single;
mod truth;

use crate::Report;
use crate::model::{Role, Run};

/// A number of the first screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tile {
    /// The number, as text.
    pub value: String,
    /// What it is.
    pub label: String,
    /// What to compare it with, or of how many; may be empty.
    pub detail: String,
}

/// A problem, as a sentence with a link into the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finding {
    /// One sentence.
    pub text: String,
    /// Link, with `#`.
    pub link: String,
}

/// What the first screen says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// One to three sentences.
    pub verdict: String,
    /// Four to six numbers.
    pub tiles: Vec<Tile>,
    /// Worst first, at most eight.
    pub findings: Vec<Finding>,
}

const MOST_FINDINGS: usize = 8;

/// Summarises a report.
pub fn summarise(report: &Report) -> Summary {
    let sortings: Vec<usize> = (0..report.runs.len())
        .filter(|&r| report.runs[r].role == Role::Sorting)
        .collect();
    let mut summary = if let Some(found) = report.truth.get().and_then(|t| truth::summarise(report, t)) {
        found
    } else if let Some(found) = report.agreement.get().and_then(|a| pair::summarise(report, a)) {
        found
    } else if let Some(&run) = sortings.first() {
        single::summarise(report, run)
    } else {
        Summary {
            verdict: "There is no sorting in this report.".into(),
            ..Summary::default()
        }
    };
    summary.findings.truncate(MOST_FINDINGS);
    summary
}

pub(crate) fn tile(value: impl Into<String>, label: &str, detail: impl Into<String>) -> Tile {
    Tile {
        value: value.into(),
        label: label.into(),
        detail: detail.into(),
    }
}

/// Link to a unit.
fn unit_link(run: usize, unit: usize) -> String {
    format!("#unit-{run}-{unit}")
}

fn unit_id(run: &Run, unit: usize) -> &str {
    run.units.get(unit).map_or("?", |u| &u.id)
}

/// Whole numbers with thin spaces between groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values
        .filter(|v| v.is_finite())
        .fold((0.0, 0_u32), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (n > 0).then(|| f64::midpoint(values[(n - 1) / 2], values[n / 2]))
}

fn two_digits(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |v| format!("{v:.2}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn groups_begin_at_five_digits() {
        assert_eq!(grouped(1234), "1234");
        assert_eq!(grouped(12_345), "12\u{202f}345");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(median([4.0, 1.0, f64::NAN, 3.0, 2.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn an_empty_report_says_so() {
        assert!(summarise(&Report::default()).verdict.contains("no sorting"));
    }
}
