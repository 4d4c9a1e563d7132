//! Removing slow drift from the features of one unit (docs/kilosort2.md 6.3 step 2).

use ndarray::ArrayView2;

use super::mixture::Rows;

/// Width of the Gaussian window, spikes.
const SIGMA: f64 = 250.0;
/// The window ends this many spikes from its centre.
const REACH: i64 = 1000;
/// Period of the cosine series that represents the window. Its images are 12 sigma away from the window.
const PERIOD: f64 = 4002.0;
/// Highest harmonic of the series: the next one is below 1e-16 of the mean.
const HARMONICS: usize = 21;
/// Columns handled together.
const LANES: usize = 8;

/// How the running average ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunningAverage {
    /// Centred on each spike and divided by the part of the window that lies on the list.
    Normalised,
    /// As the port computes it, with transforms of the list's length (D39), divided by the whole window:
    /// - up to 4001 spikes: around the list's ends as if it were a circle, 1000 spikes late, and with fewer than 2001
    ///   spikes only the first part of the window;
    /// - up to 10000 spikes: around the ends as on a circle, centred;
    /// - beyond: centred, the ends fading to zero.
    Transformed,
}

/// The features of one unit's spikes, in order, less their mean and their running average.
pub fn centred(features: ArrayView2<f32>, average: RunningAverage) -> Rows {
    let mut rows = Rows::new(features);
    let means = rows.column_means();
    for row in rows.iter_mut() {
        row.iter_mut().zip(&means).for_each(|(v, m)| *v -= m);
    }
    subtract_running_average(&mut rows, average);
    rows
}

/// Subtracts from every column its running average.
pub fn subtract_running_average(rows: &mut Rows, average: RunningAverage) {
    let n = rows.len() as i64;
    if n == 0 {
        return;
    }
    let window = Window::of(n, average);
    let scale: Vec<f64> = match average {
        RunningAverage::Normalised => window.weight_inside(n),
        RunningAverage::Transformed => vec![(-REACH..=REACH).map(tap).sum(); n as usize],
    };
    for column in (0..rows.stride()).step_by(LANES) {
        let means = window.slide(rows, column);
        for i in 0..n {
            let mean = &means[(i - window.delay).rem_euclid(n) as usize];
            let values = &mut rows.row_mut(i as usize)[column..column + LANES];
            for (v, m) in values.iter_mut().zip(mean) {
                *v -= m / scale[i as usize];
            }
        }
    }
}

fn tap(k: i64) -> f64 {
    libm::exp(-0.5 * (k as f64 / SIGMA).powi(2))
}

/// A Gaussian window over the spikes `first..=last` relative to its centre.
struct Window {
    first: i64,
    last: i64,
    /// True when the list is closed to a circle, else it is surrounded by zeros.
    circular: bool,
    /// The average of spike i is that of the window centred on spike `i - delay`.
    delay: i64,
}

impl Window {
    fn of(n: i64, average: RunningAverage) -> Self {
        let reach = REACH.min(n - 1);
        let plain = Self {
            first: -reach,
            last: reach,
            circular: false,
            delay: 0,
        };
        match average {
            RunningAverage::Transformed if n <= 4 * REACH + 1 => {
                let taps = n.min(2 * REACH + 1);
                Self {
                    first: REACH + 1 - taps,
                    last: REACH,
                    circular: true,
                    delay: REACH,
                }
            }
            RunningAverage::Transformed if n <= 10_000 => Self {
                circular: true,
                ..plain
            },
            _ => plain,
        }
    }

    /// Sum of the taps that lie on the list, for each centre.
    fn weight_inside(&self, n: i64) -> Vec<f64> {
        let mut cumulative = vec![0.0];
        for k in self.first..=self.last {
            cumulative.push(cumulative[cumulative.len() - 1] + tap(k));
        }
        let inside = |i: i64| {
            let (from, to) = (self.first.max(-i), self.last.min(n - 1 - i));
            cumulative[(to - self.first + 1) as usize] - cumulative[(from - self.first) as usize]
        };
        (0..n).map(inside).collect()
    }

    /// Weighted sums of the window centred on each spike, for [`LANES`] columns from `column` on.
    ///
    /// The window is a short cosine series, exact to rounding; the sum of a window times one complex harmonic follows
    /// from the sum one spike earlier by a rotation, one value that enters and one that leaves. This takes a twentieth
    /// of the operations of adding up 2001 taps.
    fn slide(&self, rows: &Rows, column: usize) -> Vec<[f64; LANES]> {
        let n = rows.len() as i64;
        let value = |i: i64| -> [f64; LANES] {
            let i = if self.circular { i.rem_euclid(n) } else { i };
            if (0..n).contains(&i) {
                let row = &rows.row(i as usize)[column..column + LANES];
                std::array::from_fn(|k| row[k])
            } else {
                [0.0; LANES]
            }
        };
        let mut sums: Vec<Harmonic> = (0..=HARMONICS).map(|m| Harmonic::new(m, self)).collect();
        for i in self.first..=self.last {
            let entering = value(i - 1);
            for h in &mut sums {
                h.step(&entering, &[0.0; LANES]);
            }
        }
        let mut out = Vec::with_capacity(n as usize);
        for i in 0..n {
            let (entering, leaving) = (value(i + self.last), value(i - 1 + self.first));
            let mut total = [0.0; LANES];
            for h in &mut sums {
                h.step(&entering, &leaving);
                for k in 0..LANES {
                    total[k] += h.weight * h.re[k];
                }
            }
            out.push(total);
        }
        out
    }
}

