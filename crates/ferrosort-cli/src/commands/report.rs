//! `ferrosort report`: a page about one result.

use std::path::PathBuf;

use ferrosort::job::thread_pool;
use ferrosort_compare::analysis::AnalysisParams;
use ferrosort_core::{Error, Result};
use ferrosort_report::comparison::{self, Inputs, Outputs};
use ferrosort_report::outputs::{check_files, check_folder, is_stdout};
use serde_json::json;

use crate::args::ReportArgs;
use crate::progress::Progress;

/// Reads, measures, and writes the page.
pub fn run(args: &ReportArgs, progress: &Progress) -> Result<()> {
    let page = match &args.output {
        Some(page) => page.clone(),
        None => default_page(args)?,
    };
    let outputs = Outputs {
        json: args.json.as_deref(),
        tables: args.tables.as_deref(),
        report: Some(&page),
    };
    let files: Vec<_> = [outputs.json, outputs.report].into_iter().flatten().collect();
    let inputs_read: Vec<PathBuf> = [&args.sorting]
        .into_iter()
        .chain(&args.signal.recording)
        .cloned()
        .collect();
    check_files(&files, args.overwrite, &inputs_read)?;
    if let Some(folder) = outputs.tables {
        check_folder(folder, args.overwrite)?;
    }
    let inputs = Inputs {
        paths: vec![args.sorting.clone()],
        keep_noise: true,
        ..Inputs::default()
    };
    let signal = (&args.signal).into();
    let runs = comparison::read(&inputs, &signal)?;
    let title = runs[0].name.clone();
    let pool = thread_pool(args.signal.threads)?;
    let params = AnalysisParams::default();
    let done = pool.install(|| comparison::compare(runs, &params, &signal, progress))?;
    pool.install(|| done.write(outputs, &title))?;
    if !outputs.json.is_some_and(is_stdout) {
        let report = json!({
            "event": "finished", "report": page.display().to_string(), "warnings": done.analysis.warnings,
        });
        progress.finished(&done.summary(outputs), &report);
    }
    Ok(())
}

/// Beside the sorting, with its name.
fn default_page(args: &ReportArgs) -> Result<PathBuf> {
    let sorting = std::path::absolute(&args.sorting).map_err(|e| Error::io("read", &args.sorting, e))?;
    match sorting.file_stem() {
        Some(name) => {
            let mut name = name.to_os_string();
            name.push("-report.html");
            Ok(sorting.with_file_name(name))
        }
        None => Err(Error::input(format!(
            "{} has no name to call the report by; name a file with --output",
            args.sorting.display()
        ))),
    }
}
