//! What a run would choose, take and hold, before it runs (docs/guarantees.md).

mod excerpt;
mod kilosort;

use ferrosort_core::{Observer, Result};
use serde::Serialize;

use crate::auto;
use crate::pipeline::Request;
use crate::settings::Algorithm;

/// What a run is expected to do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// What would be chosen, and why, one sentence each.
    pub choices: Vec<String>,
    /// Threads that the times and the memory are for.
    pub threads: usize,
    /// Stages in order.
    pub stages: Vec<StagePlan>,
    /// Expected time of all stages, s.
    pub seconds: f64,
    /// Expected largest memory, bytes.
    pub memory_bytes: u64,
    /// Least memory with which the run would do, bytes.
    pub least_memory_bytes: u64,
    /// Expected size of the result, bytes.
    pub result_bytes: u64,
    /// Expected size of checkpoints while the run lasts, bytes.
    pub checkpoint_bytes: u64,
    /// Expected spikes.
    pub spikes: u64,
}

/// One stage of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct StagePlan {
    /// Its name.
    pub stage: &'static str,
    /// Expected wall time, s.
    pub seconds: f64,
    /// Expected memory, bytes.
    pub memory_bytes: u64,
}

/// Plans a run by trying it on parts of the recording. Call inside a rayon pool of the size that the run would have.
///
/// # Errors
/// Those of the stages that are tried.
pub fn plan(request: &Request, observer: &dyn Observer) -> Result<Plan> {
    match request.settings.algorithm {
        Algorithm::Auto => auto::plan::plan(request, observer),
        Algorithm::Kilosort2 | Algorithm::Pykilosort => kilosort::plan(request, observer),
    }
}
