//! The comparison as tables.

use ferrosort_core::{Cell, Table};
use ndarray::Array2;

use super::{SpikeComparison, TruthComparison};

/// Pairs of units in the table of collisions: those with the most collisions.
const MOST_COLLISION_PAIRS: usize = 5000;

/// All tables of a comparison: `match_event_count`, `agreement_scores`, `hungarian`, and with a truth `performance_by_unit`,
/// `confusion_matrix`, `unit_classes`, `ks_benchmark`, `cross_table`, `collision_recall`, `tolerance`.
pub fn comparison_tables(comparison: &SpikeComparison) -> Vec<Table> {
    let mut tables = vec![
        matrix("match_event_count", comparison, &comparison.match_event_count),
        matrix("agreement_scores", comparison, &comparison.agreement),
        hungarian(comparison),
    ];
    if let Some(truth) = &comparison.truth {
        tables.push(performance_by_unit(comparison, truth));
        tables.push(confusion_matrix(comparison, truth));
        tables.push(unit_classes(comparison, truth));
        tables.push(ks_benchmark(comparison, truth));
        tables.push(cross_table(comparison, truth));
        tables.push(collision_recall(comparison, truth));
        tables.push(tolerance(truth));
    }
    tables
}

fn matrix<T: Copy + Into<Cell>>(name: &str, comparison: &SpikeComparison, values: &Array2<T>) -> Table {
    let mut table = Table::new(
        name,
        std::iter::once("unit".to_owned()).chain(comparison.unit_ids_b.iter().cloned()),
    );
    for (id, values) in comparison.unit_ids_a.iter().zip(values.rows()) {
        let mut row: Vec<Cell> = vec![id.clone().into()];
        row.extend(values.iter().map(|&value| value.into()));
        table.push(row);
    }
    table
}

/// Name of a unit of b, empty for none.
fn id_or_empty(ids: &[String], place: Option<usize>) -> Cell {
    place.map_or_else(|| "".into(), |place| ids[place].clone().into())
}

fn hungarian(comparison: &SpikeComparison) -> Table {
    let header = [
        "unit_a",
        "unit_b",
        "agreement",
        "match_event_count",
        "n_a",
        "n_b",
        "best_b",
        "best_agreement",
    ];
    let mut table = Table::new("hungarian", header);
    let matches = &comparison.matches;
    for (i, id) in comparison.unit_ids_a.iter().enumerate() {
        let (partner, best) = (matches.hungarian_match_12[i], matches.best_match_12[i]);
        table.push(vec![
            id.clone().into(),
            id_or_empty(&comparison.unit_ids_b, partner),
            partner.map_or(f64::NAN, |j| comparison.agreement[[i, j]]).into(),
            partner.map_or(0, |j| comparison.match_event_count[[i, j]]).into(),
            comparison.event_counts_a[i].into(),
            partner.map_or(0, |j| comparison.event_counts_b[j]).into(),
            id_or_empty(&comparison.unit_ids_b, best),
            comparison.summary.best_agreement_a[i].into(),
        ]);
    }
    for (j, id) in comparison.unit_ids_b.iter().enumerate() {
        if matches.hungarian_match_21[j].is_none() {
            table.push(vec![
                "".into(),
                id.clone().into(),
                f64::NAN.into(),
                0_u32.into(),
                0_u32.into(),
                comparison.event_counts_b[j].into(),
                "".into(),
                comparison.summary.best_agreement_b[j].into(),
            ]);
        }
    }
    table
}

fn performance_by_unit(comparison: &SpikeComparison, truth: &TruthComparison) -> Table {
    let header = [
        "gt_unit_id",
        "tested_id",
        "tp",
        "fn",
        "fp",
        "num_gt",
        "num_tested",
        "accuracy",
        "recall",
        "precision",
        "false_discovery_rate",
        "miss_rate",
        "miss_rate_true",
    ];
    let mut table = Table::new("performance_by_unit", header);
    for unit in &truth.performance.performance_by_unit {
        table.push(vec![
            comparison.unit_ids_a[unit.gt_unit].clone().into(),
            id_or_empty(&comparison.unit_ids_b, unit.tested_id),
            unit.tp.into(),
            unit.missed.into(),
            unit.fp.into(),
            unit.num_gt.into(),
            unit.num_tested.into(),
            unit.accuracy.into(),
            unit.recall.into(),
            unit.precision.into(),
            unit.false_discovery_rate.into(),
            unit.miss_rate.into(),
            unit.miss_rate_true.into(),
        ]);
    }
    table
}

fn confusion_matrix(comparison: &SpikeComparison, truth: &TruthComparison) -> Table {
    let confusion = &truth.confusion_matrix;
    let columns = confusion.columns.iter().map(|&j| comparison.unit_ids_b[j].clone());
    let header = std::iter::once("unit".to_owned())
        .chain(columns)
        .chain(["FN".to_owned()]);
    let mut table = Table::new("confusion_matrix", header);
    let rows = confusion
        .rows
        .iter()
        .map(|&i| comparison.unit_ids_a[i].clone())
        .chain(["FP".to_owned()]);
    for (id, counts) in rows.zip(confusion.matched.rows()) {
        let mut row: Vec<Cell> = vec![id.into()];
        row.extend(counts.iter().map(|&count| count.into()));
        table.push(row);
    }
    table
}

