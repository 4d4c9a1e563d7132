//! Part IV: every sorting against the truth.

use ferrosort_compare::analysis::{Analysis, WELL_DETECTED};
use ferrosort_compare::{
    CollisionRecall, PooledPerformance, SpikeComparison, TruthComparison as Compared, UnitPerformance, binned_means,
    fit_sigmoid,
};
use ndarray::Array2;

use super::matrix;
use crate::model::{
    Array, Collisions, Confusion, Covariate, CovariateFit, CrossTable, Fact, Kept, KsBenchmark, OverlapRecall, Part,
    ToleranceCurve, Truth, TruthComparison, UnitClasses,
};

/// Pairs of units in the map of collisions: those with the most events.
const MOST_PAIRS: usize = 400;
/// Groups of units in the means against a property, and units that a group needs at least.
const GROUPS: usize = 20;
const LEAST_IN_GROUP: usize = 4;

pub(super) fn truth(analysis: &Analysis) -> Part<Truth> {
    if !analysis.params.truth {
        return Part::missing("no result is a truth; name one first, with --truth");
    }
    let comparisons: Vec<TruthComparison> = analysis
        .sortings()
        .filter_map(|place| {
            let spikes = analysis.pair(0, place)?.spikes.available()?;
            Some(comparison(analysis, place, spikes, spikes.truth.as_ref()?))
        })
        .collect();
    if comparisons.is_empty() {
        let reason = analysis.pairs.iter().find_map(|pair| pair.spikes.reason());
        return Part::missing(reason.unwrap_or("there is nothing to compare with the truth"));
    }
    Part::Available(Truth {
        truth_run: 0,
        comparisons,
    })
}

fn comparison(analysis: &Analysis, run: usize, spikes: &SpikeComparison, found: &Compared) -> TruthComparison {
    let units = &found.performance.performance_by_unit;
    let counts = |value: fn(&UnitPerformance) -> i64| Array::integers(units.iter().map(value));
    let rates = |value: fn(&UnitPerformance) -> f64| Array::list(units.iter().map(value).collect());
    TruthComparison {
        run,
        tolerance_ms: analysis.params.delta_time_ms,
        tested: units.iter().map(|u| u.tested_id).collect(),
        true_positives: counts(|u| u.tp),
        misses: counts(|u| u.missed),
        false_positives: counts(|u| u.fp),
        accuracy: rates(|u| u.accuracy),
        precision: rates(|u| u.precision),
        recall: rates(|u| u.recall),
        best: spikes.matches.best_match_12.clone(),
        exhaustive: found.exhaustive,
        classes: classes(found),
        facts: facts(found),
        fits: fits(analysis, units),
        confusion: Part::Available(confusion(spikes, found)),
        tolerance: tolerance(found),
        collisions: collisions(analysis, found),
        overlap: overlap(found),
        ks_benchmark: Part::Available(ks_benchmark(found)),
        cross_table: Part::Available(cross_table(found)),
    }
}

fn classes(found: &Compared) -> UnitClasses {
    let classes = &found.unit_classes;
    let list = |units: &Option<Vec<usize>>| units.clone().unwrap_or_default();
    UnitClasses {
        well_detected: classes.well_detected.clone(),
        false_positive: list(&classes.false_positive),
        redundant: list(&classes.redundant),
        overmerged: list(&classes.overmerged),
        bad: list(&classes.bad),
        oversplit: classes.oversplit.clone(),
        missed: classes.missed.clone(),
    }
}

fn facts(found: &Compared) -> Vec<Fact> {
    let pooled = |name: &str, rates: &PooledPerformance| {
        [
            Fact::number(format!("accuracy, {name}"), rates.accuracy, ""),
            Fact::number(format!("recall, {name}"), rates.recall, ""),
            Fact::number(format!("precision, {name}"), rates.precision, ""),
        ]
    };
    let performance = &found.performance;
    let mut facts: Vec<Fact> = Vec::new();
    facts.extend(pooled("mean over units", &performance.pooled_with_average));
    facts.extend(pooled("median over units", &performance.pooled_with_median));
    facts.extend(pooled("all spikes together", &performance.pooled_with_sum));
    let well = performance
        .performance_by_unit
        .iter()
        .filter(|u| u.accuracy >= WELL_DETECTED)
        .count();
    facts.push(Fact::number("units with an accuracy of 0.8 or more", well as f64, ""));
    if let Some(detections) = &found.background_detections {
        let sum: usize = detections.iter().sum();
        facts.push(Fact::number(
            "false positives that are spikes of the background",
            sum as f64,
            "spikes",
        ));
    }
    facts
}

