//! Which templates interact, and how alike they are (docs/kilosort2.md 4.4, 4.7, 4.9).

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::Templates;
use super::decompose::RANK;
use crate::neighbours::Neighbours;

/// For each template, the templates whose neighbourhoods share a channel with its own: ascending, itself included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlaps {
    ends: Vec<usize>,
    lists: Vec<u32>,
}

impl Overlaps {
    /// Overlaps of templates whose main channels are these.
    pub fn new(main_channels: &[usize], neighbours: &Neighbours) -> Self {
        let words = neighbours.channels().div_ceil(64);
        let mut near = vec![0u64; main_channels.len() * words];
        for (set, &channel) in near.chunks_exact_mut(words.max(1)).zip(main_channels) {
            for &c in neighbours.of(channel) {
                set[c as usize / 64] |= 1 << (c % 64);
            }
        }
        let sets: Vec<&[u64]> = near.chunks_exact(words.max(1)).collect();
        let mut ends = Vec::with_capacity(sets.len());
        let mut lists = Vec::new();
        for a in &sets {
            let shares = |b: &[u64]| a.iter().zip(b).any(|(x, y)| x & y != 0);
            lists.extend((0..sets.len()).filter(|&n| shares(sets[n])).map(|n| n as u32));
            ends.push(lists.len());
        }
        Self { ends, lists }
    }

    /// Number of templates.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no template.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The templates that overlap with template `n`.
    pub fn of(&self, n: usize) -> &[u32] {
        let start = if n == 0 { 0 } else { self.ends[n - 1] };
        &self.lists[start..self.ends[n]]
    }

    /// True when the two templates overlap.
    pub fn contains(&self, m: usize, n: usize) -> bool {
        self.of(m).binary_search(&(n as u32)).is_ok()
    }
}

/// The spatial components of one template where they are not zero.
struct Support {
    channels: Vec<usize>,
    values: Vec<[f64; RANK]>,
}

/// Spatial components by channel, `[templates][channel]`.
fn by_channel(templates: &Templates) -> Vec<Vec<[f64; RANK]>> {
    let channels = templates.u.dim().2;
    let one = |u: ArrayView2<f64>| (0..channels).map(|c| std::array::from_fn(|q| u[[q, c]])).collect();
    templates.u.outer_iter().map(one).collect()
}

impl Support {
    fn of(values: &[[f64; RANK]]) -> Self {
        let channels: Vec<usize> = (0..values.len()).filter(|&c| values[c] != [0.0; RANK]).collect();
        let values = channels.iter().map(|&c| values[c]).collect();
        Self { channels, values }
    }

    /// Overlaps `U_q . U_r` (row q, column r) of a template, given by channel, with this one.
    fn products(&self, other: &[[f64; RANK]]) -> [[f64; RANK]; RANK] {
        let mut out = [[0.0; RANK]; RANK];
        for (&c, own) in self.channels.iter().zip(&self.values) {
            for (row, a) in out.iter_mut().zip(&other[c]) {
                for (v, b) in row.iter_mut().zip(own) {
                    *v += a * b;
                }
            }
        }
        out
    }
}

/// A symmetric `[templates, templates]` matrix of which `entry(m, n, products)` gives the part with `m <= n`; pairs
/// without a common channel are 0.
fn symmetric(templates: &Templates, entry: impl Fn(usize, usize, &[[f64; RANK]; RANK]) -> f64 + Sync) -> Array2<f64> {
    let count = templates.len();
    let dense = by_channel(templates);
    let supports: Vec<Support> = dense.iter().map(|u| Support::of(u)).collect();
    let row = |m: usize| -> Vec<f64> {
        let cell = |n: usize| {
            let products = supports[n].products(&dense[m]);
            if products == [[0.0; RANK]; RANK] {
                0.0
            } else {
                entry(m, n, &products)
            }
        };
        (m..count).map(cell).collect()
    };
    let rows: Vec<Vec<f64>> = (0..count).into_par_iter().map(row).collect();
    let mut out = Array2::zeros((count, count));
    for (m, row) in rows.iter().enumerate() {
        for (k, &v) in row.iter().enumerate() {
            out[[m, m + k]] = v;
            out[[m + k, m]] = v;
        }
    }
    out
}

/// Inner product of every two templates (of norm about 1) at equal time, `[templates, templates]`.
pub fn zero_lag_similarity(templates: &Templates) -> Array2<f64> {
    symmetric(templates, |m, n, products| {
        let (a, b) = (templates.w.index_axis(Axis(0), m), templates.w.index_axis(Axis(0), n));
        let mut sum = 0.0;
        for q in 0..RANK {
            for r in 0..RANK {
                sum += products[q][r] * a.row(q).dot(&b.row(r));
            }
        }
        sum
    })
}

