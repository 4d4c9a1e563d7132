//! What there is to know about each parameter and compatibility switch: the source of `ferrosort parameters`, of
//! `docs/parameters.md` and of the range checks.

use super::Algorithm;

/// The values that a parameter can take. For a pair it holds for each of the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// `true` or `false`.
    Flag,
    /// Greater than this.
    Above(f64),
    /// Less than this.
    Below(f64),
    /// This or more.
    AtLeast(f64),
    /// From the first to the second, both included.
    Between(f64, f64),
}

impl Range {
    /// True when the value is inside. NaN never is; infinity only where the range has no upper end, and is refused there too.
    pub fn contains(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Self::Flag => false,
                Self::Above(low) => value > low,
                Self::Below(high) => value < high,
                Self::AtLeast(low) => value >= low,
                Self::Between(low, high) => (low..=high).contains(&value),
            }
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => write!(f, "true or false"),
            Self::Above(low) => write!(f, "greater than {low}"),
            Self::Below(high) => write!(f, "less than {high}"),
            Self::AtLeast(low) => write!(f, "{low} or more"),
            Self::Between(low, high) => write!(f, "{low} to {high}"),
        }
    }
}

/// One parameter, for people.
#[derive(Debug, Clone, Copy)]
pub struct ParameterInfo {
    /// Its name: the field of [`super::Parameters`].
    pub name: &'static str,
    /// The names that Kilosort2 and pykilosort give it; accepted everywhere.
    pub aliases: &'static [&'static str],
    /// Unit, empty for a pure number or a flag.
    pub unit: &'static str,
    /// The values it can take.
    pub range: Range,
    /// What it does.
    pub meaning: &'static str,
}

/// The only parameter of Kilosort2 that `auto` has too.
const USED_BY_AUTO: &str = "common_reference";

impl ParameterInfo {
    /// Whether this algorithm reads it. `auto` derives the others from the probe and the recording.
    pub fn is_used_by(&self, algorithm: Algorithm) -> bool {
        algorithm != Algorithm::Auto || self.name == USED_BY_AUTO
    }
}

/// One compatibility switch, for people.
#[derive(Debug, Clone, Copy)]
pub struct CompatInfo {
    /// Its name: the field of [`super::Compat`].
    pub name: &'static str,
    /// What the original programs do that it repeats.
    pub meaning: &'static str,
}

const fn parameter(
    name: &'static str,
    aliases: &'static [&'static str],
    unit: &'static str,
    range: Range,
    meaning: &'static str,
) -> ParameterInfo {
    ParameterInfo {
        name,
        aliases,
        unit,
        range,
        meaning,
    }
}

const fn switch(name: &'static str, meaning: &'static str) -> CompatInfo {
    CompatInfo { name, meaning }
}

use Range::{Above, AtLeast, Below, Between, Flag};

