//! Hits, misses and false alarms of each true unit.

use ndarray::Array2;
use serde::Serialize;

use crate::json;
use crate::statistics::median;

/// Counts and rates of one true unit with its partner. Without one, or without a hit, all rates are 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitPerformance {
    /// Place of the true unit.
    pub gt_unit: usize,
    /// Place of its partner, -1 for none.
    #[serde(serialize_with = "json::place")]
    pub tested_id: Option<usize>,
    /// Spikes that coincide.
    pub tp: i64,
    /// True spikes without a partner's spike.
    #[serde(rename = "fn")]
    pub missed: i64,
    /// The partner's other spikes.
    pub fp: i64,
    /// Spikes of the true unit.
    pub num_gt: i64,
    /// Spikes of the partner, 0 without one.
    pub num_tested: i64,
    /// `tp / (tp + fn + fp)`.
    pub accuracy: f64,
    /// `tp / (tp + fn)`.
    pub recall: f64,
    /// `tp / (tp + fp)`.
    pub precision: f64,
    /// `fp / (tp + fp)`.
    pub false_discovery_rate: f64,
    /// `fn / num_gt`, but 0 for a unit that was not found, as SpikeInterface has it.
    pub miss_rate: f64,
    /// `fn / num_gt`; 1 for a unit that was not found.
    pub miss_rate_true: f64,
}

/// The same rates for all units together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PooledPerformance {
    /// `tp / (tp + fn + fp)`.
    pub accuracy: f64,
    /// `tp / (tp + fn)`.
    pub recall: f64,
    /// `tp / (tp + fp)`.
    pub precision: f64,
    /// `fp / (tp + fp)`.
    pub false_discovery_rate: f64,
    /// `fn / num_gt`, with 0 for units that were not found in averages.
    pub miss_rate: f64,
    /// `fn / num_gt`, with 1 for units that were not found.
    pub miss_rate_true: f64,
}

/// Performance of all true units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Performance {
    /// One row for each true unit.
    pub performance_by_unit: Vec<UnitPerformance>,
    /// Means over the true units, those not found included. Not numbers without units.
    pub pooled_with_average: PooledPerformance,
    /// The rates of the summed counts.
    pub pooled_with_sum: PooledPerformance,
    /// Medians over the true units.
    pub pooled_with_median: PooledPerformance,
}

/// Performance from the coinciding spikes `counts`, `[true units, tested units]`, the partners of the true units (one-to-one
/// or best) and the numbers of spikes `n_gt` and `n_tested`.
pub fn performance(
    counts: &Array2<u32>,
    match_12: &[Option<usize>],
    n_gt: &[usize],
    n_tested: &[usize],
) -> Performance {
    let units: Vec<UnitPerformance> = match_12
        .iter()
        .enumerate()
        .map(|(i, &partner)| {
            let (tp, num_tested) = partner.map_or((0, 0), |j| (i64::from(counts[[i, j]]), n_tested[j] as i64));
            unit_performance(i, partner, tp, n_gt[i] as i64, num_tested)
        })
        .collect();
    Performance {
        pooled_with_average: pooled(&units, crate::statistics::mean),
        pooled_with_sum: pooled_with_sum(&units),
        pooled_with_median: pooled(&units, median),
        performance_by_unit: units,
    }
}

fn unit_performance(
    gt_unit: usize,
    tested_id: Option<usize>,
    tp: i64,
    num_gt: i64,
    num_tested: i64,
) -> UnitPerformance {
    let missed = num_gt - tp;
    let fp = num_tested - tp;
    let rates = rates(tp, missed, fp);
    UnitPerformance {
        gt_unit,
        tested_id,
        tp,
        missed,
        fp,
        num_gt,
        num_tested,
        accuracy: rates.accuracy,
        recall: rates.recall,
        precision: rates.precision,
        false_discovery_rate: rates.false_discovery_rate,
        miss_rate: rates.miss_rate,
        miss_rate_true: rates.miss_rate_true,
    }
}

