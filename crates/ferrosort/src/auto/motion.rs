//! Drift of the probe from detected spikes, by decentralised registration: images of depth and amplitude of every time bin are
//! compared in pairs, and one displacement per bin is found that agrees with all pairs. The idea is that of Windolf et al.,
//! "DREDge: robust motion correction for high-density extracellular recordings across species" (2025).

mod image;
mod pairs;
mod solve;
#[cfg(test)]
mod tests;

use ferrosort_core::Motion;
use ndarray::Array2;

use image::{Grid, Images};
use pairs::Window;

/// One detected spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Time from the start of the recording, s.
    pub time_s: f64,
    /// Depth, µm.
    pub depth_um: f64,
    /// Size in standard deviations of the noise, above 0.
    pub amplitude: f32,
}

/// How the displacement is estimated.
#[derive(Debug, Clone, PartialEq)]
pub struct MotionParameters {
    /// Length of a time bin, s.
    pub bin_s: f64,
    /// Height of a depth bin, µm.
    pub depth_bin_um: f64,
    /// Distance of the windows of a non-rigid estimate, µm.
    pub window_um: f64,
    /// Largest displacement between two time bins that is searched, µm.
    pub max_shift_um: f64,
    /// Largest displacement of a window against the rigid estimate that is searched, µm.
    pub window_shift_um: f64,
    /// Bins are compared when they are at most this far apart, s.
    pub horizon_s: f64,
    /// Pairs of bins with a smaller correlation are ignored, 0 to 1.
    pub min_correlation: f64,
    /// Bins with fewer events (in a window: fewer by weight) are filled from their neighbours.
    pub min_events: f64,
}

impl Default for MotionParameters {
    fn default() -> Self {
        Self {
            bin_s: 1.0,
            depth_bin_um: 2.0,
            window_um: 400.0,
            max_shift_um: 100.0,
            window_shift_um: 30.0,
            horizon_s: 200.0,
            min_correlation: 0.1,
            min_events: 5.0,
        }
    }
}

impl MotionParameters {
    fn valid(&self) -> bool {
        let lengths = [self.bin_s, self.depth_bin_um, self.window_um, self.horizon_s];
        let limits = [self.max_shift_um, self.window_shift_um, self.min_correlation];
        lengths.iter().all(|v| v.is_finite() && *v > 0.0) && limits.iter().all(|v| v.is_finite() && *v >= 0.0)
    }
}

/// More time bins than this are refused: weeks at the default length.
const MOST_BINS: f64 = 1e6;
/// Mean events per bin below which nothing is estimated.
const LEAST_EVENTS_PER_BIN: usize = 10;
/// A smaller depth range shows no displacement, µm.
const LEAST_RANGE_UM: f64 = 40.0;

/// Displacement of the tissue over `duration_s`, at the middle of every time bin and of every window in `depth_range_um`: positive
/// towards larger depth, µm, with median 0. One depth when the range is below 1.5 windows. The order of the events does not matter.
/// `None` for fewer than 5 bins, fewer than 10 events per bin, a range below 40 µm, or parameters that make no sense.
pub fn estimate(events: &[Event], duration_s: f64, depth_range_um: [f64; 2], p: &MotionParameters) -> Option<Motion> {
    let (events, bins) = prepared(events, duration_s, depth_range_um, p)?;
    Some(estimated(&events, bins, depth_range_um, p, 1))
}

/// Whether correction makes spikes that it was not fitted to clearly more alike over time. The displacement is fitted to every second
/// time bin; each of the other bins is compared with the mean image of the fitted ones, with and without correction, and the mean gain
/// in correlation must be large against its standard error. Arguments as of [`estimate`]; false where that gives `None`.
pub fn helps(events: &[Event], duration_s: f64, depth_range_um: [f64; 2], p: &MotionParameters) -> bool {
    let Some((events, bins)) = prepared(events, duration_s, depth_range_um, p) else {
        return false;
    };
    let motion = estimated(&events, bins, depth_range_um, p, 2);
    let corrected: Vec<Event> = events
        .iter()
        .map(|e| Event {
            depth_um: e.depth_um - displacement_at(&motion, e.time_s, e.depth_um),
            ..*e
        })
        .collect();
    let grid = Grid::new(&events, depth_range_um, p.depth_bin_um);
    let kept: Vec<usize> = (0..bins).collect();
    let before = Images::of(&events, &kept, p.bin_s, &grid).likeness(p.min_events);
    let after = Images::of(&corrected, &kept, p.bin_s, &grid).likeness(p.min_events);
    let gains: Vec<f64> = before
        .iter()
        .zip(&after)
        .filter_map(|(b, a)| Some(f64::from((*a)?) - f64::from((*b)?)))
        .collect();
    clearly_positive(&gains)
}

