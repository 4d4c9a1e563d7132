//! Parameter files of `sort`.
#![no_main]

use std::sync::LazyLock;

use ferrosort::settings::{Algorithm, Settings};
use ferrosort_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("a.toml", bytes);
    for algorithm in [Algorithm::Auto, Algorithm::Kilosort2] {
        if let Ok(resolved) = Settings::resolve(algorithm, None, Some(&path), &[]) {
            resolved.settings.validate().expect("what is resolved is valid");
            let _ = resolved.settings.check_rate(30_000.0);
        }
    }
});
