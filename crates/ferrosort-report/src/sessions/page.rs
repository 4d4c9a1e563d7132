//! The page of many sessions: plain HTML without scripts.

use std::fmt::Write as _;
use std::path::Path;

use askama::Template;
use ferrosort_core::{Error, Result};

use super::{Facts, Session, State};
use crate::page::{STYLE, with_visible_directions};
use crate::summary::{Tile, counted, grouped, tile};

const OWN_STYLE: &str = include_str!("../../assets/css/sessions.css");
/// Stands for what a result does not say.
const UNKNOWN: &str = "–";

#[derive(Template)]
#[template(path = "sessions.html")]
struct Page<'a> {
    title: &'a str,
    verdict: String,
    tiles: Vec<Tile>,
    rows: Vec<Row<'a>>,
    style: &'static str,
    own_style: &'static str,
}

/// A line of the table.
struct Row<'a> {
    name: &'a str,
    /// Address of the report.
    link: Option<String>,
    /// What is known, if there is a result.
    cells: Option<Cells<'a>>,
    /// Else why there is none.
    reason: &'a str,
}

struct Cells<'a> {
    /// Units of each label: name of the label, as the style calls it, and how many.
    shares: [(&'static str, u64); 3],
    /// From `good` to `speed`.
    texts: [String; 9],
    warnings: &'a [String],
}

/// What all sessions have together.
#[derive(Default)]
struct Totals {
    finished: usize,
    missing: usize,
    warned: usize,
    good: u64,
    units: u64,
    spikes: u64,
    recorded_s: f64,
    sorted_s: f64,
}

impl Totals {
    fn of(sessions: &[Session]) -> Self {
        let mut all = Self::default();
        for session in sessions {
            let Some(facts) = session.facts() else {
                all.missing += 1;
                continue;
            };
            all.finished += 1;
            all.warned += usize::from(!facts.warnings.is_empty());
            all.good += facts.good;
            all.units += facts.units;
            all.spikes += facts.spikes;
            all.recorded_s += facts.duration_s.unwrap_or(0.0);
            all.sorted_s += facts.seconds.unwrap_or(0.0);
        }
        all
    }

    fn tiles(&self) -> Vec<Tile> {
        let all = self.finished + self.missing;
        vec![
            tile(self.finished.to_string(), "sorted", format!("of {all}")),
            tile(grouped(self.good), "good units", format!("of {}", grouped(self.units))),
            tile(grouped(self.spikes), "spikes", ""),
            tile(
                time(self.recorded_s),
                "recorded",
                format!("sorted in {}", time(self.sorted_s)),
            ),
        ]
    }

    fn verdict(&self) -> String {
        let mut text = format!("{} sorted", counted(self.finished, "recording is", "recordings are"));
        match self.missing {
            0 => {}
            1 => text.push_str(", 1 has no result"),
            n => {
                // Writing to a string cannot fail.
                let _ = write!(text, ", {n} have no result");
            }
        }
        match self.warned {
            0 => {}
            1 => text.push_str("; 1 sorting gave warnings"),
            n => {
                let _ = write!(text, "; {n} sortings gave warnings");
            }
        }
        text + "."
    }
}

/// The page as text.
///
/// # Errors
/// The page cannot be written, which does not happen for any content.
pub fn render_sessions(title: &str, sessions: &[Session]) -> Result<String> {
    let totals = Totals::of(sessions);
    let page = Page {
        title,
        verdict: totals.verdict(),
        tiles: totals.tiles(),
        rows: sessions.iter().map(row).collect(),
        style: STYLE,
        own_style: OWN_STYLE,
    };
    let page = page
        .render()
        .map_err(|error| Error::input(format!("the summary page cannot be written: {error}")))?;
    Ok(with_visible_directions(page))
}

fn row(session: &Session) -> Row<'_> {
    let (cells, reason) = match &session.state {
        State::Finished(facts) => (Some(cells(facts)), ""),
        State::Missing(reason) => (None, reason.as_str()),
    };
    Row {
        name: &session.name,
        link: session.report.as_deref().map(address),
        cells,
        reason,
    }
}

fn cells(facts: &Facts) -> Cells<'_> {
    let known = |text: Option<String>| text.unwrap_or_else(|| UNKNOWN.into());
    let speed = facts.duration_s.zip(facts.seconds).filter(|(_, sorted)| *sorted > 0.0);
    Cells {
        shares: [
            ("good", facts.good),
            ("mua", facts.mua.unwrap_or(0)),
            ("noise", facts.noise.unwrap_or(0)),
        ],
        texts: [
            grouped(facts.good),
            known(facts.mua.map(grouped)),
            known(facts.noise.map(grouped)),
            grouped(facts.spikes),
            known(facts.motion_um.map(|[low, high]| format!("{:.0} µm", high - low))),
            known(facts.channels.map(grouped)),
            known(facts.duration_s.map(time)),
            known(facts.seconds.map(time)),
            known(speed.map(|(recorded, sorted)| format!("{:.1} ×", recorded / sorted))),
        ],
        warnings: &facts.warnings,
    }
}

/// A length of time, with two or three digits.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A path as the address of a link.
fn address(path: &Path) -> String {
    let mut out = String::new();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
