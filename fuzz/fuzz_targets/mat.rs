//! MATLAB files of all versions, and the channel maps in them.
#![no_main]

use std::sync::LazyLock;

use ferrosort_formats::matlab::MatFile;
use ferrosort_formats::read_probe;
use ferrosort_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("a.mat", bytes);
    if let Ok(file) = MatFile::open(
        &path,
        &["chanMap", "xcoords", "ycoords", "kcoords", "connected", "uColl"],
    ) {
        for name in file.names() {
            let _ = file.numbers(name);
            let _ = file.structs(name);
        }
    }
    let _ = read_probe(&path);
});
