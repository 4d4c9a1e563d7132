//! Ordering of batches by the shapes of their spikes, so that neighbours in the order have similar drift.

pub mod basis;
pub mod cluster;
pub mod detect;
pub mod dissimilarity;
pub mod embed;
pub mod peaks;
