//! Butterworth filters over many channels at once, in f64.
//!
//! The recursion of a 150 Hz high-pass at 30 kHz has its poles at radius 0.98: in f32 its rounding error reaches a thousandth of
//! the signal. Vectorised over channels, f64 costs little beside reading the data, so there is one precision.

use crate::dispatch::simd_kernel;

/// Channels filtered together.
pub const LANES: usize = 16;

/// Transfer function `b(z) / a(z)` with `a[0] = 1`; both have `order + 1` coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    b: Vec<f64>,
    a: Vec<f64>,
}

/// A complex number; just what the design of a filter needs.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }
    fn mul(self, o: Self) -> Self {
        Self::new(self.re * o.re - self.im * o.im, self.re * o.im + self.im * o.re)
    }
    fn div(self, o: Self) -> Self {
        let d = o.re * o.re + o.im * o.im;
        Self::new(
            (self.re * o.re + self.im * o.im) / d,
            (self.im * o.re - self.re * o.im) / d,
        )
    }
    fn add(self, o: Self) -> Self {
        Self::new(self.re + o.re, self.im + o.im)
    }
    fn sqrt(self) -> Self {
        let r = self.re.hypot(self.im);
        let re = f64::midpoint(r, self.re).max(0.0).sqrt();
        let im = ((r - self.re) / 2.0).max(0.0).sqrt();
        Self::new(re, if self.im < 0.0 { -im } else { im })
    }
}

/// Coefficients, highest power first, of the real polynomial with these roots.
fn polynomial(roots: &[Complex]) -> Vec<f64> {
    let mut p = vec![Complex::new(1.0, 0.0)];
    for &root in roots {
        let negative = Complex::new(-root.re, -root.im);
        let mut next = p.clone();
        next.push(Complex::new(0.0, 0.0));
        for (i, &c) in p.iter().enumerate() {
            next[i + 1] = next[i + 1].add(negative.mul(c));
        }
        p = next;
    }
    p.iter().map(|c| c.re).collect()
}

impl Filter {
    /// Butterworth high-pass of this order: corner `corner_hz` (-3 dB) at `sample_rate` Hz.
    pub fn high_pass(order: usize, corner_hz: f64, sample_rate: f64) -> Self {
        let warped = warp(corner_hz, sample_rate);
        let poles: Vec<Complex> = prototype(order)
            .iter()
            .map(|&p| Complex::new(warped, 0.0).div(p))
            .collect();
        bilinear(&poles, order, 1.0)
    }

    /// Butterworth band-pass, `order` for each edge: passes `[low_hz, high_hz]` at `sample_rate` Hz.
    pub fn band_pass(order: usize, low_hz: f64, high_hz: f64, sample_rate: f64) -> Self {
        let (low, high) = (warp(low_hz, sample_rate), warp(high_hz, sample_rate));
        let (band, centre2) = (high - low, low * high);
        let poles: Vec<Complex> = prototype(order)
            .iter()
            .flat_map(|&p| {
                let half = Complex::new(p.re * band / 2.0, p.im * band / 2.0);
                let root = half.mul(half).add(Complex::new(-centre2, 0.0)).sqrt();
                [half.add(root), half.add(Complex::new(-root.re, -root.im))]
            })
            .collect();
        bilinear(&poles, order, band.powi(order as i32))
    }

    /// Numerator coefficients.
    pub fn b(&self) -> &[f64] {
        &self.b
    }

    /// Denominator coefficients, the first is 1.
    pub fn a(&self) -> &[f64] {
        &self.a
    }

    /// Filters `frames` (one array of [`LANES`] channels a sample) forward, then backward, from zero state each time.
    pub fn zero_phase(&self, frames: &mut [[f64; LANES]]) {
        match self.a.len() - 1 {
            2 => both_ways::<2>(&self.b, &self.a, frames),
            3 => both_ways::<3>(&self.b, &self.a, frames),
            6 => both_ways::<6>(&self.b, &self.a, frames),
            order => unreachable!("filters of order {order} are not designed"),
        }
    }
}

/// Analog corner (rad/s for a sample period of 1/2) that the bilinear transform maps to `hz`.
fn warp(hz: f64, sample_rate: f64) -> f64 {
    4.0 * (std::f64::consts::PI * hz / sample_rate).tan()
}

/// Poles of the analog low-pass prototype with corner 1 rad/s.
fn prototype(order: usize) -> Vec<Complex> {
    (0..order)
        .map(|k| {
            let angle = std::f64::consts::PI * (2 * k + order + 1) as f64 / (2 * order) as f64;
            Complex::new(angle.cos(), angle.sin())
        })
        .collect()
}

