//! Ranges of time, sample types, and single parameters.
#![no_main]

use std::sync::LazyLock;

use ferrosort::settings::{Algorithm, Settings};
use ferrosort_formats::{parse_sample_type, parse_time_range};
use ferrosort_fuzz::Scratch;
use ferrosort_simulate::Settings as Simulated;
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let _ = scratch.path();
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(range) = parse_time_range(text) {
        assert!(range.start_s >= 0.0 && range.end_s.is_none_or(|end| end > range.start_s));
    }
    let _ = parse_sample_type(text);
    let _ = Settings::resolve(Algorithm::Kilosort2, None, None, &[text.to_string()]);
    if let Ok(mut simulated) = Simulated::preset("easy") {
        let _ = simulated.set(text).and_then(|()| simulated.validate());
    }
});
