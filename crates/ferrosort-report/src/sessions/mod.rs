//! One page over the results of many recordings: a row for each, from its `run.json`.
//!
//! Recordings that have no result keep their row, with the reason: after a night of jobs that is what one looks for.

mod page;
mod read;

use std::path::PathBuf;

use serde::Serialize;

pub use page::render_sessions;
pub use read::read_sessions;

/// One recording of the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Session {
    /// What tells it from the others: the part of its path that they do not share.
    pub name: String,
    /// The folder that `ferrosort sort` wrote, as it was given.
    pub folder: PathBuf,
    /// Its report, relative to the folder of the page, where there is one.
    pub report: Option<PathBuf>,
    /// What is known of it, or in a sentence why nothing is.
    #[serde(flatten)]
    pub state: State,
}

/// Whether there is a result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There is.
    Finished(Facts),
    /// There is none, for this reason.
    Missing(String),
}

/// What `run.json` says of a sorting. Results of earlier versions lack some of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Version of the program.
    pub version: String,
    /// Name of the algorithm.
    pub algorithm: String,
    /// Length of what was sorted, s.
    pub duration_s: Option<f64>,
    /// Channels that were sorted.
    pub channels: Option<u64>,
    /// Spikes of all units.
    pub spikes: u64,
    /// Units with spikes, and those of each label.
    pub units: u64,
    /// Units labelled `good`.
    pub good: u64,
    /// Units labelled `mua`.
    pub mua: Option<u64>,
    /// Units labelled `noise`.
    pub noise: Option<u64>,
    /// Least and largest displacement of the tissue that the sorting follows, µm.
    pub motion_um: Option<[f64; 2]>,
    /// Wall time of the sorting, s.
    pub seconds: Option<f64>,
    /// Threads that it had.
    pub threads: Option<u64>,
    /// What the sorting warned about, one sentence each.
    pub warnings: Vec<String>,
}

impl Session {
    /// What is known of it, when it is finished.
    pub fn facts(&self) -> Option<&Facts> {
        match &self.state {
            State::Finished(facts) => Some(facts),
            State::Missing(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
