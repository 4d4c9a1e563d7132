//! `run.json`: what was done, with what, and what came out.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ferrosort_core::{Contact, Error, Probe, RawFile, Recording, Result, SampleType, UnitLabel, segments};
use serde::Serialize;

use super::{INTERMEDIATES, MANIFEST, PROCESSED, Run, files_below};
use crate::fingerprint;
use crate::pipeline::{Intermediate, Outcome};
use crate::preprocess::layout::BatchLayout;
use crate::settings::{Algorithm, Compat, Parameters};

/// The whole file. Everything but `timings` depends only on the inputs.
#[derive(Serialize)]
struct Manifest<'a> {
    ferrosort: &'static str,
    algorithm: Algorithm,
    parameters: &'a Parameters,
    compat: &'a Compat,
    recording: RecordingEntry<'a>,
    probe: ProbeEntry<'a>,
    result: ResultEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    processed: Option<ProcessedEntry>,
    intermediates: Vec<ArrayEntry<'a>>,
    choices: &'a [String],
    warnings: &'a [String],
    files: Vec<FileEntry>,
    timings: Timings<'a>,
}

#[derive(Serialize)]
struct RecordingEntry<'a> {
    name: &'a str,
    sample_rate_hz: f64,
    n_channels: usize,
    n_samples: u64,
    duration_s: f64,
    first_sample: u64,
    segments: Vec<SegmentEntry>,
    gain_uv: Option<&'a [f64]>,
    sample_type: Option<SampleType>,
    offset_bytes: Option<u64>,
    files: Vec<RawFileEntry>,
}

/// A stretch that was saved without a pause, in samples as spike times count them.
#[derive(Serialize)]
struct SegmentEntry {
    first_sample: u64,
    n_samples: u64,
}

#[derive(Serialize)]
struct RawFileEntry {
    path: PathBuf,
    n_samples: u64,
    bytes: u64,
    fingerprint: String,
}

#[derive(Serialize)]
struct ProbeEntry<'a> {
    name: &'a str,
    contacts: &'a [Contact],
    channels_sorted: Vec<usize>,
}

#[derive(Serialize)]
struct ResultEntry {
    spikes: usize,
    templates: usize,
    units: usize,
    good_units: usize,
    mua_units: usize,
    noise_units: usize,
    /// Least and largest displacement of the tissue that the templates follow, µm; null where none is followed.
    motion_um: Option<[f64; 2]>,
}

#[derive(Serialize)]
struct ProcessedEntry {
    file: &'static str,
    dtype: &'static str,
    layout: &'static str,
    n_channels: usize,
    batch_samples: usize,
    /// Sample of the recording at which each batch begins; the first can begin before it.
    first_samples: Vec<i64>,
    counts_per_sd: f64,
}

#[derive(Serialize)]
struct ArrayEntry<'a> {
    name: &'a str,
    file: String,
    dtype: &'static str,
    shape: &'a [usize],
    meaning: &'a str,
}

#[derive(Serialize)]
struct FileEntry {
    file: String,
    bytes: u64,
    blake3: String,
}

#[derive(Serialize)]
struct Timings<'a> {
    threads: usize,
    total_s: f64,
    stages: Vec<StageEntry<'a>>,
}

#[derive(Serialize)]
struct StageEntry<'a> {
    stage: &'a str,
    seconds: f64,
}

/// Writes the manifest of a folder whose other files are all there.
pub(super) fn write(folder: &Path, run: &Run) -> Result<()> {
    let outcome = run.outcome;
    let manifest = Manifest {
        ferrosort: env!("CARGO_PKG_VERSION"),
        algorithm: run.settings.algorithm,
        parameters: &run.settings.parameters,
        compat: &run.settings.compat,
        recording: recording_entry(run.recording)?,
        probe: probe_entry(run.probe, &outcome.sorting.probe),
        result: result_entry(outcome),
        processed: folder.join(PROCESSED).exists().then(|| processed_entry(run)),
        intermediates: outcome.intermediates.iter().map(array_entry).collect(),
        choices: &outcome.choices,
        warnings: run.warnings,
        files: file_entries(folder)?,
        timings: Timings {
            threads: run.threads,
            total_s: run.seconds,
            stages: outcome
                .times
                .iter()
                .map(|time| StageEntry {
                    stage: time.stage,
                    seconds: time.seconds,
                })
                .collect(),
        },
    };
    let path = folder.join(MANIFEST);
    let fail = |e| Error::io("write", &path, e);
    let mut file = BufWriter::new(File::create(&path).map_err(fail)?);
    serde_json::to_writer_pretty(&mut file, &manifest).map_err(|e| fail(e.into()))?;
    writeln!(file).and_then(|()| file.flush()).map_err(fail)
}

