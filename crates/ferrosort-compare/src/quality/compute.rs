//! From what is known of a sorting to its table of metrics.

use ferrosort_core::SortingRun;
use rayon::prelude::*;

use super::Extent;
use super::amplitudes::{CutoffCounts, MainChannel, amplitude_cutoff, amplitude_variation, noise_cutoff, sd_ratio};
use super::clusters::{ClusterLimits, SpikeFeatures};
use super::drift::drift;
use super::metrics::metric;
use super::shape::UnitTemplate;
use super::statistics::median;
use super::table::QualityTable;
use super::trains::{
    SlidingBins, firing_range, isi_violations, presence_ratio, refractory_violations, sliding_refractory, synchrony,
};

/// Settings of the metrics. The defaults are SpikeInterface's, but for the number of spikes among which neighbours are searched: its
/// 10 000 take minutes for hundreds of units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualityParams {
    /// Bins of the presence ratio, s.
    pub presence_bin_s: f64,
    /// A unit is present in a bin with more spikes than this share of its mean.
    pub presence_least_share: f64,
    /// Shortest interval that is no violation, s.
    pub isi_threshold_s: f64,
    /// Shortest interval that the sorter can find, s.
    pub min_isi_s: f64,
    /// Refractory period, ms.
    pub refractory_ms: f64,
    /// Time after a spike in which the sorter finds no other, ms.
    pub censored_ms: f64,
    /// Width of the bins of the sliding refractory period.
    pub sliding_bins: SlidingBins,
    /// Bins of the firing range, s.
    pub firing_range_bin_s: f64,
    /// Whether the smoothed histogram of amplitudes is cut to integers.
    pub cutoff_counts: CutoffCounts,
    /// Intervals of the drift metrics, s.
    pub drift_interval_s: f64,
    /// Channels of the feature space of a unit, those where it is largest.
    pub feature_channels: usize,
    /// Nearest neighbours that each spike looks at.
    pub neighbours: usize,
    /// Spikes of a unit and its surroundings among which neighbours are searched.
    pub max_neighbour_spikes: usize,
}

impl Default for QualityParams {
    fn default() -> Self {
        Self {
            presence_bin_s: 60.0,
            presence_least_share: 0.0,
            isi_threshold_s: 1.5 / 1000.0,
            min_isi_s: 0.0,
            refractory_ms: 1.0,
            censored_ms: 0.0,
            sliding_bins: SlidingBins::default(),
            firing_range_bin_s: 5.0,
            cutoff_counts: CutoffCounts::default(),
            drift_interval_s: 60.0,
            feature_channels: 10,
            neighbours: 5,
            max_neighbour_spikes: 2000,
        }
    }
}

impl QualityParams {
    /// All settings of SpikeInterface, with the rounding of its histograms of amplitudes.
    pub fn spikeinterface() -> Self {
        Self {
            max_neighbour_spikes: 10_000,
            cutoff_counts: CutoffCounts::Truncated,
            ..Self::default()
        }
    }
}

/// Depths of some spikes of a unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitDepths {
    /// Samples of the spikes, ascending.
    pub samples: Vec<i64>,
    /// Their positions along the probe, µm.
    pub depths_um: Vec<f32>,
}

/// What is known of the units of a sorting. Everything but the trains is optional; metrics that need more are left out of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityInputs {
    /// Name of each unit.
    pub unit_ids: Vec<String>,
    /// Rate and length of the recording.
    pub extent: Extent,
    /// Ascending samples of the spikes of each unit.
    pub trains: Vec<Vec<i64>>,
    /// Amplitude of each spike of each unit, as in `trains`.
    pub amplitudes: Option<Vec<Vec<f32>>>,
    /// Unit of the amplitudes.
    pub amplitude_unit: String,
    /// Where the amplitudes came from.
    pub amplitude_source: Option<String>,
    /// Depths of spikes of each unit.
    pub depths: Option<Vec<UnitDepths>>,
    /// Mean waveform of each unit, when it has one.
    pub templates: Option<Vec<Option<UnitTemplate>>>,
    /// Features of some spikes.
    pub features: Option<SpikeFeatures>,
    /// Position of each unit, across and along the probe, µm.
    pub positions_um: Option<Vec<Option<[f64; 2]>>>,
    /// Contamination as the sorter gives it, per cent.
    pub contamination_pct: Option<Vec<Option<f64>>>,
}

