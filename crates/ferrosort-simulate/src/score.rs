//! How well a sorting agrees with the truth of a simulation.
//!
//! The rules are those of SpikeInterface's ground-truth comparison (Buccino et al., eLife 9:e61834, 2020) with all
//! true units known: two spikes coincide when they are at most 0.4 ms apart; within a pair of units each spike counts
//! once, the earliest first; agreement = matches / (n1 + n2 - matches); a pair needs an agreement of 0.5; a true unit
//! without a partner counts with accuracy 0.
//!
//! Units are paired greedily, the largest agreement first (ties: the lower true unit, then the lower sorted unit).
//! An agreement above 0.5 means that more than a third of both units' spikes together coincide, and a spike can belong
//! to one unit only, so two such pairs share a unit only if units fire in synchrony: other than for those, the result
//! is the optimal assignment.

use ferrosort_core::{Error, Result};

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

/// Agreement of one true unit with its partner in a sorting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitScore {
    /// Sorted unit paired with this one, if any agrees well enough.
    pub partner: Option<u32>,
    /// True spikes.
    pub n_spikes: usize,
    /// Matches over all spikes of the two units together; 0 without partner.
    pub accuracy: f64,
    /// Share of the true spikes that were found; 0 without partner.
    pub recall: f64,
    /// Share of the partner's spikes that are true; 0 without partner.
    pub precision: f64,
}

/// Agreement of a sorting with the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// One entry a true unit.
    pub units: Vec<UnitScore>,
    /// Units of the sorting that have spikes.
    pub n_sorted: usize,
    /// Units of the sorting that are nobody's partner.
    pub n_unpaired: usize,
}

/// Largest distance of two spikes that count as one, ms.
const COINCIDENCE_MS: f64 = 0.4;
/// Smallest agreement of a pair.
const PAIR_AGREEMENT: f64 = 0.5;
/// Accuracy from which a unit counts as well detected.
const WELL_DETECTED: f64 = 0.8;

impl Score {
    /// Mean accuracy over all true units, 0 for those without partner; NaN when there are no true units.
    pub fn mean_accuracy(&self) -> f64 {
        self.units.iter().map(|u| u.accuracy).sum::<f64>() / self.units.len() as f64
    }

    /// True units with an accuracy of at least 0.8.
    pub fn n_well_detected(&self) -> usize {
        self.units.iter().filter(|u| u.accuracy >= WELL_DETECTED).count()
    }
}

/// Spikes by time, units renumbered 0, 1, ... in ascending order of their ids.
struct Trains {
    spikes: Vec<(u64, usize)>,
    ids: Vec<u32>,
    counts: Vec<usize>,
}

impl Trains {
    fn new(times: &[u64], units: &[u32], ids: Vec<u32>, whose: &str) -> Result<Self> {
        if times.len() != units.len() {
            return Err(Error::input(format!(
                "{whose} has {} spike times but {} unit numbers; give one unit for each spike",
                times.len(),
                units.len()
            )));
        }
        let mut counts = vec![0; ids.len()];
        let mut spikes = Vec::with_capacity(times.len());
        for (&time, unit) in times.iter().zip(units) {
            let Ok(place) = ids.binary_search(unit) else {
                return Err(Error::input(format!(
                    "{whose} has a spike of unit {unit}, but only {} units",
                    ids.len()
                )));
            };
            counts[place] += 1;
            spikes.push((time, place));
        }
        spikes.sort_by_key(|s| s.0);
        Ok(Self { spikes, ids, counts })
    }
}