/// Maps analog poles, `zeros_at_origin` zeros at 0 and this gain to the digital filter (sample period 1/2).
fn bilinear(poles: &[Complex], zeros_at_origin: usize, gain: f64) -> Filter {
    let four = Complex::new(4.0, 0.0);
    let digital: Vec<Complex> = poles
        .iter()
        .map(|&p| four.add(p).div(four.add(Complex::new(-p.re, -p.im))))
        .collect();
    let mut zeros = vec![Complex::new(1.0, 0.0); zeros_at_origin];
    zeros.resize(poles.len(), Complex::new(-1.0, 0.0));
    let denominator = poles.iter().fold(Complex::new(1.0, 0.0), |d, &p| {
        d.mul(four.add(Complex::new(-p.re, -p.im)))
    });
    let scale = Complex::new(gain * 4f64.powi(zeros_at_origin as i32), 0.0)
        .div(denominator)
        .re;
    Filter {
        b: polynomial(&zeros).iter().map(|v| v * scale).collect(),
        a: polynomial(&digital),
    }
}

/// Coefficients without `a[0]`, the feedback ones negated.
struct Taps<const N: usize> {
    b0: f64,
    b: [f64; N],
    minus_a: [f64; N],
}

/// One sample of the transposed direct form II: `y = b0 x + z1; z_k = b_k x - a_k y + z_{k+1}`.
// Inlined into each vector width; called, it would fall back to a library call for every fused multiply-add.
#[inline(always)]
#[allow(clippy::inline_always)]
fn advance<const N: usize>(taps: &Taps<N>, z: &mut [[f64; LANES]; N], frame: &mut [f64; LANES]) {
    let x = *frame;
    let mut y = [0.0; LANES];
    for j in 0..LANES {
        y[j] = taps.b0.mul_add(x[j], z[0][j]);
    }
    for k in 0..N {
        let next = if k + 1 < N { z[k + 1] } else { [0.0; LANES] };
        for j in 0..LANES {
            z[k][j] = taps.b[k].mul_add(x[j], taps.minus_a[k].mul_add(y[j], next[j]));
        }
    }
    *frame = y;
}

simd_kernel! {
    fn both_ways<const N: usize>(b: &[f64], a: &[f64], frames: &mut [[f64; LANES]]) {
        let taps: Taps<N> = Taps {
            b0: b[0],
            b: std::array::from_fn(|k| b[k + 1]),
            minus_a: std::array::from_fn(|k| -a[k + 1]),
        };
        let mut z = [[0.0; LANES]; N];
        for frame in frames.iter_mut() {
            advance(&taps, &mut z, frame);
        }
        z = [[0.0; LANES]; N];
        for frame in frames.iter_mut().rev() {
            advance(&taps, &mut z, frame);
        }
    }
}

simd_kernel! {
    /// Gathers up to [`LANES`] columns of time-major frames: `lanes[t][j] = frames[t, columns[j]] - offsets[j] - common[t]`.
    ///
    /// Lanes beyond the last column repeat it.
    pub fn gather_lanes(
        frames: &[f32],
        width: usize,
        columns: &[usize],
        offsets: &[f64],
        common: &[f64],
        lanes: &mut [[f64; LANES]],
    ) {
        assert!(columns.iter().all(|&c| c < width), "columns within a frame");
        let last = columns.len() - 1;
        let columns: [usize; LANES] = std::array::from_fn(|j| columns[j.min(last)]);
        let offsets: [f64; LANES] = std::array::from_fn(|j| offsets[j.min(last)]);
        let first = columns[0];
        if columns.windows(2).all(|w| w[1] == w[0] + 1) {
            // Neighbours in the file, the usual case, need no gathering.
            for ((lane, frame), common) in lanes.iter_mut().zip(frames.chunks_exact(width)).zip(common) {
                let Some(values) = frame.get(first..first + LANES).and_then(|v| <&[f32; LANES]>::try_from(v).ok()) else { break };
                for j in 0..LANES {
                    lane[j] = f64::from(values[j]) - offsets[j] - common;
                }
            }
            return;
        }
        for ((lane, frame), common) in lanes.iter_mut().zip(frames.chunks_exact(width)).zip(common) {
            let mut values = [0.0f32; LANES];
            for j in 0..LANES {
                // SAFETY: every column is less than `width` (asserted above), and `chunks_exact(width)` gives frames of that length.
                // A checked index would keep the compiler from gathering.
                values[j] = unsafe { *frame.get_unchecked(columns[j]) };
            }
            for j in 0..LANES {
                lane[j] = f64::from(values[j]) - offsets[j] - common;
            }
        }
    }
}

