//! One sorting: from opened inputs to a finished folder. `sort` and `demo` share it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ferrosort::pipeline::{self, Draws, Limits, Outcome, Request};
use ferrosort::run_folder::{Run, RunFolder, count_units};
use ferrosort::settings::Settings;
use ferrosort_core::{Error, Observer, Result};
use ferrosort_formats::phy::phy_can_open;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Value, json};

use super::input::Input;
use crate::progress::Progress;

/// Usual time between two checkpoints within a long stage.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(20);

/// Everything that one sorting needs.
pub struct Job<'a> {
    /// Recording and probe.
    pub input: &'a Input,
    /// How to sort.
    pub settings: &'a Settings,
    /// Random draws to repeat.
    pub draws: Draws,
    /// The folder to write into; it gets its name at the end.
    pub folder: RunFolder,
    /// Keep the whitened data.
    pub keep_processed: bool,
    /// Threads, all cores when absent.
    pub threads: Option<NonZeroUsize>,
    /// Memory and chunks.
    pub limits: Limits,
    /// Time between two checkpoints within a long stage.
    pub checkpoint_interval: Duration,
    /// What the user should know from before the sorting; already shown.
    pub warnings: Vec<String>,
}

/// A finished sorting.
pub struct Done {
    /// The result.
    pub outcome: Outcome,
    /// Its folder.
    pub folder: PathBuf,
    /// Wall time, s.
    pub seconds: f64,
    /// Everything that the user should know.
    pub warnings: Vec<String>,
}

/// Sorts and writes the folder. A run that was interrupted goes on.
pub fn run(job: Job, progress: &Progress) -> Result<Done> {
    let started = Instant::now();
    let mut folder = job.folder;
    if let Some(left) = folder.checkpoints_left() {
        progress.note(&format!(
            "going on with the run that was interrupted, from {}",
            left.display()
        ));
    }
    let pool = thread_pool(job.threads)?;
    let request = Request {
        recording: &*job.input.recording,
        probe: &job.input.probe,
        settings: job.settings,
        draws: job.draws,
        processed_file: job.keep_processed.then(|| folder.processed_file()),
        checkpoints: Some(folder.checkpoints(job.checkpoint_interval)),
        limits: job.limits,
    };
    match sort_into(&folder, &request, job.warnings, &pool, started, progress) {
        Ok((outcome, warnings)) => Ok(Done {
            outcome,
            folder: folder.finish()?,
            seconds: started.elapsed().as_secs_f64(),
            warnings,
        }),
        Err(error) => {
            if matches!(error, Error::Input { .. }) {
                folder.forget_checkpoints();
            }
            if let Some(left) = folder.checkpoints_left() {
                progress.note(&format!(
                    "what was done is kept in {}; the same command goes on from there",
                    left.display()
                ));
            }
            Err(error)
        }
    }
}

/// Sorts, and writes everything into the folder. Gives all warnings.
fn sort_into(
    folder: &RunFolder,
    request: &Request,
    mut warnings: Vec<String>,
    pool: &ThreadPool,
    started: Instant,
    progress: &Progress,
) -> Result<(Outcome, Vec<String>)> {
    let outcome = pool.install(|| pipeline::sort(request, progress))?;
    warnings.extend(outcome.warnings.iter().cloned());
    if let Some(reason) = phy_can_open(&outcome.sorting) {
        let warning = format!("phy cannot open this folder: {reason}; SpikeInterface reads it");
        progress.warning(&warning);
        warnings.push(warning);
    }
    folder.write(&Run {
        recording: request.recording,
        probe: request.probe,
        settings: request.settings,
        outcome: &outcome,
        warnings: &warnings,
        threads: pool.current_num_threads(),
        seconds: started.elapsed().as_secs_f64(),
    })?;
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    Ok((outcome, warnings))
}

/// Most threads of a pool: more than any machine has processors; each costs memory.
const MAX_THREADS: usize = 1024;

/// A pool of its own: results do not depend on its size.
///
/// # Errors
/// More threads than [`MAX_THREADS`], or than the system gives.
pub fn thread_pool(threads: Option<NonZeroUsize>) -> Result<ThreadPool> {
    if let Some(wanted) = threads.filter(|wanted| wanted.get() > MAX_THREADS) {
        return Err(Error::input(format!(
            "--threads is {wanted}; give a number from 1 to {MAX_THREADS}, at best that of the processors"
        )));
    }
    let threads = threads.or_else(|| std::thread::available_parallelism().ok());
    ThreadPoolBuilder::new()
        .num_threads(threads.map_or(1, NonZeroUsize::get))
        .build()
        .map_err(|e| {
            Error::input(format!(
                "{threads:?} threads could not be started ({e}); pass fewer with --threads"
            ))
        })
}

impl Done {
    /// Some lines for people. `folder` is how the user named the output.
    pub fn summary(&self, input: &Input, folder: &Path) -> String {
        let sorting = &self.outcome.sorting;
        let (units, good) = count_units(sorting);
        let recorded = input.recording.n_samples() as f64 / input.recording.sample_rate();
        let mut lines = vec![
            format!(
                "{} spikes of {units} units, {good} of them good, in {recorded:.1} s of {} channels",
                sorting.spike_times.len(),
                sorting.probe.len()
            ),
            format!(
                "sorted in {:.1} s, {:.1} times as fast as recorded",
                self.seconds,
                recorded / self.seconds
            ),
        ];
        if !self.warnings.is_empty() {
            lines.push("warnings:".to_string());
            lines.extend(self.warnings.iter().map(|warning| format!("  {warning}")));
        }
        lines.push(format!("result: {}", folder.display()));
        if phy_can_open(sorting).is_none() {
            lines.push(format!(
                "look at it: phy template-gui {}",
                folder.join("params.py").display()
            ));
        }
        lines.join("\n") + "\n"
    }

    /// The same for machines.
    pub fn report(&self) -> Value {
        let (units, good) = count_units(&self.outcome.sorting);
        json!({
            "event": "finished", "folder": self.folder.display().to_string(),
            "spikes": self.outcome.sorting.spike_times.len(), "units": units, "good_units": good,
            "seconds": self.seconds, "warnings": self.warnings,
        })
    }
}
