//! The work of a benchmark: recordings that are simulated once, and sortings each in a process of its own.

use std::fs;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ferrosort::job::thread_pool;
use ferrosort_core::{Error, Observer as _, Result, SortingRun};
use ferrosort_formats::results::{ReadOptions, read_run};
use ferrosort_report::outputs::write_file;
use ferrosort_simulate::Simulation;
use serde::{Deserialize, Serialize};

use super::suite::Entry;
use crate::args::AlgorithmName;
use crate::commands::usage::Usage;
use crate::progress::Progress;

/// How often a running sorting is looked at.
const POLL: Duration = Duration::from_millis(10);
/// What an interrupted sorting gets to clean up.
const GRACE: Duration = Duration::from_secs(10);
/// Bytes of an error message that are kept.
const LONGEST_MESSAGE: u64 = 1 << 16;

/// Where a benchmark keeps what, and with how many threads it computes.
pub struct Workshop<'a> {
    /// The output folder.
    pub folder: &'a Path,
    /// Threads, all cores when absent.
    pub threads: Option<NonZeroUsize>,
    /// Shows what is done, and says when to stop.
    pub progress: &'a Progress,
}

/// What a sorting cost. `None` where nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Wall time, s.
    pub wall_s: Option<f64>,
    /// Processor time of all threads, s.
    pub cpu_s: Option<f64>,
    /// Largest resident memory, bytes.
    pub peak_bytes: Option<u64>,
    /// What it ran on, if not on this computer.
    pub device: Option<String>,
}

/// `time.json` beside the result of another sorter.
#[derive(Deserialize)]
struct Time {
    seconds: f64,
    device: Option<String>,
}

impl Workshop<'_> {
    /// The folder of this recording.
    pub fn recording(&self, entry: &Entry) -> PathBuf {
        self.folder.join("recordings").join(&entry.name)
    }

    /// Simulates a recording, unless it is there with the same settings. Returns its folder.
    ///
    /// # Errors
    /// Those of the simulation.
    pub fn simulate(&self, entry: &Entry) -> Result<PathBuf> {
        let folder = self.recording(entry);
        let stamp = folder.with_extension("toml");
        let wanted = format!(
            "# ferrosort {}\n{}",
            env!("CARGO_PKG_VERSION"),
            entry.settings.to_toml()?
        );
        if folder.is_dir() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            self.progress.note(&format!("{}: already simulated", entry.name));
            return Ok(folder);
        }
        self.progress.note(&format!("{}: simulating", entry.name));
        create(&self.folder.join("recordings"))?;
        // Without a stamp, a recording that is only half replaced is not taken for the wanted one.
        let _ = fs::remove_file(&stamp);
        thread_pool(self.threads)?.install(|| {
            let simulation = Simulation::plan(&entry.settings, self.progress)?;
            simulation.write(&folder, true, self.progress)
        })?;
        write_file(&stamp, |file| file.write_all(wanted.as_bytes()))?;
        Ok(folder)
    }

    /// Sorts a recording in a child process. Returns the result and what it cost.
    ///
    /// # Errors
    /// The child's own message; the process cannot be started; the user interrupts.
    pub fn sort(&self, entry: &Entry, algorithm: AlgorithmName) -> Result<(SortingRun, Cost)> {
        let parent = self.folder.join("sortings").join(&entry.name);
        create(&parent)?;
        let output = parent.join(algorithm.name());
        let usage = parent.join(format!("{}.usage.json", algorithm.name()));
        let program = std::env::current_exe().map_err(|e| Error::io("find", Path::new("ferrosort"), e))?;
        let mut command = Command::new(&program);
        command.arg("sort").arg(self.recording(entry));
        command.arg("--output").arg(&output).arg("--overwrite");
        command.args(["--quiet", "--algorithm", &algorithm.name()]);
        command.arg("--usage").arg(&usage);
        if let Some(threads) = self.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let child = command.spawn().map_err(|e| Error::io("start", &program, e))?;
        self.wait(child, &program)?;
        let wall_s = started.elapsed().as_secs_f64();
        let used = fs::read(&usage).map_err(|e| Error::io("read", &usage, e))?;
        let used: Usage = serde_json::from_slice(&used).unwrap_or_default();
        // It says nothing that bench.json does not.
        let _ = fs::remove_file(&usage);
        let cost = Cost {
            wall_s: Some(wall_s),
            cpu_s: used.cpu_s,
            peak_bytes: used.peak_bytes,
            device: None,
        };
        Ok((read_sorting(&output)?, cost))
    }

    /// Waits for the end of a child; an error is what it wrote.
    fn wait(&self, mut child: Child, program: &Path) -> Result<()> {
        let fail = |e| Error::io("run", program, e);
        let mut interrupted: Option<Instant> = None;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(fail)? {
                break status;
            }
            if self.progress.cancelled() {
                // Ctrl-C reaches the child too; a signal to this process alone does not.
                let since = *interrupted.get_or_insert_with(Instant::now);
                if since.elapsed() > GRACE {
                    child.kill().map_err(fail)?;
                }
            }
            std::thread::sleep(POLL);
        };
        if self.progress.cancelled() {
            return Err(Error::Interrupted);
        }
        if status.success() {
            return Ok(());
        }
        let mut message = String::new();
        if let Some(stderr) = child.stderr.take() {
            // A message that cannot be read is replaced by the exit code.
            let _ = stderr.take(LONGEST_MESSAGE).read_to_string(&mut message);
        }
        let last = message.lines().rev().find(|line| !line.trim().is_empty());
        Err(Error::input(last.map_or_else(
            || format!("the sorting ended with {status} and no message; run it again with ferrosort sort"),
            |line| line.trim_start_matches("error: ").to_string(),
        )))
    }

    /// The results of other sorters for a recording, by name.
    ///
    /// # Errors
    /// I/O.
    pub fn others(vs: &Path, entry: &Entry) -> Result<Vec<(String, PathBuf)>> {
        let folder = vs.join(&entry.name);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let fail = |e| Error::io("read", &folder, e);
        let mut found = Vec::new();
        for item in fs::read_dir(&folder).map_err(fail)? {
            let path = item.map_err(fail)?.path();
            if let Some(name) = path.file_name().filter(|_| path.is_dir()) {
                found.push((name.to_string_lossy().into_owned(), path));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Reads the result of another sorter, and its time if `time.json` tells.
    ///
    /// # Errors
    /// Those of the readers; a `time.json` without seconds.
    pub fn read_other(folder: &Path) -> Result<(SortingRun, Cost)> {
        let path = folder.join("time.json");
        let time = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice::<Time>(&bytes)
                .ok()
                .filter(|time| time.seconds.is_finite() && time.seconds >= 0.0)
                .map(Some)
                .ok_or_else(|| {
                    Error::input(format!(
                        "{} is not of the form {{\"seconds\": 12.5, \"device\": \"name\"}}; correct or remove it",
                        path.display()
                    ))
                })?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io("read", &path, e)),
        };
        let cost = time.map_or_else(Cost::default, |time| Cost {
            wall_s: Some(time.seconds),
            device: time.device,
            ..Cost::default()
        });
        Ok((read_sorting(folder)?, cost))
    }
}

fn read_sorting(folder: &Path) -> Result<SortingRun> {
    let options = ReadOptions {
        skip_features: true,
        ..ReadOptions::default()
    };
    read_run(folder, &options)
}

/// Makes a folder and its parents.
pub fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))
}
