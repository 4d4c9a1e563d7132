//! Exporting results.

use std::path::PathBuf;

use ferrosort_formats::export::{ExportOptions, Format};
use ferrosort_formats::results::ReadOptions;
use pyo3::prelude::*;

use crate::call;
use crate::errors::exception;

/// Writes a result for other programs.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn export(
    py: Python<'_>,
    path: PathBuf,
    output: PathBuf,
    format: &str,
    overwrite: bool,
    sample_rate: Option<f64>,
    gain_uv: Option<f64>,
    prefer_truth: bool,
    metadata: Vec<(String, String)>,
    listener: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let format = Format::from_name(format).map_err(|e| exception(&e))?;
    let mut options = ExportOptions {
        overwrite,
        gain_uv,
        ..ExportOptions::new(format)
    };
    for (key, value) in &metadata {
        options.metadata.set(key, value).map_err(|e| exception(&e))?;
    }
    let read = ReadOptions {
        sample_rate,
        prefer_truth,
        ..ReadOptions::default()
    };
    call::run(py, listener, |observer| {
        ferrosort_report::export::export(&path, &read, &output, &options, observer)?;
        Ok(())
    })
}