/// Compares spike times and units of a sorting with the truth. Units without a spike do not count as sorted units.
///
/// # Errors
/// Columns of different length, or a true spike of a unit beyond `n_units`.
pub fn score_against_truth(truth: &Truth, spike_times: &[u64], spike_units: &[u32]) -> Result<Score> {
    let true_ids = (0..truth.n_units as u32).collect();
    let truth_trains = Trains::new(&truth.spike_times, &truth.spike_units, true_ids, "the truth")?;
    let mut ids = spike_units.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let sorted = Trains::new(spike_times, spike_units, ids, "the sorting")?;
    let window = (COINCIDENCE_MS / 1000.0 * truth.sample_rate) as u64;
    let matches = count_matches(&truth_trains, &sorted, window);

    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    let agreement = |a: usize, b: usize| {
        let both = matches[a * sorted.ids.len() + b];
        both as f64 / (truth_trains.counts[a] + sorted.counts[b] - both) as f64
    };
    for a in 0..truth.n_units {
        pairs.extend((0..sorted.ids.len()).map(|b| (agreement(a, b), a, b)));
    }
    pairs.retain(|p| p.0 >= PAIR_AGREEMENT);
    pairs.sort_by(|p, q| q.0.total_cmp(&p.0).then((p.1, p.2).cmp(&(q.1, q.2))));

    let mut partner = vec![None; truth.n_units];
    let mut taken = vec![false; sorted.ids.len()];
    for &(_, a, b) in &pairs {
        if partner[a].is_none() && !taken[b] {
            partner[a] = Some(b);
            taken[b] = true;
        }
    }
    let unit = |(a, partner): (usize, &Option<usize>)| {
        let n_spikes = truth_trains.counts[a];
        let both = partner.map_or(0, |b| matches[a * sorted.ids.len() + b]) as f64;
        UnitScore {
            partner: partner.map(|b| sorted.ids[b]),
            n_spikes,
            accuracy: partner.map_or(0.0, |b| agreement(a, b)),
            recall: partner.map_or(0.0, |_| both / n_spikes as f64),
            precision: partner.map_or(0.0, |b| both / sorted.counts[b] as f64),
        }
    };
    Ok(Score {
        units: partner.iter().enumerate().map(unit).collect(),
        n_sorted: sorted.ids.len(),
        n_unpaired: taken.iter().filter(|&&t| !t).count(),
    })
}

