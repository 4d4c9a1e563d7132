//! Low-rank templates from mean waveforms, aligned to the nominal trough (docs/kilosort2.md 4.3).

use ndarray::{Array3, Axis};
use rayon::prelude::*;

use super::Templates;
use super::align::{AlignmentKernels, IDENTITY, SUBSAMPLES};
use crate::neighbours::Neighbours;
use crate::settings::Compat;

/// Rank of a template.
pub const RANK: usize = 3;
/// Products with the Gram matrix per component, the last of them only for the deflation.
const PRODUCTS: usize = 100;
/// Added to a squared norm before dividing by its root, so that a null vector stays null.
const NORM_FLOOR: f64 = 1e-5;
/// Added to the squared amplitude of a template.
const AMPLITUDE_FLOOR: f64 = 1e-7;

/// Low-rank templates with how each was aligned.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// The templates.
    pub templates: Templates,
    /// Sample (0-based) of the largest magnitude of the first component before it was shifted.
    pub jmax: Vec<usize>,
    /// Sub-sample position 0..10 at which the extremum was found after the shift; 5 is no further shift.
    pub ustar: Vec<usize>,
}

/// For each template the channel of largest magnitude at the nominal trough, sample `p0 - 1` (the first of equals).
///
/// `mean` is `[templates, channels, samples]`.
pub fn main_channels(mean: &Array3<f64>, p0: usize) -> Vec<usize> {
    let at_trough = mean.index_axis(Axis(2), p0 - 1);
    let loudest = |channels: ndarray::ArrayView1<f64>| {
        let mut best = 0;
        for (c, v) in channels.iter().enumerate() {
            if v.abs() > channels[best].abs() {
                best = c;
            }
        }
        best
    };
    at_trough.outer_iter().map(loudest).collect()
}

/// Decomposes mean waveforms `[templates, channels, samples]` into three temporal and spatial components each.
///
/// Only the neighbourhood of a template's main channel is used. The power iterations start from `warm_start`
/// `[templates, 3, samples]`. Templates are independent of each other, so the result does not depend on threads.
pub fn decompose(
    mean: &Array3<f64>,
    warm_start: &Array3<f64>,
    neighbours: &Neighbours,
    main_channels: &[usize],
    kernels: &AlignmentKernels,
    compat: &Compat,
) -> Decomposition {
    let (count, channels, len) = mean.dim();
    let one = |n: usize| {
        let near = neighbours.of(main_channels[n]);
        let waveform = mean.index_axis(Axis(0), n);
        let mut local = Vec::with_capacity(near.len() * len);
        for &c in near {
            local.extend(waveform.row(c as usize));
        }
        let start: Vec<f64> = warm_start.index_axis(Axis(0), n).iter().copied().collect();
        let mut factors = Factors::of(&local, len, &start);
        factors.fix_sign(centre(kernels, compat));
        factors.normalise();
        let aligned = factors.align(kernels, compat);
        (factors, aligned)
    };
    let results: Vec<(Factors, Aligned)> = (0..count).into_par_iter().map(one).collect();

    let mut out = Decomposition {
        templates: Templates {
            w: Array3::zeros((count, RANK, len)),
            u: Array3::zeros((count, RANK, channels)),
            mu: Vec::with_capacity(count),
        },
        jmax: Vec::with_capacity(count),
        ustar: Vec::with_capacity(count),
    };
    for (n, (factors, aligned)) in results.into_iter().enumerate() {
        let near = neighbours.of(main_channels[n]);
        for q in 0..RANK {
            for (t, v) in factors.temporal[q].iter().enumerate() {
                out.templates.w[[n, q, t]] = *v;
            }
            for (&c, v) in near.iter().zip(&factors.spatial[q]) {
                out.templates.u[[n, q, c as usize]] = *v;
            }
        }
        out.templates.mu.push(factors.amplitude);
        out.jmax.push(aligned.jmax);
        out.ustar.push(aligned.ustar);
    }
    out
}

/// Where the extremum is put: the sample that the sub-sample search looks at, or, as in the original, the one after.
fn centre(kernels: &AlignmentKernels, compat: &Compat) -> usize {
    let late = usize::from(compat.alignment_off_by_one);
    (kernels.trough() + late).min(kernels.len().saturating_sub(1))
}

struct Aligned {
    jmax: usize,
    ustar: usize,
}

/// Temporal and spatial components of one template, the latter on its neighbourhood.
struct Factors {
    temporal: [Vec<f64>; RANK],
    spatial: [Vec<f64>; RANK],
    amplitude: f64,
}

