//! Probes: Python, probeinterface and Kilosort4.
#![no_main]

use std::sync::LazyLock;

use ferrosort_formats::read_probe;
use ferrosort_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("probe", bytes);
    let Ok(mut probe) = read_probe(&path) else { return };
    if probe.validate_contacts(64, "fuzzed").is_ok() {
        probe.spread(10.0);
        let _ = probe.validate(64, "fuzzed");
    }
});