/// Curves through the accuracies against each property that all true units have.
fn fits(analysis: &Analysis, units: &[UnitPerformance]) -> Vec<CovariateFit> {
    let truth = &analysis.runs[0].run;
    let trains = truth.trains();
    let duration = analysis.duration_s();
    let accuracy: Vec<f64> = units.iter().map(|u| u.accuracy).collect();
    let property = |against: Covariate| -> Option<Vec<f64>> {
        let value = |(unit, train): (&ferrosort_core::RunUnit, &Vec<i64>)| match against {
            Covariate::Snr => unit.snr,
            Covariate::Depth => unit.position_um.map(|p| p[1]),
            Covariate::Rate => Some(train.len() as f64 / duration),
            Covariate::Amplitude => unit.ptp_uv,
        };
        truth.units.iter().zip(&trains).map(value).collect()
    };
    [Covariate::Snr, Covariate::Depth, Covariate::Rate, Covariate::Amplitude]
        .into_iter()
        .filter_map(|against| {
            let x = property(against)?;
            let means = binned_means(&x, &accuracy, GROUPS.min(x.len() / LEAST_IN_GROUP));
            // An accuracy has no reason to rise or fall along the probe.
            let sigmoid = (against != Covariate::Depth)
                .then(|| fit_sigmoid(&x, &accuracy))
                .flatten();
            Some(CovariateFit {
                against,
                sigmoid: sigmoid.map(|fit| [fit.k, fit.x0, fit.b]),
                bin_x: Array::list(means.x),
                bin_accuracy: Array::list(means.y),
            })
        })
        .collect()
}

fn confusion(spikes: &SpikeComparison, found: &Compared) -> Confusion {
    let matrix_of_counts = &found.confusion_matrix;
    let (rows, columns) = (&matrix_of_counts.rows, &matrix_of_counts.columns);
    let all = Array2::from_shape_fn((rows.len(), columns.len()), |(i, j)| {
        spikes.match_event_count[[rows[i], columns[j]]]
    });
    Confusion {
        rows: rows.clone(),
        columns: columns.clone(),
        counts: matrix(&matrix_of_counts.matched.mapv(|count| count as f64), Kept::I32),
        all_matches: matrix(&all, Kept::I32),
    }
}

fn tolerance(found: &Compared) -> Part<ToleranceCurve> {
    let curve = &found.tolerance_curve;
    if curve.tolerances_ms.is_empty() {
        return Part::missing("no tolerances were asked for");
    }
    let above = curve
        .accuracy
        .columns()
        .into_iter()
        .map(|units| units.iter().filter(|&&a| a >= WELL_DETECTED).count() as i64);
    let above: Vec<i64> = above.collect();
    let without = found.tolerance_curve_without_offset.as_ref();
    Part::Available(ToleranceCurve {
        tolerance_ms: Array::list(curve.tolerances_ms.clone()),
        mean_accuracy: Array::list(curve.mean_accuracy.clone()),
        mean_accuracy_offset_removed: without.map_or_else(Array::default, |c| Array::list(c.mean_accuracy.clone())),
        units_above: Array::integers(above),
    })
}

