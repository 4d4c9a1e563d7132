//! The results of the measurements.

use ferrosort_core::{Probe, SortingRun};
use ndarray::Array2;
use serde::Serialize;

use super::collect::{Collector, LAGS, Shared};
use super::guess::place_of_largest;
use super::params::MeasureParams;
use crate::quality::views::evenly_spaced;
use crate::quality::{Extent, QualityInputs, SpikeFeatures, UnitDepths, UnitTemplate};

/// Bins of the values in a density map.
const DENSITY_BINS: usize = 64;

/// In what values are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ValueUnit {
    /// Microvolts: the recording knows its gains.
    #[serde(rename = "µV")]
    Microvolts,
    /// Counts of the file.
    #[serde(rename = "counts")]
    Counts,
}

impl ValueUnit {
    /// For the labels of axes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microvolts => "µV",
            Self::Counts => "counts",
        }
    }
}

/// How often the waveforms of a unit have each value at each sample.
#[derive(Debug, Clone, PartialEq)]
pub struct DensityMap {
    /// Lower edge of the first bin of values.
    pub low: f32,
    /// Upper edge of the last bin.
    pub high: f32,
    /// `[samples, bins]`.
    pub counts: Array2<u32>,
}

/// One unit, measured in the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredUnit {
    /// Channel (place in the probe) on which the mean waveform is largest in absolute value; `None` for a unit without usable spikes.
    pub main_channel: Option<usize>,
    /// Sample of that largest value, from the spike: where amplitudes are read.
    pub peak_offset: i64,
    /// Channels (places in the probe) of the mean waveform, nearest to the main channel first.
    pub channels: Vec<usize>,
    /// Mean waveform, `[channels, samples]`.
    pub template: Array2<f32>,
    /// Standard deviation of the waveforms, `[channels, samples]`.
    pub template_sd: Array2<f32>,
    /// Spikes that were averaged.
    pub n_averaged: usize,
    /// Waveforms of single spikes on the main channel, `[waveforms, samples]`.
    pub waveforms: Array2<f32>,
    /// Samples of these spikes in the recording.
    pub waveform_spikes: Vec<i64>,
    /// Distribution of the values of all averaged waveforms on the main channel.
    pub density: Option<DensityMap>,
    /// Centre of mass of the peaks to peak of the mean waveform: across and along the probe, µm.
    pub position_um: Option<[f64; 2]>,
}

impl MeasuredUnit {
    fn empty(samples: usize) -> Self {
        Self {
            main_channel: None,
            peak_offset: 0,
            channels: Vec::new(),
            template: Array2::zeros((0, samples)),
            template_sd: Array2::zeros((0, samples)),
            n_averaged: 0,
            waveforms: Array2::zeros((0, samples)),
            waveform_spikes: Vec::new(),
            density: None,
            position_um: None,
        }
    }
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Unit of all values but depths.
    pub unit: ValueUnit,
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Length of the recording, samples.
    pub n_samples: u64,
    /// Sample of a waveform that falls on the time of its spike.
    pub spike_at: usize,
    /// Samples of a waveform.
    pub waveform_samples: usize,
    /// Noise of each channel of the probe: scaled median absolute deviation.
    pub noise_mad: Vec<f64>,
    /// Standard deviation of the whole signal of each channel.
    pub noise_sd: Vec<f64>,
    /// Units, in the order of the run.
    pub units: Vec<MeasuredUnit>,
    /// Amplitude of each spike of the run, in its order; NaN for spikes outside the recording.
    pub amplitudes: Vec<f32>,
    /// Position along the probe of each spike of the run, µm; NaN where it was not measured.
    pub depths_um: Vec<f32>,
    /// Features of the averaged spikes, when asked for.
    pub features: Option<SpikeFeatures>,
}

