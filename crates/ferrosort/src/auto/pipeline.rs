//! The main path of `auto`: from a recording to its sorting.

use std::collections::BTreeMap;

use ferrosort_core::{Result, Sorting, UnitLabel, UnitSummary};
use ndarray::{Array2, Array3};

use super::basis::{Basis, COMPONENTS};
use super::cluster::Clustering;
use super::detect::Detector;
use super::displacement::Displacement;
use super::geometry::Geometry;
use super::label::{Quality, by_unit, judge, tied_share};
use super::matching::{Matched, PassOutput, Passes};
use super::signal::Signal;
use super::units::{Seed, Unit};
use crate::pipeline::{Request, Run};

/// Score of a detection without templates, sd: first in the data, then in what the first templates leave.
const DETECTION_SD: [f32; 2] = [5.0, 4.8];
/// Fewest spikes of a cluster, and fewest a second.
const FEWEST: (f64, f64) = (15.0, 0.06);
/// Rate of a unit before it is known, Hz.
const FIRST_RATE_HZ: f64 = 3.0;
/// Spikes of one unit closer than this are one, ms.
const SAME_SPIKE_MS: f64 = 0.4;
/// Units with a lower expected accuracy are given up between passes. Others that will be labelled noise stay: they take spikes of the
/// background that weak units would take otherwise.
const HOPELESS: f64 = 0.35;
/// Recordings up to this length are learnt from as a whole, s.
const WHOLE_S: f64 = 60.0;
/// Units of whose spikes this share is tied to those of a larger unit are not neurons.
const TIED: f64 = 0.4;
/// A unit is kept when its template has at least this norm, sd.
const LEAST_NORM: f32 = 3.5;

/// Sorts a recording with `auto`. Call inside a rayon pool; results do not depend on its size.
///
/// # Errors
/// I/O of the recording, samples that are not finite, cancellation by the observer.
pub(crate) fn sort(request: &Request, run: &mut Run) -> Result<(Sorting, Displacement)> {
    let recording = request.recording;
    let geometry = Geometry::new(request.probe);
    let columns: Vec<usize> = request.probe.contacts.iter().map(|c| c.channel).collect();
    let signal = run.stage("noise", 1, "steps", |_| {
        Signal::learn(recording, columns, &geometry, &request.settings.parameters)
    })?;
    let basis = run.stage("shapes", 1, "steps", |_| Basis::learn(&signal, &geometry))?;
    let detector = Detector::new(&geometry, &signal);
    let passes = Passes {
        signal: &signal,
        geometry: &geometry,
        basis: &basis,
        detector: &detector,
    };
    let tiles = passes.tiles() as u64;
    let rate = signal.sample_rate();
    let duration_s = signal.n_samples() as f64 / rate;
    let detections = run.stage("detection", tiles, "tiles", |run| {
        passes.detect(DETECTION_SD[0], run.observer)
    })?;
    let displacement = run.stage("motion", 1, "steps", |_| {
        Ok(Displacement::estimate(&detections, &geometry, rate, duration_s))
    })?;
    for (shank, motion) in displacement.shanks() {
        let [low, high] = displacement.range_um(*shank);
        run.observer.note(&format!(
            "shank {shank}: the tissue moves between {low:.0} and {high:.0} µm at {} depths; templates follow it",
            motion.depths_um.len()
        ));
    }
    let clustering = Clustering {
        geometry: &geometry,
        signal: &signal,
        basis: &basis,
        min_spikes: FEWEST.0.max(FEWEST.1 * duration_s) as usize,
    };
    let at = |d: &super::detect::Detections| -> Vec<f64> {
        (0..d.len())
            .map(|i| {
                let shank = geometry.shank[d.homes[i] as usize];
                displacement.at(shank, d.times[i] as f64 / rate, f64::from(d.positions_um[i][1]))
            })
            .collect()
    };
    let seeds = run.stage("clustering", 1, "steps", |_| {
        Ok(clustering.seeds(&detections, &at(&detections)))
    })?;
    drop(detections);
    let context = Context {
        geometry: &geometry,
        signal: &signal,
        displacement: &displacement,
        clustering: &clustering,
        duration_s,
    };
    let mut units = context.units(seeds);
    let parts = learning_tiles(passes.tiles(), duration_s);
    let pass = run.stage("matching", parts[0].len() as u64, "tiles", |run| {
        passes.pursue(&parts[0], &units, &displacement, Some(DETECTION_SD[1]), run.observer)
    })?;
    let more = run.stage("clustering again", 1, "steps", |_| {
        Ok(clustering.seeds(&pass.residual, &at(&pass.residual)))
    })?;
    let mut seeds: Vec<Seed> = context.relearn(&units, &pass).into_iter().map(|u| u.seed).collect();
    seeds.extend(more);
    units = context.units(clustering.join(seeds));
    let pass = run.stage("matching again", parts[1].len() as u64, "tiles", |run| {
        passes.pursue(&parts[1], &units, &displacement, None, run.observer)
    })?;
    units = clustering.distinct(context.relearn(&units, &pass));
    let all: Vec<usize> = (0..passes.tiles()).collect();
    let mut spikes = run
        .stage("last matching", tiles, "tiles", |run| {
            passes.pursue(&all, &units, &displacement, None, run.observer)
        })?
        .spikes;
    let sorting = run.stage("labels", 1, "steps", |_| {
        let tied = context.tied(&units, &spikes);
        without_repeats(&mut spikes, (SAME_SPIKE_MS * rate / 1000.0) as i64);
        Ok(assemble(request, &context, &basis, &units, &spikes, &tied))
    })?;
    Ok((sorting, displacement))
}

