//! The folder `truth/`: spikes, units, templates, displacement, in NumPy files and tables.

use std::fmt::Write as _;
use std::path::Path;

use ferrosort_core::{Error, Result};
use ferrosort_formats::npy::NpyStream;
use ndarray::{Array1, Array2};
use serde_json::json;

use super::GENERATOR;
use super::arrays::{Arrays, Npz, write_json, write_text};
use super::overlap::overlaps;
use crate::simulation::{Simulation, TrueSpike, spatial_overlaps, true_spikes};
use crate::units::Unit;

impl Simulation {
    pub(super) fn write_truth(&self, folder: &Path) -> Result<()> {
        let truth = folder.join("truth");
        std::fs::create_dir_all(&truth).map_err(|e| Error::io("create", &truth, e))?;
        let spikes = self.true_spikes();
        let arrays = Arrays { folder: &truth };
        self.write_spikes(&arrays, &spikes)?;
        self.write_background(&arrays)?;
        self.write_displacement(&arrays)?;
        self.write_templates(&truth.join("templates.npy"))?;
        if self.settings.files.moved_templates {
            self.write_moved_templates(&truth)?;
        }
        write_text(&truth.join("units.csv"), &self.unit_table(&self.units, false))?;
        write_text(
            &truth.join("background_units.csv"),
            &self.unit_table(&self.background, true),
        )?;
        self.write_disturbances(&truth)?;
        write_json(&truth.join("sim.json"), &self.description()?)?;
        self.write_sorting(&truth.join("sorting.npz"), &spikes)
    }

    fn write_spikes(&self, arrays: &Arrays, spikes: &[TrueSpike]) -> Result<()> {
        let unit = |s: &TrueSpike| &self.units[s.unit as usize];
        let rate = self.settings.sample_rate_hz;
        let displacement = |s: &TrueSpike| self.motion.at(unit(s).position_um[1], (s.origin - self.lead) / rate);
        arrays.column("spike_samples", spikes.iter().map(|s| s.sample.round() as i64))?;
        arrays.column("spike_times_exact", spikes.iter().map(|s| s.sample))?;
        arrays.column("spike_units", spikes.iter().map(|s| s.unit as i32))?;
        arrays.column("spike_amplitudes", spikes.iter().map(|s| s.amplitude))?;
        let depth = |s: &TrueSpike| unit(s).position_um[1] + self.motion.vector(displacement(s))[1];
        arrays.column("spike_depths", spikes.iter().map(|s| depth(s) as f32))?;
        let sizes = self.sizes_on_grid();
        let size = |s: &TrueSpike| {
            let (step, fraction) = unit(s).bank.place(displacement(s));
            let grid = &sizes[s.unit as usize];
            let next = grid[(step + 1).min(grid.len() - 1)];
            s.amplitude * (grid[step] + (next - grid[step]) * fraction)
        };
        arrays.column("spike_ptp_uV", spikes.iter().map(size))?;
        let kinds = overlaps(spikes, &spatial_overlaps(&self.units), rate);
        arrays.column("spike_overlap", kinds.into_iter())
    }

    /// Peak to peak of each unit's largest contact at the displacements of its grid, µV.
    fn sizes_on_grid(&self) -> Vec<Vec<f32>> {
        self.units
            .iter()
            .map(|u| u.bank.grid_um().iter().map(|&d| u.bank.peak_to_peak(d)).collect())
            .collect()
    }

    fn write_background(&self, arrays: &Arrays) -> Result<()> {
        let spikes = true_spikes(&self.background_spikes, &self.background, self.settings.n_samples());
        arrays.column("background_samples", spikes.iter().map(|s| s.sample.round() as i64))?;
        arrays.column("background_units", spikes.iter().map(|s| s.unit as i32))?;
        arrays.column("background_amplitudes", spikes.iter().map(|s| s.amplitude))
    }

