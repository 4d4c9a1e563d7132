//! An analysis as one JSON document and as tables.

use serde_json::{Map, Value, json};

use super::{Analysis, PairAnalysis, RunAnalysis};
use crate::drift::stability::Stability;
use crate::intermediates::tables::{
    alignment_batches_table, alignment_summary_table, alignment_table, order_table, template_pairs_table,
    template_partners_table,
};
use crate::{Cell, Part, Table, comparison_tables};

/// Version of the document's layout.
const SCHEMA: u32 = 1;

/// Everything as JSON. Matrices and tables of the first pair stand at the top under their names (`agreement`: rows are units of A,
/// columns of B); `pairs` has those of all pairs, `runs` what is known of each run. A part that is missing is
/// `{"not_available": reason}`.
pub fn to_json(analysis: &Analysis) -> Value {
    let mut document = json!({
        "schema": SCHEMA,
        "program": concat!("ferrosort ", env!("CARGO_PKG_VERSION")),
        "sample_rate": analysis.sample_rate,
        "n_samples": analysis.n_samples,
        "duration_s": analysis.duration_s(),
        "truth": analysis.params.truth,
        "parameters": {
            "delta_time_ms": analysis.params.delta_time_ms,
            "match_score": analysis.params.match_score,
            "chance_score": analysis.params.chance_score,
            "similarity_threshold": analysis.params.similarity_threshold,
            "exhaustive": analysis.params.exhaustive,
        },
        "warnings": analysis.warnings,
    });
    let pairs: Vec<Value> = analysis.pairs.iter().map(|pair| pair_value(analysis, pair)).collect();
    if let (Some(Value::Object(first)), Value::Object(document)) = (pairs.first(), &mut document) {
        document.extend(first.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    document["runs"] = analysis.runs.iter().map(run_value).collect();
    document["intermediates"] = part(&analysis.intermediates);
    document["consensus"] = part(&analysis.consensus);
    for (name, place) in [("quality_metrics_A", 0), ("quality_metrics_B", 1)] {
        if let Some(run) = analysis.runs.get(place) {
            document[name] = value(&run.quality);
        }
    }
    if analysis.pairs.len() > 1 {
        document["pairs"] = pairs.into();
    }
    let tables = to_tables(analysis).into_iter().map(|table| {
        let shape = json!({ "columns": table.header, "rows": value(&table.rows) });
        (table.name, shape)
    });
    document["tables"] = tables.collect::<Map<String, Value>>().into();
    document
}

fn value<T: serde::Serialize>(content: &T) -> Value {
    // Everything here is numbers, texts and lists, which JSON always holds.
    serde_json::to_value(content).unwrap_or(Value::Null)
}

fn part<T: serde::Serialize>(part: &Part<T>) -> Value {
    match part {
        Part::Available(content) => value(content),
        Part::NotAvailable(reason) => json!({ "not_available": reason }),
    }
}

fn pair_value(analysis: &Analysis, pair: &PairAnalysis) -> Value {
    let mut document = Map::new();
    for (name, place) in [("a", pair.a), ("b", pair.b)] {
        document.insert(name.into(), analysis.runs[place].run.name.clone().into());
    }
    match &pair.spikes {
        Part::Available(spikes) => {
            if let Value::Object(fields) = value(spikes) {
                document.extend(fields);
            }
        }
        Part::NotAvailable(reason) => {
            document.insert("agreement".into(), json!({ "not_available": reason }));
        }
    }
    match &pair.templates {
        Part::Available(templates) => {
            if let Value::Object(fields) = value(templates) {
                let renamed = |name: String| {
                    if name == "source" {
                        "template_source".into()
                    } else {
                        name
                    }
                };
                document.extend(fields.into_iter().map(|(name, value)| (renamed(name), value)));
            }
        }
        Part::NotAvailable(reason) => {
            document.insert("similarity".into(), json!({ "not_available": reason }));
        }
    }
    document.insert("stability".into(), part(&pair.stability));
    document.into()
}

fn run_value(run: &RunAnalysis) -> Value {
    let source = &run.run;
    json!({
        "name": source.name,
        "kind": source.kind,
        "source": source.source.display().to_string(),
        "program": source.program,
        "n_units": source.units.len(),
        "n_spikes": source.spikes.len(),
        "run_time_s": source.run_time_s,
        "units": source.units,
        "parameters": source.parameters,
        "quality_metrics": run.quality,
        "suspects": run.suspects,
        "rules": run.verdicts,
        "roc": run.rocs,
        "drift": run.drift,
        "noise": run.measured.available().map(|measured| json!({
            "mad": measured.noise_mad, "sd": measured.noise_sd, "unit": measured.unit,
        })),
        "warnings": source.warnings,
    })
}

/// All tables. Those of the first pair have plain names; further pairs add `_A_B` with the names of the runs.
pub fn to_tables(analysis: &Analysis) -> Vec<Table> {
    let mut tables = Vec::new();
    for (place, pair) in analysis.pairs.iter().enumerate() {
        let mut own = pair.spikes.available().map(comparison_tables).unwrap_or_default();
        if let Some(templates) = pair.templates.available() {
            let (run_a, run_b) = (&analysis.runs[pair.a].run, &analysis.runs[pair.b].run);
            own.push(template_pairs_table(&templates.template_pairs, run_a, run_b));
            own.push(template_partners_table(&templates.best_partners, run_b));
        }
        own.extend(pair.stability.available().map(Stability::table));
        if place > 0 {
            let names = format!("_{}_{}", file_name(analysis, pair.a), file_name(analysis, pair.b));
            for table in &mut own {
                table.name.push_str(&names);
            }
        }
        tables.extend(own);
    }
    for (place, run) in analysis.runs.iter().enumerate() {
        let letter = char::from(b'A' + (place % 26) as u8);
        tables.push(quality(run, &format!("quality_metrics_{letter}")));
    }
    tables.extend(intermediates(analysis));
    for (place, run) in analysis.runs.iter().enumerate() {
        tables.extend(run.drift.motion_error.available().map(|error| {
            let mut table = error.table();
            if place != analysis.sortings().start {
                table.name = format!("{}_{}", table.name, file_name(analysis, place));
            }
            table
        }));
    }
    if let Some(consensus) = analysis.consensus.available() {
        let sortings = &analysis.runs[analysis.sortings()];
        let names: Vec<String> = sortings.iter().map(|run| run.run.name.clone()).collect();
        let ids: Vec<Vec<String>> = sortings
            .iter()
            .map(|run| run.run.units.iter().map(|unit| unit.id.clone()).collect())
            .collect();
        tables.push(consensus.table(&names, &ids));
    }
    tables
}

/// A run's name with nothing that a file name cannot have.
fn file_name(analysis: &Analysis, run: usize) -> String {
    let keep = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    analysis.runs[run].run.name.chars().map(keep).collect()
}

fn quality(run: &RunAnalysis, name: &str) -> Table {
    let columns = &run.quality.columns;
    let mut table = Table::new(
        name,
        std::iter::once("unit_id").chain(columns.iter().map(|c| c.name.as_str())),
    );
    for (unit, id) in run.quality.unit_ids.iter().enumerate() {
        let values = columns.iter().map(|column| Cell::Real(column.values[unit]));
        table.push(std::iter::once(id.clone().into()).chain(values).collect());
    }
    table
}

fn intermediates(analysis: &Analysis) -> Vec<Table> {
    let Some(found) = analysis.intermediates.available() else {
        return Vec::new();
    };
    let mut tables = Vec::new();
    if let Some(alignment) = found.alignment.available() {
        tables.extend([
            alignment_table(alignment),
            alignment_batches_table(alignment),
            alignment_summary_table(alignment),
        ]);
    }
    tables.extend(found.order.available().map(order_table));
    tables
}
