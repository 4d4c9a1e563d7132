//! Joining units that are one neuron (docs/kilosort2.md 6.2).

use ndarray::ArrayView2;

use super::ccg::{Binning, RefractoryTest};
use crate::settings::Compat;
use crate::templates::similarity::descending;

/// Similarity under which two units are not compared.
const SIMILAR: f64 = 0.5;
/// Largest violation rate of the joint train.
const LARGEST_Q: f64 = 0.2;
/// Largest chance probability of the joint gap.
const LARGEST_R: f64 = 0.05;

/// A pair of units that was compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MergeTest {
    /// The smaller unit.
    pub from: usize,
    /// The larger unit that would receive its spikes.
    pub into: usize,
    /// Violation rate between them.
    pub q: f64,
    /// Probability that the gap is chance.
    pub r: f64,
    /// True when they were joined.
    pub merged: bool,
}

/// Result of [`merge`].
#[derive(Debug, Clone, PartialEq)]
pub struct Merges {
    /// Unit of each spike after merging; ids keep their meaning, units that were joined to others are empty.
    pub labels: Vec<u32>,
    /// Every pair compared, in order.
    pub tests: Vec<MergeTest>,
}

/// Joins each unit, from the fewest spikes up, to the most similar larger one with which it shares a refractory gap.
///
/// `times` (samples) and `labels` (units) are per spike, in any order; `similarity` is `[units, units]`.
pub fn merge(times: &[i64], labels: &[u32], similarity: ArrayView2<f64>, sample_rate: f64, compat: &Compat) -> Merges {
    let units = similarity.nrows();
    let mut trains = trains(times, labels, units);
    // A unit that was joined to another keeps its count: later units may still try it, in vain, as its train is empty.
    let mut counts: Vec<usize> = trains.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..units).collect();
    order.sort_by_key(|&n| counts[n]);
    let mut target: Vec<usize> = (0..units).collect();
    let mut tests = Vec::new();
    for j in order {
        let mut row = similarity.row(j).to_vec();
        row[j] = 0.0;
        let similar = descending(row.iter().copied(), compat.reversed_ties);
        let candidates: Vec<usize> = similar.into_iter().filter(|&i| counts[i] > counts[j]).collect();
        for i in candidates.into_iter().take_while(|&i| row[i] >= SIMILAR) {
            let test = RefractoryTest::between(&trains[j], &trains[i], sample_rate, Binning::of(compat));
            let merged = test.is_refractory(LARGEST_Q, LARGEST_R);
            tests.push(MergeTest {
                from: j,
                into: i,
                q: test.q,
                r: test.r,
                merged,
            });
            if merged {
                let moved = std::mem::take(&mut trains[j]);
                trains[i].extend(moved);
                trains[i].sort_unstable();
                counts[i] += counts[j];
                target.iter_mut().filter(|t| **t == j).for_each(|t| *t = i);
                break;
            }
        }
    }
    let labels = labels.iter().map(|&l| target[l as usize] as u32).collect();
    Merges { labels, tests }
}

/// Sorted spike times of each of `units` units.
pub fn trains(times: &[i64], labels: &[u32], units: usize) -> Vec<Vec<i64>> {
    let mut out: Vec<Vec<i64>> = vec![Vec::new(); units];
    for (&t, &l) in times.iter().zip(labels) {
        out[l as usize].push(t);
    }
    for train in &mut out {
        train.sort_unstable();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    const FS: f64 = 30000.0;

    /// One regular train dealt to units 0 (more spikes) and 1, and a train of its own for unit 2.
    fn spikes() -> (Vec<i64>, Vec<u32>) {
        let regular = (0..3000).map(|i: i64| (i * 900 + (i * i) % 300, u32::from(i % 3 == 0)));
        let other = (0..2000).map(|i: i64| (i * 1350 + (i * i * 7) % 1201, 2));
        regular.chain(other).unzip()
    }

    #[test]
    fn parts_of_one_neuron_join_the_larger() {
        let (times, labels) = spikes();
        let similarity = array![[1.0, 0.8, 0.6], [0.8, 1.0, 0.7], [0.6, 0.7, 1.0]];
        let m = merge(&times, &labels, similarity.view(), FS, &Compat::default());
        let expected: Vec<u32> = labels.iter().map(|&l| if l == 1 { 0 } else { l }).collect();
        assert_eq!(m.labels, expected);
        assert_eq!((m.tests[0].from, m.tests[0].into, m.tests[0].merged), (1, 0, true));
    }

    #[test]
    fn the_order_of_spikes_does_not_matter() {
        let (times, labels) = spikes();
        let similarity = array![[1.0, 0.8, 0.6], [0.8, 1.0, 0.7], [0.6, 0.7, 1.0]];
        let m = merge(&times, &labels, similarity.view(), FS, &Compat::default());
        let order: Vec<usize> = (0..times.len()).map(|i| (i * 1237) % times.len()).collect();
        let (t, l): (Vec<i64>, Vec<u32>) = order.iter().map(|&i| (times[i], labels[i])).unzip();
        let shuffled = merge(&t, &l, similarity.view(), FS, &Compat::default());
        assert_eq!(shuffled.tests, m.tests);
        assert!(order.iter().zip(&shuffled.labels).all(|(&i, &l)| l == m.labels[i]));
    }

    #[test]
    fn dissimilar_units_and_equal_counts_are_not_compared() {
        let (times, labels) = spikes();
        let apart = array![[1.0, 0.49, 0.0], [0.49, 1.0, 0.0], [0.0, 0.0, 1.0]];
        assert!(
            merge(&times, &labels, apart.view(), FS, &Compat::default())
                .tests
                .is_empty()
        );
        let twins = merge(
            &[0, 9],
            &[0, 1],
            array![[1.0, 1.0], [1.0, 1.0]].view(),
            FS,
            &Compat::default(),
        );
        assert!(twins.tests.is_empty());
        assert!(
            merge(&[], &[], Array2::zeros((0, 0)).view(), FS, &Compat::default())
                .labels
                .is_empty()
        );
    }

    #[test]
    fn equal_similarities_are_tried_from_either_end() {
        let (mut times, mut labels) = spikes();
        // A unit of few spikes that is equally similar to both others and belongs to neither.
        times.extend((0..200).map(|i: i64| i * 13_000 + 5));
        labels.extend([3; 200]);
        let mut similarity = Array2::zeros((4, 4));
        similarity.row_mut(3).assign(&array![0.7, 0.2, 0.7, 1.0]);
        let tried = |compat: &Compat| -> Vec<usize> {
            merge(&times, &labels, similarity.view(), FS, compat)
                .tests
                .iter()
                .map(|t| t.into)
                .collect()
        };
        assert_eq!(tried(&Compat::default()), [0, 2]);
        assert_eq!(
            tried(&Compat {
                reversed_ties: true,
                ..Compat::default()
            }),
            [2, 0]
        );
    }
}
