//! From extracted spikes to units: merges, splits, cutoffs.

pub mod bisect;
pub mod ccg;
pub mod curate;
pub mod cutoff;
pub mod detrend;
pub mod duplicates;
pub mod features;
pub mod handover;
pub mod merge;
pub mod mixture;
pub mod split;
