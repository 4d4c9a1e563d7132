//! An estimated motion against the true one, on the estimate's grid.

use ferrosort_core::{Motion, SortingRun};
use ndarray::{Array2, Axis};
use serde::Serialize;

use super::displacement;
use crate::{Part, Table, correlation, finite};

/// How far an estimated motion is from the truth. The offset of an estimate is arbitrary and is removed; so is its sign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MotionError {
    /// Centres of the time bins, s.
    pub times_s: Vec<f64>,
    /// Depths, µm; one for a rigid estimate.
    pub depths_um: Vec<f64>,
    /// 1 when the estimate is a displacement of the tissue, -1 when it is the correction of one.
    pub sign: f64,
    /// Added to the estimate (after its sign) so that the median difference to the truth is 0, µm.
    pub offset_um: f64,
    /// Root mean square of truth - estimate over all bins, µm.
    pub rms_um: f64,
    /// The same with the other sign, µm.
    pub rms_other_sign_um: f64,
    /// 95th percentile of |truth - estimate|, µm.
    pub p95_um: f64,
    /// Largest |truth - estimate|, µm.
    pub largest_um: f64,
    /// Pearson's correlation of truth and estimate over all bins.
    pub correlation: f64,
    /// Root mean square over depths at each time, µm.
    pub rms_by_time_um: Vec<f64>,
    /// Root mean square over times at each depth, µm.
    pub rms_by_depth_um: Vec<f64>,
    /// Mean of truth - estimate at each depth, µm.
    pub mean_by_depth_um: Vec<f64>,
    /// Root mean square of the truth about its median, µm: the error of no estimate at all.
    pub rms_truth_um: f64,
    /// The estimate after sign and offset, `[times, depths]`, µm.
    #[serde(skip)]
    pub estimate_um: Array2<f64>,
    /// The truth on the same grid.
    #[serde(skip)]
    pub truth_um: Array2<f64>,
    /// truth - estimate.
    #[serde(skip)]
    pub error_um: Array2<f64>,
}

impl MotionError {
    /// `motion_error`: a row for every time and depth.
    pub fn table(&self) -> Table {
        let header = ["time_s", "depth_um", "truth_um", "estimate_um", "error_um"];
        let mut table = Table::new("motion_error", header);
        for ((t, d), &error) in self.error_um.indexed_iter() {
            table.push(vec![
                self.times_s[t].into(),
                self.depths_um[d].into(),
                self.truth_um[[t, d]].into(),
                self.estimate_um[[t, d]].into(),
                error.into(),
            ]);
        }
        table
    }
}

/// Compares `estimate` with the motion that `truth` knows: that of its units where it is known, else that of the tissue.
pub fn compare_motion(estimate: &Motion, truth: &SortingRun) -> Part<MotionError> {
    let dim = (estimate.times_s.len(), estimate.depths_um.len());
    if dim.0 == 0 || dim.1 == 0 || estimate.displacement_um.dim() != dim {
        return Part::missing(format!(
            "the estimated motion has {} times, {} depths and values of shape {:?}",
            dim.0,
            dim.1,
            estimate.displacement_um.dim()
        ));
    }
    match truth_on_grid(truth, &estimate.times_s, &estimate.depths_um) {
        Ok(truth) => compared(estimate, truth),
        Err(reason) => Part::NotAvailable(reason),
    }
}

/// The true displacement at these times and depths, `[times, depths]`, µm. Units: interpolated in time (constant outside), then their mean
/// for a single depth, else linear between the depths of the units (on the outer lines beyond them).
fn truth_on_grid(truth: &SortingRun, times_s: &[f64], depths_um: &[f64]) -> Result<Array2<f64>, String> {
    let Some(motion) = &truth.motion else {
        return Err("the true motion is not known".to_string());
    };
    if motion.times_s.is_empty() || !motion.times_s.is_sorted() {
        return Err("the times of the true motion are absent or not ascending".to_string());
    }
    let Some(units) = unit_displacements(truth, &motion.times_s) else {
        let rigid = depths_um.len() == 1;
        let value = |t: usize, d: usize| {
            if rigid {
                displacement::mean_between(motion, times_s[t], times_s[t]).unwrap_or(f64::NAN)
            } else {
                displacement::at(motion, times_s[t], depths_um[d])
            }
        };
        return Ok(Array2::from_shape_fn((times_s.len(), depths_um.len()), |(t, d)| {
            value(t, d)
        }));
    };
    let knots: Vec<f64> = units.iter().map(|(depth, _)| *depth).collect();
    let mut grid = Array2::zeros((times_s.len(), depths_um.len()));
    for (t, &time) in times_s.iter().enumerate() {
        let at_time = |(_, trace): &(f64, Vec<f64>)| displacement::interpolate_clipped(&motion.times_s, trace, time);
        let values: Vec<f64> = units.iter().map(at_time).collect();
        for (d, &depth) in depths_um.iter().enumerate() {
            grid[[t, d]] = match depths_um.len() {
                1 => finite::mean(&values),
                _ => along_depth(&knots, &values, depth),
            };
        }
    }
    Ok(grid)
}

