//! Names, units and meaning of the columns of a quality table.

use serde::Serialize;

/// Which values of a metric speak for a well isolated neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Large ones.
    High,
    /// Small ones.
    Low,
    /// The metric describes, it does not judge.
    Neither,
}

/// One column of a quality table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Name of the column; SpikeInterface's where it has the metric.
    pub name: &'static str,
    /// Unit of its values; empty for numbers and shares, `amplitude` for that of the amplitudes.
    pub unit: &'static str,
    /// Which values are better.
    pub better: Better,
    /// What it says, in a sentence.
    pub description: &'static str,
}

const fn entry(name: &'static str, unit: &'static str, better: Better, description: &'static str) -> Metric {
    Metric {
        name,
        unit,
        better,
        description,
    }
}

/// All columns, in the order of the table.
pub const METRICS: &[Metric] = &[
    entry("num_spikes", "", Better::High, "Number of spikes."),
    entry(
        "firing_rate",
        "Hz",
        Better::Neither,
        "Spikes per second of the recording.",
    ),
    entry(
        "presence_ratio",
        "",
        Better::High,
        "Share of the minutes in which the unit fires.",
    ),
    entry(
        "isi_violations_ratio",
        "",
        Better::Low,
        "Rate of intervals below 1.5 ms over the rate of spikes.",
    ),
    entry(
        "isi_violations_count",
        "",
        Better::Low,
        "Intervals between neighbouring spikes below 1.5 ms.",
    ),
    entry(
        "rp_contamination",
        "",
        Better::Low,
        "Share of foreign spikes that explains the violations of a refractory period of 1 ms.",
    ),
    entry("rp_violations", "", Better::Low, "Pairs of spikes at most 1 ms apart."),
    entry(
        "sliding_rp_violation",
        "",
        Better::Low,
        "Smallest contamination that some refractory period rules out with 90 % confidence.",
    ),
    entry(
        "sync_spike_2",
        "",
        Better::Low,
        "Share of spikes at a sample with at least 2 spikes of the sorting.",
    ),
    entry(
        "sync_spike_4",
        "",
        Better::Low,
        "Share of spikes at a sample with at least 4 spikes of the sorting.",
    ),
    entry(
        "sync_spike_8",
        "",
        Better::Low,
        "Share of spikes at a sample with at least 8 spikes of the sorting.",
    ),
    entry(
        "firing_range",
        "Hz",
        Better::Neither,
        "Range of the rate in bins of 5 s, 5th to 95th percentile.",
    ),
    entry(
        "amplitude_median",
        "amplitude",
        Better::Neither,
        "Median amplitude of the spikes.",
    ),
    entry(
        "amplitude_cv_median",
        "",
        Better::Low,
        "Median coefficient of variation of the amplitude in bins of 50 spikes.",
    ),
    entry(
        "amplitude_cv_range",
        "",
        Better::Low,
        "Range of the coefficient of variation, 5th to 95th percentile.",
    ),
    entry(
        "amplitude_cutoff",
        "",
        Better::Low,
        "Estimated share of spikes too small to be found.",
    ),
    entry(
        "noise_cutoff",
        "",
        Better::Low,
        "Count of the smallest spikes against that of the largest, in standard deviations.",
    ),
    entry(
        "noise_ratio",
        "",
        Better::Low,
        "Count of the smallest spikes over the largest count.",
    ),
    entry(
        "snr",
        "",
        Better::High,
        "Largest value of the mean waveform over the noise of its channel.",
    ),
    entry(
        "sd_ratio",
        "",
        Better::Low,
        "Standard deviation of the amplitudes over that of the noise.",
    ),
    entry(
        "drift_ptp",
        "µm",
        Better::Low,
        "Range of the median depth over minutes.",
    ),
    entry(
        "drift_std",
        "µm",
        Better::Low,
        "Standard deviation of the median depth over minutes.",
    ),
    entry(
        "drift_mad",
        "µm",
        Better::Low,
        "Median absolute deviation of the median depth over minutes.",
    ),
    entry(
        "isolation_distance",
        "",
        Better::High,
        "Squared distance within which there are as many foreign spikes as own ones.",
    ),
    entry(
        "l_ratio",
        "",
        Better::Low,
        "Expected number of foreign spikes inside the cluster, for each own spike.",
    ),
    entry(
        "d_prime",
        "",
        Better::High,
        "Distance from the other spikes along the best linear separation, in standard deviations.",
    ),
    entry(
        "nn_hit_rate",
        "",
        Better::High,
        "Share of the nearest neighbours of own spikes that are own spikes.",
    ),
    entry(
        "nn_miss_rate",
        "",
        Better::Low,
        "Share of the nearest neighbours of foreign spikes that are own spikes.",
    ),
    entry(
        "silhouette",
        "",
        Better::High,
        "Distance to the nearest other cluster against that to the own one, -1 to 1.",
    ),
    entry(
        "trough_to_peak",
        "ms",
        Better::Neither,
        "From the trough of the mean waveform to the largest value after it.",
    ),
    entry(
        "half_width",
        "ms",
        Better::Neither,
        "Width of the trough at half its depth.",
    ),
    entry(
        "peak_trough_ratio",
        "",
        Better::Neither,
        "Largest value after the trough over the depth of the trough.",
    ),
    entry(
        "spread",
        "µm",
        Better::Neither,
        "Extent along the probe of the channels with more than 12 % of the largest peak to peak.",
    ),
    entry(
        "velocity",
        "µm/ms",
        Better::Neither,
        "Speed at which the trough travels along the probe.",
    ),
    entry("x", "µm", Better::Neither, "Position across the probe."),
    entry("y", "µm", Better::Neither, "Position along the probe."),
    entry(
        "contam_pct",
        "%",
        Better::Low,
        "Contamination as the sorter estimated it.",
    ),
];

/// The metric of this name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|m| m.name == name)
}
