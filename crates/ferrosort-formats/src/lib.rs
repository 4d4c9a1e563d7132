//! Recordings, probes and sortings in and out of files.
//!
//! | in | out |
//! | --- | --- |
//! | [`open_recording`]: flat binary files, recording folders | [`npy`]: NumPy arrays |
//! | [`probe::read_probe`]: probeinterface, Kilosort `.mat`, Kilosort4 JSON, `.prb` | [`probe::write_probe`]: probeinterface JSON |
//!
//! Every reader takes untrusted bytes: it never panics, never executes anything and bounds what it allocates.
#![forbid(unsafe_code)]

pub mod binary;
mod folder;
mod matlab;
pub mod npy;
mod open;
pub mod probe;
mod slice;

pub use binary::{BinaryOptions, BinaryRecording, parse_sample_type};
pub use open::{OpenOptions, open_recording};
pub use probe::{read_probe, write_probe};
pub use slice::{TimeRange, TimeSlice, parse_time_range};
