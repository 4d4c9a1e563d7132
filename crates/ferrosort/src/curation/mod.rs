//! From extracted spikes to units: merges, splits, cutoffs.

pub mod ccg;
pub mod cutoff;
pub mod duplicates;
pub mod merge;
pub mod split;
