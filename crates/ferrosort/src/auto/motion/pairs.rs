//! Displacements between pairs of time bins, by correlation of their images along depth.

use rayon::prelude::*;

use super::MotionParameters;
use super::image::{Grid, Images, dot};

/// Weights of the depth bins of a part of the probe.
pub(super) struct Window {
    /// First depth bin with a weight.
    first: usize,
    weights: Vec<f32>,
}

impl Window {
    pub fn whole(grid: &Grid) -> Self {
        Self {
            first: 0,
            weights: vec![1.0; grid.depths],
        }
    }

    /// A triangle of this half width, µm.
    pub fn around(grid: &Grid, centre_um: f64, half_um: f64) -> Self {
        let weight = |d: usize| {
            let depth = grid.start_um + d as f64 * grid.bin_um;
            (1.0 - (depth - centre_um).abs() / half_um).max(0.0) as f32
        };
        let first = (0..grid.depths).find(|&d| weight(d) > 0.0).unwrap_or(0);
        Self {
            first,
            weights: (first..grid.depths).map(weight).take_while(|&w| w > 0.0).collect(),
        }
    }

    fn events(&self, counts: &[f32]) -> f64 {
        f64::from(dot(&self.weights, &counts[self.first..]))
    }
}

/// What a pair of time bins says in a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    pub from: usize,
    pub to: usize,
    pub window: usize,
    /// Displacement at `to` - displacement at `from`, µm.
    pub shift_um: f64,
    pub weight: f64,
}

/// Distances of the bins of a pair, at most `most`: Fibonacci numbers, so that their number grows slowly.
fn lags(most: usize) -> Vec<usize> {
    let (mut lags, mut next) = (Vec::new(), (1, 2));
    while next.0 <= most {
        lags.push(next.0);
        next = (next.1, next.0 + next.1);
    }
    lags
}

/// All pairs with a clear best displacement of at most `reach_um`.
pub(super) fn compare(images: &Images, windows: &[Window], reach_um: f64, p: &MotionParameters) -> Vec<Pair> {
    let n = images.bins.len();
    let step = images.bins.get(1).copied().unwrap_or(1).max(1);
    let far = ((p.horizon_s / p.bin_s) as usize / step).clamp(1, n);
    let lags = lags(far);
    let reach = ((reach_um / images.bin_um).ceil() as usize).min(images.depths.saturating_sub(1));
    let energies: Vec<Vec<f32>> = images
        .pixels
        .par_iter()
        .map(|image| {
            let mut energy = vec![0.0; images.depths];
            for row in image.chunks(images.depths) {
                energy.iter_mut().zip(row).for_each(|(e, v)| *e += v * v);
            }
            energy
        })
        .collect();
    let from_one = |i: usize| {
        let mut found = Vec::new();
        for (w, window) in windows.iter().enumerate() {
            if window.events(&images.counts[i]) < p.min_events {
                continue;
            }
            let weighted = weighted(&images.pixels[i], images.depths, window);
            let own = [weighted.as_slice(), &energies[i]];
            for &j in &lags {
                let j = i + j;
                if j >= n || window.events(&images.counts[j]) < p.min_events {
                    continue;
                }
                let other = [images.pixels[j].as_slice(), &energies[j]];
                let Some((shift, peak)) = best(own, other, images.depths, window, reach) else {
                    continue;
                };
                if peak > p.min_correlation {
                    found.push(Pair {
                        from: images.bins[i],
                        to: images.bins[j],
                        window: w,
                        shift_um: shift * images.bin_um,
                        weight: peak * peak,
                    });
                }
            }
        }
        found
    };
    let found: Vec<Vec<Pair>> = (0..n).into_par_iter().map(from_one).collect();
    found.into_iter().flatten().collect()
}

/// The part of the image in the window times its weights, `[amplitudes, depths of the window]`.
fn weighted(image: &[f32], depths: usize, window: &Window) -> Vec<f32> {
    image
        .chunks(depths)
        .flat_map(|row| row[window.first..].iter().zip(&window.weights).map(|(v, w)| v * w))
        .collect()
}

/// The shift (in depth bins) with the largest correlation, between bins by a parabola, and that correlation. Both images come with
/// their energies along depth, the first is weighted. The window weighs the first image only: weighing both would favour no shift.
fn best(own: [&[f32]; 2], other: [&[f32]; 2], depths: usize, window: &Window, reach: usize) -> Option<(f64, f64)> {
    let width = window.weights.len();
    if width == 0 {
        return None;
    }
    let sums: Vec<[f32; 3]> = (0..=2 * reach)
        .map(|k| {
            // The depth `d` of the first image meets `d + k - reach` of the second.
            let first = window.first.max(reach.saturating_sub(k));
            let last = (window.first + width).min((depths + reach).saturating_sub(k));
            if first >= last {
                return [0.0; 3];
            }
            let (a, b) = (first - window.first..last - window.first, first + k - reach);
            let mut product = 0.0;
            for (x, y) in own[0].chunks(width).zip(other[0].chunks(depths)) {
                product += dot(&x[a.clone()], &y[b..]);
            }
            let weights = &window.weights[a];
            [product, dot(weights, &own[1][first..]), dot(weights, &other[1][b..])]
        })
        .collect();
    // Normalised by what overlaps, but never by less than half of what overlaps at best: little overlap is alike by chance.
    let most = sums.iter().fold([0.0_f32; 2], |m, s| [m[0].max(s[1]), m[1].max(s[2])]);
    let correlation = |s: &[f32; 3]| {
        let size = f64::from(s[1].max(0.5 * most[0])) * f64::from(s[2].max(0.5 * most[1]));
        if size > 0.0 { f64::from(s[0]) / size.sqrt() } else { 0.0 }
    };
    let values: Vec<f64> = sums.iter().map(correlation).collect();
    let k = (0..values.len()).reduce(|best, k| if values[k] > values[best] { k } else { best })?;
    // A peak at the border is none.
    let (&before, &after) = (values.get(k.checked_sub(1)?)?, values.get(k + 1)?);
    let bend = before - 2.0 * values[k] + after;
    let part = if bend < 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
    Some((k as f64 - reach as f64 + part.clamp(-0.5, 0.5), values[k]))
}
