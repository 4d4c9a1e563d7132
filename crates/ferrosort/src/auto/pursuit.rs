//! Matching pursuit in log odds over one tile (docs/algorithm.md 8).

pub mod crossings;

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ferrosort_kernels::{PIECE, SharedTerm, TOGETHER, largest, shared_rows, shared_terms, subtract_between};

use self::crossings::Crossings;
use super::basis::{Basis, COMPONENTS, PER_SAMPLE, interpolation, parabola};
use super::tile::Tile;

/// Log odds above which a spike is accepted.
pub const THRESHOLD: f64 = -3.0;

/// A unit does not fire again within this time, ms: side lobes of its own spikes would look like it.
pub(super) const REFRACTORY_MS: f64 = 0.9;

/// Samples that are searched for peaks together.
const SEARCHED: usize = 128;

/// A unit as it is in one tile.
pub struct TileUnit {
    /// Channels of the template, ascending.
    pub channels: Vec<usize>,
    /// `[channels, COMPONENTS]`.
    pub template: Vec<f32>,
    /// Spikes per second.
    pub rate_hz: f64,
    /// Spread of the amplitude.
    pub amplitude_sd: f64,
}

/// A spike that the pursuit found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Sample in the tile.
    pub time: usize,
    /// Quarters of a sample from there to the peak.
    pub phase: i64,
    /// Unit.
    pub unit: usize,
    /// Factor of the template.
    pub amplitude: f32,
    /// Log odds.
    pub log_odds: f32,
}

/// Log odds of a spike as a function of the projection on its template.
#[derive(Debug, Clone, Copy)]
struct Odds {
    variance: f64,
    energy: f64,
    constant: f64,
    /// Projection at which the odds reach the threshold.
    least: f32,
}

impl Odds {
    fn new(unit: &TileUnit, sample_rate: f64) -> Self {
        let energy = unit.template.iter().map(|v| f64::from(v * v)).sum::<f64>().max(1e-6);
        let variance = unit.amplitude_sd * unit.amplitude_sd;
        let wide = 1.0 + variance * energy;
        let constant = (unit.rate_hz / sample_rate).ln() - 0.5 * wide.ln();
        let needed = 2.0 * wide * (THRESHOLD - constant) + energy;
        let least = (((1.0 + variance * needed).max(0.0)).sqrt() - 1.0) / variance;
        Self {
            variance,
            energy,
            constant,
            least: least.max(0.0) as f32,
        }
    }

    fn log_odds(&self, x: f32) -> f32 {
        let x = f64::from(x);
        let wide = 1.0 + self.variance * self.energy;
        ((self.variance * x * x + 2.0 * x - self.energy) / (2.0 * wide) + self.constant) as f32
    }

    /// Mean of the amplitude given the projection.
    fn amplitude(&self, x: f32) -> f32 {
        ((1.0 + self.variance * f64::from(x)) / (1.0 + self.variance * self.energy)) as f32
    }
}

struct Entry {
    log_odds: f32,
    x: f32,
    time: usize,
    unit: usize,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let by = self.log_odds.total_cmp(&other.log_odds);
        by.then(other.unit.cmp(&self.unit)).then(other.time.cmp(&self.time))
    }
}

/// Pursuit over one tile.
pub struct Pursuit<'a> {
    basis: &'a Basis,
    units: &'a [TileUnit],
    odds: Vec<Odds>,
    projections: Vec<Vec<f32>>,
    crossings: Crossings<'a>,
    refractory: usize,
}

impl<'a> Pursuit<'a> {
    /// Projects the tile on all units.
    pub fn new(tile: &Tile, basis: &'a Basis, units: &'a [TileUnit], sample_rate: f64) -> Self {
        Self {
            basis,
            units,
            odds: units.iter().map(|u| Odds::new(u, sample_rate)).collect(),
            projections: project(tile, units),
            crossings: Crossings::new(basis, units),
            refractory: (REFRACTORY_MS * sample_rate / 1000.0) as usize,
        }
    }

    /// Spikes in order of acceptance.
    pub fn run(&mut self) -> Vec<Found> {
        let mut heap = BinaryHeap::new();
        for unit in 0..self.units.len() {
            let samples = self.projections[unit].len();
            self.push_maxima(unit, 1, samples.saturating_sub(1), &mut heap);
        }
        let mut found: Vec<Found> = Vec::new();
        let mut last: Vec<Vec<usize>> = vec![Vec::new(); self.units.len()];
        while let Some(entry) = heap.pop() {
            let row = &self.projections[entry.unit];
            let t = entry.time;
            if row[t] != entry.x || row[t - 1] > entry.x || row[t + 1] > entry.x {
                continue;
            }
            if last[entry.unit].iter().any(|&s| s.abs_diff(t) < self.refractory) {
                continue;
            }
            let (phase, peak) = parabola(row[t - 1], row[t], row[t + 1]);
            let amplitude = self.odds[entry.unit].amplitude(peak);
            last[entry.unit].push(t);
            found.push(Found {
                time: t,
                phase,
                unit: entry.unit,
                amplitude,
                log_odds: entry.log_odds,
            });
            self.subtract(entry.unit, t, phase, amplitude, &mut heap);
        }
        found
    }

