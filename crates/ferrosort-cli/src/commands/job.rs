//! One sorting: from opened inputs to a finished folder. `sort` and `demo` share it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ferrosort::pipeline::{self, Draws, Outcome, Request};
use ferrosort::run_folder::{Run, RunFolder, units_with_spikes};
use ferrosort::settings::Settings;
use ferrosort_core::{Error, Observer, Result, UnitLabel};
use ferrosort_formats::phy::phy_can_open;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Value, json};

use super::input::Input;
use crate::progress::Progress;

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

/// Sorts and writes the folder.
pub fn run(job: Job, progress: &Progress) -> Result<Done> {
    let started = Instant::now();
    let pool = thread_pool(job.threads)?;
    let request = Request {
        recording: &*job.input.recording,
        probe: &job.input.probe,
        settings: job.settings,
        draws: job.draws,
        processed_file: job.keep_processed.then(|| job.folder.processed_file()),
    };
    let outcome = pool.install(|| pipeline::sort(&request, progress))?;
    let mut warnings = job.warnings;
    warnings.extend(outcome.warnings.iter().cloned());
    if let Some(reason) = phy_can_open(&outcome.sorting) {
        let warning = format!("phy cannot open this folder: {reason}; SpikeInterface reads it");
        progress.warning(&warning);
        warnings.push(warning);
    }
    let seconds = started.elapsed().as_secs_f64();
    job.folder.write(&Run {
        recording: &*job.input.recording,
        probe: &job.input.probe,
        settings: job.settings,
        outcome: &outcome,
        warnings: &warnings,
        threads: pool.current_num_threads(),
        seconds,
    })?;
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    Ok(Done {
        outcome,
        folder: job.folder.finish()?,
        seconds,
        warnings,
    })
}

/// A pool of its own: results do not depend on its size.
pub fn thread_pool(threads: Option<NonZeroUsize>) -> Result<ThreadPool> {
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
    /// Units with spikes, and how many of them are good.
    pub fn counts(&self) -> (usize, usize) {
        let units = units_with_spikes(&self.outcome.sorting);
        let good = |&&unit: &&usize| self.outcome.sorting.units[unit].label == UnitLabel::Good;
        (units.len(), units.iter().filter(good).count())
    }

    /// A few lines for people. `folder` is how the user named the output.
    pub fn summary(&self, input: &Input, folder: &Path) -> String {
        let (units, good) = self.counts();
        let recorded = input.recording.n_samples() as f64 / input.recording.sample_rate();
        let mut text = format!(
            "{} spikes of {units} units, {good} of them good, in {recorded:.1} s of {} channels\nsorted in {:.1} s ({:.1} \
             times as fast as recorded)\n",
            self.outcome.sorting.spike_times.len(),
            self.outcome.sorting.probe.len(),
            self.seconds,
            recorded / self.seconds
        );
        if !self.warnings.is_empty() {
            text.push_str("warnings:\n");
            for warning in &self.warnings {
                text.push_str(&format!("  {warning}\n"));
            }
        }
        text.push_str(&format!("result: {}\n", folder.display()));
        if phy_can_open(&self.outcome.sorting).is_none() {
            text.push_str(&format!(
                "look at it: phy template-gui {}\n",
                folder.join("params.py").display()
            ));
        }
        text
    }

    /// The same for machines.
    pub fn report(&self) -> Value {
        let (units, good) = self.counts();
        json!({
            "event": "finished", "folder": self.folder.display().to_string(),
            "spikes": self.outcome.sorting.spike_times.len(), "units": units, "good": good,
            "seconds": self.seconds, "warnings": self.warnings,
        })
    }
}
