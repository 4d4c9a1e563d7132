//! Recall of spikes that collide with a spike of another unit, by the time between them.

use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;

use super::labels::{SpikeLabel, SpikeLabels};
use crate::merged::merge;

/// What counts as a collision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CollisionParams {
    /// Longest time between the two spikes, ms.
    pub lag_ms: f64,
    /// Bins over lags from `-lag_ms` to `lag_ms`.
    pub n_bins: usize,
}

impl Default for CollisionParams {
    fn default() -> Self {
        Self {
            lag_ms: 2.0,
            n_bins: 11,
        }
    }
}

/// Collisions of the spikes of one true unit with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairCollisions {
    /// Place of the unit whose spikes are found or missed.
    pub unit: usize,
    /// Place of the unit they collide with.
    pub other: usize,
    /// Spikes found, by lag of the other's spike.
    pub tp: Vec<u32>,
    /// Spikes missed, by lag of the other's spike.
    #[serde(rename = "fn")]
    pub missed: Vec<u32>,
}

/// Recall in bins of lag; `null` (not a number) where there is no spike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecallByLag {
    /// Pairs of units pooled.
    pub n_pairs: usize,
    /// Collisions in each bin.
    pub n: Vec<u64>,
    /// Part of them that was found.
    pub recall: Vec<f64>,
}

/// Collisions of all true units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CollisionRecall {
    /// Edges of the bins, samples: time of the other spike minus time of the unit's.
    pub edges_samples: Vec<f64>,
    /// Number of collisions; each counts once for either of its spikes below.
    pub n_events: usize,
    /// All pairs that have a collision, both ways round, by unit, then the other.
    #[serde(skip)]
    pub pairs: Vec<PairCollisions>,
    /// All pairs together.
    pub pooled: RecallByLag,
}

impl CollisionRecall {
    /// Spikes `(found, missed)` of `unit` in collisions with `other`, by lag; `None` if they never collide.
    pub fn pair(&self, unit: usize, other: usize) -> Option<&PairCollisions> {
        let found = self
            .pairs
            .binary_search_by_key(&(unit, other), |pair| (pair.unit, pair.other));
        found.ok().map(|place| &self.pairs[place])
    }

    /// Recall of the pairs whose templates have a similarity in `range` (upper end excluded), among the units that `keep`
    /// (for example those with an accuracy of 0.9 or more) allows on both sides. `similarity` is `[true units, true units]`.
    pub fn by_similarity(
        &self,
        similarity: &Array2<f64>,
        range: std::ops::Range<f64>,
        keep: impl Fn(usize) -> bool,
    ) -> RecallByLag {
        let chosen = |pair: &&PairCollisions| {
            range.contains(&similarity[[pair.unit, pair.other]]) && keep(pair.unit) && keep(pair.other)
        };
        pool(self.pairs.iter().filter(chosen), self.edges_samples.len() - 1)
    }
}

/// Counts, for all pairs of the true units `a` (ascending trains of one segment), which colliding spikes were found.
///
/// A collision is two spikes of different units at most `lag_ms` apart with no other spike of these two units between them.
/// The bin of lag `dt` is `floor((dt + d) / (2 d / bins))`, cut to the range, with `d` the longest lag in whole samples.
/// After Garcia, Buccino and Yger, eNeuro 9 (2022), and SpikeInterface's `CollisionGTComparison`.
pub fn collision_recall(
    a: &[Vec<i64>],
    labels: &SpikeLabels,
    sample_rate: f64,
    params: CollisionParams,
) -> CollisionRecall {
    let longest = (params.lag_ms / 1000.0 * sample_rate) as i64;
    let n_bins = params.n_bins.max(1);
    let edges: Vec<f64> = (0..=n_bins)
        .map(|k| longest as f64 * (2.0 * k as f64 / n_bins as f64 - 1.0))
        .collect();
    let timeline = Timeline::new(a, labels);
    let rows: Vec<Vec<PairCollisions>> = (0..a.len())
        .into_par_iter()
        .map_init(
            || Row::new(a.len(), n_bins),
            |row, unit| timeline.collisions_of(unit, longest, n_bins, row),
        )
        .collect();
    let pairs: Vec<PairCollisions> = rows.into_iter().flatten().collect();
    let pooled = pool(pairs.iter(), n_bins);
    CollisionRecall {
        edges_samples: edges,
        n_events: pooled.n.iter().sum::<u64>() as usize / 2,
        pairs,
        pooled,
    }
}

