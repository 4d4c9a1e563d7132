//! Tables of the comparison with a truth.

use super::{Rows, Table, cell, matrix, number, placed, run_name, text, unit};
use crate::Report;
use crate::model::{Collisions, Confusion, KsBenchmark, Truth, TruthComparison};

pub(super) fn tables(report: &Report) -> Vec<Table> {
    let Some(truth) = report.truth.get() else {
        return Vec::new();
    };
    let mut tables = vec![performance(report, truth), classes(report, truth)];
    let several = truth.comparisons.len() > 1;
    for comparison in &truth.comparisons {
        let name = |base: &str| placed(base, &[comparison.run], several);
        if let Some(confusion) = comparison.confusion.get() {
            tables.extend(confusions(report, truth, comparison, confusion, &name));
        }
        if let Some(benchmark) = comparison.ks_benchmark.get() {
            tables.push(ks(report, truth, comparison, benchmark, name("ks_benchmark")));
        }
        if let Some(collisions) = comparison.collisions.get() {
            tables.push(collision_recall(report, truth, collisions, name("collision_recall")));
        }
        if let Some(t) = comparison.tolerance.get() {
            let mut rows = Rows::new(&[
                "tolerance_ms",
                "mean_accuracy",
                "mean_accuracy_offset_removed",
                "units_above_0.8",
            ]);
            for i in 0..t.tolerance_ms.len() {
                let columns = [
                    &t.tolerance_ms,
                    &t.mean_accuracy,
                    &t.mean_accuracy_offset_removed,
                    &t.units_above,
                ];
                rows.push(columns.iter().map(|array| cell(array, i)).collect());
            }
            tables.push(rows.named(name("tolerance")));
        }
    }
    tables
}

fn performance(report: &Report, truth: &Truth) -> Table {
    let mut rows = Rows::new(&[
        "sorting",
        "true_unit",
        "tested_unit",
        "accuracy",
        "recall",
        "precision",
        "tp",
        "fn",
        "fp",
        "num_gt",
        "num_tested",
    ]);
    for c in &truth.comparisons {
        let count = |run: usize, unit: usize| {
            report
                .runs
                .get(run)
                .and_then(|r| r.units.get(unit))
                .map_or_else(String::new, |u| u.n_spikes.to_string())
        };
        for i in 0..c.accuracy.len() {
            let tested = c.tested.get(i).copied().flatten();
            let mut cells = vec![
                text(run_name(report, c.run)),
                unit(report, truth.truth_run, i),
                tested.map_or_else(String::new, |j| unit(report, c.run, j)),
            ];
            let columns = [
                &c.accuracy,
                &c.recall,
                &c.precision,
                &c.true_positives,
                &c.misses,
                &c.false_positives,
            ];
            cells.extend(columns.iter().map(|array| cell(array, i)));
            cells.push(count(truth.truth_run, i));
            cells.push(tested.map_or_else(|| "0".into(), |j| count(c.run, j)));
            rows.push(cells);
        }
    }
    rows.named("performance_by_unit")
}

fn classes(report: &Report, truth: &Truth) -> Table {
    let mut rows = Rows::new(&["sorting", "class", "run", "unit"]);
    for c in &truth.comparisons {
        let k = &c.classes;
        let kinds = [
            ("well_detected", c.run, &k.well_detected),
            ("false_positive", c.run, &k.false_positive),
            ("redundant", c.run, &k.redundant),
            ("overmerged", c.run, &k.overmerged),
            ("bad", c.run, &k.bad),
            ("oversplit", truth.truth_run, &k.oversplit),
            ("missed", truth.truth_run, &k.missed),
        ];
        for (kind, run, units) in kinds {
            for &place in units {
                let run_cell = text(run_name(report, run));
                rows.push(vec![
                    text(run_name(report, c.run)),
                    kind.into(),
                    run_cell,
                    unit(report, run, place),
                ]);
            }
        }
    }
    rows.named("unit_classes")
}

fn confusions(
    report: &Report,
    truth: &Truth,
    comparison: &TruthComparison,
    confusion: &Confusion,
    name: &dyn Fn(&str) -> String,
) -> Vec<Table> {
    let mut rows: Vec<String> = confusion
        .rows
        .iter()
        .map(|&u| unit(report, truth.truth_run, u))
        .collect();
    let mut columns: Vec<String> = confusion
        .columns
        .iter()
        .map(|&u| unit(report, comparison.run, u))
        .collect();
    let mut tables = Vec::new();
    if !confusion.all_matches.is_empty() {
        tables.push(matrix(
            name("match_event_count"),
            &rows,
            &columns,
            &confusion.all_matches,
        ));
    }
    rows.push("FP".into());
    columns.push("FN".into());
    tables.push(matrix(name("confusion_matrix"), &rows, &columns, &confusion.counts));
    tables
}

fn ks(report: &Report, truth: &Truth, comparison: &TruthComparison, k: &KsBenchmark, name: String) -> Table {
    let mut rows = Rows::new(&[
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
    ]);
    for i in 0..k.initial_score.len() {
        let known = report.runs.get(truth.truth_run).and_then(|r| r.units.get(i));
        let merges = k.merges.get(i).map_or(&[][..], Vec::as_slice);
        let mut cells = vec![
            unit(report, truth.truth_run, i),
            known.map_or_else(String::new, |u| u.n_spikes.to_string()),
            super::maybe(known.and_then(|u| u.amplitude_uv)),
            super::maybe(known.and_then(|u| u.y_um)),
        ];
        let columns = [
            &k.undetected,
            &k.final_miss,
            &k.final_fp,
            &k.final_score,
            &k.initial_miss,
            &k.initial_fp,
            &k.initial_score,
        ];
        cells.extend(columns.iter().map(|array| cell(array, i)));
        cells.push(merges.len().saturating_sub(1).to_string());
        let labels: Vec<String> = merges.iter().map(|&u| unit(report, comparison.run, u)).collect();
        cells.push(labels.join(" "));
        rows.push(cells);
    }
    rows.named(name)
}

fn collision_recall(report: &Report, truth: &Truth, collisions: &Collisions, name: String) -> Table {
    let mut header: Vec<String> = ["unit", "other", "similarity"].map(String::from).to_vec();
    header.extend(
        collisions
            .lag_edges_ms
            .windows(2)
            .map(|e| format!("{:.3} to {:.3} ms", e[0], e[1])),
    );
    let mut rows = Rows::new(&header);
    for (i, pair) in collisions.pairs.iter().enumerate() {
        let mut cells = pair.map(|u| unit(report, truth.truth_run, u)).to_vec();
        cells.push(cell(&collisions.similarity, i));
        cells.extend((0..header.len() - 3).map(|lag| number(collisions.recall.at(i, lag))));
        rows.push(cells);
    }
    rows.named(name)
}