/// Depth and displacement over time of every unit that is not background, by depth.
fn unit_displacements(truth: &SortingRun, times_s: &[f64]) -> Option<Vec<(f64, Vec<f64>)>> {
    let displacement = truth.truth.as_ref()?.unit_displacement_um.as_ref()?;
    if displacement.dim() != (times_s.len(), truth.units.len()) {
        return None;
    }
    let mut units: Vec<(f64, Vec<f64>)> = Vec::new();
    for (unit, column) in truth
        .units
        .iter()
        .zip(displacement.columns())
        .filter(|(unit, _)| !unit.is_background)
    {
        units.push((unit.position_um?[1], column.iter().map(|&v| f64::from(v)).collect()));
    }
    units.sort_by(|x, y| x.0.total_cmp(&y.0));
    (!units.is_empty()).then_some(units)
}

/// Linear between units; units at one depth count as one with their mean.
fn along_depth(knots: &[f64], values: &[f64], depth: f64) -> f64 {
    let (mut depths, mut means) = (Vec::new(), Vec::new());
    let mut from = 0;
    while from < knots.len() {
        let n = knots[from..].iter().take_while(|&&k| k == knots[from]).count().max(1);
        depths.push(knots[from]);
        means.push(finite::mean(&values[from..from + n]));
        from += n;
    }
    displacement::interpolate_extended(&depths, &means, depth)
}

/// The estimate with this sign, moved so that its median difference to the truth is 0; the move, and the root mean square that is left.
fn fitted(estimate: &Array2<f64>, truth: &Array2<f64>, sign: f64) -> (Array2<f64>, f64, f64) {
    let signed = estimate * sign;
    let differences: Vec<f64> = (truth - &signed).iter().copied().collect();
    let offset = finite::median(&differences);
    let moved = signed + offset;
    let left: Vec<f64> = (truth - &moved).iter().copied().collect();
    (moved, offset, finite::rms(&left))
}

