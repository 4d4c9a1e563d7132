//! Ordering of batches by the shapes of their spikes, so that neighbours in the order have similar drift.
//!
//! docs/kilosort2.md, chapter 3, and the prototypes of 4.1. The steps, in order: isolated peaks ([`peaks`]) give clips and their
//! components ([`basis`]); spikes are detected in the space of the components ([`detect`]) and clustered in each batch
//! ([`cluster`]); the clusters of any two batches are compared ([`dissimilarity`]); the batches are laid out on a line
//! ([`embed`]). All functions are pure: signals in, arrays out, random numbers from [`draws`].

pub mod basis;
pub mod cluster;
pub mod detect;
pub mod dissimilarity;
pub mod draws;
pub mod embed;
pub mod order;
pub mod peaks;
