//! The truth as Kilosort4's simulator keeps it.

use std::path::Path;

use ferrosort_core::Result;
use ndarray::{Array1, Array2};

use super::arrays::Npz;
use crate::simulation::{Simulation, true_spikes};

/// Length of a batch of the drift, s.
const BATCH_S: f64 = 2.0;
/// Templates there are 0.2 µm apart; 100 is no displacement.
const INDEX_PER_UM: f64 = 5.0;
const STILL_INDEX: f64 = 100.0;

impl Simulation {
    /// `kilosort4_params.npz`: `st` (0-based sample of the trough), `cl` (0-based units, then background units),
    /// `amp`, `wfid` (here the unit again), `drift` (`[batches, channels]` indices of templates 0.2 µm apart),
    /// `n_sim` (units before the background).
    pub(super) fn write_kilosort4(&self, folder: &Path) -> Result<()> {
        let n_samples = self.settings.n_samples();
        let n_units = self.units.len() as i64;
        let mut rows: Vec<(i64, i64, f32)> = self
            .true_spikes()
            .iter()
            .map(|s| (s.sample.round() as i64, i64::from(s.unit), s.amplitude))
            .collect();
        rows.extend(
            true_spikes(&self.background_spikes, &self.background, n_samples)
                .iter()
                .map(|s| (s.sample.round() as i64, n_units + i64::from(s.unit), s.amplitude)),
        );
        rows.sort_by_key(|r| (r.0, r.1));
        let depths: Vec<f64> = self.probe.connected().map(|c| c.y_um).collect();
        let batches = (self.settings.duration_s / BATCH_S).ceil() as usize;
        let drift = Array2::from_shape_fn((batches, depths.len()), |(b, c)| {
            let displacement = self.motion.at(depths[c], b as f64 * BATCH_S);
            (STILL_INDEX + INDEX_PER_UM * displacement).floor() as i64
        });
        let mut npz = Npz::create(&folder.join("kilosort4_params.npz"))?;
        npz.add("st", &rows.iter().map(|r| r.0).collect::<Array1<i64>>())?;
        npz.add("cl", &rows.iter().map(|r| r.1).collect::<Array1<i64>>())?;
        npz.add("amp", &rows.iter().map(|r| r.2).collect::<Array1<f32>>())?;
        npz.add(
            "wfid",
            &(0..n_units + self.background.len() as i64).collect::<Array1<i64>>(),
        )?;
        npz.add("drift", &drift)?;
        npz.add("n_sim", &Array1::from(vec![n_units]))?;
        npz.finish()
    }
}
