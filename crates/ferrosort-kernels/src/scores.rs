//! Correlation of the signal with low-rank templates, and which template explains each sample best.

use crate::ChannelMajor;
use crate::dispatch::simd_kernel;

/// Rank of every template.
pub const RANK: usize = 3;

/// Outputs computed together.
const LANES: usize = 64;

/// One template as the kernels use it: `T[i, c] = sum_q temporal[q][i] * spatial[slot of c][q]`.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateFilter {
    /// Channels on which the template lives.
    pub channels: Vec<u32>,
    /// Spatial components at each of those channels.
    pub spatial: Vec<[f32; RANK]>,
    /// Temporal components, all of one length.
    pub temporal: [Vec<f32>; RANK],
}

impl TemplateFilter {
    /// Samples of the template.
    pub fn length(&self) -> usize {
        self.temporal[0].len()
    }
}

simd_kernel! {
    /// `p[q][t] = sum_slot spatial[slot][q] * rows[slot][t]`, slots in order.
    fn spatial(rows: &[&[f32]], weights: &[[f32; RANK]], p: &mut [&mut [f32]; RANK]) {
        let n = p[0].len();
        let mut t = 0;
        while t < n {
            let width = LANES.min(n - t);
            let mut acc = [[0.0f32; LANES]; RANK];
            if width == LANES {
                for (row, w) in rows.iter().zip(weights) {
                    let xs: &[f32; LANES] = row[t..t + LANES].try_into().expect("LANES samples");
                    for q in 0..RANK {
                        for j in 0..LANES {
                            acc[q][j] = w[q].mul_add(xs[j], acc[q][j]);
                        }
                    }
                }
            } else {
                for (row, w) in rows.iter().zip(weights) {
                    for q in 0..RANK {
                        for (a, x) in acc[q].iter_mut().zip(&row[t..t + width]) {
                            *a = w[q].mul_add(*x, *a);
                        }
                    }
                }
            }
            for q in 0..RANK {
                p[q][t..t + width].copy_from_slice(&acc[q][..width]);
            }
            t += width;
        }
    }
}

/// `W` outputs from `t`: each is one chain of `mul_add`, components then taps in order, so outputs may be computed twice.
#[inline(always)]
#[allow(clippy::inline_always)]
fn temporal_block<const W: usize>(p: &[&[f32]; RANK], w: &[&[f32]; RANK], t: usize, y: &mut [f32]) {
    let mut acc = [0.0f32; W];
    for q in 0..RANK {
        let window = &p[q][t..t + W + w[q].len() - 1];
        for (w, xs) in w[q].iter().zip(window.windows(W)) {
            let xs: &[f32; W] = xs.try_into().expect("windows have W samples");
            for j in 0..W {
                acc[j] = w.mul_add(xs[j], acc[j]);
            }
        }
    }
    y[t..t + W].copy_from_slice(&acc);
}

simd_kernel! {
    /// `y[t] = sum_q sum_i w[q][i] * p[q][t + i]`.
    fn temporal(p: [&[f32]; RANK], w: [&[f32]; RANK], y: &mut [f32]) {
        const WIDE: usize = 2 * LANES;
        let n = y.len();
        let mut t = 0;
        while t + WIDE <= n {
            temporal_block::<WIDE>(&p, &w, t, y);
            t += WIDE;
        }
        // The rest in blocks of 64, the last of which may overlap with what is done; single outputs only when there is no room.
        while t < n && n >= LANES {
            temporal_block::<LANES>(&p, &w, t.min(n - LANES), y);
            t += LANES;
        }
        while t < n {
            temporal_block::<1>(&p, &w, t, y);
            t += 1;
        }
    }
}

/// Projects the signal on the spatial components: `p[q][k]` is the value at sample `start + k`.
///
/// # Panics
/// When `[start, start + p.len())` is outside the signal.
pub fn spatial_projection(x: &ChannelMajor, template: &TemplateFilter, start: usize, p: &mut [&mut [f32]; RANK]) {
    let n = p[0].len();
    let rows: Vec<&[f32]> = template
        .channels
        .iter()
        .map(|&c| &x.row(c as usize)[start..start + n])
        .collect();
    spatial(&rows, &template.spatial, p);
}

