//! Detection with matched filters that need no unit: every prototype, at every place, with footprints of several widths
//! (docs/algorithm.md 4).

use ferrosort_kernels::{PIECE, best_weighted_sum, largest, weighted_rows};
use serde::{Deserialize, Serialize};

use super::basis::{Basis, COMPONENTS, PER_SAMPLE, parabola};
use super::geometry::{Geometry, distance};
use super::signal::Signal;
use super::tile::Tile;

/// Widths of footprints before whitening, µm.
const WIDTHS_UM: [f64; 2] = [18.0, 40.0];
/// Two detections closer than this in space are rivals, µm.
pub(super) const RIVAL_UM: f64 = 80.0;
/// ... and in time, ms.
pub(super) const RIVAL_MS: f64 = 0.35;
/// A spike is aligned to its largest sample within so many samples of its best score.
const ALIGN: usize = 4;
/// Least energy of an aligned and cleaned spike, as a share of the squared threshold: what is left of one found twice has less.
const LEAST_ENERGY: f32 = 0.6;
/// Positive samples count less: which of two opposite lobes is larger should not depend on noise.
const POSITIVE: f32 = 0.7;

/// Spikes found without templates.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
    /// For each site: channels and their weights for each width, of unit norm.
    filters: Vec<Vec<(u32, [f32; 2])>>,
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