/// Tiles of the two learning passes: all of a short recording, every second one of a long one, in turn.
fn learning_tiles(tiles: usize, duration_s: f64) -> [Vec<usize>; 2] {
    if duration_s < WHOLE_S {
        return [(0..tiles).collect(), (0..tiles).collect()];
    }
    [0, 1].map(|first| (first..tiles).step_by(2).collect())
}

struct Context<'a> {
    geometry: &'a Geometry,
    signal: &'a Signal<'a>,
    displacement: &'a Displacement,
    clustering: &'a Clustering<'a>,
    duration_s: f64,
}

impl Context<'_> {
    fn units(&self, seeds: Vec<Seed>) -> Vec<Unit> {
        let range = |s: &Seed| self.displacement.range_um(self.geometry.shank[s.home]);
        seeds
            .into_iter()
            .map(|s| {
                let (range, rate) = (range(&s), (s.count / self.duration_s).clamp(0.1, 50.0));
                Unit::new(s, self.geometry, self.signal, range, rate.max(0.3 * FIRST_RATE_HZ))
            })
            .filter(|u| u.norm() >= LEAST_NORM)
            .collect()
    }

    /// Templates, rates and spreads from the spikes of a pass; units with too few spikes disappear.
    fn relearn(&self, units: &[Unit], pass: &PassOutput) -> Vec<Unit> {
        let duration_s = self.duration_s * pass.share;
        let mut amplitudes: Vec<Vec<f64>> = vec![Vec::new(); units.len()];
        for ((&u, &a), &l) in pass
            .spikes
            .units
            .iter()
            .zip(&pass.spikes.amplitudes)
            .zip(&pass.spikes.log_odds)
        {
            if l > 0.0 {
                amplitudes[u as usize].push(f64::from(a));
            }
        }
        let mut out = Vec::new();
        let rate = self.signal.sample_rate();
        let trains = by_unit(&pass.spikes, units.len());
        for (((unit, sums), amplitudes), train) in units.iter().zip(&pass.sums).zip(&amplitudes).zip(&trains) {
            let quality = judge(unit, train, rate, duration_s);
            let hopeless = quality.accuracy < HOPELESS;
            if hopeless || (amplitudes.len() as f64) < self.clustering.min_spikes as f64 * pass.share {
                continue;
            }
            let range = self.displacement.range_um(self.geometry.shank[unit.seed.home]);
            let Some(mut unit) = unit.relearn(sums, self.geometry, self.signal, range) else {
                continue;
            };
            unit.rate_hz = (amplitudes.len() as f64 / duration_s).clamp(0.1, 100.0);
            if unit.norm() >= LEAST_NORM {
                out.push(unit);
            }
        }
        out
    }
}

impl Context<'_> {
    /// Which units are tied to the spikes of a unit with a larger template nearby.
    fn tied(&self, units: &[Unit], spikes: &Matched) -> Vec<bool> {
        let trains = by_unit(spikes, units.len());
        let rate = self.signal.sample_rate();
        let is_tied = |u: usize| {
            (0..units.len()).any(|v| {
                units[v].norm() * (trains[v].times.len() as f32).sqrt()
                    > units[u].norm() * (trains[u].times.len() as f32).sqrt()
                    && self.geometry.wide[units[u].seed.home].contains(&units[v].seed.home)
                    && tied_share(&trains[u].times, &trains[v].times, rate, self.duration_s) > TIED
            })
        };
        (0..units.len()).map(is_tied).collect()
    }
}