impl QualityInputs {
    /// What a run tells by itself: trains, amplitudes, depths, features, positions.
    ///
    /// At most `max_feature_spikes` spikes of each unit keep their features. The amplitudes are what the source calls so, see
    /// [`SortingRun::amplitude_unit`].
    pub fn from_run(run: &SortingRun, extent: Extent, max_feature_spikes: usize) -> Self {
        let n_units = run.units.len();
        let by_unit = |values: &Vec<f32>| {
            let mut split = vec![Vec::new(); n_units];
            for (&v, &unit) in values.iter().zip(&run.spikes.units) {
                if let Some(of_unit) = split.get_mut(unit as usize) {
                    of_unit.push(v);
                }
            }
            split
        };
        let trains = run.trains();
        let depths = run.spikes.depths_um.as_ref().map(|depths| {
            by_unit(depths)
                .into_iter()
                .zip(&trains)
                .map(|(depths, train)| {
                    let known = || train.iter().zip(&depths).filter(|(_, d)| d.is_finite());
                    UnitDepths {
                        samples: known().map(|(&t, _)| t).collect(),
                        depths_um: known().map(|(_, &d)| d).collect(),
                    }
                })
                .collect()
        });
        let position = |u: &ferrosort_core::RunUnit| u.position_um.map(|p| [p[0], p[1]]);
        let contamination: Vec<Option<f64>> = run.units.iter().map(|u| u.contamination_pct).collect();
        let positions: Vec<Option<[f64; 2]>> = run.units.iter().map(position).collect();
        Self {
            unit_ids: run.units.iter().map(|u| u.id.clone()).collect(),
            extent,
            amplitudes: run.spikes.amplitudes.as_ref().map(by_unit),
            amplitude_unit: run.amplitude_unit.clone(),
            amplitude_source: run
                .spikes
                .amplitudes
                .as_ref()
                .map(|_| "amplitudes of the run".to_owned()),
            depths,
            templates: None,
            features: run
                .features
                .as_ref()
                .and_then(|f| SpikeFeatures::from_run(f, &run.spikes.units, max_feature_spikes)),
            positions_um: positions.iter().any(Option::is_some).then_some(positions),
            contamination_pct: contamination.iter().any(Option::is_some).then_some(contamination),
            trains,
        }
    }

    /// Says in what the amplitudes are, and where they came from.
    pub(crate) fn unit_of_amplitudes(&mut self, unit: &str, source: &str) {
        unit.clone_into(&mut self.amplitude_unit);
        self.amplitude_source = Some(source.to_owned());
    }

    /// Amplitudes of a unit as numbers, without those that are not finite, and the samples of these spikes.
    fn finite_amplitudes(&self, unit: usize) -> Option<(Vec<i64>, Vec<f64>)> {
        let amplitudes = self.amplitudes.as_ref()?.get(unit)?;
        Some(
            self.trains[unit]
                .iter()
                .zip(amplitudes)
                .filter(|(_, a)| a.is_finite())
                .map(|(&t, &a)| (t, f64::from(a)))
                .unzip(),
        )
    }
}

