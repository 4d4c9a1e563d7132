//! What became of every single spike.

use rayon::prelude::*;
use serde::Serialize;

use crate::matching::match_trains;
use crate::merged::{MergedSpike, NearStarts, merge};

/// Label of a spike. The numbers are those in the files of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[repr(u8)]
pub enum SpikeLabel {
    /// Without a partner: a false negative in the truth, a false positive in the tested sorting.
    Unmatched = 0,
    /// Coincides with a spike of the unit's partner.
    Matched = 1,
    /// A true spike that was missed by the partner and coincides with a spike of another matched unit; and that spike,
    /// unless it is matched itself.
    Misclassified = 2,
}

/// Labels of all spikes of both sides, one list for each unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpikeLabels {
    /// Labels of the true spikes.
    pub labels_a: Vec<Vec<SpikeLabel>>,
    /// Labels of the tested spikes.
    pub labels_b: Vec<Vec<SpikeLabel>>,
    /// For each true spike the tested unit of the spike it coincides with.
    pub partner_a: Vec<Vec<Option<usize>>>,
    /// For each tested spike the true unit of the spike it coincides with.
    pub partner_b: Vec<Vec<Option<usize>>>,
}

/// Numbers of spikes of each kind, for each unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelCounts {
    /// Matched spikes.
    pub matched: Vec<usize>,
    /// Misclassified spikes.
    pub misclassified: Vec<usize>,
    /// The others.
    pub unmatched: Vec<usize>,
}

impl SpikeLabels {
    /// Numbers of true spikes of each kind.
    pub fn counts_a(&self) -> LabelCounts {
        LabelCounts::of(&self.labels_a)
    }

    /// Numbers of tested spikes of each kind.
    pub fn counts_b(&self) -> LabelCounts {
        LabelCounts::of(&self.labels_b)
    }
}

impl LabelCounts {
    fn of(labels: &[Vec<SpikeLabel>]) -> Self {
        let count = |wanted: SpikeLabel| -> Vec<usize> {
            labels
                .iter()
                .map(|unit| unit.iter().filter(|&&label| label == wanted).count())
                .collect()
        };
        Self {
            matched: count(SpikeLabel::Matched),
            misclassified: count(SpikeLabel::Misclassified),
            unmatched: count(SpikeLabel::Unmatched),
        }
    }
}

/// Labels the spikes of the truth `a` and of the tested sorting `b` (ascending trains), given a one-to-one match.
///
/// Spikes of a pair are matched by [`match_trains`]. Then the remaining spikes of the matched true units, unit by unit,
/// become misclassified if a spike of another matched tested unit lies within the tolerance: the first such spike of the
/// first such unit, and no tested spike serves twice.
pub fn label_spikes(a: &[Vec<i64>], b: &[Vec<i64>], match_12: &[Option<usize>], tolerance: i64) -> SpikeLabels {
    let mut labels = SpikeLabels {
        labels_a: a.iter().map(|train| vec![SpikeLabel::Unmatched; train.len()]).collect(),
        labels_b: b.iter().map(|train| vec![SpikeLabel::Unmatched; train.len()]).collect(),
        partner_a: a.iter().map(|train| vec![None; train.len()]).collect(),
        partner_b: b.iter().map(|train| vec![None; train.len()]).collect(),
    };
    let pairs = crate::matching::matched_pairs(match_12);
    let matched: Vec<Vec<(usize, usize)>> = pairs
        .par_iter()
        .map(|&(i, j)| match_trains(&a[i], &b[j], tolerance))
        .collect();
    for (&(i, j), spikes) in pairs.iter().zip(matched) {
        for (p, q) in spikes {
            labels.labels_a[i][p] = SpikeLabel::Matched;
            labels.labels_b[j][q] = SpikeLabel::Matched;
            labels.partner_a[i][p] = Some(j);
            labels.partner_b[j][q] = Some(i);
        }
    }
    label_misclassified(&mut labels, a, b, &pairs, tolerance);
    labels
}

fn label_misclassified(
    labels: &mut SpikeLabels,
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    pairs: &[(usize, usize)],
    tolerance: i64,
) {
    let mut is_matched = vec![false; b.len()];
    for &(_, j) in pairs {
        is_matched[j] = true;
    }
    let merged = merge(b);
    let places = places_in_trains(&merged, b.len());
    let mut claimed = vec![false; merged.len()];
    let starts = NearStarts::new(a, &merge(a), &merged, tolerance);
    for &(i, own) in pairs {
        for p in 0..a[i].len() {
            if labels.labels_a[i][p] != SpikeLabel::Unmatched {
                continue;
            }
            let t = a[i][p];
            let start = starts.of_unit(i)[p] as usize;
            let near = merged[start..].iter().take_while(|spike| spike.sample <= t + tolerance);
            let candidates = first_of_each_unit(near.copied(), start)
                .filter(|&(q, unit)| unit != own && is_matched[unit] && !claimed[q]);
            if let Some((q, unit)) = candidates.min_by_key(|&(q, unit)| (unit, q)) {
                claimed[q] = true;
                labels.labels_a[i][p] = SpikeLabel::Misclassified;
                labels.partner_a[i][p] = Some(unit);
                let label = &mut labels.labels_b[unit][places[q] as usize];
                if *label == SpikeLabel::Unmatched {
                    *label = SpikeLabel::Misclassified;
                    labels.partner_b[unit][places[q] as usize] = Some(i);
                }
            }
        }
    }
}

