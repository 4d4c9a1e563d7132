//! The documented defects of Kilosort2 and differences of its Python port, one named switch each.

use serde::{Deserialize, Serialize};

/// Which behaviours of the original programs to reproduce. Every field is off by default: the documented
/// remedy is in force. `docs/kilosort2.md` derives each of them, in the section named here.
///
/// The first group are defects of Kilosort2 2.0.2 itself, the second what pykilosort 2.0.0a2 does differently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)]
pub struct Compat {
    /// 2.1, 2.2, 2.7, 5.1: 64-sample filter margins, replicated padding, and template starts that no batch covers.
    pub batch_edges: bool,
    /// 2.3: the covariance is divided by one batch too few when the stride divides the number of batches less one.
    pub covariance_divisor: bool,
    /// 2.3, 3.3, 4.1: covariance, detector and shapes are learned at fixed strides, even where that is a single batch.
    pub sparse_sampling: bool,
    /// 3.5: spikes without a matching cluster go to cluster 0.
    pub unassigned_to_first_cluster: bool,
    /// 4.1: a prototype that loses all its clips becomes NaN for good.
    pub empty_prototype_nan: bool,
    /// 4.3: the integer alignment centres the trough one sample late, so that the sub-sample alignment never acts.
    pub alignment_off_by_one: bool,
    /// 4.3: the first component is flipped without its spatial part.
    pub component_sign: bool,
    /// 4.5: the row 60 samples after a subtraction keeps its old projection.
    pub stale_row: bool,
    /// 4.6: the first samples of a batch hide or fake new templates at its end.
    pub tail_contamination: bool,
    /// 5.1: spike times of the first batch are late when the time range does not begin at 0.
    pub first_batch_time: bool,
    /// 6.2: templates of one neuron that took turns while it drifted stay apart.
    pub no_handover_merges: bool,
    /// 6.2: merged spikes keep features of their old unit's channels.
    pub stale_merge_features: bool,
    /// 6.3: template features keep the neighbours from before the splits.
    pub stale_split_features: bool,
    /// 6.3: the mean waveforms of the two halves of a split are exchanged.
    pub swapped_split_templates: bool,

    /// D6, D7: the covariance sees half a buffer of one repeated sample.
    pub constant_covariance_buffer: bool,
    /// D8: the covariance is not low-pass filtered when `fslow` is set.
    pub covariance_without_lowpass: bool,
    /// D10: whitened data are truncated toward zero and wrap instead of rounding and saturating.
    pub truncate_int16: bool,
    /// D13, D14: edge exclusions of the peak detectors are one sample off.
    pub peak_edges: bool,
    /// D16: k-means starts from spikes drawn with replacement, with noise on every entry.
    pub noisy_cluster_start: bool,
    /// D19: the embedding subtracts column means instead of the global mean.
    pub embedding_column_mean: bool,
    /// D20: the sign of the embedding follows its first entry.
    pub embedding_sign_by_first: bool,
    /// D25, D27: learning visits the second half of the sorted order; the middle batch belongs to the forward pass.
    pub second_half_learning: bool,
    /// D26: the final extraction starts from the full-rank means.
    pub full_rank_final_start: bool,
    /// D28: with `batch_edges`, the earliest template start is sample 60 of a batch instead of 61.
    pub earliest_start_60: bool,
    /// D33: the sign of the temporal basis is taken at sample 20 instead of 19.
    pub basis_sign_20: bool,
    /// D34: spike times are one sample later in every batch but the first.
    pub time_one_late: bool,
    /// D35: spikes are listed by extraction pass instead of by sorted batch position.
    pub spike_order_by_pass: bool,
    /// D37, D44: correlograms round half to even and replace undefined ratios.
    pub python_correlogram: bool,
    /// D38: equal similarities are ordered by falling index.
    pub reversed_ties: bool,
    /// D39: the running average in splits is delayed and truncated for units of few spikes.
    pub truncated_running_average: bool,
    /// D41: the split passes are not chained; only one of them, here the first, takes effect.
    pub single_split_pass: bool,
    /// D46: units without spikes are removed and the rest renumbered.
    pub renumber_units: bool,
}

/// Names of the presets, as `--compat` takes them.
pub const PRESETS: [&str; 4] = ["none", "kilosort2-2.0.2", "pykilosort", "pykilosort-2.0.0a2"];

impl Compat {
    /// Kilosort2 2.0.2 with its defects.
    pub fn kilosort2_2_0_2() -> Self {
        Self {
            batch_edges: true,
            covariance_divisor: true,
            sparse_sampling: true,
            unassigned_to_first_cluster: true,
            empty_prototype_nan: true,
            alignment_off_by_one: true,
            component_sign: true,
            stale_row: true,
            tail_contamination: true,
            first_batch_time: true,
            no_handover_merges: true,
            stale_merge_features: true,
            stale_split_features: true,
            swapped_split_templates: true,
            ..Self::default()
        }
    }

    /// The port's own differences, without the defects that it shares with Kilosort2.
    pub fn pykilosort() -> Self {
        Self {
            constant_covariance_buffer: true,
            covariance_without_lowpass: true,
            truncate_int16: true,
            peak_edges: true,
            noisy_cluster_start: true,
            embedding_column_mean: true,
            embedding_sign_by_first: true,
            second_half_learning: true,
            full_rank_final_start: true,
            earliest_start_60: true,
            basis_sign_20: true,
            time_one_late: true,
            spike_order_by_pass: true,
            python_correlogram: true,
            reversed_ties: true,
            truncated_running_average: true,
            single_split_pass: true,
            renumber_units: true,
            ..Self::default()
        }
    }

    /// pykilosort 2.0.0a2: the port's differences on top of the defects of Kilosort2.
    pub fn pykilosort_2_0_0a2() -> Self {
        let port = Self::pykilosort();
        let original = Self::kilosort2_2_0_2();
        Self {
            batch_edges: original.batch_edges,
            // The port divides by at least one and otherwise as the original.
            covariance_divisor: original.covariance_divisor,
            sparse_sampling: original.sparse_sampling,
            unassigned_to_first_cluster: original.unassigned_to_first_cluster,
            empty_prototype_nan: original.empty_prototype_nan,
            alignment_off_by_one: original.alignment_off_by_one,
            component_sign: original.component_sign,
            stale_row: original.stale_row,
            tail_contamination: original.tail_contamination,
            no_handover_merges: original.no_handover_merges,
            stale_merge_features: original.stale_merge_features,
            stale_split_features: original.stale_split_features,
            swapped_split_templates: original.swapped_split_templates,
            ..port
        }
    }

    /// The preset of this name, if there is one (see [`PRESETS`]).
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::default()),
            "kilosort2-2.0.2" => Some(Self::kilosort2_2_0_2()),
            "pykilosort" => Some(Self::pykilosort()),
            "pykilosort-2.0.0a2" => Some(Self::pykilosort_2_0_0a2()),
            _ => None,
        }
    }
}
