//! Truths of simulations, folders of SpikeInterface and contexts of pykilosort: every file is hostile.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, result_folder};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

/// What the files can be called.
const NAMES: [&str; 23] = [
    "truth/spike_samples.npy",
    "truth/spike_units.npy",
    "truth/units.csv",
    "truth/simulation.json",
    "truth/templates.npy",
    "truth/displacement.npy",
    "truth/displacement_times.npy",
    "truth/displacement_depths.npy",
    "truth/spike_overlap.npy",
    "truth/spike_ptp_uV.npy",
    "truth/unit_displacements.npy",
    "meta.json",
    "probe.json",
    "recording.bin",
    "numpysorting_info.json",
    "spikes.npy",
    "properties/gt_unit_locations.npy",
    "properties/quality.npy",
    ".kilosort/a/Wrot.npy",
    ".kilosort/a/ccb0.npy",
    ".kilosort/a/st3.npy",
    ".kilosort/a/iorig.npy",
    ".kilosort/a/params.json",
];

fuzz_target!(|bytes: &[u8]| result_folder(&SCRATCH, bytes, &NAMES));
