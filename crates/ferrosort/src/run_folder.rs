//! The output folder of a run: complete under its name, or not there at all.
//!
//! Everything is written into `.NAME.unfinished` beside the output, flushed to the disk and renamed at the end. An error, Ctrl-C or a
//! power cut leaves the old state, and in that hidden folder the checkpoints from which the next run goes on.
//! docs/output.md describes every file.

mod manifest;
mod safety;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrosort_core::{Error, Probe, Recording, Result, Sorting, UnitLabel, UnitSummary};
use ferrosort_formats::npy::write_array;
use ferrosort_formats::phy::write_phy;

use crate::checkpoint::{self, Checkpoints};
use crate::pipeline::{Intermediate, Outcome};
use crate::settings::Settings;

/// Name of the manifest in the folder.
pub const MANIFEST: &str = "run.json";
/// Name of the whitened data in the folder, when they are kept.
pub const PROCESSED: &str = "processed.bin";
/// Name of the folder of intermediate arrays.
pub const INTERMEDIATES: &str = "intermediates";
/// Held locked while a run is alive.
const LOCK: &str = ".lock";
/// Where the files of the result are until they are complete.
const RESULT: &str = "result";
/// Where checkpoints are.
const CHECKPOINTS: &str = "checkpoints";

/// An output folder that is being written. Dropped before [`RunFolder::finish`], it leaves checkpoints behind, or nothing.
#[derive(Debug)]
pub struct RunFolder {
    target: PathBuf,
    /// An existing result may be replaced.
    overwrite: bool,
    unfinished: PathBuf,
    lock: Option<File>,
    /// Parents of the output that this run made, the deepest first.
    new_parents: Vec<PathBuf>,
    finished: bool,
    keeps_checkpoints: bool,
}

/// What a run did, for the folder and its manifest.
pub struct Run<'a> {
    /// What was sorted.
    pub recording: &'a dyn Recording,
    /// All wired contacts, before channels were left out.
    pub probe: &'a Probe,
    /// How it was sorted.
    pub settings: &'a Settings,
    /// The result.
    pub outcome: &'a Outcome,
    /// What the user should know, one sentence each; the outcome's warnings included.
    pub warnings: &'a [String],
    /// Threads used; listed with the timings.
    pub threads: usize,
    /// Wall time of the whole run so far, s.
    pub seconds: f64,
}

impl RunFolder {
    /// Makes the hidden folder beside `output`, and parents of `output` that do not exist. Checkpoints that an interrupted run left there stay.
    ///
    /// With `overwrite`, an existing result is replaced when the run finishes and stays untouched until then.
    /// `inputs` are the files and folders that the run reads: a folder that holds one of them is never replaced.
    ///
    /// # Errors
    /// `output` exists and `overwrite` is false; it is not a folder, not a sorting, or holds files that no sorting writes
    /// or one of the inputs; it has no name; another run is writing to it; the parent is not writable.
    pub fn create(output: &Path, overwrite: bool, inputs: &[PathBuf]) -> Result<Self> {
        let target = safety::absolute_target(output)?;
        let (Some(parent), Some(_)) = (target.parent(), target.file_name()) else {
            return Err(Error::input(format!(
                "output {} has no name of its own; name a folder that can be created",
                output.display()
            )));
        };
        let unfinished = safety::sibling(&target, "unfinished");
        safety::put_back(&target);
        safety::clear_finished(&unfinished);
        safety::check_target(&target, output, overwrite, inputs)?;
        let new_parents = create_parents(parent)?;
        fs::create_dir_all(&unfinished).map_err(|e| Error::io("create", &unfinished, e))?;
        let lock = Some(safety::locked(&unfinished.join(LOCK), output)?);
        let folder = Self {
            target,
            overwrite,
            unfinished,
            lock,
            new_parents,
            finished: false,
            keeps_checkpoints: true,
        };
        let result = folder.path();
        if result.exists() {
            fs::remove_dir_all(&result).map_err(|e| Error::io("remove", &result, e))?;
        }
        fs::create_dir(&result).map_err(|e| Error::io("create", &result, e))?;
        Ok(folder)
    }

    /// Where files are written until the run is finished.
    pub fn path(&self) -> PathBuf {
        self.unfinished.join(RESULT)
    }

    /// The hidden folder that holds the checkpoints, if there are any.
    pub fn checkpoints_left(&self) -> Option<&Path> {
        let any = self.keeps_checkpoints && checkpoint::any_in(&self.unfinished.join(CHECKPOINTS));
        any.then_some(self.unfinished.as_path())
    }

    /// Where this run keeps what it has done, `interval` apart within long stages.
    pub fn checkpoints(&self, interval: Duration) -> Checkpoints {
        Checkpoints::new(self.unfinished.join(CHECKPOINTS), interval)
    }

