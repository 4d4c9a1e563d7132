//! What the fuzz targets share: a folder in which the bytes of an input become a file. `TMPDIR` says where; in memory is fastest.

use std::fs;
use std::path::{Path, PathBuf};

use ferrosort_core::SortingRun;
use ferrosort_formats::results::{ReadOptions, consistency_warnings, read_run};
use ferrosort_formats::{OpenOptions, inspect, open_recording};
use tempfile::TempDir;

/// A folder for the files of one process.
pub struct Scratch {
    folder: TempDir,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            folder: TempDir::with_prefix("ferrosort-fuzz-").expect("a folder for the files of the fuzzer"),
        }
    }
}

impl Scratch {
    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, in folders below if its name has some.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        if let Err(error) = fs::write(&path, bytes) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
            fs::create_dir_all(path.parent().expect("a name below the folder")).expect("a folder");
            fs::write(&path, bytes).expect("a file");
        }
        path
    }

    /// Removes everything in the folder.
    pub fn clear(&self) {
        for entry in fs::read_dir(self.path()).expect("the folder").flatten() {
            let path = entry.path();
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.expect("what was written can be removed");
        }
    }

    /// Writes an `int64` column.
    pub fn integers(&self, name: &str, values: &[i64]) {
        ferrosort_formats::npy::write_slice(&self.path().join(name), &[values.len()], values).expect("a column");
    }
}

/// Reads a result in each of the ways that the commands do. What is read must be consistent.
pub fn read_result(path: &Path) {
    let options = [
        ReadOptions::default(),
        ReadOptions {
            prefer_truth: true,
            keep_empty_units: true,
            sample_rate: Some(30_000.0),
            time_offset: -7,
            ..ReadOptions::default()
        },
    ];
    let runs: Vec<SortingRun> = options
        .iter()
        .filter_map(|options| read_run(path, options).ok())
        .collect();
    for run in &runs {
        assert_eq!(
            run.spikes.samples.len(),
            run.spikes.units.len(),
            "a unit for each spike"
        );
        let n_units = run.units.len();
        assert!(
            run.spikes.units.iter().all(|&unit| (unit as usize) < n_units),
            "units exist"
        );
        assert!(run.spikes.samples.is_sorted(), "spikes are in order");
        assert_eq!(run.trains().len(), n_units);
    }
    if let [a, b] = runs.as_slice() {
        consistency_warnings(a, b);
    }
}

/// Reads a folder as a result of which every file is hostile: the input is cut into files that can be called `names`.
pub fn result_folder(scratch: &Scratch, bytes: &[u8], names: &[&'static str]) {
    hostile_folder(scratch, bytes, names);
    read_result(scratch.path());
}

/// Opens a folder as a recording of which every file is hostile: the input is cut into files that can be called `names`.
pub fn recording_folder(scratch: &Scratch, bytes: &[u8], names: &[&'static str]) {
    hostile_folder(scratch, bytes, names);
    read_recording(scratch.path());
}

fn hostile_folder(scratch: &Scratch, bytes: &[u8], names: &[&'static str]) {
    scratch.clear();
    for (name, content) in files(bytes, names) {
        scratch.file(name, content);
    }
}

/// Opens a recording with and without what a user says of it, reads its ends, and looks at it as `info` does.
pub fn read_recording(path: &Path) {
    let options = [
        OpenOptions::default(),
        OpenOptions {
            n_channels: Some(2),
            sample_rate: Some(30_000.0),
            ..OpenOptions::default()
        },
    ];
    for options in &options {
        let Ok(recording) = open_recording(&[path.to_path_buf()], options) else {
            continue;
        };
        let (samples, channels) = (recording.n_samples(), recording.n_channels());
        assert!(samples > 0 && channels > 0 && recording.sample_rate() > 0.0);
        if let Some(probe) = recording.probe() {
            let _ = probe.validate_contacts(channels, "fuzzed");
        }
        let segments = ferrosort_core::segments(&*recording);
        assert_eq!(segments.iter().map(|s| s.end - s.start).sum::<u64>(), samples);
        let mut frame = vec![0.0; channels];
        for start in [0, samples / 2, samples - 1] {
            let _ = recording.read(start, &mut frame);
        }
        let _ = inspect(&*recording, None);
    }
}

/// Cuts the bytes of an input into files: a byte for the name, two for the length, then the content.
pub fn files<'a>(mut bytes: &'a [u8], names: &[&'static str]) -> Vec<(&'static str, &'a [u8])> {
    let mut files = Vec::new();
    while let [name, low, high, rest @ ..] = bytes {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (content, after) = rest.split_at(length);
        files.push((names[usize::from(*name) % names.len()], content));
        bytes = after;
    }
    files
}
