//! Two small sortings made of integers alone, for tests whose expected numbers come from other programs.

use ndarray::Array2;
use proptest::prelude::*;

use crate::{agreement_scores, match_event_count};

/// Samples per second of the fixture, Hz.
pub(crate) const SAMPLE_RATE: f64 = 30000.0;
/// Length of the fixture, samples: one minute.
pub(crate) const N_SAMPLES: i64 = 1_800_000;
/// Tolerance of 0.4 ms, samples.
pub(crate) const TOLERANCE: i64 = 12;

/// A linear congruential generator, so that any language can make the same numbers.
pub(crate) struct Lcg(u32);

impl Lcg {
    pub(crate) fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// A number from 0 to `m - 1`.
    pub(crate) fn below(&mut self, m: i64) -> i64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (i64::from(self.0) * m) >> 32
    }

    /// `t`, moved by up to `j` samples either way.
    fn jitter(&mut self, t: i64, j: i64) -> i64 {
        t + self.below(2 * j + 1) - j
    }

    /// Spikes at intervals of 60 samples and something below `spread`.
    fn train(&mut self, spread: i64) -> Vec<i64> {
        let mut train = Vec::new();
        let mut t = 0;
        loop {
            t += 60 + self.below(spread);
            if t >= N_SAMPLES - 100 {
                return train;
            }
            train.push(t);
        }
    }

    fn truth(&mut self) -> Vec<Vec<i64>> {
        let means = [15000, 10000, 7500, 6000, 5000, 3000];
        means.iter().map(|mean| self.train(2 * (mean - 60))).collect()
    }
}

/// Six units.
pub(crate) fn truth() -> Vec<Vec<i64>> {
    Lcg::new(12345).truth()
}

/// Eight units that a sorter might have found: one good, one split in two, one merge, one late, one duplicate, one of
/// noise, one with double detections.
pub(crate) fn tested() -> Vec<Vec<i64>> {
    let mut lcg = Lcg::new(12345);
    let truth = lcg.truth();
    let mut units = vec![Vec::new(); 8];
    for &t in &truth[0] {
        if lcg.below(10) != 0 {
            units[0].push(lcg.jitter(t, 5));
        }
    }
    for &t in &truth[1] {
        let half = if t < 1_080_000 { 1 } else { 2 };
        units[half].push(lcg.jitter(t, 3));
    }
    for &t in truth[2].iter().chain(&truth[3]) {
        if lcg.below(20) != 0 {
            units[3].push(lcg.jitter(t, 3));
        }
    }
    for &t in &truth[4] {
        units[4].push(lcg.jitter(t, 8) + 8);
    }
    for &t in &truth[0] {
        if lcg.below(2) == 0 {
            units[5].push(t + 4);
        }
    }
    units[6] = lcg.train(9000);
    for (k, &t) in truth[5].iter().enumerate() {
        units[7].push(t);
        if k % 3 == 0 {
            units[7].push(t + 5);
        }
    }
    for unit in &mut units {
        unit.sort_unstable();
    }
    units
}

/// Numbers of spikes of `trains`.
pub(crate) fn lengths(trains: &[Vec<i64>]) -> Vec<usize> {
    trains.iter().map(Vec::len).collect()
}

/// Coinciding spikes of the two sortings.
pub(crate) fn counts() -> Array2<u32> {
    match_event_count(&truth(), &tested(), TOLERANCE, false)
}

/// Agreement of the two sortings.
pub(crate) fn agreement() -> Array2<f64> {
    agreement_scores(&counts(), &lengths(&truth()), &lengths(&tested()))
}

/// Ascending samples below `end`, often near or equal to each other.
pub(crate) fn any_train(end: i64) -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(0..end, 0..40).prop_map(|mut train| {
        train.sort_unstable();
        train
    })
}

/// Samples at least 20 apart.
pub(crate) fn isolated_train() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(20_i64..60, 0..30).prop_map(|gaps| {
        let mut sample = 0;
        gaps.iter()
            .map(|gap| {
                sample += gap;
                sample
            })
            .collect()
    })
}

mod tests {
    use super::*;

    #[test]
    fn the_fixture_has_the_spikes_it_should_have() {
        let numbers =
            |trains: &[Vec<i64>]| -> Vec<(usize, i64)> { trains.iter().map(|t| (t.len(), t.iter().sum())).collect() };
        assert_eq!(
            numbers(&truth()),
            [
                (111, 98014370),
                (187, 169879897),
                (232, 209658584),
                (279, 252882223),
                (386, 341682645),
                (609, 555454852)
            ]
        );
        assert_eq!(
            numbers(&tested()),
            [
                (107, 94223528),
                (113, 61640181),
                (74, 108239713),
                (482, 434683411),
                (386, 341685691),
                (51, 43299882),
                (390, 347188405),
                (812, 740003691)
            ]
        );
    }
}
