//! `ferrosort bench`: a suite of simulated recordings, sorted and scored, with time and memory.

pub(super) mod machine;
mod run;
pub(super) mod score;
mod suite;
mod table;

use std::path::Path;

use clap::ValueEnum as _;
use ferrosort::job::thread_pool;
use ferrosort_core::{Error, Observer as _, Result, SortingRun};
use ferrosort_report::outputs::write_file;
use serde::Serialize;
use serde_json::json;

use self::machine::Header;
use self::run::{Cost, Workshop, create};
use self::score::{Score, Truth};
use self::suite::Entry;
use crate::args::{AlgorithmName, BenchArgs};
use crate::progress::Progress;

const JSON: &str = "bench.json";
const MARKDOWN: &str = "bench.md";
/// Spikes that are later than this against the truth deserve a note, ms.
const LATE_MS: f64 = 0.2;

/// Everything that a benchmark found.
#[derive(Debug, Clone, Serialize)]
pub struct Bench {
    /// With what, and when.
    pub header: Header,
    /// One for each recording and sorter.
    pub rows: Vec<Row>,
}

/// One sorting of one recording.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Name of the recording.
    pub recording: String,
    /// Kind of recording, without length and seed.
    pub kind: &'static str,
    /// Length of the recording, s.
    pub recorded_s: f64,
    /// Sorter.
    pub algorithm: String,
    /// The result was there before: another program's.
    pub other: bool,
    /// What the sorting is worth; `None` if it failed.
    pub score: Option<Score>,
    /// What it cost.
    pub cost: Cost,
    /// Stages with their wall time over the length of the recording.
    pub stages: Vec<Stage>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Why there is no score.
    pub failure: Option<String>,
}

/// Time of one stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Name.
    pub name: String,
    /// Seconds for each second of the recording.
    pub seconds_per_recorded_s: f64,
}

/// Simulates, sorts, scores; the tables are saved after every recording.
pub fn run(args: &BenchArgs, progress: &Progress) -> Result<()> {
    let entries = suite::entries(args.suite, &args.only)?;
    check(args)?;
    create(&args.output)?;
    let workshop = Workshop {
        folder: &args.output,
        threads: args.threads,
        progress,
    };
    let mut bench = Bench {
        header: Header::now(args.suite.name(), args.threads),
        rows: Vec::new(),
    };
    let algorithms = algorithms(&args.algorithm);
    for (place, entry) in entries.iter().enumerate() {
        progress.note(&format!("recording {} of {}: {}", place + 1, entries.len(), entry.name));
        let folder = workshop.simulate(entry)?;
        let truth = Truth::read(&folder)?;
        for &algorithm in &algorithms {
            let name = algorithm.name();
            progress.note(&format!("{}: sorting with {name}", entry.name));
            let sorted = workshop.sort(entry, algorithm);
            bench.rows.push(row(entry, &name, false, sorted, &workshop, &truth)?);
        }
        if let Some(vs) = &args.vs {
            let others = Workshop::others(vs, entry)?;
            if others.is_empty() {
                progress.warning(&format!("--vs {} has no results for {}", vs.display(), entry.name));
            }
            for (name, folder) in others {
                let read = Workshop::read_other(&folder);
                bench.rows.push(row(entry, &name, true, read, &workshop, &truth)?);
            }
        }
        save(&bench, &args.output)?;
    }
    finish(&bench, &args.output, progress)
}

/// What can be wrong with the options is said before the work.
fn check(args: &BenchArgs) -> Result<()> {
    // Refuses a number of threads that the system does not give.
    drop(thread_pool(args.threads)?);
    if let Some(vs) = args.vs.as_ref().filter(|vs| !vs.is_dir()) {
        return Err(Error::input(format!(
            "--vs {} is no folder; name the one that holds RECORDING/SORTER/",
            vs.display()
        )));
    }
    if args.output.exists() && !args.output.is_dir() {
        return Err(Error::input(format!(
            "output {} is a file; name a folder with --output",
            args.output.display()
        )));
    }
    Ok(())
}

/// The wanted algorithms, each once; all without a wish.
fn algorithms(wanted: &[AlgorithmName]) -> Vec<AlgorithmName> {
    let all = AlgorithmName::value_variants().iter().copied();
    all.filter(|name| wanted.is_empty() || wanted.contains(name)).collect()
}

/// A sorting that failed is a row with the reason: the other rows are still worth having.
fn row(
    entry: &Entry,
    algorithm: &str,
    other: bool,
    sorted: Result<(SortingRun, Cost)>,
    workshop: &Workshop,
    truth: &Truth,
) -> Result<Row> {
    let mut row = Row {
        recording: entry.name.clone(),
        kind: entry.kind,
        recorded_s: entry.settings.duration_s,
        algorithm: algorithm.to_string(),
        other,
        score: None,
        cost: Cost::default(),
        stages: Vec::new(),
        notes: Vec::new(),
        failure: None,
    };
    let scored = sorted.and_then(|(sorting, cost)| {
        let score = thread_pool(workshop.threads)?.install(|| truth.score(&sorting))?;
        Ok((sorting, cost, score))
    });
    let (sorting, cost, score) = match scored {
        Ok(scored) => scored,
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(error) => {
            let reason = error.to_string();
            workshop
                .progress
                .warning(&format!("{}, {algorithm}: {reason}", entry.name));
            row.failure = Some(reason);
            return Ok(row);
        }
    };
    let stage = |(name, seconds): &(String, f64)| Stage {
        name: name.clone(),
        seconds_per_recorded_s: seconds / entry.settings.duration_s,
    };
    row.stages = sorting.stage_seconds.iter().map(stage).collect();
    row.cost = cost;
    let late = score.offset_samples.unwrap_or(0.0);
    if late.abs() > LATE_MS * entry.settings.sample_rate_hz / 1000.0 {
        row.notes.push(format!(
            "spikes are {late:.1} samples late against the truth, which lowers every accuracy"
        ));
    }
    row.score = Some(score);
    Ok(row)
}

fn save(bench: &Bench, folder: &Path) -> Result<()> {
    write_file(&folder.join(JSON), |file| {
        serde_json::to_writer_pretty(&mut *file, bench)?;
        file.write_all(b"\n")
    })?;
    write_file(&folder.join(MARKDOWN), |file| {
        file.write_all(table::markdown(bench).as_bytes())
    })
}

fn finish(bench: &Bench, folder: &Path, progress: &Progress) -> Result<()> {
    let page = folder.join(MARKDOWN);
    let text = format!("{}table: {}\n", table::text(bench), page.display());
    let report = json!({
        "event": "finished", "folder": folder.display().to_string(), "bench": bench,
    });
    progress.finished(&text, &report);
    let failed = bench.rows.iter().filter(|row| row.failure.is_some()).count();
    if failed == 0 {
        return Ok(());
    }
    Err(Error::input(format!(
        "{failed} of {} sortings failed; {} says why",
        bench.rows.len(),
        page.display()
    )))
}
