//! `run.json` beside the arrays of a run folder.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, read_result};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    phy(scratch);
    scratch.file("params.py", b"sample_rate = 30000.0\nn_channels_dat = 2\n");
    scratch.file("run.json", bytes);
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
