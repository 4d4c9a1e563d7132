//! The description of a recording folder, and what `info` says of it.
#![no_main]

use std::sync::LazyLock;

use ferrosort_formats::{OpenOptions, inspect, open_recording};
use ferrosort_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    scratch.file("recording.bin", &[1; 4096]);
    scratch.file("meta.json", bytes);
    let options = [
        OpenOptions::default(),
        OpenOptions {
            n_channels: Some(2),
            sample_rate: Some(30_000.0),
            ..OpenOptions::default()
        },
    ];
    for options in &options {
        let Ok(recording) = open_recording(&[scratch.path().to_path_buf()], options) else {
            continue;
        };
        assert!(recording.n_samples() > 0 && recording.n_channels() > 0 && recording.sample_rate() > 0.0);
        let mut frame = vec![0.0; recording.n_channels()];
        let _ = recording.read(recording.n_samples() - 1, &mut frame);
        let _ = inspect(&*recording, None);
    }
});
