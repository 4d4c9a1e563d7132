//! Intan: traditional files, and an info file with samples beside it.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, recording_folder};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

/// What the files can be called.
const NAMES: [&str; 7] = [
    "a_260101_120000.rhd",
    "a_260101_120100.rhd",
    "info.rhd",
    "info.rhs",
    "amplifier.dat",
    "amp-A-000.dat",
    "amp-A-001.dat",
];

fuzz_target!(|bytes: &[u8]| recording_folder(&SCRATCH, bytes, &NAMES));
