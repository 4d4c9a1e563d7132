//! Results of Kilosort2 (`rez.mat`), of eMouse and of MEArec: structures of MATLAB and HDF5.
#![no_main]

use std::sync::LazyLock;

use ferrosort_fuzz::{Scratch, read_result};
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("rez.mat", bytes);
    read_result(&path);
    for name in ["eMouseGroundTruth.mat", "a.h5"] {
        let path = scratch.file(name, bytes);
        read_result(&path);
    }
});
