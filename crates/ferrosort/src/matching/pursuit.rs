//! The pursuit of one batch: find the best fits, subtract them, look again.

use std::ops::Range;

use ferrosort_kernels::{
    ChannelMajor, RANK, best_template, spatial_projection, subtract_shifted, template_projection, temporal_projection,
};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::correlations::Correlations;
use super::{Spike, TemplateSet};

/// Rounds of detection and subtraction at most.
const ROUNDS: u8 = 60;
/// Samples on each side of a spike within which the round finds no other.
const LOCKOUT: usize = 60;
/// Starts whose projections one task computes.
const TILE: usize = 1024;

/// Numbers of the pursuit.
#[derive(Debug, Clone, PartialEq)]
pub struct PursuitParams {
    /// A spike's score exceeds the square of this, sd.
    pub threshold: f32,
    /// Weight of the amplitude prior.
    pub amplitude_prior: f32,
    /// Starts whose projection is computed; the rest count as zero.
    pub correlated: usize,
    /// Starts that are scored.
    pub searched: Range<usize>,
    /// Starts at which peaks are looked for.
    pub peaks: Range<usize>,
    /// Recompute projections from the signal after each subtraction, leaving out the row 60 samples after the start, as the original does.
    pub stale_row: bool,
}

/// What a pursuit found.
pub struct Pursued {
    /// Spikes by start, then template.
    pub spikes: Vec<Spike>,
    /// The signal less all spikes.
    pub residual: ChannelMajor,
    /// Template features `[spikes, slots]`, when asked for.
    pub template_features: Option<Array2<f32>>,
}

/// Explains a batch by templates. `similar` `[templates, slots]` asks for template features: the projections of each spike on the
/// templates most similar to its own.
pub fn pursue(x: ChannelMajor, set: &TemplateSet, similar: Option<ArrayView2<u32>>, params: &PursuitParams) -> Pursued {
    let mut state = Pursuit::new(x, set, params);
    let mut spikes: Vec<Spike> = Vec::new();
    let mut features: Vec<f32> = Vec::new();
    for round in 0..ROUNDS {
        let found = state.peaks(round);
        if found.is_empty() {
            break;
        }
        if let Some(similar) = &similar {
            for spike in &found {
                state.template_features(spike, similar, &mut features);
            }
        }
        state.subtract(&found);
        spikes.extend(found);
    }
    let mut order: Vec<usize> = (0..spikes.len()).collect();
    order.sort_by_key(|&i| (spikes[i].start, spikes[i].template));
    let template_features = similar.map(|s| {
        let slots = s.ncols();
        Array2::from_shape_fn((spikes.len(), slots), |(i, j)| features[order[i] * slots + j])
    });
    Pursued {
        spikes: order.iter().map(|&i| spikes[i]).collect(),
        residual: state.x,
        template_features,
    }
}

/// How projections follow a subtraction.
enum Refresh {
    /// By the correlations between templates.
    Exact(Correlations),
    /// From the signal: spatial projections `[templates, 3, samples]` are kept and one row of them goes stale.
    Stale(Vec<f32>),
}

struct Pursuit<'a> {
    x: ChannelMajor,
    set: &'a TemplateSet,
    params: &'a PursuitParams,
    refresh: Refresh,
    /// Projections `[templates, samples]`.
    projections: Vec<f32>,
    score: Vec<f32>,
    winner: Vec<u32>,
}

impl<'a> Pursuit<'a> {
    fn new(x: ChannelMajor, set: &'a TemplateSet, params: &'a PursuitParams) -> Self {
        let samples = x.samples();
        let mut projections = vec![0.0f32; set.len() * samples];
        let mut score = vec![0.0f32; samples];
        let mut winner = vec![0u32; samples];
        let tiles = tiles(&mut projections, &mut score, &mut winner, samples);
        tiles.into_par_iter().for_each(|mut tile| {
            let mut scratch = Vec::new();
            let width = params.correlated.saturating_sub(tile.start).min(tile.score.len());
            for (filter, y) in set.filters.iter().zip(&mut tile.projections) {
                template_projection(&x, filter, tile.start, &mut y[..width], &mut scratch);
            }
            let rows = tile.projections.iter().map(|y| &**y);
            rescore(rows, set, params, tile.start, tile.score, tile.winner);
        });
        let refresh = if params.stale_row {
            Refresh::Stale(all_spatial_projections(&x, set))
        } else {
            Refresh::Exact(Correlations::new(set))
        };
        Self {
            x,
            set,
            params,
            refresh,
            projections,
            score,
            winner,
        }
    }

