//! Local whitening: each output channel is a combination of a few input channels.

use rayon::prelude::*;

use crate::ChannelMajor;
use crate::dispatch::simd_kernel;
use crate::rows::{ROW_LANES, SharedTerm, TOGETHER, shared_rows, shared_terms};

/// Samples of one tile: small enough that all channels of it stay in the cache.
const TILE: usize = 256;

/// A matrix by columns, holding only what is not zero: column `j` makes output channel `j`.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMatrix {
    size: usize,
    /// Columns `k * TOGETHER ..`, which are neighbours on most probes and have most of their rows in common.
    groups: Vec<Vec<SharedTerm>>,
}

impl SparseMatrix {
    /// Collects the entries of `value(row, column)` that are not zero, rows in order.
    pub fn from_fn(size: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        let column = |j| -> Vec<(u32, f32)> {
            (0..size)
                .map(|i| (i as u32, value(i, j) as f32))
                .filter(|(_, v)| *v != 0.0)
                .collect()
        };
        let columns: Vec<Vec<(u32, f32)>> = (0..size).map(column).collect();
        let group = |columns: &[Vec<(u32, f32)>]| shared_terms(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Self {
            size,
            groups: columns.chunks(TOGETHER).map(group).collect(),
        }
    }
}

/// How a whitened value becomes a 16-bit integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To nearest, halves away from zero; values beyond the range saturate.
    Nearest,
    /// Toward zero; values beyond the range wrap.
    Truncate,
}

impl Rounding {
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn apply(self, v: f32) -> f32 {
        match self {
            Self::Nearest => v.round().clamp(-32768.0, 32767.0),
            Self::Truncate => f32::from(v as i32 as i16),
        }
    }
}

simd_kernel! {
    fn round_all(values: &mut [f32], rounding: Rounding) {
        for v in values {
            *v = rounding.apply(*v);
        }
    }
}

simd_kernel! {
    fn divide_all(values: &[f32], divisor: f32, out: &mut [f32]) {
        for (v, o) in values.iter().zip(out) {
            *o = v / divisor;
        }
    }
}

/// The output channels of one group at samples `start ..`, `width` of them.
fn combine(x: &ChannelMajor, start: usize, terms: &[SharedTerm], out: &mut [[f32; TILE]; TOGETHER], width: usize) {
    let mut block = [[0.0f32; ROW_LANES]; TOGETHER];
    let whole = width / ROW_LANES * ROW_LANES;
    for t in (0..whole).step_by(ROW_LANES) {
        shared_rows(x.as_slice(), x.samples(), start + t, terms, &mut block);
        for (out, block) in out.iter_mut().zip(&block) {
            out[t..t + ROW_LANES].copy_from_slice(block);
        }
    }
    for t in whole..width {
        for (u, out) in out.iter_mut().enumerate() {
            out[t] = terms.iter().fold(0.0f32, |sum, (row, w)| {
                w[u].mul_add(x.row(*row as usize)[start + t], sum)
            });
        }
    }
}

/// Whitens samples `[start, start + samples)` of `x`, rounds them to what 16-bit integers hold, and divides by `scale`.
///
/// Tiles are independent and run in parallel; every value is one chain of `mul_add` in channel order.
pub fn whiten(
    x: &ChannelMajor,
    start: usize,
    samples: usize,
    matrix: &SparseMatrix,
    rounding: Rounding,
    scale: f32,
) -> ChannelMajor {
    let mut out = ChannelMajor::zeros(matrix.size, samples);
    whiten_tiles(
        x,
        start,
        samples,
        matrix,
        rounding,
        out.as_mut_slice(),
        |values, out| {
            divide_all(values, scale, out);
        },
    );
    out
}

/// As [`whiten`], but the 16-bit integers themselves: all samples of the first channel, then of the second, ...
pub fn whiten_to_counts(
    x: &ChannelMajor,
    start: usize,
    samples: usize,
    matrix: &SparseMatrix,
    rounding: Rounding,
) -> Vec<i16> {
    let mut out = vec![0i16; matrix.size * samples];
    whiten_tiles(x, start, samples, matrix, rounding, &mut out, |values, out| {
        for (o, v) in out.iter_mut().zip(values) {
            *o = *v as i16;
        }
    });
    out
}

fn whiten_tiles<T: Send>(
    x: &ChannelMajor,
    start: usize,
    samples: usize,
    matrix: &SparseMatrix,
    rounding: Rounding,
    out: &mut [T],
    store: impl Fn(&[f32], &mut [T]) + Sync,
) {
    split_columns(out, samples)
        .into_par_iter()
        .for_each(|(first, mut tile)| {
            let width = tile.first().map_or(0, |t| t.len());
            let mut values = [[0.0f32; TILE]; TOGETHER];
            for (terms, outs) in matrix.groups.iter().zip(tile.chunks_mut(TOGETHER)) {
                combine(x, start + first, terms, &mut values, width);
                for (values, out) in values.iter_mut().zip(outs) {
                    let values = &mut values[..width];
                    round_all(values, rounding);
                    store(values, out);
                }
            }
        });
}

/// Cuts rows of `samples` values into tiles of [`TILE`] columns: for each tile its first column and its piece of every row.
fn split_columns<T>(data: &mut [T], samples: usize) -> Vec<(usize, Vec<&mut [T]>)> {
    let mut tiles: Vec<(usize, Vec<&mut [T]>)> = (0..samples.div_ceil(TILE)).map(|k| (k * TILE, Vec::new())).collect();
    for row in data.chunks_exact_mut(samples.max(1)) {
        for (tile, piece) in tiles.iter_mut().zip(row.chunks_mut(TILE)) {
            tile.1.push(piece);
        }
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_matrix_product_and_rounds() {
        let (channels, samples) = (7, 700);
        let x = ChannelMajor::from_fn(channels, samples + 5, |t, c| ((t * 7 + c * 3) % 19) as f32 * 0.5 - 4.0);
        let w = |i: usize, j: usize| {
            if i.abs_diff(j) < 3 {
                (i + 1) as f64 * 0.3 - j as f64 * 0.1
            } else {
                0.0
            }
        };
        let matrix = SparseMatrix::from_fn(channels, w);
        let out = whiten_to_counts(&x, 5, samples, &matrix, Rounding::Nearest);
        let scaled = whiten(&x, 5, samples, &matrix, Rounding::Nearest, 4.0);
        for j in 0..channels {
            for t in 0..samples {
                let expected: f64 = (0..channels).map(|i| w(i, j) * f64::from(x.row(i)[5 + t])).sum();
                let got = f64::from(out[j * samples + t]);
                assert!((got - expected).abs() <= 0.5 + 1e-4, "{j} {t}: {got} {expected}");
                assert_eq!(f64::from(scaled.row(j)[t]) * 4.0, got);
            }
        }
    }

    #[test]
    fn rounding_modes() {
        assert_eq!(Rounding::Nearest.apply(-2.5), -3.0);
        assert_eq!(Rounding::Nearest.apply(40000.0), 32767.0);
        assert_eq!(Rounding::Truncate.apply(-2.9), -2.0);
        assert_eq!(Rounding::Truncate.apply(32768.0), -32768.0);
    }
}
