//! Displacement of the tissue on every shank (docs/algorithm.md 5).

use ferrosort_core::Motion;
use ndarray::{Array1, Axis, concatenate};
use serde::{Deserialize, Serialize};

use crate::intermediates::Named;
use crate::pipeline::Intermediate;

use super::detect::Detections;
use super::geometry::Geometry;
use super::motion::{Event, MotionParameters, displacement_at, estimate, helps};

/// Detections below this score do not tell about motion, sd.
const LEAST_SCORE: f32 = 6.0;

/// Motion by shank; shanks without one do not move.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Displacement {
    shanks: Vec<(i64, Motion)>,
}

impl Displacement {
    /// Registers the detections of each shank. Motion is kept where it sharpens data that it was not fitted to.
    pub fn estimate(detections: &Detections, geometry: &Geometry, sample_rate: f64, duration_s: f64) -> Self {
        let parameters = MotionParameters::default();
        let shanks = geometry.shanks().into_iter().filter_map(|shank| {
            let events: Vec<Event> = (0..detections.len())
                .filter(|&i| {
                    geometry.shank[detections.homes[i] as usize] == shank && detections.scores[i] >= LEAST_SCORE
                })
                .map(|i| Event {
                    time_s: detections.times[i] as f64 / sample_rate,
                    depth_um: f64::from(detections.positions_um[i][1]),
                    amplitude: detections.scores[i],
                })
                .collect();
            let range = geometry.depth_range_um(shank);
            if !helps(&events, duration_s, range, &parameters) {
                return None;
            }
            Some((shank, estimate(&events, duration_s, range, &parameters)?))
        });
        Self {
            shanks: shanks.collect(),
        }
    }

    /// The motion of each shank that moves.
    pub fn shanks(&self) -> &[(i64, Motion)] {
        &self.shanks
    }

    /// What was decided about each shank, for people.
    pub fn summaries(&self, geometry: &Geometry) -> Vec<String> {
        let mut out: Vec<String> = self
            .shanks
            .iter()
            .map(|(shank, motion)| {
                let [low, high] = self.range_um(*shank);
                format!(
                    "shank {shank}: the tissue moves between {low:.0} and {high:.0} µm at {} depths; templates follow it, since that \
                     sharpens spikes that the motion was not estimated from",
                    motion.depths_um.len()
                )
            })
            .collect();
        if self.shanks.len() < geometry.shanks().len() {
            let which = if self.shanks.is_empty() {
                ""
            } else {
                " on the other shanks"
            };
            out.push(format!(
                "no motion is corrected{which}: none was found that sharpens spikes that it was not estimated from"
            ));
        }
        out
    }

    /// Displacement at a time and depth of a shank, µm.
    pub fn at(&self, shank: i64, time_s: f64, depth_um: f64) -> f64 {
        let motion = self.shanks.iter().find(|(s, _)| *s == shank);
        motion.map_or(0.0, |(_, m)| displacement_at(m, time_s, depth_um))
    }

    /// Displacement of each detection, µm.
    pub fn of(&self, detections: &Detections, geometry: &Geometry, sample_rate: f64) -> Vec<f64> {
        (0..detections.len())
            .map(|i| {
                let shank = geometry.shank[detections.homes[i] as usize];
                let depth = f64::from(detections.positions_um[i][1]);
                self.at(shank, detections.times[i] as f64 / sample_rate, depth)
            })
            .collect()
    }

    /// The motion as arrays for the record, a column for each depth of each shank that moves; none where nothing does. The bins of time are
    /// those of the recording, so the same for all shanks.
    pub fn arrays(&self) -> Vec<Named> {
        let Some((_, first)) = self.shanks.first() else {
            return Vec::new();
        };
        let (times_s, columns) = (
            &first.times_s,
            self.shanks.iter().map(|(_, m)| m.displacement_um.view()),
        );
        let columns: Vec<_> = columns.collect();
        let Ok(displacement_um) = concatenate(Axis(1), &columns) else {
            return Vec::new();
        };
        let depths_um = self.shanks.iter().flat_map(|(_, m)| m.depths_um.iter().copied());
        let shanks = self
            .shanks
            .iter()
            .flat_map(|(shank, m)| m.depths_um.iter().map(|_| *shank));
        vec![
            (
                "motion",
                "[times, columns]: displacement of the tissue, µm, positive towards larger y",
                Intermediate::F64(displacement_um.into_dyn()),
            ),
            (
                "motion_times",
                "[times]: s from the start of the time range",
                Intermediate::F64(Array1::from(times_s.clone()).into_dyn()),
            ),
            (
                "motion_depths",
                "[columns]: y, µm",
                Intermediate::F64(depths_um.collect::<Array1<f64>>().into_dyn()),
            ),
            (
                "motion_shanks",
                "[columns]: shank",
                Intermediate::I64(shanks.collect::<Array1<i64>>().into_dyn()),
            ),
        ]
    }

    /// Least and largest displacement over all shanks, µm; `None` when none of them moves.
    pub fn widest_um(&self) -> Option<[f64; 2]> {
        let ranges = self.shanks.iter().map(|(shank, _)| self.range_um(*shank));
        ranges.reduce(|[low, high], [l, h]| [low.min(l), high.max(h)])
    }

    /// Least and largest displacement of a shank, µm, both at least as far as zero.
    pub fn range_um(&self, shank: i64) -> [f64; 2] {
        let motion = self.shanks.iter().find(|(s, _)| *s == shank);
        motion.map_or([0.0; 2], |(_, m)| {
            m.displacement_um
                .iter()
                .fold([0.0f64; 2], |[l, h], &d| [l.min(d), h.max(d)])
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn shanks_that_move_are_columns() {
        assert!(Displacement::default().arrays().is_empty());
        let motion = |depths_um: &[f64], displacement_um| Motion {
            times_s: vec![0.5, 1.5],
            depths_um: depths_um.to_vec(),
            displacement_um,
        };
        let displacement = Displacement {
            shanks: vec![
                (0, motion(&[10.0, 20.0], array![[1.0, 2.0], [3.0, 4.0]])),
                (2, motion(&[15.0], array![[5.0], [6.0]])),
            ],
        };
        let arrays = displacement.arrays();
        let names: Vec<&str> = arrays.iter().map(|array| array.0).collect();
        assert_eq!(names, ["motion", "motion_times", "motion_depths", "motion_shanks"]);
        let Intermediate::F64(motion) = &arrays[0].2 else {
            unreachable!("displacements are floats");
        };
        assert_eq!(motion, &array![[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]].into_dyn());
        let Intermediate::I64(shanks) = &arrays[3].2 else {
            unreachable!("shanks are integers");
        };
        assert_eq!(shanks, &array![0, 0, 2].into_dyn());
    }
}