/// Displacement at a time (s) and a depth (µm), µm: linear in time and in depth, constant beyond the ends, 0 for an empty motion.
pub fn displacement_at(motion: &Motion, time_s: f64, depth_um: f64) -> f64 {
    let (times, depths) = motion.displacement_um.dim();
    let (times, depths) = (times.min(motion.times_s.len()), depths.min(motion.depths_um.len()));
    if times == 0 || depths == 0 {
        return 0.0;
    }
    let (t, next_t, share_t) = place(&motion.times_s[..times], time_s);
    let (d, next_d, share_d) = place(&motion.depths_um[..depths], depth_um);
    let row = |t: usize| {
        let (a, b) = (motion.displacement_um[[t, d]], motion.displacement_um[[t, next_d]]);
        a + (b - a) * share_d
    };
    row(t) + (row(next_t) - row(t)) * share_t
}

/// The knots around a value and the share of the way from the first to the second.
fn place(knots: &[f64], value: f64) -> (usize, usize, f64) {
    if knots.len() < 2 {
        return (0, 0, 0.0);
    }
    let above = knots.partition_point(|&k| k <= value).clamp(1, knots.len() - 1);
    let (low, high) = (knots[above - 1], knots[above]);
    let share = if high > low { (value - low) / (high - low) } else { 0.0 };
    (above - 1, above, share.clamp(0.0, 1.0))
}

/// The usable events in an order that does not depend on theirs, and the number of time bins.
fn prepared(
    events: &[Event],
    duration_s: f64,
    depth_range_um: [f64; 2],
    p: &MotionParameters,
) -> Option<(Vec<Event>, usize)> {
    let range = depth_range_um[1] - depth_range_um[0];
    let bins = (duration_s / p.bin_s).ceil();
    let sensible = p.valid() && range.is_finite() && range / p.depth_bin_um < MOST_BINS;
    if !sensible || range < LEAST_RANGE_UM || !(5.0..=MOST_BINS).contains(&bins) {
        return None;
    }
    let usable = |e: &&Event| {
        (0.0..duration_s).contains(&e.time_s)
            && (depth_range_um[0]..=depth_range_um[1]).contains(&e.depth_um)
            && e.amplitude.is_finite()
            && e.amplitude > 0.0
    };
    let mut kept: Vec<Event> = events.iter().filter(usable).copied().collect();
    kept.sort_by(|a, b| {
        let time = a.time_s.total_cmp(&b.time_s);
        let depth = a.depth_um.total_cmp(&b.depth_um);
        time.then(depth).then(a.amplitude.total_cmp(&b.amplitude))
    });
    let bins = bins as usize;
    (kept.len() >= LEAST_EVENTS_PER_BIN * bins).then_some((kept, bins))
}

/// The estimate from every `step`-th time bin; the others are filled.
fn estimated(events: &[Event], bins: usize, range: [f64; 2], p: &MotionParameters, step: usize) -> Motion {
    let kept: Vec<usize> = (0..bins).step_by(step).collect();
    let height = range[1] - range[0];
    let count = if height > 1.5 * p.window_um {
        (height / p.window_um).round().max(2.0) as usize
    } else {
        1
    };
    // A first estimate that windows will refine can do with depth bins of twice the height.
    let coarse = if count > 1 { 2.0 } else { 1.0 };
    let grid = Grid::new(events, range, coarse * p.depth_bin_um);
    let images = Images::of(events, &kept, p.bin_s, &grid);
    let whole = Window::whole(&grid);
    let found = pairs::compare(&images, &[whole], p.max_shift_um, p);
    let rigid = solve::solve(&found, bins, 1);
    drop(images);
    let mut displacement = Array2::from_shape_fn((bins, count), |(t, _)| rigid[t]);
    let spacing = height / count as f64;
    let depths_um: Vec<f64> = (0..count).map(|w| range[0] + (w as f64 + 0.5) * spacing).collect();
    if count > 1 {
        let grid = Grid::new(events, range, p.depth_bin_um);
        let mut images = Images::of(events, &kept, p.bin_s, &grid);
        let moved = images.move_back(&rigid);
        let windows: Vec<Window> = depths_um.iter().map(|&c| Window::around(&grid, c, spacing)).collect();
        let mut found = pairs::compare(&images, &windows, p.window_shift_um, p);
        for pair in &mut found {
            pair.shift_um += (moved[pair.to] - rigid[pair.to]) - (moved[pair.from] - rigid[pair.from]);
        }
        let rest = solve::solve(&found, bins, count);
        for (value, rest) in displacement.iter_mut().zip(rest) {
            *value += rest;
        }
    }
    // No more than the probe is long: beyond that nothing can be known.
    let mut sorted: Vec<f64> = displacement.iter().copied().collect();
    let middle = solve::median(&mut sorted);
    displacement.mapv_inplace(|v| (v - middle).clamp(-height, height));
    Motion {
        times_s: (0..bins).map(|t| (t as f64 + 0.5) * p.bin_s).collect(),
        depths_um,
        displacement_um: displacement,
    }
}

/// A mean of at least 4 standard errors and 0.01.
fn clearly_positive(gains: &[f64]) -> bool {
    let n = gains.len() as f64;
    if n < 3.0 {
        return false;
    }
    let mean = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean > 0.01 && mean > 4.0 * (variance / n).sqrt()
}
