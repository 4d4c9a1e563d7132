//! Passes over the recording: detection, and pursuit with what is learnt from it (docs/algorithm.md 4, 8 and 9).

use std::collections::BTreeMap;

use ferrosort_core::Result;
use ferrosort_kernels::PIECE;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::basis::Basis;
use super::detect::{Detections, Detector};
use super::displacement::Displacement;
use super::features::{self, FeatureFile};
use super::geometry::Geometry;
use super::memory::Memory;
use super::pursuit::crossings::{bytes_of_pairs, sharing};
use super::pursuit::{Found, Pursuit, TileUnit, clean_features};
use super::signal::Signal;
use super::tile::Tile;
use super::units::{KnotSum, Unit};
use crate::stage::Steps;

/// Samples of a tile times channels: what one thread holds at a time.
const TILE_VALUES: usize = 4 << 20;
/// Longest tile, s.
const TILE_S: f64 = 0.5;

/// What all passes share.
pub struct Passes<'a> {
    /// Whitened samples.
    pub signal: &'a Signal<'a>,
    /// Neighbourhoods.
    pub geometry: &'a Geometry,
    /// Temporal basis.
    pub basis: &'a Basis,
    /// Universal filters.
    pub detector: &'a Detector,
    /// What fits into memory.
    pub memory: Memory,
}

/// Spikes of one pass, in order of time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Matched {
    /// Sample of the peak.
    pub times: Vec<i64>,
    /// Unit.
    pub units: Vec<u32>,
    /// Factor of the template.
    pub amplitudes: Vec<f32>,
    /// Log odds of the spike.
    pub log_odds: Vec<f32>,
}

impl Matched {
    /// Some of the spikes, by their indices.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut out = Self::default();
        for &i in indices {
            out.times.push(self.times[i]);
            out.units.push(self.units[i]);
            out.amplitudes.push(self.amplitudes[i]);
            out.log_odds.push(self.log_odds[i]);
        }
        out
    }
}

/// Everything that a pass with templates gives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PassOutput {
    /// Spikes.
    pub spikes: Matched,
    /// Sums of cleaned features, by unit and knot.
    pub sums: Vec<Vec<KnotSum>>,
}

/// A unit, a knot of it, a weight and weighted features.
type TileSum = (usize, usize, f64, Vec<f32>);

struct TileOutput {
    spikes: Vec<(i64, Found)>,
    sums: Vec<TileSum>,
    features: Vec<f32>,
}

/// What a pass with templates collects besides spikes.
#[derive(Clone, Copy)]
pub enum Collect<'a> {
    /// Sums for new templates.
    Sums,
    /// Features of the spikes, where they are wanted.
    Features(Option<&'a FeatureFile>),
}

impl<'a> Collect<'a> {
    fn file(self) -> Option<&'a FeatureFile> {
        match self {
            Self::Sums => None,
            Self::Features(file) => file,
        }
    }
}

/// Samples of a tile; depends on nothing but the recording.
pub fn tile_samples(geometry: &Geometry, sample_rate: f64) -> usize {
    let channels = geometry.wide.len().max(1);
    (TILE_VALUES / channels).clamp(2048, (TILE_S * sample_rate).max(2048.0) as usize)
}

/// Runs `work` on all tiles, in parallel, and hands the results to `take` in order, which adds them to the state. `settle` puts on the disk
/// what `take` wrote, before the state is kept.
fn each_tile<T: Send, S: Serialize + DeserializeOwned>(
    tiles: &[usize],
    steps: &Steps,
    start: S,
    at_once: impl Fn(&S) -> Result<usize>,
    work: impl Fn(usize) -> Result<T> + Sync,
    take: impl Fn(&mut S, T) -> Result<()>,
    settle: impl Fn() -> Result<()>,
) -> Result<S> {
    let (mut done, mut state) = steps.load().unwrap_or((0, start));
    while done < tiles.len() {
        steps.check_cancelled()?;
        let tiles = &tiles[done..(done + at_once(&state)?).min(tiles.len())];
        let results: Vec<T> = tiles.par_iter().map(|&tile| work(tile)).collect::<Result<_>>()?;
        for result in results {
            take(&mut state, result)?;
        }
        done += tiles.len();
        steps.advanced(tiles.len() as u64);
        if steps.is_due() {
            settle()?;
        }
        steps.keep(done, &state);
    }
    Ok(state)
}

