//! A folder that `spikeinterface.core.motion.Motion.load` reads.

use std::path::Path;

use ferrosort_core::{Error, Result};
use serde_json::json;

use super::facts::Facts;
use super::write_json;
use crate::npy::{write_array, write_slice};

/// Version of SpikeInterface whose layout this is.
const LAYOUT_OF: &str = "0.105.3";

/// Writes the displacement, µm, `[times, depths]`, positive towards larger y, with the centres of the bins of time (s) and depth (µm).
pub(super) fn write(facts: &Facts, folder: &Path) -> Result<()> {
    let shown = facts.run.source.display();
    let Some(motion) = &facts.run.motion else {
        return Err(Error::input(format!(
            "{shown} has no motion: its sorter found none that it followed, or does not tell; choose another --format"
        )));
    };
    let shape = (motion.times_s.len(), motion.depths_um.len());
    if motion.displacement_um.dim() != shape || shape.0 == 0 || shape.1 == 0 {
        return Err(Error::input(format!(
            "the motion of {shown} has a displacement of shape {:?} for {} times and {} depths; the result is damaged",
            motion.displacement_um.dim(),
            shape.0,
            shape.1
        )));
    }
    let info = json!({
        "version": LAYOUT_OF,
        "dev_mode": false,
        "object": "Motion",
        "num_segments": 1,
        "direction": "y",
        "interpolation_method": "linear",
    });
    write_json(&folder.join("spikeinterface_info.json"), &info)?;
    write_slice(&folder.join("spatial_bins_um.npy"), &[shape.1], &motion.depths_um)?;
    write_slice(&folder.join("temporal_bins_s_seg0.npy"), &[shape.0], &motion.times_s)?;
    write_array(&folder.join("displacement_seg0.npy"), &motion.displacement_um)
}
