//! Tables of spikes.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, read_result};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    for name in ["a.csv", "a.tsv"] {
        read_result(&scratch.file(name, bytes));
    }
});
