//! Metadata of SpikeGLX, and the samples of several triggers.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, recording_folder};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

/// What the files can be called.
const NAMES: [&str; 8] = [
    "a_g0_t0.imec0.ap.meta",
    "a_g0_t0.imec0.ap.bin",
    "a_g0_t1.imec0.ap.meta",
    "a_g0_t1.imec0.ap.bin",
    "a_g0_t0.nidq.meta",
    "a_g0_t0.nidq.bin",
    "a_g0_t0.imec0.ap.ch",
    "a_g0_t0.imec0.ap.cbin",
];

fuzz_target!(|bytes: &[u8]| recording_folder(&SCRATCH, bytes, &NAMES));
