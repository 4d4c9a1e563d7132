//! Tables of agreement, templates, consensus and quality.

use super::{Rows, Table, cell, matrix, maybe, number, placed, run_name, text, unit};
use crate::Report;
use crate::model::{Agreement, Consensus, PairAgreement, Role, TemplateComparison};

pub(super) fn tables(report: &Report) -> Vec<Table> {
    let mut tables = Vec::new();
    if let Some(agreement) = report.agreement.get() {
        tables.extend(agreements(report, agreement));
    }
    if let Some(outputs) = report.outputs.get() {
        let several = outputs.comparisons.len() > 1;
        for c in &outputs.comparisons {
            tables.push(template_pairs(
                report,
                c,
                placed("template_pairs", &[c.a, c.b], several),
            ));
            let (rows, columns) = (ids(report, c.a), ids(report, c.b));
            tables.push(matrix(
                placed("similarity", &[c.a, c.b], several),
                &rows,
                &columns,
                &c.cosine,
            ));
        }
    }
    tables.extend(metrics(report));
    tables
}

fn ids(report: &Report, run: usize) -> Vec<String> {
    let n = report.runs.get(run).map_or(0, |r| r.units.len());
    (0..n).map(|i| unit(report, run, i)).collect()
}

fn agreements(report: &Report, agreement: &Agreement) -> Vec<Table> {
    let several = agreement.pairs.len() > 1;
    let mut tables = Vec::new();
    for pair in &agreement.pairs {
        let places = [pair.a, pair.b];
        let (rows, columns) = (ids(report, pair.a), ids(report, pair.b));
        tables.push(matrix(
            placed("agreement_scores", &places, several),
            &rows,
            &columns,
            &pair.scores,
        ));
        tables.push(hungarian(report, pair, placed("hungarian", &places, several)));
    }
    if let Some(consensus) = agreement.consensus.get() {
        tables.push(shared(report, consensus));
    }
    tables
}

fn hungarian(report: &Report, pair: &PairAgreement, name: String) -> Table {
    let mut rows = Rows::new(&["unit_a", "unit_b", "agreement"]);
    for (i, partner) in pair.matches.iter().enumerate() {
        let partner_id = partner.map_or_else(String::new, |j| unit(report, pair.b, j));
        rows.push(vec![
            unit(report, pair.a, i),
            partner_id,
            maybe(partner.map(|j| pair.scores.at(i, j))),
        ]);
    }
    rows.named(name)
}

fn shared(report: &Report, consensus: &Consensus) -> Table {
    let mut header: Vec<&str> = consensus.runs.iter().map(|&run| run_name(report, run)).collect();
    header.extend(["agreement_number", "avg_agreement"]);
    let mut rows = Rows::new(&header);
    for shared_unit in &consensus.units {
        let member = |run: usize| {
            let found = shared_unit.members.iter().find(|m| m.0 == run);
            found.map_or_else(String::new, |&(run, i)| unit(report, run, i))
        };
        let mut cells: Vec<String> = consensus.runs.iter().map(|&run| member(run)).collect();
        cells.push(shared_unit.members.len().to_string());
        cells.push(number(shared_unit.mean_agreement));
        rows.push(cells);
    }
    rows.named("consensus")
}

fn template_pairs(report: &Report, c: &TemplateComparison, name: String) -> Table {
    let mut rows = Rows::new(&["unit_a", "unit_b", "similarity", "lag_samples", "matches", "agreement"]);
    for pair in &c.pairs {
        rows.push(vec![
            unit(report, c.a, pair.a),
            unit(report, c.b, pair.b),
            number(pair.similarity),
            pair.lag_samples.to_string(),
            pair.n_matched.map_or_else(String::new, |n| n.to_string()),
            maybe(pair.agreement),
        ]);
    }
    rows.named(name)
}

/// Metrics of the sortings by letter, of the truth by its name.
fn metrics(report: &Report) -> Vec<Table> {
    let mut letter = b'A';
    let mut tables = Vec::new();
    for (place, run) in report.runs.iter().enumerate() {
        let name = if run.role == Role::Truth {
            "truth".into()
        } else {
            char::from(letter).to_string()
        };
        if run.role == Role::Sorting {
            letter += 1;
        }
        if run.metrics.is_empty() {
            continue;
        }
        let mut header = vec!["unit".to_owned()];
        header.extend(run.metrics.iter().map(|m| m.name.clone()));
        let mut rows = Rows::new(&header);
        for i in 0..run.units.len() {
            let mut cells = vec![unit(report, place, i)];
            cells.extend(run.metrics.iter().map(|m| cell(&m.values, i)));
            rows.push(cells);
        }
        tables.push(rows.named(format!("quality_metrics_{name}")));
    }
    if !report.parameters.is_empty() {
        let mut header = vec!["parameter", "differs"];
        header.extend(report.runs.iter().map(|r| r.name.as_str()));
        let mut rows = Rows::new(&header);
        for row in &report.parameters {
            let mut cells = vec![text(&row.name), row.differs.to_string()];
            cells.extend(
                (0..report.runs.len()).map(|r| text(row.values.get(r).and_then(|v| v.as_deref()).unwrap_or(""))),
            );
            rows.push(cells);
        }
        tables.push(rows.named("parameters"));
    }
    tables
}
