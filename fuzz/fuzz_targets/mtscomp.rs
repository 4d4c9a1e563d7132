//! Compressed recordings: the description and the packed samples.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, recording_folder};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

/// What the files can be called.
const NAMES: [&str; 5] = ["a.ch", "a.cbin", "meta.json", "recording.ch", "recording.cbin"];

fuzz_target!(|bytes: &[u8]| recording_folder(&SCRATCH, bytes, &NAMES));
