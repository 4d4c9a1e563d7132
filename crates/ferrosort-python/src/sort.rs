//! Sorting.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ferrosort::job::{self, CHECKPOINT_INTERVAL, Job, thread_pool};
use ferrosort::pipeline::{self, Draws, Limits, Outcome, Request};
use ferrosort::run_folder::RunFolder;
use ferrosort::settings::metadata::{PARAMETERS, ParameterInfo};
use ferrosort::settings::{Algorithm, Resolved};
use ferrosort_core::{Error, Observer, Probe, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::call;
use crate::errors::exception;
use crate::recording::{GivenProbe, Recording};
use crate::results;

/// How to sort.
#[pyclass(frozen, module = "ferrosort._ferrosort")]
pub struct Settings {
    pub(crate) resolved: Resolved,
}

#[pymethods]
impl Settings {
    /// The defaults of an algorithm, changed by a preset, a file and `NAME=VALUE` texts.
    #[new]
    fn new(algorithm: &str, compat: Option<&str>, file: Option<PathBuf>, sets: Vec<String>) -> PyResult<Self> {
        let resolve = || {
            let algorithm = self::algorithm(algorithm, compat)?;
            ferrosort::settings::Settings::resolve(algorithm, compat, file.as_deref(), &sets)
        };
        let resolved = resolve().map_err(|e| exception(&e))?;
        Ok(Self { resolved })
    }
}

/// Every parameter of the Kilosort algorithms: its name, those of the original programs, its unit, and what it does.
#[pyfunction]
pub fn parameters() -> Vec<(&'static str, Vec<&'static str>, &'static str, &'static str)> {
    let row = |info: &ParameterInfo| (info.name, info.aliases.to_vec(), info.unit, info.meaning);
    PARAMETERS.iter().map(row).collect()
}

fn algorithm(name: &str, compat: Option<&str>) -> Result<Algorithm> {
    match name {
        "auto" if compat.is_some_and(|preset| preset != "none") => Err(Error::input(
            "compat is for the Kilosort algorithms and has no meaning for auto; leave it out, or pass algorithm='kilosort2'",
        )),
        "auto" => Ok(Algorithm::Auto),
        "kilosort2" => Ok(Algorithm::Kilosort2),
        "pykilosort" => Ok(Algorithm::Pykilosort),
        _ => Err(Error::input(format!(
            "algorithm {name} is not known; there are auto, kilosort2 and pykilosort"
        ))),
    }
}

/// Where the result goes, and how to compute.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Ways {
    output: Option<PathBuf>,
    overwrite: bool,
    keep_processed: bool,
    pitch_um: f64,
    threads: Option<NonZeroUsize>,
}

/// Sorts a recording; gives the columns and arrays of the result by name. `listener` hears of progress and warnings.
#[pyfunction]
pub fn sort<'py>(
    py: Python<'py>,
    recording: &Recording,
    probe: Option<GivenProbe>,
    settings: &Settings,
    ways: Ways,
    listener: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let inputs = inputs(recording, probe.as_ref());
    let done = call::run(py, listener, |observer| {
        settings
            .resolved
            .settings
            .check_rate(recording.recording.sample_rate())?;
        let (probe, notes) = recording.contacts(probe, ways.pitch_um)?;
        let warnings = [settings.resolved.warnings.clone(), notes].concat();
        for warning in &warnings {
            observer.warning(warning);
        }
        sort_to(&ways, recording, &probe, settings, &inputs, warnings, observer)
    })?;
    results::of_sort(py, done, recording, settings)
}

/// What came out of a sort.
pub struct Sorted {
    /// Spikes, units and arrays.
    pub outcome: Outcome,
    /// The folder, if it was wanted.
    pub folder: Option<PathBuf>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Wall time, s.
    pub seconds: f64,
}

fn sort_to(
    ways: &Ways,
    recording: &Recording,
    probe: &Probe,
    settings: &Settings,
    inputs: &[PathBuf],
    mut warnings: Vec<String>,
    observer: &dyn Observer,
) -> Result<Sorted> {
    let recording = &*recording.recording;
    let settings = &settings.resolved.settings;
    if let Some(output) = &ways.output {
        let done = job::run(
            Job {
                recording,
                probe,
                settings,
                draws: Draws::default(),
                folder: RunFolder::create(output, ways.overwrite, inputs)?,
                keep_processed: ways.keep_processed,
                threads: ways.threads,
                limits: Limits::default(),
                checkpoint_interval: CHECKPOINT_INTERVAL,
                warnings,
            },
            observer,
        )?;
        return Ok(Sorted {
            outcome: done.outcome,
            folder: Some(done.folder),
            warnings: done.warnings,
            seconds: done.seconds,
        });
    }
    let started = Instant::now();
    let request = Request {
        recording,
        probe,
        settings,
        draws: Draws::default(),
        processed_file: None,
        features: None,
        checkpoints: None,
        limits: Limits::default(),
    };
    let outcome = thread_pool(ways.threads)?.install(|| pipeline::sort(&request, observer))?;
    warnings.extend(outcome.warnings.iter().cloned());
    Ok(Sorted {
        outcome,
        folder: None,
        warnings,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// What the run reads: none of it may be overwritten.
fn inputs(recording: &Recording, probe: Option<&GivenProbe>) -> Vec<PathBuf> {
    let mut paths = recording.paths.clone();
    if let Some(GivenProbe::Path(path)) = probe {
        paths.push(Path::new(path).to_path_buf());
    }
    paths
}
