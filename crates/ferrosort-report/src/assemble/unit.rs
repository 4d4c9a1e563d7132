//! Units of a run: numbers, waveforms, correlograms, and some of their spikes.

use ferrosort_compare::analysis::{Analysis, RunAnalysis};
use ferrosort_compare::quality::{Extent, SpikeFeatures, views};
use ferrosort_compare::waveforms::MeasuredUnit;
use ferrosort_compare::{CorrelogramBins, SpikeLabel, autocorrelogram, cross_correlogram};
use ferrosort_core::{RunUnit, SortingRun, TemplateSet};
use ndarray::Array2;
use rayon::prelude::*;

use super::budget::Budget;
use super::channels::Channels;
use crate::model::{
    Array, Correlogram, Features, Histogram, Kept, Part, SimilarUnit, SpikeSample, Unit, UnitWaveforms,
};

/// Whole window and bin of correlograms, ms.
const CORRELOGRAM_MS: (f64, f64) = (100.0, 1.0);
const ISI_MS: (f64, f64) = (50.0, 0.5);
const RATE_BIN_S: f64 = 10.0;
/// Channels of a waveform have this share of the largest peak to peak.
const LEAST_SHARE: f32 = 0.08;
/// Units are listed as similar from this similarity on.
const LEAST_SIMILARITY: f64 = 0.2;
const MERGE_SIMILARITY: f64 = 0.7;

/// Everything that the units of one run share.
struct Context<'a> {
    analysis: &'a Analysis,
    analysed: &'a RunAnalysis,
    channels: &'a Channels,
    trains: &'a [Vec<i64>],
    /// Rows of the run's spikes for each unit.
    rows: Vec<Vec<usize>>,
    labels: Option<&'a [Vec<SpikeLabel>]>,
    similarity: Option<Array2<f64>>,
    bins: Option<CorrelogramBins>,
    extent: Extent,
    budget: &'a Budget,
}

pub(super) fn units(
    analysis: &Analysis,
    place: usize,
    trains: &[Vec<i64>],
    channels: &Channels,
    budget: &Budget,
) -> Vec<Unit> {
    let analysed = &analysis.runs[place];
    let run = &analysed.run;
    let mut rows = vec![Vec::new(); run.units.len()];
    for (row, &unit) in run.spikes.units.iter().enumerate() {
        if let Some(list) = rows.get_mut(unit as usize) {
            list.push(row);
        }
    }
    let context = Context {
        analysis,
        analysed,
        channels,
        trains,
        rows,
        labels: labels(analysis, place),
        similarity: analysis.similarity_within(place),
        bins: CorrelogramBins::new(analysis.sample_rate, CORRELOGRAM_MS.0, CORRELOGRAM_MS.1).ok(),
        extent: Extent {
            sample_rate: analysis.sample_rate,
            n_samples: analysis.n_samples,
        },
        budget,
    };
    (0..run.units.len())
        .into_par_iter()
        .map(|unit| context.unit(unit))
        .collect()
}

/// Verdicts on the spikes of a run: against the truth, or of the truth against the first sorting.
fn labels(analysis: &Analysis, place: usize) -> Option<&[Vec<SpikeLabel>]> {
    if !analysis.params.truth {
        return None;
    }
    let tested = place.max(1);
    let labels = &analysis.pair(0, tested)?.spikes.available()?.truth.as_ref()?.labels;
    Some(if place == 0 { &labels.labels_a } else { &labels.labels_b })
}

/// The templates of a source, unwhitened where it has them.
pub(super) fn stored_templates(run: &SortingRun) -> Option<&TemplateSet> {
    let set = run.physical_templates.as_ref().or(run.templates.as_ref())?;
    (set.waveforms.shape()[0] == run.units.len()).then_some(set)
}