    /// Removes the checkpoints of an interrupted run.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn remove_checkpoints(&self) -> Result<()> {
        let folder = self.unfinished.join(CHECKPOINTS);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|e| Error::io("remove", &folder, e))?;
        }
        Ok(())
    }

    /// Leaves no checkpoints behind if the run is given up: the next one would fail like this one.
    pub fn forget_checkpoints(&mut self) {
        self.keeps_checkpoints = false;
    }

    /// Where the whitened data go, for [`crate::pipeline::Request::processed_file`].
    pub fn processed_file(&self) -> PathBuf {
        self.path().join(PROCESSED)
    }

    /// Writes the phy files, the intermediates and the manifest.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write(&self, run: &Run) -> Result<()> {
        let result = self.path();
        write_phy(&result, &run.outcome.sorting, run.recording, &self.target)?;
        let folder = result.join(INTERMEDIATES);
        fs::create_dir(&folder).map_err(|e| Error::io("create", &folder, e))?;
        for (name, _, array) in &run.outcome.intermediates {
            let path = folder.join(format!("{name}.npy"));
            match array {
                Intermediate::F64(values) => write_array(&path, values)?,
                Intermediate::F32(values) => write_array(&path, values)?,
                Intermediate::I64(values) => write_array(&path, values)?,
            }
        }
        manifest::write(&result, run)
    }

    /// Flushes everything to the disk and gives the folder its name. Returns the absolute path.
    ///
    /// # Errors
    /// I/O; the output appeared meanwhile. An old result is then as it was.
    pub fn finish(mut self) -> Result<PathBuf> {
        let result = self.path();
        for path in files_below(&result)? {
            sync(&path)?;
        }
        let replaced = safety::sibling(&self.target, "replaced");
        let overwrites = self.target.exists();
        if overwrites && !self.overwrite {
            return Err(Error::input(format!(
                "output folder {} appeared while this run was at work, and is not replaced; move it away and run the same command again: it goes on \
                 from what was done",
                self.target.display()
            )));
        }
        if overwrites {
            fs::rename(&self.target, &replaced).map_err(|e| Error::io("move", &self.target, e))?;
        }
        if let Err(e) = fs::rename(&result, &self.target) {
            if overwrites {
                fs::rename(&replaced, &self.target).map_err(|e| Error::io("restore", &replaced, e))?;
            }
            return Err(Error::io("create", &self.target, e));
        }
        self.finished = true;
        if let Some(parent) = self.target.parent() {
            sync_folder(parent)?;
        }
        if overwrites {
            // The new result is in place; what cannot be removed now, the next run removes.
            let _ = fs::remove_dir_all(&replaced);
        }
        self.lock = None;
        let _ = fs::remove_dir_all(&self.unfinished);
        Ok(self.target.clone())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // The error that brought us here is the one to report; what cannot be removed keeps its telling name.
        let _ = fs::remove_dir_all(self.path());
        if self.checkpoints_left().is_some() {
            // Its absence would mean that the run finished.
            let _ = fs::create_dir(self.path());
            return;
        }
        self.lock = None;
        let _ = fs::remove_dir_all(&self.unfinished);
        for parent in &self.new_parents {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Number of units that have spikes, and how many of them are good. Templates that lost all their spikes do not count.
pub fn count_units(sorting: &Sorting) -> (usize, usize) {
    (with_spikes(sorting).len(), count_label(sorting, UnitLabel::Good))
}

/// Number of units with this label that have spikes.
fn count_label(sorting: &Sorting, label: UnitLabel) -> usize {
    with_spikes(sorting).iter().filter(|unit| unit.label == label).count()
}

fn with_spikes(sorting: &Sorting) -> Vec<&UnitSummary> {
    let mut has_spikes = vec![false; sorting.units.len()];
    for &unit in &sorting.spike_units {
        has_spikes[unit as usize] = true;
    }
    let units = sorting.units.iter().zip(&has_spikes);
    units.filter(|(_, has)| **has).map(|(unit, _)| unit).collect()
}

/// Creates the folder and its missing parents; returns those created, the deepest first.
fn create_parents(folder: &Path) -> Result<Vec<PathBuf>> {
    let missing: Vec<PathBuf> = folder
        .ancestors()
        .take_while(|path| !path.exists())
        .map(Path::to_path_buf)
        .collect();
    fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
    Ok(missing)
}

/// Every file below a folder, by name, and the folders after what they hold.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e| Error::io("read", folder, e);
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(fail)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(fail)?;
    entries.sort();
    let mut all = Vec::new();
    for path in entries {
        if path.is_dir() {
            all.extend(files_below(&path)?);
        } else {
            all.push(path);
        }
    }
    all.push(folder.to_path_buf());
    Ok(all)
}

fn sync(path: &Path) -> Result<()> {
    if path.is_dir() {
        return sync_folder(path);
    }
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.sync_all())
        .map_err(|e| Error::io("write", path, e))
}

/// Makes the names in a folder durable. Only Unix can open a folder for this.
fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = File::open(path).and_then(|folder| folder.sync_all());
        folder.map_err(|e| Error::io("write", path, e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
