//! A simulation on disk: `recording.bin`, `meta.json`, `probe.json` and `truth/`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ferrosort_core::{Error, Observer, Probe, Result};
use ndarray::{Array1, Array2, ArrayBase, Data, Dimension};
use ndarray_npy::{WritableElement, WriteNpyError, WriteNpyExt};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::render::BLOCK;
use crate::simulation::{PlannedSpike, Simulation};

/// Name of the stage in progress reports.
const STAGE: &str = "simulate";

impl Simulation {
    /// Writes the recording and the truth into `folder`, which must not exist. Memory does not grow with the length
    /// but for the list of spikes. Until everything is written the folder is called `<folder>.partial`.
    ///
    /// - `recording.bin`: `int16`, little-endian, time-major.
    /// - `meta.json`: `sample_rate` (Hz), `n_channels`, `n_samples`, `dtype`, `gain_to_uV`, `duration_s`, `seed`,
    ///   counts, the drift's range, and all parameters.
    /// - `probe.json`: the probeinterface format.
    /// - `truth/*.npy`: `spike_times` (i64, sample of the trough), `spike_units` (i32), `spike_amplitudes` (f32),
    ///   `unit_positions` (`[units, 3]`, µm), `unit_snr`, `unit_trough_uv`, `unit_channel` (i64), `noise_uv` (one a
    ///   contact), `drift_um` (every `drift_step_s` of `meta.json`), `background_times`, `background_units`.
    ///
    /// # Errors
    /// The folder exists, the disk refuses, or the observer cancels.
    pub fn write(&self, folder: &Path, observer: &dyn Observer) -> Result<()> {
        if folder.exists() {
            return Err(Error::input(format!(
                "output folder {} exists; choose another name or remove it",
                folder.display()
            )));
        }
        let mut name = folder.file_name().unwrap_or_default().to_os_string();
        name.push(".partial");
        let partial = folder.with_file_name(name);
        let written = self
            .write_into(&partial, observer)
            .and_then(|()| std::fs::rename(&partial, folder).map_err(|e| Error::io("create", folder, e)));
        if written.is_err() {
            // The first error is the one to report; what cannot be removed keeps its telling name.
            let _ = std::fs::remove_dir_all(&partial);
        }
        written
    }

    fn write_into(&self, folder: &Path, observer: &dyn Observer) -> Result<()> {
        let truth = folder.join("truth");
        std::fs::create_dir_all(&truth).map_err(|e| Error::io("create", &truth, e))?;
        self.write_samples(&folder.join("recording.bin"), observer)?;
        write_json(&folder.join("meta.json"), &self.meta())?;
        write_json(&folder.join("probe.json"), &probeinterface(&self.params.probe))?;
        self.write_truth(&truth)
    }

    fn write_samples(&self, path: &Path, observer: &dyn Observer) -> Result<()> {
        let started = Instant::now();
        let fail = |e| Error::io("write", path, e);
        let mut file = File::create(path).map_err(|e| Error::io("create", path, e))?;
        observer.stage_started(STAGE, self.n_blocks(), "blocks");
        // Blocks in flight bound the memory: a few for each thread.
        let group = 4 * rayon::current_num_threads() as u64;
        let mut first = 0;
        while first < self.n_blocks() {
            if observer.cancelled() {
                return Err(Error::Interrupted);
            }
            let last = (first + group).min(self.n_blocks());
            let blocks: Vec<Vec<u8>> = (first..last)
                .into_par_iter()
                .map(|b| self.render_block(b).into_iter().flat_map(i16::to_le_bytes).collect())
                .collect();
            for bytes in blocks {
                file.write_all(&bytes).map_err(fail)?;
            }
            observer.advanced(last - first);
            first = last;
        }
        file.sync_all().map_err(fail)?;
        observer.stage_finished(STAGE, started.elapsed().as_secs_f64());
        Ok(())
    }

    fn meta(&self) -> Value {
        let p = &self.params;
        let truth = self.truth();
        let low = self.drift.displacement_um.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self
            .drift
            .displacement_um
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        json!({
            "generator": concat!("ferrosort-simulate ", env!("CARGO_PKG_VERSION")),
            "seed": p.seed,
            "duration_s": p.duration_s,
            "sample_rate": p.sample_rate,
            "n_channels": p.probe.len(),
            "n_samples": p.n_samples(),
            "dtype": "int16",
            "order": "C, time x channels",
            "gain_to_uV": p.gain_uv,
            "offset_to_uV": 0.0,
            "n_units": p.n_units,
            "n_spikes": truth.spike_times.len(),
            "drift_range_um": [low, high],
            "drift_step_s": self.drift.step_s,
            "block_samples": BLOCK,
            "parameters": p,
        })
    }

    fn write_truth(&self, folder: &Path) -> Result<()> {
        let n_units = self.params.n_units;
        let units = self.units();
        let (own, background): (Vec<&PlannedSpike>, Vec<&PlannedSpike>) =
            self.spikes.iter().partition(|s| (s.source as usize) < n_units);
        let save = Npy { folder };
        save.column("spike_times", own.iter().map(|s| s.sample.round() as i64))?;
        save.column("spike_units", own.iter().map(|s| s.source as i32))?;
        save.column("spike_amplitudes", own.iter().map(|s| s.amplitude))?;
        save.column("background_times", background.iter().map(|s| s.sample.round() as i64))?;
        save.column(
            "background_units",
            background.iter().map(|s| (s.source as usize - n_units) as i32),
        )?;
        save.column("unit_snr", units.iter().map(|u| u.snr))?;
        save.column("unit_trough_uv", units.iter().map(|u| u.trough_uv))?;
        let channels = units
            .iter()
            .map(|u| self.params.probe.contacts[u.best_contact].channel as i64);
        save.column("unit_channel", channels)?;
        let positions = Array2::from_shape_fn((n_units, 3), |(u, axis)| units[u].position_um[axis]);
        save.array("unit_positions", &positions)?;
        save.column("noise_uv", self.noise_uv().iter().copied())?;
        save.column("drift_um", self.drift.displacement_um.iter().copied())
    }
}