/// `sum over k of x[centre + k] exp(i w k)` over a window, for one frequency `w` and several columns.
struct Harmonic {
    re: [f64; LANES],
    im: [f64; LANES],
    /// Of the real part, in the window's series.
    weight: f64,
    /// `exp(-i w)`.
    rotation: [f64; 2],
    /// `exp(i w last)`.
    enter: [f64; 2],
    /// `exp(i w (first - 1))`.
    leave: [f64; 2],
}

impl Harmonic {
    fn new(m: usize, window: &Window) -> Self {
        let frequency = std::f64::consts::TAU * m as f64 / PERIOD;
        let phasor = |k: i64| [libm::cos(frequency * k as f64), libm::sin(frequency * k as f64)];
        let half = SIGMA * (std::f64::consts::TAU).sqrt() / PERIOD * libm::exp(-0.5 * (frequency * SIGMA).powi(2));
        Self {
            re: [0.0; LANES],
            im: [0.0; LANES],
            weight: if m == 0 { half } else { 2.0 * half },
            rotation: phasor(-1),
            enter: phasor(window.last),
            leave: phasor(window.first - 1),
        }
    }

    /// Moves the window on by one spike.
    fn step(&mut self, entering: &[f64; LANES], leaving: &[f64; LANES]) {
        let ([c, s], [er, ei], [lr, li]) = (self.rotation, self.enter, self.leave);
        for k in 0..LANES {
            let (re, im) = (self.re[k], self.im[k]);
            self.re[k] = (c * re - s * im) + (er * entering[k] - lr * leaving[k]);
            self.im[k] = (c * im + s * re) + (ei * entering[k] - li * leaving[k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn features(n: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, 3), |(i, j)| {
            ((i * (7 + 4 * j)) % 97) as f32 * 0.1 + (i as f32 * 0.003).sin() * 5.0
        })
    }

    /// Largest difference from a direct sum, given what spike `i` sees `k` spikes after its centre.
    fn error(n: usize, average: RunningAverage, source: impl Fn(i64, i64) -> Option<i64>, normalised: bool) -> f64 {
        let f = features(n);
        let before = Rows::new(f.view());
        let mut after = Rows::new(f.view());
        subtract_running_average(&mut after, average);
        let mut worst = 0.0_f64;
        for i in (0..n).step_by(1 + n / 40) {
            for c in 0..3 {
                let (mut sum, mut weight) = (0.0, 0.0);
                for k in -REACH..=REACH {
                    if let Some(j) = source(i as i64, k) {
                        sum += tap(k) * before.row(j as usize)[c];
                        weight += tap(k);
                    }
                }
                if !normalised {
                    weight = (-REACH..=REACH).map(tap).sum();
                }
                worst = worst.max((before.row(i)[c] - sum / weight - after.row(i)[c]).abs());
            }
        }
        worst
    }

    #[test]
    fn sliding_sums_equal_direct_ones() {
        for n in [1, 2, 50, 999, 1001, 2500] {
            let on_list = |i: i64, k: i64| (0..n as i64).contains(&(i + k)).then_some(i + k);
            assert!(error(n, RunningAverage::Normalised, on_list, true) < 1e-11, "{n}");
        }
    }

    #[test]
    fn the_port_goes_round_in_circles() {
        for n in [300_i64, 1999, 3000] {
            // Tap number 0 of the kernel is tap -1000 of the window; taps beyond the list are cut off.
            let delayed = |i: i64, k: i64| (REACH - k < n).then(|| (i - REACH + k).rem_euclid(n));
            assert!(
                error(n as usize, RunningAverage::Transformed, delayed, false) < 1e-11,
                "{n}"
            );
        }
        let n = 4500;
        let circle = |i: i64, k: i64| Some((i + k).rem_euclid(n));
        assert!(error(n as usize, RunningAverage::Transformed, circle, false) < 1e-11);
        let n = 10_500;
        let faded = |i: i64, k: i64| (0..n).contains(&(i + k)).then_some(i + k);
        assert!(error(n as usize, RunningAverage::Transformed, faded, false) < 1e-11);
    }

    #[test]
    fn drift_goes_and_steps_stay() {
        let f = Array2::from_shape_fn((4000, 1), |(i, _)| (i as f32 * 0.0005).sin() * 10.0 + (i % 2) as f32);
        let rows = centred(f.view(), RunningAverage::Normalised);
        for i in 1200..2800 {
            assert!((rows.row(i)[0] - ((i % 2) as f64 - 0.5)).abs() < 0.1, "{i}");
        }
    }
}
