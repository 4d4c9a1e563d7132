//! `params.py` and the tables of clusters beside the arrays of a phy folder.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, read_result};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    phy(scratch);
    scratch.file("params.py", bytes);
    scratch.file("cluster_group.tsv", bytes);
    scratch.file("cluster_info.tsv", bytes);
    read_result(scratch.path());
});

/// The arrays of a folder for phy.
fn phy(scratch: &Scratch) {
    if !scratch.path().join("spike_times.npy").exists() {
        scratch.integers("spike_times.npy", &[5, 10, 20]);
        scratch.integers("spike_clusters.npy", &[0, 1, 0]);
        scratch.integers("channel_map.npy", &[0, 1]);
    }
}
