//! The binary from end to end, on a small simulated recording.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod auto;
mod bad_input;
mod bench;
mod compare;
mod convert;
mod determinism;
mod disks;
mod doctor;
mod export;
mod info;
mod interrupt;
mod memory;
mod notebook;
mod odd;
mod real;
mod results;
mod resume;
mod sayings;
mod summary;
mod support;
