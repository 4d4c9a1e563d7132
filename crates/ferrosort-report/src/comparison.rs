//! Results in, numbers and a page out: what the command line and the Python package share.

use std::path::{Path, PathBuf};

use ferrosort_compare::analysis::{Analysis, AnalysisParams, Signal, analyse, to_json, to_tables};
use ferrosort_core::{Error, Observer, Result, RunKind, SortingRun};
use ferrosort_formats::results::{ReadOptions, consistency_warnings, read_run};

use crate::outputs::{is_stdout, write_file};
use crate::signal::{self, FoundSignal, SignalSource};
use crate::{assemble, write_report};

/// A finished comparison, with the recording that it used.
pub struct Comparison {
    /// The numbers.
    pub analysis: Analysis,
    signal: Option<FoundSignal>,
}

/// Which files to write.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outputs<'a> {
    /// Every number.
    pub json: Option<&'a Path>,
    /// Tables as CSV files.
    pub tables: Option<&'a Path>,
    /// The page.
    pub report: Option<&'a Path>,
}

/// What to read, and how.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Folders and files.
    pub paths: Vec<PathBuf>,
    /// Names for tables and legends, as many as paths.
    pub names: Option<Vec<String>>,
    /// Samples to subtract from all but the first.
    pub time_offset: i64,
    /// The first is the truth: of a folder that holds a sorting and a truth, the truth is meant.
    pub truth: bool,
    /// Leave units in that their sorter labelled `noise`.
    pub keep_noise: bool,
}

/// Reads results. Every one must be readable: a comparison with one side is none.
///
/// # Errors
/// Those of the readers; another number of names than of results.
pub fn read(inputs: &Inputs, signal: &SignalSource) -> Result<Vec<SortingRun>> {
    if let Some(names) = &inputs.names
        && names.len() != inputs.paths.len()
    {
        return Err(Error::input(format!(
            "--names has {} names for {} results; give one for each, separated by commas",
            names.len(),
            inputs.paths.len()
        )));
    }
    check_numbers(inputs, signal)?;
    let read_one = |(place, path): (usize, &PathBuf)| {
        let options = ReadOptions {
            name: inputs.names.as_ref().map(|names| names[place].clone()),
            sample_rate: signal.options.sample_rate,
            time_offset: if place == 0 { 0 } else { inputs.time_offset },
            prefer_truth: inputs.truth && place == 0,
            ..ReadOptions::default()
        };
        let run = read_run(path, &options)?;
        if inputs.keep_noise {
            return Ok(run);
        }
        let (mut run, left_out) = run.without_noise();
        if left_out > 0 {
            let units = if left_out == 1 {
                "unit that its sorter labelled noise was"
            } else {
                "units that their sorter labelled noise were"
            };
            run.warnings
                .push(format!("{left_out} {units} left out of the comparison"));
        }
        Ok(run)
    };
    inputs.paths.iter().enumerate().map(read_one).collect()
}

/// Largest offset of spike times, samples: beyond what can be subtracted from any.
const MAX_OFFSET: u64 = 1 << 53;

/// Refuses a sample rate that no recording has.
pub(crate) fn check_sample_rate(rate: Option<f64>) -> Result<()> {
    match rate.filter(|rate| !(1.0..=1e6).contains(rate)) {
        None => Ok(()),
        Some(rate) => Err(Error::input(format!(
            "--sample-rate is {rate:?}; give a number of Hz from 1 to 1000000"
        ))),
    }
}

fn check_numbers(inputs: &Inputs, signal: &SignalSource) -> Result<()> {
    check_sample_rate(signal.options.sample_rate)?;
    if inputs.time_offset.unsigned_abs() > MAX_OFFSET {
        return Err(Error::input(format!(
            "--time-offset is {}; give a number of samples up to {MAX_OFFSET}",
            inputs.time_offset
        )));
    }
    Ok(())
}

/// Whether the first of these results is the truth: because an option says so, or because it is a simulation's and the others are not.
pub fn first_is_truth(runs: &[SortingRun], wanted: bool) -> bool {
    let is_truth = |run: &SortingRun| run.kind == RunKind::Truth;
    runs.len() > 1 && (wanted || (is_truth(&runs[0]) && !runs[1..].iter().any(is_truth)))
}

