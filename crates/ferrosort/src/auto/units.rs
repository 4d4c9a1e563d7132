//! Units and their templates, which change with the displacement of the tissue (docs/algorithm.md 7).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::basis::COMPONENTS;
use super::geometry::Geometry;
use super::shift::Shift;
use super::signal::Signal;

/// Distance of the displacements at which a template is kept, µm.
pub(super) const KNOT_UM: f64 = 10.0;
/// Spikes that the interpolated template counts as, where a knot has its own.
const PRIOR_SPIKES: f64 = 30.0;
/// Channels of a template at most.
const MOST_CHANNELS: usize = 24;
/// Channels with less than this share of the energy of the largest are left out.
const LEAST_SHARE: f32 = 0.004;
/// ... or with less energy than this, sd squared.
const LEAST_ENERGY: f32 = 0.1;

/// A cluster's mean at displacement zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seed {
    /// Channel that is largest; features are of its wide neighbourhood.
    pub home: usize,
    /// `[wide(home), COMPONENTS]`.
    pub mean: Vec<f32>,
    /// Spikes.
    pub count: f64,
}

/// A neuron as the pursuit knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unit {
    /// Mean at displacement zero.
    pub seed: Seed,
    /// Channels of the templates.
    pub channels: Vec<usize>,
    /// Displacement of the first knot, µm.
    first_um: f64,
    /// `[channels, COMPONENTS]` at each knot.
    knots: Vec<Vec<f32>>,
    /// Expected spikes per second.
    pub rate_hz: f64,
    /// Spread of the amplitude, relative to 1.
    pub amplitude_sd: f64,
}

/// Sums of spikes near one knot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KnotSum {
    /// Sum of weights.
    pub weight: f64,
    /// Weighted sum of features, `[channels, COMPONENTS]`.
    pub features: Vec<f64>,
}

/// Shrinks each channel by what of its energy is expected to be noise.
fn shrink(mean: &mut [f32], count: f64) {
    for row in mean.chunks_exact_mut(COMPONENTS) {
        let energy: f32 = row.iter().map(|v| v * v).sum();
        let noise = (COMPONENTS as f64 / count.max(1.0)) as f32;
        let keep = (1.0 - 1.5 * noise / energy.max(1e-9)).max(0.0);
        for v in row {
            *v *= keep;
        }
    }
}

impl Unit {
    /// Templates of a cluster for displacements within `range_um`.
    pub fn new(seed: Seed, geometry: &Geometry, signal: &Signal, range_um: [f64; 2], rate_hz: f64) -> Self {
        let first = (range_um[0] / KNOT_UM).floor();
        let count = ((range_um[1] / KNOT_UM).ceil() - first) as usize + 1;
        let mut mean = seed.mean.clone();
        shrink(&mut mean, seed.count);
        let home_at = geometry.positions_um[seed.home];
        let mut channels = BTreeSet::new();
        for k in 0..count {
            let d = (first + k as f64) * KNOT_UM;
            let near = geometry.nearest([home_at[0], home_at[1] + d], geometry.shank[seed.home]);
            channels.extend(geometry.wide[near].iter().copied());
        }
        let channels: Vec<usize> = channels.into_iter().collect();
        let knots = (0..count).map(|k| {
            let d = (first + k as f64) * KNOT_UM;
            if d == 0.0 {
                let mut out = vec![0.0; channels.len() * COMPONENTS];
                for (i, c) in geometry.wide[seed.home].iter().enumerate() {
                    if let Ok(at) = channels.binary_search(c) {
                        out[at * COMPONENTS..][..COMPONENTS].copy_from_slice(&mean[i * COMPONENTS..][..COMPONENTS]);
                    }
                }
                return out;
            }
            Shift::new(geometry, signal, &geometry.wide[seed.home], &channels, d).apply(&mean, channels.len())
        });
        let knots = knots.collect();
        let mut unit = Self {
            seed,
            channels,
            first_um: first * KNOT_UM,
            knots,
            rate_hz,
            amplitude_sd: 0.12,
        };
        unit.prune();
        unit
    }

    /// Leaves out channels where the unit is not seen at any displacement.
    fn prune(&mut self) {
        let energy = |i: usize| {
            let at = |k: &Vec<f32>| k[i * COMPONENTS..][..COMPONENTS].iter().map(|v| v * v).sum::<f32>();
            self.knots.iter().map(at).fold(0.0f32, f32::max)
        };
        let energies: Vec<f32> = (0..self.channels.len()).map(energy).collect();
        let largest = energies.iter().copied().fold(0.0, f32::max);
        let mut order: Vec<usize> = (0..energies.len())
            .filter(|&i| energies[i] > (LEAST_SHARE * largest).max(LEAST_ENERGY))
            .collect();
        order.sort_by(|&a, &b| energies[b].total_cmp(&energies[a]).then(a.cmp(&b)));
        order.truncate(MOST_CHANNELS);
        order.sort_unstable();
        self.knots = self
            .knots
            .iter()
            .map(|k| {
                order
                    .iter()
                    .flat_map(|&i| k[i * COMPONENTS..][..COMPONENTS].iter().copied())
                    .collect()
            })
            .collect();
        self.channels = order.iter().map(|&i| self.channels[i]).collect();
    }

