//! Correlation of one channel with a bank of short filters.

use crate::dispatch::{SimdLevel, simd_kernel, simd_level};

/// The body of [`filter_bank`]: `F` filters at `L` samples at a time, accumulators in registers.
#[inline(always)]
#[allow(clippy::inline_always)]
fn correlate<const F: usize, const L: usize>(x: &[f32], taps: [&[f32]; F], out: &mut [&mut [f32]]) {
    let length = taps[0].len();
    // By tap, not by filter: an index that could be out of bounds in the innermost loop would send the accumulators to memory.
    let by_tap: Vec<[f32; F]> = (0..length).map(|i| std::array::from_fn(|f| taps[f][i])).collect();
    let mut t = 0;
    let n = out[0].len();
    while t + L <= n {
        let window = &x[t..t + L + length - 1];
        let mut acc = [[0.0f32; L]; F];
        for (xs, weights) in window.windows(L).zip(&by_tap) {
            let xs: &[f32; L] = xs.try_into().expect("windows have L samples");
            for f in 0..F {
                for j in 0..L {
                    acc[f][j] = weights[f].mul_add(xs[j], acc[f][j]);
                }
            }
        }
        for f in 0..F {
            out[f][t..t + L].copy_from_slice(&acc[f]);
        }
        t += L;
    }
    for t in t..n {
        for f in 0..F {
            let mut acc = 0.0f32;
            for (w, v) in taps[f].iter().zip(&x[t..t + length]) {
                acc = w.mul_add(*v, acc);
            }
            out[f][t] = acc;
        }
    }
}

simd_kernel! {
    /// For 32 vector registers of 16 values, or for one filter.
    fn correlate_wide<const F: usize>(x: &[f32], taps: [&[f32]; F], out: &mut [&mut [f32]]) {
        correlate::<F, 64>(x, taps, out);
    }
}

simd_kernel! {
    /// For 16 vector registers of 8 values: more accumulators would go through memory.
    fn correlate_narrow<const F: usize>(x: &[f32], taps: [&[f32]; F], out: &mut [&mut [f32]]) {
        correlate::<F, 16>(x, taps, out);
    }
}

fn correlate_some<const F: usize>(x: &[f32], taps: &[&[f32]], out: &mut [&mut [f32]]) {
    let taps = std::array::from_fn(|f| taps[f]);
    if F == 1 || simd_level() == SimdLevel::Avx512 {
        correlate_wide::<F>(x, taps, &mut out[..F]);
    } else {
        correlate_narrow::<F>(x, taps, &mut out[..F]);
    }
}

/// Correlates `x` with every filter: `out[f][t] = sum_i taps[f][i] * x[t + i]`, summed in tap order.
///
/// All filters have one length `n`; every output has one length, at most `x.len() - n + 1`.
///
/// # Panics
/// When the lengths do not fit together: a programming error.
pub fn filter_bank(x: &[f32], taps: &[&[f32]], out: &mut [&mut [f32]]) {
    assert_eq!(taps.len(), out.len(), "one output a filter");
    let (Some(first), Some(rows)) = (taps.first(), out.first().map(|o| o.len())) else {
        return;
    };
    assert!(taps.iter().all(|t| t.len() == first.len()), "filters of one length");
    assert!(out.iter().all(|o| o.len() == rows), "outputs of one length");
    assert!(
        rows == 0 || rows + first.len() <= x.len() + 1,
        "outputs within the signal"
    );
    let mut done = 0;
    while done < taps.len() {
        let (t, o) = (&taps[done..], &mut out[done..]);
        done += match taps.len() - done {
            n if n >= 6 => {
                correlate_some::<6>(x, t, o);
                6
            }
            n if n >= 3 => {
                correlate_some::<3>(x, t, o);
                3
            }
            _ => {
                correlate_some::<1>(x, t, o);
                1
            }
        };
    }
}

/// Samples that [`correlate_piece`] makes at a time.
pub const PIECE: usize = 64;

#[inline(always)]
#[allow(clippy::inline_always)]
fn piece<const F: usize, const L: usize>(x: &[f32], by_tap: &[[f32; F]], out: &mut [f32]) {
    let (rows, _) = out.as_chunks_mut::<PIECE>();
    let rows: &mut [[f32; PIECE]; F] = rows.try_into().expect("one row a filter");
    for t in (0..PIECE).step_by(L) {
        let window = &x[t..t + L + by_tap.len() - 1];
        let mut acc = [[0.0f32; L]; F];
        for (xs, weights) in window.array_windows::<L>().zip(by_tap) {
            for f in 0..F {
                for j in 0..L {
                    acc[f][j] = weights[f].mul_add(xs[j], acc[f][j]);
                }
            }
        }
        for f in 0..F {
            let to: &mut [f32; L] = (&mut rows[f][t..t + L]).try_into().expect("L samples");
            *to = acc[f];
        }
    }
}