/// All rates, 0 without a hit, except the true rate of misses.
fn rates(tp: i64, missed: i64, fp: i64) -> PooledPerformance {
    let part = |count: i64, of: i64| count as f64 / of as f64;
    let miss_rate_true = if tp + missed > 0 {
        part(missed, tp + missed)
    } else {
        0.0
    };
    let mut rates = PooledPerformance {
        accuracy: 0.0,
        recall: 0.0,
        precision: 0.0,
        false_discovery_rate: 0.0,
        miss_rate: 0.0,
        miss_rate_true,
    };
    if tp > 0 {
        rates.accuracy = part(tp, tp + missed + fp);
        rates.recall = part(tp, tp + missed);
        rates.precision = part(tp, tp + fp);
        rates.false_discovery_rate = part(fp, tp + fp);
        rates.miss_rate = part(missed, tp + missed);
    }
    rates
}

fn pooled(units: &[UnitPerformance], summary: fn(&[f64]) -> f64) -> PooledPerformance {
    let of = |rate: fn(&UnitPerformance) -> f64| summary(&units.iter().map(rate).collect::<Vec<_>>());
    PooledPerformance {
        accuracy: of(|unit| unit.accuracy),
        recall: of(|unit| unit.recall),
        precision: of(|unit| unit.precision),
        false_discovery_rate: of(|unit| unit.false_discovery_rate),
        miss_rate: of(|unit| unit.miss_rate),
        miss_rate_true: of(|unit| unit.miss_rate_true),
    }
}

fn pooled_with_sum(units: &[UnitPerformance]) -> PooledPerformance {
    let sum = |count: fn(&UnitPerformance) -> i64| units.iter().map(count).sum();
    rates(sum(|unit| unit.tp), sum(|unit| unit.missed), sum(|unit| unit.fp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, match_units};

    fn of_fixture() -> Performance {
        let match_12 = match_units(&fixture::agreement(), 0.5, 0.1).hungarian_match_12;
        let (n_gt, n_tested) = (
            fixture::lengths(&fixture::truth()),
            fixture::lengths(&fixture::tested()),
        );
        performance(&fixture::counts(), &match_12, &n_gt, &n_tested)
    }

    #[test]
    fn the_fixture_has_the_performance_of_spikeinterface() {
        let expected = [
            [0.963964, 0.963964, 1.0, 0.0, 0.036036],
            [0.604278, 0.604278, 1.0, 0.0, 0.395722],
            [0.0; 5],
            [0.537374, 0.953405, 0.551867, 0.448133, 0.046595],
            [0.646055, 0.784974, 0.784974, 0.215026, 0.215026],
            [0.75, 1.0, 0.75, 0.25, 0.0],
        ];
        let found = of_fixture();
        for (unit, expected) in found.performance_by_unit.iter().zip(expected) {
            let rates = [
                unit.accuracy,
                unit.recall,
                unit.precision,
                unit.false_discovery_rate,
                unit.miss_rate,
            ];
            for (rate, expected) in rates.iter().zip(expected) {
                assert!((rate - expected).abs() < 5e-7, "unit {}: {rates:?}", unit.gt_unit);
            }
        }
        let mean = found.pooled_with_average;
        let rates = [
            mean.accuracy,
            mean.recall,
            mean.precision,
            mean.false_discovery_rate,
            mean.miss_rate,
        ];
        for (rate, expected) in rates.iter().zip([0.583612, 0.717770, 0.681140, 0.152193, 0.115563]) {
            assert!((rate - expected).abs() < 5e-7, "{rates:?}");
        }
    }

    #[test]
    fn a_unit_that_was_not_found_misses_everything() {
        let found = of_fixture();
        let lost = &found.performance_by_unit[2];
        assert_eq!((lost.tested_id, lost.tp, lost.missed, lost.fp), (None, 0, 232, 0));
        assert_eq!((lost.miss_rate, lost.miss_rate_true), (0.0, 1.0));
    }

    #[test]
    fn sums_pool_the_counts() {
        let sum = of_fixture().pooled_with_sum;
        // tp 107 + 113 + 266 + 303 + 609, fn 4 + 74 + 232 + 13 + 83, fp 0 + 0 + 216 + 83 + 203.
        assert!((sum.accuracy - 1398.0 / (1398.0 + 406.0 + 502.0)).abs() < 1e-15);
        assert!((sum.recall - 1398.0 / 1804.0).abs() < 1e-15);
        assert!((sum.precision - 1398.0 / 1900.0).abs() < 1e-15);
    }

    #[test]
    fn medians_take_the_middle_of_the_units() {
        let median = of_fixture().pooled_with_median;
        assert!((median.accuracy - f64::midpoint(0.604278, 0.646055)).abs() < 1e-6);
    }
}