/// Correlates spatial projections with the temporal components; `y.len() + length - 1` projections are read.
///
/// # Panics
/// When the projections are too short.
pub fn temporal_projection(p: [&[f32]; RANK], template: &TemplateFilter, y: &mut [f32]) {
    assert!(
        p.iter().all(|p| p.len() + 1 >= y.len() + template.length()),
        "projections cover the outputs"
    );
    temporal(p, std::array::from_fn(|q| template.temporal[q].as_slice()), y);
}

/// Correlation of the signal with the template: `y[k]` is that of the window that begins at sample `start + k`.
///
/// `scratch` is reused between calls.
///
/// # Panics
/// When a window reaches outside the signal.
pub fn template_projection(
    x: &ChannelMajor,
    template: &TemplateFilter,
    start: usize,
    y: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    if y.is_empty() {
        return;
    }
    let n = y.len() + template.length() - 1;
    scratch.resize(RANK * n, 0.0);
    let (p0, rest) = scratch.split_at_mut(n);
    let (p1, p2) = rest.split_at_mut(n);
    spatial_projection(x, template, start, &mut [p0, p1, &mut p2[..n]]);
    temporal_projection([p0, p1, p2], template, y);
}

simd_kernel! {
    /// Lets one template compete for each sample.
    ///
    /// The score of a projection `y` for a template of amplitude `mu` is the largest gain over all amplitudes `a >= 0` of
    /// `2 a y - a^2 - lam (a - mu)^2`, which is `(y^2 + 2 lam mu y - lam mu^2) / (1 + lam)` with negative `y` counted as 0. Where it exceeds `best` by more than 1e-6, `best` and `winner`
    /// become this template's.
    pub fn best_template(y: &[f32], mu: f32, lam: f32, template: u32, best: &mut [f32], winner: &mut [u32]) {
        let n = y.len();
        let (best, winner) = (&mut best[..n], &mut winner[..n]);
        let scale = 1.0 / (1.0 + lam);
        let (linear, constant) = (2.0 * lam * mu, -lam * mu * mu * scale);
        for j in 0..n {
            let y = if y[j] > 0.0 { y[j] } else { 0.0 };
            let score = (y * (y + linear)).mul_add(scale, constant);
            let wins = score > best[j] + 1e-6;
            best[j] = if wins { score } else { best[j] };
            winner[j] = if wins { template } else { winner[j] };
        }
    }
}

simd_kernel! {
    /// `out[k] -= factor * row[k]`.
    pub fn subtract_shifted(out: &mut [f32], factor: f32, row: &[f32]) {
        let n = out.len();
        let row = &row[..n];
        for k in 0..n {
            out[k] = (-factor).mul_add(row[k], out[k]);
        }
    }
}

simd_kernel! {
    /// `out[k] = sum over terms of weight * rows[offset * row_length + k]`, added in the order of the terms.
    ///
    /// `rows` holds rows of `row_length`, a multiple of 64; `out` is at most as long as a row.
    pub fn weighted_rows(rows: &[f32], row_length: usize, terms: &[(u32, f32)], out: &mut [f32]) {
        const L: usize = 64;
        let n = out.len();
        let mut k = 0;
        while k < n {
            let mut acc = [0.0f32; L];
            for &(offset, w) in terms {
                let at = offset as usize * row_length + k;
                let Some(xs) = rows.get(at..at + L).and_then(|xs| <&[f32; L]>::try_from(xs).ok()) else { break };
                for j in 0..L {
                    acc[j] = w.mul_add(xs[j], acc[j]);
                }
            }
            let width = L.min(n - k);
            out[k..k + width].copy_from_slice(&acc[..width]);
            k += L;
        }
    }
}

/// Taps of [`subtract_between`].
pub const BETWEEN: usize = 7;

simd_kernel! {
    /// `out[k] -= sum_i factors[i] * row[k + i]`; returns the largest of the new values. `row` has six values more than `out`.
    pub fn subtract_between(out: &mut [f32], factors: &[f32; BETWEEN], row: &[f32]) -> f32 {
        const L: usize = 32;
        let n = out.len();
        let mut top = [f32::NEG_INFINITY; L];
        let mut k = 0;
        while k + L <= n {
            let mut acc = [0.0f32; L];
            acc.copy_from_slice(&out[k..k + L]);
            let window = &row[k..k + L + BETWEEN - 1];
            for (f, xs) in factors.iter().zip(window.windows(L)) {
                let xs: &[f32; L] = xs.try_into().expect("windows have L samples");
                for j in 0..L {
                    acc[j] = (-*f).mul_add(xs[j], acc[j]);
                }
            }
            for j in 0..L {
                top[j] = if acc[j] > top[j] { acc[j] } else { top[j] };
            }
            out[k..k + L].copy_from_slice(&acc);
            k += L;
        }
        let mut most = f32::NEG_INFINITY;
        for t in top {
            most = if t > most { t } else { most };
        }
        for k in k..n {
            let mut acc = out[k];
            for (f, x) in factors.iter().zip(&row[k..k + BETWEEN]) {
                acc = (-*f).mul_add(*x, acc);
            }
            out[k] = acc;
            most = if acc > most { acc } else { most };
        }
        most
    }
}

