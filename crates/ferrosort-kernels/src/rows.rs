//! Weighted sums of rows, several at a time that share most of their rows: each row is read once for all of them.

use crate::dispatch::{SimdLevel, simd_kernel, simd_level};

/// Sums that are made together.
pub const TOGETHER: usize = 4;
/// Samples of a sum that are made at a time.
pub const ROW_LANES: usize = 64;

/// A row and its weight in each of the sums, zero where it has none.
pub type SharedTerm = (u32, [f32; TOGETHER]);

/// Joins the terms of at most [`TOGETHER`] sums, each with ascending rows. The rows of the result ascend.
///
/// # Panics
/// With more sums: a programming error.
pub fn shared_terms(sums: &[&[(u32, f32)]]) -> Vec<SharedTerm> {
    assert!(sums.len() <= TOGETHER, "at most {TOGETHER} sums");
    let mut rows: Vec<u32> = sums.iter().flat_map(|terms| terms.iter().map(|t| t.0)).collect();
    rows.sort_unstable();
    rows.dedup();
    let mut shared: Vec<SharedTerm> = rows.into_iter().map(|row| (row, [0.0; TOGETHER])).collect();
    for (sum, terms) in sums.iter().enumerate() {
        let mut at = 0;
        for &(row, weight) in *terms {
            while shared[at].0 != row {
                at += 1;
            }
            shared[at].1[sum] = weight;
        }
    }
    shared
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn sums<const L: usize>(
    rows: &[f32],
    row_length: usize,
    start: usize,
    terms: &[SharedTerm],
    out: &mut [[f32; ROW_LANES]; TOGETHER],
) {
    for k in (0..ROW_LANES).step_by(L) {
        let mut acc = [[0.0f32; L]; TOGETHER];
        for (row, weights) in terms {
            let at = *row as usize * row_length + start + k;
            let Some(xs) = rows.get(at..at + L).and_then(|xs| <&[f32; L]>::try_from(xs).ok()) else {
                break;
            };
            for u in 0..TOGETHER {
                for j in 0..L {
                    acc[u][j] = weights[u].mul_add(xs[j], acc[u][j]);
                }
            }
        }
        for u in 0..TOGETHER {
            out[u][k..k + L].copy_from_slice(&acc[u]);
        }
    }
}

simd_kernel! {
    /// For 32 vector registers of 16 values.
    fn sums_wide(rows: &[f32], row_length: usize, start: usize, terms: &[SharedTerm], out: &mut [[f32; ROW_LANES]; TOGETHER]) {
        sums::<64>(rows, row_length, start, terms, out);
    }
}

simd_kernel! {
    /// For 16 vector registers of 8 values: more accumulators would go through memory.
    fn sums_narrow(rows: &[f32], row_length: usize, start: usize, terms: &[SharedTerm], out: &mut [[f32; ROW_LANES]; TOGETHER]) {
        sums::<16>(rows, row_length, start, terms, out);
    }
}

/// `out[u][k] = sum over terms of weights[u] * rows[row * row_length + start + k]` for `k < ROW_LANES`, added in the order of the terms.
///
/// Every row must have these samples within `rows`.
pub fn shared_rows(
    rows: &[f32],
    row_length: usize,
    start: usize,
    terms: &[SharedTerm],
    out: &mut [[f32; ROW_LANES]; TOGETHER],
) {
    if simd_level() == SimdLevel::Avx512 {
        sums_wide(rows, row_length, start, terms, out);
    } else {
        sums_narrow(rows, row_length, start, terms, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_share_rows_are_those_made_alone() {
        let length = 70;
        let rows: Vec<f32> = (0..6 * length).map(|i| ((i * 29) % 31) as f32 - 15.0).collect();
        let sums: [&[(u32, f32)]; 3] = [&[(0, 0.5), (2, -1.0), (5, 0.3)], &[(1, 2.0), (2, 0.7)], &[]];
        let terms = shared_terms(&sums);
        assert_eq!(terms.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 1, 2, 5]);
        let mut out = [[f32::NAN; ROW_LANES]; TOGETHER];
        shared_rows(&rows, length, 6, &terms, &mut out);
        for (u, row) in out.iter().enumerate() {
            for (k, got) in row.iter().enumerate() {
                let own = sums.get(u).copied().unwrap_or_default();
                let expected = own
                    .iter()
                    .fold(0.0f32, |s, &(r, w)| w.mul_add(rows[r as usize * length + 6 + k], s));
                assert_eq!(*got, expected, "{u} {k}");
            }
        }
    }
}