/// Computes every metric for which the inputs have what it needs. Units without spikes have NaN, or the -1 of SpikeInterface's counts.
pub fn quality_table(inputs: &QualityInputs, params: &QualityParams) -> QualityTable {
    let n_units = inputs.trains.len();
    let synchrony = synchrony(&inputs.trains);
    let rows: Vec<Vec<(&'static str, f64)>> = (0..n_units)
        .into_par_iter()
        .map(|unit| {
            let mut row = train_metrics(inputs, params, unit);
            row.extend(
                ["sync_spike_2", "sync_spike_4", "sync_spike_8"]
                    .into_iter()
                    .zip(synchrony[unit]),
            );
            amplitude_metrics(inputs, params, unit, &mut row);
            template_metrics(inputs, unit, &mut row);
            depth_metrics(inputs, params, unit, &mut row);
            cluster_metrics(inputs, params, unit, &mut row);
            row
        })
        .collect();
    let mut table = QualityTable {
        unit_ids: inputs.unit_ids.clone(),
        amplitude_source: inputs.amplitude_source.clone(),
        feature_source: inputs.features.as_ref().map(|f| f.source.clone()),
        columns: Vec::new(),
    };
    for k in 0..rows.first().map_or(0, Vec::len) {
        let name = rows[0][k].0;
        let unit = match metric(name).map_or("", |m| m.unit) {
            "amplitude" => inputs.amplitude_unit.as_str(),
            other => other,
        };
        table.insert(name, unit, rows.iter().map(|row| row[k].1).collect());
    }
    table
}

fn train_metrics(inputs: &QualityInputs, params: &QualityParams, unit: usize) -> Vec<(&'static str, f64)> {
    let (train, extent) = (&inputs.trains[unit], inputs.extent);
    let n = train.len() as f64;
    let isi = isi_violations(train, extent, params.isi_threshold_s, params.min_isi_s);
    let refractory = refractory_violations(train, extent, params.refractory_ms, params.censored_ms);
    vec![
        ("num_spikes", n),
        (
            "firing_rate",
            if train.is_empty() {
                f64::NAN
            } else {
                n / extent.duration_s()
            },
        ),
        (
            "presence_ratio",
            presence_ratio(train, extent, params.presence_bin_s, params.presence_least_share),
        ),
        ("isi_violations_ratio", isi.ratio),
        ("isi_violations_count", isi.count),
        ("rp_contamination", refractory.contamination),
        ("rp_violations", refractory.violations),
        (
            "sliding_rp_violation",
            sliding_refractory(train, extent, params.sliding_bins),
        ),
        ("firing_range", firing_range(train, extent, params.firing_range_bin_s)),
    ]
}

fn amplitude_metrics(inputs: &QualityInputs, params: &QualityParams, unit: usize, row: &mut Vec<(&'static str, f64)>) {
    let Some((train, amplitudes)) = inputs.finite_amplitudes(unit) else {
        return;
    };
    let variation = amplitude_variation(&train, &amplitudes, inputs.extent);
    let noise = noise_cutoff(&amplitudes);
    row.extend([
        ("amplitude_median", median(&amplitudes)),
        ("amplitude_cv_median", variation.median),
        ("amplitude_cv_range", variation.range),
        ("amplitude_cutoff", amplitude_cutoff(&amplitudes, params.cutoff_counts)),
        ("noise_cutoff", noise.cutoff),
        ("noise_ratio", noise.ratio),
    ]);
    // Only amplitudes and a waveform of one measurement share a unit.
    if let Some(templates) = inputs.templates.as_ref() {
        let ratio = templates[unit].as_ref().map_or(f64::NAN, |template| {
            let channel = MainChannel {
                template: &template.main_waveform(),
                noise_sd: template.noise_sd,
            };
            sd_ratio(&train, &amplitudes, channel, inputs.extent)
        });
        row.push(("sd_ratio", ratio));
    }
}

fn template_metrics(inputs: &QualityInputs, unit: usize, row: &mut Vec<(&'static str, f64)>) {
    let Some(templates) = inputs.templates.as_ref() else {
        return;
    };
    let template = templates[unit].as_ref();
    let shape = template.map(|t| t.shape(inputs.extent.sample_rate));
    let of_shape = |pick: fn(&super::TemplateShape) -> f64| shape.as_ref().map_or(f64::NAN, pick);
    row.extend([
        ("snr", template.map_or(f64::NAN, UnitTemplate::snr)),
        ("trough_to_peak", of_shape(|s| s.trough_to_peak_ms)),
        ("half_width", of_shape(|s| s.half_width_ms)),
        ("peak_trough_ratio", of_shape(|s| s.peak_trough_ratio)),
        ("spread", of_shape(|s| s.spread_um)),
        ("velocity", of_shape(|s| s.velocity_um_per_ms)),
    ]);
}

fn depth_metrics(inputs: &QualityInputs, params: &QualityParams, unit: usize, row: &mut Vec<(&'static str, f64)>) {
    if let Some(depths) = inputs.depths.as_ref() {
        let of_unit = &depths[unit];
        let depths: Vec<f64> = of_unit.depths_um.iter().map(|&d| f64::from(d)).collect();
        let moved = drift(&of_unit.samples, &depths, inputs.extent, params.drift_interval_s);
        row.extend([
            ("drift_ptp", moved.ptp_um),
            ("drift_std", moved.sd_um),
            ("drift_mad", moved.mad_um),
        ]);
    }
    if let Some(positions) = inputs.positions_um.as_ref() {
        let [x, y] = positions[unit].unwrap_or([f64::NAN; 2]);
        row.extend([("x", x), ("y", y)]);
    }
    if let Some(contamination) = inputs.contamination_pct.as_ref() {
        row.push(("contam_pct", contamination[unit].unwrap_or(f64::NAN)));
    }
}

fn cluster_metrics(inputs: &QualityInputs, params: &QualityParams, unit: usize, row: &mut Vec<(&'static str, f64)>) {
    let Some(features) = inputs.features.as_ref() else {
        return;
    };
    let limits = ClusterLimits {
        channels: params.feature_channels,
        neighbours: params.neighbours,
        max_neighbour_spikes: params.max_neighbour_spikes,
    };
    let m = features.metrics_of(unit, limits);
    row.extend([
        ("isolation_distance", m.isolation_distance),
        ("l_ratio", m.l_ratio),
        ("d_prime", m.d_prime),
        ("nn_hit_rate", m.nn_hit_rate),
        ("nn_miss_rate", m.nn_miss_rate),
        ("silhouette", m.silhouette),
    ]);
}
