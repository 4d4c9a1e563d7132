//! A folder that gets its name when it is complete.

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};
use ferrosort_formats::read_regular_text;

use super::GENERATOR;

/// A folder under a hidden name; dropped before [`Folder::finish`], it is removed.
#[derive(Debug)]
pub(super) struct Folder {
    hidden: PathBuf,
    wanted: PathBuf,
    overwrite: bool,
    finished: bool,
}

impl Folder {
    /// Creates the hidden folder beside the wanted one.
    pub(super) fn create(wanted: &Path, overwrite: bool) -> Result<Self> {
        let name = wanted.file_name().ok_or_else(|| {
            Error::input(format!(
                "{} is no name for an output folder; name a new folder",
                wanted.display()
            ))
        })?;
        let mut hidden_name = std::ffi::OsString::from(".");
        hidden_name.push(name);
        hidden_name.push(format!(".partial-{}", std::process::id()));
        let made = Self {
            hidden: wanted.with_file_name(hidden_name),
            wanted: wanted.to_path_buf(),
            overwrite,
            finished: false,
        };
        made.check_wanted()?;
        std::fs::create_dir_all(&made.hidden).map_err(|e| Error::io("create", &made.hidden, e))?;
        Ok(made)
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.hidden
    }

    /// The wanted folder is absent, or one that may be replaced.
    fn check_wanted(&self) -> Result<()> {
        let shown = self.wanted.display();
        if !self.wanted.exists() {
            return Ok(());
        }
        if !self.overwrite {
            return Err(Error::input(format!(
                "output folder {shown} exists; name another one, or pass --overwrite to replace an earlier simulation"
            )));
        }
        let ours = GENERATOR.split(' ').next().unwrap_or_default();
        let is_simulation = read_regular_text(&self.wanted.join("meta.json"), "simulation")
            .is_ok_and(|meta| meta.contains(&format!("\"generator\": \"{ours}")));
        if !is_simulation {
            return Err(Error::input(format!(
                "output folder {shown} is not an earlier simulation, so --overwrite does not replace it; name another folder"
            )));
        }
        Ok(())
    }

    /// Gives the folder its name.
    pub(super) fn finish(mut self) -> Result<()> {
        self.check_wanted()?;
        if self.wanted.exists() {
            std::fs::remove_dir_all(&self.wanted).map_err(|e| Error::io("remove", &self.wanted, e))?;
        }
        std::fs::rename(&self.hidden, &self.wanted).map_err(|e| Error::io("create", &self.wanted, e))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.finished {
            // The error that ended the run is the one to report; what cannot be removed keeps its telling name.
            let _ = std::fs::remove_dir_all(&self.hidden);
        }
    }
}
