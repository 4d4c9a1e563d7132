//! Which operations of a notebook are done, and with what inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Operations in the order in which they run.
pub const OPERATIONS: [&str; 4] = ["simulate", "kilosort2", "pykilosort", "compare"];

/// Name of the memory in the folder of a notebook.
pub const FILE: &str = "notebook.json";

/// What is remembered of a finished operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stamp {
    /// Stands for everything that the operation read.
    inputs: String,
    /// Wall time, s.
    seconds: f64,
}

/// The memory of one notebook folder: `notebook.json`.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    stamps: BTreeMap<String, Stamp>,
    forced: BTreeSet<String>,
}

impl Cache {
    /// Reads the memory of the folder; a folder without one has done nothing. `forced` operations are always done again.
    ///
    /// # Errors
    /// An unknown name in `forced`; I/O. A damaged memory is an empty one: then everything is done again.
    pub fn open(folder: &Path, forced: &[String]) -> Result<Self> {
        let mut all = BTreeSet::new();
        for name in forced {
            match name.as_str() {
                "all" => all.extend(OPERATIONS.map(String::from)),
                known if OPERATIONS.contains(&known) => {
                    all.insert(name.clone());
                }
                other => {
                    return Err(Error::input(format!(
                        "--force {other} names no operation; known are {} and all",
                        OPERATIONS.join(", ")
                    )));
                }
            }
        }
        let path = folder.join(FILE);
        let stamps = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(Error::io("read", &path, e)),
        };
        Ok(Self {
            path,
            stamps,
            forced: all,
        })
    }

    /// Whether the operation was done with these inputs and all it made is still there.
    pub fn is_current(&self, operation: &str, inputs: &str, made: &[PathBuf]) -> bool {
        !self.forced.contains(operation)
            && self.stamps.get(operation).is_some_and(|stamp| stamp.inputs == inputs)
            && made.iter().all(|path| path.exists())
    }

    /// Remembers that the operation is done.
    ///
    /// # Errors
    /// I/O.
    pub fn remember(&mut self, operation: &str, inputs: String, seconds: f64) -> Result<()> {
        self.stamps.insert(operation.to_string(), Stamp { inputs, seconds });
        self.save()
    }

    /// Forgets an operation that is about to be done again: what it leaves behind when it stops midway is not its result.
    ///
    /// # Errors
    /// I/O.
    pub fn forget(&mut self, operation: &str) -> Result<()> {
        match self.stamps.remove(operation) {
            Some(_) => self.save(),
            None => Ok(()),
        }
    }

    /// Writes the memory.
    ///
    /// # Errors
    /// I/O.
    pub fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.stamps).unwrap_or_default();
        // Renamed into place: a power cut leaves the old memory or the new one.
        let partial = self.path.with_extension("json.partial");
        fs::write(&partial, text)
            .and_then(|()| fs::rename(&partial, &self.path))
            .map_err(|e| Error::io("write", &self.path, e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_current_until_its_inputs_or_its_outputs_change() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        fs::write(&made, "x").unwrap();
        let outputs = [made.clone()];
        let mut cache = Cache::open(folder.path(), &[]).unwrap();
        assert!(!cache.is_current("simulate", "a", &outputs));
        cache.remember("simulate", "a".into(), 1.5).unwrap();
        let again = Cache::open(folder.path(), &[]).unwrap();
        assert!(again.is_current("simulate", "a", &outputs));
        assert!(!again.is_current("simulate", "b", &outputs));
        assert!(!again.is_current("kilosort2", "a", &outputs));
        for forced in ["simulate", "all"] {
            let cache = Cache::open(folder.path(), &[forced.to_string()]).unwrap();
            assert!(!cache.is_current("simulate", "a", &outputs));
        }
        fs::remove_file(made).unwrap();
        assert!(!again.is_current("simulate", "a", &outputs));
    }

    #[test]
    fn unknown_operations_are_named_and_a_damaged_memory_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let error = Cache::open(folder.path(), &["sort".to_string()]).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("--force sort"));
        fs::write(folder.path().join("notebook.json"), "{").unwrap();
        let cache = Cache::open(folder.path(), &[]).unwrap();
        assert!(!cache.is_current("simulate", "a", &[]));
    }
}
