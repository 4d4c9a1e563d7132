//! The truth of Kilosort's eMouse simulations: `gtRes` and `gtClu` of `eMouseGroundTruth.mat`.

use std::path::Path;

use ferrosort_core::{Result, RunKind, SortingRun, TruthDetails};

use super::{ReadOptions, columns, files, table};
use crate::matlab::MatFile;

/// Samples by which these times are typically later than the trough of the waveform.
const KNOWN_OFFSET: i64 = 1;

const NAMES: [&str; 3] = ["gtRes", "gtClu", "yDriftRec"];

/// Reads the spikes of a `.mat` file; `eMouseSimRecord.mat` beside it gives the depth and size of each spike.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let truth_path = if path.file_name().is_some_and(|name| name == "eMouseSimRecord.mat") {
        folder.join("eMouseGroundTruth.mat")
    } else {
        path.to_path_buf()
    };
    let variables = MatFile::open(&truth_path, &NAMES)?;
    let column = |name: &str| variables.numbers(name).map(|numbers| numbers.values.as_slice());
    let (times, labels) = (column("gtRes")?, column("gtClu")?);
    files::same_length(
        &truth_path,
        &[("gtRes", Some(times.len())), ("gtClu", Some(labels.len()))],
    )?;
    let whole = |value: &f64| value.fract() == 0.0 && value.abs() < 9e15;
    if !(times.iter().all(whole) && labels.iter().all(whole)) {
        return Err(files::not(folder, "gtRes or gtClu", "whole numbers"));
    }
    let mut run = SortingRun::new("", path, RunKind::Truth);
    run.sample_rate = options.sample_rate;
    // MATLAB counts from 1.
    run.spikes.samples = times.iter().map(|&time| (time as i64).saturating_sub(1)).collect();
    let ids: Vec<String> = labels.iter().map(|&label| (label as i64).to_string()).collect();
    (run.units, run.spikes.units) = table::units(&ids);
    let record = folder.join("eMouseSimRecord.mat");
    if record.is_file() {
        drift_record(&mut run, &record)?;
    }
    run.truth = Some(TruthDetails {
        exhaustive: true,
        known_offset_samples: KNOWN_OFFSET,
        ..TruthDetails::default()
    });
    columns::settle(&mut run, options.time_offset);
    Ok(run)
}

/// `yDriftRec`: for each spike time (s), depth (µm), unit, nominal and measured peak to peak (µV).
fn drift_record(run: &mut SortingRun, path: &Path) -> Result<()> {
    let n = run.spikes.len();
    let variables = MatFile::open(path, &NAMES)?;
    let record = variables.get_numbers("yDriftRec").map(|record| &record.values);
    let Some(record) = record.filter(|record| record.len() == 5 * n) else {
        run.warnings
            .push("eMouseSimRecord.mat does not belong to these spikes and was left out".to_owned());
        return Ok(());
    };
    let column = |k: usize| Some(record[k * n..(k + 1) * n].iter().map(|&v| v as f32).collect());
    run.spikes.depths_um = column(1);
    run.spikes.amplitudes = column(3);
    "peak to peak without the factor of the spike, µV".clone_into(&mut run.amplitude_unit);
    Ok(())
}
