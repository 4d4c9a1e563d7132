//! The sorter: from a raw recording to units.
#![forbid(unsafe_code)]

pub mod auto;
pub mod checkpoint;
pub mod curation;
pub mod fingerprint;
pub mod footprint;
pub mod intermediates;
pub mod job;
pub mod matching;
pub mod neighbours;
pub mod ordering;
pub mod pipeline;
pub mod plan;
pub mod preprocess;
pub mod processed;
pub mod result;
pub mod run_folder;
pub mod settings;
pub mod stage;
pub mod templates;