fn recording_entry(recording: &dyn Recording) -> Result<RecordingEntry<'_>> {
    let raw = recording.raw_file();
    let first_sample = raw.map_or(0, |raw| raw.first_sample);
    let segment = |range: Range<u64>| SegmentEntry {
        first_sample: first_sample + range.start,
        n_samples: range.end - range.start,
    };
    Ok(RecordingEntry {
        name: recording.name(),
        sample_rate_hz: recording.sample_rate(),
        n_channels: recording.n_channels(),
        n_samples: recording.n_samples(),
        duration_s: recording.n_samples() as f64 / recording.sample_rate(),
        first_sample,
        segments: segments(recording).into_iter().map(segment).collect(),
        gain_uv: recording.gain_uv(),
        sample_type: raw.map(|raw| raw.sample_type),
        offset_bytes: raw.map(|raw| raw.offset_bytes),
        files: raw.map_or_else(|| Ok(Vec::new()), raw_file_entries)?,
    })
}

fn raw_file_entries(raw: &RawFile) -> Result<Vec<RawFileEntry>> {
    let entry = |(path, &n_samples): (&PathBuf, &u64)| {
        let (bytes, fingerprint) = fingerprint::of_file(path)?;
        Ok(RawFileEntry {
            path: path.canonicalize().map_err(|e| Error::io("read", path, e))?,
            n_samples,
            bytes,
            fingerprint,
        })
    };
    raw.paths.iter().zip(&raw.samples_per_file).map(entry).collect()
}

fn probe_entry<'a>(probe: &'a Probe, sorted: &Probe) -> ProbeEntry<'a> {
    ProbeEntry {
        name: &probe.name,
        contacts: &probe.contacts,
        channels_sorted: sorted.contacts.iter().map(|contact| contact.channel).collect(),
    }
}

fn result_entry(outcome: &Outcome) -> ResultEntry {
    let sorting = &outcome.sorting;
    let (units, good_units) = super::count_units(sorting);
    let mua_units = super::count_label(sorting, UnitLabel::Mua);
    ResultEntry {
        spikes: sorting.spike_times.len(),
        templates: sorting.units.len(),
        units,
        good_units,
        mua_units,
        noise_units: units - good_units - mua_units,
        motion_um: outcome.motion_um,
    }
}

fn processed_entry(run: &Run) -> ProcessedEntry {
    let parameters = &run.settings.parameters;
    let layout = BatchLayout::new(run.recording.n_samples(), parameters, &run.settings.compat);
    ProcessedEntry {
        file: PROCESSED,
        dtype: "int16",
        layout: "batch after batch, each [channels, batch_samples]",
        n_channels: run.outcome.sorting.probe.len(),
        batch_samples: layout.kept_samples(),
        first_samples: (0..layout.batches()).map(|k| layout.window(k).first).collect(),
        counts_per_sd: parameters.whitened_scale,
    }
}

fn array_entry<'a>((name, meaning, array): &'a (&'static str, &'static str, Intermediate)) -> ArrayEntry<'a> {
    let (dtype, shape) = match array {
        Intermediate::F64(values) => ("float64", values.shape()),
        Intermediate::F32(values) => ("float32", values.shape()),
        Intermediate::I64(values) => ("int64", values.shape()),
    };
    ArrayEntry {
        name,
        file: format!("{INTERMEDIATES}/{name}.npy"),
        dtype,
        shape,
        meaning,
    }
}

fn file_entries(folder: &Path) -> Result<Vec<FileEntry>> {
    let mut entries = Vec::new();
    for path in files_below(folder)? {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        if path.is_dir() {
            continue;
        }
        let (bytes, hash) = hash(&path).map_err(|e| Error::io("read", &path, e))?;
        let parts: Vec<_> = below.iter().map(std::ffi::OsStr::to_string_lossy).collect();
        entries.push(FileEntry {
            file: parts.join("/"),
            bytes,
            blake3: hash,
        });
    }
    Ok(entries)
}

fn hash(path: &Path) -> std::io::Result<(u64, String)> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok((bytes, hasher.finalize().to_hex().to_string()))
}
