//! From the path of a result to an export: what the command line and the Python package share.

use std::path::Path;

use ferrosort_compare::quality::{Extent, QualityInputs, QualityParams, metric, quality_table};
use ferrosort_core::{Observer, Result, SortingRun};
use ferrosort_formats::export::{self, ExportOptions, UnitColumn};
use ferrosort_formats::results::{ReadOptions, read_run};

use crate::comparison::check_sample_rate;

/// Reads a result, measures its units by their spikes, and writes it to `output`. Returns the run as it was written.
///
/// # Errors
/// Those of the reader and of [`export::export`].
pub fn export(
    path: &Path,
    read: &ReadOptions,
    output: &Path,
    options: &ExportOptions,
    observer: &dyn Observer,
) -> Result<SortingRun> {
    check_sample_rate(read.sample_rate)?;
    let mut run = read_run(path, read)?;
    // They gave the spikes their depths; no format holds them.
    run.features = None;
    for warning in &run.warnings {
        observer.warning(warning);
    }
    let columns = columns(&run);
    export::export(&run, &columns, output, options, observer)?;
    Ok(run)
}

/// Metrics of the units that need no recording; none where the sample rate is not known.
fn columns(run: &SortingRun) -> Vec<UnitColumn> {
    let Some(sample_rate) = run.sample_rate.filter(|rate| rate.is_finite() && *rate > 0.0) else {
        return Vec::new();
    };
    let up_to_last = run.spikes.samples.last().map_or(0, |&sample| sample.max(0) as u64 + 1);
    let extent = Extent {
        sample_rate,
        n_samples: run.n_samples.unwrap_or(up_to_last),
    };
    let inputs = QualityInputs {
        // Positions are written by the formats themselves.
        positions_um: None,
        ..QualityInputs::from_run(run, extent, 0)
    };
    let table = quality_table(&inputs, &QualityParams::spikeinterface());
    let column = |column: ferrosort_compare::quality::QualityColumn| {
        let sentence = metric(&column.name).map_or("", |metric| metric.description);
        let unit = if column.unit.is_empty() {
            String::new()
        } else {
            format!(" Unit: {}.", column.unit)
        };
        UnitColumn {
            description: format!("{sentence}{unit}"),
            name: column.name,
            values: column.values,
        }
    };
    table.columns.into_iter().map(column).collect()
}
