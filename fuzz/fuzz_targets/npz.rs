//! Packs of NumPy arrays, and the results that are such packs.
#![no_main]

use std::sync::LazyLock;

use ferrosort_formats::npy::Npz;
use ferrosort_fuzz::{Scratch, read_result};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("a.npz", bytes);
    if let Ok(mut pack) = Npz::open(&path) {
        for name in pack.names() {
            let _ = pack.read(&name);
        }
    }
    read_result(&path);
});
