//! Drift as the spikes of a sorting show it: by how much the depths of units move together.
//!
//! In every time bin each unit has a median depth. Units stand at different depths, and not all fire in every bin, so the table of medians
//! (bins by units) is fitted by a depth for each unit plus a displacement for each bin: least squares by alternating means, then with
//! Cauchy's weights (Holland and Welsch, Communications in Statistics A6:813, 1977), so that a unit that jumps does not count. A sorter
//! that follows drift by other means (as Kilosort2 does by ordering batches) states no displacement; this is what its spikes say about
//! it, not what it estimated.

use ferrosort_core::{Motion, SortingRun};
use ndarray::Array2;
use serde::Serialize;

use crate::{Part, finite};

/// Rounds of alternating means.
const ROUNDS: usize = 200;

/// Rounds between two estimates of the weights.
const ROUNDS_PER_WEIGHT: usize = 40;

/// Residual, in standard deviations, at which a value weighs half (95 % efficiency for normal residuals).
const CAUCHY_SD: f64 = 2.385;

/// Depths of spikes to displacements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitDriftParams {
    /// Length of a time bin, s.
    pub bin_s: f64,
    /// Spikes of a unit that a bin needs to count.
    pub least_spikes: usize,
    /// Share of all bins that a unit must fill to count.
    pub least_presence: f64,
    /// Groups of units by depth, each with its own displacement; 1 for a rigid one.
    pub depth_groups: usize,
}

impl Default for UnitDriftParams {
    fn default() -> Self {
        Self {
            bin_s: 5.0,
            least_spikes: 5,
            least_presence: 0.3,
            depth_groups: 1,
        }
    }
}

/// Displacement of the units over time, with median 0 at each depth; bins without spikes take the line between their neighbours.
pub fn unit_drift(run: &SortingRun, params: &UnitDriftParams) -> Part<Motion> {
    let spikes = &run.spikes;
    let Some(depths) = spikes.depths_um.as_ref().filter(|depths| depths.len() == spikes.len()) else {
        return Part::missing("the depths of spikes are not known");
    };
    let Some(rate) = run.sample_rate.filter(|rate| *rate > 0.0) else {
        return Part::missing("the sampling rate is not known");
    };
    let last = spikes.samples.last().map_or(0, |&s| s.max(0) as u64 + 1);
    let duration_s = run.n_samples.unwrap_or(0).max(last) as f64 / rate;
    let bins = (duration_s / params.bin_s).ceil();
    if !(1.0..=1e6).contains(&bins) {
        return Part::missing(format!(
            "{duration_s:.1} s cannot be cut into bins of {} s",
            params.bin_s
        ));
    }
    let bins = bins as usize;

    let mut by_unit: Vec<Vec<(usize, f32)>> = vec![Vec::new(); run.units.len()];
    for ((&sample, &unit), &depth) in spikes.samples.iter().zip(&spikes.units).zip(depths) {
        let bin = sample as f64 / rate / params.bin_s;
        if let Some(list) = by_unit.get_mut(unit as usize)
            && depth.is_finite()
            && bin >= 0.0
        {
            list.push(((bin as usize).min(bins - 1), depth));
        }
    }
    let least_bins = (params.least_presence * bins as f64).max(2.0);
    let mut tracks: Vec<Vec<f64>> = by_unit
        .iter()
        .map(|list| medians(list, bins, params.least_spikes.max(1)))
        .filter(|track| track.iter().filter(|v| v.is_finite()).count() as f64 >= least_bins)
        .collect();
    if tracks.is_empty() {
        return Part::missing("no unit fires often enough to show a displacement");
    }
    tracks.sort_by(|x, y| finite::median(x).total_cmp(&finite::median(y)));
    let groups = params.depth_groups.clamp(1, tracks.len());
    let mut motion = Motion {
        times_s: (0..bins).map(|bin| (bin as f64 + 0.5) * params.bin_s).collect(),
        depths_um: Vec::new(),
        displacement_um: Array2::zeros((bins, groups)),
    };
    for group in 0..groups {
        let (from, to) = (group * tracks.len() / groups, (group + 1) * tracks.len() / groups);
        let (standing, displacement) = additive_fit(&tracks[from..to], bins);
        motion.depths_um.push(finite::median(&standing));
        for (bin, value) in displacement.into_iter().enumerate() {
            motion.displacement_um[[bin, group]] = value;
        }
    }
    Part::Available(motion)
}

