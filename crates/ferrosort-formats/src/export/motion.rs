//! A folder that `spikeinterface.core.motion.Motion.load` reads, or one for each shank.

use std::fs;
use std::path::Path;

use ferrosort_core::{Error, Motion, Result, ShankMotion};
use serde_json::json;

use super::facts::Facts;
use super::write_json;
use crate::npy::{write_array, write_slice};

/// Version of SpikeInterface whose layout this is.
const LAYOUT_OF: &str = "0.105.3";

/// Writes the displacement, µm, `[times, depths]`, positive towards larger y, with the centres of the bins of time (s) and depth (µm).
/// Shanks that have motions of their own get a folder each.
pub(super) fn write(facts: &Facts, folder: &Path) -> Result<()> {
    let run = facts.run;
    if let Some(motion) = &run.motion {
        return write_one(motion, &run.source, folder);
    }
    if run.shank_motions.is_empty() {
        return Err(Error::input(format!(
            "{} has no motion: its sorter found none that it followed, or does not tell; choose another --format",
            run.source.display()
        )));
    }
    for ShankMotion { shank, motion } in &run.shank_motions {
        let folder = folder.join(format!("shank{shank}"));
        fs::create_dir(&folder).map_err(|e| Error::io("create", &folder, e))?;
        write_one(motion, &run.source, &folder)?;
    }
    Ok(())
}

fn write_one(motion: &Motion, source: &Path, folder: &Path) -> Result<()> {
    let shape = (motion.times_s.len(), motion.depths_um.len());
    if motion.displacement_um.dim() != shape || shape.0 == 0 || shape.1 == 0 {
        return Err(Error::input(format!(
            "the motion of {} has a displacement of shape {:?} for {} times and {} depths; the result is damaged",
            source.display(),
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