simd_kernel! {
    /// Writes lanes back as rows: `rows[j][t] = lanes[t][j]`, each row of `samples` values.
    pub fn scatter_lanes(lanes: &[[f64; LANES]], rows: &mut [f32], samples: usize) {
        // Pieces of this many samples of all lanes stay in the cache while they are transposed.
        const PIECE: usize = 64;
        for (piece, start) in lanes.chunks(PIECE).zip((0..).step_by(PIECE)) {
            for (j, row) in rows.chunks_exact_mut(samples).enumerate() {
                for (v, lane) in row[start..start + piece.len()].iter_mut().zip(piece) {
                    *v = lane[j] as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &[f64], b: &[f64], tolerance: f64) {
        assert_eq!(a.len(), b.len());
        for (x, y) in a.iter().zip(b) {
            assert!((x - y).abs() < tolerance, "{a:?} {b:?}");
        }
    }

    #[test]
    fn high_pass_coefficients_are_those_of_scipy() {
        let f = Filter::high_pass(3, 150.0, 30000.0);
        close(
            f.b(),
            &[
                0.969071174031813,
                -2.907213522095439,
                2.907213522095439,
                -0.969071174031813,
            ],
            1e-12,
        );
        close(
            f.a(),
            &[1.0, -2.9371707284498907, 2.8762997234793315, -0.939098940325283],
            1e-12,
        );
        let f = Filter::high_pass(3, 300.0, 30000.0);
        close(&f.b()[..1], &[0.9390916523119581], 1e-12);
        close(
            f.a(),
            &[1.0, -2.874356892677484, 2.7564831952256954, -0.8818931305924855],
            1e-12,
        );
    }

    /// Magnitude of the transfer function at this frequency.
    fn gain(f: &Filter, hz: f64, sample_rate: f64) -> f64 {
        let w = std::f64::consts::TAU * hz / sample_rate;
        let at = |p: &[f64]| {
            let (re, im) = p.iter().enumerate().fold((0.0, 0.0), |(re, im), (k, c)| {
                (re + c * (w * k as f64).cos(), im - c * (w * k as f64).sin())
            });
            f64::hypot(re, im)
        };
        at(&f.b) / at(&f.a)
    }

    #[test]
    fn band_pass_is_minus_3_db_at_both_edges_and_one_between() {
        let f = Filter::band_pass(3, 300.0, 6000.0, 30000.0);
        assert_eq!(f.a().len(), 7);
        close(
            &[gain(&f, 300.0, 3e4), gain(&f, 6000.0, 3e4)],
            &[0.5f64.sqrt(), 0.5f64.sqrt()],
            1e-8,
        );
        assert!((gain(&f, 1500.0, 3e4) - 1.0).abs() < 1e-3);
        assert!(gain(&f, 20.0, 3e4) < 1e-3 && gain(&f, 14500.0, 3e4) < 1e-3);
    }

    #[test]
    fn lanes_are_gathered_and_scattered() {
        let (width, samples) = (5, 130);
        let frames: Vec<f32> = (0..width * samples).map(|i| i as f32).collect();
        let common: Vec<f64> = (0..samples).map(|t| t as f64).collect();
        let mut lanes = vec![[0.0; LANES]; samples];
        gather_lanes(&frames, width, &[4, 1], &[0.5, 1.5], &common, &mut lanes);
        let mut rows = vec![0.0f32; 2 * samples];
        scatter_lanes(&lanes, &mut rows, samples);
        for t in 0..samples {
            assert_eq!(rows[t], (t * width + 4) as f32 - 0.5 - t as f32);
            assert_eq!(rows[samples + t], (t * width + 1) as f32 - 1.5 - t as f32);
        }
    }

    #[test]
    fn zero_phase_keeps_a_peak_in_place_and_removes_an_offset() {
        let f = Filter::high_pass(3, 300.0, 30000.0);
        let mut frames = vec![[0.0; LANES]; 4000];
        for (t, frame) in frames.iter_mut().enumerate() {
            frame[3] = 1000.0 + if t == 2000 { 100.0 } else { 0.0 };
        }
        f.zero_phase(&mut frames);
        let (at, _) = frames[1000..3000]
            .iter()
            .enumerate()
            .max_by(|x, y| x.1[3].total_cmp(&y.1[3]))
            .expect("not empty");
        assert_eq!(at + 1000, 2000);
        for k in 1..200 {
            assert!((frames[2000 - k][3] - frames[2000 + k][3]).abs() < 1e-6, "symmetric");
        }
        assert!(frames[1500][3].abs() < 1e-3 && frames[2000][0] == 0.0);
    }
}