/// Median depth in every bin; `NaN` with too few spikes. The list is in order of time.
fn medians(list: &[(usize, f32)], bins: usize, least: usize) -> Vec<f64> {
    let mut track = vec![f64::NAN; bins];
    for run in list.chunk_by(|x, y| x.0 == y.0) {
        if run.len() >= least {
            let depths: Vec<f64> = run.iter().map(|&(_, depth)| f64::from(depth)).collect();
            track[run[0].0] = finite::median(&depths);
        }
    }
    track
}

/// A depth for each track and a displacement for each bin whose sums fit the tracks best; the median displacement is 0.
fn additive_fit(tracks: &[Vec<f64>], bins: usize) -> (Vec<f64>, Vec<f64>) {
    let mut standing: Vec<f64> = tracks.iter().map(|track| finite::mean(track)).collect();
    let mut displacement = vec![0.0; bins];
    let mut weights: Vec<Vec<f64>> = tracks
        .iter()
        .map(|track| track.iter().map(|v| f64::from(v.is_finite())).collect())
        .collect();
    for round in 1..=ROUNDS {
        for (bin, value) in displacement.iter_mut().enumerate() {
            let rest = (0..tracks.len()).map(|u| (weights[u][bin], tracks[u][bin] - standing[u]));
            *value = weighted_mean(rest).unwrap_or(f64::NAN);
        }
        for (u, depth) in standing.iter_mut().enumerate() {
            let rest = (0..bins).map(|bin| (weights[u][bin], tracks[u][bin] - displacement[bin]));
            *depth = weighted_mean(rest).unwrap_or(*depth);
        }
        if round % ROUNDS_PER_WEIGHT == 0 {
            reweigh(&mut weights, tracks, &standing, &displacement);
        }
    }
    fill_gaps(&mut displacement);
    let middle = finite::median(&displacement);
    for value in &mut displacement {
        *value -= middle;
    }
    for depth in &mut standing {
        *depth += middle;
    }
    (standing, displacement)
}

/// Mean of the values with a weight above 0.
fn weighted_mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (weight, value) in values.filter(|(weight, _)| *weight > 0.0) {
        sum += weight * value;
        total += weight;
    }
    (total > 0.0).then(|| sum / total)
}

/// Weights of Cauchy for residuals from the fit, in units of 1.4826 times their median size. A perfect fit keeps its weights.
fn reweigh(weights: &mut [Vec<f64>], tracks: &[Vec<f64>], standing: &[f64], displacement: &[f64]) {
    let residual = |u: usize, bin: usize| tracks[u][bin] - standing[u] - displacement[bin];
    let sizes: Vec<f64> = (0..tracks.len())
        .flat_map(|u| (0..displacement.len()).map(move |bin| (u, bin)))
        .map(|(u, bin)| residual(u, bin).abs())
        .collect();
    let scale = CAUCHY_SD * 1.4826 * finite::median(&sizes);
    if scale.is_nan() || scale <= 1e-6 {
        return;
    }
    for (u, row) in weights.iter_mut().enumerate() {
        for (bin, weight) in row.iter_mut().enumerate().filter(|(_, weight)| **weight > 0.0) {
            *weight = 1.0 / (1.0 + (residual(u, bin) / scale).powi(2));
        }
    }
}