    fn write_displacement(&self, arrays: &Arrays) -> Result<()> {
        let step_s = self.motion.report_step_s();
        let n = (self.settings.duration_s / step_s).ceil() as usize + 1;
        let times: Vec<f64> = (0..n).map(|t| t as f64 * step_s).collect();
        let depths = self.motion.report_depths_um();
        let field = Array2::from_shape_fn((n, depths.len()), |(t, d)| self.motion.at(depths[d], times[t]) as f32);
        let units = Array2::from_shape_fn((n, self.units.len()), |(t, u)| {
            self.motion.at(self.units[u].position_um[1], times[t]) as f32
        });
        arrays.array("displacement", &field)?;
        arrays.array("displacement_times", &Array1::from(times))?;
        arrays.array("displacement_depths", &Array1::from(depths))?;
        arrays.array("unit_displacements", &units)
    }

    /// Samples of the templates in files, and the sample on which a spike's time falls.
    fn template_window(&self) -> (usize, usize) {
        let first = self.units.first().map(|u| (u.bank.samples, u.bank.n0));
        first.unwrap_or((1, 0))
    }

    /// A unit's waveforms at a grid point of its displacement as `[samples, connected contacts]`, its trough on `n0`.
    fn template(&self, unit: &Unit, waveforms: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        let (samples, _) = self.template_window();
        let columns: Vec<Option<usize>> = {
            let mut next = 0;
            let mut column = |connected: bool| {
                next += usize::from(connected);
                connected.then(|| next - 1)
            };
            self.probe.contacts.iter().map(|c| column(c.connected)).collect()
        };
        let width = columns.iter().flatten().count();
        for (row, &contact) in waveforms.chunks_exact(samples.max(1)).zip(unit.bank.contacts()) {
            let Some(column) = columns[contact] else { continue };
            for (t, v) in row.iter().enumerate() {
                let moved = t as i64 - unit.trough_shift;
                if (0..samples as i64).contains(&moved) {
                    out[moved as usize * width + column] = *v;
                }
            }
        }
    }

    fn write_templates(&self, path: &Path) -> Result<()> {
        let (samples, _) = self.template_window();
        let contacts = self.probe.connected().count();
        let mut stream = NpyStream::<f32>::create(path, &[samples, contacts])?;
        let mut out = vec![0f32; samples * contacts];
        for unit in &self.units {
            let place = unit.bank.place(0.0);
            let mut waveforms = vec![0f32; unit.bank.contacts().len() * samples];
            for (i, row) in waveforms.chunks_exact_mut(samples).enumerate() {
                unit.bank.waveform(place, i, 1.0, row);
            }
            self.template(unit, &waveforms, &mut out);
            stream.append(&out)?;
        }
        stream.finish()?;
        Ok(())
    }

    /// `templates_moved.npy` `[rows, samples, contacts]` with the unit and displacement of each row in a table, because
    /// units have grids of their own.
    fn write_moved_templates(&self, truth: &Path) -> Result<()> {
        let (samples, _) = self.template_window();
        let contacts = self.probe.connected().count();
        let mut stream = NpyStream::<f32>::create(&truth.join("templates_moved.npy"), &[samples, contacts])?;
        let mut out = vec![0f32; samples * contacts];
        let mut table = String::from("unit_id,displacement_um\n");
        for (id, unit) in self.units.iter().enumerate() {
            for (step, displacement) in unit.bank.grid_um().into_iter().enumerate() {
                self.template(unit, unit.bank.at_step(step), &mut out);
                stream.append(&out)?;
                let _ = writeln!(table, "{id},{displacement}");
            }
        }
        stream.finish()?;
        write_text(&truth.join("templates_moved.csv"), &table)
    }

    fn unit_table(&self, units: &[Unit], background: bool) -> String {
        let mut table = String::from(
            "unit_id,class,x,y,z,shank,rate,n_spikes,ptp_nominal_uv,ptp_on_probe_uv,trough_on_probe_uv,best_channel,snr,\
             snr_matched,presence_start,presence_end,is_mua,source\n",
        );
        for (id, u) in units.iter().enumerate() {
            let [x, y, z] = u.position_um;
            let channel = self.probe.contacts[u.best_contact].channel;
            let _ = writeln!(
                table,
                "{id},{},{x:.4},{y:.4},{z:.4},{},{:.5},{},{:.4},{:.4},{:.4},{channel},{:.4},{:.4},{:.4},{:.4},{},\"{}\"",
                u.class.code(),
                u.shank,
                u.rate_hz,
                u.n_spikes,
                u.ptp_footprint_uv,
                u.ptp_uv,
                u.trough_uv,
                u.snr,
                u.matched_snr,
                u.present_s[0],
                u.present_s[1],
                u8::from(background),
                u.source.replace('"', "'"),
            );
        }
        table
    }

