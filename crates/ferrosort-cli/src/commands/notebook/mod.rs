//! `ferrosort notebook`: simulate, sort with two sorters, compare, report; each operation only when something changed.

mod cache;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ferrosort::fingerprint;
use ferrosort::job::{self, CHECKPOINT_INTERVAL, Job, thread_pool};
use ferrosort::pipeline::{Draws, Limits};
use ferrosort::run_folder::RunFolder;
use ferrosort::settings::{Algorithm, RecordingOptions, Settings};
use ferrosort_compare::analysis::AnalysisParams;
use ferrosort_core::{Error, Observer, Result};
use ferrosort_formats::read_regular_text;
use ferrosort_report::comparison::{self, Inputs, Outputs};
use ferrosort_report::signal::SignalSource;
use ferrosort_simulate::settings::Generator;
use ferrosort_simulate::{Settings as Simulated, Simulation};
use serde_json::json;

use self::cache::Cache;
use super::{browser, input, simulate};
use crate::args::{NotebookArgs, NotebookOptions, ProbeArgs, RecordingArgs};
use crate::progress::Progress;

/// Simulation of the notebook when nothing else is asked for.
const SIMULATION: &str = "emouse-drift";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Does what is not done yet.
pub fn run(args: &NotebookArgs, progress: &Progress) -> Result<()> {
    let options = resolve(args)?;
    let Some(folder) = options.output.clone() else {
        return Err(Error::input(
            "the notebook needs a folder: name one with --output, FERROSORT_OUTPUT or output = \"...\" in the configuration",
        ));
    };
    let mut notebook = Notebook::open(folder, options, progress)?;
    notebook.simulate()?;
    let kilosort2 = notebook.result(Algorithm::Kilosort2)?;
    let pykilosort = notebook.result(Algorithm::Pykilosort)?;
    let page = notebook.compare(&kilosort2, &pykilosort)?;
    let text = fs::read_to_string(notebook.path(SUMMARY)).unwrap_or_default();
    progress.finished(
        &text,
        &json!({ "event": "finished", "report": page.display().to_string() }),
    );
    if notebook.options.open {
        browser::show(&page, progress);
    }
    Ok(())
}

/// Flags and variables, then the configuration file.
fn resolve(args: &NotebookArgs) -> Result<NotebookOptions> {
    let Some(path) = &args.config else {
        return Ok(args.options.clone());
    };
    let text = read_regular_text(path, "configuration (--config)")?;
    let file: NotebookOptions = toml::from_str(&text).map_err(|e| {
        let what = e.message().lines().next().unwrap_or_default().to_string();
        Error::input(format!("{}: {what}; see ferrosort notebook --help", path.display()))
    })?;
    Ok(args.options.clone().or(file))
}

/// What can be wrong with the options is said before the work, which takes long.
fn check(options: &NotebookOptions) -> Result<()> {
    let simulated = simulation(options)?;
    for algorithm in [Algorithm::Kilosort2, Algorithm::Pykilosort] {
        match given_result(options, algorithm) {
            Some(given) if !given.exists() => {
                return Err(Error::input(format!(
                    "{} does not exist; check the path of the result",
                    given.display()
                )));
            }
            Some(_) => {}
            None => sorter(options, algorithm)?.check_rate(simulated.sample_rate_hz)?,
        }
    }
    // Refuses a number of threads that the system does not give.
    drop(thread_pool(options.threads)?);
    Ok(())
}

fn simulation(options: &NotebookOptions) -> Result<Simulated> {
    let mut settings = Simulated::from_name_or_file(options.simulation.as_deref().unwrap_or(SIMULATION))?;
    if let Some(duration_s) = options.duration {
        settings.duration_s = duration_s;
    }
    if let Some(seed) = options.seed {
        settings.set_seed(seed);
    }
    if let Some(paths) = &options.waveforms {
        settings.units.generator = Generator::Library;
        settings.units.libraries = simulate::libraries(paths)?;
    }
    settings.validate()?;
    Ok(settings)
}

/// A result that was made elsewhere.
fn given_result(options: &NotebookOptions, algorithm: Algorithm) -> Option<&PathBuf> {
    match algorithm {
        Algorithm::Auto => None,
        Algorithm::Kilosort2 => options.kilosort2_results.as_ref(),
        Algorithm::Pykilosort => options.pykilosort_results.as_ref(),
    }
}

fn sorter(options: &NotebookOptions, algorithm: Algorithm) -> Result<Settings> {
    let set = options.set.as_deref().unwrap_or(&[]);
    Ok(Settings::resolve(algorithm, None, None, set)?.settings)
}

const RECORDING: &str = "recording";
const REPORT: &str = "report.html";
const NUMBERS: &str = "comparison.json";
const TABLES: &str = "tables";
const SUMMARY: &str = "summary.txt";

/// One notebook folder and what is to be done in it.
struct Notebook<'a> {
    folder: PathBuf,
    options: NotebookOptions,
    cache: Cache,
    progress: &'a Progress,
}

