//! The report: one HTML file that needs no network.
//!
//! [`assemble()`] makes a [`Report`] from a comparison, [`write_report`] writes it. The page holds the data of every plot (JSON
//! and compressed arrays), the scripts that draw them, and the first screen in words as plain HTML, so that it can be
//! read without scripts too. [`comparison`] is the way from paths of results to the page, [`export()`](export::export) that to files of
//! other programs.
//! [`sessions`] is the page over many recordings.
#![forbid(unsafe_code)]

mod assemble;
pub mod comparison;
pub mod export;
pub mod model;
pub mod outputs;
pub mod pack;
mod page;
pub mod sessions;
pub mod signal;
pub mod summary;

pub use assemble::assemble;
pub use model::Report;
pub use page::{render, write_report};