impl Measured {
    /// Unscaled noise goes in; collectors are consumed one by one.
    pub(crate) fn assemble(
        collectors: Vec<Option<Collector>>,
        shared: &Shared,
        (noise_mad, noise_sd): (Vec<f64>, Vec<f64>),
        (unit, sample_rate, n_spikes): (ValueUnit, f64, usize),
        params: &MeasureParams,
    ) -> Self {
        let timing = shared.timing;
        let n_units = collectors.len();
        let mut amplitudes = vec![f32::NAN; n_spikes];
        let mut depths_um = vec![f32::NAN; n_spikes];
        let mut units = Vec::with_capacity(n_units);
        let components = shared.basis.as_ref().map_or(0, Array2::nrows);
        let mut features = FeatureRows::new(n_units, components, params.feature_channels);
        for (unit, collector) in collectors.into_iter().enumerate() {
            let Some(collector) = collector.filter(|c| !c.averaged.is_empty() && !c.watched.is_empty()) else {
                units.push(MeasuredUnit::empty(timing.samples()));
                continue;
            };
            let (measured, watched, lag) = finish(&collector, shared, params);
            let width = collector.watched.len() * LAGS;
            let gain = measured.main_channel.map_or(1.0, |c| shared.gains[c]) as f32;
            for (spike, &place) in collector.spikes.places.iter().enumerate() {
                amplitudes[place as usize] = collector.values[spike * width + watched * LAGS + lag] * gain;
            }
            for &(spike, depth) in &collector.depths_um {
                depths_um[collector.spikes.places[spike] as usize] = depth;
            }
            features.add(unit, &collector, measured.main_channel);
            units.push(measured);
        }
        Self {
            unit,
            sample_rate,
            n_samples: shared.n_samples as u64,
            spike_at: timing.before as usize,
            waveform_samples: timing.samples(),
            noise_mad: scaled(noise_mad, shared.gains),
            noise_sd: scaled(noise_sd, shared.gains),
            units,
            amplitudes,
            depths_um,
            features: (components > 0).then(|| features.into_features()),
        }
    }

    /// Mean waveform of a unit with the noise of its main channel, for the metrics.
    pub fn unit_template(&self, unit: usize, probe: &Probe) -> Option<UnitTemplate> {
        let unit = self.units.get(unit)?;
        let main = unit.main_channel?;
        Some(UnitTemplate {
            waveform: unit.template.clone(),
            positions_um: unit
                .channels
                .iter()
                .map(|&c| [probe.contacts[c].x_um, probe.contacts[c].y_um])
                .collect(),
            main: unit.channels.iter().position(|&c| c == main)?,
            noise_mad: self.noise_mad[main],
            noise_sd: self.noise_sd[main],
        })
    }

    /// Inputs of the quality metrics: trains of the run, everything else as measured here; features of the run where it has them.
    ///
    /// `run` and `probe` must be those that were measured.
    pub fn quality_inputs(&self, run: &SortingRun, probe: &Probe, max_feature_spikes: usize) -> QualityInputs {
        let extent = Extent {
            sample_rate: self.sample_rate,
            n_samples: self.n_samples,
        };
        let mut inputs = QualityInputs::from_run(run, extent, max_feature_spikes);
        let n_units = run.units.len();
        let mut amplitudes = vec![Vec::new(); n_units];
        let mut depths = vec![UnitDepths::default(); n_units];
        let spikes = run.spikes.samples.iter().zip(&run.spikes.units);
        for ((&t, &unit), (&a, &d)) in spikes.zip(self.amplitudes.iter().zip(&self.depths_um)) {
            let unit = unit as usize;
            if unit >= n_units {
                continue;
            }
            amplitudes[unit].push(a);
            if d.is_finite() {
                depths[unit].samples.push(t);
                depths[unit].depths_um.push(d);
            }
        }
        inputs.amplitudes = Some(amplitudes);
        inputs.unit_of_amplitudes(self.unit.as_str(), "filtered recording at the main channel");
        inputs.depths = Some(depths);
        inputs.templates = Some((0..n_units).map(|u| self.unit_template(u, probe)).collect());
        inputs.positions_um = Some(self.units.iter().map(|u| u.position_um).collect());
        if inputs.features.is_none() {
            inputs.features.clone_from(&self.features);
        }
        inputs
    }
}

fn scaled(values: Vec<f64>, gains: &[f64]) -> Vec<f64> {
    values.iter().zip(gains).map(|(v, g)| v * g.abs()).collect()
}

/// Mean waveforms of a unit; also the watched channel and the lag at which its amplitudes are read.
fn finish(collector: &Collector, shared: &Shared, params: &MeasureParams) -> (MeasuredUnit, usize, usize) {
    let timing = shared.timing;
    let samples = timing.samples();
    let n = collector.averaged.len() as f64;
    let gain = |near: usize| shared.gains[collector.near[near]];
    let mean = |near: usize, k: usize| collector.sums[near * samples + k] / n;
    let dim = (collector.near.len(), samples);
    let template = Array2::from_shape_fn(dim, |(c, k)| (mean(c, k) * gain(c)) as f32);
    let template_sd = Array2::from_shape_fn(dim, |(c, k)| {
        let variance = collector.squares[c * samples + k] / n - mean(c, k).powi(2);
        (variance.max(0.0).sqrt() * gain(c).abs()) as f32
    });
    let mut best = (0, f32::NEG_INFINITY);
    for (w, watched) in collector.watched.iter().enumerate() {
        let largest = template.row(watched.near).iter().fold(0.0f32, |m, v| m.max(v.abs()));
        if largest > best.1 {
            best = (w, largest);
        }
    }
    let watched = collector.watched[best.0];
    // The peak is searched where values were kept: around the peak of the first look.
    let first = watched.candidate.offset + timing.before - (LAGS / 2) as i64;
    let around: Vec<f32> = (0..LAGS as i64)
        .map(|k| {
            let at = usize::try_from(first + k).unwrap_or(usize::MAX);
            template.row(watched.near).get(at).copied().unwrap_or(0.0)
        })
        .collect();
    let lag = place_of_largest(&around);
    let (waveforms, waveform_spikes, density) = waveforms_of(collector, best.0, shared, params);
    let unit = MeasuredUnit {
        main_channel: Some(collector.near[watched.near]),
        peak_offset: first + lag as i64 - timing.before,
        position_um: centre_of_mass(&template, collector, shared),
        channels: collector.near.clone(),
        template,
        template_sd,
        n_averaged: collector.averaged.len(),
        waveforms,
        waveform_spikes,
        density,
    };
    (unit, best.0, lag)
}

