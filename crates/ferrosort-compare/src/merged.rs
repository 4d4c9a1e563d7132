//! All spikes of a sorting in one row, and which of them lie near the spikes of another sorting.

use rayon::prelude::*;

/// A spike of a merged sorting: its sample and its unit. One struct, so that a look at a spike touches one cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MergedSpike {
    pub(crate) sample: i64,
    pub(crate) unit: u32,
}

/// The spikes of all `trains`, ordered by sample, then unit.
pub(crate) fn merge(trains: &[Vec<i64>]) -> Vec<MergedSpike> {
    let n_spikes = trains.iter().map(Vec::len).sum();
    let mut spikes = Vec::with_capacity(n_spikes);
    for (unit, train) in trains.iter().enumerate() {
        let unit = unit as u32;
        spikes.extend(train.iter().map(|&sample| MergedSpike { sample, unit }));
    }
    // Equal elements cannot be told apart, so that an unstable sort on any number of threads gives the same bytes.
    spikes.par_sort_unstable();
    spikes
}

/// For every spike of a sorting, where the spikes near it begin in another, merged one.
///
/// Found once in a single pass through both; the work on single units, which follows, can then go unit by unit with tables
/// as long as one row, instead of two tables of all pairs of units that no cache holds.
pub(crate) struct NearStarts {
    /// One list for each unit, one entry for each of its spikes.
    by_unit: Vec<Vec<u32>>,
}

impl NearStarts {
    /// For every spike `t` of `trains` (ascending), the first spike of `others` that is not before `t - reach` samples.
    pub(crate) fn new(trains: &[Vec<i64>], merged: &[MergedSpike], others: &[MergedSpike], reach: i64) -> Self {
        let mut by_unit: Vec<Vec<u32>> = trains.iter().map(|train| Vec::with_capacity(train.len())).collect();
        let mut start = 0;
        for spike in merged {
            while others
                .get(start)
                .is_some_and(|other| other.sample < spike.sample - reach)
            {
                start += 1;
            }
            by_unit[spike.unit as usize].push(start as u32);
        }
        Self { by_unit }
    }

    /// Entries of the spikes of one unit.
    pub(crate) fn of_unit(&self, unit: usize) -> &[u32] {
        &self.by_unit[unit]
    }
}

/// Calls `near(p, q, spike)` for every spike `p` of `train` and every spike `q` of `others` within `reach` samples of it,
/// both ends included, in ascending order of `p`, then `q`.
pub(crate) fn for_each_near(
    train: &[i64],
    starts: &[u32],
    others: &[MergedSpike],
    reach: i64,
    mut near: impl FnMut(usize, usize, MergedSpike),
) {
    for (p, (&sample, &start)) in train.iter().zip(starts).enumerate() {
        let start = start as usize;
        for (q, &other) in others[start..].iter().enumerate() {
            if other.sample > sample + reach {
                break;
            }
            near(p, start + q, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_are_ordered_by_sample_then_unit() {
        let merged = merge(&[vec![5, 9], vec![], vec![1, 5]]);
        let pairs: Vec<(i64, u32)> = merged.iter().map(|spike| (spike.sample, spike.unit)).collect();
        assert_eq!(pairs, [(1, 2), (5, 0), (5, 2), (9, 0)]);
    }

    #[test]
    fn near_spikes_include_both_ends_of_the_reach() {
        let trains = vec![vec![10, 20]];
        let others = merge(&[vec![7, 8, 12, 13], vec![20]]);
        let starts = NearStarts::new(&trains, &merge(&trains), &others, 2);
        let mut seen = Vec::new();
        for_each_near(&trains[0], starts.of_unit(0), &others, 2, |p, q, spike| {
            seen.push((p, q, spike.unit));
        });
        assert_eq!(seen, [(0, 1, 0), (0, 2, 0), (1, 4, 1)]);
    }
}
