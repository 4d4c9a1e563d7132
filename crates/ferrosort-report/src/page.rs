//! The page: the model's data in a shell of HTML, style and scripts, all in one file.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use askama::Template;
use ferrosort_core::{Error, Result};

use crate::pack::{Packed, pack};
use crate::summary::{Summary, summarise};
use crate::{Report, model};

/// Scripts in the order in which they run; they share one scope.
const SCRIPTS: &[&str] = &[
    include_str!("../assets/js/data.js"),
    include_str!("../assets/js/dom.js"),
    include_str!("../assets/js/colour.js"),
    include_str!("../assets/js/select.js"),
    include_str!("../assets/js/figure.js"),
    include_str!("../assets/js/table.js"),
    include_str!("../assets/js/xy.js"),
    include_str!("../assets/js/canvas.js"),
    include_str!("../assets/js/heatmap.js"),
    include_str!("../assets/js/waveform.js"),
    include_str!("../assets/js/probe.js"),
    include_str!("../assets/js/overview.js"),
    include_str!("../assets/js/intermediates.js"),
    include_str!("../assets/js/outputs.js"),
    include_str!("../assets/js/pairs.js"),
    include_str!("../assets/js/agreement.js"),
    include_str!("../assets/js/truth.js"),
    include_str!("../assets/js/benchmarks.js"),
    include_str!("../assets/js/quality.js"),
    include_str!("../assets/js/drift.js"),
    include_str!("../assets/js/unit.js"),
    include_str!("../assets/js/unit_plots.js"),
    include_str!("../assets/js/units.js"),
    include_str!("../assets/js/traces.js"),
    include_str!("../assets/js/main.js"),
];
pub(crate) const STYLE: &str = include_str!("../assets/css/page.css");
const PLOT_SCRIPT: &str = include_str!("../assets/vendor/uPlot.iife.min.js");
/// Travels with the script, as its licence asks.
const PLOT_LICENCE: &str = include_str!("../assets/vendor/uPlot.LICENSE");
const PLOT_STYLE: &str = include_str!("../assets/vendor/uPlot.min.css");

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    report: &'a Report,
    summary: &'a Summary,
    packed: &'a Packed,
    style: &'static str,
    plot_style: &'static str,
    plot_script: &'static str,
    plot_licence: &'static str,
    scripts: String,
}

impl Page<'_> {
    /// What was compared, in a line.
    fn subtitle(&self) -> String {
        let mut parts = Vec::new();
        if let Some(seconds) = self.report.duration_s {
            parts.push(if seconds >= 120.0 {
                format!("{:.1} min", seconds / 60.0)
            } else {
                format!("{seconds:.1} s")
            });
        }
        if let Some(probe) = self.report.probe.get() {
            parts.push(format!("{} channels", probe.x_um.len()));
        }
        if let Some(rate) = self.report.sample_rate_hz {
            parts.push(format!("{} Hz", crate::summary::grouped(rate.round() as u64)));
        }
        parts.extend(
            [&self.report.generator, &self.report.created]
                .into_iter()
                .filter(|t| !t.is_empty())
                .cloned(),
        );
        parts.join(" · ")
    }
}

/// The page as text.
pub fn render(report: &Report) -> Result<String> {
    check(report)?;
    let page = Page {
        report,
        summary: &summarise(report),
        packed: &pack(report)?,
        style: STYLE,
        plot_style: PLOT_STYLE,
        plot_script: PLOT_SCRIPT,
        plot_licence: PLOT_LICENCE,
        scripts: SCRIPTS.join("\n"),
    };
    let page = page
        .render()
        .map_err(|error| Error::input(format!("the report page cannot be written: {error}")))?;
    Ok(with_visible_directions(page))
}

/// Marks that turn the direction of writing, in names, would make the page read otherwise than it is written: they become
/// their numbers. The page itself has none, so all are from the data.
pub(crate) fn with_visible_directions(page: String) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !page.contains(turns) {
        return page;
    }
    let mut visible = String::with_capacity(page.len());
    for c in page.chars() {
        if turns(c) {
            // Writing to a string cannot fail.
            let _ = write!(visible, "[U+{:04X}]", u32::from(c));
        } else {
            visible.push(c);
        }
    }
    visible
}

/// Writes the page.
pub fn write_report(report: &Report, mut out: impl Write) -> Result<()> {
    let page = render(report)?;
    out.write_all(page.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::io("write", Path::new("the report page"), error))
}

/// Refuses references to runs and units that do not exist, which the page could only show as nonsense.
fn check(report: &Report) -> Result<()> {
    let runs = report.runs.len();
    let mut places = Vec::new();
    if let Some(part) = report.intermediates.get() {
        places.extend([part.a, part.b]);
    }
    if let Some(part) = report.outputs.get() {
        places.extend(part.comparisons.iter().flat_map(|c| [c.a, c.b]));
    }
    if let Some(part) = report.agreement.get() {
        places.extend(part.pairs.iter().flat_map(|p| [p.a, p.b]));
    }
    if let Some(part) = report.truth.get() {
        places.push(part.truth_run);
        places.extend(part.comparisons.iter().map(|c| c.run));
    }
    if let Some(part) = report.drift.get() {
        places.extend(part.runs.iter().map(|r| r.run));
    }
    if let Some(place) = places.into_iter().find(|&place| place >= runs) {
        return Err(Error::input(format!(
            "the report refers to run {place}, but has {runs} runs; give the place of the run in the list"
        )));
    }
    for run in &report.runs {
        check_metrics(run)?;
    }
    Ok(())
}

fn check_metrics(run: &model::Run) -> Result<()> {
    match run.metrics.iter().find(|m| m.values.len() != run.units.len()) {
        Some(metric) => Err(Error::input(format!(
            "metric {} of run {} has {} values for {} units; give one per unit, NaN where undefined",
            metric.name,
            run.name,
            metric.values.len(),
            run.units.len()
        ))),
        None => Ok(()),
    }
}
