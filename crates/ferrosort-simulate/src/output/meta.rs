//! `meta.json` and `probe.json`: what other programs need to open the recording.

use std::path::Path;

use ferrosort_core::{Error, Result};
use serde_json::{Value, json};

use super::GENERATOR;
use super::arrays::write_json;
use crate::simulation::Simulation;

impl Simulation {
    pub(super) fn write_meta(&self, folder: &Path) -> Result<()> {
        let s = &self.settings;
        let meta = json!({
            "generator": GENERATOR,
            "preset": s.preset,
            "sample_rate": s.sample_rate_hz,
            "n_channels": self.n_channels(),
            "n_samples": s.n_samples(),
            "duration_s": s.duration_s,
            "dtype": "int16",
            "order": "C, time x channels",
            "gain_to_uV": match &self.base {
                Some(base) => json!(base.gain_uv),
                None => json!(self.gain_uv()),
            },
            "hybrid_of": self.base.as_ref().map(|base| base.recording.name()),
            "offset_to_uV": 0.0,
            "n_units": self.units.len(),
            "n_background_units": self.background.len(),
            "n_spikes": self.true_spikes().len(),
            "parameters": self.parameters()?,
        });
        write_json(&folder.join("meta.json"), &meta)?;
        self.probe.write_probeinterface(&folder.join("probe.json"))
    }

    pub(super) fn parameters(&self) -> Result<Value> {
        serde_json::to_value(&self.settings)
            .map_err(|e| Error::input(format!("settings cannot be written as JSON: {e}")))
    }
}
