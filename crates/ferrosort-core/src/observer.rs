//! How a long computation tells its caller what it is doing, and asks whether to go on.

/// Receives the progress of a run. The library never prints; the command line, a notebook or a test
/// implements this and decides what to show.
pub trait Observer: Sync {
    /// A stage begins; it will report `total` steps of `unit` ("batches", "clusters").
    fn stage_started(&self, stage: &str, total: u64, unit: &str);
    /// `steps` more steps of the current stage are done.
    fn advanced(&self, steps: u64);
    /// The stage ended after `seconds` of wall time.
    fn stage_finished(&self, stage: &str, seconds: f64);
    /// Something the user should know that does not stop the run.
    fn warning(&self, message: &str);
    /// Something worth a line in the log.
    fn note(&self, message: &str);
    /// True when the caller wants the run to stop; checked between batches.
    fn cancelled(&self) -> bool {
        false
    }
}

/// An [`Observer`] that ignores everything.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn stage_started(&self, _: &str, _: u64, _: &str) {}
    fn advanced(&self, _: u64) {}
    fn stage_finished(&self, _: &str, _: f64) {}
    fn warning(&self, _: &str) {}
    fn note(&self, _: &str) {}
}
