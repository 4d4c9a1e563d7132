//! Displacements that differ over depth: values at times and depths, linear in between.

use super::Setting;
use super::courses::{STEP_S, Sampled, scale_to_range, smooth_noise};
use crate::random::{Key, Stream};
use crate::settings::Course;

/// Displacements at times and depths.
#[derive(Debug, Clone)]
pub(super) struct Knots {
    /// Ascending, s.
    pub(super) times_s: Vec<f64>,
    /// Ascending, µm.
    pub(super) depths_um: Vec<f64>,
    /// `[times, depths]`, µm.
    pub(super) values_um: Vec<f64>,
    /// Constant from each time to the next instead of linear.
    pub(super) held: bool,
}

impl Knots {
    /// µm at a depth and time; the ends are held.
    pub(super) fn at(&self, y_um: f64, time_s: f64) -> f64 {
        let (i, f) = bracket(&self.times_s, time_s);
        let (j, g) = bracket(&self.depths_um, y_um);
        let n = self.depths_um.len();
        let row = |i: usize| {
            let a = self.values_um[i * n + j];
            let b = self.values_um[i * n + (j + 1).min(n - 1)];
            a + (b - a) * g
        };
        let a = row(i);
        if self.held || f == 0.0 {
            return a;
        }
        a + (row((i + 1).min(self.times_s.len() - 1)) - a) * f
    }
}

/// Place of `x` in an ascending list: the interval and the fraction of it.
fn bracket(list: &[f64], x: f64) -> (usize, f64) {
    let last = list.len() - 1;
    let i = list.partition_point(|&v| v <= x).saturating_sub(1);
    if i >= last || x <= list[0] {
        return (i.min(last), 0.0);
    }
    (i, (x - list[i]) / (list[i + 1] - list[i]))
}

/// Independent random courses at `n` depths, smoothed over depth and scaled together to the course's range.
pub(super) fn independent(course: &Course, n: usize, smooth: f64, setting: &Setting, index: u64) -> Knots {
    let courses: Vec<Vec<f64>> = (0..n)
        .map(|k| Sampled::draw(course, setting, index, k as u64).values_um)
        .collect();
    let range = {
        let all = || courses.iter().flatten().copied();
        all().fold(f64::NEG_INFINITY, f64::max) - all().fold(f64::INFINITY, f64::min)
    };
    let n_times = courses[0].len();
    let weights = gaussian(n, smooth);
    let mut values_um: Vec<f64> = (0..n_times)
        .flat_map(|t| {
            let courses = &courses;
            weights
                .iter()
                .map(move |row| row.iter().zip(courses).map(|(w, c)| w * c[t]).sum::<f64>())
        })
        .collect();
    scale_to_range(&mut values_um, range);
    Knots {
        times_s: (0..n_times).map(|t| t as f64 * STEP_S).collect(),
        depths_um: spread(setting.span_um, n),
        values_um,
        held: false,
    }
}

/// Rows of a Gaussian smoothing over `n` points, each with sum 1.
fn gaussian(n: usize, sd: f64) -> Vec<Vec<f64>> {
    (0..n)
        .map(|i| {
            let weight = |j: usize| match (sd > 0.0, i == j) {
                (true, _) => libm::exp(-0.5 * ((i as f64 - j as f64) / sd).powi(2)),
                (false, same) => f64::from(u8::from(same)),
            };
            let sum: f64 = (0..n).map(weight).sum();
            (0..n).map(|j| weight(j) / sum).collect()
        })
        .collect()
}

fn spread([low, high]: [f64; 2], n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| low + (high - low) * i as f64 / (n - 1).max(1) as f64)
        .collect()
}

/// Depths at which Kilosort4's simulated drift is drawn: 1 to 9 tenths of the probe.
const KNOTS: usize = 9;
/// Length of a batch, s: 60000 samples at 30 kHz.
const BATCH_S: f64 = 2.0;
/// Bins of 2 µm: the unit in which that drift is drawn.
const BIN_UM: f64 = 2.0;

/// Kilosort4's simulated drift: a smoothed course common to all depths plus smaller ones of nine depths, in bins of
/// 2 µm, constant within batches of 2 s; a step in the middle is added.
pub(super) fn kilosort4(range_um: f64, smooth_batches: f64, step_um: f64, setting: &Setting, index: u64) -> Knots {
    let n = (setting.duration_s / BATCH_S).ceil() as usize + 1;
    let range = range_um / BIN_UM;
    let course = |knot: usize, range: f64| {
        let mut draws = Key::new(setting.seed, Stream::Drift, index * 4096 + knot as u64).draws();
        smooth_noise(n, smooth_batches, range, &mut draws)
    };
    let common = course(KNOTS, range);
    let own_range = (5.0 - (20.0 - range) / 6.0).max(0.0) * 4.0;
    let own: Vec<Vec<f64>> = (0..KNOTS).map(|k| course(k, own_range)).collect();
    let weights = gaussian(KNOTS, 2.0);
    let mut values_um: Vec<f64> = (0..n)
        .flat_map(|t| {
            let (own, common) = (&own, common[t]);
            weights
                .iter()
                .map(move |row| common + row.iter().zip(own).map(|(w, c)| w * c[t]).sum::<f64>())
        })
        .collect();
    scale_to_range(&mut values_um, range_um);
    let middle = n / 2;
    for (t, row) in values_um.chunks_exact_mut(KNOTS).enumerate() {
        let step = if t < middle { -0.5 } else { 0.5 } * step_um;
        for v in &mut *row {
            *v += step;
        }
    }
    let [low, high] = setting.span_um;
    Knots {
        times_s: (0..n).map(|t| t as f64 * BATCH_S).collect(),
        depths_um: (1..=KNOTS)
            .map(|k| low + (high - low) * k as f64 / (KNOTS + 1) as f64)
            .collect(),
        values_um,
        held: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_hold_the_ends() {
        let list = [0.0, 1.0, 3.0];
        assert_eq!(bracket(&list, -1.0), (0, 0.0));
        assert_eq!(bracket(&list, 0.5), (0, 0.5));
        assert_eq!(bracket(&list, 2.0), (1, 0.5));
        assert_eq!(bracket(&list, 3.0), (2, 0.0));
        assert_eq!(bracket(&list, 9.0), (2, 0.0));
    }

    #[test]
    fn kilosort4_drift_is_constant_in_batches_and_spans_its_range() {
        let setting = Setting {
            duration_s: 600.0,
            span_um: [0.0, 3840.0],
            seed: 2,
        };
        let k = kilosort4(10.0, 20.0, 0.0, &setting, 0);
        assert_eq!(k.at(1000.0, 100.0), k.at(1000.0, 101.9));
        let low = k.values_um.iter().copied().fold(f64::MAX, f64::min);
        let high = k.values_um.iter().copied().fold(f64::MIN, f64::max);
        assert!((low + 5.0).abs() < 1e-9 && (high - 5.0).abs() < 1e-9);
        let stepped = kilosort4(10.0, 20.0, 30.0, &setting, 0);
        let jump = stepped.at(2000.0, 590.0) - stepped.at(2000.0, 10.0) - k.at(2000.0, 590.0) + k.at(2000.0, 10.0);
        assert!((jump - 30.0).abs() < 1e-9);
    }
}
