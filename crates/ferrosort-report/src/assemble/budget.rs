//! How much of each unit the page keeps, so that it stays below ten megabytes for hundreds of units.

use ferrosort_compare::analysis::Analysis;

use crate::model::Kept;

/// Units of all runs together from which pictures are kept in fewer levels.
const MANY_UNITS: usize = 300;

/// What is kept of each unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Spikes with time, amplitude and depth.
    pub spikes: usize,
    /// Waveforms of single spikes.
    pub waveforms: usize,
    /// Channels of the mean waveform.
    pub channels: usize,
    /// Spikes with features, of the unit and of others around it each.
    pub features: usize,
    /// Similar units with their correlograms.
    pub similar: usize,
    /// Whether the distribution of waveforms on the best channel is kept.
    pub density: bool,
    /// How waveforms and similarities are kept.
    pub picture: Kept,
    /// Spikes of a run's drift map.
    pub drift_points: usize,
}

impl Budget {
    pub(super) fn new(analysis: &Analysis) -> Self {
        Self::for_units(analysis.runs.iter().map(|run| run.run.units.len()).sum())
    }

    pub(super) fn for_units(n: usize) -> Self {
        let share = |all: usize, least: usize, most: usize| (all / n.max(1)).clamp(least, most);
        let many = n > MANY_UNITS;
        Self {
            spikes: share(120_000, 60, 2000),
            waveforms: share(4000, 3, 100),
            channels: share(6000, 6, 16),
            features: share(40_000, 40, 150),
            similar: if many { 3 } else { 5 },
            density: !many,
            picture: if many { Kept::Levels8 } else { Kept::Levels16 },
            drift_points: if many { 20_000 } else { 40_000 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_units_keep_much_and_many_little() {
        let (few, many) = (Budget::for_units(40), Budget::for_units(1200));
        assert_eq!((few.spikes, few.waveforms, few.channels), (2000, 100, 16));
        assert_eq!((many.spikes, many.waveforms, many.channels), (100, 3, 6));
        assert!(few.density && !many.density);
        assert_eq!(Budget::for_units(0).spikes, 2000);
    }
}