    /// Starts whose score exceeds the threshold and that of every start within 60 samples.
    fn peaks(&self, round: u8) -> Vec<Spike> {
        let limit = self.params.threshold * self.params.threshold;
        let samples = self.x.samples();
        let mut found = Vec::new();
        for t in self.params.peaks.clone() {
            let s = self.score[t];
            if s <= limit {
                continue;
            }
            let around = t.saturating_sub(LOCKOUT)..(t + LOCKOUT + 1).min(samples);
            if self.score[around].iter().all(|v| *v <= s) {
                let template = self.winner[t];
                found.push(Spike {
                    start: t as u32,
                    template,
                    amplitude: self.projections[template as usize * samples + t],
                    score: s.sqrt(),
                    round,
                });
            }
        }
        found
    }

    /// Best normalised projection within a few samples, for each template similar to the spike's.
    fn template_features(&self, spike: &Spike, similar: &ArrayView2<u32>, out: &mut Vec<f32>) {
        let samples = self.x.samples();
        let lam = self.params.amplitude_prior;
        let t = spike.start as usize;
        for &m in similar.row(spike.template as usize) {
            let row = &self.projections[m as usize * samples..(m as usize + 1) * samples];
            let mu = self.set.mu[m as usize];
            let largest = row[t.saturating_sub(3)..(t + 3).min(samples)]
                .iter()
                .fold(f32::MIN, |a, b| a.max(*b));
            let scaled = (largest + lam / mu) / (1.0 + lam / (mu * mu)).sqrt();
            out.push(scaled.max(0.0));
        }
    }

    fn subtract(&mut self, found: &[Spike]) {
        for spike in found {
            let n = spike.template as usize;
            let filter = &self.set.filters[n];
            let window = spike.start as usize..spike.start as usize + filter.length();
            for (slot, &c) in filter.channels.iter().enumerate() {
                let out = &mut self.x.row_mut(c as usize)[window.clone()];
                self.set.add_waveform(n, slot, -spike.amplitude, out);
            }
        }
        let touched = match &mut self.refresh {
            Refresh::Exact(correlations) => {
                for spike in found {
                    update_projections(
                        correlations,
                        self.set,
                        self.params,
                        spike,
                        &mut self.projections,
                        self.x.samples(),
                    );
                }
                1
            }
            Refresh::Stale(spatial) => {
                for spike in found {
                    refresh_spatial(spatial, &self.x, self.set, spike);
                }
                for spike in found {
                    refresh_temporal(spatial, self.set, spike, &mut self.projections, self.x.samples());
                }
                0
            }
        };
        for spike in found {
            let reach = self.reach(spike, touched);
            self.rescore(reach);
        }
    }

    /// Starts whose projections a spike changes: by default all, else as far as the original refreshes.
    fn reach(&self, spike: &Spike, after: usize) -> Range<usize> {
        let length = self.set.filters[spike.template as usize].length();
        let t = spike.start as usize;
        t.saturating_sub(length)..(t + length - 1 + after).min(self.x.samples())
    }

    fn rescore(&mut self, range: Range<usize>) {
        let samples = self.x.samples();
        let rows = self.projections.chunks_exact(samples).map(|y| &y[range.clone()]);
        let (score, winner) = (&mut self.score[range.clone()], &mut self.winner[range.clone()]);
        rescore(rows, self.set, self.params, range.start, score, winner);
    }
}

/// Lets all templates compete, in order, for the starts from `start`; starts that are not searched score zero.
fn rescore<'r>(
    rows: impl Iterator<Item = &'r [f32]>,
    set: &TemplateSet,
    params: &PursuitParams,
    start: usize,
    score: &mut [f32],
    winner: &mut [u32],
) {
    score.fill(0.0);
    winner.fill(0);
    let first = params.searched.start.saturating_sub(start).min(score.len());
    let last = params.searched.end.saturating_sub(start).clamp(first, score.len());
    let (score, winner) = (&mut score[first..last], &mut winner[first..last]);
    for ((n, row), &mu) in rows.enumerate().zip(&set.mu) {
        best_template(&row[first..last], mu, params.amplitude_prior, n as u32, score, winner);
    }
}