impl Factors {
    /// Power iterations with deflation on `G = D D'`, where `D` (`[samples, channels]`) is given by channel in `local`.
    ///
    /// All iterates after the first product are combinations `v = D a` of channels, so they are run on the coefficients
    /// `a` and the small matrix `B = D' D`: `G v = D (B a)` and `|D a|^2 = a' B a`. This is the same iteration in a
    /// quarter of the operations. The deflated matrix `G - x v'` is applied as a rank-one correction, never formed.
    fn of(local: &[f64], len: usize, start: &[f64]) -> Self {
        let gram = gram(local, len);
        let mut deflations: Vec<Deflation> = Vec::with_capacity(RANK);
        let mut temporal: [Vec<f64>; RANK] = Default::default();
        let mut spatial: [Vec<f64>; RANK] = Default::default();
        for q in 0..RANK {
            let v = &start[q * len..(q + 1) * len];
            let mut image: Vec<f64> = local.chunks_exact(len).map(|c| dot(c, v)).collect();
            for (d, w) in deflations.iter().zip(&temporal) {
                d.subtract(dot(w, v), &mut image);
            }
            let coefficients = iterate(&gram, &deflations, image);
            let mut component = vec![0.0; len];
            for (c, a) in local.chunks_exact(len).zip(&coefficients) {
                for (v, d) in component.iter_mut().zip(c) {
                    *v += a * d;
                }
            }
            let mut projection = vec![0.0; coefficients.len()];
            multiply(&gram, &coefficients, &mut projection);
            let mut image = projection.clone();
            for d in &deflations {
                d.subtract(dot(&d.projection, &coefficients), &mut image);
            }
            temporal[q] = component;
            spatial[q].clone_from(&projection);
            deflations.push(Deflation { projection, image });
        }
        Self {
            temporal,
            spatial,
            amplitude: 0.0,
        }
    }

    /// Makes the first component negative (zero counts as positive) at sample `centre`, in both factors.
    fn fix_sign(&mut self, centre: usize) {
        if self.temporal[0][centre] >= 0.0 {
            scale(&mut self.temporal[0], -1.0);
            scale(&mut self.spatial[0], -1.0);
        }
    }

    /// Takes the amplitude out of the spatial components.
    fn normalise(&mut self) {
        let energy: f64 = self.spatial.iter().map(|u| dot(u, u)).sum();
        self.amplitude = (AMPLITUDE_FLOOR + energy).sqrt();
        for u in &mut self.spatial {
            scale(u, 1.0 / self.amplitude);
        }
    }

    /// Shifts the temporal components circularly, first by whole samples, then by a fraction of one.
    ///
    /// The interpolation also smooths: it takes 0.6 % of the norm of a smooth component, more of a noisy one, and would
    /// do so again at every batch. The components therefore keep the norm that they had, except in the original's mode.
    fn align(&mut self, kernels: &AlignmentKernels, compat: &Compat) -> Aligned {
        let len = kernels.len();
        let jmax = first_largest(&self.temporal[0]);
        for v in &mut self.temporal {
            v.rotate_right((centre(kernels, compat) + len - jmax) % len);
        }
        let (mut ustar, mut value) = kernels.extremum(&self.temporal[0]);
        if !compat.alignment_off_by_one && ustar == SUBSAMPLES - 1 {
            // The search ends 0.4 samples late. Half a sample late is half a sample before the next.
            let mut later = self.temporal[0].clone();
            later.rotate_left(1);
            let half = kernels.extremum(&later);
            if half.0 == 0 && half.1.abs() > value.abs() {
                (ustar, value) = half;
                for v in &mut self.temporal {
                    v.rotate_left(1);
                }
            }
        }
        if compat.alignment_off_by_one {
            for v in &mut self.temporal {
                *v = kernels.shifted(v, ustar);
            }
        } else if ustar != IDENTITY {
            for v in &mut self.temporal {
                let norm = dot(v, v).sqrt();
                let shifted = kernels.shifted(v, ustar);
                let scale = norm / dot(&shifted, &shifted).sqrt().max(f64::MIN_POSITIVE);
                *v = shifted.into_iter().map(|s| s * scale).collect();
            }
        }
        if value >= 0.0 {
            scale(&mut self.temporal[0], -1.0);
            if !compat.component_sign {
                scale(&mut self.spatial[0], -1.0);
            }
        }
        Aligned { jmax, ustar }
    }
}

/// One component `v` that later iterations leave out, seen from the channels: a product with the deflated matrix loses
/// `image (v . x)`, where `v . x = projection . a` for an iterate `x = D a`.
struct Deflation {
    /// `D' v`.
    projection: Vec<f64>,
    /// The product with the matrix deflated so far, `G v = D image`.
    image: Vec<f64>,
}

impl Deflation {
    fn subtract(&self, overlap: f64, image: &mut [f64]) {
        for (x, d) in image.iter_mut().zip(&self.image) {
            *x -= overlap * d;
        }
    }
}