    fn push_maxima(&self, unit: usize, from: usize, to: usize, heap: &mut BinaryHeap<Entry>) {
        let (row, odds) = (&self.projections[unit], &self.odds[unit]);
        let (from, to) = (from.max(1), to.min(row.len().saturating_sub(1)));
        for start in (from..to).step_by(SEARCHED) {
            let end = (start + SEARCHED).min(to);
            if largest(&row[start..end]) <= odds.least {
                continue;
            }
            for t in start..end {
                let x = row[t];
                if x > odds.least && x >= row[t - 1] && x > row[t + 1] {
                    heap.push(Entry {
                        log_odds: odds.log_odds(parabola(row[t - 1], x, row[t + 1]).1),
                        x,
                        time: t,
                        unit,
                    });
                }
            }
        }
    }

    fn subtract(&mut self, unit: usize, time: usize, phase: i64, amplitude: f32, heap: &mut BinaryHeap<Entry>) {
        let reach = self.basis.length() - 1;
        let factors = interpolation(-phase).map(|w| amplitude * w);
        for k in 0..self.crossings.near(unit).len() {
            let other = self.crossings.near(unit)[k] as usize;
            let Some(crossing) = self.crossings.table(unit, k) else {
                continue;
            };
            let row = &mut self.projections[other];
            let from = time.saturating_sub(reach);
            let to = (time + reach + 1).min(row.len());
            let skip = from + reach - time;
            let most = subtract_between(&mut row[from..to], &factors, &crossing[skip..]);
            let edges = [from.saturating_sub(1), to.min(row.len() - 1)].map(|t| row[t]);
            if most.max(edges[0]).max(edges[1]) > self.odds[other].least {
                self.push_maxima(other, from.saturating_sub(1), to + 1, heap);
            }
        }
    }
}

/// Projections of the tile on all units, `[units][samples]`.
fn project(tile: &Tile, units: &[TileUnit]) -> Vec<Vec<f32>> {
    let samples = tile.samples();
    let groups = together(units);
    let mut out = vec![vec![0.0f32; samples]; units.len()];
    let mut piece = vec![0.0f32; tile.piece_len()];
    let mut block = [[0.0f32; PIECE]; TOGETHER];
    for start in (0..(samples + 1).saturating_sub(PIECE)).step_by(PIECE) {
        tile.piece(start, &mut piece);
        for (members, terms) in &groups {
            shared_rows(&piece, PIECE, 0, terms, &mut block);
            for (&unit, row) in members.iter().zip(&block) {
                out[unit][start..start + PIECE].copy_from_slice(row);
            }
        }
    }
    out
}

/// Groups of neighbouring units, whose templates share channels, and the terms of their projections.
fn together(units: &[TileUnit]) -> Vec<(Vec<usize>, Vec<SharedTerm>)> {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|&u| {
        (
            units[u].channels.iter().sum::<usize>() / units[u].channels.len().max(1),
            u,
        )
    });
    let group = |members: &[usize]| {
        let terms: Vec<Vec<(u32, f32)>> = members
            .iter()
            .map(|&u| {
                let rows = units[u]
                    .channels
                    .iter()
                    .flat_map(|c| (0..COMPONENTS).map(move |p| (c * COMPONENTS + p) as u32));
                rows.zip(units[u].template.iter().copied()).collect()
            })
            .collect();
        (
            members.to_vec(),
            shared_terms(&terms.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        )
    };
    order.chunks(TOGETHER).map(group).collect()
}

/// Features of each spike with all others taken away, `[channels, COMPONENTS]` on the channels given for its unit; spikes sorted by time.
pub fn clean_features(
    tile: &Tile,
    basis: &Basis,
    units: &[TileUnit],
    channels: &[&[usize]],
    found: &[Found],
) -> Vec<Vec<f32>> {
    let reach = basis.length() as i64;
    let mut first = 0;
    let features = |i: usize, first: &mut usize| {
        let spike = &found[i];
        let own = channels[spike.unit];
        let mut out: Vec<f32> = own
            .iter()
            .flat_map(|&c| tile.features(c, spike.time, spike.phase))
            .collect();
        while (spike.time as i64 - found[*first].time as i64) > reach {
            *first += 1;
        }
        let others = found[*first..]
            .iter()
            .enumerate()
            .take_while(|(_, o)| o.time as i64 - spike.time as i64 <= reach);
        for (k, other) in others {
            if *first + k == i {
                continue;
            }
            let lag = (spike.time as i64 - other.time as i64) * PER_SAMPLE + spike.phase - other.phase;
            let unit = &units[other.unit];
            for (slot, c) in own.iter().enumerate() {
                let Ok(at) = unit.channels.binary_search(c) else {
                    continue;
                };
                for q in 0..COMPONENTS {
                    let w = other.amplitude * unit.template[at * COMPONENTS + q];
                    for p in 0..COMPONENTS {
                        out[slot * COMPONENTS + p] -= w * basis.lagged_at(q, p, lag);
                    }
                }
            }
        }
        out
    };
    (0..found.len()).map(|i| features(i, &mut first)).collect()
}
