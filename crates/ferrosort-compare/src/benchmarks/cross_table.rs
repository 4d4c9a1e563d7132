//! The scores of one true unit in all benchmarks, side by side.

use serde::Serialize;

use super::{K4Unit, KsBenchmark, SpikeForestUnit};
use crate::truth::UnitPerformance;

/// All scores of a true unit.
///
/// For isolated spikes with `tp` hits of `n_a` true and `n_b` tested spikes the accuracy is `tp / (n_a + n_b - tp)` and
/// Kilosort's score `tp / n_a + tp / n_b - 1`: an accuracy of 0.8 is a score between 0.78 and 0.80.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CrossRow {
    /// Place of the true unit.
    pub gt_unit: usize,
    /// Accuracy with the one-to-one partner, as SpikeInterface.
    pub accuracy: f64,
    /// Accuracy with the best unit, as SpikeForest.
    pub spikeforest_accuracy: f64,
    /// Kilosort's score of the best cluster.
    pub ks_initial: f64,
    /// Kilosort's score after ideal merges.
    pub ks_final: f64,
    /// Kilosort4's score.
    pub k4_score: f64,
}

/// One row for each true unit. All lists are in the order of the true units.
pub fn cross_table(
    performance: &[UnitPerformance],
    spikeforest: &[SpikeForestUnit],
    kilosort: &KsBenchmark,
    kilosort4: &[K4Unit],
) -> Vec<CrossRow> {
    let by_benchmark = spikeforest.iter().zip(&kilosort.units).zip(kilosort4);
    performance
        .iter()
        .zip(by_benchmark)
        .map(|(unit, ((spikeforest, kilosort), kilosort4))| CrossRow {
            gt_unit: unit.gt_unit,
            accuracy: unit.accuracy,
            spikeforest_accuracy: spikeforest.accuracy,
            ks_initial: kilosort.initial_score(),
            ks_final: kilosort.final_score(),
            k4_score: kilosort4.score,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        KsParams, fixture, kilosort_benchmark, kilosort4_benchmark, match_units, performance, spikeforest_benchmark,
    };

    #[test]
    fn all_benchmarks_agree_on_a_good_unit() {
        let (truth, tested) = (fixture::truth(), fixture::tested());
        let match_12 = match_units(&fixture::agreement(), 0.5, 0.1).hungarian_match_12;
        let (n_gt, n_tested) = (fixture::lengths(&truth), fixture::lengths(&tested));
        let units = performance(&fixture::counts(), &match_12, &n_gt, &n_tested).performance_by_unit;
        let rows = cross_table(
            &units,
            &spikeforest_benchmark(&truth, &tested, 13),
            &kilosort_benchmark(&truth, &tested, KsParams::default()),
            &kilosort4_benchmark(&truth, &tested, None, crate::K4Params::default()).0,
        );
        assert_eq!(rows.len(), 6);
        let first = rows[0];
        for score in [
            first.spikeforest_accuracy,
            first.ks_initial,
            first.ks_final,
            first.k4_score,
        ] {
            assert!((score - first.accuracy).abs() < 1e-12, "{first:?}");
        }
        // The merged unit has a partner only in one benchmark, the split one gains by a merge.
        assert_eq!(rows[2].accuracy, 0.0);
        assert!(rows[2].spikeforest_accuracy > 0.43 && rows[1].ks_final > 0.999);
    }
}
