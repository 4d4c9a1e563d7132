//! The main path: from a recording to its sorting.

use std::path::PathBuf;

use ferrosort_core::{Observer, Probe, Recording, Result, Sorting};
use ndarray::ArrayD;

use crate::settings::Settings;

/// Random draws made elsewhere, to repeat a run of another program exactly.
#[derive(Debug, Clone, Default)]
pub struct Draws {
    /// For each batch, the spikes that start the batch clustering (rows in feature order).
    pub cluster_starts: Option<Vec<Vec<usize>>>,
    /// Clips that start the prototypes.
    pub prototype_starts: Option<Vec<usize>>,
    /// Start of the embedding of batches.
    pub embedding_start: Option<Vec<f64>>,
}

/// What to sort and how.
pub struct Request<'a> {
    /// The recording.
    pub recording: &'a dyn Recording,
    /// Its wired contacts, already validated against the recording.
    pub probe: &'a Probe,
    /// Algorithm, parameters and compatibility.
    pub settings: &'a Settings,
    /// Draws to use instead of the seeded ones.
    pub draws: Draws,
    /// Where to write the whitened data, if they are to be kept: 16-bit, batch by batch, channel-major in each.
    pub processed_file: Option<PathBuf>,
}

/// One named array for `intermediates/NAME.npy`.
#[derive(Debug, Clone)]
pub enum Intermediate {
    /// 64-bit floats.
    F64(ArrayD<f64>),
    /// 32-bit floats.
    F32(ArrayD<f32>),
    /// Integers: indices (0-based) and counts.
    I64(ArrayD<i64>),
}

/// A stage and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTime {
    /// Name of the stage.
    pub stage: &'static str,
    /// Wall time, s.
    pub seconds: f64,
}

/// Everything that a sort produces.
pub struct Outcome {
    /// Spikes and units.
    pub sorting: Sorting,
    /// The arrays of the originals by their names (`Wrot`, `ccb`, `iorig`, `st3`, ...), with one line on axes and units each.
    pub intermediates: Vec<(&'static str, &'static str, Intermediate)>,
    /// Wall time by stage, in order.
    pub times: Vec<StageTime>,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
}

/// Sorts a recording. Call inside a rayon pool of the wanted size; results do not depend on it.
///
/// # Errors
/// I/O of the recording, samples that are not finite, cancellation by the observer.
pub fn sort(request: &Request, observer: &dyn Observer) -> Result<Outcome> {
    let _ = (request, observer);
    Err(ferrosort_core::Error::input("the sorter is not assembled yet"))
}
