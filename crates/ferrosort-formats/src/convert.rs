//! Any recording as a recording folder: `recording.bin` or (compressed) `recording.cbin`, `meta.json` and, when the contacts are known, `probe.json`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use ferrosort_core::{Error, Observer, Probe, Recording, Result, SampleType};
use serde_json::json;

use crate::new_output::{NewOutput, Replaceable};
use crate::{mtscomp, read_regular_text, write_probe};

/// Name of the stage in progress reports.
const STAGE: &str = "convert";

/// Program that wrote a folder, in its `meta.json`.
const GENERATOR: &str = concat!("ferrosort-convert ", env!("CARGO_PKG_VERSION"));

/// Samples of all channels that are in memory at once.
const BLOCK_VALUES: usize = 4 << 20;

/// How a recording is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConvertOptions {
    /// Replace a folder that [`convert()`] made earlier, and nothing else.
    pub overwrite: bool,
    /// Pack the samples as mtscomp does (`recording.cbin` and `.ch`).
    pub compress: bool,
}

/// Writes a recording into a new folder, which gets its name when everything is written; until then it is a hidden one
/// beside it. All columns are kept, in `int16` where that holds every sample and else in `float32`.
///
/// # Errors
/// The folder exists, samples that are not 16-bit are to be packed, the recording cannot be read, the disk refuses, or the
/// observer cancels.
pub fn convert(
    recording: &dyn Recording,
    probe: Option<&Probe>,
    folder: &Path,
    options: ConvertOptions,
    observer: &dyn Observer,
) -> Result<()> {
    let sample_type = stored_type(recording);
    if options.compress && sample_type != SampleType::Int16 {
        return Err(Error::input(format!(
            "{} does not have 16-bit samples, and only these are compressed; leave --compress out",
            recording.name()
        )));
    }
    let made = NewOutput::folder(folder, options.overwrite, EARLIER)?;
    if options.compress {
        mtscomp::write(recording, made.path(), STAGE, observer)?;
    } else {
        write_samples(recording, sample_type, &made.path().join("recording.bin"), observer)?;
    }
    write_meta(recording, sample_type, &made.path().join("meta.json"))?;
    if let Some(probe) = probe {
        write_probe(&made.path().join("probe.json"), probe)?;
    }
    made.finish()
}

/// `int16` for 16-bit samples (unsigned ones are read centred), else `float32`.
fn stored_type(recording: &dyn Recording) -> SampleType {
    match recording.sample_type() {
        Some(SampleType::Int16 | SampleType::Uint16) => SampleType::Int16,
        _ => SampleType::Float32,
    }
}

fn write_samples(recording: &dyn Recording, stored: SampleType, path: &Path, observer: &dyn Observer) -> Result<()> {
    let started = Instant::now();
    let fail = |e| Error::io("write", path, e);
    let mut file = File::create(path).map_err(|e| Error::io("create", path, e))?;
    let n_channels = recording.n_channels();
    let frames_at_once = (BLOCK_VALUES / n_channels).max(1) as u64;
    observer.stage_started(STAGE, recording.n_samples().div_ceil(frames_at_once), "blocks");
    let mut values = Vec::new();
    let mut bytes = Vec::new();
    let mut start = 0;
    while start < recording.n_samples() {
        if observer.cancelled() {
            return Err(Error::Interrupted);
        }
        let frames = frames_at_once.min(recording.n_samples() - start);
        values.resize(frames as usize * n_channels, 0.0);
        recording.read(start, &mut values)?;
        encode(&values, stored, &mut bytes);
        file.write_all(&bytes).map_err(fail)?;
        observer.advanced(1);
        start += frames;
    }
    file.sync_all().map_err(fail)?;
    observer.stage_finished(STAGE, started.elapsed().as_secs_f64());
    Ok(())
}

fn encode(values: &[f32], stored: SampleType, bytes: &mut Vec<u8>) {
    bytes.clear();
    if stored == SampleType::Int16 {
        bytes.extend(values.iter().flat_map(|&v| (v as i16).to_le_bytes()));
    } else {
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }
}

fn write_meta(recording: &dyn Recording, stored: SampleType, path: &Path) -> Result<()> {
    let meta = json!({
        "generator": GENERATOR,
        "source": recording.name(),
        "sample_rate": recording.sample_rate(),
        "n_channels": recording.n_channels(),
        "n_samples": recording.n_samples(),
        "duration_s": recording.n_samples() as f64 / recording.sample_rate(),
        "dtype": stored.numpy_name(),
        "order": "C, time x channels",
        "gain_to_uV": recording.gain_uv(),
        "neural_channels": recording.neural_channels(),
        "notes": recording.notes(),
    });
    std::fs::write(path, format!("{meta:#}\n")).map_err(|e| Error::io("write", path, e))
}

