//! Comparison of spike sortings with each other and with the truth, and quality metrics of units.
#![forbid(unsafe_code)]