fn centre_of_mass(template: &Array2<f32>, collector: &Collector, shared: &Shared) -> Option<[f64; 2]> {
    let (mut x, mut y, mut total) = (0.0, 0.0, 0.0);
    for (row, &c) in template
        .rows()
        .into_iter()
        .zip(&collector.near)
        .take(collector.n_position)
    {
        let ptp = crate::quality::ptp(row.iter());
        x += ptp * shared.probe.contacts[c].x_um;
        y += ptp * shared.probe.contacts[c].y_um;
        total += ptp;
    }
    (total > 0.0).then(|| [x / total, y / total])
}

type Waveforms = (Array2<f32>, Vec<i64>, Option<DensityMap>);

fn waveforms_of(collector: &Collector, watched: usize, shared: &Shared, params: &MeasureParams) -> Waveforms {
    let samples = shared.timing.samples();
    let n_watched = collector.watched.len();
    let gain = shared.gains[collector.watched[watched].candidate.channel] as f32;
    let snippet = |k: usize| {
        let first = (k * n_watched + watched) * samples;
        &collector.snippets[first..first + samples]
    };
    let n = collector.averaged.len();
    let kept: Vec<usize> = evenly_spaced(n, params.max_waveforms).collect();
    let waveforms = Array2::from_shape_fn((kept.len(), samples), |(k, t)| snippet(kept[k])[t] * gain);
    let spikes = kept
        .iter()
        .map(|&k| collector.spikes.samples[collector.averaged[k]])
        .collect();
    let (low, high) = (0..n)
        .flat_map(snippet)
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| {
            (l.min(v * gain), h.max(v * gain))
        });
    let density = (high > low).then(|| {
        let mut counts = Array2::zeros((samples, DENSITY_BINS));
        let scale = DENSITY_BINS as f32 / (high - low);
        for k in 0..n {
            for (t, &v) in snippet(k).iter().enumerate() {
                let bin = ((v * gain - low) * scale) as usize;
                counts[[t, bin.min(DENSITY_BINS - 1)]] += 1;
            }
        }
        DensityMap { low, high, counts }
    });
    (waveforms, spikes, density)
}

/// Features of all units, gathered unit by unit.
struct FeatureRows {
    values: Vec<f32>,
    units: Vec<u32>,
    channels: Array2<u32>,
    main_channels: Vec<Option<u32>>,
    components: usize,
}

impl FeatureRows {
    fn new(n_units: usize, components: usize, slots: usize) -> Self {
        Self {
            values: Vec::new(),
            units: Vec::new(),
            channels: Array2::zeros((n_units, slots)),
            main_channels: vec![None; n_units],
            components,
        }
    }

    fn add(&mut self, unit: usize, collector: &Collector, main: Option<usize>) {
        let slots = self.channels.ncols();
        let near = &collector.near[..collector.n_feature];
        for slot in 0..slots {
            // Units with fewer channels repeat their first one, with zeros.
            self.channels[[unit, slot]] = near.get(slot).or(near.first()).map_or(0, |&c| c as u32);
        }
        self.main_channels[unit] = main.map(|c| c as u32);
        for row in collector
            .features
            .chunks_exact((collector.n_feature * self.components).max(1))
        {
            for component in row.chunks_exact(collector.n_feature.max(1)) {
                self.values.extend_from_slice(component);
                self.values
                    .extend(std::iter::repeat_n(0.0, slots - collector.n_feature));
            }
            self.units.push(unit as u32);
        }
    }

    fn into_features(self) -> SpikeFeatures {
        let dim = (self.units.len(), self.components, self.channels.ncols());
        SpikeFeatures {
            source: "principal components of the units' waveforms, measured in the recording".to_owned(),
            values: ndarray::Array3::from_shape_vec(dim, self.values)
                .unwrap_or_else(|_| ndarray::Array3::zeros((0, dim.1, dim.2))),
            units: self.units,
            channels: self.channels,
            main_channels: self.main_channels,
        }
    }
}