/// Bins without a value take the line between their neighbours, or the nearest at the ends.
fn fill_gaps(values: &mut [f64]) {
    let (knots, known): (Vec<f64>, Vec<f64>) = values
        .iter()
        .enumerate()
        .filter(|(_, v)| v.is_finite())
        .map(|(bin, &v)| (bin as f64, v))
        .unzip();
    for (bin, value) in values.iter_mut().enumerate() {
        if !value.is_finite() {
            *value = super::displacement::interpolate_clipped(&knots, &known, bin as f64);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::{RunKind, RunUnit};

    /// Ten spikes a second for each unit, at its depth plus `displacement(second)`, in the seconds in which it fires.
    fn run(units: &[(f64, std::ops::Range<i64>)], displacement: impl Fn(i64, f64) -> f64) -> SortingRun {
        let mut run = SortingRun::new("run", "run", RunKind::Kilosort2);
        run.sample_rate = Some(1000.0);
        run.n_samples = Some(20_000);
        run.units = vec![RunUnit::default(); units.len()];
        let mut depths = Vec::new();
        for second in 0..20 {
            for (unit, (depth, _)) in units.iter().enumerate().filter(|(_, u)| u.1.contains(&second)) {
                for k in 0..10 {
                    run.spikes.samples.push(1000 * second + 100 * k);
                    run.spikes.units.push(unit as u32);
                    depths.push((depth + displacement(second, *depth)) as f32);
                }
            }
        }
        run.spikes.depths_um = Some(depths);
        run
    }

    const SECONDS: UnitDriftParams = UnitDriftParams {
        bin_s: 1.0,
        least_spikes: 5,
        least_presence: 0.3,
        depth_groups: 1,
    };

    #[test]
    fn units_that_fire_in_part_of_the_recording_do_not_bend_the_drift() {
        let ramp = |second: i64, _: f64| 2.0 * second as f64;
        let units = [(100.0, 0..20), (300.0, 0..12), (500.0, 8..20), (900.0, 0..2)];
        let motion = unit_drift(&run(&units, ramp), &SECONDS);
        let motion = motion.available().unwrap();
        assert_eq!((motion.times_s[0], motion.displacement_um.dim()), (0.5, (20, 1)));
        for (bin, value) in motion.displacement_um.column(0).iter().enumerate() {
            assert!((value - (2.0 * bin as f64 - 19.0)).abs() < 1e-9, "{bin}: {value}");
        }
    }

    #[test]
    fn a_unit_that_jumps_does_not_count() {
        let jump = |second: i64, depth: f64| match (depth as i64, second) {
            (500, 10..) => 60.0,
            (_, second) => (second as f64).sin() + 0.001 * depth * (second % 3) as f64,
        };
        let units: Vec<(f64, std::ops::Range<i64>)> = (1..=9).map(|k| (100.0 * f64::from(k), 0..20)).collect();
        let motion = unit_drift(&run(&units, jump), &SECONDS);
        let column = motion.available().unwrap().displacement_um.column(0).to_vec();
        let step = column[10] - column[9];
        let expected = 10_f64.sin() - 9_f64.sin() + 0.5;
        assert!((step - expected).abs() < 0.3, "{step} {expected}");
    }

    #[test]
    fn silent_bins_take_the_line_between_their_neighbours() {
        let ramp = |second: i64, _: f64| second as f64;
        let mut quiet = run(&[(100.0, 0..20)], ramp);
        let keep: Vec<usize> = (0..quiet.spikes.len())
            .filter(|&i| quiet.spikes.samples[i] / 1000 != 7)
            .collect();
        let depths = quiet.spikes.depths_um.clone().unwrap();
        quiet.spikes.depths_um = Some(keep.iter().map(|&i| depths[i]).collect());
        quiet.spikes.units = vec![0; keep.len()];
        quiet.spikes.samples = keep.iter().map(|&i| quiet.spikes.samples[i]).collect();
        let motion = unit_drift(&quiet, &SECONDS);
        let column = motion.available().unwrap().displacement_um.column(0).to_vec();
        assert!((column[8] - column[6] - 2.0).abs() < 1e-9 && (column[7] - column[6] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn groups_by_depth_have_their_own_displacement() {
        let sheared = |second: i64, depth: f64| second as f64 * depth / 1000.0;
        let units = [(1000.0, 0..20), (0.0, 0..20)];
        let params = UnitDriftParams {
            depth_groups: 2,
            ..SECONDS
        };
        let motion = unit_drift(&run(&units, sheared), &params);
        let motion = motion.available().unwrap();
        let rise = |group: usize| motion.displacement_um[[19, group]] - motion.displacement_um[[0, group]];
        assert!(rise(0).abs() < 1e-9 && (rise(1) - 19.0).abs() < 1e-3);
        assert!(motion.depths_um[0] < 100.0 && motion.depths_um[1] > 900.0);
    }

    #[test]
    fn what_shows_no_drift_is_said() {
        let mut none = run(&[(0.0, 0..1)], |_, _| 0.0);
        assert!(unit_drift(&none, &SECONDS).reason().unwrap().contains("often enough"));
        none.spikes.depths_um = None;
        assert!(unit_drift(&none, &SECONDS).reason().unwrap().contains("depths"));
    }
}
