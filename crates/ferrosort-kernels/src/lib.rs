//! Signal kernels and linear algebra of ferrosort.
//!
//! Each kernel is one plain body over fixed-size arrays, compiled for several vector widths and chosen at run time. Every output is one
//! chain of `mul_add` in a fixed order, so that results do not depend on the CPU, the number of threads or the size of a tile.

mod bank;
mod block;
mod dispatch;
pub mod iir;
pub mod linalg;
mod median;
mod pool;
mod rows;
mod scores;
mod whiten;

pub use bank::{PIECE, correlate_once, correlate_piece, filter_bank};
pub use block::ChannelMajor;
pub use dispatch::{SimdLevel, limit_simd_level, simd_level};
pub use median::{MEDIAN_LANES, median_over_channels};
pub use pool::{POOL_TILE, pool_energy};
pub use rows::{ROW_LANES, SharedTerm, TOGETHER, shared_rows, shared_terms};
pub use scores::{
    BETWEEN, RANK, TemplateFilter, best_template, best_weighted_sum, dot, largest, largest_magnitude,
    spatial_projection, subtract_between, subtract_shifted, template_projection, temporal_projection, weighted_rows,
};
pub use whiten::{Rounding, SparseMatrix, whiten, whiten_to_counts};
