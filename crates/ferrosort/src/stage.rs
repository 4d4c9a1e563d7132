//! The stages of a run: time, warnings and choices of each, and its output on the disk so that an interrupted run goes on.

use std::cell::Cell;
use std::time::{Duration, Instant};

use ferrosort_core::{Observer, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoints, Key};
use crate::preprocess::check_cancelled;

/// A checkpoint within a stage is not made before this many times its own time has passed.
const LEAST_WORK: u32 = 10;

/// A stage and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTime {
    /// Name of the stage.
    pub stage: &'static str,
    /// Wall time, s.
    pub seconds: f64,
}

/// What a stage did, as it is kept on the disk.
#[derive(Serialize, Deserialize)]
struct Done<T> {
    seconds: f64,
    warnings: Vec<String>,
    choices: Vec<String>,
    output: T,
}

/// What accumulates while the stages run.
pub(crate) struct Run<'a> {
    pub(crate) observer: &'a dyn Observer,
    /// `None` where nothing is to be kept.
    checkpoints: Option<&'a Checkpoints>,
    /// Key of everything done so far.
    key: Key,
    /// The stage that is running.
    name: &'static str,
    pub(crate) times: Vec<StageTime>,
    pub(crate) warnings: Vec<String>,
    pub(crate) choices: Vec<String>,
    /// Least and largest displacement of the tissue that the sorting follows, µm.
    pub(crate) motion_um: Option<[f64; 2]>,
}

impl<'a> Run<'a> {
    /// A run whose stages all depend on `key`.
    pub(crate) fn new(observer: &'a dyn Observer, checkpoints: Option<&'a Checkpoints>, key: Key) -> Self {
        Self {
            observer,
            checkpoints,
            key,
            name: "",
            times: Vec::new(),
            warnings: Vec::new(),
            choices: Vec::new(),
            motion_um: None,
        }
    }

    /// A stage that is done again when a run goes on: it is quick, or what it gives cannot be stored.
    pub(crate) fn stage<T>(
        &mut self,
        name: &'static str,
        total: u64,
        unit: &str,
        compute: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        check_cancelled(self.observer)?;
        self.name = name;
        self.observer.stage_started(name, total, unit);
        let began = Instant::now();
        let out = compute(self)?;
        let seconds = began.elapsed().as_secs_f64();
        self.observer.stage_finished(name, seconds);
        self.times.push(StageTime { stage: name, seconds });
        Ok(out)
    }

    /// A stage whose output is kept, and taken from there when nothing changed on which it depends: the stages before it, and
    /// `parameters`.
    pub(crate) fn kept<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &'static str,
        (total, unit): (u64, &str),
        parameters: &impl Serialize,
        compute: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        // Parameters are plain numbers, flags and lists: they can be written.
        let parameters = serde_json::to_vec(parameters).unwrap_or_default();
        self.key = self.key.and(name.as_bytes()).and(&parameters);
        if let Some(done) = self.checkpoints.and_then(|c| c.load::<Done<T>>(name, self.key)) {
            return Ok(self.taken(name, done));
        }
        let (warnings, choices) = (self.warnings.len(), self.choices.len());
        let output = self.stage(name, total, unit, compute)?;
        let done = Done {
            seconds: self.times.last().map_or(0.0, |t| t.seconds),
            warnings: self.warnings[warnings..].to_vec(),
            choices: self.choices[choices..].to_vec(),
            output,
        };
        self.save(name, &done);
        if let Some(checkpoints) = self.checkpoints {
            checkpoints.remove(&partial_name(name));
        }
        Ok(done.output)
    }

    fn taken<T>(&mut self, name: &'static str, done: Done<T>) -> T {
        self.observer.note(&format!(
            "{name}: done before the interruption ({:.1} s), not done again",
            done.seconds
        ));
        for warning in done.warnings {
            self.warn(warning);
        }
        for choice in done.choices {
            self.choose(choice);
        }
        let seconds = done.seconds;
        self.times.push(StageTime { stage: name, seconds });
        done.output
    }

    /// Without room for checkpoints the run goes on without them: its result may still find room.
    fn save<T: Serialize>(&mut self, name: &str, value: &T) {
        if let Some(error) = self.checkpoints.and_then(|c| c.save(name, self.key, value).err()) {
            self.observer
                .warning(&format!("{error}; the run goes on without further checkpoints"));
            self.checkpoints = None;
        }
    }

    /// The steps of the stage that is running.
    pub(crate) fn steps(&self) -> Steps<'a> {
        Steps {
            observer: self.observer,
            checkpoints: self.checkpoints,
            name: partial_name(self.name),
            key: self.key,
            saved: Cell::new(Instant::now()),
            took: Cell::new(Duration::ZERO),
        }
    }

    /// Something that the user should know.
    pub(crate) fn warn(&mut self, message: String) {
        self.observer.warning(&message);
        self.warnings.push(message);
    }

    /// Something that the sorter decided by itself, and why.
    pub(crate) fn choose(&mut self, message: String) {
        self.observer.note(&message);
        self.choices.push(message);
    }
}

fn partial_name(stage: &str) -> String {
    format!("{stage} so far")
}

/// The steps of a long stage: their progress, whether to stop, and what was done so far on the disk.
pub struct Steps<'a> {
    observer: &'a dyn Observer,
    checkpoints: Option<&'a Checkpoints>,
    name: String,
    key: Key,
    saved: Cell<Instant>,
    took: Cell<Duration>,
}

impl<'a> Steps<'a> {
    /// Steps of which nothing is kept.
    pub fn unkept(observer: &'a dyn Observer) -> Self {
        Run::new(observer, None, Key::of(&[])).steps()
    }

    /// Ends the stage when the caller has asked for it.
    ///
    /// # Errors
    /// [`ferrosort_core::Error::Interrupted`].
    pub fn check_cancelled(&self) -> Result<()> {
        check_cancelled(self.observer)
    }

    /// `steps` more are done.
    pub fn advanced(&self, steps: u64) {
        self.observer.advanced(steps);
    }

    /// What an interrupted run had done, and how many steps these were.
    pub fn load<T: DeserializeOwned>(&self) -> Option<(usize, T)> {
        let (done, state) = self.checkpoints?.load::<(usize, T)>(&self.name, self.key)?;
        self.observer
            .note(&format!("the first {done} were done before the interruption"));
        self.advanced(done as u64);
        Some((done, state))
    }

    /// Whether enough time has passed since something was kept the last time.
    pub fn is_due(&self) -> bool {
        let interval = self.checkpoints.map(|c| c.interval.max(LEAST_WORK * self.took.get()));
        interval.is_some_and(|interval| self.saved.get().elapsed() >= interval)
    }

    /// Keeps what the first `done` steps led to, if it is [due](Self::is_due).
    pub fn keep<T: Serialize>(&self, done: usize, state: &T) {
        let Some(checkpoints) = self.checkpoints.filter(|_| self.is_due()) else {
            return;
        };
        let began = Instant::now();
        if let Err(error) = checkpoints.save(&self.name, self.key, &(done, state)) {
            self.observer.warning(&format!("{error}; the run goes on"));
        }
        self.took.set(began.elapsed());
        self.saved.set(Instant::now());
    }
}
