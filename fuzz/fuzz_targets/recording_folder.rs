//! The description of a recording folder, and what `info` says of it.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, read_recording};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    scratch.file("recording.bin", &[1; 4096]);
    scratch.file("meta.json", bytes);
    read_recording(scratch.path());
});
