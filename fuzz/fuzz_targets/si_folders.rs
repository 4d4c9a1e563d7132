//! Binary and Zarr folders of SpikeInterface.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, recording_folder};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

/// What the files can be called.
const NAMES: [&str; 14] = [
    "binary.json",
    "traces_cached_seg0.raw",
    "traces_cached_seg1.raw",
    "probegroup.json",
    "properties/gain_to_uV.npy",
    ".zgroup",
    ".zattrs",
    "traces_seg0/.zarray",
    "traces_seg0/0.0",
    "traces_seg0/1.0",
    "traces_seg1/.zarray",
    "traces_seg1/0.0",
    "properties/gain_to_uV/.zarray",
    "properties/gain_to_uV/0",
];

fuzz_target!(|bytes: &[u8]| recording_folder(&SCRATCH, bytes, &NAMES));
