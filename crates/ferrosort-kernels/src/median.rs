//! The median over channels at every sample.

use crate::dispatch::simd_kernel;

/// Samples whose medians are searched together: enough that the compiler keeps whole vectors of them in registers.
const LANES: usize = 64;

/// Maps a finite float to an integer of the same order.
#[inline(always)]
#[allow(clippy::inline_always)]
fn key(x: f32) -> u32 {
    let bits = x.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 }
}

#[inline]
fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key })
}

simd_kernel! {
    fn all_keys(values: &[[f32; LANES]], keys: &mut [[u32; LANES]]) {
        for (v, k) in values.iter().zip(keys) {
            for j in 0..LANES {
                k[j] = key(v[j]);
            }
        }
    }
}

simd_kernel! {
    /// The lower and upper middle key of each lane, by bisection on the bits: counting passes vectorise, selection does not.
    fn middle_keys(keys: &[[u32; LANES]]) -> [[u32; LANES]; 2] {
        let n = keys.len() as u32;
        let rank = (n - 1) / 2;
        let mut lower = [0u32; LANES];
        for bit in (0..32).rev() {
            let mut candidate = [0u32; LANES];
            for j in 0..LANES {
                candidate[j] = lower[j] | (1 << bit);
            }
            let mut below = [0u32; LANES];
            for row in keys {
                for j in 0..LANES {
                    below[j] += u32::from(row[j] < candidate[j]);
                }
            }
            for j in 0..LANES {
                lower[j] = if below[j] <= rank { candidate[j] } else { lower[j] };
            }
        }
        let mut up_to = [0u32; LANES];
        let mut above = [u32::MAX; LANES];
        for row in keys {
            for j in 0..LANES {
                let greater = row[j] > lower[j];
                up_to[j] += u32::from(!greater);
                above[j] = above[j].min(if greater { row[j] } else { u32::MAX });
            }
        }
        let mut upper = lower;
        for j in 0..LANES {
            if n.is_multiple_of(2) && up_to[j] < n / 2 + 1 {
                upper[j] = above[j];
            }
        }
        [lower, upper]
    }
}

/// Median over channels at every sample: the middle value, or the mean of the two middle values when the number of channels is even.
///
/// `fill(first, rows)` writes the values of samples `first ..` of every channel, at most [`MEDIAN_LANES`] of them; they must be finite.
pub fn median_over_channels(channels: usize, out: &mut [f64], mut fill: impl FnMut(usize, &mut [[f32; MEDIAN_LANES]])) {
    if channels == 0 {
        out.fill(0.0);
        return;
    }
    let mut values = vec![[0.0f32; LANES]; channels];
    let mut keys = vec![[0u32; LANES]; channels];
    for (block, out) in out.chunks_mut(LANES).enumerate() {
        fill(block * LANES, &mut values);
        all_keys(&values, &mut keys);
        let [lower, upper] = middle_keys(&keys);
        for (j, m) in out.iter_mut().enumerate() {
            *m = f64::midpoint(f64::from(value(lower[j])), f64::from(value(upper[j])));
        }
    }
}

/// Samples that [`median_over_channels`] asks for at a time.
pub const MEDIAN_LANES: usize = LANES;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_sorting(data in proptest::collection::vec(-1e4f32..1e4, 1..200), channels in 1usize..20) {
            let samples = data.len() / channels;
            prop_assume!(samples > 0);
            // Rounding makes ties.
            let rows: Vec<Vec<f32>> = (0..channels).map(|c| (0..samples).map(|t| (data[c * samples + t] / 500.0).round()).collect()).collect();
            let mut out = vec![0.0; samples];
            median_over_channels(channels, &mut out, |first, block| {
                for (row, lanes) in rows.iter().zip(block) {
                    for (v, lane) in row[first..].iter().zip(lanes) {
                        *lane = *v;
                    }
                }
            });
            for t in 0..samples {
                let mut column: Vec<f64> = rows.iter().map(|r| f64::from(r[t])).collect();
                column.sort_by(f64::total_cmp);
                let expected = f64::midpoint(column[(channels - 1) / 2], column[channels / 2]);
                prop_assert_eq!(out[t], expected);
            }
        }
    }
}
