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
}
