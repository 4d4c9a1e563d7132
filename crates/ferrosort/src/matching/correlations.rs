//! Correlations between templates at every lag: what subtracting one changes in the projections of the others.

use ferrosort_kernels::{RANK, TemplateFilter, temporal_projection};
use rayon::prelude::*;

use super::TemplateSet;

/// For every pair of overlapping templates, their inner product at lags `-(L-1) ..= L-1`.
///
/// Subtracting `y` times template `n` at `t` changes the projection of template `m` at `t + d` by `-y` times entry `L - 1 + d` of their row.
pub struct Correlations {
    lags: usize,
    /// For each template, one row of `lags` values for each template of its overlap list.
    rows: Vec<Vec<f32>>,
}

impl Correlations {
    /// Computes all pairs, in parallel over templates.
    pub fn new(set: &TemplateSet) -> Self {
        let length = set.filters.first().map_or(1, TemplateFilter::length);
        let lags = 2 * length - 1;
        let rows = (0..set.len())
            .into_par_iter()
            .map(|n| {
                let padded: [Vec<f32>; RANK] = std::array::from_fn(|q| {
                    let mut p = vec![0.0; length - 1];
                    p.extend_from_slice(&set.filters[n].temporal[q]);
                    p.resize(3 * length - 2, 0.0);
                    p
                });
                let overlapping = set.overlaps.of(n);
                let mut row = vec![0.0f32; overlapping.len() * lags];
                for (&m, out) in overlapping.iter().zip(row.chunks_exact_mut(lags)) {
                    let seen = mixed(set, n, m as usize);
                    temporal_projection(std::array::from_fn(|q| padded[q].as_slice()), &seen, out);
                }
                row
            })
            .collect();
        Self { lags, rows }
    }

    /// The overlapping templates of `n` with their correlations at all lags.
    pub fn of<'a>(&'a self, set: &'a TemplateSet, n: usize) -> impl Iterator<Item = (usize, &'a [f32])> {
        set.overlaps
            .of(n)
            .iter()
            .map(|&m| m as usize)
            .zip(self.rows[n].chunks_exact(self.lags))
    }
}

/// Temporal components of `m` combined by its spatial overlap with each component of `n`.
fn mixed(set: &TemplateSet, n: usize, m: usize) -> TemplateFilter {
    let (a, b) = (&set.filters[n], &set.filters[m]);
    let mut overlap = [[0.0f32; RANK]; RANK];
    for (slot, channel) in a.channels.iter().enumerate() {
        let Some(other) = b.channels.iter().position(|c| c == channel) else {
            continue;
        };
        for q in 0..RANK {
            for r in 0..RANK {
                overlap[q][r] += a.spatial[slot][q] * b.spatial[other][r];
            }
        }
    }
    TemplateFilter {
        channels: Vec::new(),
        spatial: Vec::new(),
        temporal: std::array::from_fn(|q| {
            (0..b.length())
                .map(|i| (0..RANK).map(|r| overlap[q][r] * b.temporal[r][i]).sum())
                .collect()
        }),
    }
}
