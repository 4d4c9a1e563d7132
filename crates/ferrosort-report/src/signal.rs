//! The recording behind results: named by the caller, or by the results themselves.

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Probe, Recording, Result, RunKind, SortingRun};
use ferrosort_formats::{OpenOptions, open_recording, read_probe};

/// Where the recording is.
#[derive(Debug, Clone, Default)]
pub struct SignalSource {
    /// The recording; where the results say it is when empty.
    pub recording: Vec<PathBuf>,
    /// Read none.
    pub none: bool,
    /// What the recording does not say itself; the sample rate is also that of tables of spikes.
    pub options: OpenOptions,
    /// Probe file; as the results or the recording say when absent.
    pub probe: Option<PathBuf>,
}

/// An opened recording with its contacts.
pub struct FoundSignal {
    /// Samples.
    pub recording: Box<dyn Recording>,
    /// Contacts.
    pub probe: Probe,
}

/// Opens the recording that `source` names, else the first that a run names and that can be opened; the reasons of those that
/// cannot go to `warnings`.
///
/// # Errors
/// A recording or a probe that `source` names cannot be used.
pub fn find(source: &SignalSource, runs: &[SortingRun], warnings: &mut Vec<String>) -> Result<Option<FoundSignal>> {
    if source.none {
        return Ok(None);
    }
    let given_probe = source.probe.as_deref().map(read_probe).transpose()?;
    if !source.recording.is_empty() {
        let recording = open_recording(&source.recording, &source.options)?;
        let probe = given_probe
            .or_else(|| recording.probe().cloned())
            .or_else(|| runs.iter().find_map(|run| run.probe.clone()))
            .ok_or_else(|| {
                Error::input(format!(
                    "neither {} nor a result says where the contacts are; give --probe FILE",
                    recording.name()
                ))
            })?;
        probe.validate(recording.n_channels(), "of the recording")?;
        return Ok(Some(FoundSignal { recording, probe }));
    }
    // A simulation knows gain and contacts best.
    let by_trust = |run: &&SortingRun| run.kind != RunKind::Truth;
    let mut ordered: Vec<&SortingRun> = runs.iter().collect();
    ordered.sort_by_key(by_trust);
    for run in ordered {
        match of_run(run, given_probe.as_ref()) {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(e) => warnings.push(format!("the recording of {} cannot be used: {e}", run.name)),
        }
    }
    Ok(None)
}

fn of_run(run: &SortingRun, given_probe: Option<&Probe>) -> Result<Option<FoundSignal>> {
    let Some(first) = run.recording.first() else {
        return Ok(None);
    };
    let folder = first.parent().filter(|folder| folder.join("meta.json").is_file());
    let recording = match (folder, &run.recording_format) {
        (Some(folder), _) => open_recording(&[folder.to_path_buf()], &OpenOptions::default())?,
        (None, Some(format)) => {
            let options = OpenOptions {
                n_channels: Some(format.n_channels),
                sample_rate: run.sample_rate,
                sample_type: Some(format.sample_type),
                gain_uv: format.gain_uv.clone(),
                offset_bytes: Some(format.offset_bytes),
                time_range: None,
                stream: None,
            };
            open_recording(&run.recording, &options)?
        }
        (None, None) => return Ok(None),
    };
    let probe = given_probe
        .or(recording.probe())
        .or(run.probe.as_ref())
        .filter(|probe| probe.validate(recording.n_channels(), name(first).as_str()).is_ok());
    Ok(probe.cloned().map(|probe| FoundSignal { recording, probe }))
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
