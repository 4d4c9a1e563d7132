//! Context folders of pykilosort: `.kilosort/<recording>/` with one array a file, and the phy files beside it.

use std::path::Path;

use ferrosort_core::{ProcessedFile, Result, RunKind, SortingRun};
use ndarray::Array2;

use super::{ReadOptions, columns, family, files, phy};

/// Samples that successive batches share (`ntbuff`), when no file says otherwise.
const OVERLAP: usize = 64;
/// Sample of a template at the time of its spike (`nt0min`).
const TROUGH: usize = 20;
/// Counts for one standard deviation (`scaleproc`), when no file says otherwise.
const COUNTS_PER_SD: f64 = 200.0;

/// Reads the context folder and, when there is one, the folder for phy.
pub(super) fn read(context: &Path, phy: Option<&Path>, options: &ReadOptions) -> Result<SortingRun> {
    let mut run = match phy {
        Some(folder) => phy::read(folder, options)?,
        None => SortingRun::new("", context, RunKind::Pykilosort),
    };
    run.kind = RunKind::Pykilosort;
    for name in ["params.json", "metadata.json"] {
        if let Some(serde_json::Value::Object(entries)) = files::json(&context.join(name))? {
            run.parameters.extend(entries);
        }
    }
    let number = |name: &str| run.parameters.get(name).and_then(serde_json::Value::as_f64);
    let counts_per_sd = number("scaleproc").unwrap_or(COUNTS_PER_SD);
    let overlap = number("ntbuff").and_then(family::sample_count).unwrap_or(OVERLAP);
    let batch = number("NT").and_then(family::sample_count);
    let known = &mut run.intermediates;
    if let Some(whitening) = files::matrix(context, "Wrot.npy")? {
        known.whitening = Some(whitening);
        known.counts_per_sd = Some(counts_per_sd);
    }
    known.ccb = match files::matrix(context, "ccb0.npy")? {
        Some(ccb) => Some(ccb),
        None => files::matrix(context, "ccb.npy")?,
    };
    known.ccbsort = files::matrix(context, "ccbsort.npy")?;
    known.order = family::order(context)?;
    let table = last(
        context,
        ["st3_c.npy", "st3_s0.npy", "st3_s1.npy", "st3_m.npy", "st3.npy"],
        files::matrix,
    )?;
    match table {
        Some(table) if phy.is_some() => family::scores(&mut run, table.view(), options),
        Some(table) => from_arrays(&mut run, context, &table, options)?,
        None if phy.is_none() => run
            .warnings
            .push("the context folder holds no spikes (st3.npy)".to_owned()),
        None => {}
    }
    processed(&mut run, context, options, batch, overlap);
    Ok(run)
}

/// The first of these arrays that is there.
fn last<T, const N: usize>(
    context: &Path,
    names: [&str; N],
    read: impl Fn(&Path, &str) -> Result<Option<T>>,
) -> Result<Option<T>> {
    for name in names {
        if let Some(found) = read(context, name)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Spikes, units and templates from the arrays of the context alone.
fn from_arrays(run: &mut SortingRun, context: &Path, table: &Array2<f64>, options: &ReadOptions) -> Result<()> {
    run.sample_rate = options.sample_rate;
    let w = last(context, ["W_s.npy", "W.npy"], files::cube)?;
    let u = last(context, ["U_s.npy", "U.npy"], files::cube)?;
    let wrong = || files::not(context, "st3.npy", "spikes of the templates in W.npy");
    let named = family::n_units(&table.view(), 0).ok_or_else(wrong)?;
    let n_units = w.as_ref().map_or(named, |w| w.dim().1);
    if !family::spikes(run, table.view(), 0, n_units) {
        return Err(wrong());
    }
    let contamination = files::doubles(context, "est_contam_rate.npy")?;
    let good = files::doubles(context, "good.npy")?;
    run.units = family::units(n_units, contamination.as_deref(), good.as_deref());
    run.similarity = last(context, ["simScore_s.npy", "simScore.npy"], files::matrix)?
        .filter(|similarity| similarity.dim() == (n_units, n_units))
        .map(|similarity| similarity.mapv(|v| v as f32));
    if let (Some(w), Some(u)) = (w, u)
        && let Some(templates) = family::templates(&w, &u, TROUGH, false)
    {
        family::apply_templates(run, templates);
    }
    columns::settle(run, options.time_offset);
    Ok(())
}

/// `proc.dat`. Its length, the channels and the number of batches give the samples of a batch. Versions of 2020 write
/// it batch by batch and channel by channel, later ones sample by sample: its layout is not known here.
fn processed(run: &mut SortingRun, context: &Path, options: &ReadOptions, batch: Option<usize>, overlap: usize) {
    let batches = run.intermediates.order.as_ref().map_or(0, Vec::len);
    let path = context.join("proc.dat");
    let channels = run.intermediates.whitening.as_ref().map_or(0, Array2::nrows);
    let channels = options.processed.n_channels.unwrap_or(channels);
    let bytes = std::fs::metadata(&path).map_or(0, |meta| meta.len());
    let values = (2 * channels).saturating_mul(batches) as u64;
    let measured = (values > 0 && bytes > 0 && bytes.is_multiple_of(values)).then(|| (bytes / values) as usize);
    let Some(batch) = options.processed.batch_samples.or(batch).or(measured) else {
        return;
    };
    let hop = batch.saturating_sub(overlap);
    run.intermediates.batch_samples = Some(hop as u64);
    if path.is_file() {
        run.processed = Some(ProcessedFile {
            path,
            n_channels: channels,
            batch_samples: batch,
            first_samples: Some(family::first_samples(batches, hop, overlap, 0)),
            margin_samples: overlap,
            layout: None,
        });
    }
}
