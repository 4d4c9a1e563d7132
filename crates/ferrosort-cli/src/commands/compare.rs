//! `ferrosort compare`: results with each other, and with the truth.

use std::path::PathBuf;

use ferrosort::job::thread_pool;
use ferrosort_compare::analysis::AnalysisParams;
use ferrosort_core::Result;
use ferrosort_report::comparison::{self, Inputs, Outputs};
use ferrosort_report::outputs::{check_files, check_folder, is_stdout};
use serde_json::json;

use crate::args::CompareArgs;
use crate::progress::Progress;

/// Reads, compares, writes what is wanted, and prints a summary.
pub fn run(args: &CompareArgs, progress: &Progress) -> Result<()> {
    let mut params = AnalysisParams {
        exhaustive: !args.not_exhaustive,
        delta_time_ms: args.matching.delta_ms,
        match_score: args.matching.match_score,
        chance_score: args.matching.chance_score,
        ..AnalysisParams::default()
    };
    params.check()?;
    let signal = (&args.signal).into();
    let outputs = Outputs {
        json: args.json.as_deref(),
        tables: args.tables.as_deref(),
        report: args.report.as_deref(),
    };
    let files: Vec<_> = [outputs.json, outputs.report].into_iter().flatten().collect();
    let inputs_read: Vec<PathBuf> = args.results.iter().chain(&args.signal.recording).cloned().collect();
    check_files(&files, args.overwrite, &inputs_read)?;
    if let Some(folder) = outputs.tables {
        check_folder(folder, args.overwrite)?;
    }
    let inputs = Inputs {
        paths: args.results.clone(),
        names: args.names.clone(),
        time_offset: args.matching.time_offset,
        truth: args.truth,
        keep_noise: args.keep_noise,
    };
    let runs = comparison::read(&inputs, &signal)?;
    params.truth = comparison::first_is_truth(&runs, args.truth);
    let title = runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(", ");
    let pool = thread_pool(args.signal.threads)?;
    let done = pool.install(|| comparison::compare(runs, &params, &signal, progress))?;
    pool.install(|| done.write(outputs, &title))?;
    if !outputs.json.is_some_and(is_stdout) {
        let report = json!({ "event": "finished", "warnings": done.analysis.warnings });
        progress.finished(&done.summary(outputs), &report);
    }
    Ok(())
}