/// Every parameter, in the order of [`super::Parameters`].
pub const PARAMETERS: [ParameterInfo; 26] = [
    parameter(
        "highpass_hz",
        &["fshigh"],
        "Hz",
        Above(0.0),
        "High-pass corner; below half the sample rate.",
    ),
    parameter(
        "lowpass_hz",
        &["fslow"],
        "Hz",
        AtLeast(0.0),
        "Low-pass corner; 0 for none. When set, a band-pass replaces the high-pass; it lies above highpass_hz and below \
         half the sample rate.",
    ),
    parameter(
        "common_reference",
        &["CAR"],
        "",
        Flag,
        "Subtract the median over channels from every sample.",
    ),
    parameter(
        "min_channel_rate_hz",
        &["minfr_goodchannels"],
        "Hz",
        AtLeast(0.0),
        "Channels with fewer threshold crossings per second are left out; 0 keeps all.",
    ),
    parameter(
        "threshold",
        &["Th"],
        "sd",
        Above(0.0),
        "Score that a spike must exceed, in standard deviations of whitened noise: while templates are learned, and in \
         the final pass. Lower values find smaller spikes and more noise.",
    ),
    parameter(
        "amplitude_prior",
        &["lam"],
        "",
        AtLeast(0.0),
        "How strongly the amplitude of a spike is drawn to that of its template; 0 leaves it free.",
    ),
    parameter(
        "split_posterior",
        &["AUCsplit"],
        "",
        Between(0.0, 1.0),
        "Least mean posterior probability of both halves for a split to be accepted; 1 splits hardly ever.",
    ),
    parameter(
        "min_unit_rate_hz",
        &["minFR"],
        "Hz",
        AtLeast(0.0),
        "Templates that fire less often are dropped while learning.",
    ),
    parameter(
        "momentum",
        &[],
        "spikes",
        AtLeast(1.0),
        "Memory of the running mean waveforms, at the start and at the end of learning.",
    ),
    parameter(
        "detection_threshold",
        &["ThPre"],
        "sd",
        Above(0.0),
        "Detection threshold, in the space of principal components, for the spikes that order the batches.",
    ),
    parameter(
        "peak_threshold",
        &["spkTh"],
        "sd",
        Below(0.0),
        "Peak threshold for isolated spikes and for the test of channels.",
    ),
    parameter(
        "reorder",
        &[],
        "",
        Flag,
        "Visit the batches in the order of their drift instead of their time while learning.",
    ),
    parameter(
        "prototype_stride",
        &["nskip"],
        "batches",
        AtLeast(1.0),
        "Every how many batches waveforms for the prototypes are taken.",
    ),
    parameter(
        "max_templates_per_channel",
        &["nfilt_factor"],
        "",
        Between(1.0, 64.0),
        "At most this many templates for each channel.",
    ),
    parameter(
        "batch_overlap",
        &["ntbuff"],
        "samples",
        Between(0.0, 65536.0),
        "Overlap of successive batches. Shorter than template_samples, it leaves a gap in which spikes are missed.",
    ),
    parameter(
        "batch_samples",
        &["NT"],
        "samples",
        Between(1024.0, 16_777_216.0),
        "Length of a batch, with its overlap. At least 1024 more than batch_overlap.",
    ),
    parameter(
        "whitening_range",
        &["whiteningRange"],
        "channels",
        Between(0.0, 65536.0),
        "Nearest channels that whiten each channel; 0 or inf for all.",
    ),
    parameter(
        "covariance_stride",
        &["nSkipCov"],
        "batches",
        AtLeast(1.0),
        "Every how many batches the covariance of the channels is sampled.",
    ),
    parameter(
        "whitened_scale",
        &["scaleproc"],
        "counts per sd",
        Between(1.0, 3000.0),
        "Scale of the whitened 16-bit data.",
    ),
    parameter(
        "template_samples",
        &["nt0"],
        "samples",
        Between(21.0, 121.0),
        "Length of a template.",
    ),
    parameter(
        "trough_sample",
        &["nt0min"],
        "samples",
        Between(1.0, 121.0),
        "Sample of a template at which the trough is placed, counted from 1. When only template_samples is given, a \
         third of it: ceil(20/61 · template_samples).",
    ),
    parameter(
        "peak_range",
        &["loc_range"],
        "samples, channels",
        Between(1.0, 1000.0),
        "A peak is the lowest value within this many samples and channel indices.",
    ),
    parameter(
        "isolation_range",
        &["long_range"],
        "samples, channels",
        Between(1.0, 1000.0),
        "An isolated peak has no other within this many samples and channel indices.",
    ),
    parameter(
        "amplitude_gain",
        &["gain"],
        "",
        Above(0.0),
        "Multiplies the amplitudes in cluster_Amplitude.tsv.",
    ),
    parameter(
        "remove_duplicates",
        &[],
        "",
        Flag,
        "Remove the smaller of two spikes within 0.5 ms and 100 µm before merging.",
    ),
    parameter(
        "seed",
        &["CSBseed", "LTseed"],
        "",
        AtLeast(0.0),
        "Seed of the random starts of the clusterings.",
    ),
];

