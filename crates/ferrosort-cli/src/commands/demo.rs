//! `ferrosort demo`: simulate, sort, compare with the truth, show the report.

use std::fs;
use std::path::Path;

use ferrosort::job::{self, CHECKPOINT_INTERVAL, Done, Job, thread_pool};
use ferrosort::pipeline::{Draws, Limits};
use ferrosort::run_folder::RunFolder;
use ferrosort::settings::{Algorithm, RecordingOptions, Settings};
use ferrosort_compare::SpikeComparison;
use ferrosort_compare::analysis::{Analysis, AnalysisParams, WELL_DETECTED};
use ferrosort_core::{Error, Result};
use ferrosort_formats::read_regular_text;
use ferrosort_report::comparison::{self, Comparison, Inputs, Outputs};
use ferrosort_report::signal::SignalSource;
use ferrosort_simulate::{Settings as Simulated, Simulation};

use super::input::{self, Input};
use super::{browser, finished};
use crate::args::{DemoArgs, ProbeArgs, RecordingArgs};
use crate::progress::Progress;

const RECORDING: &str = "recording";
const SORTING: &str = "sorting";
const REPORT: &str = "report.html";

/// Preset of the simulation.
const PRESET: &str = "demo";

/// Simulates 20 units on 64 channels of a Neuropixels probe in drifting tissue, sorts, compares and reports.
pub fn run(args: &DemoArgs, progress: &Progress) -> Result<()> {
    let mut params = Simulated::preset(PRESET)?;
    params.duration_s = args.duration;
    params.set_seed(args.seed);
    params.validate()?;
    make_room(&args.output, args.overwrite)?;
    let result = simulate_and_sort(args, &params, progress).and_then(|(input, done)| {
        let comparison = compare(args, progress)?;
        Ok((input, done, comparison))
    });
    if result.is_err() {
        // The folder was made by this run; the error is the one to report.
        let _ = fs::remove_dir_all(&args.output);
    }
    let (input, done, comparison) = result?;
    let page = args.output.join(REPORT);
    let mut report = finished::report(&done);
    let mut text = String::new();
    if let Some(spikes) = comparison.analysis.pair(0, 1).and_then(|pair| pair.spikes.available())
        && let Some(truth) = &spikes.truth
    {
        let units = &truth.performance.performance_by_unit;
        report["mean_accuracy"] = truth.performance.pooled_with_average.accuracy.into();
        report["n_well_detected"] = units.iter().filter(|u| u.accuracy >= WELL_DETECTED).count().into();
        text = table(&comparison.analysis, spikes) + "\n";
    }
    report["report"] = page.display().to_string().into();
    text.push_str(&finished::summary(&done, &*input.recording, &args.output.join(SORTING)));
    text = text + "report: " + &page.display().to_string() + "\n";
    progress.finished(&text, &report);
    if !(args.no_open || args.verbosity.quiet) {
        browser::show(&page, progress);
    }
    Ok(())
}

fn simulate_and_sort(args: &DemoArgs, params: &Simulated, progress: &Progress) -> Result<(Input, Done)> {
    let recording = args.output.join(RECORDING);
    fs::create_dir_all(&args.output).map_err(|e| Error::io("create", &args.output, e))?;
    thread_pool(args.threads)?.install(|| {
        let simulation = Simulation::plan(params, progress)?;
        simulation.write(&recording, false, progress)
    })?;
    let input = input::open(
        &RecordingArgs::folder(recording),
        &ProbeArgs::default(),
        &RecordingOptions::default(),
    )?;
    let job = Job {
        recording: &*input.recording,
        probe: &input.probe,
        settings: &Settings::new(Algorithm::Auto),
        draws: Draws::default(),
        folder: RunFolder::create(&args.output.join(SORTING), false, &[])?,
        keep_processed: false,
        threads: args.threads,
        limits: Limits::default(),
        checkpoint_interval: CHECKPOINT_INTERVAL,
        warnings: Vec::new(),
    };
    let done = job::run(job, progress)?;
    Ok((input, done))
}

fn compare(args: &DemoArgs, progress: &Progress) -> Result<Comparison> {
    let signal = SignalSource::default();
    let inputs = Inputs {
        paths: vec![args.output.join(RECORDING), args.output.join(SORTING)],
        names: Some(["truth", "sorting"].map(String::from).to_vec()),
        truth: true,
        ..Inputs::default()
    };
    let runs = comparison::read(&inputs, &signal)?;
    let params = AnalysisParams {
        truth: true,
        ..AnalysisParams::default()
    };
    let page = args.output.join(REPORT);
    let outputs = Outputs {
        report: Some(&page),
        ..Outputs::default()
    };
    thread_pool(args.threads)?.install(|| {
        let comparison = comparison::compare(runs, &params, &signal, progress)?;
        comparison.write(outputs, "Demonstration: 20 simulated neurons in drifting tissue")?;
        Ok(comparison)
    })
}

/// Removes an earlier demo if that is wanted, and nothing else.
fn make_room(output: &Path, overwrite: bool) -> Result<()> {
    if !output.exists() {
        return Ok(());
    }
    let shown = output.display();
    if !output.is_dir() {
        return Err(Error::input(format!(
            "output {shown} is a file; name a folder with --output"
        )));
    }
    if !overwrite {
        return Err(Error::input(format!(
            "output folder {shown} exists; name another one with --output, or pass --overwrite to replace an earlier demo"
        )));
    }
    let fail = |e| Error::io("read", output, e);
    let mut is_demo = read_regular_text(&output.join(RECORDING).join("meta.json"), "demo")
        .is_ok_and(|meta| meta.contains("\"generator\": \"ferrosort-simulate"));
    for entry in fs::read_dir(output).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        is_demo &= [RECORDING, SORTING, REPORT].iter().any(|own| name == *own);
    }
    if !is_demo {
        return Err(Error::input(format!(
            "output folder {shown} is not an earlier demo, so --overwrite does not replace it; name another folder"
        )));
    }
    fs::remove_dir_all(output).map_err(|e| Error::io("remove", output, e))
}

/// How well each simulated unit was found.
fn table(analysis: &Analysis, spikes: &SpikeComparison) -> String {
    let mut lines = vec!["simulated unit   SNR  spikes  found as  accuracy  recall  precision".to_string()];
    let Some(truth) = &spikes.truth else {
        return String::new();
    };
    let units = &truth.performance.performance_by_unit;
    for (unit, found) in analysis.runs[0].run.units.iter().zip(units) {
        let partner = found.tested_id.map_or("-", |place| spikes.unit_ids_b[place].as_str());
        let snr = unit.snr.map_or_else(|| "-".to_string(), |snr| format!("{snr:.1}"));
        lines.push(format!(
            "{:>14} {snr:>5} {:>7} {partner:>9} {:>9.2} {:>7.2} {:>10.2}",
            unit.id, found.num_gt, found.accuracy, found.recall, found.precision
        ));
    }
    lines.push(format!(
        "mean accuracy {:.2}; {} of {} units with 0.8 or better",
        truth.performance.pooled_with_average.accuracy,
        units.iter().filter(|u| u.accuracy >= WELL_DETECTED).count(),
        units.len()
    ));
    lines.join("\n") + "\n"
}