simd_kernel! {
    /// The largest value, minus infinity for none. NaN is never the largest.
    pub fn largest(values: &[f32]) -> f32 {
        const L: usize = 32;
        let mut top = [f32::NEG_INFINITY; L];
        let (chunks, rest) = values.as_chunks::<L>();
        for xs in chunks {
            for j in 0..L {
                top[j] = if xs[j] > top[j] { xs[j] } else { top[j] };
            }
        }
        let mut most = f32::NEG_INFINITY;
        for &v in top.iter().chain(rest) {
            most = if v > most { v } else { most };
        }
        most
    }
}

simd_kernel! {
    /// The largest magnitude, 0 for none. NaN is never the largest.
    pub fn largest_magnitude(values: &[f32]) -> f32 {
        const L: usize = 64;
        let mut top = [0.0f32; L];
        let (chunks, rest) = values.as_chunks::<L>();
        for xs in chunks {
            for j in 0..L {
                let x = xs[j].abs();
                top[j] = if x > top[j] { x } else { top[j] };
            }
        }
        let mut most = 0.0f32;
        for &v in top.iter().chain(rest) {
            most = if v.abs() > most { v.abs() } else { most };
        }
        most
    }
}

simd_kernel! {
    /// Inner product, summed in 64 lanes and then in their order.
    pub fn dot(x: &[f32], y: &[f32]) -> f64 {
        const L: usize = 64;
        let n = x.len().min(y.len());
        let ((xs, x_rest), (ys, y_rest)) = (x[..n].as_chunks::<L>(), y[..n].as_chunks::<L>());
        let mut acc = [0.0f32; L];
        for (a, b) in xs.iter().zip(ys) {
            for j in 0..L {
                acc[j] = a[j].mul_add(b[j], acc[j]);
            }
        }
        let mut sum = 0.0f64;
        for a in acc {
            sum += f64::from(a);
        }
        for (a, b) in x_rest.iter().zip(y_rest) {
            sum += f64::from(a * b);
        }
        sum
    }
}