/// Every compatibility switch, in the order of [`super::Compat`]: defects of Kilosort2 first, then differences of its port.
pub const COMPAT: [CompatInfo; 32] = [
    switch(
        "batch_edges",
        "64-sample filter margins, replicated padding, and template starts that no batch covers (2.1, 2.2, 2.7, 5.1).",
    ),
    switch(
        "covariance_divisor",
        "The covariance is divided by one batch too few when the stride divides the number of batches less one (2.3).",
    ),
    switch(
        "sparse_sampling",
        "Covariance, detector and shapes are learned at fixed strides even where that is a single batch (2.3, 3.3, 4.1).",
    ),
    switch(
        "unassigned_to_first_cluster",
        "Spikes without a matching cluster go to cluster 0 (3.5).",
    ),
    switch(
        "empty_prototype_nan",
        "A prototype that loses all its waveforms becomes NaN for good (4.1).",
    ),
    switch(
        "alignment_off_by_one",
        "Integer alignment centres the trough one sample late, so that sub-sample alignment never acts (4.3).",
    ),
    switch(
        "component_sign",
        "The first component is flipped without its spatial part (4.3).",
    ),
    switch(
        "stale_row",
        "The row 60 samples after a subtraction keeps its old projection (4.5).",
    ),
    switch(
        "tail_contamination",
        "The first samples of a batch hide or fake new templates at its end (4.6).",
    ),
    switch(
        "first_batch_time",
        "Spike times of the first batch are late when the time range does not begin at 0 (5.1).",
    ),
    switch(
        "no_handover_merges",
        "Templates of one neuron that took turns while it drifted stay apart (6.2).",
    ),
    switch(
        "stale_merge_features",
        "Merged spikes keep features of their old unit's channels (6.2).",
    ),
    switch(
        "stale_split_features",
        "Template features keep the neighbours from before the splits (6.3).",
    ),
    switch(
        "swapped_split_templates",
        "The mean waveforms of the two halves of a split are exchanged (6.3).",
    ),
    switch(
        "constant_covariance_buffer",
        "The covariance sees half a buffer of one repeated sample (D6, D7).",
    ),
    switch(
        "covariance_without_lowpass",
        "The covariance is not low-pass filtered when a low-pass is set (D8).",
    ),
    switch(
        "truncate_int16",
        "Whitened data are truncated toward zero and wrap instead of rounding and saturating (D10).",
    ),
    switch(
        "peak_edges",
        "Edge exclusions of the peak detectors are one sample off (D13, D14).",
    ),
    switch(
        "noisy_cluster_start",
        "Clusterings start from spikes drawn with replacement, with noise on every entry (D16).",
    ),
    switch(
        "embedding_column_mean",
        "The embedding subtracts column means instead of the global mean (D19).",
    ),
    switch(
        "embedding_sign_by_first",
        "The sign of the embedding follows its first entry (D20).",
    ),
    switch(
        "second_half_learning",
        "Learning visits the second half of the sorted order; the middle batch belongs to the forward pass (D25, D27).",
    ),
    switch(
        "full_rank_final_start",
        "The final extraction starts from the full-rank means (D26).",
    ),
    switch(
        "earliest_start_60",
        "The earliest template start is sample 60 of a batch instead of 61 (D28).",
    ),
    switch(
        "basis_sign_20",
        "The sign of the temporal basis is taken at sample 20 instead of 19 (D33).",
    ),
    switch(
        "time_one_late",
        "Spike times are one sample later in every batch but the first (D34).",
    ),
    switch(
        "spike_order_by_pass",
        "Spikes are listed by extraction pass instead of by sorted batch position (D35).",
    ),
    switch(
        "python_correlogram",
        "Correlograms round half to even and replace undefined ratios (D37, D44).",
    ),
    switch(
        "reversed_ties",
        "Equal similarities are ordered by falling index (D38).",
    ),
    switch(
        "truncated_running_average",
        "The running average in splits is delayed and truncated for units of few spikes (D39).",
    ),
    switch(
        "single_split_pass",
        "Only the first of the two split passes takes effect (D41).",
    ),
    switch(
        "renumber_units",
        "Units without spikes are removed and the rest renumbered (D46).",
    ),
];

/// Options of the original programs that change nothing here: name and why.
pub const WITHOUT_EFFECT: [(&str, &str); 21] = [
    ("sigmaMask", "the originals compute the mask and never use it"),
    ("GPU", "ferrosort computes on the CPU"),
    ("useRAM", "ferrosort never holds the recording in memory"),
    ("sorting", "the originals read it and never use it"),
    (
        "Nfilt",
        "it follows from max_templates_per_channel and the number of channels",
    ),
    ("criterionNoiseChannels", "the originals read it and never use it"),
    ("nPCs", "the method is written for 3 components"),
    (
        "fproc",
        "--keep-processed writes the whitened data into the output folder",
    ),
    ("root", "the recording is named on the command line"),
    ("fbinary", "the recording is named on the command line"),
    ("chanMap", "the probe is named with --probe"),
    (
        "kcoords",
        "the originals carry it and never use it; the probe file gives the shanks",
    ),
    ("verbose", "--quiet and --log-format decide what is printed"),
    ("fig", "no figures are drawn"),
    ("showfigures", "no figures are drawn"),
    ("stablemode_enabled", "spikes are always processed in a fixed order"),
    ("useStableMode", "spikes are always processed in a fixed order"),
    ("deterministicmode_enabled", "results are always the same"),
    ("templateScaling", "it only scales phy's display"),
    ("nup", "the sub-sample interpolation is fixed to 10 steps"),
    ("sig", "the sub-sample interpolation has a fixed width of 1 sample"),
];

/// Options of the original programs that describe the recording: name and the command-line flag that it stands for.
pub const ABOUT_THE_RECORDING: [(&str, &str); 3] = [
    ("fs", "--sample-rate"),
    ("NchanTOT", "--channels"),
    ("trange", "--time-range"),
];

/// The parameter of this name or alias.
pub fn find_parameter(key: &str) -> Option<&'static ParameterInfo> {
    PARAMETERS
        .iter()
        .find(|info| info.name == key || info.aliases.contains(&key))
}

/// The compatibility switch of this name.
pub fn find_switch(key: &str) -> Option<&'static CompatInfo> {
    COMPAT.iter().find(|info| info.name == key)
}

#[cfg(test)]
mod tests;
