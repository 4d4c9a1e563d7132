//! From detections to seeds of units: registered features, local clustering, and joining of what is one neuron
//! (docs/algorithm.md 6).

use std::collections::BTreeMap;

use ferrosort_kernels::linalg;
use ndarray::Array2;
use rayon::prelude::*;

use super::basis::{Basis, COMPONENTS};
use super::detect::Detections;
use super::geometry::Geometry;
use super::isosplit::{IsosplitParameters, isosplit};
use super::shift::Shift;
use super::signal::Signal;
use super::units::{Seed, Unit};

/// Displacements are rounded to this before features are moved, µm.
const STEP_UM: f64 = 2.0;
/// Dimensions in which spikes of one channel are clustered.
const DIMENSIONS: usize = 8;
/// Most spikes of one channel that are clustered.
const MOST: usize = 15_000;
/// Times that clusters are split again in dimensions of their own.
const DEPTH: usize = 2;
/// Dip score from which clusters stay apart. Lower than usual: pieces of one neuron are joined later, with better evidence, and what is
/// together here stays together.
pub(super) const DIP: f64 = 0.6;
/// Means closer than this, plus a share of the smaller norm, are one neuron, sd.
const SAME: (f32, f32) = (1.5, 0.2);
/// Lags at which means are compared, samples.
const LAGS: i64 = 4;

/// What clustering needs to know.
pub struct Clustering<'a> {
    /// Neighbourhoods.
    pub geometry: &'a Geometry,
    /// Whitening.
    pub signal: &'a Signal<'a>,
    /// Temporal basis.
    pub basis: &'a Basis,
    /// Fewest spikes of a cluster.
    pub min_spikes: usize,
}

/// Registered features of one spike: spikes of one channel together.
type Group = Vec<Vec<f32>>;

