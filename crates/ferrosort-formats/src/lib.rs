//! Recordings, probes and sortings in and out of files.
//!
//! | in | out |
//! | --- | --- |
//! | [`open_recording`]: recordings of every format, files or folders | [`convert()`]: a recording folder |
//! | | [`phy::write_phy`]: a Kilosort/phy folder |
//! | [`probe::read_probe`]: probeinterface, Kilosort `.mat`, Kilosort4 JSON, `.prb` | [`probe::write_probe`]: probeinterface JSON |
//! | [`inspect()`]: facts and likely mistakes of a recording | [`npy`]: NumPy arrays |
//! | [`results::read_run`]: what any sorter or simulator left | [`export::export`]: NWB, ALF, SpikeInterface, tables, motion |
//! | [`npy`]: NumPy arrays and packs of them | |
//! | [`matlab::MatFile`]: variables of `.mat` files | [`matlab::write_mat`]: `.mat` files |
//!
//! Every reader takes untrusted bytes: it never panics, never executes anything and bounds what it allocates.
#![forbid(unsafe_code)]

pub mod binary;
mod chunked;
mod convert;
mod detect;
pub mod export;
mod folder;
mod hdf5;
pub mod inspect;
mod intan;
mod literals;
pub mod matlab;
mod maxwell;
mod mtscomp;
mod neuropixels;
mod new_output;
pub mod npy;
mod nwb;
mod open;
mod openephys;
pub mod phy;
pub mod probe;
mod regular;
pub mod results;
mod slice;
mod spikeglx;
mod spikeinterface;
mod text;
mod zarr;

pub use binary::{BinaryOptions, BinaryRecording, parse_sample_type};
pub use convert::{ConvertOptions, convert};
pub use inspect::{Inspection, inspect};
pub use new_output::{NewOutput, Replaceable};
pub use open::{OpenOptions, open_recording};
pub use phy::{phy_can_open, write_phy};
pub use probe::{choose_probe, read_probe, write_probe};
pub use regular::{open_regular, read_regular, read_regular_text};
pub use slice::{TimeRange, TimeSlice, parse_time_range};
