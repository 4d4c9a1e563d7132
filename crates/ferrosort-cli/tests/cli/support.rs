//! A small recording, and runs of the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use ferrosort_core::Silent;
use ferrosort_simulate::settings::Target;
use ferrosort_simulate::{Settings, Simulation};
use serde_json::Value;

pub const CHANNELS: usize = 16;
pub const RATE: f64 = 30000.0;
pub const SECONDS: f64 = 12.0;
/// Short batches, so that a short recording has many.
pub const SMALL_BATCHES: &str = "NT=16448";

/// A recording folder of 16 channels and 12 s with 8 units. It is made once for all tests and kept between runs.
pub fn recording() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = parent.join("recording-16-channels-12-s-easy");
        if !folder.exists() {
            let mut settings = Settings::preset("easy").unwrap();
            settings.duration_s = SECONDS;
            settings.probe.n_channels = CHANNELS;
            settings.units.n = 8;
            settings.background.n_hash = 8;
            settings.units.target = Target::Snr {
                quantiles: vec![[0.0, 6.0], [1.0, 20.0]],
            };
            let temporary = tempfile::tempdir_in(parent).unwrap();
            let made = temporary.path().join("recording");
            let simulation = Simulation::plan(&settings, &Silent).unwrap();
            simulation.write(&made, false, &Silent).unwrap();
            // Another test process may have been faster; its recording is the same.
            if fs::rename(&made, &folder).is_err() {
                assert!(folder.exists());
            }
        }
        folder
    })
}

/// The data file of [`recording`].
pub fn samples() -> PathBuf {
    recording().join("recording.bin")
}

pub fn ferrosort<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(args: I) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ferrosort"))
        .args(args)
        .output()
        .unwrap()
}

/// Sorts [`recording`] into `output` with these further options; fails with the error output.
pub fn sort(output: &Path, options: &[&str]) -> Output {
    let done = ferrosort(sort_args(output, options));
    assert!(done.status.success(), "{}", stderr(&done));
    done
}

pub fn sort_args(output: &Path, options: &[&str]) -> Vec<String> {
    let mut args: Vec<String> = [
        "sort",
        path(recording()),
        "--output",
        path(output),
        "--set",
        SMALL_BATCHES,
    ]
    .map(String::from)
    .to_vec();
    if !options.contains(&"--algorithm") {
        args.extend(["--algorithm", "kilosort2"].map(String::from));
    }
    args.extend(options.iter().map(ToString::to_string));
    args
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Names in a folder, hidden ones included.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file below a folder with its bytes, by name; `timings` are taken out of `run.json`.
pub fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            all.extend(
                contents(&path)
                    .into_iter()
                    .map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)),
            );
        } else if name == "run.json" {
            let mut manifest = manifest(folder);
            manifest.as_object_mut().unwrap().remove("timings").unwrap();
            all.push((name, manifest.to_string().into_bytes()));
        } else {
            all.push((name, fs::read(path).unwrap()));
        }
    }
    all
}

pub fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("run.json")).unwrap()).unwrap()
}

/// Values of a `.npy` file as `f64`, for the types that ferrosort writes.
pub fn array(path: &Path) -> Vec<f64> {
    use ndarray::ArrayD;
    use ndarray_npy::read_npy;
    fn numbers<T: Copy + Into<f64>>(array: ArrayD<T>) -> Vec<f64> {
        array.iter().map(|&v| v.into()).collect()
    }
    let long = |array: ArrayD<i64>| array.iter().map(|&v| v as f64).collect();
    read_npy::<_, ArrayD<f64>>(path)
        .map(numbers)
        .or_else(|_| read_npy::<_, ArrayD<f32>>(path).map(numbers))
        .or_else(|_| read_npy::<_, ArrayD<i32>>(path).map(numbers))
        .or_else(|_| read_npy::<_, ArrayD<u32>>(path).map(numbers))
        .or_else(|_| read_npy::<_, ArrayD<i64>>(path).map(long))
        .unwrap()
}