/// Coincidences of every pair of units, `[true units, sorted units]`: spikes are scanned in time, and a coincidence
/// counts when neither spike was used before by the same pair of units.
fn count_matches(a: &Trains, b: &Trains, window: u64) -> Vec<usize> {
    let columns = b.ids.len();
    let mut matches = vec![0usize; a.ids.len() * columns];
    // For each pair, one past the last spike used of either side: spikes are scanned in order, so this is enough.
    let mut used = vec![(0usize, 0usize); matches.len()];
    let mut first = 0;
    for (i, &(time, unit)) in a.spikes.iter().enumerate() {
        while first < b.spikes.len() && b.spikes[first].0 + window < time {
            first += 1;
        }
        for (j, &(other_time, other)) in b.spikes.iter().enumerate().skip(first) {
            if other_time > time + window {
                break;
            }
            let pair = unit * columns + other;
            if used[pair].0 <= i && used[pair].1 <= j {
                matches[pair] += 1;
                used[pair] = (i + 1, j + 1);
            }
        }
    }
    matches
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn truth(n_units: usize, spikes: &[(u64, u32)]) -> Truth {
        Truth {
            sample_rate: 30_000.0,
            n_units,
            spike_times: spikes.iter().map(|s| s.0).collect(),
            spike_units: spikes.iter().map(|s| s.1).collect(),
        }
    }

    fn score(truth: &Truth, spikes: &[(u64, u32)]) -> Score {
        let (times, units): (Vec<u64>, Vec<u32>) = spikes.iter().copied().unzip();
        score_against_truth(truth, &times, &units).unwrap()
    }

    #[test]
    fn spikes_coincide_up_to_twelve_samples() {
        let t = truth(1, &[(100, 0), (200, 0), (300, 0), (400, 0)]);
        // 12 samples are 0.4 ms. Three of four found, one of four wrong: 3 / (4 + 4 - 3).
        let s = score(&t, &[(112, 9), (188, 9), (300, 9), (413, 9)]);
        let unit = s.units[0];
        assert_eq!(unit.partner, Some(9));
        assert!((unit.accuracy - 0.6).abs() < 1e-12);
        assert_eq!((unit.recall, unit.precision, unit.n_spikes), (0.75, 0.75, 4));
        assert_eq!((s.n_sorted, s.n_unpaired), (1, 0));
    }

    #[test]
    fn a_spike_counts_once_in_a_pair() {
        // Two sorted spikes around one true spike: one match, 1 / (1 + 2 - 1).
        let s = score(&truth(1, &[(100, 0)]), &[(95, 0), (105, 0)]);
        assert_eq!((s.units[0].accuracy, s.units[0].precision), (0.5, 0.5));
        // Two true spikes and one sorted.
        let s = score(&truth(1, &[(95, 0), (105, 0)]), &[(100, 0)]);
        assert_eq!((s.units[0].accuracy, s.units[0].recall), (0.5, 0.5));
        // Two and two, crossing windows: each finds one.
        let s = score(&truth(1, &[(100, 0), (108, 0)]), &[(102, 0), (110, 0)]);
        assert_eq!(s.units[0].accuracy, 1.0);
    }

    #[test]
    fn weak_agreement_makes_no_pair_and_counts_zero() {
        // 1 / (2 + 2 - 1) is below one half.
        let t = truth(2, &[(100, 0), (500, 0), (900, 1)]);
        let s = score(&t, &[(100, 4), (700, 4), (900, 2)]);
        assert_eq!(
            s.units[0],
            UnitScore {
                partner: None,
                n_spikes: 2,
                accuracy: 0.0,
                recall: 0.0,
                precision: 0.0
            }
        );
        assert_eq!(s.units[1].partner, Some(2));
        assert_eq!(s.mean_accuracy(), 0.5);
        assert_eq!((s.n_well_detected(), s.n_sorted, s.n_unpaired), (1, 2, 1));
    }

    #[test]
    fn a_split_unit_keeps_its_larger_half_and_a_merged_one_its_better() {
        let t = truth(1, &[(100, 0), (200, 0), (300, 0)]);
        let s = score(&t, &[(100, 1), (200, 2), (300, 2)]);
        assert_eq!(s.units[0].partner, Some(2));
        assert_eq!(s.n_unpaired, 1);
        // Three spikes of unit 0 and one of unit 1 in one sorted unit: 3 / 4 for unit 0, nothing for unit 1.
        let t = truth(2, &[(100, 0), (200, 0), (300, 0), (400, 1)]);
        let s = score(&t, &[(100, 5), (200, 5), (300, 5), (400, 5)]);
        assert_eq!((s.units[0].accuracy, s.units[1].partner), (0.75, None));
    }

    #[test]
    fn two_true_units_do_not_share_a_partner() {
        // Synchronous units: both agree with sorted unit 0; the tie goes to the lower one.
        let t = truth(2, &[(100, 0), (100, 1), (200, 0), (200, 1)]);
        let s = score(&t, &[(100, 0), (200, 0)]);
        assert_eq!((s.units[0].partner, s.units[1].partner), (Some(0), None));
    }

    #[test]
    fn nothing_sorted_and_nothing_true_are_valid() {
        let t = truth(2, &[(100, 0)]);
        let s = score(&t, &[]);
        assert_eq!((s.mean_accuracy(), s.n_sorted), (0.0, 0));
        let s = score(&truth(0, &[]), &[(5, 1)]);
        assert!(s.mean_accuracy().is_nan());
        assert_eq!(s.n_unpaired, 1);
    }

    #[test]
    fn unordered_spikes_give_the_same_score() {
        let t = truth(2, &[(300, 1), (100, 0), (200, 0), (400, 1)]);
        let a = score(&t, &[(100, 7), (200, 7), (300, 3), (401, 3)]);
        let b = score(&t, &[(401, 3), (200, 7), (300, 3), (100, 7)]);
        assert_eq!(a, b);
        assert_eq!(a.mean_accuracy(), 1.0);
    }

    #[test]
    fn unequal_columns_and_unknown_units_are_refused() {
        let error = score_against_truth(&truth(1, &[(5, 0)]), &[1, 2], &[0]).unwrap_err();
        assert!(error.to_string().contains("2 spike times but 1"), "{error}");
        assert!(score_against_truth(&truth(1, &[(5, 3)]), &[], &[]).is_err());
    }
}