/// Removes spikes of one unit that follow another within `window` samples: found twice, on both sides of the edge of a tile.
fn without_repeats(spikes: &mut Matched, window: i64) {
    let mut order: Vec<usize> = (0..spikes.times.len()).collect();
    order.sort_by_key(|&i| (spikes.times[i], spikes.units[i]));
    let mut last: BTreeMap<u32, i64> = BTreeMap::new();
    order.retain(|&i| {
        let (t, u) = (spikes.times[i], spikes.units[i]);
        let new = last.get(&u).is_none_or(|&l| t - l >= window);
        if new {
            last.insert(u, t);
        }
        new
    });
    *spikes = Matched {
        times: order.iter().map(|&i| spikes.times[i]).collect(),
        units: order.iter().map(|&i| spikes.units[i]).collect(),
        amplitudes: order.iter().map(|&i| spikes.amplitudes[i]).collect(),
        log_odds: order.iter().map(|&i| spikes.log_odds[i]).collect(),
    };
}

/// Samples from the peak of the whitened waveform to the trough in the recording, and the peak-to-peak there in counts.
fn trough(unit: &Unit, context: &Context, waveform: &Array2<f32>, before: usize) -> (i64, f64) {
    let wide = &context.geometry.wide[unit.seed.home];
    let mut best = (0, 0.0f64, 0.0f64);
    for &c in wide {
        let raw: Vec<f64> = (0..waveform.nrows())
            .map(|t| {
                wide.iter()
                    .map(|&j| context.signal.unwhitening[[j, c]] * f64::from(waveform[[t, j]]))
                    .sum()
            })
            .collect();
        let (low, high) = raw.iter().fold((0.0f64, 0.0f64), |(l, h), &v| (l.min(v), h.max(v)));
        if high - low > best.1 {
            // The trough, unless the waveform is clearly upside down.
            let sign = if -low >= 0.6 * high { -1.0 } else { 1.0 };
            let at = (0..raw.len()).fold(0, |b, t| if sign * raw[t] > sign * raw[b] { t } else { b });
            best = (at as i64 - before as i64, high - low, 0.0);
        }
    }
    (best.0, best.1)
}

fn assemble(
    request: &Request,
    context: &Context,
    basis: &Basis,
    units: &[Unit],
    spikes: &Matched,
    tied: &[bool],
) -> Sorting {
    let channels = request.probe.len();
    let samples = basis.length();
    let rate = context.signal.sample_rate();
    let trains = by_unit(spikes, units.len());
    let kept: Vec<usize> = (0..units.len()).filter(|&u| trains[u].times.len() >= 2).collect();
    let mut templates = Array3::zeros((kept.len(), samples, channels));
    let mut summaries = Vec::new();
    let mut offsets = vec![0; units.len()];
    let mut ids = vec![u32::MAX; units.len()];
    for (id, &u) in kept.iter().enumerate() {
        let (unit, norm) = (&units[u], units[u].norm());
        let mut waveform = Array2::zeros((samples, channels));
        for (c, coefficients) in unit.channels.iter().zip(unit.template(0.0).chunks_exact(COMPONENTS)) {
            for (w, component) in coefficients.iter().zip(&basis.components) {
                for (t, v) in component.iter().enumerate() {
                    waveform[[t, *c]] += w * v;
                }
            }
        }
        let (offset, peak_to_peak) = trough(unit, context, &waveform, basis.before);
        templates
            .index_axis_mut(ndarray::Axis(0), id)
            .assign(&(waveform / norm));
        offsets[u] = offset;
        ids[u] = id as u32;
        let Quality {
            label, contamination, ..
        } = judge(unit, &trains[u], rate, context.duration_s);
        summaries.push(UnitSummary {
            label: if tied[u] { UnitLabel::Noise } else { label },
            contamination_pct: 100.0 * contamination,
            amplitude_counts: peak_to_peak,
            threshold_sd: f64::NAN,
        });
    }
    let last = context.signal.n_samples() as i64 - 1;
    let mut rows: Vec<(u64, u32, f64)> = (0..spikes.times.len())
        .filter(|&i| ids[spikes.units[i] as usize] != u32::MAX)
        .map(|i| {
            let u = spikes.units[i] as usize;
            let time = (spikes.times[i] + offsets[u]).clamp(0, last) as u64;
            (time, ids[u], f64::from(spikes.amplitudes[i] * units[u].norm()))
        })
        .collect();
    rows.sort_by_key(|r| (r.0, r.1));
    let flat = Array2::from_shape_fn((kept.len(), samples * channels), |(u, i)| {
        templates[[u, i / channels, i % channels]]
    });
    Sorting {
        sample_rate: rate,
        probe: request.probe.clone(),
        spike_times: rows.iter().map(|r| r.0).collect(),
        spike_units: rows.iter().map(|r| r.1).collect(),
        amplitudes: rows.iter().map(|r| r.2).collect(),
        similar_templates: flat.dot(&flat.t()),
        templates,
        whitening: context.signal.whitening.clone(),
        whitening_inverse: context.signal.unwhitening.clone(),
        units: summaries,
        pc_features: None,
        template_features: None,
    }
}
