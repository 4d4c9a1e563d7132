//! A computation beside Python: the interpreter goes on, progress is told, Ctrl-C stops it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use ferrosort_core::{Observer, Result};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::errors::exception;

/// Time between two looks at the signals, and between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(50);

/// What a computation tells.
enum Event {
    Started(String, u64, String),
    Advanced(u64),
    Finished(String, f64),
    Warning(String),
    Note(String),
}

/// Passes on what a computation tells from any of its threads.
struct Relay<'a> {
    events: Sender<Event>,
    stop: &'a AtomicBool,
}

impl Relay<'_> {
    /// Nobody listens any more only when the call is over.
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

impl Observer for Relay<'_> {
    fn stage_started(&self, stage: &str, total: u64, unit: &str) {
        self.tell(Event::Started(stage.to_owned(), total, unit.to_owned()));
    }
    fn advanced(&self, steps: u64) {
        self.tell(Event::Advanced(steps));
    }
    fn stage_finished(&self, stage: &str, seconds: f64) {
        self.tell(Event::Finished(stage.to_owned(), seconds));
    }
    fn warning(&self, message: &str) {
        self.tell(Event::Warning(message.to_owned()));
    }
    fn note(&self, message: &str) {
        self.tell(Event::Note(message.to_owned()));
    }
    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Computes on another thread without the interpreter's lock. Meanwhile this thread calls the methods of `listener` (those of an
/// [`Observer`], by their names) and handles Python's signals; an exception of either stops the computation and is raised.
pub fn run<T: Send>(
    py: Python<'_>,
    listener: &Bound<'_, PyAny>,
    compute: impl FnOnce(&dyn Observer) -> Result<T> + Send,
) -> PyResult<T> {
    let listener = listener.clone().unbind();
    let stop = &AtomicBool::new(false);
    let (events, told) = channel();
    let (result, raised) = py.detach(move || {
        thread::scope(|scope| {
            let relay = Relay { events, stop };
            let worker = scope.spawn(move || compute(&relay));
            let raised = attend(&told, &listener, stop);
            (worker.join(), raised)
        })
    });
    let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    match (raised, result) {
        (None, result) => result.map_err(|e| exception(&e)),
        (Some(signal), Err(e)) if signal.is_instance_of::<PyKeyboardInterrupt>(py) => Err(exception(&e)),
        (Some(raised), _) => Err(raised),
    }
}

/// Until the computation is over. Gives the first exception that was raised.
fn attend(told: &Receiver<Event>, listener: &Py<PyAny>, stop: &AtomicBool) -> Option<PyErr> {
    let mut raised = None;
    loop {
        let (events, over) = collect(told);
        if raised.is_none() {
            let heard = Python::attach(|py| {
                pass_on(events, listener.bind(py))?;
                py.check_signals()
            });
            if let Err(e) = heard {
                stop.store(true, Ordering::Relaxed);
                raised = Some(e);
            }
        }
        if over {
            return raised;
        }
    }
}

/// What is told within the interval, and whether that was the last.
fn collect(told: &Receiver<Event>) -> (Vec<Event>, bool) {
    let until = Instant::now() + INTERVAL;
    let mut events = Vec::new();
    loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Advanced(more)) => match events.last_mut() {
                Some(Event::Advanced(steps)) => *steps += more,
                _ => events.push(Event::Advanced(more)),
            },
            Ok(event) => events.push(event),
            Err(RecvTimeoutError::Timeout) => return (events, false),
            Err(RecvTimeoutError::Disconnected) => return (events, true),
        }
    }
}

fn pass_on(events: Vec<Event>, listener: &Bound<'_, PyAny>) -> PyResult<()> {
    for event in events {
        match event {
            Event::Started(stage, total, unit) => listener.call_method1("stage_started", (stage, total, unit))?,
            Event::Advanced(steps) => listener.call_method1("advanced", (steps,))?,
            Event::Finished(stage, seconds) => listener.call_method1("stage_finished", (stage, seconds))?,
            Event::Warning(message) => listener.call_method1("warning", (message,))?,
            Event::Note(message) => listener.call_method1("note", (message,))?,
        };
    }
    Ok(())
}
