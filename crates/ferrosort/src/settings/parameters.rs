//! The numbers of the Kilosort2 algorithm.

use serde::{Deserialize, Serialize};

/// Parameters of the Kilosort2 family. Kilosort's own names are accepted everywhere as aliases.
///
/// Lengths in samples are not rescaled with the sample rate, as in Kilosort2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// High-pass corner, Hz.
    #[serde(alias = "fshigh")]
    pub highpass_hz: f64,
    /// Low-pass corner, Hz; 0 for none. When set, a band-pass replaces the high-pass.
    #[serde(alias = "fslow")]
    pub lowpass_hz: f64,
    /// Subtract the median over channels from every sample.
    #[serde(alias = "CAR")]
    pub common_reference: bool,
    /// Channels with fewer threshold crossings per second are left out, Hz; 0 keeps all.
    #[serde(alias = "minfr_goodchannels")]
    pub min_channel_rate_hz: f64,
    /// Score thresholds in sd of whitened noise: while learning, and in the final pass.
    #[serde(alias = "Th")]
    pub threshold: [f64; 2],
    /// Weight of the amplitude prior: how strongly amplitudes are drawn to the template's.
    #[serde(alias = "lam")]
    pub amplitude_prior: f64,
    /// Least mean posterior of each half for a split to be accepted, 0 to 1.
    #[serde(alias = "AUCsplit")]
    pub split_posterior: f64,
    /// Templates that fire less often are dropped while learning, Hz.
    #[serde(alias = "minFR")]
    pub min_unit_rate_hz: f64,
    /// Memory of the running mean waveforms, spikes: at the start and at the end of learning.
    pub momentum: [f64; 2],
    /// Detection threshold for the spikes that order the batches, sd in the space of principal components.
    #[serde(alias = "ThPre")]
    pub detection_threshold: f64,
    /// Peak threshold for isolated spikes and for the channel test, sd (negative).
    #[serde(alias = "spkTh")]
    pub peak_threshold: f64,
    /// Visit batches in the order of their drift instead of their time.
    pub reorder: bool,
    /// Every how many batches clips for the prototypes are taken.
    #[serde(alias = "nskip")]
    pub prototype_stride: usize,
    /// Most templates per channel.
    #[serde(alias = "nfilt_factor")]
    pub max_templates_per_channel: usize,
    /// Overlap of successive batches and filter margin, samples.
    #[serde(alias = "ntbuff")]
    pub batch_overlap: usize,
    /// Samples of a batch; 64 more than a multiple of 1024 covers best.
    #[serde(alias = "NT")]
    pub batch_samples: usize,
    /// Channels used to whiten each channel; 0 or infinite for all.
    #[serde(alias = "whiteningRange")]
    pub whitening_range: usize,
    /// Every how many batches the covariance is sampled.
    #[serde(alias = "nSkipCov")]
    pub covariance_stride: usize,
    /// Counts per sd in the whitened 16-bit data.
    #[serde(alias = "scaleproc")]
    pub whitened_scale: f64,
    /// Samples of a template.
    #[serde(alias = "nt0")]
    pub template_samples: usize,
    /// Sample of a template at which the trough is placed, counted from 1.
    #[serde(alias = "nt0min")]
    pub trough_sample: usize,
    /// A peak is the lowest value within this many samples and channel indices.
    #[serde(alias = "loc_range")]
    pub peak_range: [usize; 2],
    /// An isolated peak has no other within this many samples and channel indices.
    #[serde(alias = "long_range")]
    pub isolation_range: [usize; 2],
    /// Multiplies the amplitudes in `cluster_Amplitude.tsv`.
    #[serde(alias = "gain")]
    pub amplitude_gain: f64,
    /// Remove the smaller of two spikes within 0.5 ms and 100 µm before merging.
    pub remove_duplicates: bool,
    /// Seed of the random starts of the clusterings.
    #[serde(alias = "CSBseed", alias = "LTseed")]
    pub seed: u64,
}

impl Parameters {
    /// Defaults of Kilosort2.
    pub fn kilosort2() -> Self {
        Self {
            highpass_hz: 150.0,
            lowpass_hz: 0.0,
            common_reference: true,
            min_channel_rate_hz: 0.1,
            threshold: [10.0, 4.0],
            amplitude_prior: 10.0,
            split_posterior: 0.9,
            min_unit_rate_hz: 0.02,
            momentum: [20.0, 400.0],
            detection_threshold: 8.0,
            peak_threshold: -6.0,
            reorder: true,
            prototype_stride: 25,
            max_templates_per_channel: 4,
            batch_overlap: 64,
            batch_samples: 65600,
            whitening_range: 32,
            covariance_stride: 25,
            whitened_scale: 200.0,
            template_samples: 61,
            trough_sample: 20,
            peak_range: [5, 4],
            isolation_range: [30, 6],
            amplitude_gain: 1.0,
            remove_duplicates: false,
            seed: 1,
        }
    }

    /// Defaults of pykilosort 2.0.0a2.
    pub fn pykilosort() -> Self {
        Self {
            batch_samples: 32832,
            prototype_stride: 5,
            ..Self::kilosort2()
        }
    }

    /// With those that act after batches are ordered at their defaults: what the stages up to there depend on.
    #[must_use]
    pub fn before_learning(&self) -> Self {
        let defaults = Self::kilosort2();
        Self {
            threshold: defaults.threshold,
            amplitude_prior: defaults.amplitude_prior,
            min_unit_rate_hz: defaults.min_unit_rate_hz,
            momentum: defaults.momentum,
            max_templates_per_channel: defaults.max_templates_per_channel,
            ..self.before_curation()
        }
    }

    /// With those that act after all spikes are found at their defaults: what the stages up to there depend on.
    #[must_use]
    pub fn before_curation(&self) -> Self {
        let defaults = Self::kilosort2();
        Self {
            split_posterior: defaults.split_posterior,
            amplitude_gain: defaults.amplitude_gain,
            remove_duplicates: defaults.remove_duplicates,
            ..self.clone()
        }
    }

    /// Sample of a template at which the trough is placed, counted from 0.
    pub fn trough(&self) -> usize {
        self.trough_sample - 1
    }
}