impl Context<'_> {
    fn unit(&self, u: usize) -> Unit {
        let source = &self.analysed.run.units[u];
        let train = &self.trains[u];
        let measured = self.analysed.measured.available().and_then(|m| m.units.get(u));
        let quality = |name: &str| Some(self.analysed.quality.value(u, name)).filter(|v| v.is_finite());
        Unit {
            id: source.id.clone(),
            label: source.label.clone().unwrap_or_default(),
            class: source.class.clone().unwrap_or_default(),
            n_spikes: train.len() as u64,
            rate_hz: Some(train.len() as f64 / self.extent.duration_s()).filter(|rate| rate.is_finite()),
            x_um: source.position_um.map(|p| p[0]),
            y_um: source.position_um.map(|p| p[1]),
            main_channel: self.main_channel(source, measured),
            amplitude_uv: source.ptp_uv,
            snr: source.snr.or_else(|| quality("snr")),
            contamination_pct: source
                .contamination_pct
                .or_else(|| quality("rp_contamination").map(|share| 100.0 * share)),
            waveforms: self.waveforms(u, measured),
            autocorrelogram: self.correlogram(train, None),
            isi: isi(train, self.analysis.sample_rate),
            spikes: self.spikes(u),
            rate_over_time: self.rate_over_time(train),
            similar: self.similar(u),
            features: self.features(u),
        }
    }

    fn main_channel(&self, source: &RunUnit, measured: Option<&MeasuredUnit>) -> Option<usize> {
        let own = || {
            self.channels
                .place(self.analysed.run.probe.as_ref(), source.best_channel?)
        };
        measured.and_then(|unit| unit.main_channel).or_else(own)
    }

    fn waveforms(&self, u: usize, measured: Option<&MeasuredUnit>) -> Part<UnitWaveforms> {
        match (
            measured.filter(|unit| unit.n_averaged > 0),
            stored_templates(&self.analysed.run),
        ) {
            (Some(unit), _) => {
                let spike_at = self.analysed.measured.available().map_or(0, |m| m.spike_at);
                Part::Available(self.measured_waveforms(unit, spike_at))
            }
            (None, Some(set)) => self.stored_waveforms(set, u),
            (None, None) => Part::missing("the result has no templates and there is no recording to measure them in"),
        }
    }

    fn measured_waveforms(&self, unit: &MeasuredUnit, spike_at: usize) -> UnitWaveforms {
        let rows: Vec<(usize, Vec<f32>)> = unit
            .template
            .rows()
            .into_iter()
            .zip(&unit.channels)
            .map(|(row, &channel)| (channel, row.to_vec()))
            .collect();
        let mut waveforms = largest_channels(&rows, spike_at, self.budget);
        let n = unit.waveforms.nrows();
        let kept: Vec<usize> = views::evenly_spaced(n, self.budget.waveforms).collect();
        let values = kept.iter().flat_map(|&k| unit.waveforms.row(k).to_vec()).map(f64::from);
        waveforms.individual = Array::new(&[kept.len(), unit.waveforms.ncols()], values.collect(), Kept::Levels8);
        if let Some(density) = unit.density.as_ref().filter(|_| self.budget.density) {
            // Two bins of values make a level: enough for a picture.
            let (samples, bins) = density.counts.dim();
            let count = |level: usize, t: usize| {
                f64::from(density.counts[[t, 2 * level]])
                    + density.counts.get([t, 2 * level + 1]).map_or(0.0, |&c| f64::from(c))
            };
            let levels = bins.div_ceil(2);
            let values = (0..levels).flat_map(|level| (0..samples).map(move |t| (level, t)));
            waveforms.density = Array::new(
                &[levels, samples],
                values.map(|(level, t)| count(level, t)).collect(),
                Kept::Levels8,
            );
            waveforms.density_range = [f64::from(density.low), f64::from(density.high)];
        }
        waveforms
    }

    fn stored_waveforms(&self, set: &TemplateSet, u: usize) -> Part<UnitWaveforms> {
        let template = set.waveforms.index_axis(ndarray::Axis(0), u);
        let probe = self.analysed.run.probe.as_ref();
        let rows: Vec<(usize, Vec<f32>)> = template
            .columns()
            .into_iter()
            .enumerate()
            .filter_map(|(c, column)| Some((self.channels.place(probe, c)?, column.to_vec())))
            .collect();
        if rows.is_empty() {
            return Part::missing("the channels of the templates are not those of the probe");
        }
        Part::Available(largest_channels(&rows, set.spike_at, self.budget))
    }

    /// Of a unit with itself, or of another unit around its spikes.
    fn correlogram(&self, train: &[i64], other: Option<&[i64]>) -> Part<Correlogram> {
        let Some(bins) = self.bins else {
            return Part::missing("the sample rate is too low for bins of 1 ms");
        };
        let counts = match other {
            None => autocorrelogram(train, bins),
            Some(other) => cross_correlogram(other, train, bins),
        };
        let n_other = other.unwrap_or(train).len();
        let expected = train.len() as f64 * n_other as f64 * bins.bin_samples() as f64 / self.extent.n_samples as f64;
        Part::Available(Correlogram {
            bin_ms: CORRELOGRAM_MS.1,
            counts: Array::integers(counts.iter().map(|&count| i64::from(count))),
            baseline: Some(expected).filter(|baseline| baseline.is_finite()),
        })
    }

    fn spikes(&self, u: usize) -> Part<SpikeSample> {
        let rows = &self.rows[u];
        if rows.is_empty() {
            return Part::missing("the unit has no spikes");
        }
        let kept: Vec<usize> = views::evenly_spaced(rows.len(), self.budget.spikes).collect();
        let run = &self.analysed.run;
        let column = |values: Option<&Vec<f32>>| {
            let value = |&k: &usize| values.and_then(|values| values.get(rows[k])).copied();
            let values: Option<Vec<f64>> = kept.iter().map(|k| value(k).map(f64::from)).collect();
            Array::points(values.unwrap_or_default())
        };
        let measured = self.analysed.measured.available().map(|measured| &measured.amplitudes);
        let verdict = |label: &SpikeLabel| match label {
            SpikeLabel::Unmatched => 0,
            SpikeLabel::Matched => 1,
            SpikeLabel::Misclassified => 2,
        };
        let verdicts = self.labels.and_then(|labels| labels.get(u)).map(|labels| {
            let of_kept = kept.iter().filter_map(|&k| labels.get(k)).map(verdict);
            Array::integers(of_kept).kept_as(Kept::Levels8)
        });
        let time = |&k: &usize| run.spikes.samples[rows[k]] as f64 / self.analysis.sample_rate;
        Part::Available(SpikeSample {
            times_s: Array::points(kept.iter().map(time)),
            amplitudes: column(measured.or(run.spikes.amplitudes.as_ref())),
            depths_um: column(run.spikes.depths_um.as_ref()),
            verdicts: verdicts.unwrap_or_default(),
        })
    }

    fn rate_over_time(&self, train: &[i64]) -> Part<Array> {
        let bin_s = RATE_BIN_S.min(self.extent.duration_s() / 12.0);
        if bin_s.is_nan() || bin_s <= 0.0 {
            return Part::missing("the length of the recording is not known");
        }
        let rates = views::rate_over_time(train, self.extent, bin_s).rates_hz;
        Part::Available(Array::new(&[rates.len()], rates, Kept::Levels16))
    }

    fn similar(&self, u: usize) -> Vec<SimilarUnit> {
        let Some(similarity) = &self.similarity else {
            return Vec::new();
        };
        let mut others: Vec<(usize, f64)> = (0..similarity.ncols())
            .filter(|&v| v != u)
            .map(|v| (v, similarity[[u, v]]))
            .filter(|(_, s)| *s >= LEAST_SIMILARITY)
            .collect();
        others.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        others.truncate(self.budget.similar);
        others
            .into_iter()
            .map(|(v, s)| {
                let correlogram = self.correlogram(&self.trains[u], Some(&self.trains[v]));
                SimilarUnit {
                    unit: v,
                    similarity: s,
                    merge_suggested: s > MERGE_SIMILARITY && correlogram.get().is_some_and(dips),
                    correlogram,
                }
            })
            .collect()
    }

    fn features(&self, u: usize) -> Part<Features> {
        let Some(features) = &self.analysed.features else {
            return Part::missing("the result has no features of its spikes");
        };
        let slots = features.channels.ncols();
        let (Some(&first), Some(&second)) = (features.channels.get([u, 0]), features.channels.get([u, 1])) else {
            return Part::missing("the features are on fewer than two channels");
        };
        if slots < 2 || first == second {
            return Part::missing("the features are on fewer than two channels");
        }
        let own = points(features, |unit| unit == u, (first, second), self.budget.features);
        if own.is_empty() {
            return Part::missing("no spike of the unit has features");
        }
        let background = points(features, |unit| unit != u, (first, second), self.budget.features);
        let array = |points: Vec<[f64; 2]>| {
            let n = points.len();
            Array::new(&[n, 2], points.into_iter().flatten().collect(), self.budget.picture)
        };
        Part::Available(Features {
            x_label: format!("first component, channel {first}"),
            y_label: format!("first component, channel {second}"),
            own: array(own),
            background: array(background),
        })
    }
}

