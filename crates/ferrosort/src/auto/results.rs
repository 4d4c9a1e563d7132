//! From units and their spikes to a sorting: pieces of one neuron under one name, labels, templates (docs/algorithm.md 10 and 11).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use ferrosort_core::{Probe, Result, Sorting, UnitLabel, UnitSummary};
use ndarray::{Array2, Array3, Axis};

use super::basis::COMPONENTS;
use super::cluster::Clustering;
use super::displacement::Displacement;
use super::echo::Tie;
use super::features::{FeatureFile, Shown};
use super::label::{Quality, Train, by_unit, judge};
use super::matching::Matched;
use super::merge::groups;
use super::units::Unit;

/// Spikes of one neuron closer than this are one, ms.
const SAME_SPIKE_MS: f64 = 0.5;
/// Units of whose spikes the first share is tied to those of larger units are not neurons, unless what is left without those is good; with
/// the second share they are none.
const TIED: [f64; 2] = [0.4, 0.75];
/// Smaller shares that are tied to one of the larger units are chance: they are the strongest of many lags.
const LEAST_TIE: f64 = 0.1;
/// A template that another is tied to has at least so many times its norm: what a template leaves of a spike is small.
const SOURCE_NORM: f32 = 1.5;
/// Spikes at one lag of so many of a larger unit's spikes are echoes of those.
const ECHOED: f64 = 0.2;
/// Fewest spikes of a unit that is reported.
const FEWEST: usize = 2;

/// What the last pass found, and what is known about it.
pub struct Results<'a> {
    /// Neighbourhoods, whitening and basis.
    pub clustering: &'a Clustering<'a>,
    /// Units of the last pass.
    pub units: &'a [Unit],
    /// How the tissue moves.
    pub displacement: &'a Displacement,
    /// Length of the recording, s.
    pub duration_s: f64,
}

/// A spike of the result.
struct Row {
    time: i64,
    /// Its index in what the pass found.
    found: usize,
    /// The piece of a neuron that was found.
    unit: usize,
    amplitude: f32,
    log_odds: f32,
}

