//! Spike trains of MEArec recordings: `spiketrains/<unit>/times` (s) of an HDF5 file.

use std::path::Path;

use ferrosort_core::{Error, Result, RunKind, RunUnit, SortingRun, TruthDetails};

use super::{ReadOptions, columns};
use crate::matlab::Structure;

/// Reads the trains in the order of their numbers; the sample rate is that of the recording in the same file.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let file = Structure::open(path)?;
    let trains = file.structure("spiketrains")?.ok_or_else(|| {
        Error::input(format!(
            "{} has no group spiketrains, so it is no MEArec recording, the only kind of HDF5 file that is read",
            path.display()
        ))
    })?;
    let info = match file.structure("info")? {
        Some(info) => info.structure("recordings")?,
        None => None,
    };
    let value = |name: &str| -> Result<Option<f64>> {
        let field = info.as_ref().map(|info| info.field(name)).transpose()?.flatten();
        Ok(field.and_then(|field| field.values.first().copied()))
    };
    let rate = options.sample_rate.or(value("fs")?).ok_or_else(|| {
        Error::input(format!(
            "{} gives times in seconds and no info/recordings/fs; give the sample rate",
            path.display()
        ))
    })?;
    let mut run = SortingRun::new("", path, RunKind::Truth);
    run.sample_rate = Some(rate);
    run.n_samples = value("duration")?.map(|seconds| (seconds * rate).round() as u64);
    for unit in 0u32.. {
        let Some(train) = trains.structure(&unit.to_string())? else {
            break;
        };
        let times = train.field("times")?.map(|field| field.values).unwrap_or_default();
        run.spikes.units.extend(times.iter().map(|_| unit));
        run.spikes
            .samples
            .extend(times.iter().map(|time| (time * rate).round() as i64));
        run.units.push(RunUnit {
            id: unit.to_string(),
            ..RunUnit::default()
        });
    }
    run.truth = Some(TruthDetails {
        exhaustive: true,
        ..TruthDetails::default()
    });
    columns::settle_trains(&mut run, options.time_offset);
    Ok(run)
}
