//! Comparison of what the Kilosort2 family leaves behind: processed data, whitening, dissimilarity and order of batches, templates.
//!
//! docs/intermediates.md defines every number.

pub mod alignment;
pub mod batches;
pub mod best_channel;
pub mod channels;
pub mod common_batches;
mod lags;
pub mod layout;
pub mod naive;
pub mod order;
pub mod pairs;
pub mod processed;
pub mod rasters;
pub mod residuals;
pub mod rotation_demo;
pub mod tables;
pub mod traces;
pub mod whitening;
