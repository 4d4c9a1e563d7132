//! Which channel of one result is which channel of another.

use ferrosort_core::SortingRun;
use ndarray::Array2;
use serde::Serialize;

use super::lags::BlockSpectra;

/// Pairs of channels above which only rotations are tried instead of every pair.
const MOST_PAIRS: usize = 512 * 512;

/// Share of channels that must agree on one rotation before it is named.
const ROTATION_SHARE: f64 = 0.8;

/// Pairs of channels (place in A, place in B) that are the same contact, ascending in A.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelPairs {
    /// Place in A's and in B's channel axes.
    pub pairs: Vec<(usize, usize)>,
    /// One sentence: how they were found.
    pub basis: String,
}

impl ChannelPairs {
    /// Channels that read the same column of the recording; by place when a probe is unknown and both have `n_a == n_b` channels.
    pub fn from_probes(a: &SortingRun, b: &SortingRun, n_a: usize, n_b: usize) -> Self {
        let columns = |run: &SortingRun, n: usize| -> Option<Vec<usize>> {
            let probe = run.probe.as_ref().filter(|p| p.len() == n)?;
            Some(probe.contacts.iter().map(|c| c.channel).collect())
        };
        let (Some(of_a), Some(of_b)) = (columns(a, n_a), columns(b, n_b)) else {
            let n = if n_a == n_b { n_a } else { 0 };
            return Self {
                pairs: (0..n).map(|c| (c, c)).collect(),
                basis: "by place, because a probe is not known".to_string(),
            };
        };
        let partner = |column: &usize| of_b.iter().position(|other| other == column);
        let pairs: Vec<(usize, usize)> = of_a
            .iter()
            .enumerate()
            .filter_map(|(i, c)| Some((i, partner(c)?)))
            .collect();
        let basis = format!("{} of {n_a} channels of A read a column that B reads too", pairs.len());
        Self { pairs, basis }
    }

    /// The pairs that the data themselves show.
    pub fn from_assignment(assignment: &ChannelAssignment) -> Self {
        let pairs = assignment
            .partners
            .iter()
            .enumerate()
            .filter_map(|(i, partner)| Some((i, (*partner)?)));
        Self {
            pairs: pairs.collect(),
            basis: "by the correlation of the processed data".to_string(),
        }
    }
}

/// Channels of B assigned to channels of A by the correlation of their signals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelAssignment {
    /// For every channel of A its channel of B.
    pub partners: Vec<Option<usize>>,
    /// Largest correlation over lags of each pair; `NaN` without a partner.
    pub correlations: Vec<f64>,
    /// Mean over channels of the largest correlation at equal place, for comparison.
    pub correlation_by_place: f64,
    /// Largest lag that was tried, samples.
    pub max_lag: usize,
    /// `k` in `partner = (channel + k) mod channels` that most pairs satisfy.
    pub shift: usize,
    /// Share of the pairs that satisfy it.
    pub shift_share: f64,
    /// Channel c of B is channel c + rotation of A (modulo the number of channels), when more than 80 % agree; else 0. A channel map
    /// that counts from 1 and is taken to count from 0 gives 1.
    pub rotation: i64,
}

/// Assigns channels so that the sum of correlations is largest. `solve` gets profits `[A, B]` and gives a column for each row.
pub(super) fn assign(
    spectra: &BlockSpectra,
    dim: (usize, usize),
    max_lag: usize,
    solve: impl Fn(&Array2<f64>) -> Vec<Option<usize>>,
) -> ChannelAssignment {
    let (n_a, n_b) = dim;
    if n_a * n_b > MOST_PAIRS {
        return best_rotation(spectra, dim, max_lag);
    }
    let r = spectra.largest();
    let partners = solve(&r);
    let correlations: Vec<f64> = partners
        .iter()
        .enumerate()
        .map(|(i, j)| j.map_or(f64::NAN, |j| r[[i, j]]))
        .collect();
    let by_place: Vec<f64> = (0..n_a.min(n_b)).map(|c| r[[c, c]]).collect();
    described(partners, correlations, crate::finite::mean(&by_place), dim, max_lag)
}

