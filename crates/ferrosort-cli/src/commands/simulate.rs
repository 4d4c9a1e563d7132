//! `ferrosort simulate`: a recording with its truth.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ferrosort::job::thread_pool;
use ferrosort_core::{Error, Result};
use ferrosort_formats::{OpenOptions, open_recording, open_regular, read_probe};
use ferrosort_simulate::settings::{ColouredNoise, Component, Course, Generator, Noise, PRESETS, Profile};
use ferrosort_simulate::{Motion, Settings, Simulation};
use serde_json::json;

use crate::args::SimulateArgs;
use crate::progress::{Progress, print};

/// Smoothing of the drift that `--drift` asks for, s.
const DRIFT_SMOOTH_S: f64 = 20.0;

/// Lists presets, prints settings, or simulates.
pub fn run(args: &SimulateArgs, progress: &Progress) -> Result<()> {
    if args.list {
        print(&list());
        return Ok(());
    }
    if let Some(name) = &args.print {
        print(&settings(args, name)?.to_toml()?);
        return Ok(());
    }
    // The parser asks for both unless one of the flags above is given.
    let (Some(name), Some(output)) = (&args.settings, &args.output) else {
        return Err(Error::input(
            "name a preset or a file of settings, and a folder with --output",
        ));
    };
    simulate(&settings(args, name)?, output, args, progress)
}

fn simulate(settings: &Settings, output: &Path, args: &SimulateArgs, progress: &Progress) -> Result<()> {
    let started = Instant::now();
    let simulation = thread_pool(args.threads)?.install(|| {
        let simulation = match &args.hybrid {
            None => Simulation::plan(settings, progress)?,
            Some(recording) => hybrid(settings, recording, args, progress)?,
        };
        simulation.write(output, args.overwrite, progress)?;
        Ok::<_, Error>(simulation)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let spikes = simulation.truth().spike_times.len();
    let report = json!({
        "event": "finished", "folder": output.display().to_string(), "units": simulation.units().len(),
        "spikes": spikes, "seconds": seconds, "warnings": simulation.warnings(),
    });
    let text = format!(
        "{spikes} spikes of {} units and {} small background units, {} s of {} channels, in {seconds:.1} s\n\
         recording: {shown}\ntruth: {}\nsort it: ferrosort sort {shown} --output sorting\n",
        simulation.units().len(),
        simulation.background_units().len(),
        simulation.settings().duration_s,
        simulation.n_channels(),
        output.join("truth").display(),
        shown = output.display(),
    );
    progress.finished(&text, &report);
    Ok(())
}

/// Units in a recording folder.
fn hybrid(settings: &Settings, folder: &Path, args: &SimulateArgs, progress: &Progress) -> Result<Simulation> {
    let recording = open_recording(&[folder.to_path_buf()], &OpenOptions::default())?;
    let probe = match (&args.probe, recording.probe()) {
        (Some(file), _) => read_probe(Path::new(file))?,
        (None, Some(probe)) => probe.clone(),
        (None, None) => {
            return Err(Error::input(format!(
                "recording {} has no probe.json; give its contacts with --probe FILE",
                folder.display()
            )));
        }
    };
    let motion = args.motion.as_deref().map(Motion::from_csv).transpose()?;
    Simulation::plan_hybrid(settings, Arc::from(recording), &probe, motion, progress)
}

fn list() -> String {
    let width = PRESETS.iter().map(|p| p.name.len()).max().unwrap_or(0);
    let lines: Vec<String> = PRESETS
        .iter()
        .map(|p| format!("{:<width$}  {}", p.name, p.about))
        .collect();
    lines.join("\n") + "\n"
}

/// The settings of a preset or file with the changes of the options.
fn settings(args: &SimulateArgs, name: &str) -> Result<Settings> {
    let mut settings = Settings::from_name_or_file(name)?;
    if let Some(duration_s) = args.duration {
        settings.duration_s = duration_s;
    }
    if let Some(seed) = args.seed {
        settings.set_seed(seed);
    }
    if let Some(n) = args.units {
        settings.units.n = n;
    }
    if let Some(probe) = &args.probe {
        settings.probe.name.clone_from(probe);
        settings.probe.n_channels = 0;
    }
    if let Some(n) = args.channels {
        settings.probe.n_channels = n;
    }
    if let Some(range_um) = args.drift {
        settings.drift.components = match range_um {
            0.0 => Vec::new(),
            range_um => vec![Component {
                course: Course::SmoothNoise {
                    range_um,
                    smooth_s: DRIFT_SMOOTH_S,
                },
                profile: Profile::Rigid,
            }],
        };
    }
    if let Some(noise) = &args.noise {
        settings.noise = noise_of(noise)?;
    }
    if !args.waveforms.is_empty() {
        settings.units.generator = Generator::Library;
        settings.units.libraries = libraries(&args.waveforms)?;
        if args.units.is_none() {
            // As many as the files hold, times the copies.
            settings.units.n = 0;
        }
    }
    for assignment in &args.set {
        settings.set(assignment)?;
    }
    settings.validate()?;
    Ok(settings)
}

fn noise_of(text: &str) -> Result<Noise> {
    match text {
        "none" => Ok(Noise::None),
        "thermal" => Ok(Noise::default()),
        "coloured" => Ok(Noise::Coloured(ColouredNoise::default())),
        path if is_noise(Path::new(path))? => Ok(Noise::Measured {
            path: path.to_string(),
            scale: 1.0,
        }),
        _ => Err(Error::input(format!(
            "--noise {text} is neither none, thermal or coloured nor a noise model (.npz) or a recording folder; other kinds \
             are set with --set noise={{kind=...}}"
        ))),
    }
}

/// Whether there is a noise model or a folder of a recording.
fn is_noise(path: &Path) -> Result<bool> {
    if path.is_dir() || !path.exists() {
        return Ok(path.is_dir());
    }
    open_regular(path, "noise model")?;
    Ok(path.extension().is_some_and(|extension| extension == "npz"))
}

/// Files as they are, and the `.mat` files of folders by name.
pub(super) fn libraries(paths: &[PathBuf]) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let fail = |e| Error::io("read", path, e);
            let mut found = Vec::new();
            for entry in std::fs::read_dir(path).map_err(fail)? {
                let file = entry.map_err(fail)?.path();
                if file.extension().is_some_and(|e| e == "mat") {
                    found.push(file);
                }
            }
            if found.is_empty() {
                return Err(Error::input(format!(
                    "--waveforms {}: the folder has no .mat file",
                    path.display()
                )));
            }
            found.sort();
            files.extend(found);
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            return Err(Error::input(format!(
                "--waveforms {}: there is no such file",
                path.display()
            )));
        }
    }
    Ok(files.iter().map(|p| p.display().to_string()).collect())
}
