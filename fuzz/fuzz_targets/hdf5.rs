//! HDF5 files of MaxWell and of NWB.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, read_recording};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| read_recording(&SCRATCH.file("a.h5", bytes)));