/// For probes so large that all pairs would take too long: the best of a few rotations.
fn best_rotation(spectra: &BlockSpectra, (n_a, n_b): (usize, usize), max_lag: usize) -> ChannelAssignment {
    let partner = |c: usize, shift: usize| {
        (n_a == n_b || shift == 0)
            .then(|| (c + shift) % n_b)
            .filter(|_| c < n_b)
    };
    let tried = [0, 1, n_b - 1, 2, n_b - 2];
    let at = |shift: usize| -> Vec<f64> {
        let best = |pair| spectra.mean_over(&[pair]).into_iter().fold(f64::NEG_INFINITY, f64::max);
        (0..n_a)
            .map(|c| partner(c, shift).map_or(f64::NAN, |j| best((c, j))))
            .collect()
    };
    let all: Vec<Vec<f64>> = tried.iter().map(|&shift| at(shift)).collect();
    let means: Vec<f64> = all.iter().map(|values| crate::finite::mean(values)).collect();
    let best = super::lags::peak(&means).unwrap_or(0);
    let partners = (0..n_a).map(|c| partner(c, tried[best])).collect();
    described(partners, all[best].clone(), means[0], (n_a, n_b), max_lag)
}

fn described(
    partners: Vec<Option<usize>>,
    correlations: Vec<f64>,
    correlation_by_place: f64,
    (n_a, n_b): (usize, usize),
    max_lag: usize,
) -> ChannelAssignment {
    let (shift, shift_share) = common_shift(&partners, n_b);
    let rotated = n_a == n_b && shift != 0 && shift_share > ROTATION_SHARE;
    let rotation = match shift {
        _ if !rotated => 0,
        shift if 2 * shift > n_b => (n_b - shift) as i64,
        shift => -(shift as i64),
    };
    ChannelAssignment {
        partners,
        correlations,
        correlation_by_place,
        max_lag,
        shift,
        shift_share,
        rotation,
    }
}

/// The shift of most pairs (the smallest of equals) and its share of them.
fn common_shift(partners: &[Option<usize>], n_b: usize) -> (usize, f64) {
    let mut votes = vec![0_usize; n_b];
    for (c, partner) in partners.iter().enumerate() {
        if let Some(j) = partner {
            votes[(j + n_b - c % n_b) % n_b] += 1;
        }
    }
    let total: usize = votes.iter().sum();
    let mut best = 0;
    for (shift, &count) in votes.iter().enumerate() {
        if count > votes[best] {
            best = shift;
        }
    }
    let count = votes.get(best).copied().unwrap_or(0);
    (best, count as f64 / total.max(1) as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::{Probe, RunKind};

    #[test]
    fn a_map_that_counts_from_one_is_a_rotation_by_one() {
        // Channel c of A is channel c - 1 of B.
        let partners: Vec<Option<usize>> = (0..10).map(|c| Some((c + 9) % 10)).collect();
        let found = described(partners, vec![1.0; 10], 0.0, (10, 10), 64);
        assert_eq!((found.shift, found.shift_share, found.rotation), (9, 1.0, 1));
        let partners: Vec<Option<usize>> = (0..10).map(|c| Some((c + 2) % 10)).collect();
        assert_eq!(described(partners, vec![1.0; 10], 0.0, (10, 10), 64).rotation, -2);
    }

    #[test]
    fn four_fifths_of_the_channels_are_not_more_than_four_fifths() {
        let mut partners: Vec<Option<usize>> = (0..10).map(|c| Some((c + 9) % 10)).collect();
        partners.swap(0, 1);
        let found = described(partners, vec![1.0; 10], 0.0, (10, 10), 64);
        assert_eq!((found.shift_share, found.rotation), (0.8, 0));
    }

    #[test]
    fn channels_are_paired_by_the_column_they_read() {
        let mut a = SortingRun::new("a", "a", RunKind::Phy);
        let mut b = a.clone();
        assert_eq!(ChannelPairs::from_probes(&a, &b, 3, 3).pairs, [(0, 0), (1, 1), (2, 2)]);
        assert!(ChannelPairs::from_probes(&a, &b, 3, 4).pairs.is_empty());
        a.probe = Some(Probe::line(4, 20.0));
        b.probe = Some(Probe::line(4, 20.0).select(&[3, 1, 2]));
        assert_eq!(ChannelPairs::from_probes(&a, &b, 4, 3).pairs, [(1, 1), (2, 2), (3, 0)]);
    }
}
