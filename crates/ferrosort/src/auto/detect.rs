//! Detection with matched filters that need no unit: every prototype, at every place, with footprints of several widths
//! (docs/algorithm.md 4).

use ferrosort_kernels::{ChannelMajor, best_weighted_sum, weighted_sum};

use super::basis::{Basis, COMPONENTS};
use super::geometry::{Geometry, distance};
use super::signal::Signal;

/// Widths of footprints before whitening, µm.
const WIDTHS_UM: [f64; 2] = [18.0, 40.0];
/// Two detections closer than this in space are rivals, µm.
const RIVAL_UM: f64 = 80.0;
/// ... and in time, ms.
const RIVAL_MS: f64 = 0.35;
/// Samples scored together.
const TILE: usize = 64;

/// Spikes found without templates.
#[derive(Debug, Clone, Default)]
pub struct Detections {
    /// Sample of the peak.
    pub times: Vec<i64>,
    /// Matched-filter score, sd.
    pub scores: Vec<f32>,
    /// Channel whose wide neighbourhood the features are of.
    pub homes: Vec<u32>,
    /// Position, µm.
    pub positions_um: Vec<[f32; 2]>,
    /// Features of all spikes, `[wide(home), COMPONENTS]` each, one after the other.
    pub features: Vec<f32>,
    /// Where the features of each spike begin.
    pub starts: Vec<usize>,
}

impl Detections {
    /// Number of spikes.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// True when nothing was found.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Features of a spike, `[wide(home), COMPONENTS]`.
    pub fn features_of(&self, i: usize) -> &[f32] {
        let end = self.starts.get(i + 1).copied().unwrap_or(self.features.len());
        &self.features[self.starts[i]..end]
    }

    /// Adds the spikes of a later tile.
    pub fn append(&mut self, other: Self) {
        let base = self.features.len();
        self.times.extend(other.times);
        self.scores.extend(other.scores);
        self.homes.extend(other.homes);
        self.positions_um.extend(other.positions_um);
        self.features.extend(other.features);
        self.starts.extend(other.starts.iter().map(|s| s + base));
    }
}

/// Universal matched filters of a probe.
pub struct Detector {
    /// For each site and width: channels and weights of unit norm.
    filters: Vec<Vec<Vec<(usize, f32)>>>,
    rivals: Vec<Vec<u32>>,
    rival_samples: i64,
    /// For each channel, the matrix from whitened to unwhitened amplitudes of its wide neighbourhood.
    unwhitening: Vec<Vec<f32>>,
}

struct Candidate {
    time: usize,
    site: usize,
    prototype: usize,
    score: f32,
}

impl Detector {
    /// Filters for all sites.
    pub fn new(geometry: &Geometry, signal: &Signal) -> Self {
        let footprint = |site: &super::geometry::Site, width: f64| {
            let wide = &geometry.wide[site.home];
            let raw: Vec<f64> = wide
                .iter()
                .map(|&c| {
                    let d = distance(geometry.positions_um[c], site.position_um) / width;
                    (-0.5 * d * d).exp()
                })
                .collect();
            let mut white: Vec<(usize, f64)> = geometry.narrow[site.home]
                .iter()
                .map(|&j| {
                    (
                        j,
                        wide.iter().zip(&raw).map(|(&i, r)| signal.whitening[[i, j]] * r).sum(),
                    )
                })
                .collect();
            let norm = white
                .iter()
                .map(|(_, w): &(usize, f64)| w * w)
                .sum::<f64>()
                .sqrt()
                .max(1e-12);
            for (_, w) in &mut white {
                *w /= norm;
            }
            white.into_iter().map(|(c, w)| (c, w as f32)).collect::<Vec<_>>()
        };
        let sites = &geometry.sites;
        let filters = sites
            .iter()
            .map(|s| WIDTHS_UM.iter().map(|&w| footprint(s, w)).collect())
            .collect();
        let rivals = sites
            .iter()
            .map(|a| {
                let near = |b: &super::geometry::Site| {
                    geometry.shank[a.home] == geometry.shank[b.home]
                        && (distance(a.position_um, b.position_um) <= RIVAL_UM
                            || geometry.narrow[a.home].contains(&b.home) && geometry.wide[a.home].len() <= 8)
                };
                (0..sites.len())
                    .filter(|&b| near(&sites[b]))
                    .map(|b| b as u32)
                    .collect()
            })
            .collect();
        let unwhitening = geometry
            .wide
            .iter()
            .map(|list| {
                list.iter()
                    .flat_map(|&i| list.iter().map(move |&j| (i, j)))
                    .map(|(i, j)| signal.unwhitening[[j, i]] as f32)
                    .collect()
            })
            .collect();
        Self {
            filters,
            rivals,
            rival_samples: (RIVAL_MS * signal.sample_rate() / 1000.0).round() as i64,
            unwhitening,
        }
    }