/// The normalised coefficients after 99 products, given the coefficients of the first product.
///
/// Each iterate is a function of the one before, so once two are equal, bit by bit, all later ones are.
fn iterate(gram: &[f64], deflations: &[Deflation], first: Vec<f64>) -> Vec<f64> {
    let mut a = first;
    let mut next = vec![0.0; a.len()];
    let mut normaliser = 0.0;
    for k in 1..PRODUCTS {
        multiply(gram, &a, &mut next);
        // Rounding can make the quadratic form of a vanishing vector negative.
        normaliser = 1.0 / (NORM_FLOOR + dot(&a, &next).max(0.0)).sqrt();
        for d in deflations {
            d.subtract(dot(&d.projection, &a), &mut next);
        }
        scale(&mut next, normaliser);
        if k == PRODUCTS - 1 || next == a {
            break;
        }
        std::mem::swap(&mut a, &mut next);
    }
    scale(&mut a, normaliser);
    a
}

/// `B = D' D`, `[channels, channels]`, of `local` `[channels, len]`.
fn gram(local: &[f64], len: usize) -> Vec<f64> {
    let m = local.len() / len;
    let mut out = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..=i {
            let v = dot(&local[i * len..(i + 1) * len], &local[j * len..(j + 1) * len]);
            out[i * m + j] = v;
            out[j * m + i] = v;
        }
    }
    out
}

/// Product of a symmetric matrix and a vector: the rows weighted by the vector, four at a time.
fn multiply(matrix: &[f64], v: &[f64], out: &mut [f64]) {
    let m = v.len();
    out.fill(0.0);
    let whole = m - m % 4;
    for (i, a) in v[..whole].chunks_exact(4).enumerate() {
        let rows = &matrix[4 * i * m..4 * (i + 1) * m];
        let ((r0, r1), (r2, r3)) = (rows[..2 * m].split_at(m), rows[2 * m..].split_at(m));
        for ((o, (g0, g1)), (g2, g3)) in out.iter_mut().zip(r0.iter().zip(r1)).zip(r2.iter().zip(r3)) {
            *o += (g0 * a[0] + g1 * a[1]) + (g2 * a[2] + g3 * a[3]);
        }
    }
    for (row, a) in matrix[whole * m..].chunks_exact(m).zip(&v[whole..]) {
        for (o, g) in out.iter_mut().zip(row) {
            *o += g * a;
        }
    }
}

/// Sum of products, in four running sums of every fourth term.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (x, y) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 = x.remainder().iter().zip(y.remainder()).map(|(p, q)| p * q).sum();
    for (p, q) in x.zip(y) {
        for i in 0..4 {
            sums[i] += p[i] * q[i];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}

fn scale(v: &mut [f64], factor: f64) {
    for x in v {
        *x *= factor;
    }
}

fn first_largest(v: &[f64]) -> usize {
    let mut best = 0;
    for (i, x) in v.iter().enumerate() {
        if x.abs() > v[best].abs() {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The iteration as it is defined, on the `[samples, samples]` matrix with explicit deflation.
    fn directly(local: &[f64], len: usize, start: &[f64]) -> Vec<Vec<f64>> {
        let mut g = vec![0.0; len * len];
        for c in local.chunks_exact(len) {
            for i in 0..len {
                for t in 0..len {
                    g[i * len + t] += c[i] * c[t];
                }
            }
        }
        let times = |g: &[f64], v: &[f64]| -> Vec<f64> { g.chunks_exact(len).map(|row| dot(row, v)).collect() };
        let mut out = Vec::new();
        for q in 0..RANK {
            let mut v = start[q * len..(q + 1) * len].to_vec();
            for _ in 1..PRODUCTS {
                let x = times(&g, &v);
                let norm = (NORM_FLOOR + dot(&x, &x)).sqrt();
                v = x.iter().map(|x| x / norm).collect();
            }
            let x = times(&g, &v);
            for i in 0..len {
                for t in 0..len {
                    g[i * len + t] -= x[i] * v[t];
                }
            }
            out.push(v);
        }
        out
    }

    #[test]
    fn iterating_on_coefficients_is_the_same_iteration() {
        let len = 13;
        let value = |i: usize| ((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0;
        for channels in [1, 2, 5, 20] {
            let local: Vec<f64> = (0..channels * len).map(value).collect();
            let mut start: Vec<f64> = (0..RANK * len).map(|i| value(i + 997)).collect();
            // A null start stays null.
            start[2 * len..].fill(0.0);
            let factors = Factors::of(&local, len, &start);
            for (q, expected) in directly(&local, len, &start).iter().enumerate() {
                let scale = 1.0 / f64::from(u8::from(channels > q)).max(0.01);
                for (a, b) in factors.temporal[q].iter().zip(expected) {
                    assert!((a - b).abs() < 1e-12 * scale, "{channels} {q}: {a} {b}");
                }
            }
            assert!(factors.temporal[2].iter().all(|&v| v == 0.0));
        }
    }

    #[test]
    fn the_first_of_equal_main_channels_wins() {
        let mut mean = Array3::zeros((2, 3, 5));
        mean[[0, 1, 2]] = -4.0;
        mean[[0, 2, 2]] = 4.0;
        mean[[1, 2, 1]] = 9.0;
        assert_eq!(main_channels(&mean, 3), [1, 0]);
    }
}
