//! The spikes that a sorter should find.

/// Spikes that a sorter should find.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Number of units, with or without spikes.
    pub n_units: usize,
    /// Sample of each spike's trough.
    pub spike_times: Vec<u64>,
    /// Unit of each spike, below `n_units`.
    pub spike_units: Vec<u32>,
}