/// First components on two channels of at most `most` spikes of the units that are wanted and have both channels.
fn points(
    features: &SpikeFeatures,
    wanted: impl Fn(usize) -> bool,
    (first, second): (u32, u32),
    most: usize,
) -> Vec<[f64; 2]> {
    let n_units = features.channels.nrows();
    let slot = |unit: usize, channel: u32| features.channels.row(unit).iter().position(|&c| c == channel);
    let slots: Vec<Option<(usize, usize)>> = (0..n_units)
        .map(|unit| {
            wanted(unit)
                .then(|| slot(unit, first).zip(slot(unit, second)))
                .flatten()
        })
        .collect();
    let rows: Vec<(usize, (usize, usize))> = features
        .units
        .iter()
        .enumerate()
        .filter_map(|(row, &unit)| Some((row, (*slots.get(unit as usize)?)?)))
        .collect();
    views::evenly_spaced(rows.len(), most)
        .map(|k| rows[k])
        .map(|(row, (i, j))| [i, j].map(|slot| f64::from(features.values[[row, 0, slot]])))
        .collect()
}

fn isi(train: &[i64], sample_rate: f64) -> Part<Histogram> {
    if train.len() < 2 {
        return Part::missing("the unit has fewer than two spikes");
    }
    let found = views::isi_histogram(train, sample_rate, ISI_MS.0, ISI_MS.1);
    Part::Available(Histogram {
        start: found.start,
        width: found.width,
        counts: Array::integers(found.counts.iter().map(|&count| count as i64)),
    })
}

