//! Part V: rules, and how well metrics judge.

use ferrosort_compare::analysis::{Analysis, rule_sets};
use ferrosort_compare::quality::{Comparison, Condition};

use crate::model::{Array, Part, Quality, Roc, RuleCount};

pub(super) fn quality(analysis: &Analysis) -> Part<Quality> {
    let sets = rule_sets();
    let rules = sets.iter().enumerate().map(|(k, set)| RuleCount {
        name: set.name.clone(),
        rule: set.conditions.iter().map(text).collect::<Vec<_>>().join(", "),
        units: analysis
            .runs
            .iter()
            .map(|run| run.verdicts.get(k).map(|v| v.n_pass))
            .collect(),
    });
    let roc = analysis.sortings().flat_map(|place| {
        analysis.runs[place].rocs.iter().map(move |roc| Roc {
            run: place,
            metric: roc.metric.clone(),
            area: Some(roc.area).filter(|area| area.is_finite()),
            false_positive_rate: Array::list(roc.points.iter().map(|p| p.false_positive_rate).collect()),
            true_positive_rate: Array::list(roc.points.iter().map(|p| p.true_positive_rate).collect()),
        })
    });
    Part::Available(Quality {
        rules: rules.collect(),
        roc: roc.collect(),
    })
}

fn text(condition: &Condition) -> String {
    let name = condition.metric.replace('_', " ");
    let limit = condition.limit;
    match condition.comparison {
        Comparison::Above => format!("{name} > {limit}"),
        Comparison::AtLeast => format!("{name} ≥ {limit}"),
        Comparison::Below => format!("{name} < {limit}"),
        Comparison::MagnitudeAbove => format!("|{name}| > {limit}"),
    }
}