fn collisions(analysis: &Analysis, found: &Compared) -> Part<Collisions> {
    let recall = &found.collision_recall;
    if recall.n_events == 0 {
        return Part::missing("no two spikes of different units are within 2 ms");
    }
    let similarity = analysis.similarity_within(0);
    let of_pair = |unit: usize, other: usize| similarity.as_ref().map_or(f64::NAN, |s| s[[unit, other]]);
    let n_bins = recall.pooled.n.len();
    let mut largest: Vec<usize> = (0..recall.pairs.len()).collect();
    let events = |k: usize| -> u32 {
        let pair = &recall.pairs[k];
        pair.tp.iter().chain(&pair.missed).sum()
    };
    largest.sort_by_key(|&k| (std::cmp::Reverse(events(k)), k));
    largest.truncate(MOST_PAIRS);
    largest.sort_by(|&i, &j| {
        let (p, q) = (&recall.pairs[i], &recall.pairs[j]);
        of_pair(p.unit, p.other)
            .total_cmp(&of_pair(q.unit, q.other))
            .then(i.cmp(&j))
    });
    let ratio = |found: u32, missed: u32| f64::from(found) / f64::from(found + missed);
    let values = largest.iter().flat_map(|&k| {
        let pair = &recall.pairs[k];
        pair.tp.iter().zip(&pair.missed).map(move |(&f, &m)| ratio(f, m))
    });
    let (mean_recall, similarity_edges) = mean_recall(found, recall);
    Part::Available(Collisions {
        lag_edges_ms: recall
            .edges_samples
            .iter()
            .map(|edge| edge * 1000.0 / analysis.sample_rate)
            .collect(),
        pairs: largest
            .iter()
            .map(|&k| [recall.pairs[k].unit, recall.pairs[k].other])
            .collect(),
        similarity: Array::list(
            largest
                .iter()
                .map(|&k| of_pair(recall.pairs[k].unit, recall.pairs[k].other))
                .collect(),
        ),
        recall: Array::new(&[largest.len(), n_bins], values.collect(), Kept::Levels8),
        mean_recall,
        similarity_edges,
        n_events: recall.n_events as u64,
    })
}

/// Mean recall in ranges of similarity, or of all pairs together when similarities are not known.
fn mean_recall(found: &Compared, recall: &CollisionRecall) -> (Array, Vec<f64>) {
    let ranges = &found.collision_recall_by_similarity;
    if ranges.is_empty() {
        let all = recall.pooled.recall.clone();
        return (Array::matrix(1, all.len(), all), vec![-1.0, 1.0]);
    }
    let values: Vec<f64> = ranges.iter().flat_map(|range| range.all.recall.clone()).collect();
    let mut edges: Vec<f64> = ranges.iter().map(|range| range.similarity[0]).collect();
    edges.extend(ranges.last().map(|range| range.similarity[1]));
    (Array::matrix(ranges.len(), recall.pooled.recall.len(), values), edges)
}

fn overlap(found: &Compared) -> Part<OverlapRecall> {
    let Some(recalls) = &found.recall_by_overlap else {
        return Part::missing("the truth does not say which spikes overlap");
    };
    let kinds = [
        "alone",
        "another unit within 1 ms",
        "another unit at the same place within 1 ms",
    ];
    Part::Available(OverlapRecall {
        kinds: kinds.map(String::from).to_vec(),
        recall: Array::list(recalls.iter().map(|r| r.recall).collect()),
        n_spikes: Array::integers(recalls.iter().map(|r| r.n as i64)),
    })
}

fn ks_benchmark(found: &Compared) -> KsBenchmark {
    let benchmark = &found.ks_benchmark;
    let list = |value: &dyn Fn(&ferrosort_compare::KsUnit) -> Option<f64>| {
        Array::list(benchmark.units.iter().map(|u| value(u).unwrap_or(f64::NAN)).collect())
    };
    let summary = &benchmark.summary;
    KsBenchmark {
        initial_fp: list(&|u| u.fp.first().copied()),
        initial_miss: list(&|u| u.miss.first().copied()),
        final_fp: list(&|u| u.fp.last().copied()),
        final_miss: list(&|u| u.miss.last().copied()),
        undetected: list(&|u| Some(u.undetected)),
        initial_score: list(&|u| Some(u.initial_score())),
        final_score: list(&|u| Some(u.final_score())),
        merges: benchmark.units.iter().map(|u| u.merges.clone()).collect(),
        facts: vec![
            Fact::number("units with a score above 0.8", summary.n_good_initial as f64, ""),
            Fact::number("the same after ideal merges", summary.n_good_final as f64, ""),
            Fact::number("median score", summary.median_initial, ""),
            Fact::number("the same after ideal merges", summary.median_final, ""),
            Fact::number("merges of a good unit, mean", summary.mean_merges_of_good, ""),
            Fact::number("merges of all units", summary.total_merges as f64, ""),
        ],
    }
}

fn cross_table(found: &Compared) -> CrossTable {
    let list =
        |value: fn(&ferrosort_compare::CrossRow) -> f64| Array::list(found.cross_table.iter().map(value).collect());
    CrossTable {
        spikeinterface: list(|row| row.accuracy),
        spikeforest: list(|row| row.spikeforest_accuracy),
        ks_initial: list(|row| row.ks_initial),
        ks_final: list(|row| row.ks_final),
        kilosort4: list(|row| row.k4_score),
    }
}