    /// Spikes above `threshold` sd in the correlations of one tile, for samples `[from, to)` of it.
    ///
    /// `first` is the recording's sample of `correlations` sample 0.
    pub fn detect(
        &self,
        correlations: &ChannelMajor,
        basis: &Basis,
        geometry: &Geometry,
        threshold: f32,
        [from, to]: [usize; 2],
        first: i64,
    ) -> Detections {
        let mut candidates = self.candidates(correlations, basis, threshold);
        candidates.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then(a.time.cmp(&b.time))
                .then(a.site.cmp(&b.site))
        });
        let mut taken: Vec<Vec<i64>> = vec![Vec::new(); self.filters.len()];
        let mut kept: Vec<Candidate> = Vec::new();
        for c in candidates {
            let rival = |&s: &u32| {
                taken[s as usize]
                    .iter()
                    .any(|t| (t - c.time as i64).abs() <= self.rival_samples)
            };
            if !self.rivals[c.site].iter().any(rival) {
                taken[c.site].push(c.time as i64);
                kept.push(c);
            }
        }
        kept.retain(|c| (from..to).contains(&c.time));
        kept.sort_by_key(|c| (c.time, c.site));
        let mut out = Detections::default();
        for c in kept {
            self.record(&c, correlations, basis, geometry, first, &mut out);
        }
        out
    }

    fn candidates(&self, correlations: &ChannelMajor, basis: &Basis, threshold: f32) -> Vec<Candidate> {
        let channels = correlations.channels() / COMPONENTS;
        let samples = correlations.samples();
        let prototypes = basis.prototypes.len();
        let mut responses = vec![0.0f32; channels * prototypes * TILE];
        let mut best = vec![vec![0.0f32; samples]; self.filters.len()];
        let mut winner = vec![vec![0u32; samples]; self.filters.len()];
        for start in (0..samples).step_by(TILE) {
            let width = TILE.min(samples - start);
            for c in 0..channels {
                for (q, prototype) in basis.prototypes.iter().enumerate() {
                    let terms: [(&[f32], f32); COMPONENTS] = std::array::from_fn(|p| {
                        (
                            &correlations.row(c * COMPONENTS + p)[start..start + width],
                            prototype[p],
                        )
                    });
                    weighted_sum(&terms, &mut responses[(q * channels + c) * TILE..][..width]);
                }
            }
            for (site, filters) in self.filters.iter().enumerate() {
                let (best, winner) = (
                    &mut best[site][start..start + width],
                    &mut winner[site][start..start + width],
                );
                for filter in filters {
                    best_weighted_sum(&responses, TILE, prototypes, channels, filter, best, winner);
                }
            }
        }
        let mut out = Vec::new();
        for (site, best) in best.iter().enumerate() {
            for t in 1..samples.saturating_sub(1) {
                if best[t] > threshold && best[t] >= best[t - 1] && best[t] > best[t + 1] {
                    out.push(Candidate {
                        time: t,
                        site,
                        prototype: winner[site][t] as usize,
                        score: best[t],
                    });
                }
            }
        }
        out
    }

    fn record(
        &self,
        c: &Candidate,
        correlations: &ChannelMajor,
        basis: &Basis,
        geometry: &Geometry,
        first: i64,
        out: &mut Detections,
    ) {
        let near = &self.filters[c.site][0];
        let prototype = &basis.prototypes[c.prototype];
        let response = |channel: usize| -> f32 {
            (0..COMPONENTS)
                .map(|p| prototype[p] * correlations.row(channel * COMPONENTS + p)[c.time])
                .sum()
        };
        // The features are of the neighbourhood of the channel with the largest response.
        let home = near.iter().fold((near[0].0, f32::NEG_INFINITY), |b, &(ch, _)| {
            let r = response(ch);
            if r > b.1 { (ch, r) } else { b }
        });
        let wide = &geometry.wide[home.0];
        let white: Vec<f32> = wide.iter().map(|&ch| response(ch)).collect();
        out.starts.push(out.features.len());
        for &ch in wide {
            for p in 0..COMPONENTS {
                out.features.push(correlations.row(ch * COMPONENTS + p)[c.time]);
            }
        }
        out.times.push(first + c.time as i64);
        out.scores.push(c.score);
        out.homes.push(home.0 as u32);
        out.positions_um.push(self.position(home.0, wide, &white, geometry));
    }

    /// Centre of the unwhitened amplitudes around the home channel.
    fn position(&self, home: usize, wide: &[usize], white: &[f32], geometry: &Geometry) -> [f32; 2] {
        let n = wide.len();
        let raw = |i: usize| -> f32 { (0..n).map(|j| self.unwhitening[home][i * n + j] * white[j]).sum() };
        let centre = geometry.positions_um[home];
        let mut sums = [0.0f64; 3];
        for (i, &ch) in wide.iter().enumerate() {
            let p = geometry.positions_um[ch];
            if distance(p, centre) <= 55.0 {
                let w = f64::from(raw(i).max(0.0)).powi(2);
                sums[0] += w;
                sums[1] += w * p[0];
                sums[2] += w * p[1];
            }
        }
        if sums[0] > 0.0 {
            [(sums[1] / sums[0]) as f32, (sums[2] / sums[0]) as f32]
        } else {
            [centre[0] as f32, centre[1] as f32]
        }
    }
}
