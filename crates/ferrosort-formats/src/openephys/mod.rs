//! Recordings of Open Ephys in its binary format, GUI 0.5 to 1.x
//! (<https://open-ephys.github.io/gui-docs/User-Manual/Recording-data/Binary-format.html>).
//!
//! `structure.oebin` describes flat `int16` files, one a stream; `settings.xml` of the Record Node has the probes.

mod oebin;
mod settings;

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Probe, Result};

use crate::binary::{BinaryOptions, BinaryRecording};
use crate::open::OpenOptions;
use oebin::{Stream, Structure};

/// Name of the file that describes a recording.
pub(crate) const STRUCTURE: &str = "structure.oebin";

/// The description of the recording that a `continuous.dat` belongs to, and its stream.
pub(crate) fn structure_of(data: &Path) -> Option<(PathBuf, String)> {
    // A path may be relative to one of the folders that are looked for.
    let data = std::path::absolute(data).ok()?;
    let stream = data.parent()?;
    let structure = stream.parent()?.parent()?.join(STRUCTURE);
    let name = stream.file_name()?.to_string_lossy().into_owned();
    (data.file_name()? == "continuous.dat" && structure.is_file()).then_some((structure, name))
}

/// Opens one stream of the recordings of one experiment (`structure.oebin` files, in time order), as one recording.
///
/// # Errors
/// A description that cannot be understood, no or several streams to sort, recordings whose streams differ, what
/// `overrides` contradicts, and everything that [`BinaryRecording::open`] refuses.
pub(crate) fn open(structures: &[PathBuf], overrides: &OpenOptions) -> Result<BinaryRecording> {
    let first = structures
        .first()
        .ok_or_else(|| Error::input("no recording of Open Ephys was given"))?;
    let mut notes = Vec::new();
    let stream = choose(first, Structure::read(first)?, overrides.stream.as_deref(), &mut notes)?;
    let mut paths = vec![stream.data_file(first)];
    for other in structures.iter().skip(1) {
        paths.push(same_stream(&stream, other)?);
    }
    if structures.len() > 1 {
        notes.push(format!(
            "{} recordings of one experiment are read as one; acquisition paused between them, and times count the samples \
             that were saved",
            structures.len()
        ));
    }
    let neural = stream.neural();
    let mut options = BinaryOptions::new(stream.channels.len(), stream.sample_rate);
    options.gain_uv = Some(stream.gains_uv());
    options.probe = probe(first, &stream, &neural, &mut notes)?;
    options.neural_channels = (neural.len() < stream.channels.len()).then_some(neural);
    options.notes = notes;
    options.name = Some(paths.first().map_or(String::new(), |path| path.display().to_string()));
    overrides.apply(&mut options, first)?;
    BinaryRecording::open(&paths, options)
}

/// The stream called `name`, or the only one with spikes whose samples are there.
fn choose(path: &Path, structure: Structure, name: Option<&str>, notes: &mut Vec<String>) -> Result<Stream> {
    let all: Vec<String> = structure.continuous.iter().map(|s| s.name().to_owned()).collect();
    if let Some(name) = name {
        return structure
            .continuous
            .into_iter()
            .find(|stream| stream.is_called(name))
            .ok_or_else(|| {
                Error::input(format!(
                    "{} has no stream '{name}'; it has {}",
                    path.display(),
                    all.join(", ")
                ))
            });
    }
    let (mut there, missing): (Vec<Stream>, Vec<Stream>) = structure
        .continuous
        .into_iter()
        .partition(|stream| stream.data_file(path).is_file());
    if !missing.is_empty() && !there.is_empty() {
        let names: Vec<&str> = missing.iter().map(Stream::name).collect();
        notes.push(format!(
            "{} lists streams without samples, which are left out: {}",
            path.display(),
            names.join(", ")
        ));
    }
    if there.len() > 1 && there.iter().any(Stream::has_spikes) {
        there.retain(Stream::has_spikes);
    }
    let names: Vec<&str> = there.iter().map(Stream::name).collect();
    match there.len() {
        1 => Ok(there.remove(0)),
        0 => Err(Error::input(format!(
            "{} has no stream with samples ({} listed); copy the folders 'continuous/...' as well",
            path.display(),
            all.len()
        ))),
        n => Err(Error::input(format!(
            "{} has {n} streams: {}; choose one with --stream",
            path.display(),
            names.join(", ")
        ))),
    }
}

/// The samples of the same stream in another recording of the experiment.
fn same_stream(stream: &Stream, other: &Path) -> Result<PathBuf> {
    let found = Structure::read(other)?
        .continuous
        .into_iter()
        .find(|s| s.name() == stream.name());
    match found {
        Some(s) if s.channels.len() == stream.channels.len() && s.sample_rate == stream.sample_rate => {
            Ok(s.data_file(other))
        }
        _ => Err(Error::input(format!(
            "{} has no stream '{}' with the channels and the rate of the recording before it; name one recording",
            other.display(),
            stream.name()
        ))),
    }
}

/// The probe of a stream, from the settings of the Record Node.
fn probe(structure: &Path, stream: &Stream, neural: &[usize], notes: &mut Vec<String>) -> Result<Option<Probe>> {
    let Some(path) = settings_file(structure) else {
        return Ok(None);
    };
    let Some(mut probe) = settings::probe(&path, stream.name(), notes)? else {
        return Ok(None);
    };
    if probe.len() != neural.len() {
        notes.push(format!(
            "{} gives {} electrodes for the {} channels of stream '{}', so they are not used; give --probe FILE",
            path.display(),
            probe.len(),
            neural.len(),
            stream.name()
        ));
        return Ok(None);
    }
    for (contact, &column) in probe.contacts.iter_mut().zip(neural) {
        contact.channel = column;
    }
    Ok(Some(probe))
}

/// `settings.xml` of experiment 1, `settings_2.xml` of experiment 2, beside the folders of the experiments.
fn settings_file(structure: &Path) -> Option<PathBuf> {
    let structure = structure.canonicalize().ok()?;
    let experiment = structure.parent()?.parent()?;
    let number = experiment.file_name()?.to_string_lossy().replace("experiment", "");
    let name = match number.as_str() {
        "1" => "settings.xml".to_owned(),
        number => format!("settings_{number}.xml"),
    };
    let path = experiment.parent()?.join(name);
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests;
