//! Open Ephys: the description of a recording, and the settings with its probes.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, recording_folder};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

/// What the files can be called.
const NAMES: [&str; 5] = [
    "settings.xml",
    "experiment1/recording1/structure.oebin",
    "experiment1/recording2/structure.oebin",
    "experiment1/recording1/continuous/A/continuous.dat",
    "experiment1/recording2/continuous/A/continuous.dat",
];

fuzz_target!(|bytes: &[u8]| recording_folder(&SCRATCH, bytes, &NAMES));
