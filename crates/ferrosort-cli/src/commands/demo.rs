//! `ferrosort demo`: simulate, sort, compare with the truth.

use std::fs;
use std::path::Path;

use ferrosort::run_folder::RunFolder;
use ferrosort::settings::{Algorithm, RecordingOptions, Settings};
use ferrosort_core::{Error, Result};
use ferrosort_simulate::{Score, Settings as Simulated, Simulation, score_against_truth};

use super::input::{self, Input};
use super::job::{self, Done, Job, thread_pool};
use crate::args::{DemoArgs, ProbeArgs, RecordingArgs};
use crate::progress::Progress;

const RECORDING: &str = "recording";
const SORTING: &str = "sorting";

/// Preset of the simulation.
const PRESET: &str = "demo";

/// Simulates 20 units on 64 channels of a Neuropixels probe in drifting tissue, sorts and scores.
pub fn run(args: &DemoArgs, progress: &Progress) -> Result<()> {
    let mut params = Simulated::preset(PRESET)?;
    params.duration_s = args.duration;
    params.set_seed(args.seed);
    params.validate()?;
    make_room(&args.output, args.overwrite)?;
    let result = simulate_and_sort(args, &params, progress);
    if result.is_err() {
        // The folder was made by this run; the error is the one to report.
        let _ = fs::remove_dir_all(&args.output);
    }
    let (simulation, input, done) = result?;
    let sorting = &done.outcome.sorting;
    let score = score_against_truth(&simulation.truth(), &sorting.spike_times, &sorting.spike_units)?;
    let mut report = done.report();
    report["mean_accuracy"] = score.mean_accuracy().into();
    report["n_well_detected"] = score.n_well_detected().into();
    let text = table(&simulation, &score) + "\n" + &done.summary(&input, &args.output.join(SORTING));
    progress.finished(&text, &report);
    Ok(())
}

fn simulate_and_sort(
    args: &DemoArgs,
    params: &Simulated,
    progress: &Progress,
) -> Result<(Simulation, Input, Done)> {
    let recording = args.output.join(RECORDING);
    fs::create_dir_all(&args.output).map_err(|e| Error::io("create", &args.output, e))?;
    let simulation = thread_pool(args.threads)?.install(|| {
        let simulation = Simulation::plan(params, progress)?;
        simulation.write(&recording, false, progress)?;
        Ok::<_, Error>(simulation)
    })?;
    let input = input::open(
        &RecordingArgs::folder(recording),
        &ProbeArgs::default(),
        &RecordingOptions::default(),
    )?;
    let job = Job {
        input: &input,
        settings: &Settings::new(Algorithm::Kilosort2),
        draws: ferrosort::pipeline::Draws::default(),
        folder: RunFolder::create(&args.output.join(SORTING), false, &[])?,
        keep_processed: false,
        threads: args.threads,
        warnings: Vec::new(),
    };
    let done = job::run(job, progress)?;
    Ok((simulation, input, done))
}

/// Removes an earlier demo if that is wanted, and nothing else.
fn make_room(output: &Path, overwrite: bool) -> Result<()> {
    if !output.exists() {
        return Ok(());
    }
    let shown = output.display();
    if !overwrite {
        return Err(Error::input(format!(
            "output folder {shown} exists; name another one with --output, or pass --overwrite to replace an earlier demo"
        )));
    }
    let fail = |e| Error::io("read", output, e);
    let mut is_demo = fs::read_to_string(output.join(RECORDING).join("meta.json"))
        .is_ok_and(|meta| meta.contains("\"generator\": \"ferrosort-simulate"));
    for entry in fs::read_dir(output).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        is_demo &= name == RECORDING || name == SORTING;
    }
    if !is_demo {
        return Err(Error::input(format!(
            "output folder {shown} is not an earlier demo, so --overwrite does not replace it; name another folder"
        )));
    }
    fs::remove_dir_all(output).map_err(|e| Error::io("remove", output, e))
}

/// How well each simulated unit was found.
fn table(simulation: &Simulation, score: &Score) -> String {
    let mut lines = vec!["simulated unit   SNR  spikes  found as  accuracy  recall  precision".to_string()];
    for (index, (unit, found)) in simulation.units().iter().zip(&score.units).enumerate() {
        let partner = found
            .partner
            .map_or_else(|| "-".to_string(), |partner| partner.to_string());
        lines.push(format!(
            "{index:>14} {:>5.1} {:>7} {partner:>9} {:>9.2} {:>7.2} {:>10.2}",
            unit.snr, found.n_spikes, found.accuracy, found.recall, found.precision
        ));
    }
    lines.push(format!(
        "mean accuracy {:.2}; {} of {} units with 0.8 or better",
        score.mean_accuracy(),
        score.n_well_detected(),
        score.units.len()
    ));
    lines.join("\n") + "\n"
}