/// The channels of a waveform that are worth drawing, in the order given but for the largest, which comes first.
fn largest_channels(rows: &[(usize, Vec<f32>)], spike_at: usize, budget: &Budget) -> UnitWaveforms {
    let range = |row: &[f32]| {
        let (low, high) = row
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        high - low
    };
    let mut sized: Vec<(f32, &(usize, Vec<f32>))> = rows.iter().map(|row| (range(&row.1), row)).collect();
    sized.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.0.cmp(&b.1.0)));
    let least = LEAST_SHARE * sized.first().map_or(0.0, |s| s.0);
    sized.retain(|s| s.0 >= least);
    sized.truncate(budget.channels);
    let samples = sized.first().map_or(0, |s| s.1.1.len());
    let values = sized.iter().flat_map(|s| s.1.1.iter().map(|&v| f64::from(v)));
    UnitWaveforms {
        channels: sized.iter().map(|s| s.1.0).collect(),
        spike_at,
        mean: Array::new(&[sized.len(), samples], values.collect(), budget.picture),
        individual: Array::default(),
        density: Array::default(),
        density_range: [0.0, 0.0],
    }
}

/// Fewer than half of the expected coincidences within 2 ms: as between spikes of one neuron.
fn dips(correlogram: &Correlogram) -> bool {
    let counts = correlogram.counts.values();
    let middle = counts.len() / 2;
    let reach = (2.0 / correlogram.bin_ms).round() as usize;
    let inner = &counts[middle.saturating_sub(reach)..(middle + reach).min(counts.len())];
    let expected = correlogram.baseline.unwrap_or(0.0) * inner.len() as f64;
    expected >= 10.0 && inner.iter().sum::<f64>() < 0.5 * expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_channel_comes_first_and_faint_ones_are_left_out() {
        let rows = vec![(4, vec![0.0, -1.0]), (7, vec![0.0, -10.0]), (2, vec![0.0, -0.5])];
        let kept = largest_channels(&rows, 1, &Budget::for_units(1));
        assert_eq!(kept.channels, [7, 4]);
        assert_eq!(kept.mean.shape(), [2, 2]);
        assert_eq!((kept.mean.at(0, 1), kept.spike_at), (-10.0, 1));
    }

    #[test]
    fn a_dip_needs_enough_expected_coincidences() {
        let with = |counts: Vec<i64>, baseline| {
            dips(&Correlogram {
                bin_ms: 1.0,
                counts: Array::integers(counts),
                baseline: Some(baseline),
            })
        };
        assert!(with(vec![9, 9, 1, 0, 0, 1, 9, 9], 9.0));
        assert!(!with(vec![9, 9, 8, 9, 9, 8, 9, 9], 9.0));
        assert!(!with(vec![1, 0, 0, 0, 0, 0, 0, 1], 1.0));
    }
}
