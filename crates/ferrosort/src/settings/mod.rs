//! Everything that a user can choose.

mod compat;

pub use compat::{Compat, PRESETS};