impl Clustering<'_> {
    /// Seeds from detections; `displacement_um` holds one value a detection.
    pub fn seeds(&self, detections: &Detections, displacement_um: &[f64]) -> Vec<Seed> {
        let groups = self.registered(detections, displacement_um);
        let parcels: Vec<Vec<Seed>> = groups
            .par_iter()
            .enumerate()
            .map(|(home, group)| self.parcels(home, group))
            .collect();
        self.join(parcels.into_iter().flatten().collect())
    }

    /// Features moved to displacement zero, by the channel that is nearest there.
    fn registered(&self, detections: &Detections, displacement_um: &[f64]) -> Vec<Group> {
        let geometry = self.geometry;
        let mut by_move: BTreeMap<(usize, usize, i64), Vec<usize>> = BTreeMap::new();
        for i in 0..detections.len() {
            let home = detections.homes[i] as usize;
            let step = (displacement_um[i] / STEP_UM).round() as i64;
            let target = if step == 0 {
                home
            } else {
                let p = geometry.positions_um[home];
                let [x, y] = detections.positions_um[i].map(f64::from);
                // Across the probe the home channel decides, along it the position.
                let x = f64::midpoint(x, p[0]);
                geometry.nearest([x, y - step as f64 * STEP_UM], geometry.shank[home])
            };
            by_move.entry((home, target, step)).or_default().push(i);
        }
        let moves: Vec<_> = by_move.into_iter().collect();
        let moved: Vec<Vec<(usize, Vec<f32>)>> = moves
            .par_iter()
            .map(|((home, target, step), spikes)| {
                if *step == 0 {
                    return spikes
                        .iter()
                        .map(|&i| (i, detections.features_of(i).to_vec()))
                        .collect();
                }
                let (from, to) = (&geometry.wide[*home], &geometry.wide[*target]);
                let shift = Shift::new(geometry, self.signal, from, to, -(*step as f64) * STEP_UM);
                spikes
                    .iter()
                    .map(|&i| (i, shift.apply(detections.features_of(i), to.len())))
                    .collect()
            })
            .collect();
        let mut groups: Vec<Vec<(usize, Vec<f32>)>> = vec![Vec::new(); geometry.wide.len()];
        for (((_, target, _), _), spikes) in moves.iter().zip(moved) {
            groups[*target].extend(spikes);
        }
        groups
            .into_iter()
            .map(|mut g| {
                g.sort_by_key(|(i, _)| *i);
                g.into_iter().map(|(_, f)| f).collect()
            })
            .collect()
    }

    fn parcels(&self, home: usize, group: &Group) -> Vec<Seed> {
        let used: Vec<usize> = if group.len() > MOST {
            (0..MOST).map(|i| i * group.len() / MOST).collect()
        } else {
            (0..group.len()).collect()
        };
        let scale = group.len() as f64 / used.len().max(1) as f64;
        let width = self.geometry.narrow[home].len() * COMPONENTS;
        let mut parcels = vec![used];
        for _ in 0..DEPTH {
            parcels = parcels.into_iter().flat_map(|p| self.split(group, p, width)).collect();
        }
        parcels.retain(|p| p.len() as f64 * scale >= self.min_spikes as f64);
        parcels.iter().map(|p| mean_of(home, group, p, scale)).collect()
    }

    fn split(&self, group: &Group, members: Vec<usize>, width: usize) -> Vec<Vec<usize>> {
        if members.len() < 2 * self.min_spikes {
            return vec![members];
        }
        let points = principal(group, &members, width);
        let dimensions = points.len() / members.len();
        let parameters = IsosplitParameters {
            min_cluster_size: self.min_spikes.clamp(8, 30),
            threshold: DIP,
            ..IsosplitParameters::default()
        };
        let labels = isosplit(&points, members.len(), dimensions, &parameters);
        let count = labels.iter().max().map_or(0, |m| *m as usize + 1);
        let mut out = vec![Vec::new(); count];
        for (&i, &l) in members.iter().zip(&labels) {
            out[l as usize].push(i);
        }
        out
    }

    /// Joins seeds whose means do not differ by more than noise and a share of their size.
    pub fn join(&self, mut seeds: Vec<Seed>) -> Vec<Seed> {
        let n = seeds.len();
        let near = |a: &Seed, b: &Seed| self.geometry.wide[a.home].contains(&b.home);
        let mut pairs: BTreeMap<(usize, usize), (f32, i64)> = BTreeMap::new();
        let found: Vec<((usize, usize), (f32, i64))> = (0..n)
            .into_par_iter()
            .flat_map_iter(|i| {
                let seeds = &seeds;
                (i + 1..n)
                    .filter(move |&j| near(&seeds[i], &seeds[j]))
                    .map(move |j| ((i, j), self.difference(&seeds[i], &seeds[j])))
            })
            .filter(|(_, (ratio, _))| *ratio < 1.0)
            .collect();
        pairs.extend(found);
        let mut alive = vec![true; n];
        while let Some((&(i, j), &(_, lag))) = pairs.iter().min_by(|a, b| a.1.0.total_cmp(&b.1.0).then(a.0.cmp(b.0))) {
            let (keep, gone, lag) = if seeds[i].count >= seeds[j].count {
                (i, j, lag)
            } else {
                (j, i, -lag)
            };
            seeds[keep] = self.merged(&seeds[keep], &seeds[gone], lag);
            alive[gone] = false;
            pairs.retain(|&(a, b), _| a != keep && b != keep && a != gone && b != gone);
            for other in (0..n).filter(|&o| alive[o] && o != keep && near(&seeds[keep], &seeds[o])) {
                let (a, b) = (keep.min(other), keep.max(other));
                let difference = self.difference(&seeds[a], &seeds[b]);
                if difference.0 < 1.0 {
                    pairs.insert((a, b), difference);
                }
            }
        }
        seeds
            .into_iter()
            .zip(alive)
            .filter(|(_, a)| *a)
            .map(|(s, _)| s)
            .collect()
    }

    /// Units that are not the same as one with more spikes.
    pub fn distinct(&self, mut units: Vec<Unit>) -> Vec<Unit> {
        units.sort_by(|a, b| {
            b.seed
                .count
                .total_cmp(&a.seed.count)
                .then(a.seed.home.cmp(&b.seed.home))
        });
        let mut kept: Vec<Unit> = Vec::new();
        for unit in units {
            let same = |k: &Unit| {
                self.geometry.wide[k.seed.home].contains(&unit.seed.home)
                    && self.difference(&k.seed, &unit.seed).0 < 1.0
            };
            if !kept.iter().any(same) {
                kept.push(unit);
            }
        }
        kept
    }

    /// How different two means are in shape: sine of the angle between them, at the lag where it is least; 1 for opposite ones.
    pub fn shape_distance(&self, a: &Seed, b: &Seed) -> f32 {
        let shared = self.shared(a, b);
        let norm = |m: &[f32]| m.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        let norms = norm(&a.mean) * norm(&b.mean);
        let cosine = (-LAGS..=LAGS)
            .map(|lag| {
                let moved = delayed(self.basis, &b.mean, lag);
                shared.iter().map(|&(i, j)| a.mean[i] * moved[j]).sum::<f32>() / norms
            })
            .fold(0.0f32, f32::max);
        (1.0 - cosine * cosine).max(0.0).sqrt()
    }

    /// Indices into the means of both seeds, of the features on channels that both have.
    fn shared(&self, a: &Seed, b: &Seed) -> Vec<(usize, usize)> {
        let (on_a, on_b) = (&self.geometry.wide[a.home], &self.geometry.wide[b.home]);
        let channels = on_a
            .iter()
            .enumerate()
            .filter_map(|(i, c)| on_b.iter().position(|o| o == c).map(|j| (i, j)));
        channels
            .flat_map(|(i, j)| (0..COMPONENTS).map(move |p| (i * COMPONENTS + p, j * COMPONENTS + p)))
            .collect()
    }

    /// Distance of two means in units of what still counts as one neuron, and the lag of the second that gives it.
    fn difference(&self, a: &Seed, b: &Seed) -> (f32, i64) {
        let shared = self.shared(a, b);
        let norm = |m: &[f32]| m.iter().map(|v| v * v).sum::<f32>().sqrt();
        let allowed = SAME.0 + SAME.1 * norm(&a.mean).min(norm(&b.mean));
        let noise = shared.len() as f32 * (1.0 / a.count + 1.0 / b.count) as f32;
        let mut best = (f32::INFINITY, 0);
        for lag in -LAGS..=LAGS {
            let moved = delayed(self.basis, &b.mean, lag);
            let squared: f32 = shared.iter().map(|&(i, j)| (a.mean[i] - moved[j]).powi(2)).sum();
            let ratio = (squared - noise).max(0.0).sqrt() / allowed;
            if ratio < best.0 {
                best = (ratio, lag);
            }
        }
        best
    }

    fn merged(&self, keep: &Seed, gone: &Seed, lag: i64) -> Seed {
        let moved = delayed(self.basis, &gone.mean, lag);
        let (on_keep, on_gone) = (&self.geometry.wide[keep.home], &self.geometry.wide[gone.home]);
        let share = (gone.count / (keep.count + gone.count)) as f32;
        let mut mean = keep.mean.clone();
        for (i, c) in on_keep.iter().enumerate() {
            if let Some(j) = on_gone.iter().position(|o| o == c) {
                for p in 0..COMPONENTS {
                    let v = &mut mean[i * COMPONENTS + p];
                    *v += share * (moved[j * COMPONENTS + p] - *v);
                }
            }
        }
        Seed {
            home: keep.home,
            mean,
            count: keep.count + gone.count,
        }
    }
}

