//! The report: one HTML file that needs no network.
#![forbid(unsafe_code)]

pub mod model;

pub use model::Report;
