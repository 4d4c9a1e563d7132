//! Folders for phy, and our run folders: every file is hostile.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, result_folder};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

/// What the files can be called.
const NAMES: [&str; 20] = [
    "spike_times.npy",
    "spike_clusters.npy",
    "spike_templates.npy",
    "templates.npy",
    "templates_ind.npy",
    "amplitudes.npy",
    "channel_map.npy",
    "channel_positions.npy",
    "whitening_mat.npy",
    "whitening_mat_inv.npy",
    "similar_templates.npy",
    "pc_features.npy",
    "pc_feature_ind.npy",
    "template_features.npy",
    "params.py",
    "run.json",
    "cluster_group.tsv",
    "intermediates/Wrot.npy",
    "intermediates/st3_c.npy",
    "intermediates/iorig.npy",
];

fuzz_target!(|bytes: &[u8]| result_folder(&SCRATCH, bytes, &NAMES));