fn unit_classes(comparison: &SpikeComparison, truth: &TruthComparison) -> Table {
    let mut table = Table::new("unit_classes", ["side", "class", "unit"]);
    let classes = &truth.unit_classes;
    let mut add = |side: &str, class: &str, ids: &[String], units: Option<&Vec<usize>>| {
        for &unit in units.into_iter().flatten() {
            table.push(vec![side.into(), class.into(), ids[unit].clone().into()]);
        }
    };
    let (ids_a, ids_b) = (&comparison.unit_ids_a, &comparison.unit_ids_b);
    add("tested", "well_detected", ids_b, Some(&classes.well_detected));
    add("tested", "false_positive", ids_b, classes.false_positive.as_ref());
    add("tested", "redundant", ids_b, classes.redundant.as_ref());
    add("tested", "overmerged", ids_b, classes.overmerged.as_ref());
    add("tested", "bad", ids_b, classes.bad.as_ref());
    add("truth", "oversplit", ids_a, Some(&classes.oversplit));
    add("truth", "missed", ids_a, Some(&classes.missed));
    table
}

/// The columns of Kilosort's table: "best" is the end of the history of merges, "auto" its beginning.
fn ks_benchmark(comparison: &SpikeComparison, truth: &TruthComparison) -> Table {
    let header = [
        "GTlabel",
        "nSpike",
        "meanAmp",
        "meanPos",
        "undetected",
        "bestMiss",
        "bestFP",
        "bestScore",
        "autoMiss",
        "autoFP",
        "autoScore",
        "nMerges",
        "phy-labels",
    ];
    let mut table = Table::new("ks_benchmark", header);
    let known = |values: &Option<Vec<f64>>, unit: usize| values.as_ref().map_or(f64::NAN, |values| values[unit]);
    for unit in &truth.ks_benchmark.units {
        let (first, last) = (0, unit.scores.len().saturating_sub(1));
        let at = |values: &[f64], place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let labels: Vec<&str> = unit.merges.iter().map(|&j| comparison.unit_ids_b[j].as_str()).collect();
        table.push(vec![
            comparison.unit_ids_a[unit.gt_unit].clone().into(),
            unit.n_spikes.into(),
            known(&truth.amplitude, unit.gt_unit).into(),
            known(&truth.depths_um, unit.gt_unit).into(),
            unit.undetected.into(),
            at(&unit.miss, last).into(),
            at(&unit.fp, last).into(),
            at(&unit.scores, last).into(),
            at(&unit.miss, first).into(),
            at(&unit.fp, first).into(),
            at(&unit.scores, first).into(),
            unit.merges.len().saturating_sub(1).into(),
            labels.join(" ").into(),
        ]);
    }
    table
}

fn cross_table(comparison: &SpikeComparison, truth: &TruthComparison) -> Table {
    let header = [
        "gt_unit_id",
        "accuracy",
        "spikeforest_accuracy",
        "ks_initial",
        "ks_final",
        "k4_score",
    ];
    let mut table = Table::new("cross_table", header);
    for row in &truth.cross_table {
        table.push(vec![
            comparison.unit_ids_a[row.gt_unit].clone().into(),
            row.accuracy.into(),
            row.spikeforest_accuracy.into(),
            row.ks_initial.into(),
            row.ks_final.into(),
            row.k4_score.into(),
        ]);
    }
    table
}

/// All pairs together, then the pairs of units with the most collisions; one row for each bin with a spike.
fn collision_recall(comparison: &SpikeComparison, truth: &TruthComparison) -> Table {
    let mut table = Table::new(
        "collision_recall",
        ["unit", "other", "lag_from_ms", "lag_to_ms", "tp", "fn", "recall"],
    );
    let recall = &truth.collision_recall;
    let edges: Vec<f64> = recall
        .edges_samples
        .iter()
        .map(|edge| edge * 1000.0 / comparison.sample_rate)
        .collect();
    let mut add = |unit: &str, other: &str, bin: usize, tp: u64, missed: u64| {
        if tp + missed > 0 {
            table.push(vec![
                unit.into(),
                other.into(),
                edges[bin].into(),
                edges[bin + 1].into(),
                (tp as i64).into(),
                (missed as i64).into(),
                (tp as f64 / (tp + missed) as f64).into(),
            ]);
        }
    };
    for bin in 0..edges.len() - 1 {
        let sum = |of: fn(&crate::PairCollisions) -> &Vec<u32>| -> u64 {
            recall.pairs.iter().map(|pair| u64::from(of(pair)[bin])).sum()
        };
        add("all", "all", bin, sum(|pair| &pair.tp), sum(|pair| &pair.missed));
    }
    let size = |pair: &crate::PairCollisions| pair.tp.iter().chain(&pair.missed).map(|&n| u64::from(n)).sum::<u64>();
    let mut order: Vec<usize> = (0..recall.pairs.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(size(&recall.pairs[place])));
    order.truncate(MOST_COLLISION_PAIRS);
    order.sort_unstable();
    for place in order {
        let pair = &recall.pairs[place];
        let (unit, other) = (&comparison.unit_ids_a[pair.unit], &comparison.unit_ids_a[pair.other]);
        for bin in 0..pair.tp.len() {
            add(unit, other, bin, u64::from(pair.tp[bin]), u64::from(pair.missed[bin]));
        }
    }
    table
}

fn tolerance(truth: &TruthComparison) -> Table {
    let header = [
        "offset_samples",
        "tolerance_ms",
        "tolerance_samples",
        "mean_accuracy",
        "n_matched",
    ];
    let mut table = Table::new("tolerance", header);
    for curve in std::iter::once(&truth.tolerance_curve).chain(&truth.tolerance_curve_without_offset) {
        for (k, &tolerance_ms) in curve.tolerances_ms.iter().enumerate() {
            table.push(vec![
                curve.offset_samples.into(),
                tolerance_ms.into(),
                curve.tolerances_samples[k].into(),
                curve.mean_accuracy[k].into(),
                curve.n_matched[k].into(),
            ]);
        }
    }
    table
}