/// Folders that [`convert()`] made.
const EARLIER: Replaceable = Replaceable {
    what: "conversion",
    files: |folder| {
        let text = read_regular_text(&folder.join("meta.json"), "conversion").ok()?;
        let meta: serde_json::Value = serde_json::from_str(&text).ok()?;
        let generator = meta.get("generator")?.as_str()?;
        let names = [
            "meta.json",
            "probe.json",
            "recording.bin",
            "recording.cbin",
            "recording.ch",
        ];
        generator
            .starts_with("ferrosort-convert")
            .then(|| names.map(String::from).to_vec())
    },
};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::{MemoryRecording, Silent};
    use tempfile::TempDir;

    use super::*;
    use crate::{OpenOptions, open_recording};

    fn array(n: usize, probe: Option<Probe>) -> MemoryRecording {
        MemoryRecording::new(1000.0, 2, (0..2 * n).map(|v| v as f32 - 2.5).collect(), probe).unwrap()
    }

    fn open(folder: &Path) -> Box<dyn Recording> {
        open_recording(&[folder.to_path_buf()], &OpenOptions::default()).unwrap()
    }

    #[test]
    fn the_folder_reads_as_what_was_written() {
        let scratch = TempDir::new().unwrap();
        let folder = scratch.path().join("a");
        let probe = Probe::line(2, 30.0);
        convert(
            &array(3, None),
            Some(&probe),
            &folder,
            ConvertOptions::default(),
            &Silent,
        )
        .unwrap();
        let read = open(&folder);
        let mut out = [0.0; 6];
        read.read(0, &mut out).unwrap();
        assert_eq!(out, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]);
        assert_eq!(read.probe(), Some(&probe));
        // 16-bit samples stay 16-bit.
        let bytes: Vec<u8> = [1i16, -2, 3, 32767].iter().flat_map(|v| v.to_le_bytes()).collect();
        let flat = scratch.path().join("flat.bin");
        std::fs::write(&flat, &bytes).unwrap();
        let options = OpenOptions {
            n_channels: Some(2),
            sample_rate: Some(10.0),
            ..OpenOptions::default()
        };
        let source = open_recording(&[flat], &options).unwrap();
        let folder = scratch.path().join("b");
        convert(&*source, None, &folder, ConvertOptions::default(), &Silent).unwrap();
        assert_eq!(std::fs::read(folder.join("recording.bin")).unwrap(), bytes);
        let packed = scratch.path().join("c");
        let compress = ConvertOptions {
            compress: true,
            ..ConvertOptions::default()
        };
        convert(&*source, None, &packed, compress, &Silent).unwrap();
        let mut out = [0.0; 4];
        open(&packed).read(0, &mut out).unwrap();
        assert_eq!(out, [1.0, -2.0, 3.0, 32767.0]);
        let error = convert(&array(3, None), None, &scratch.path().join("d"), compress, &Silent).unwrap_err();
        assert!(error.to_string().contains("leave --compress out"), "{error}");
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 4);
    }

    #[test]
    fn only_conversions_are_replaced() {
        let scratch = TempDir::new().unwrap();
        let folder = scratch.path().join("a");
        let options = |overwrite| ConvertOptions {
            overwrite,
            compress: false,
        };
        let again = |overwrite| convert(&array(1, None), None, &folder, options(overwrite), &Silent);
        again(false).unwrap();
        assert!(again(false).unwrap_err().to_string().contains("--overwrite"));
        again(true).unwrap();
        std::fs::write(folder.join("meta.json"), "{}").unwrap();
        assert!(
            again(true)
                .unwrap_err()
                .to_string()
                .contains("not an earlier conversion")
        );
        assert!(convert(&array(1, None), None, Path::new("/"), options(true), &Silent).is_err());
    }

    /// Asks for a stop after the first block.
    struct Stop;
    impl Observer for Stop {
        fn stage_started(&self, _: &str, _: u64, _: &str) {}
        fn advanced(&self, _: u64) {}
        fn stage_finished(&self, _: &str, _: f64) {}
        fn warning(&self, _: &str) {}
        fn note(&self, _: &str) {}
        fn cancelled(&self) -> bool {
            true
        }
    }

    #[test]
    fn nothing_half_written_is_left() {
        let scratch = TempDir::new().unwrap();
        let done = convert(
            &array(1, None),
            None,
            &scratch.path().join("a"),
            ConvertOptions::default(),
            &Stop,
        );
        assert!(matches!(done, Err(Error::Interrupted)));
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