/// Place of each merged spike in the train of its unit.
fn places_in_trains(merged: &[MergedSpike], n_units: usize) -> Vec<u32> {
    let mut next = vec![0_u32; n_units];
    merged
        .iter()
        .map(|spike| {
            let place = next[spike.unit as usize];
            next[spike.unit as usize] += 1;
            place
        })
        .collect()
}

/// `(place, unit)` of the first spike of every unit among spikes that begin at place `start`.
fn first_of_each_unit(spikes: impl Iterator<Item = MergedSpike>, start: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut seen: Vec<u32> = Vec::new();
    spikes.enumerate().filter_map(move |(k, spike)| {
        if seen.contains(&spike.unit) {
            return None;
        }
        seen.push(spike.unit);
        Some((start + k, spike.unit as usize))
    })
}

/// For each tested unit, the number of its unmatched spikes within `tolerance` of a spike of the background, ascending
/// samples: detections of real spikes that no true unit owns.
pub fn background_detections(b: &[Vec<i64>], labels: &SpikeLabels, background: &[i64], tolerance: i64) -> Vec<usize> {
    let near = |t: i64| {
        let first = background.partition_point(|&spike| spike < t - tolerance);
        background.get(first).is_some_and(|&spike| spike <= t + tolerance)
    };
    b.par_iter()
        .zip(&labels.labels_b)
        .map(|(train, labels)| {
            let unmatched = train
                .iter()
                .zip(labels)
                .filter(|(_, label)| **label == SpikeLabel::Unmatched);
            unmatched.filter(|(t, _)| near(**t)).count()
        })
        .collect()
}

/// Part of the true spikes that were found, by kind of overlap (0 alone, 1 another unit near in time, 2 near in time and
/// place): `(found, all)` for each kind. `overlap` has one list for each unit.
pub fn recall_by_overlap(labels: &SpikeLabels, overlap: &[Vec<u8>]) -> [(usize, usize); 3] {
    let mut counts = [(0, 0); 3];
    for (labels, kinds) in labels.labels_a.iter().zip(overlap) {
        for (label, &kind) in labels.iter().zip(kinds) {
            if let Some((found, all)) = counts.get_mut(kind as usize) {
                *all += 1;
                *found += usize::from(*label == SpikeLabel::Matched);
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::SpikeLabel::{Matched, Misclassified, Unmatched};
    use super::*;
    use crate::{fixture, match_units};

    #[test]
    fn the_fixture_has_the_labels_of_spikeinterface() {
        let (truth, tested) = (fixture::truth(), fixture::tested());
        let match_12 = match_units(&fixture::agreement(), 0.5, 0.1).hungarian_match_12;
        let labels = label_spikes(&truth, &tested, &match_12, fixture::TOLERANCE);
        assert_eq!(labels.counts_a().matched, [107, 113, 0, 266, 303, 609]);
        assert_eq!(labels.counts_b().matched, [107, 113, 0, 266, 303, 0, 0, 609]);
        let missed = |counts: LabelCounts| -> Vec<usize> {
            counts
                .misclassified
                .iter()
                .zip(counts.unmatched)
                .map(|(c, u)| c + u)
                .collect()
        };
        assert_eq!(missed(labels.counts_a()), [4, 74, 232, 13, 83, 0]);
        assert_eq!(missed(labels.counts_b()), [0, 0, 74, 216, 83, 51, 390, 203]);
    }

    #[test]
    fn a_missed_spike_near_a_spike_of_another_unit_is_misclassified() {
        let truth = vec![vec![100, 500, 900], vec![300]];
        let tested = vec![vec![101, 903], vec![300, 502]];
        let labels = label_spikes(&truth, &tested, &[Some(0), Some(1)], 5);
        assert_eq!(labels.labels_a, [vec![Matched, Misclassified, Matched], vec![Matched]]);
        assert_eq!(labels.labels_b, [vec![Matched, Matched], vec![Matched, Misclassified]]);
        assert_eq!(labels.partner_a[0], [Some(0), Some(1), Some(0)]);
        assert_eq!(labels.partner_b[1], [Some(1), Some(0)]);
        assert_eq!(labels.counts_a().misclassified, [1, 0]);
    }

    #[test]
    fn units_without_a_partner_are_neither_matched_nor_misclassified() {
        let labels = label_spikes(&[vec![100], vec![200]], &[vec![100], vec![200]], &[Some(0), None], 5);
        assert_eq!(labels.labels_a, [[Matched], [Unmatched]]);
        assert_eq!(labels.labels_b, [[Matched], [Unmatched]]);
    }

    #[test]
    fn a_false_spike_near_the_background_is_a_background_detection() {
        let tested = vec![vec![100, 200, 300]];
        let labels = label_spikes(&[vec![100]], &tested, &[Some(0)], 5);
        assert_eq!(background_detections(&tested, &labels, &[98, 205, 294], 5), [1]);
    }

    #[test]
    fn recall_is_counted_by_kind_of_overlap() {
        let truth = vec![vec![100, 200, 300, 400]];
        let labels = label_spikes(&truth, &[vec![100, 300]], &[Some(0)], 5);
        assert_eq!(
            recall_by_overlap(&labels, &[vec![0, 0, 2, 1]]),
            [(1, 2), (0, 1), (1, 1)]
        );
    }
}
