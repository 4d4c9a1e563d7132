//! Noise models, sets of templates and libraries of waveforms of simulations.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::Scratch;
use ferrosort_simulate::NoiseModel;
use ferrosort_simulate::waveforms::{TemplateSet, WaveformLibrary};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("a", bytes);
    let _ = NoiseModel::read(&path);
    let _ = TemplateSet::read(&path);
    let _ = WaveformLibrary::read(&path, 30_000.0, 82);
});
