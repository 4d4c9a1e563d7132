//! What the user sees while a run goes on: bars, lines or JSON, on standard error.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ferrosort_core::{Error, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};

use crate::args::{LogFormat, Verbosity};

/// Least time between two lines about one stage.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// Least time between two JSON objects about one stage.
const JSON_INTERVAL: Duration = Duration::from_secs(1);

/// Shows a run to the user, and tells the run when to stop.
pub struct Progress {
    style: Style,
    stage: Mutex<Stage>,
    stop: Arc<AtomicBool>,
}

enum Style {
    Bars,
    Lines,
    Json,
    Quiet,
}

/// The stage that is running.
struct Stage {
    name: String,
    unit: String,
    total: u64,
    done: u64,
    started: Instant,
    last_report: Instant,
    bar: ProgressBar,
}

impl Progress {
    /// Progress in the wanted style. `stop` is set when the user wants the run to stop.
    pub fn new(verbosity: Verbosity, stop: Arc<AtomicBool>) -> Self {
        let style = match verbosity {
            Verbosity { quiet: true, .. } => Style::Quiet,
            Verbosity {
                log_format: LogFormat::Json,
                ..
            } => Style::Json,
            Verbosity { .. } if std::io::stderr().is_terminal() => Style::Bars,
            Verbosity { .. } => Style::Lines,
        };
        let stage = Stage {
            name: String::new(),
            unit: String::new(),
            total: 0,
            done: 0,
            started: Instant::now(),
            last_report: Instant::now(),
            bar: ProgressBar::hidden(),
        };
        Self {
            style,
            stage: Mutex::new(stage),
            stop,
        }
    }

    /// Text for standard output at the end of a run; `report` has the same for machines.
    pub fn finished(&self, summary: &str, report: &Value) {
        match self.style {
            Style::Quiet => {}
            Style::Json => write_json(report),
            Style::Bars | Style::Lines => print(summary),
        }
    }

    /// The error that ends the process.
    pub fn failed(&self, error: &Error) {
        self.stage().bar.finish_and_clear();
        match self.style {
            Style::Json => write_json(&json!({
                "event": "error", "message": error.to_string(), "exit_code": error.exit_code(),
            })),
            _ => write_line(&one_line(&format!("error: {error}"))),
        }
    }

    /// A panic while the lock is held leaves only a count behind, which is still good to show.
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, event: &str, label: &str, message: &str) {
        match self.style {
            Style::Quiet => {}
            Style::Json => write_json(&json!({"event": event, "message": message})),
            Style::Bars => self
                .stage()
                .bar
                .suspend(|| write_line(&one_line(&format!("{label}{message}")))),
            Style::Lines => write_line(&one_line(&format!("{label}{message}"))),
        }
    }
}

impl Observer for Progress {
    fn stage_started(&self, stage: &str, total: u64, unit: &str) {
        let mut current = self.stage();
        let now = Instant::now();
        current.bar.finish_and_clear();
        *current = Stage {
            name: stage.to_string(),
            unit: unit.to_string(),
            total,
            done: 0,
            started: now,
            last_report: now,
            bar: match self.style {
                Style::Bars => bar(stage, total, unit),
                _ => ProgressBar::hidden(),
            },
        };
        if matches!(self.style, Style::Json) {
            write_json(&json!({"event": "stage_started", "stage": stage, "total": total, "unit": unit}));
        }
    }

    fn advanced(&self, steps: u64) {
        let mut stage = self.stage();
        stage.done += steps;
        match self.style {
            Style::Quiet => {}
            Style::Bars => stage.bar.inc(steps),
            Style::Lines => {
                if stage.due(LINE_INTERVAL) {
                    write_line(&stage.line());
                }
            }
            Style::Json => {
                if stage.due(JSON_INTERVAL) {
                    write_json(&json!({
                        "event": "progress", "stage": stage.name, "done": stage.done, "total": stage.total,
                        "unit": stage.unit, "seconds": stage.started.elapsed().as_secs_f64(),
                    }));
                }
            }
        }
    }

    fn stage_finished(&self, stage: &str, seconds: f64) {
        let current = self.stage();
        current.bar.finish_and_clear();
        match self.style {
            Style::Quiet => {}
            Style::Json => write_json(&json!({
                "event": "stage_finished", "stage": stage, "done": current.done, "total": current.total,
                "seconds": seconds,
            })),
            // A stage of one step has nothing to count.
            Style::Bars | Style::Lines if current.total == 1 => write_line(&format!("{stage}: {seconds:.1} s")),
            Style::Bars | Style::Lines => {
                write_line(&format!("{stage}: {} {} in {seconds:.1} s", current.done, current.unit));
            }
        }
    }

    fn warning(&self, message: &str) {
        self.say("warning", "warning: ", message);
    }

    fn note(&self, message: &str) {
        self.say("note", "", message);
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Stage {
    /// True when the last report is at least this old; this one then counts as the last.
    fn due(&mut self, interval: Duration) -> bool {
        let due = self.last_report.elapsed() >= interval && self.done < self.total;
        if due {
            self.last_report = Instant::now();
        }
        due
    }

    fn line(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = self.done as f64 / seconds;
        format!(
            "{}: {} of {} {} ({:.0} %), {rate:.1} a second, {:.0} s left",
            self.name,
            self.done,
            self.total,
            self.unit,
            100.0 * self.done as f64 / self.total as f64,
            (self.total - self.done) as f64 / rate
        )
    }
}

fn bar(stage: &str, total: u64, unit: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let template = format!("{{prefix:<18}} {{bar:30}} {{pos}} of {{len}} {unit}, {{rate}} a second, {{eta}} left");
    // A template that indicatif refuses leaves its own default style, which shows the same counts.
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(
            style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A rate that cannot be written is one redraw without it.
                let _ = write!(out, "{:.1}", state.per_sec());
            }),
        );
    }
    bar.set_prefix(stage.to_string());
    bar
}

/// Writes to standard output; a closed pipe is not an error.
pub fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// The text in one line, with everything escaped that a terminal would act on: names of files and values in them may hold
/// any character.
fn one_line(text: &str) -> String {
    let acts = |c: char| {
        // Marks that turn the direction of writing, and the separators of lines and paragraphs.
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

fn write_line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn write_json(value: &Value) {
    write_line(&value.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_without_commands_for_the_terminal() {
        assert_eq!(one_line("a\nb\u{1b}[2J\u{202e}c é脑"), r"a\nb\u{1b}[2J\u{202e}c é脑");
    }

    #[test]
    fn lines_say_how_far_and_how_long() {
        let started = Instant::now()
            .checked_sub(Duration::from_secs(10))
            .expect("the clock runs for 10 s");
        let mut stage = Stage {
            name: "learn".into(),
            unit: "batches".into(),
            total: 40,
            done: 20,
            started,
            last_report: started,
            bar: ProgressBar::hidden(),
        };
        assert_eq!(stage.line(), "learn: 20 of 40 batches (50 %), 2.0 a second, 10 s left");
        assert!(stage.due(LINE_INTERVAL));
        assert!(!stage.due(LINE_INTERVAL), "the line just written counts");
        stage.last_report = started;
        stage.done = 40;
        assert!(!stage.due(LINE_INTERVAL), "the end of the stage has its own line");
    }
}