/// One range of starts: its piece of every projection, of the score and of the winner.
struct Tile<'a> {
    start: usize,
    projections: Vec<&'a mut [f32]>,
    score: &'a mut [f32],
    winner: &'a mut [u32],
}

fn tiles<'a>(projections: &'a mut [f32], score: &'a mut [f32], winner: &'a mut [u32], samples: usize) -> Vec<Tile<'a>> {
    let mut tiles: Vec<Tile> = score
        .chunks_mut(TILE)
        .zip(winner.chunks_mut(TILE))
        .enumerate()
        .map(|(k, (score, winner))| Tile {
            start: k * TILE,
            projections: Vec::new(),
            score,
            winner,
        })
        .collect();
    for row in projections.chunks_exact_mut(samples.max(1)) {
        for (tile, piece) in tiles.iter_mut().zip(row.chunks_mut(TILE)) {
            tile.projections.push(piece);
        }
    }
    tiles
}

/// Takes one spike out of the projections of all templates that overlap with its own.
fn update_projections(
    correlations: &Correlations,
    set: &TemplateSet,
    params: &PursuitParams,
    spike: &Spike,
    projections: &mut [f32],
    samples: usize,
) {
    let n = spike.template as usize;
    let reach = set.filters[n].length() - 1;
    let t = spike.start as usize;
    let first = t.saturating_sub(reach);
    let last = (t + reach + 1).min(params.correlated);
    if first >= last {
        return;
    }
    let skipped = first + reach - t;
    for (m, lags) in correlations.of(set, n) {
        let row = &mut projections[m * samples + first..m * samples + last];
        subtract_shifted(row, spike.amplitude, &lags[skipped..skipped + last - first]);
    }
}

fn all_spatial_projections(x: &ChannelMajor, set: &TemplateSet) -> Vec<f32> {
    let samples = x.samples();
    let mut spatial = vec![0.0f32; set.len() * RANK * samples];
    spatial
        .par_chunks_exact_mut((RANK * samples).max(1))
        .zip(&set.filters)
        .for_each(|(p, filter)| {
            let (p0, rest) = p.split_at_mut(samples);
            let (p1, p2) = rest.split_at_mut(samples);
            spatial_projection(x, filter, 0, &mut [p0, p1, p2]);
        });
    spatial
}

/// Recomputes the spatial projections that a spike changed, but for the last row.
fn refresh_spatial(spatial: &mut [f32], x: &ChannelMajor, set: &TemplateSet, spike: &Spike) {
    let samples = x.samples();
    let n = spike.template as usize;
    let length = set.filters[n].length();
    let t = spike.start as usize;
    let rows = t.saturating_sub(length)..(t + length - 1).min(samples);
    for &m in set.overlaps.of(n) {
        let p = &mut spatial[m as usize * RANK * samples..(m as usize + 1) * RANK * samples];
        let (p0, rest) = p.split_at_mut(samples);
        let (p1, p2) = rest.split_at_mut(samples);
        let mut out = [&mut p0[rows.clone()], &mut p1[rows.clone()], &mut p2[rows.clone()]];
        spatial_projection(x, &set.filters[m as usize], rows.start, &mut out);
    }
}

/// Recomputes the projections that read refreshed rows.
fn refresh_temporal(spatial: &[f32], set: &TemplateSet, spike: &Spike, projections: &mut [f32], samples: usize) {
    let n = spike.template as usize;
    let length = set.filters[n].length();
    let t = spike.start as usize;
    let rows = t.saturating_sub(length)..(t + length - 1).min(samples - length);
    if rows.is_empty() {
        return;
    }
    for &m in set.overlaps.of(n) {
        let m = m as usize;
        let p = std::array::from_fn(|q| {
            let row = &spatial[(m * RANK + q) * samples..(m * RANK + q + 1) * samples];
            &row[rows.start..rows.end + length - 1]
        });
        let y = &mut projections[m * samples + rows.start..m * samples + rows.end];
        temporal_projection(p, &set.filters[m], y);
    }
}
