//! The truth of Kilosort4's simulations: `*_params.npz` with `st`, `cl`, `amp` and, if it is there, `n_sim`.

use std::path::Path;

use ferrosort_core::{Result, RunKind, RunUnit, SortingRun, TruthDetails};

use super::{ReadOptions, columns, family, files};
use crate::npy::Npz;

/// Reads the spikes. Units from `n_sim` on are the background; where the pack does not say how many there are, all units
/// count as to be found, with a warning.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let mut pack = Npz::open(path)?;
    let mut run = SortingRun::new("", path, RunKind::Truth);
    run.sample_rate = options.sample_rate;
    let wrong = |name: &str| files::not(path, name, "whole numbers from 0");
    run.spikes.samples = pack.require("st")?.into_i64().ok_or_else(|| wrong("st"))?;
    let units = pack.require("cl")?.into_i64().ok_or_else(|| wrong("cl"))?;
    if units.iter().any(|unit| !(0..family::MAX_UNITS).contains(unit)) {
        return Err(wrong("cl"));
    }
    run.spikes.units = units.iter().map(|&unit| unit as u32).collect();
    let hybrid = pack.names().iter().any(|name| name == "cb");
    if let Some(amplitudes) = pack.read("amp")?.and_then(crate::npy::NpyArray::into_f32) {
        run.spikes.amplitudes = Some(amplitudes).filter(|amplitudes| amplitudes.len() == units.len());
        "factor of the template".clone_into(&mut run.amplitude_unit);
    }
    let n_units = units.iter().max().map_or(0, |&unit| unit as usize + 1);
    let n_sim = pack.read("n_sim")?.and_then(|array| array.into_i64()?.first().copied());
    if n_sim.is_none() && !hybrid {
        run.warnings
            .push("the pack has no n_sim: units of the background count as units to be found".to_owned());
    }
    let n_sim = n_sim.map_or(n_units, |n| n.max(0) as usize);
    let unit = |id: usize| RunUnit {
        id: id.to_string(),
        is_background: id >= n_sim,
        ..RunUnit::default()
    };
    run.units = (0..n_units).map(unit).collect();
    files::same_length(
        path,
        &[("st", Some(run.spikes.samples.len())), ("cl", Some(units.len()))],
    )?;
    run.truth = Some(TruthDetails {
        exhaustive: !hybrid,
        ..TruthDetails::default()
    });
    columns::settle(&mut run, options.time_offset);
    Ok(run)
}