fn pool<'a>(pairs: impl Iterator<Item = &'a PairCollisions>, n_bins: usize) -> RecallByLag {
    let (mut found, mut all) = (vec![0_u64; n_bins], vec![0_u64; n_bins]);
    let mut n_pairs = 0;
    for pair in pairs {
        n_pairs += 1;
        for bin in 0..n_bins {
            found[bin] += u64::from(pair.tp[bin]);
            all[bin] += u64::from(pair.tp[bin]) + u64::from(pair.missed[bin]);
        }
    }
    RecallByLag {
        n_pairs,
        recall: found
            .iter()
            .zip(&all)
            .map(|(&found, &all)| found as f64 / all as f64)
            .collect(),
        n: all,
    }
}

/// All true spikes in order, with where each unit's are and which were found.
struct Timeline {
    spikes: Vec<(i64, u32, bool)>,
    /// Places in `spikes` of each unit's.
    places: Vec<Vec<u32>>,
}

/// Counts of one unit with all others, and which others the scan from one spike has met.
struct Row {
    /// `[units, bins, (missed, found)]`.
    counts: Vec<[u32; 2]>,
    touched: Vec<u32>,
    is_touched: Vec<bool>,
    met: Vec<u32>,
}

impl Row {
    fn new(n_units: usize, n_bins: usize) -> Self {
        Self {
            counts: vec![[0; 2]; n_units * n_bins],
            touched: Vec::new(),
            is_touched: vec![false; n_units],
            met: Vec::new(),
        }
    }

    fn add(&mut self, other: u32, bin: usize, n_bins: usize, found: bool) {
        if !self.is_touched[other as usize] {
            self.is_touched[other as usize] = true;
            self.touched.push(other);
        }
        self.counts[other as usize * n_bins + bin][usize::from(found)] += 1;
    }

    /// The pairs of `unit`; the row is empty afterwards.
    fn drain(&mut self, unit: usize, n_bins: usize) -> Vec<PairCollisions> {
        self.touched.sort_unstable();
        let mut pairs = Vec::with_capacity(self.touched.len());
        for other in self.touched.drain(..) {
            let other = other as usize;
            self.is_touched[other] = false;
            let bins = &mut self.counts[other * n_bins..(other + 1) * n_bins];
            pairs.push(PairCollisions {
                unit,
                other,
                tp: bins.iter().map(|count| count[1]).collect(),
                missed: bins.iter().map(|count| count[0]).collect(),
            });
            bins.fill([0; 2]);
        }
        pairs
    }
}

impl Timeline {
    fn new(a: &[Vec<i64>], labels: &SpikeLabels) -> Self {
        let mut places: Vec<Vec<u32>> = a.iter().map(|train| Vec::with_capacity(train.len())).collect();
        let mut spikes = Vec::new();
        for (place, spike) in merge(a).into_iter().enumerate() {
            let unit = spike.unit as usize;
            let label = labels.labels_a[unit][places[unit].len()];
            places[unit].push(place as u32);
            spikes.push((spike.sample, spike.unit, label == SpikeLabel::Matched));
        }
        Self { spikes, places }
    }

    fn collisions_of(&self, unit: usize, longest: i64, n_bins: usize, row: &mut Row) -> Vec<PairCollisions> {
        for &place in &self.places[unit] {
            let place = place as usize;
            let before = self.spikes[..place].iter().rev();
            let after = self.spikes[place + 1..].iter();
            self.scan(place, before, longest, n_bins, row);
            self.scan(place, after, longest, n_bins, row);
        }
        row.drain(unit, n_bins)
    }