/// Features of a waveform seen `lag` samples later than it was aligned.
fn delayed(basis: &Basis, features: &[f32], lag: i64) -> Vec<f32> {
    if lag == 0 {
        return features.to_vec();
    }
    let at = (lag + basis.length() as i64 - 1) as usize;
    let mut out = vec![0.0f32; features.len()];
    for (f, o) in features.chunks_exact(COMPONENTS).zip(out.chunks_exact_mut(COMPONENTS)) {
        for (p, o) in o.iter_mut().enumerate() {
            *o = (0..COMPONENTS).map(|q| f[q] * basis.lagged(q, p, 0)[at]).sum();
        }
    }
    out
}

fn mean_of(home: usize, group: &Group, members: &[usize], scale: f64) -> Seed {
    let width = members.first().map_or(0, |&i| group[i].len());
    let mut sums = vec![0.0f64; width];
    for &i in members {
        for (s, v) in sums.iter_mut().zip(&group[i]) {
            *s += f64::from(*v);
        }
    }
    Seed {
        home,
        mean: sums.iter().map(|s| (s / members.len().max(1) as f64) as f32).collect(),
        count: members.len() as f64 * scale,
    }
}

/// Principal coordinates of the first `width` features of the members, row by row.
fn principal(group: &Group, members: &[usize], width: usize) -> Vec<f32> {
    let n = members.len() as f64;
    let mut mean = vec![0.0f64; width];
    for &i in members {
        for (m, v) in mean.iter_mut().zip(&group[i]) {
            *m += f64::from(*v) / n;
        }
    }
    let rows: Vec<Vec<f32>> = (0..width)
        .map(|k| members.iter().map(|&i| group[i][k] - mean[k] as f32).collect())
        .collect();
    let moments: Array2<f64> = linalg::gram(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let kept = DIMENSIONS.min(width);
    let Ok((_, vectors)) = linalg::symmetric_eigen(moments.view()) else {
        return vec![0.0; members.len()];
    };
    let mut out = vec![0.0f32; members.len() * kept];
    for d in 0..kept {
        for (k, row) in rows.iter().enumerate() {
            let w = vectors[[k, d]] as f32;
            for (i, v) in row.iter().enumerate() {
                out[i * kept + d] += w * v;
            }
        }
    }
    out
}
