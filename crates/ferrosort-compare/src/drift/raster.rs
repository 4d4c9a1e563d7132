//! Spikes as points of depth and time, few enough to draw, before and after a correction of the motion.

use ferrosort_core::{Motion, SortingRun};
use serde::Serialize;

use super::displacement;
use crate::Part;

/// Spikes of one run as columns of one length, by time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftRaster {
    /// Time of each spike, s.
    pub times_s: Vec<f32>,
    /// Depth of each spike, µm; of its unit when those of spikes are not known.
    pub depths_um: Vec<f32>,
    /// Its depth minus the displacement of the tissue there and then, µm, when a motion is known.
    pub corrected_um: Option<Vec<f32>>,
    /// Size of its amplitude, as the source gives it; 1 when that is not known.
    pub amplitudes: Vec<f32>,
    /// Its unit, place in the run.
    pub units: Vec<u32>,
    /// Spikes of the run.
    pub n_spikes: usize,
    /// True when depths are those of the units, so that drift cannot show.
    pub unit_depths: bool,
}

/// At most `most` spikes, evenly spaced over the list of spikes: the same ones every time.
pub fn drift_raster(run: &SortingRun, motion: Option<&Motion>, most: usize) -> Part<DriftRaster> {
    let spikes = &run.spikes;
    let Some(rate) = run.sample_rate.filter(|rate| *rate > 0.0) else {
        return Part::missing("the sampling rate is not known");
    };
    let n = spikes.len().min(spikes.units.len());
    if n == 0 {
        return Part::missing("there are no spikes");
    }
    let own = spikes.depths_um.as_ref().filter(|depths| depths.len() >= n);
    let unit_depth = |unit: u32| {
        run.units
            .get(unit as usize)
            .and_then(|unit| unit.position_um)
            .map(|p| p[1] as f32)
    };
    let depth = |i: usize| match own {
        Some(depths) => Some(depths[i]),
        None => unit_depth(spikes.units[i]),
    };
    let drawn = n.min(most.max(1));
    let chosen: Vec<(usize, f32)> = (0..drawn)
        .map(|k| (k as u128 * n as u128 / drawn as u128) as usize)
        .filter_map(|i| Some((i, depth(i).filter(|d| d.is_finite())?)))
        .collect();
    if chosen.is_empty() {
        return Part::missing("the depths of spikes are not known, nor those of units");
    }
    let time = |i: usize| spikes.samples[i] as f64 / rate;
    let amplitude = |i: usize| {
        spikes
            .amplitudes
            .as_ref()
            .and_then(|a| a.get(i))
            .map_or(1.0, |a| a.abs())
    };
    let corrected = |motion: &Motion| {
        let moved = |&(i, depth): &(usize, f32)| depth - displacement::at(motion, time(i), f64::from(depth)) as f32;
        chosen.iter().map(moved).collect()
    };
    Part::Available(DriftRaster {
        times_s: chosen.iter().map(|&(i, _)| time(i) as f32).collect(),
        depths_um: chosen.iter().map(|&(_, depth)| depth).collect(),
        corrected_um: motion.map(corrected),
        amplitudes: chosen.iter().map(|&(i, _)| amplitude(i)).collect(),
        units: chosen.iter().map(|&(i, _)| spikes.units[i]).collect(),
        n_spikes: n,
        unit_depths: own.is_none(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::{RunKind, RunUnit, SpikeTable};
    use ndarray::array;

    fn run(n: usize) -> SortingRun {
        let mut run = SortingRun::new("run", "run", RunKind::Phy);
        run.sample_rate = Some(10.0);
        run.units = vec![RunUnit {
            position_um: Some([0.0, 70.0, 0.0]),
            ..RunUnit::default()
        }];
        run.spikes = SpikeTable {
            samples: (0..n as i64).map(|k| 10 * k).collect(),
            units: vec![0; n],
            amplitudes: Some((0..n).map(|k| -(k as f32)).collect()),
            depths_um: Some((0..n).map(|k| 100.0 + k as f32).collect()),
            scores: None,
        };
        run
    }

    #[test]
    fn a_motion_is_taken_off_the_depths() {
        let motion = Motion {
            times_s: vec![0.0, 4.0],
            depths_um: vec![0.0],
            displacement_um: array![[0.0], [4.0]],
        };
        let found = drift_raster(&run(5), Some(&motion), 100);
        let found = found.available().unwrap();
        assert_eq!(found.depths_um, [100.0, 101.0, 102.0, 103.0, 104.0]);
        assert_eq!(found.corrected_um.as_ref().unwrap(), &[100.0; 5]);
        assert_eq!(found.amplitudes, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(found.times_s, [0.0, 1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn few_of_many_spikes_are_spread_over_all() {
        let found = drift_raster(&run(1000), None, 4);
        let found = found.available().unwrap();
        assert_eq!(found.times_s, [0.0, 250.0, 500.0, 750.0]);
        assert_eq!((found.n_spikes, found.corrected_um.is_none()), (1000, true));
    }

    #[test]
    fn depths_of_units_stand_in_and_their_absence_is_said() {
        let mut without = run(3);
        without.spikes.depths_um = None;
        let found = drift_raster(&without, None, 10);
        let found = found.available().unwrap();
        assert_eq!(
            (found.depths_um.as_slice(), found.unit_depths),
            ([70.0; 3].as_slice(), true)
        );
        without.units.clear();
        assert!(drift_raster(&without, None, 10).reason().unwrap().contains("depths"));
        assert!(drift_raster(&run(0), None, 10).reason().unwrap().contains("no spikes"));
        without.sample_rate = None;
        assert!(drift_raster(&without, None, 10).reason().unwrap().contains("rate"));
    }
}
