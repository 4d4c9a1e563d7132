//! Drift: the displacement of the tissue as estimated and as it was, and what it does to units (docs/intermediates.md, "Drift").

pub mod displacement;
pub mod motion_error;
pub mod raster;
pub mod stability;
pub mod unit_drift;
