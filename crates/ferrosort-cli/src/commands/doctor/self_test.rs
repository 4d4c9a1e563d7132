//! A small simulated recording, sorted twice: the neurons must be found, and both times be the same.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use ferrosort::job::{self, CHECKPOINT_INTERVAL, Job, thread_pool};
use ferrosort::pipeline::{Draws, Limits};
use ferrosort::run_folder::{MANIFEST, RunFolder};
use ferrosort::settings::{Algorithm, RecordingOptions, Settings};
use ferrosort_core::{Error, Result, Silent};
use ferrosort_formats::read_regular;
use ferrosort_formats::results::{ReadOptions, read_run};
use ferrosort_simulate::settings::{Rates, Target};
use ferrosort_simulate::{Settings as Simulated, Simulation};
use serde::Serialize;
use serde_json::Value;

use crate::args::{ProbeArgs, RecordingArgs};
use crate::commands::bench::score::Truth;
use crate::commands::input::{self, Input};
use crate::progress::Progress;

/// The recording: its preset, length, channels and neurons.
const PRESET: &str = "easy";
const SECONDS: f64 = 20.0;
const CHANNELS: usize = 32;
const UNITS: usize = 8;
const SNR: [f64; 2] = [10.0, 30.0];
/// Median of their rates, and the standard deviation of its logarithm: each fires often enough to be judged.
const RATE_HZ: [f64; 2] = [8.0, 0.3];
/// Most threads that the self-test uses: more have nothing to do.
const MOST_THREADS: usize = 64;
/// Longest manifest that is read, bytes.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// What the self-test found.
#[derive(Debug, Clone, Serialize)]
pub struct SelfTest {
    /// Length of the recording, s.
    pub recorded_s: f64,
    /// Its channels.
    pub channels: usize,
    /// Time to simulate it, s.
    pub simulated_in_s: f64,
    /// Threads and wall time of each sorting, s.
    pub sorted: Vec<Sorted>,
    /// Simulated neurons.
    pub units: usize,
    /// Neurons found with an accuracy of 0.8 or more.
    pub well_detected: usize,
    /// Mean accuracy over all neurons.
    pub mean_accuracy: f64,
    /// All sortings have the same bytes.
    pub same_bytes: bool,
}

/// One sorting of the self-test.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sorted {
    /// Threads it ran on.
    pub threads: usize,
    /// Wall time, s.
    pub seconds: f64,
}

/// Simulates, sorts with one thread and with many, and scores.
///
/// # Errors
/// Whatever fails on the way; the user interrupts.
pub fn run(folder: &Path, progress: &Progress) -> Result<SelfTest> {
    let recording = folder.join("recording");
    let started = Instant::now();
    thread_pool(None)?.install(|| Simulation::plan(&settings()?, &Silent)?.write(&recording, false, progress))?;
    let simulated_in_s = started.elapsed().as_secs_f64();
    let input = input::open(
        &RecordingArgs::folder(recording.clone()),
        &ProbeArgs::default(),
        &RecordingOptions::default(),
    )?;
    let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let all = all.clamp(2, MOST_THREADS);
    let mut sorted = Vec::new();
    let mut manifests = Vec::new();
    for threads in [1, all] {
        let output = folder.join(format!("sorting-{threads}"));
        let seconds = sort(&input, &output, threads, progress)?;
        sorted.push(Sorted { threads, seconds });
        manifests.push(manifest(&output)?);
    }
    let sorting = read_run(&folder.join("sorting-1"), &ReadOptions::default())?;
    let score = Truth::read(&recording)?.score(&sorting)?;
    Ok(SelfTest {
        recorded_s: SECONDS,
        channels: CHANNELS,
        simulated_in_s,
        sorted,
        units: score.n_units,
        well_detected: score.n_well_detected,
        mean_accuracy: score.mean_accuracy.unwrap_or(0.0),
        same_bytes: manifests.windows(2).all(|pair| pair[0] == pair[1]),
    })
}

fn settings() -> Result<Simulated> {
    let mut settings = Simulated::preset(PRESET)?;
    settings.duration_s = SECONDS;
    settings.probe.n_channels = CHANNELS;
    settings.units.n = UNITS;
    settings.background.n_hash = UNITS;
    settings.units.target = Target::Snr {
        quantiles: vec![[0.0, SNR[0]], [1.0, SNR[1]]],
    };
    settings.firing.rates = Rates::LogNormal {
        median_hz: RATE_HZ[0],
        log_sd: RATE_HZ[1],
    };
    settings.validate()?;
    Ok(settings)
}

/// Sorts into a folder; returns the wall time, s.
fn sort(input: &Input, output: &Path, threads: usize, progress: &Progress) -> Result<f64> {
    let job = Job {
        limits: Limits::default(),
        checkpoint_interval: CHECKPOINT_INTERVAL,
        recording: &*input.recording,
        probe: &input.probe,
        settings: &Settings::new(Algorithm::Auto),
        draws: Draws::default(),
        folder: RunFolder::create(output, false, &[])?,
        keep_processed: false,
        threads: NonZeroUsize::new(threads),
        warnings: Vec::new(),
    };
    Ok(job::run(job, progress)?.seconds)
}

/// What `run.json` says of the result but its timings: it has the hash of every file.
fn manifest(output: &Path) -> Result<Value> {
    let path = output.join(MANIFEST);
    let bytes = read_regular(&path, "sorting", MAX_MANIFEST_BYTES)?;
    let mut manifest: Value = serde_json::from_slice(&bytes)
        .map_err(|e| Error::input(format!("{} is not valid JSON: {e}", path.display())))?;
    if let Some(entries) = manifest.as_object_mut() {
        entries.remove("timings");
    }
    Ok(manifest)
}

impl SelfTest {
    /// One sentence for everything that is wrong with the result.
    pub fn what_is_wrong(&self, least_accuracy: f64) -> Vec<String> {
        let mut problems = Vec::new();
        if self.mean_accuracy < least_accuracy {
            problems.push(format!(
                "the sorter has a mean accuracy of {:.3} in the self-test, where {least_accuracy} is the least that is right; please report this",
                self.mean_accuracy
            ));
        }
        if !self.same_bytes {
            let threads: Vec<String> = self.sorted.iter().map(|sorted| sorted.threads.to_string()).collect();
            problems.push(format!(
                "{} threads give different bytes in the self-test; please report this",
                threads.join(" and ")
            ));
        }
        problems
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let sorted: Vec<String> = self
            .sorted
            .iter()
            .map(|sorted| format!("{:.1} s with {}", sorted.seconds, sorted.threads))
            .collect();
        vec![
            format!(
                "self-test   {} s of {} channels with {} neurons: simulated in {:.1} s, sorted in {} threads",
                self.recorded_s,
                self.channels,
                self.units,
                self.simulated_in_s,
                sorted.join(" and ")
            ),
            format!(
                "accuracy    {:.3} on average, {} of {} neurons with 0.8 or better; {}",
                self.mean_accuracy,
                self.well_detected,
                self.units,
                if self.same_bytes {
                    "the same bytes"
                } else {
                    "DIFFERENT BYTES"
                }
            ),
        ]
    }

    /// A result with this accuracy.
    #[cfg(test)]
    pub fn example(mean_accuracy: f64) -> Self {
        let sorted = |threads| Sorted { threads, seconds: 1.0 };
        Self {
            recorded_s: SECONDS,
            channels: CHANNELS,
            simulated_in_s: 1.0,
            sorted: vec![sorted(1), sorted(2)],
            units: UNITS,
            well_detected: UNITS,
            mean_accuracy,
            same_bytes: true,
        }
    }
}
