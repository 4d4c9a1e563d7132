//! Signal kernels and linear algebra of ferrosort.

mod block;
pub mod linalg;

pub use block::ChannelMajor;