fn compared(motion: &Motion, truth: Array2<f64>) -> Part<MotionError> {
    let plus = fitted(&motion.displacement_um, &truth, 1.0);
    let minus = fitted(&motion.displacement_um, &truth, -1.0);
    if !plus.2.is_finite() {
        return Part::missing("the estimated and the true motion have no finite values in common");
    }
    let (sign, (estimate, offset_um, rms_um), rms_other_sign_um) = if plus.2 <= minus.2 {
        (1.0, plus, minus.2)
    } else {
        (-1.0, minus, plus.2)
    };
    let error = &truth - &estimate;
    let flat = |matrix: &Array2<f64>| -> Vec<f64> { matrix.iter().copied().collect() };
    let sizes: Vec<f64> = error.iter().map(|e| e.abs()).collect();
    let centred: Vec<f64> = {
        let middle = finite::median(&flat(&truth));
        truth.iter().map(|v| v - middle).collect()
    };
    let along = |axis: Axis, f: fn(&[f64]) -> f64| -> Vec<f64> {
        error.axis_iter(axis).map(|lane| f(&lane.to_vec())).collect()
    };
    Part::Available(MotionError {
        times_s: motion.times_s.clone(),
        depths_um: motion.depths_um.clone(),
        sign,
        offset_um,
        rms_um,
        rms_other_sign_um,
        p95_um: finite::quantile(&sizes, 0.95),
        largest_um: sizes.iter().copied().fold(0.0, f64::max),
        correlation: correlation::pearson(&flat(&truth), &flat(&estimate)),
        rms_by_time_um: along(Axis(0), finite::rms),
        rms_by_depth_um: along(Axis(1), finite::rms),
        mean_by_depth_um: along(Axis(1), finite::mean),
        rms_truth_um: finite::rms(&centred),
        estimate_um: estimate,
        truth_um: truth,
        error_um: error,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::{RunKind, RunUnit, TruthDetails};
    use ndarray::array;

    /// Units at 100 and 0 µm (in this order) and a background unit, at times 0, 10 and 20 s.
    fn truth() -> SortingRun {
        let mut run = SortingRun::new("truth", "truth", RunKind::Truth);
        for (depth, is_background) in [(100.0, false), (0.0, false), (50.0, true)] {
            run.units.push(RunUnit {
                position_um: Some([0.0, depth, 0.0]),
                is_background,
                ..RunUnit::default()
            });
        }
        run.motion = Some(Motion {
            times_s: vec![0.0, 10.0, 20.0],
            depths_um: vec![0.0],
            displacement_um: array![[0.0], [1.0], [2.0]],
        });
        run.truth = Some(TruthDetails {
            unit_displacement_um: Some(array![[0.0_f32, 0.0, 99.0], [20.0, 10.0, 99.0], [40.0, 20.0, 99.0]]),
            ..TruthDetails::default()
        });
        run
    }

    fn motion(depths_um: Vec<f64>, displacement_um: Array2<f64>) -> Motion {
        Motion {
            times_s: vec![5.0, 10.0, 30.0],
            depths_um,
            displacement_um,
        }
    }

    #[test]
    fn the_truth_of_a_rigid_estimate_is_the_mean_over_units() {
        let found = compare_motion(&motion(vec![50.0], array![[107.5], [115.0], [132.0]]), &truth());
        let found = found.available().unwrap();
        assert_eq!(found.truth_um, array![[7.5], [15.0], [30.0]]);
        assert_eq!((found.sign, found.offset_um), (1.0, -100.0));
        assert_eq!(found.error_um, array![[0.0], [0.0], [-2.0]]);
        assert!((found.rms_um - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((found.p95_um - 1.8).abs() < 1e-12 && found.largest_um == 2.0);
        assert_eq!(found.rms_by_time_um, [0.0, 0.0, 2.0]);
        assert!(found.table().to_csv().contains("\r\n30,50,30,32,-2\r\n"));
        assert!((found.mean_by_depth_um[0] + 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_truth_of_a_non_rigid_estimate_follows_the_depths_of_the_units() {
        // At 5 s the units move by 10 (at 100 µm) and 5 µm (at 0): 7.5 between them, 12.5 at 150 µm, 2.5 at -50 µm.
        let grid = truth_on_grid(&truth(), &[5.0], &[-50.0, 50.0, 150.0]).unwrap();
        assert_eq!(grid, array![[2.5, 7.5, 12.5]]);
        let mut same_depth = truth();
        same_depth.units[0].position_um = Some([0.0, 0.0, 0.0]);
        assert_eq!(
            truth_on_grid(&same_depth, &[5.0], &[0.0, 9.0]).unwrap(),
            array![[7.5, 7.5]]
        );
    }

    #[test]
    fn an_estimate_that_is_the_correction_is_turned() {
        let found = compare_motion(&motion(vec![50.0], array![[-7.5], [-15.0], [-30.0]]), &truth());
        let found = found.available().unwrap();
        assert_eq!((found.sign, found.offset_um, found.rms_um), (-1.0, 0.0, 0.0));
        assert!(found.rms_other_sign_um > 10.0 && (found.correlation - 1.0).abs() < 1e-12);
    }

    #[test]
    fn without_units_the_motion_of_the_tissue_is_the_truth() {
        let mut tissue = truth();
        tissue.truth = None;
        assert_eq!(
            truth_on_grid(&tissue, &[5.0, 99.0], &[0.0]).unwrap(),
            array![[0.5], [2.0]]
        );
        tissue.motion = None;
        let reason = compare_motion(&motion(vec![0.0], Array2::zeros((3, 1))), &tissue)
            .reason()
            .unwrap()
            .to_string();
        assert_eq!(reason, "the true motion is not known");
    }

    #[test]
    fn grids_that_do_not_fit_are_no_panic() {
        let shape = compare_motion(&motion(vec![0.0], Array2::zeros((2, 1))), &truth());
        assert!(shape.reason().unwrap().contains("3 times, 1 depths"));
        let nan = compare_motion(&motion(vec![0.0], Array2::from_elem((3, 1), f64::NAN)), &truth());
        assert!(nan.reason().unwrap().contains("no finite values"));
    }
}