/// Compares the results, with the recording where it can be had.
///
/// # Errors
/// Those of the analysis.
pub fn compare(
    runs: Vec<SortingRun>,
    params: &AnalysisParams,
    source: &SignalSource,
    observer: &dyn Observer,
) -> Result<Comparison> {
    let mut warnings = Vec::new();
    let signal = signal::find(source, &runs, &mut warnings)?;
    let sortings = &runs[usize::from(params.truth)..];
    for b in sortings.iter().skip(1) {
        warnings.extend(consistency_warnings(&sortings[0], b));
    }
    if params.truth
        && let (Some(truth), Some(first)) = (runs.first(), runs.get(1))
    {
        // Parameters of a simulation and of a sorter are different things.
        let mut truth = truth.clone();
        truth.parameters.clear();
        warnings.extend(consistency_warnings(&truth, first));
    }
    let found = signal.as_ref().map(|found| Signal {
        recording: &*found.recording,
        probe: &found.probe,
    });
    let mut analysis = analyse(runs, found, params, observer)?;
    warnings.append(&mut analysis.warnings);
    analysis.warnings = warnings;
    for warning in &analysis.warnings {
        observer.warning(warning);
    }
    Ok(Comparison { analysis, signal })
}

impl Comparison {
    /// Writes the files that are wanted, each complete or not at all.
    ///
    /// # Errors
    /// I/O.
    pub fn write(&self, outputs: Outputs, title: &str) -> Result<()> {
        if let Some(path) = outputs.json {
            let document = to_json(&self.analysis);
            write_file(path, |file| {
                serde_json::to_writer(&mut *file, &document)?;
                file.write_all(b"\n")
            })?;
        }
        if let Some(folder) = outputs.tables {
            std::fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
            for table in to_tables(&self.analysis) {
                let path = folder.join(format!("{}.csv", table.name));
                write_file(&path, |file| file.write_all(table.to_csv().as_bytes()))?;
            }
        }
        if let Some(path) = outputs.report {
            let signal = self.signal.as_ref().map(|found| Signal {
                recording: &*found.recording,
                probe: &found.probe,
            });
            let report = assemble(&self.analysis, title, signal)?;
            write_file(path, |file| {
                write_report(&report, file).map_err(|e| match e {
                    Error::Io { source, .. } => source,
                    other => std::io::Error::other(other.to_string()),
                })
            })?;
        }
        Ok(())
    }

    /// A short table for people.
    pub fn summary(&self, outputs: Outputs) -> String {
        let mut lines = summary_lines(&self.analysis);
        for (what, path) in [
            ("numbers", outputs.json),
            ("tables", outputs.tables),
            ("report", outputs.report),
        ] {
            if let Some(path) = path.filter(|path| !is_stdout(path)) {
                lines.push(format!("{what}: {}", path.display()));
            }
        }
        lines.join("\n") + "\n"
    }
}

fn summary_lines(analysis: &Analysis) -> Vec<String> {
    let mut lines = Vec::new();
    let name = |place: usize| &analysis.runs[place].run.name;
    for run in &analysis.runs {
        let run = &run.run;
        lines.push(format!(
            "{}: {} units, {} spikes",
            run.name,
            run.units.len(),
            run.spikes.len()
        ));
    }
    for pair in &analysis.pairs {
        let Some(spikes) = pair.spikes.available() else {
            continue;
        };
        let (a, b) = (name(pair.a), name(pair.b));
        match &spikes.truth {
            Some(truth) => {
                let units = &truth.performance.performance_by_unit;
                let well = units.iter().filter(|u| u.accuracy >= 0.8).count();
                let pooled = &truth.performance.pooled_with_average;
                lines.push(format!(
                    "{b} against {a}: mean accuracy {:.3}, recall {:.3}, precision {:.3}; {well} of {} units with 0.8 or better",
                    pooled.accuracy,
                    pooled.recall,
                    pooled.precision,
                    units.len()
                ));
            }
            None => lines.push(format!(
                "{a} and {b}: {} units agree by 0.5 or more, {} by 0.8 or more; {} only in {a}, {} only in {b}",
                spikes.summary.n_pairs_above_half,
                spikes.summary.n_pairs_above_0_8,
                spikes.summary.n_unmatched[0],
                spikes.summary.n_unmatched[1]
            )),
        }
    }
    lines
}
