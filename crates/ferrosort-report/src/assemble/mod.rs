//! From a comparison to what the page shows: choices of what to draw, thinned so that the page stays small.

mod agreement;
mod budget;
mod channels;
mod drift;
mod intermediates;
mod outputs;
mod quality;
mod run;
mod traces;
mod truth;
mod unit;

use ferrosort_compare::analysis::{Analysis, Signal};
use ferrosort_core::Result;

use crate::model::{Array, Kept, ParameterRow, Part, ProbeMap, Report};

/// The report of an analysis. With the recording it also shows a short piece of it.
///
/// # Errors
/// I/O of the recording.
pub fn assemble(analysis: &Analysis, title: &str, signal: Option<Signal>) -> Result<Report> {
    let channels = channels::Channels::new(analysis);
    let budget = budget::Budget::new(analysis);
    let runs = (0..analysis.runs.len())
        .map(|place| run::run(analysis, place, &channels, &budget))
        .collect();
    let mut warnings = analysis.warnings.clone();
    warnings.dedup();
    Ok(Report {
        title: title.to_string(),
        generator: concat!("ferrosort ", env!("CARGO_PKG_VERSION")).to_string(),
        created: String::new(),
        sample_rate_hz: Some(analysis.sample_rate),
        duration_s: Some(analysis.duration_s()),
        warnings,
        probe: match &analysis.probe {
            Some(probe) => Part::Available(ProbeMap::from(probe)),
            None => Part::missing("no result says where the contacts are; give --probe FILE"),
        },
        runs,
        parameters: parameters(analysis),
        files: run::files(analysis),
        intermediates: convert(&analysis.intermediates, intermediates::intermediates),
        outputs: outputs::outputs(analysis, &channels, &budget),
        agreement: agreement::agreement(analysis),
        truth: truth::truth(analysis),
        quality: quality::quality(analysis),
        drift: drift::drift(analysis, &budget),
        traces: match signal {
            Some(signal) => traces::traces(analysis, signal)?,
            None => Part::missing("there is no recording; name it with --recording"),
        },
    })
}

/// Parameters of all runs that have any, in alphabetical order.
fn parameters(analysis: &Analysis) -> Vec<ParameterRow> {
    let mut names: Vec<&String> = analysis.runs[analysis.sortings()]
        .iter()
        .flat_map(|run| run.run.parameters.keys())
        .collect();
    names.sort_unstable();
    names.dedup();
    let row = |name: &String| {
        let values: Vec<Option<String>> = analysis
            .runs
            .iter()
            .enumerate()
            .map(|(place, run)| {
                let value = run
                    .run
                    .parameters
                    .get(name)
                    .filter(|_| analysis.sortings().contains(&place))?;
                Some(match value {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                })
            })
            .collect();
        let mut known = values.iter().flatten();
        let first = known.next();
        ParameterRow {
            name: name.clone(),
            differs: known.any(|value| Some(value) != first),
            values,
        }
    };
    names.into_iter().map(row).collect()
}

/// A part of the analysis as a part of the page.
fn convert<T, U>(part: &ferrosort_compare::Part<T>, content: impl FnOnce(&T) -> U) -> Part<U> {
    match part {
        ferrosort_compare::Part::Available(found) => Part::Available(content(found)),
        ferrosort_compare::Part::NotAvailable(reason) => Part::missing(reason.clone()),
    }
}

/// A matrix kept closely enough for a picture and its table.
fn matrix<T: Copy + Into<f64>>(values: &ndarray::Array2<T>, kept: Kept) -> Array {
    let shape = [values.nrows(), values.ncols()];
    Array::new(&shape, values.iter().map(|&v| v.into()).collect(), kept)
}