/// Arrays of one folder.
struct Npy<'a> {
    folder: &'a Path,
}

impl Npy<'_> {
    fn column<T: WritableElement>(&self, name: &str, values: impl Iterator<Item = T>) -> Result<()> {
        self.array(name, &values.collect::<Array1<T>>())
    }

    fn array<S, D>(&self, name: &str, array: &ArrayBase<S, D>) -> Result<()>
    where
        S: Data<Elem: WritableElement>,
        D: Dimension,
    {
        let path = self.folder.join(format!("{name}.npy"));
        let mut file = create(&path)?;
        array.write_npy(&mut file).map_err(|e| match e {
            WriteNpyError::Io(source) => Error::io("write", &path, source),
            other => Error::io("write", &path, std::io::Error::other(other)),
        })?;
        file.flush().map_err(|e| Error::io("write", &path, e))
    }
}

fn create(path: &PathBuf) -> Result<BufWriter<File>> {
    File::create(path)
        .map(BufWriter::new)
        .map_err(|e| Error::io("create", path, e))
}

fn write_json(path: &PathBuf, value: &Value) -> Result<()> {
    let mut file = create(path)?;
    writeln!(file, "{value:#}")
        .and_then(|()| file.flush())
        .map_err(|e| Error::io("write", path, e))
}

/// The probe as probeinterface writes it: one probe, circular contacts, positions in µm.
fn probeinterface(probe: &Probe) -> Value {
    let n = probe.len();
    let of =
        |value: fn(&ferrosort_core::Contact) -> Value| -> Vec<Value> { probe.contacts.iter().map(value).collect() };
    json!({
        "specification": "probeinterface",
        "version": "0.2.21",
        "probes": [{
            "ndim": 2,
            "si_units": "um",
            "annotations": { "name": probe.name, "manufacturer": "simulated" },
            "contact_annotations": {},
            "contact_positions": of(|c| json!([c.x_um, c.y_um])),
            "contact_plane_axes": vec![[[1.0, 0.0], [0.0, 1.0]]; n],
            "contact_shapes": vec!["circle"; n],
            "contact_shape_params": vec![json!({ "radius": 6.0 }); n],
            "device_channel_indices": of(|c| json!(c.channel)),
            "shank_ids": of(|c| json!(c.shank.to_string())),
        }],
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use ferrosort_core::Silent;

    use super::*;
    use crate::geometry::neuropixels1_checkerboard;
    use crate::params::SimulationParams;
    use crate::simulation::simulate;

    fn small() -> Simulation {
        simulate(&SimulationParams {
            duration_s: 0.7,
            probe: neuropixels1_checkerboard(8),
            n_units: 4,
            n_background_units: 3,
            rate_median_hz: 20.0,
            drift_range_um: 10.0,
            ..SimulationParams::default()
        })
        .unwrap()
    }

    fn npy<T: ndarray_npy::ReadableElement + Clone>(folder: &Path, name: &str) -> Vec<T> {
        let array: Array1<T> = ndarray_npy::read_npy(folder.join("truth").join(name)).unwrap();
        array.to_vec()
    }

    #[test]
    fn files_hold_what_the_simulation_says() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sim");
        let simulation = small();
        simulation.write(&folder, &Silent).unwrap();
        let bytes: Vec<u8> = simulation
            .render(0, 21_000)
            .into_iter()
            .flat_map(i16::to_le_bytes)
            .collect();
        assert!(fs::read(folder.join("recording.bin")).unwrap() == bytes);
        let meta: Value = serde_json::from_slice(&fs::read(folder.join("meta.json")).unwrap()).unwrap();
        assert_eq!((&meta["n_samples"], &meta["n_channels"]), (&json!(21_000), &json!(8)));
        assert_eq!(meta["gain_to_uV"], json!(2.34375));
        let range = &meta["drift_range_um"];
        assert!((range[0].as_f64().unwrap() + 10.0).abs() < 1e-9 && (range[1].as_f64().unwrap() - 10.0).abs() < 1e-9);
        let params: SimulationParams = serde_json::from_value(meta["parameters"].clone()).unwrap();
        assert_eq!(&params, simulation.params());
        let truth = simulation.truth();
        assert_eq!(
            npy::<i64>(&folder, "spike_times.npy"),
            truth.spike_times.iter().map(|&t| t as i64).collect::<Vec<_>>()
        );
        assert_eq!(
            npy::<i32>(&folder, "spike_units.npy"),
            truth.spike_units.iter().map(|&u| u as i32).collect::<Vec<_>>()
        );
        assert_eq!(npy::<f64>(&folder, "unit_snr.npy").len(), 4);
        assert!(!npy::<i64>(&folder, "background_times.npy").is_empty());
        let probe: Value = serde_json::from_slice(&fs::read(folder.join("probe.json")).unwrap()).unwrap();
        assert_eq!(probe["probes"][0]["contact_positions"][2], json!([59.0, 20.0]));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no partial folder stays");
    }

    #[test]
    fn an_existing_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = small().write(dir.path(), &Silent).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("exists"));
    }

    #[test]
    fn a_cancelled_run_leaves_nothing() {
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
        let dir = tempfile::tempdir().unwrap();
        let error = small().write(&dir.path().join("sim"), &Stop).unwrap_err();
        assert!(matches!(error, Error::Interrupted));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