/// A spike of one tile: aligned, and without what earlier ones of the tile explain.
struct Accepted {
    candidate: Candidate,
    /// Time of the peak, quarters of a sample.
    quarters: i64,
    home: usize,
    /// `[wide(home), COMPONENTS]`.
    features: Vec<f32>,
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
                        wide.iter()
                            .zip(&raw)
                            .map(|(&i, r)| signal.noise.whitening[[i, j]] * r)
                            .sum(),
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
            white.into_iter().map(|(c, w)| (c as u32, w as f32)).collect::<Vec<_>>()
        };
        let sites = &geometry.sites;
        let filter = |s| {
            let [first, second] = WIDTHS_UM.map(|width| footprint(s, width));
            first
                .into_iter()
                .zip(second)
                .map(|((c, a), (_, b))| (c, [a, b]))
                .collect()
        };
        let filters = sites.iter().map(filter).collect();
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
                    .map(|(i, j)| signal.noise.unwhitening[[j, i]] as f32)
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

    /// Spikes above `threshold` sd in one tile, for times `[from, to)` of it.
    ///
    /// `first` is the recording's sample of the tile's time 0.
    pub fn detect(
        &self,
        tile: &Tile,
        basis: &Basis,
        geometry: &Geometry,
        threshold: f32,
        [from, to]: [usize; 2],
        first: i64,
    ) -> Detections {
        let mut candidates = self.candidates(tile, basis, threshold);
        candidates.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then(a.time.cmp(&b.time))
                .then(a.site.cmp(&b.site))
        });
        let mut taken: Vec<Vec<i64>> = vec![Vec::new(); self.filters.len()];
        let mut accepted: Vec<Accepted> = Vec::new();
        let mut by_home: Vec<Vec<usize>> = vec![Vec::new(); geometry.wide.len()];
        let samples = tile.samples();
        for c in candidates {
            let rival = |&s: &u32| {
                taken[s as usize]
                    .iter()
                    .any(|t| (t - c.time as i64).abs() <= self.rival_samples)
            };
            let inside = c.time > 2 * ALIGN && c.time + 2 * ALIGN < samples;
            if !inside || self.rivals[c.site].iter().any(rival) {
                continue;
            }
            let reach = basis.length() as i64;
            let near: Vec<&Accepted> = geometry.wide[geometry.sites[c.site].home]
                .iter()
                .flat_map(|&h| &by_home[h])
                .map(|&i| &accepted[i])
                .filter(|a| (a.quarters / PER_SAMPLE - c.time as i64).abs() < reach)
                .collect();
            // Side lobes of a large spike are no spikes.
            let score = c.score - near.iter().map(|a| self.explained(&c, a, basis, geometry)).sum::<f32>();
            if score > threshold {
                let (site, time) = (c.site, c.time as i64);
                let spike = self.aligned(c, &near, tile, basis, geometry);
                if self.energy(&spike, geometry) > LEAST_ENERGY * threshold * threshold {
                    taken[site].push(time);
                    by_home[spike.home].push(accepted.len());
                    accepted.push(spike);
                }
            }
        }
        accepted.retain(|a| (from..to).contains(&a.candidate.time));
        accepted.sort_by_key(|a| (a.candidate.time, a.candidate.site));
        let mut out = Detections::default();
        for a in accepted {
            self.record(a, tile, basis, geometry, first, &mut out);
        }
        out
    }

    /// Score that a candidate owes to an accepted spike.
    fn explained(&self, c: &Candidate, by: &Accepted, basis: &Basis, geometry: &Geometry) -> f32 {
        let prototype = &basis.prototypes[c.prototype];
        let lag = c.time as i64 * PER_SAMPLE - by.quarters;
        let seen: [f32; COMPONENTS] =
            std::array::from_fn(|q| (0..COMPONENTS).map(|p| prototype[p] * basis.lagged_at(q, p, lag)).sum());
        let wide = &geometry.wide[by.home];
        // The widths differ little on the channels that matter; the first stands for both.
        self.filters[c.site]
            .iter()
            .filter_map(|&(channel, [w, _])| wide.iter().position(|&o| o == channel as usize).map(|at| (at, w)))
            .map(|(at, w)| {
                let features = &by.features[at * COMPONENTS..][..COMPONENTS];
                w * features.iter().zip(&seen).map(|(f, s)| f * s).sum::<f32>()
            })
            .sum()
    }

    /// Energy of a spike's features through the filter that found it.
    fn energy(&self, spike: &Accepted, geometry: &Geometry) -> f32 {
        let wide = &geometry.wide[spike.home];
        let mut seen = [0.0f32; COMPONENTS];
        for &(channel, [w, _]) in &self.filters[spike.candidate.site] {
            if let Some(at) = wide.iter().position(|&o| o == channel as usize) {
                for (s, f) in seen.iter_mut().zip(&spike.features[at * COMPONENTS..]) {
                    *s += w * f;
                }
            }
        }
        seen.iter().map(|s| s * s).sum()
    }

    /// Aligns a candidate to the peak seen through its filter and takes away what the spikes near it explain.
    fn aligned(
        &self,
        candidate: Candidate,
        near: &[&Accepted],
        tile: &Tile,
        basis: &Basis,
        geometry: &Geometry,
    ) -> Accepted {
        let filter = &self.filters[candidate.site];
        // What the basis leaves of the sample itself: a sharp peak, unlike the energy, which shifted spikes share.
        let peak = |t: usize| -> f32 {
            let mut value = 0.0f32;
            for &(c, [w, _]) in filter {
                let seen = tile.features(c as usize, t, 0);
                value += w * seen
                    .iter()
                    .zip(&basis.components)
                    .map(|(s, c)| s * c[basis.before])
                    .sum::<f32>();
            }
            if value < 0.0 { -value } else { POSITIVE * value }
        };
        let heights: [f32; 2 * ALIGN + 3] = std::array::from_fn(|k| peak(candidate.time + k - ALIGN - 1));
        let best = (1..=2 * ALIGN + 1).fold(ALIGN + 1, |b, k| if heights[k] > heights[b] { k } else { b });
        let (phase, _) = parabola(heights[best - 1], heights[best], heights[best + 1]);
        let time = candidate.time + best - ALIGN - 1;
        let quarters = time as i64 * PER_SAMPLE + phase;
        // The features are of the neighbourhood of the channel with the largest response.
        let prototype = &basis.prototypes[candidate.prototype];
        let first = (filter[0].0 as usize, f32::NEG_INFINITY);
        let (home, _) = filter.iter().fold(first, |b, &(c, _)| {
            let r = response(tile, c as usize, candidate.time, prototype);
            if r > b.1 { (c as usize, r) } else { b }
        });
        let wide = &geometry.wide[home];
        let mut features: Vec<f32> = wide.iter().flat_map(|&c| tile.features(c, time, phase)).collect();
        for other in near {
            let lag = quarters - other.quarters;
            let on_other = &geometry.wide[other.home];
            for (own, channel) in features.chunks_exact_mut(COMPONENTS).zip(wide) {
                let Some(at) = on_other.iter().position(|o| o == channel) else {
                    continue;
                };
                for (p, v) in own.iter_mut().enumerate() {
                    *v -= (0..COMPONENTS)
                        .map(|q| other.features[at * COMPONENTS + q] * basis.lagged_at(q, p, lag))
                        .sum::<f32>();
                }
            }
        }
        Accepted {
            candidate,
            quarters,
            home,
            features,
        }
    }

    fn candidates(&self, tile: &Tile, basis: &Basis, threshold: f32) -> Vec<Candidate> {
        let (channels, samples) = (tile.channels(), tile.samples());
        let prototypes: Vec<Vec<(u32, f32)>> = basis
            .prototypes
            .iter()
            .map(|q| q.iter().enumerate().map(|(p, w)| (p as u32, *w)).collect())
            .collect();
        let mut piece = vec![0.0f32; tile.piece_len()];
        let mut responses = vec![0.0f32; channels * prototypes.len() * PIECE];
        let mut out = Vec::new();
        // Pieces overlap by two samples: a peak needs its neighbours.
        for start in (0..(samples + 1).saturating_sub(PIECE)).step_by(PIECE - 2) {
            tile.piece(start, &mut piece);
            for (c, rows) in piece.chunks_exact(COMPONENTS * PIECE).enumerate() {
                for (q, terms) in prototypes.iter().enumerate() {
                    weighted_rows(
                        rows,
                        PIECE,
                        terms,
                        &mut responses[(q * channels + c) * PIECE..][..PIECE],
                    );
                }
            }
            for (site, filters) in self.filters.iter().enumerate() {
                let (mut best, mut winner) = ([0.0f32; PIECE], [0u32; PIECE]);
                best_weighted_sum(
                    &responses,
                    PIECE,
                    prototypes.len(),
                    channels,
                    filters,
                    &mut best,
                    &mut winner,
                );
                if largest(&best) <= threshold {
                    continue;
                }
                for t in 1..PIECE - 1 {
                    if best[t] > threshold && best[t] >= best[t - 1] && best[t] > best[t + 1] {
                        out.push(Candidate {
                            time: start + t,
                            site,
                            prototype: winner[t] as usize,
                            score: best[t],
                        });
                    }
                }
            }
        }
        out
    }

    fn record(&self, a: Accepted, tile: &Tile, basis: &Basis, geometry: &Geometry, first: i64, out: &mut Detections) {
        let c = a.candidate;
        let wide = &geometry.wide[a.home];
        let white: Vec<f32> = wide
            .iter()
            .map(|&ch| response(tile, ch, c.time, &basis.prototypes[c.prototype]))
            .collect();
        out.starts.push(out.features.len());
        out.features.extend(a.features);
        out.times.push(first + c.time as i64);
        out.scores.push(c.score);
        out.homes.push(a.home as u32);
        out.positions_um.push(self.position(a.home, wide, &white, geometry));
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

/// Response of one channel to a prototype.
fn response(tile: &Tile, channel: usize, time: usize, prototype: &[f32; COMPONENTS]) -> f32 {
    let features = tile.features(channel, time, 0);
    prototype.iter().zip(&features).map(|(q, f)| q * f).sum()
}