    /// Counts the collisions of the spike at `place` with `others`, nearest first, up to the next spike of its own unit.
    fn scan<'a>(
        &self,
        place: usize,
        others: impl Iterator<Item = &'a (i64, u32, bool)>,
        longest: i64,
        n_bins: usize,
        row: &mut Row,
    ) {
        let (sample, unit, found) = self.spikes[place];
        // As SpikeInterface computes it from the first two edges.
        let width = (-longest as f64 + 2.0 * longest as f64 / n_bins as f64) + longest as f64;
        row.met.clear();
        for &(other_sample, other, _) in others {
            let lag = other_sample - sample;
            if lag.abs() > longest || other == unit {
                return;
            }
            if !row.met.contains(&other) {
                row.met.push(other);
                let bin = (((lag + longest) as f64 / width).floor() as usize).min(n_bins - 1);
                row.add(other, bin, n_bins, found);
            }
        }
    }
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, label_spikes, match_units};

    fn of_fixture() -> CollisionRecall {
        let (truth, tested) = (fixture::truth(), fixture::tested());
        let match_12 = match_units(&fixture::agreement(), 0.5, 0.1).hungarian_match_12;
        let labels = label_spikes(&truth, &tested, &match_12, fixture::TOLERANCE);
        collision_recall(&truth, &labels, fixture::SAMPLE_RATE, CollisionParams::default())
    }

    #[test]
    fn the_fixture_has_the_collisions_of_spikeinterface() {
        let recall = of_fixture();
        assert_eq!(recall.n_events, 80);
        let pair = recall.pair(4, 5).unwrap();
        assert_eq!(pair.tp, [0, 2, 1, 0, 1, 0, 5, 2, 2, 1, 2]);
        assert_eq!(pair.missed, [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        let pair = recall.pair(5, 4).unwrap();
        assert_eq!(pair.tp, [2, 2, 2, 2, 5, 0, 1, 0, 1, 3, 0]);
        assert_eq!(recall.pair(4, 4), None);
    }

    #[test]
    fn bins_cover_the_lags_evenly() {
        let edges = of_fixture().edges_samples;
        assert_eq!((edges.len(), edges[0], edges[11]), (12, -60.0, 60.0));
        assert!(
            edges
                .windows(2)
                .all(|pair| (pair[1] - pair[0] - 120.0 / 11.0).abs() < 1e-12)
        );
    }

    #[test]
    fn only_neighbours_of_the_two_trains_collide() {
        // Unit 1 fires twice within the lag of unit 0's spike: only the nearer one collides with it.
        let truth = vec![vec![100], vec![110, 120], vec![105]];
        let labels = label_spikes(&truth, &[vec![100]], &[Some(0), None, None], 5);
        let recall = collision_recall(&truth, &labels, 30000.0, CollisionParams::default());
        // 0-1, 0-2, and 1-2 with the first spike of 1.
        assert_eq!(recall.n_events, 3);
        assert_eq!(recall.pair(0, 1).unwrap().tp.iter().sum::<u32>(), 1);
        assert_eq!(recall.pair(1, 0).unwrap().missed.iter().sum::<u32>(), 1);
    }

    #[test]
    fn pairs_can_be_chosen_by_similarity_and_unit() {
        let recall = of_fixture();
        let similarity = Array2::from_shape_fn((6, 6), |(i, k)| if i + k == 9 { 0.5 } else { 0.0 });
        let chosen = recall.by_similarity(&similarity, 0.4..0.6, |_| true);
        assert_eq!(chosen.n_pairs, 2);
        assert_eq!(chosen.n.iter().sum::<u64>(), 18 + 18);
        assert_eq!(recall.by_similarity(&similarity, 0.4..0.6, |unit| unit != 5).n_pairs, 0);
    }
}