impl<'a> Notebook<'a> {
    fn open(folder: PathBuf, options: NotebookOptions, progress: &'a Progress) -> Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(Error::input(format!(
                "output {} is a file; name a folder with --output",
                folder.display()
            )));
        }
        let cache = Cache::open(&folder, options.force.as_deref().unwrap_or(&[]))?;
        let is_ours = folder.join(cache::FILE).is_file();
        let is_empty = fs::read_dir(&folder).map_or(!folder.exists(), |mut entries| entries.next().is_none());
        if !(is_ours || is_empty) {
            return Err(Error::input(format!(
                "output folder {} is no notebook's and is not empty; name another one",
                folder.display()
            )));
        }
        check(&options)?;
        fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        let notebook = Self {
            folder,
            options,
            cache,
            progress,
        };
        // From here on the folder is known as a notebook's, whatever happens next.
        notebook.cache.save()?;
        Ok(notebook)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs an operation unless it is done. `inputs` stands for everything that it reads.
    fn once(
        &mut self,
        operation: &str,
        inputs: &str,
        made: &[PathBuf],
        work: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let key = blake3::hash(format!("{VERSION} {operation} {inputs}").as_bytes())
            .to_hex()
            .to_string();
        if self.cache.is_current(operation, &key, made) {
            self.progress.note(&format!("{operation}: nothing changed, skipped"));
            return Ok(());
        }
        self.cache.forget(operation)?;
        let started = Instant::now();
        work(self)?;
        self.cache.remember(operation, key, started.elapsed().as_secs_f64())
    }

    fn simulate(&mut self) -> Result<()> {
        let settings = simulation(&self.options)?;
        let output = self.path(RECORDING);
        let mut inputs = settings.to_toml()?;
        for library in &settings.units.libraries {
            inputs.push_str(&fingerprint::of_path(Path::new(library))?);
        }
        self.once("simulate", &inputs, &[output.join("recording.bin")], |notebook| {
            thread_pool(notebook.options.threads)?.install(|| {
                let simulation = Simulation::plan(&settings, notebook.progress)?;
                simulation.write(&output, true, notebook.progress)
            })
        })
    }

    /// Where the result of one sorter is: made elsewhere, or sorted here.
    fn result(&mut self, algorithm: Algorithm) -> Result<PathBuf> {
        let operation = match algorithm {
            Algorithm::Auto => "auto",
            Algorithm::Kilosort2 => "kilosort2",
            Algorithm::Pykilosort => "pykilosort",
        };
        if let Some(given) = given_result(&self.options, algorithm) {
            return Ok(given.clone());
        }
        let settings = sorter(&self.options, algorithm)?;
        let output = self.path(operation);
        let inputs = format!(
            "{settings:?} {}",
            fingerprint::of_path(&self.path(RECORDING).join("recording.bin"))?
        );
        let made = [output.join("run.json"), output.join("processed.bin")];
        self.once(operation, &inputs, &made, |notebook| notebook.sort(&settings, &output))?;
        Ok(output)
    }

    fn sort(&self, settings: &Settings, output: &Path) -> Result<()> {
        let input = input::open(
            &RecordingArgs::folder(self.path(RECORDING)),
            &ProbeArgs::default(),
            &RecordingOptions::default(),
        )?;
        settings.check_rate(input.recording.sample_rate())?;
        let job = Job {
            recording: &*input.recording,
            probe: &input.probe,
            settings,
            draws: Draws::default(),
            folder: RunFolder::create(output, true, &[])?,
            keep_processed: true,
            threads: self.options.threads,
            limits: Limits::default(),
            checkpoint_interval: CHECKPOINT_INTERVAL,
            warnings: Vec::new(),
        };
        job::run(job, self.progress).map(|_| ())
    }

    fn compare(&mut self, kilosort2: &Path, pykilosort: &Path) -> Result<PathBuf> {
        let truth = self.path(RECORDING);
        let mut inputs = fingerprint::of_path(&truth)?;
        for result in [kilosort2, pykilosort] {
            inputs.push_str(&fingerprint::of_path(result)?);
        }
        let (page, numbers, tables) = (self.path(REPORT), self.path(NUMBERS), self.path(TABLES));
        let made = [page.clone(), numbers.clone(), tables.clone()];
        let shown = page.clone();
        self.once("compare", &inputs, &made, |notebook| {
            let signal = SignalSource::default();
            let inputs = Inputs {
                paths: vec![truth, kilosort2.to_path_buf(), pykilosort.to_path_buf()],
                names: Some(["truth", "kilosort2", "pykilosort"].map(String::from).to_vec()),
                truth: true,
                ..Inputs::default()
            };
            let runs = comparison::read(&inputs, &signal)?;
            let params = AnalysisParams {
                truth: true,
                ..AnalysisParams::default()
            };
            let outputs = Outputs {
                json: Some(&numbers),
                tables: Some(&tables),
                report: Some(&page),
            };
            let pool = thread_pool(notebook.options.threads)?;
            let done = pool.install(|| comparison::compare(runs, &params, &signal, notebook.progress))?;
            pool.install(|| done.write(outputs, "Kilosort2 and pykilosort on simulated drifting data"))?;
            let summary = notebook.path(SUMMARY);
            fs::write(&summary, done.summary(outputs)).map_err(|e| Error::io("write", &summary, e))
        })?;
        Ok(shown)
    }
}
