//! What a finished sorting tells: lines for people, and the same for machines.

use std::path::Path;

use ferrosort::job::Done;
use ferrosort::run_folder::count_units;
use ferrosort_core::Recording;
use ferrosort_formats::phy::phy_can_open;
use serde_json::{Value, json};

/// Some lines for people. `folder` is how the user named the output.
pub fn summary(done: &Done, recording: &dyn Recording, folder: &Path) -> String {
    let sorting = &done.outcome.sorting;
    let (units, good) = count_units(sorting);
    let recorded = recording.n_samples() as f64 / recording.sample_rate();
    let mut lines = vec![
        format!(
            "{} spikes of {units} units, {good} of them good, in {recorded:.1} s of {} channels",
            sorting.spike_times.len(),
            sorting.probe.len()
        ),
        format!(
            "sorted in {:.1} s, {:.1} times as fast as recorded",
            done.seconds,
            recorded / done.seconds
        ),
    ];
    if !done.warnings.is_empty() {
        lines.push("warnings:".to_string());
        lines.extend(done.warnings.iter().map(|warning| format!("  {warning}")));
    }
    lines.push(format!("result: {}", folder.display()));
    if phy_can_open(sorting).is_none() {
        lines.push(format!(
            "look at it: phy template-gui {}",
            folder.join("params.py").display()
        ));
    }
    lines.join("\n") + "\n"
}

/// The same for machines.
pub fn report(done: &Done) -> Value {
    let (units, good) = count_units(&done.outcome.sorting);
    json!({
        "event": "finished", "folder": done.folder.display().to_string(),
        "spikes": done.outcome.sorting.spike_times.len(), "units": units, "good_units": good,
        "seconds": done.seconds, "warnings": done.warnings,
    })
}
