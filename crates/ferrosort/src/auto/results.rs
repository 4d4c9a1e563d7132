//! From units and their spikes to a sorting: pieces of one neuron under one name, labels, templates (docs/algorithm.md 10 and 11).

use std::collections::BTreeMap;

use ferrosort_core::{Probe, Sorting, UnitLabel, UnitSummary};
use ndarray::{Array2, Array3, Axis};

use super::basis::COMPONENTS;
use super::cluster::Clustering;
use super::label::{Quality, Train, by_unit, judge, tied_share};
use super::matching::Matched;
use super::merge::groups;
use super::units::Unit;

/// Spikes of one neuron closer than this are one, ms.
const SAME_SPIKE_MS: f64 = 0.5;
/// Units of whose spikes this share is tied to those of a larger unit are not neurons.
const TIED: f64 = 0.4;
/// A template that another is tied to has at least so many times its norm: what a template leaves of a spike is small.
const SOURCE_NORM: f32 = 1.5;
/// Fewest spikes of a unit that is reported.
const FEWEST: usize = 2;

/// What the last pass found, and what is known about it.
pub struct Results<'a> {
    /// Neighbourhoods, whitening and basis.
    pub clustering: &'a Clustering<'a>,
    /// Units of the last pass.
    pub units: &'a [Unit],
    /// Length of the recording, s.
    pub duration_s: f64,
}

/// A spike of the result.
struct Row {
    time: i64,
    /// The piece of a neuron that was found.
    unit: usize,
    amplitude: f32,
    log_odds: f32,
}

impl Results<'_> {
    /// The sorting, without units that have hardly a spike.
    pub fn assemble(&self, probe: Probe, spikes: &Matched) -> Sorting {
        let trains = by_unit(spikes, self.units.len());
        let group = groups(self.units, &trains, self.clustering, self.duration_s);
        let waveforms: Vec<Array2<f32>> = self.units.iter().map(|u| self.waveform(u)).collect();
        let troughs: Vec<(i64, f64)> = self
            .units
            .iter()
            .zip(&waveforms)
            .map(|(u, w)| self.trough(u, w))
            .collect();
        let rows = self.rows(spikes, &group, &troughs);
        let mut joined = vec![Train::default(); self.units.len()];
        for row in &rows {
            joined[group[row.unit]].push(row.time, row.amplitude, row.log_odds);
        }
        let tied = self.tied(&trains, &group);
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
                .assign(&(&waveforms[face] / self.units[face].norm()));
        }
        let ids: BTreeMap<usize, u32> = kept.iter().enumerate().map(|(id, &g)| (g, id as u32)).collect();
        let last = self.clustering.signal.n_samples() as i64 - 1;
        let mut shown: Vec<(u64, u32, f64)> = rows
            .iter()
            .filter_map(|r| {
                let amplitude = f64::from(r.amplitude * self.units[r.unit].norm());
                let id = ids.get(&group[r.unit])?;
                Some((r.time.clamp(0, last) as u64, *id, amplitude))
            })
            .collect();
        shown.sort_by_key(|r| (r.0, r.1));
        let flat = Array2::from_shape_fn((kept.len(), samples * channels), |(u, i)| {
            templates[[u, i / channels, i % channels]]
        });
        Sorting {
            sample_rate: self.clustering.signal.sample_rate(),
            probe,
            spike_times: shown.iter().map(|r| r.0).collect(),
            spike_units: shown.iter().map(|r| r.1).collect(),
            amplitudes: shown.iter().map(|r| r.2).collect(),
            similar_templates: flat.dot(&flat.t()),
            templates,
            whitening: self.clustering.signal.noise.whitening.clone(),
            whitening_inverse: self.clustering.signal.noise.unwhitening.clone(),
            units: summaries,
            pc_features: None,
            template_features: None,
        }
    }

    fn judge(&self, unit: usize, train: &Train) -> Quality {
        let rate = self.clustering.signal.sample_rate();
        judge(&self.units[unit], train, rate, self.duration_s)
    }

    /// Spikes at their troughs, in order of time; of those of one neuron that are too close, the first.
    fn rows(&self, spikes: &Matched, group: &[usize], troughs: &[(i64, f64)]) -> Vec<Row> {
        let mut rows: Vec<Row> = (0..spikes.times.len())
            .map(|i| {
                let unit = spikes.units[i] as usize;
                Row {
                    time: spikes.times[i] + troughs[unit].0,
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

    /// Which units are tied to the spikes of a larger one nearby that is not a piece of the same neuron.
    fn tied(&self, trains: &[Train], group: &[usize]) -> Vec<bool> {
        let rate = self.clustering.signal.sample_rate();
        let neurons: Vec<bool> = (0..self.units.len())
            .map(|u| self.judge(u, &trains[u]).label != UnitLabel::Noise)
            .collect();
        let evidence = |u: usize| self.units[u].norm() * (trains[u].times.len() as f32).sqrt();
        let is_tied = |u: usize| {
            (0..self.units.len()).any(|v| {
                neurons[v]
                    && group[u] != group[v]
                    && self.units[v].norm() > SOURCE_NORM * self.units[u].norm()
                    && evidence(v) > evidence(u)
                    && self.clustering.geometry.wide[self.units[u].seed.home].contains(&self.units[v].seed.home)
                    && tied_share(&trains[u].times, &trains[v].times, rate, self.duration_s) > TIED
            })
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