    /// Number of knots.
    pub fn knots(&self) -> usize {
        self.knots.len()
    }

    /// The two knots around a displacement and the weight of the second.
    pub fn place(&self, displacement_um: f64) -> (usize, f64) {
        let at = ((displacement_um - self.first_um) / KNOT_UM).clamp(0.0, (self.knots.len() - 1) as f64);
        let low = (at.floor() as usize).min(self.knots.len().saturating_sub(2));
        (low, if self.knots.len() == 1 { 0.0 } else { at - low as f64 })
    }

    /// Template at a displacement, `[channels, COMPONENTS]`.
    pub fn template(&self, displacement_um: f64) -> Vec<f32> {
        let (low, f) = self.place(displacement_um);
        let f = f as f32;
        match self.knots.get(low + 1) {
            Some(high) => self.knots[low].iter().zip(high).map(|(a, b)| a + f * (b - a)).collect(),
            None => self.knots[low].clone(),
        }
    }

    /// Template at a displacement on the channels where it is not negligible there: channels and `[channels, COMPONENTS]`.
    pub fn here(&self, displacement_um: f64) -> (Vec<usize>, Vec<f32>) {
        let template = self.template(displacement_um);
        let energies: Vec<f32> = template
            .chunks_exact(COMPONENTS)
            .map(|r| r.iter().map(|v| v * v).sum())
            .collect();
        let least = (LEAST_SHARE * energies.iter().sum::<f32>()).max(LEAST_ENERGY);
        let used: Vec<usize> = (0..energies.len()).filter(|&i| energies[i] > least).collect();
        let channels = used.iter().map(|&i| self.channels[i]).collect();
        (
            channels,
            used.iter()
                .flat_map(|&i| template[i * COMPONENTS..][..COMPONENTS].iter().copied())
                .collect(),
        )
    }

    /// Learns the templates again from sums of spikes at each knot. `range_um` is that of all displacements.
    pub fn relearn(&self, sums: &[KnotSum], geometry: &Geometry, signal: &Signal, range_um: [f64; 2]) -> Option<Self> {
        let total: f64 = sums.iter().map(|s| s.weight).sum();
        if total < 5.0 {
            return None;
        }
        let wide = &geometry.wide[self.seed.home];
        let mut mean = vec![0.0f64; wide.len() * COMPONENTS];
        for (k, sum) in sums.iter().enumerate().filter(|(_, s)| s.weight > 0.0) {
            let own: Vec<f32> = sum.features.iter().map(|v| (v / sum.weight) as f32).collect();
            let d = self.first_um + k as f64 * KNOT_UM;
            let moved = if d == 0.0 {
                let at = |c: &usize| self.channels.binary_search(c).ok();
                wide.iter()
                    .flat_map(|c| match at(c) {
                        Some(i) => own[i * COMPONENTS..][..COMPONENTS].to_vec(),
                        None => vec![0.0; COMPONENTS],
                    })
                    .collect()
            } else {
                Shift::new(geometry, signal, &self.channels, wide, -d).apply(&own, wide.len())
            };
            for (m, v) in mean.iter_mut().zip(moved) {
                *m += sum.weight / total * f64::from(v);
            }
        }
        let mean: Vec<f32> = mean.iter().map(|&v| v as f32).collect();
        let energy = |i: usize| mean[i * COMPONENTS..][..COMPONENTS].iter().map(|v| v * v).sum::<f32>();
        let largest = (0..wide.len())
            .fold((0, -1.0f32), |b, i| if energy(i) > b.1 { (i, energy(i)) } else { b })
            .0;
        let seed = if wide[largest] == self.seed.home || wide.len() < 2 {
            Seed {
                home: self.seed.home,
                mean,
                count: total,
            }
        } else {
            let home = wide[largest];
            let targets = &geometry.wide[home];
            let at = |c: &usize| wide.iter().position(|w| w == c);
            let mean = targets
                .iter()
                .flat_map(|c| match at(c) {
                    Some(i) => mean[i * COMPONENTS..][..COMPONENTS].to_vec(),
                    None => vec![0.0; COMPONENTS],
                })
                .collect();
            Seed {
                home,
                mean,
                count: total,
            }
        };
        let mut unit = Self::new(seed, geometry, signal, range_um, self.rate_hz);
        unit.amplitude_sd = self.amplitude_sd;
        for (k, sum) in sums.iter().enumerate().filter(|(_, s)| s.weight > 0.0) {
            let mut own: Vec<f32> = sum.features.iter().map(|v| (v / sum.weight) as f32).collect();
            shrink(&mut own, sum.weight);
            let share = (sum.weight / (sum.weight + PRIOR_SPIKES)) as f32;
            for (i, c) in unit.channels.iter().enumerate() {
                if let Ok(at) = self.channels.binary_search(c) {
                    let target = &mut unit.knots[k][i * COMPONENTS..][..COMPONENTS];
                    for (t, v) in target.iter_mut().zip(&own[at * COMPONENTS..][..COMPONENTS]) {
                        *t += share * (v - *t);
                    }
                }
            }
        }
        Some(unit)
    }

    /// Norm of the template at displacement zero: d'.
    pub fn norm(&self) -> f32 {
        self.template(0.0).iter().map(|v| v * v).sum::<f32>().sqrt()
    }
}