    fn write_disturbances(&self, truth: &Path) -> Result<()> {
        let bad = self.disturbances.bad_channels();
        if !bad.is_empty() {
            let mut table = String::from("channel,kind\n");
            for (channel, what) in bad {
                let _ = writeln!(table, "{channel},{what}");
            }
            write_text(&truth.join("bad_channels.csv"), &table)?;
        }
        let artefacts = self.disturbances.artefacts();
        if !artefacts.is_empty() {
            let row = |a: &crate::synthesis::Artefact| {
                let size = if a.amplitude_uv.is_nan() {
                    String::new()
                } else {
                    a.amplitude_uv.to_string()
                };
                format!("{},{},{},{size}\n", a.kind, a.start_s, a.end_s)
            };
            let rows: String = artefacts.iter().map(row).collect();
            write_text(
                &truth.join("artifacts.csv"),
                &format!("kind,start_s,end_s,amplitude_uv\n{rows}"),
            )?;
        }
        Ok(())
    }

    fn description(&self) -> Result<serde_json::Value> {
        let (samples, n0) = self.template_window();
        let s = &self.settings;
        let noise: Vec<f64> = self
            .probe
            .contacts
            .iter()
            .zip(&self.noise_uv)
            .filter(|(c, _)| c.connected)
            .map(|(_, v)| *v)
            .collect();
        Ok(json!({
            "generator": GENERATOR,
            "version": env!("CARGO_PKG_VERSION"),
            "preset": s.preset,
            "sample_rate": s.sample_rate_hz,
            "n_samples": s.n_samples(),
            "n_channels": self.n_channels(),
            "counts_per_uv": self.counts_per_uv,
            "exhaustive": self.is_exhaustive(),
            "n0": n0,
            "template_samples": samples,
            "template_channels": self.probe.connected().map(|c| c.channel).collect::<Vec<_>>(),
            "snr": "trough of the largest contact at zero displacement over the median absolute deviation / 0.6744898 \
                    of that contact's noise, background units included",
            "snr_matched": "root of the sum of squares of the template over all contacts and samples over the same noise",
            "noise_uv": noise,
            "overlap": "0 alone, 1 another unit within 1 ms, 2 a unit that reaches 0.9 of its own trough on the other's best \
                        contact within 1 ms",
            "warnings": self.warnings,
            "waveform_files": self.library_files.iter().map(|(path, hash)| json!({ "path": path, "blake3": hash })).collect::<Vec<_>>(),
            "parameters": self.parameters()?,
            "probe": self.probe.to_probeinterface(),
        }))
    }

    /// The sorting as SpikeInterface's `read_npz_sorting` wants it.
    fn write_sorting(&self, path: &Path, spikes: &[TrueSpike]) -> Result<()> {
        let mut npz = Npz::create(path)?;
        npz.add("unit_ids", &(0..self.units.len() as i64).collect::<Array1<i64>>())?;
        npz.add("num_segment", &Array1::from_elem(1, 1i64))?;
        npz.add(
            "sampling_frequency",
            &Array1::from_elem(1, self.settings.sample_rate_hz),
        )?;
        let samples: Array1<i64> = spikes.iter().map(|s| s.sample.round() as i64).collect();
        let labels: Array1<i64> = spikes.iter().map(|s| i64::from(s.unit)).collect();
        npz.add("spike_indexes_seg0", &samples)?;
        npz.add("spike_labels_seg0", &labels)?;
        // The same under the names of a recording of one segment.
        npz.add("spike_indexes", &samples)?;
        npz.add("spike_labels", &labels)?;
        npz.finish()
    }
}
