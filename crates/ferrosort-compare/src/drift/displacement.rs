//! Values of a motion between its times and depths.

use ferrosort_core::Motion;

/// Where a value lies among ascending knots: the knot in front of it and the share of the way to the next.
fn place(knots: &[f64], value: f64, clipped: bool) -> (usize, f64) {
    let Some(last) = knots.len().checked_sub(1).filter(|&last| last > 0) else {
        return (0, 0.0);
    };
    let above = knots.partition_point(|&k| k <= value).clamp(1, last);
    let (low, high) = (knots[above - 1], knots[above]);
    let share = if high > low { (value - low) / (high - low) } else { 0.0 };
    (above - 1, if clipped { share.clamp(0.0, 1.0) } else { share })
}

fn between(low: f64, high: f64, share: f64) -> f64 {
    // A share of 0 must not pick up a neighbour that is no number.
    if share == 0.0 { low } else { low + (high - low) * share }
}

/// Linear interpolation of `values` at ascending `knots`, constant outside them. `NaN` without knots.
pub fn interpolate_clipped(knots: &[f64], values: &[f64], at: f64) -> f64 {
    interpolate(knots, values, at, true)
}

/// Linear interpolation of `values` at ascending `knots`, on the first and last line outside them. `NaN` without knots.
pub fn interpolate_extended(knots: &[f64], values: &[f64], at: f64) -> f64 {
    interpolate(knots, values, at, false)
}

fn interpolate(knots: &[f64], values: &[f64], at: f64, clipped: bool) -> f64 {
    let n = knots.len().min(values.len());
    if n == 0 {
        return f64::NAN;
    }
    let (k, share) = place(&knots[..n], at, clipped);
    between(values[k], values[(k + 1).min(n - 1)], share)
}

/// Displacement at a time and a depth, µm: linear between times and depths, constant outside them. `NaN` for an empty motion.
pub fn at(motion: &Motion, time_s: f64, depth_um: f64) -> f64 {
    let (times, depths) = motion.displacement_um.dim();
    let (times, depths) = (times.min(motion.times_s.len()), depths.min(motion.depths_um.len()));
    if times == 0 || depths == 0 {
        return f64::NAN;
    }
    let (t, share_t) = place(&motion.times_s[..times], time_s, true);
    let (d, share_d) = place(&motion.depths_um[..depths], depth_um, true);
    let row = |t: usize| {
        let value = |d: usize| motion.displacement_um[[t.min(times - 1), d.min(depths - 1)]];
        between(value(d), value(d + 1), share_d)
    };
    between(row(t), row(t + 1), share_t)
}

/// Mean over depths of the displacement in `[start_s, end_s)`, µm: over the times of the motion in it, else at its middle. `None` for an
/// empty motion.
pub fn mean_between(motion: &Motion, start_s: f64, end_s: f64) -> Option<f64> {
    let rows = motion.displacement_um.nrows().min(motion.times_s.len());
    let means: Vec<f64> = motion
        .displacement_um
        .rows()
        .into_iter()
        .take(rows)
        .filter_map(|row| row.mean())
        .collect();
    if means.is_empty() || means.len() != rows {
        return None;
    }
    let times = &motion.times_s[..rows];
    let first = times.partition_point(|&t| t < start_s);
    let last = times.partition_point(|&t| t < end_s);
    Some(if first < last {
        crate::finite::mean(&means[first..last])
    } else {
        interpolate_clipped(times, &means, 0.5 * (start_s + end_s))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn motion() -> Motion {
        Motion {
            times_s: vec![1.0, 2.0, 4.0],
            depths_um: vec![0.0, 100.0],
            displacement_um: Array2::from_shape_vec((3, 2), vec![0.0, 10.0, 2.0, 20.0, 4.0, 40.0]).unwrap(),
        }
    }

    #[test]
    fn lines_end_or_go_on() {
        let (knots, values) = ([0.0, 1.0, 3.0], [0.0, 10.0, 14.0]);
        let clipped: Vec<f64> = [-1.0, 0.5, 2.0, 9.0]
            .iter()
            .map(|&x| interpolate_clipped(&knots, &values, x))
            .collect();
        assert_eq!(clipped, [0.0, 5.0, 12.0, 14.0]);
        let extended: Vec<f64> = [-1.0, 0.5, 2.0, 5.0]
            .iter()
            .map(|&x| interpolate_extended(&knots, &values, x))
            .collect();
        assert_eq!(extended, [-10.0, 5.0, 12.0, 18.0]);
        assert_eq!(interpolate_extended(&[3.0], &[7.0], 99.0), 7.0);
        assert!(interpolate_clipped(&[], &[], 0.0).is_nan());
    }

    #[test]
    fn a_motion_is_bilinear_inside_and_constant_outside() {
        assert_eq!(at(&motion(), 3.0, 50.0), 16.5);
        assert_eq!(at(&motion(), 0.0, -5.0), 0.0);
        assert_eq!(at(&motion(), 99.0, 999.0), 40.0);
    }

    #[test]
    fn the_mean_of_a_span_uses_the_times_in_it() {
        assert_eq!(mean_between(&motion(), 0.0, 3.0), Some(8.0));
        assert_eq!(mean_between(&motion(), 2.5, 3.5), Some(16.5));
        let empty = Motion {
            times_s: vec![],
            depths_um: vec![],
            displacement_um: Array2::zeros((0, 0)),
        };
        assert_eq!(mean_between(&empty, 0.0, 1.0), None);
    }
}