impl Results<'_> {
    /// The sorting, without units that have hardly a spike, and which of the pass's spikes each of its spikes is.
    pub fn assemble(&self, probe: Probe, found: &Matched) -> (Sorting, Vec<usize>) {
        let with_echoes = by_unit(found, self.units.len());
        let sources = self.sources(&with_echoes);
        let kept = Self::without_echoes(found, &with_echoes, &sources);
        let trains = by_unit(&found.select(&kept), self.units.len());
        let group = groups(self.units, &trains, self.clustering, self.displacement, self.duration_s);
        let troughs: Vec<(i64, f64)> = self.units.iter().map(|u| self.trough(u, &self.waveform(u))).collect();
        let rows = self.rows(found, &kept, &group, &troughs);
        let mut joined = vec![Train::default(); self.units.len()];
        for row in &rows {
            joined[group[row.unit]].push(row.time, row.amplitude, row.log_odds);
        }
        let tied = self.tied(&with_echoes, &trains, &sources, &group);
        let kept: Vec<usize> = (0..self.units.len())
            .filter(|&g| joined[g].times.len() >= FEWEST)
            .collect();
        // The piece with most spikes stands for the neuron.
        let faces: Vec<usize> = kept
            .iter()
            .map(|&g| {
                let pieces = (0..self.units.len()).filter(|&u| group[u] == g);
                pieces.fold(g, |best, u| {
                    if trains[u].times.len() > trains[best].times.len() {
                        u
                    } else {
                        best
                    }
                })
            })
            .collect();
        let summaries = kept
            .iter()
            .zip(&faces)
            .map(|(&g, &face)| {
                let Quality {
                    label, contamination, ..
                } = self.judge(face, &joined[g]);
                UnitSummary {
                    label: if tied[face] { UnitLabel::Noise } else { label },
                    contamination_pct: 100.0 * contamination,
                    amplitude_counts: troughs[face].1,
                    threshold_sd: f64::NAN,
                }
            })
            .collect();
        let (samples, channels) = (self.clustering.basis.length(), probe.len());
        let mut templates = Array3::zeros((kept.len(), samples, channels));
        for (id, &face) in faces.iter().enumerate() {
            templates
                .index_axis_mut(Axis(0), id)
                .assign(&(self.waveform(&self.units[face]) / self.units[face].norm()));
        }
        let ids: BTreeMap<usize, u32> = kept.iter().enumerate().map(|(id, &g)| (g, id as u32)).collect();
        let last = self.clustering.signal.n_samples() as i64 - 1;
        let mut shown: Vec<(u64, u32, f64, usize)> = rows
            .iter()
            .filter_map(|r| {
                let amplitude = f64::from(r.amplitude * self.units[r.unit].norm());
                let id = ids.get(&group[r.unit])?;
                Some((r.time.clamp(0, last) as u64, *id, amplitude, r.found))
            })
            .collect();
        shown.sort_by_key(|r| (r.0, r.1));
        let sorting = Sorting {
            sample_rate: self.clustering.signal.sample_rate(),
            probe,
            spike_times: shown.iter().map(|r| r.0).collect(),
            spike_units: shown.iter().map(|r| r.1).collect(),
            amplitudes: shown.iter().map(|r| r.2).collect(),
            similar_templates: similarities(&templates),
            templates,
            whitening: self.clustering.signal.noise.whitening.clone(),
            whitening_inverse: self.clustering.signal.noise.unwhitening.clone(),
            units: summaries,
            pc_features: None,
            template_features: None,
        };
        (sorting, shown.iter().map(|r| r.3).collect())
    }

    /// Writes the features of the spikes of the sorting, which are these of the pass's spikes.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write_features(
        file: &FeatureFile,
        folder: &Path,
        sorting: &Sorting,
        spikes: &Matched,
        rows: &[usize],
    ) -> Result<()> {
        let channels = &file.channels;
        let piece = |row: usize| spikes.units[row] as usize;
        // A neuron in pieces is shown where most of its spikes are.
        let mut counts = vec![BTreeMap::<usize, usize>::new(); sorting.units.len()];
        for (&row, &unit) in rows.iter().zip(&sorting.spike_units) {
            *counts[unit as usize].entry(piece(row)).or_default() += 1;
        }
        let most =
            |counts: &BTreeMap<usize, usize>| counts.iter().max_by_key(|(u, n)| (**n, Reverse(**u))).map(|(u, _)| *u);
        let units: Vec<Vec<usize>> = counts.iter().map(|c| channels[most(c).unwrap_or(0)].clone()).collect();
        let shown = |(&row, &unit): (&usize, &u32)| Shown {
            row,
            channels: &channels[piece(row)],
            unit: unit as usize,
        };
        file.write_phy(folder, rows.iter().zip(&sorting.spike_units).map(shown), &units)
    }

    fn judge(&self, unit: usize, train: &Train) -> Quality {
        let rate = self.clustering.signal.sample_rate();
        judge(&self.units[unit], train, rate, self.duration_s)
    }

    /// Spikes at their troughs, in order of time; of those of one neuron that are too close, the first.
    fn rows(&self, spikes: &Matched, kept: &[usize], group: &[usize], troughs: &[(i64, f64)]) -> Vec<Row> {
        let mut rows: Vec<Row> = kept
            .iter()
            .map(|&i| {
                let unit = spikes.units[i] as usize;
                Row {
                    time: spikes.times[i] + troughs[unit].0,
                    found: i,
                    unit,
                    amplitude: spikes.amplitudes[i],
                    log_odds: spikes.log_odds[i],
                }
            })
            .collect();
        rows.sort_by_key(|r| (r.time, group[r.unit], r.unit));
        let window = (SAME_SPIKE_MS * self.clustering.signal.sample_rate() / 1000.0) as i64;
        let mut last = vec![i64::MIN / 2; self.units.len()];
        rows.retain(|r| {
            let last = &mut last[group[r.unit]];
            let new = r.time - *last >= window;
            if new {
                *last = r.time;
            }
            new
        });
        rows
    }

    /// Larger neurons near each unit, of which its spikes can be echoes, and the strongest tie to each.
    fn sources(&self, trains: &[Train]) -> Vec<Vec<(usize, Tie)>> {
        let rate = self.clustering.signal.sample_rate();
        let neurons: Vec<bool> = (0..self.units.len())
            .map(|u| self.judge(u, &trains[u]).label != UnitLabel::Noise)
            .collect();
        let evidence = |u: usize| self.units[u].norm() * (trains[u].times.len() as f32).sqrt();
        let is_source = |u: usize, v: usize| {
            neurons[v]
                && self.units[v].norm() > SOURCE_NORM * self.units[u].norm()
                && evidence(v) > evidence(u)
                && self.clustering.geometry.wide[self.units[u].seed.home].contains(&self.units[v].seed.home)
        };
        let tie = |u: usize, v: usize| Tie::strongest(&trains[u].times, &trains[v].times, rate, self.duration_s);
        let sources = |u| {
            let larger = (0..self.units.len()).filter(|&v| is_source(u, v));
            larger.map(|v| (v, tie(u, v))).collect()
        };
        (0..self.units.len()).map(sources).collect()
    }

    /// Indices of the spikes that are no echoes of a large share of the spikes of a larger neuron.
    fn without_echoes(spikes: &Matched, trains: &[Train], sources: &[Vec<(usize, Tie)>]) -> Vec<usize> {
        let mut marks: Vec<Vec<bool>> = trains.iter().map(|t| vec![false; t.times.len()]).collect();
        for (u, sources) in sources.iter().enumerate() {
            for (v, tie) in sources {
                let source = &trains[*v].times;
                if tie.excess > ECHOED * source.len() as f64 {
                    tie.mark(&trains[u].times, source, &mut marks[u]);
                }
            }
        }
        let mut next: Vec<_> = marks.iter().map(|m| m.iter()).collect();
        let kept = (0..spikes.times.len()).filter(|&i| next[spikes.units[i] as usize].next() == Some(&false));
        kept.collect()
    }

    /// Which units are tied to the spikes of larger ones nearby that are no pieces of the same neuron.
    fn tied(
        &self,
        with_echoes: &[Train],
        trains: &[Train],
        sources: &[Vec<(usize, Tie)>],
        group: &[usize],
    ) -> Vec<bool> {
        let is_tied = |u: usize| {
            let others = sources[u].iter().filter(|(v, _)| group[u] != group[*v]);
            let spikes = with_echoes[u].times.len().max(1) as f64;
            let shares = others.map(|(_, tie)| tie.excess / spikes);
            let share: f64 = shares.filter(|share| *share > LEAST_TIE).sum();
            share > TIED[1] || share > TIED[0] && self.judge(u, &trains[u]).label != UnitLabel::Good
        };
        (0..self.units.len()).map(is_tied).collect()
    }

    /// Whitened waveform at displacement zero, `[samples, channels]`.
    fn waveform(&self, unit: &Unit) -> Array2<f32> {
        let basis = self.clustering.basis;
        let mut waveform = Array2::zeros((basis.length(), self.clustering.geometry.wide.len()));
        for (c, coefficients) in unit.channels.iter().zip(unit.template(0.0).chunks_exact(COMPONENTS)) {
            for (w, component) in coefficients.iter().zip(&basis.components) {
                for (t, v) in component.iter().enumerate() {
                    waveform[[t, *c]] += w * v;
                }
            }
        }
        waveform
    }

    /// Samples from the peak of the whitened waveform to the trough in the recording, and the peak-to-peak there in counts.
    fn trough(&self, unit: &Unit, waveform: &Array2<f32>) -> (i64, f64) {
        let wide = &self.clustering.geometry.wide[unit.seed.home];
        let unwhitening = &self.clustering.signal.noise.unwhitening;
        let mut best = (0, 0.0f64);
        for &c in wide {
            let raw: Vec<f64> = (0..waveform.nrows())
                .map(|t| {
                    wide.iter()
                        .map(|&j| unwhitening[[j, c]] * f64::from(waveform[[t, j]]))
                        .sum()
                })
                .collect();
            let (low, high) = raw.iter().fold((0.0f64, 0.0f64), |(l, h), &v| (l.min(v), h.max(v)));
            if high - low > best.1 {
                // The trough, unless the waveform is clearly upside down.
                let sign = if -low >= 0.6 * high { -1.0 } else { 1.0 };
                let at = (0..raw.len()).fold(0, |b, t| if sign * raw[t] > sign * raw[b] { t } else { b });
                best = (at as i64 - self.clustering.basis.before as i64, high - low);
            }
        }
        best
    }
}

/// Products of all pairs of templates, `[units, units]`.
fn similarities(templates: &Array3<f32>) -> Array2<f32> {
    let (units, samples, channels) = templates.dim();
    let flat = templates.view().into_shape_with_order((units, samples * channels));
    flat.map_or_else(|_| Array2::zeros((units, units)), |flat| flat.dot(&flat.t()))
}
