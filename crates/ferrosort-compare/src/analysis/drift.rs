//! Motion and depths of spikes of each run.

use ferrosort_core::Motion;
use serde::Serialize;

use super::Analysis;
use crate::Part;
use crate::drift::motion_error::{MotionError, compare_motion};
use crate::drift::raster::{DriftRaster, drift_raster};
use crate::drift::unit_drift::{UnitDriftParams, unit_drift};

/// Spikes of a drift map.
const MOST_POINTS: usize = 40_000;
/// A probe of this length has a displacement of its own every such length, µm.
const GROUP_LENGTH_UM: f64 = 1000.0;
const MOST_GROUPS: f64 = 8.0;

/// What a run tells of the motion of the tissue.
#[derive(Debug, Clone, Serialize)]
pub struct RunDrift {
    /// Where the motion came from: the source's own estimate, or the depths of its spikes.
    pub motion_source: String,
    /// Displacement, positive towards larger y.
    #[serde(skip)]
    pub motion: Part<Motion>,
    /// Spikes over depth and time.
    #[serde(skip)]
    pub raster: Part<DriftRaster>,
    /// How far the motion is from the truth.
    pub motion_error: Part<MotionError>,
}

impl Default for RunDrift {
    fn default() -> Self {
        Self {
            motion_source: String::new(),
            motion: Part::missing("not computed"),
            raster: Part::missing("not computed"),
            motion_error: Part::missing("there is no truth"),
        }
    }
}

pub(super) fn of_run(analysis: &Analysis, place: usize) -> RunDrift {
    let run = &analysis.runs[place].run;
    let (motion, motion_source) = match &run.motion {
        Some(motion) => (Part::Available(motion.clone()), "the sorter's estimate"),
        None => (unit_drift(run, &params(analysis)), "depths of the spikes of each unit"),
    };
    let motion_error = match (motion.available(), analysis.params.truth) {
        (_, false) => Part::missing("there is no truth"),
        (None, true) => Part::missing("no motion could be estimated"),
        (Some(motion), true) => compare_motion(motion, &analysis.runs[0].run),
    };
    // The sign and the offset that fit the truth are the ones to correct with.
    let correction = motion.available().map(|motion| match motion_error.available() {
        Some(error) => Motion {
            displacement_um: error.estimate_um.clone(),
            ..motion.clone()
        },
        None => motion.clone(),
    });
    RunDrift {
        motion_source: motion_source.to_string(),
        raster: drift_raster(run, correction.as_ref(), MOST_POINTS),
        motion,
        motion_error,
    }
}

pub(super) fn of_truth(analysis: &Analysis) -> RunDrift {
    let run = &analysis.runs[0].run;
    let motion = run.motion.clone();
    RunDrift {
        motion_source: "the simulation".to_string(),
        raster: drift_raster(run, motion.as_ref(), MOST_POINTS),
        motion: motion.map_or_else(|| Part::missing("the truth does not tell a motion"), Part::Available),
        motion_error: Part::missing("it is the truth"),
    }
}

/// Groups of units by depth, and bins that give a short recording enough of them.
fn params(analysis: &Analysis) -> UnitDriftParams {
    let depths = analysis
        .probe
        .iter()
        .flat_map(|probe| probe.contacts.iter().map(|c| c.y_um));
    let (low, high) = depths.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| (l.min(y), h.max(y)));
    let length = (high - low).max(0.0);
    UnitDriftParams {
        depth_groups: (length / GROUP_LENGTH_UM).clamp(1.0, MOST_GROUPS) as usize,
        bin_s: (analysis.duration_s() / 60.0).clamp(2.0, 10.0),
        ..UnitDriftParams::default()
    }
}
