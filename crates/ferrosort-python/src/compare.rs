//! Comparing.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use ferrosort::job::thread_pool;
use ferrosort_compare::analysis::{AnalysisParams, to_json};
use ferrosort_report::comparison::{self, Inputs, Outputs};
use ferrosort_report::outputs::check_files;
use ferrosort_report::signal::SignalSource;
use pyo3::prelude::*;

use crate::call;
use crate::errors::exception;
use crate::recording::Described;

/// What to compare, and how.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[allow(clippy::struct_excessive_bools)]
pub struct Wanted {
    paths: Vec<PathBuf>,
    names: Option<Vec<String>>,
    truth: bool,
    exhaustive: bool,
    keep_noise: bool,
    delta_ms: f64,
    match_score: f64,
    chance_score: f64,
    time_offset: i64,
    recording: Vec<PathBuf>,
    no_recording: bool,
    probe: Option<PathBuf>,
    report: Option<PathBuf>,
    tables: Option<PathBuf>,
    overwrite: bool,
    threads: Option<NonZeroUsize>,
}

/// Compares results; gives the document of numbers as JSON. `described` is of the recording.
#[pyfunction]
pub fn compare(py: Python<'_>, wanted: Wanted, described: Described, listener: &Bound<'_, PyAny>) -> PyResult<String> {
    let options = described.options().map_err(|e| exception(&e))?;
    call::run(py, listener, |observer| {
        let mut params = AnalysisParams {
            exhaustive: wanted.exhaustive,
            delta_time_ms: wanted.delta_ms,
            match_score: wanted.match_score,
            chance_score: wanted.chance_score,
            ..AnalysisParams::default()
        };
        params.check()?;
        check_files(wanted.report.as_deref().as_slice(), wanted.overwrite, &wanted.paths)?;
        let signal = SignalSource {
            recording: wanted.recording,
            none: wanted.no_recording,
            options,
            probe: wanted.probe,
        };
        let inputs = Inputs {
            paths: wanted.paths,
            names: wanted.names,
            time_offset: wanted.time_offset,
            truth: wanted.truth,
            keep_noise: wanted.keep_noise,
        };
        let runs = comparison::read(&inputs, &signal)?;
        params.truth = comparison::first_is_truth(&runs, wanted.truth);
        let title = runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(", ");
        let outputs = Outputs {
            json: None,
            tables: wanted.tables.as_deref(),
            report: wanted.report.as_deref(),
        };
        thread_pool(wanted.threads)?.install(|| {
            let done = comparison::compare(runs, &params, &signal, observer)?;
            done.write(outputs, &title)?;
            Ok(to_json(&done.analysis).to_string())
        })
    })
}
