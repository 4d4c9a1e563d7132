//! Simulating.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use ferrosort::job::thread_pool;
use ferrosort_simulate::{Settings, Simulation};
use pyo3::prelude::*;

use crate::call;

/// Writes a simulated recording with its truth; `sets` are `NAME=VALUE` texts.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn simulate(
    py: Python<'_>,
    preset: &str,
    output: PathBuf,
    seed: Option<u64>,
    sets: Vec<String>,
    overwrite: bool,
    threads: Option<NonZeroUsize>,
    listener: &Bound<'_, PyAny>,
) -> PyResult<()> {
    call::run(py, listener, |observer| {
        let mut settings = Settings::from_name_or_file(preset)?;
        if let Some(seed) = seed {
            settings.set_seed(seed);
        }
        for assignment in &sets {
            settings.set(assignment)?;
        }
        settings.validate()?;
        thread_pool(threads)?.install(|| {
            let simulation = Simulation::plan(&settings, observer)?;
            simulation.write(&output, overwrite, observer)?;
            Ok(())
        })
    })
}
