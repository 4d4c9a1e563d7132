//! A simulation on disk: `recording.bin`, `meta.json`, `probe.json`, `README.md` and `truth/`.

mod arrays;
mod emouse;
mod kilosort4;
mod meta;
mod overlap;
mod readme;
mod truth;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use ferrosort_core::{Error, Observer, Result};
use ferrosort_formats::{NewOutput, Replaceable, read_regular_text};
use rayon::prelude::*;

use crate::simulation::Simulation;

/// Name of the stage in progress reports.
const STAGE: &str = "simulate";
/// Program that wrote a folder, in its `meta.json`.
pub(crate) const GENERATOR: &str = concat!("ferrosort-simulate ", env!("CARGO_PKG_VERSION"));

/// Folders that [`Simulation::write`] made.
const EARLIER: Replaceable = Replaceable {
    what: "simulation",
    files: |folder| {
        let text = read_regular_text(&folder.join("meta.json"), "simulation").ok()?;
        let meta: serde_json::Value = serde_json::from_str(&text).ok()?;
        let ours = GENERATOR.split(' ').next()?;
        let is_ours = meta.get("generator")?.as_str()?.starts_with(ours);
        is_ours.then(|| FILES.map(String::from).to_vec())
    },
};

/// Every file of a simulation (docs/simulation.md); `*` stands for any text.
const FILES: [&str; 12] = [
    "recording.bin",
    "meta.json",
    "probe.json",
    "README.md",
    "truth/*.npy",
    "truth/*.npz",
    "truth/*.csv",
    "truth/*.json",
    "kilosort4_params.npz",
    "eMouseGroundTruth.mat",
    "eMouseSimRecord.mat",
    "chanMap.mat",
];

impl Simulation {
    /// Writes the recording and the truth into `folder`. Memory does not grow with the length but for the list of
    /// spikes. The folder gets its name when everything is written; until then it is a hidden one beside it.
    ///
    /// `overwrite` replaces the folder of an earlier simulation that holds nothing else. docs/simulation.md lists the files.
    ///
    /// # Errors
    /// The folder exists, the disk refuses, or the observer cancels.
    pub fn write(&self, folder: &Path, overwrite: bool, observer: &dyn Observer) -> Result<()> {
        let made = NewOutput::folder(folder, overwrite, EARLIER)?;
        self.write_samples(&made.path().join("recording.bin"), observer)?;
        self.write_meta(made.path())?;
        self.write_truth(made.path())?;
        if self.settings.files.kilosort4 {
            self.write_kilosort4(made.path())?;
        }
        if self.settings.files.emouse {
            self.write_emouse(made.path(), observer)?;
        }
        self.write_readme(made.path())?;
        if observer.cancelled() {
            return Err(Error::Interrupted);
        }
        made.finish()
    }

    fn write_samples(&self, path: &Path, observer: &dyn Observer) -> Result<()> {
        let started = Instant::now();
        let fail = |e| Error::io("write", path, e);
        let mut file = File::create(path).map_err(|e| Error::io("create", path, e))?;
        observer.stage_started(STAGE, self.n_blocks(), "blocks");
        // Blocks in flight bound the memory: a few for each thread.
        let group = 4 * rayon::current_num_threads() as u64;
        let mut first = 0;
        while first < self.n_blocks() {
            if observer.cancelled() {
                return Err(Error::Interrupted);
            }
            let last = (first + group).min(self.n_blocks());
            let blocks: Vec<Vec<u8>> = (first..last)
                .into_par_iter()
                .map(|b| Ok(self.render_block(b)?.into_iter().flat_map(i16::to_le_bytes).collect()))
                .collect::<Result<_>>()?;
            for bytes in blocks {
                file.write_all(&bytes).map_err(fail)?;
            }
            observer.advanced(last - first);
            first = last;
        }
        file.sync_all().map_err(fail)?;
        observer.stage_finished(STAGE, started.elapsed().as_secs_f64());
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