/// Inner products of templates `m` and `n` at all lags: entry `l` of `2 samples - 1` has `n` taken `samples - 1 - l`
/// samples later than `m`.
pub fn lagged_similarity(templates: &Templates, m: usize, n: usize) -> Vec<f64> {
    let dense = by_channel(templates);
    let products = Support::of(&dense[n]).products(&dense[m]);
    lagged(templates, m, n, &products)
}

fn lagged(templates: &Templates, m: usize, n: usize, products: &[[f64; RANK]; RANK]) -> Vec<f64> {
    let len = templates.w.dim().2;
    let (a, b) = (templates.w.index_axis(Axis(0), m), templates.w.index_axis(Axis(0), n));
    // Combine the components of m first: three correlations instead of nine.
    let mut combined = vec![[0.0; RANK]; len];
    for (t, x) in combined.iter_mut().enumerate() {
        for (r, v) in x.iter_mut().enumerate() {
            *v = (0..RANK).map(|q| products[q][r] * a[[q, t]]).sum();
        }
    }
    let split = |r: usize| -> Vec<f64> { combined.iter().map(|x| x[r]).collect() };
    let x: [Vec<f64>; RANK] = std::array::from_fn(split);
    let mut out = vec![0.0; (2 * len).saturating_sub(1)];
    for t in 0..len {
        let w: [f64; RANK] = std::array::from_fn(|r| b[[r, t]]);
        let window = &mut out[len - 1 - t..2 * len - 1 - t];
        for ((o, x0), (x1, x2)) in window.iter_mut().zip(&x[0]).zip(x[1].iter().zip(&x[2])) {
            *o += w[0] * x0 + w[1] * x1 + w[2] * x2;
        }
    }
    out
}

/// The largest inner product over all lags of every two templates, `[templates, templates]`; symmetric, about 1 on the
/// diagonal.
pub fn best_lag_similarity(templates: &Templates) -> Array2<f64> {
    symmetric(templates, |m, n, products| {
        lagged(templates, m, n, products)
            .into_iter()
            .fold(f64::NEG_INFINITY, f64::max)
    })
}

/// For each template the `size` templates most similar to it, most similar first, `[templates, size]`. The list begins
/// again when there are fewer than `size` templates.
///
/// Equal similarities are ordered by rising index, or by falling index with `reversed_ties`.
pub fn most_similar(similarity: ArrayView2<f64>, size: usize, reversed_ties: bool) -> Array2<u32> {
    let count = similarity.nrows();
    let mut out = Array2::zeros((count, size));
    for (row, mut list) in similarity.outer_iter().zip(out.outer_iter_mut()) {
        let order = descending(row.iter().copied(), reversed_ties);
        for (slot, n) in list.iter_mut().zip(order.iter().cycle()) {
            *slot = *n as u32;
        }
    }
    out
}

/// Indices of `values`, largest first; equals by rising index, or by falling index with `reversed_ties`.
pub fn descending(values: impl IntoIterator<Item = f64>, reversed_ties: bool) -> Vec<usize> {
    let values: Vec<f64> = values.into_iter().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    if reversed_ties {
        order.reverse();
    }
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_follow_shared_channels() {
        let line: Vec<[f64; 2]> = (0..100).map(|i| [0.0, 10.0 * f64::from(i)]).collect();
        let near = Neighbours::nearest(&line, 3);
        let overlaps = Overlaps::new(&[10, 12, 13, 99], &near);
        assert_eq!(overlaps.of(0), [0, 1]);
        assert_eq!(overlaps.of(1), [0, 1, 2]);
        assert_eq!(overlaps.of(3), [3]);
        assert!(overlaps.contains(1, 2) && !overlaps.contains(0, 2));
        assert!(Overlaps::new(&[], &near).is_empty());
    }

    #[test]
    fn similar_lists_wrap_and_break_ties_by_index() {
        let s = ndarray::array![[1.0, 0.5, 0.5], [0.5, 1.0, 0.2], [0.5, 0.2, 1.0]];
        assert_eq!(most_similar(s.view(), 5, false).row(0).to_vec(), [0, 1, 2, 0, 1]);
        assert_eq!(most_similar(s.view(), 2, true).row(0).to_vec(), [0, 2]);
    }
}
