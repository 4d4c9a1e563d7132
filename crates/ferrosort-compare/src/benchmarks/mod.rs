//! Scores of the benchmarks of Kilosort and SpikeForest, and all scores side by side.

mod cross_table;
mod footprint;
mod kilosort;
mod kilosort4;
mod spikeforest;

pub use cross_table::{CrossRow, cross_table};
pub use footprint::{Footprint, footprint};
pub use kilosort::{KsBenchmark, KsParams, KsSummary, KsUnit, kilosort_benchmark};
pub use kilosort4::{K4Params, K4Unit, kilosort4_benchmark};
pub use spikeforest::{SpikeForestAggregate, SpikeForestUnit, spikeforest_aggregate, spikeforest_benchmark};