simd_kernel! {
    fn piece_wide<const F: usize>(x: &[f32], by_tap: &[[f32; F]], out: &mut [f32]) {
        piece::<F, 64>(x, by_tap, out);
    }
}

simd_kernel! {
    fn piece_narrow<const F: usize>(x: &[f32], by_tap: &[[f32; F]], out: &mut [f32]) {
        piece::<F, 16>(x, by_tap, out);
    }
}

/// Correlates with `F` filters, given tap by tap: `out[f * PIECE + t] = sum_i by_tap[i][f] * x[t + i]` for `t < PIECE`, summed in tap order.
///
/// # Panics
/// When `x` has fewer than `PIECE + taps - 1` samples or `out` is not `[F, PIECE]`: a programming error.
pub fn correlate_piece<const F: usize>(x: &[f32], by_tap: &[[f32; F]], out: &mut [f32]) {
    if simd_level() == SimdLevel::Avx512 {
        piece_wide::<F>(x, by_tap, out);
    } else {
        piece_narrow::<F>(x, by_tap, out);
    }
}

simd_kernel! {
    /// Inner products with eight filters at one place: `out[f] = sum_i by_tap[i][f] * x[i]` over the taps that `x` covers.
    pub fn correlate_once(x: &[f32], by_tap: &[[f32; 8]]) -> [f32; 8] {
        const CHAINS: usize = 4;
        let n = x.len().min(by_tap.len());
        let ((xs, x_rest), (taps, taps_rest)) = (x[..n].as_chunks::<CHAINS>(), by_tap[..n].as_chunks::<CHAINS>());
        let mut acc = [[0.0f32; 8]; CHAINS];
        for (x, w) in xs.iter().zip(taps) {
            for c in 0..CHAINS {
                for f in 0..8 {
                    acc[c][f] = w[c][f].mul_add(x[c], acc[c][f]);
                }
            }
        }
        for (x, w) in x_rest.iter().zip(taps_rest) {
            for f in 0..8 {
                acc[0][f] = w[f].mul_add(*x, acc[0][f]);
            }
        }
        let mut out = [0.0f32; 8];
        for f in 0..8 {
            out[f] = (acc[0][f] + acc[1][f]) + (acc[2][f] + acc[3][f]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_formula_at_every_length() {
        for (n_filters, length, samples) in [
            (1, 1, 1),
            (3, 5, 64),
            (6, 61, 200),
            (8, 61, 125),
            (2, 3, 7),
            (4, 61, 61),
        ] {
            let x: Vec<f32> = (0..samples).map(|t| ((t * 37 % 101) as f32 - 50.0) / 7.0).collect();
            let taps: Vec<Vec<f32>> = (0..n_filters)
                .map(|f| (0..length).map(|i| ((i * 13 + f * 7) % 17) as f32 - 8.0).collect())
                .collect();
            let rows = samples - length + 1;
            let mut out = vec![vec![0.0f32; rows]; n_filters];
            filter_bank(
                &x,
                &taps.iter().map(Vec::as_slice).collect::<Vec<_>>(),
                &mut out.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>(),
            );
            for f in 0..n_filters {
                for t in 0..rows {
                    let expected: f64 = (0..length).map(|i| f64::from(taps[f][i]) * f64::from(x[t + i])).sum();
                    assert!((f64::from(out[f][t]) - expected).abs() < 1e-2, "{f} {t}");
                }
            }
        }
    }

    #[test]
    fn pieces_and_single_places_equal_the_bank() {
        let length = 47;
        let x: Vec<f32> = (0..PIECE + length - 1)
            .map(|t| ((t * 37 % 101) as f32 - 50.0) / 7.0)
            .collect();
        let by_tap: Vec<[f32; 6]> = (0..length)
            .map(|i| std::array::from_fn(|f| ((i * 13 + f * 7) % 17) as f32 - 8.0))
            .collect();
        let mut out = vec![0.0f32; 6 * PIECE];
        correlate_piece(&x, &by_tap, &mut out);
        let taps: Vec<Vec<f32>> = (0..6).map(|f| by_tap.iter().map(|w| w[f]).collect()).collect();
        let mut expected = vec![vec![0.0f32; PIECE]; 6];
        filter_bank(
            &x,
            &taps.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            &mut expected.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>(),
        );
        assert_eq!(out, expected.concat());
        let padded: Vec<[f32; 8]> = by_tap
            .iter()
            .map(|w| std::array::from_fn(|f| w.get(f).copied().unwrap_or(0.0)))
            .collect();
        let once = correlate_once(&x[5..], &padded);
        for f in 0..6 {
            assert!(
                (once[f] - expected[f][5]).abs() < 1e-2,
                "{f}: {} {}",
                once[f],
                expected[f][5]
            );
        }
    }
}
