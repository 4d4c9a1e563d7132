//! Features of merged spikes, rearranged to the lists of the unit they joined (docs/kilosort2.md 6.2).

use std::collections::BTreeMap;

use ndarray::ArrayView2;

/// Rearranges the feature rows of spikes that changed unit.
///
/// A row holds, for each entry of its unit's list (nearby channels, or similar templates), one value or, for PC
/// features, one value per component. After a merge the unit's list is another one; values whose entry is in both lists
/// move to their new place, the others are lost, and entries that the old list lacks become 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureMaps {
    /// For each (old unit, new unit), where in the old list each entry of the new one is.
    maps: BTreeMap<(u32, u32), Vec<Option<usize>>>,
}

impl FeatureMaps {
    /// Maps for the changes of unit between `before` and `after` (per spike), with the units' lists `[units, entries]`.
    pub fn new(before: &[u32], after: &[u32], lists: ArrayView2<u32>) -> Self {
        let mut maps = BTreeMap::new();
        for (&old, &new) in before.iter().zip(after).filter(|(old, new)| old != new) {
            maps.entry((old, new)).or_insert_with(|| {
                let (from, to) = (lists.row(old as usize), lists.row(new as usize));
                to.iter().map(|entry| from.iter().position(|e| e == entry)).collect()
            });
        }
        Self { maps }
    }

    /// True when no spike changed unit.
    pub fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    /// Rearranges one spike's row, `[components, entries]`. A spike that kept its unit is left alone.
    pub fn apply(&self, old: u32, new: u32, row: &mut [f32]) {
        let Some(map) = self.maps.get(&(old, new)) else { return };
        for values in row.chunks_exact_mut(map.len()) {
            let moved: Vec<f32> = map.iter().map(|slot| slot.map_or(0.0, |s| values[s])).collect();
            values.copy_from_slice(&moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn values_follow_their_entry() {
        let lists = array![[4, 5, 6], [6, 7, 4]];
        let maps = FeatureMaps::new(&[0, 0, 1], &[1, 0, 1], lists.view());
        let mut row = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
        maps.apply(0, 1, &mut row);
        assert_eq!(row, [3.0, 0.0, 1.0, 30.0, 0.0, 10.0]);
        let mut same = [1.0, 2.0, 3.0];
        maps.apply(1, 1, &mut same);
        assert_eq!(same, [1.0, 2.0, 3.0]);
        assert!(FeatureMaps::new(&[1], &[1], lists.view()).is_empty());
    }
}