simd_kernel! {
    /// The largest of several pairs of weighted sums at each sample, and which pair it was of; `winner` is left where none exceeds `best`.
    ///
    /// Pair `q` takes row `q * stride + row` of `rows` (rows of `row_length`, a multiple of 64) for every `(row, weights)` of `terms`.
    pub fn best_weighted_sum(
        rows: &[f32],
        row_length: usize,
        pairs: usize,
        stride: usize,
        terms: &[(u32, [f32; 2])],
        best: &mut [f32],
        winner: &mut [u32],
    ) {
        const L: usize = 64;
        let n = best.len().min(winner.len());
        let mut k = 0;
        while k < n {
            let width = L.min(n - k);
            let mut top = [0.0f32; L];
            let mut who = [0u32; L];
            top[..width].copy_from_slice(&best[k..k + width]);
            who[..width].copy_from_slice(&winner[k..k + width]);
            for q in 0..pairs {
                let mut acc = [[0.0f32; L]; 2];
                for &(row, w) in terms {
                    let at = (q * stride + row as usize) * row_length + k;
                    let Some(xs) = rows.get(at..at + L).and_then(|xs| <&[f32; L]>::try_from(xs).ok()) else { break };
                    for i in 0..2 {
                        for j in 0..L {
                            acc[i][j] = w[i].mul_add(xs[j], acc[i][j]);
                        }
                    }
                }
                for j in 0..L {
                    let larger = if acc[0][j] > acc[1][j] { acc[0][j] } else { acc[1][j] };
                    let wins = larger > top[j];
                    who[j] = if wins { q as u32 } else { who[j] };
                    top[j] = if wins { larger } else { top[j] };
                }
            }
            best[k..k + width].copy_from_slice(&top[..width]);
            winner[k..k + width].copy_from_slice(&who[..width]);
            k += L;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (ChannelMajor, TemplateFilter) {
        let x = ChannelMajor::from_fn(5, 400, |t, c| ((t * 31 + c * 17) % 23) as f32 - 11.0);
        let template = TemplateFilter {
            channels: vec![3, 0, 4],
            spatial: vec![[0.5, -0.25, 0.1], [1.0, 0.5, -0.2], [-0.75, 0.3, 0.4]],
            temporal: std::array::from_fn(|q| (0..61).map(|i| ((i * (q + 3)) % 13) as f32 - 6.0).collect()),
        };
        (x, template)
    }

    #[test]
    fn projection_is_the_inner_product_with_the_template() {
        let (x, template) = example();
        let mut y = vec![0.0; 400 - 60 - 7];
        template_projection(&x, &template, 7, &mut y, &mut Vec::new());
        for (k, y) in y.iter().enumerate() {
            let mut expected = 0.0;
            for (slot, &c) in template.channels.iter().enumerate() {
                for i in 0..61 {
                    let t: f32 = (0..RANK)
                        .map(|q| template.temporal[q][i] * template.spatial[slot][q])
                        .sum();
                    expected += f64::from(t) * f64::from(x.row(c as usize)[7 + k + i]);
                }
            }
            assert!(
                (f64::from(*y) - expected).abs() < 2e-2 * (1.0 + expected.abs() * 1e-3),
                "{k}: {y} {expected}"
            );
        }
    }

    #[test]
    fn sums_of_rows_equal_their_formulas() {
        let rows: Vec<f32> = (0..5 * 128).map(|i| ((i * 29) % 31) as f32 - 15.0).collect();
        let terms = [(4u32, 0.5f32), (0, -1.0), (2, 0.25)];
        for n in [1, 63, 64, 100, 128] {
            let mut out = vec![0.0f32; n];
            weighted_rows(&rows, 128, &terms, &mut out);
            for (k, o) in out.iter().enumerate() {
                let expected: f32 = terms.iter().map(|&(r, w)| w * rows[r as usize * 128 + k]).sum();
                assert!((o - expected).abs() < 1e-3, "{n} {k}: {o} {expected}");
            }
            let factors = [0.1, -0.2, 0.3, 1.0, -0.5, 0.05, 0.7];
            let before = out.clone();
            let most = subtract_between(&mut out, &factors, &rows);
            for (k, o) in out.iter().enumerate() {
                let taken: f32 = factors.iter().zip(&rows[k..]).map(|(f, x)| f * x).sum();
                assert!((o - (before[k] - taken)).abs() < 1e-3, "{n} {k}");
            }
            assert_eq!(most, out.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            assert_eq!(largest(&out), most);
            assert_eq!(
                largest_magnitude(&out),
                out.iter().fold(0.0, |m: f32, v| m.max(v.abs()))
            );
            let expected: f64 = out.iter().zip(&rows).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            assert!((dot(&out, &rows) - expected).abs() < 1e-2 * expected.abs().max(1.0));
        }
        assert_eq!(largest(&[]), f32::NEG_INFINITY);
    }

    #[test]
    fn score_is_the_maximum_over_amplitudes() {
        for (y, mu) in [(10.0f32, 10.0f32), (12.4, 20.0), (55.0, 40.0), (30.0, 80.0), (3.0, 2.0)] {
            let lam = 10.0f32;
            let (mut best, mut winner) = ([f32::MIN], [9]);
            best_template(&[y], mu, lam, 4, &mut best, &mut winner);
            let brute = (0..200_000)
                .map(|k| f64::from(k) * 1e-3)
                .map(|a| 2.0 * a * f64::from(y) - a * a - f64::from(lam) * (a - f64::from(mu)).powi(2))
                .fold(f64::MIN, f64::max);
            assert!(
                (f64::from(best[0]) - brute).abs() < 1e-2 + 1e-5 * brute.abs(),
                "{y} {mu}: {} {brute}",
                best[0]
            );
            assert_eq!(winner, [4]);
        }
        let (mut best, mut winner) = ([0.0], [9]);
        best_template(&[-5.0], 10.0, 10.0, 4, &mut best, &mut winner);
        assert_eq!((best[0], winner[0]), (0.0, 9), "a negative projection never wins");
    }
}
