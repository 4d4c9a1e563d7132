//! Settings of simulations, and tables of motion.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::Scratch;
use ferrosort_simulate::{Motion, Settings};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("a.toml", bytes);
    if let Ok(settings) = Settings::from_name_or_file(&path.display().to_string()) {
        let _ = settings.validate();
        let _ = settings.to_toml();
    }
    let _ = Motion::from_csv(&path);
});
