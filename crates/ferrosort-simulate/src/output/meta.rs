//! `meta.json` and `probe.json`: what other programs need to open the recording.

use std::path::Path;

use ferrosort_core::{Error, Result};
use serde_json::{Value, json};

use super::GENERATOR;
use super::arrays::write_json;
use crate::geometry::{ContactShape, SimContact, SimProbe};
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
            "gain_to_uV": self.gain_uv(),
            "offset_to_uV": 0.0,
            "n_units": self.units.len(),
            "n_background_units": self.background.len(),
            "n_spikes": self.true_spikes().len(),
            "parameters": self.parameters()?,
        });
        write_json(&folder.join("meta.json"), &meta)?;
        write_json(&folder.join("probe.json"), &probeinterface(&self.probe))
    }

    pub(super) fn parameters(&self) -> Result<Value> {
        serde_json::to_value(&self.settings)
            .map_err(|e| Error::input(format!("settings cannot be written as JSON: {e}")))
    }
}

/// The probe as probeinterface writes it: one probe, positions in µm; contacts that are not connected have the
/// channel -1.
pub(super) fn probeinterface(probe: &SimProbe) -> Value {
    let of = |value: fn(&SimContact) -> Value| -> Vec<Value> { probe.contacts.iter().map(value).collect() };
    let n = probe.contacts.len();
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
            "contact_shapes": of(|c| json!(match c.shape {
                ContactShape::Rectangle { .. } => "rect",
                ContactShape::Disc { .. } => "circle",
            })),
            "contact_shape_params": of(|c| match c.shape {
                ContactShape::Rectangle { width_um, height_um } => json!({ "width": width_um, "height": height_um }),
                ContactShape::Disc { radius_um } => json!({ "radius": radius_um }),
            }),
            "device_channel_indices": of(|c| if c.connected { json!(c.channel) } else { json!(-1) }),
            "shank_ids": of(|c| json!(c.shank.to_string())),
        }],
    })
}