impl Passes<'_> {
    /// Number of tiles of the recording.
    pub fn tiles(&self) -> usize {
        (self.signal.n_samples() as usize)
            .div_ceil(tile_samples(self.geometry, self.signal.sample_rate()))
            .max(1)
    }

    /// A tile with margins, the recording's sample of its time 0, and the range of times that are its own.
    fn tile(&self, tile: usize) -> Result<(Tile<'_>, i64, [usize; 2])> {
        let (length, before) = (self.basis.length(), self.basis.before);
        let margin = 2 * length;
        let samples = tile_samples(self.geometry, self.signal.sample_rate());
        let start = tile * samples;
        let end = (start + samples).min(self.signal.n_samples() as usize);
        let first = start as i64 - margin as i64;
        // A piece more, since detection stops before the last one that is not whole.
        let total = (end - start + 2 * margin + PIECE).next_multiple_of(PIECE);
        let signal = self.signal.tile(first - before as i64, total + length - 1)?;
        Ok((Tile::new(signal, self.basis), first, [margin, margin + end - start]))
    }

    /// Detection without templates.
    ///
    /// # Errors
    /// Those of reading, and cancellation.
    pub fn detect(&self, tiles: &[usize], threshold: f32, steps: &Steps) -> Result<Detections> {
        let work = |tile| {
            let (tile, first, range) = self.tile(tile)?;
            Ok(self
                .detector
                .detect(&tile, self.basis, self.geometry, threshold, range, first))
        };
        let at_once = |found: &Detections| {
            let held = self.memory.detections(found.len());
            self.memory.at_once(self.memory.tile(0), held)
        };
        let take = |found: &mut Detections, more| {
            found.append(more);
            Ok(())
        };
        each_tile(tiles, steps, Detections::default(), at_once, work, take, || Ok(()))
    }

    /// Pursuit with templates in these tiles.
    ///
    /// # Errors
    /// Those of reading, and cancellation.
    pub fn pursue(
        &self,
        tiles: &[usize],
        units: &[Unit],
        displacement: &Displacement,
        collect: Collect,
        steps: &Steps,
    ) -> Result<PassOutput> {
        let start = PassOutput {
            spikes: Matched::default(),
            sums: units.iter().map(|u| vec![KnotSum::default(); u.knots()]).collect(),
        };
        let work = |tile| self.pursue_tile(tile, units, displacement, collect);
        let file = collect.file();
        let settle = || file.map_or(Ok(()), FeatureFile::sync);
        let pairs = sharing(units.iter().map(|u| u.channels.as_slice()))
            .iter()
            .map(Vec::len)
            .sum();
        let piece = self.memory.tile(units.len()) + bytes_of_pairs(pairs, self.basis);
        let at_once = |out: &PassOutput| {
            let held = Memory::spikes(out.spikes.times.len());
            self.memory.at_once(piece, held)
        };
        let take = |out: &mut PassOutput, tile: TileOutput| {
            if let Some(file) = file {
                file.write(out.spikes.times.len(), &tile.features)?;
            }
            for (time, f) in tile.spikes {
                out.spikes.times.push(time);
                out.spikes.units.push(f.unit as u32);
                out.spikes.amplitudes.push(f.amplitude);
                out.spikes.log_odds.push(f.log_odds);
            }
            for (unit, knot, weight, features) in tile.sums {
                let sum = &mut out.sums[unit][knot];
                sum.weight += weight;
                sum.features.resize(features.len(), 0.0);
                for (s, f) in sum.features.iter_mut().zip(features) {
                    *s += f64::from(f);
                }
            }
            Ok(())
        };
        let out = each_tile(tiles, steps, start, at_once, work, take, settle)?;
        settle()?;
        Ok(out)
    }

    fn pursue_tile(
        &self,
        tile: usize,
        units: &[Unit],
        displacement: &Displacement,
        collect: Collect,
    ) -> Result<TileOutput> {
        let (tile, first, [from, to]) = self.tile(tile)?;
        let rate = self.signal.sample_rate();
        let middle = (first as f64 + (from + to) as f64 / 2.0) / rate;
        let at: Vec<f64> = units
            .iter()
            .map(|u| {
                let depth = self.geometry.positions_um[u.seed.home][1];
                displacement.at(self.geometry.shank[u.seed.home], middle, depth)
            })
            .collect();
        let here: Vec<TileUnit> = units
            .iter()
            .zip(&at)
            .map(|(u, &d)| {
                let (channels, template) = u.here(d);
                TileUnit {
                    channels,
                    template,
                    rate_hz: u.rate_hz,
                    amplitude_sd: u.amplitude_sd,
                }
            })
            .collect();
        let mut found = Pursuit::new(&tile, self.basis, &here, rate).run();
        found.sort_by_key(|f| (f.time, f.unit));
        let sums = match collect {
            Collect::Sums => knot_sums(&tile, self.basis, units, &here, &at, &found, [from, to]),
            Collect::Features(_) => Vec::new(),
        };
        found.retain(|f| (from..to).contains(&f.time));
        let features = collect.file().map_or_else(Vec::new, |file| {
            let of = |f: &Found| features::of_spike(&tile, &file.channels[f.unit], f.time, f.phase);
            found.iter().flat_map(of).collect()
        });
        Ok(TileOutput {
            features,
            spikes: found.into_iter().map(|f| (first + f.time as i64, f)).collect(),
            sums,
        })
    }
}

/// Sums of the cleaned features of spikes within `[from, to)`, by unit and knot.
fn knot_sums(
    tile: &Tile,
    basis: &Basis,
    units: &[Unit],
    here: &[TileUnit],
    at: &[f64],
    found: &[Found],
    [from, to]: [usize; 2],
) -> Vec<TileSum> {
    let channels: Vec<&[usize]> = units.iter().map(|u| u.channels.as_slice()).collect();
    let features = clean_features(tile, basis, here, &channels, found);
    let mut sums: BTreeMap<(usize, usize), (f64, Vec<f32>)> = BTreeMap::new();
    for (f, values) in found.iter().zip(&features) {
        if f.log_odds < 0.0 || !(from..to).contains(&f.time) {
            continue;
        }
        let (low, share) = units[f.unit].place(at[f.unit]);
        for (knot, weight) in [(low, 1.0 - share), (low + 1, share)] {
            if weight > 0.0 {
                let sum = sums
                    .entry((f.unit, knot))
                    .or_insert_with(|| (0.0, vec![0.0; values.len()]));
                sum.0 += weight;
                for (s, v) in sum.1.iter_mut().zip(values) {
                    *s += weight as f32 * v;
                }
            }
        }
    }
    sums.into_iter().map(|((u, k), (w, f))| (u, k, w, f)).collect()
}
