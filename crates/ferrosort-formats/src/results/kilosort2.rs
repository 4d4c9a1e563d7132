//! MATLAB Kilosort2: `rez.mat`, with or without the arrays for phy.
//!
//! MATLAB counts templates, batches and channels from 1; here they count from 0. Spike times are taken as they are:
//! although nothing is subtracted from them in MATLAB, they are 0-based samples of the troughs (docs/kilosort2.md 5.1),
//! and the same numbers are in `spike_times.npy`.

use std::path::{Path, PathBuf};

use ferrosort_core::{Contact, Error, Probe, ProcessedFile, ProcessedLayout, Result, RunKind, SortingRun};
use ndarray::Array2;
use serde_json::Value;

use super::{ReadOptions, columns, family, phy};
use crate::matlab::{Numbers, Structure};

/// Options that are lists longer than this describe the recording, not how it was sorted.
const MAX_PARAMETER_VALUES: usize = 8;
/// `nt0min` of Kilosort2.
const TROUGH: usize = 20;
/// Names of the processed data when `ops.fproc` is elsewhere.
const PROCESSED_NAMES: [&str; 2] = ["temp_wh.dat", "proc.dat"];

/// Most batches that a file's parameter is believed to count: years of recording.
const MAX_BATCHES: usize = 1 << 24;

/// Reads `rez`, and the files for phy where they are.
pub(super) fn read(folder: &Path, rez_path: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let file = Structure::open(rez_path)?;
    let rez = match file.structure("rez")? {
        Some(rez) => rez,
        None => file,
    };
    let ops = rez.structure("ops")?;
    if ops.is_none() && rez.field("st3")?.is_none() && rez.field("Wrot")?.is_none() {
        return Err(Error::input(format!(
            "{} is no result of Kilosort2: it has neither rez.ops nor rez.st3 nor rez.Wrot",
            rez_path.display()
        )));
    }
    let has_phy = folder.join("spike_times.npy").is_file();
    let mut run = if has_phy {
        phy::read(folder, options)?
    } else {
        SortingRun::new("", folder, RunKind::Kilosort2)
    };
    run.kind = RunKind::Kilosort2;
    if let Some(ops) = &ops {
        parameters(&mut run, ops)?;
    }
    let number = |name: &str| run.parameters.get(name).and_then(Value::as_f64);
    run.sample_rate = options.sample_rate.or(run.sample_rate).or(number("fs"));
    run.n_samples = run
        .n_samples
        .or(number("sampsToRead").map(|n| (n + number("tstart").unwrap_or(0.0)) as u64));
    intermediates(&mut run, &rez)?;
    if run.probe.is_none() {
        run.probe = probe(&rez, ops.as_ref())?;
    }
    let table = rez.field("st3")?.and_then(Numbers::into_matrix);
    match table {
        Some(table) if has_phy => family::scores(&mut run, table.view(), options),
        Some(table) => from_rez(&mut run, &rez, &table, options)?,
        None if !has_phy => run
            .warnings
            .push("rez.mat holds no spikes (st3): it was saved before the end".to_owned()),
        None => {}
    }
    paths(&mut run, folder);
    Ok(run)
}

/// Numbers, short lists and texts of `ops`.
fn parameters(run: &mut SortingRun, ops: &Structure) -> Result<()> {
    for name in ops.names()? {
        let Some(field) = ops.field(&name)? else {
            continue;
        };
        let value = match (field.text(), field.values.as_slice()) {
            (Some(text), _) => Value::from(text),
            (None, &[one]) => json_number(one),
            (None, several) if several.len() <= MAX_PARAMETER_VALUES => {
                several.iter().copied().map(json_number).collect()
            }
            _ => continue,
        };
        run.parameters.insert(name, value);
    }
    Ok(())
}

fn json_number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::from(value as i64)
    } else if value.is_finite() {
        Value::from(value)
    } else {
        Value::from(value.to_string())
    }
}

fn intermediates(run: &mut SortingRun, rez: &Structure) -> Result<()> {
    let number = |name: &str| run.parameters.get(name).and_then(Value::as_f64);
    let hop = number("NT")
        .zip(number("ntbuff"))
        .and_then(|(nt, overlap)| family::sample_count((nt - overlap).max(0.0)))
        .map(|hop| hop as u64);
    let counts_per_sd = number("scaleproc");
    let matrix = |name: &str| {
        Ok::<_, Error>(
            rez.field(name)?
                .and_then(Numbers::into_matrix)
                .filter(|m| !m.is_empty()),
        )
    };
    if let Some(whitening) = matrix("Wrot")? {
        run.intermediates.whitening = Some(whitening);
        run.intermediates.counts_per_sd = counts_per_sd;
    }
    run.intermediates.ccb = matrix("ccb")?;
    run.intermediates.ccbsort = matrix("ccbsort")?;
    run.intermediates.batch_samples = hop;
    if let Some(order) = rez.field("iorig")?.filter(|order| !order.values.is_empty()) {
        let places: Vec<i64> = order
            .values
            .iter()
            .map(|&batch| (batch as i64).saturating_sub(1))
            .collect();
        run.intermediates.order = family::permutation(&places);
        if run.intermediates.order.is_none() {
            run.warnings
                .push("rez.iorig is not an order of the batches and was left out".to_owned());
        }
    }
    Ok(())
}

/// Sites that were sorted: `xc` and `yc`, with `ops.chanMap` and `ops.kcoords`, all for the channels that were kept.
fn probe(rez: &Structure, ops: Option<&Structure>) -> Result<Option<Probe>> {
    let list = |from: &Structure, names: [&str; 2]| -> Result<Option<Vec<f64>>> {
        for name in names {
            if let Some(field) = from.field(name)?.filter(|field| !field.values.is_empty()) {
                return Ok(Some(field.values));
            }
        }
        Ok(None)
    };
    let (Some(x), Some(y)) = (list(rez, ["xc", "xcoords"])?, list(rez, ["yc", "ycoords"])?) else {
        return Ok(None);
    };
    let of_ops = |name: &str| -> Result<Option<Vec<f64>>> {
        let field = ops.map(|ops| ops.field(name)).transpose()?.flatten();
        Ok(field.map(|field| field.values).filter(|values| values.len() == x.len()))
    };
    let (map, shanks) = (of_ops("chanMap")?, of_ops("kcoords")?);
    if y.len() != x.len()
        || map
            .as_ref()
            .is_some_and(|map| !map.iter().all(|&channel| channel >= 1.0))
    {
        return Ok(None);
    }
    let contacts = (0..x.len()).map(|i| Contact {
        channel: map.as_ref().map_or(i, |map| map[i] as usize - 1),
        x_um: x[i],
        y_um: y[i],
        shank: shanks.as_ref().map_or(0, |shanks| shanks[i] as i64),
    });
    Ok(Some(Probe {
        name: String::new(),
        contacts: contacts.collect(),
    }))
}

/// Spikes, units and templates from `rez` alone, as Kilosort2 would write them for phy.
fn from_rez(run: &mut SortingRun, rez: &Structure, table: &Array2<f64>, options: &ReadOptions) -> Result<()> {
    let values = |name: &str| Ok::<_, Error>(rez.field(name)?.map(|field| field.values));
    let cube = |name: &str| {
        Ok::<_, Error>(
            rez.field(name)?
                .and_then(Numbers::into_cube)
                .filter(|cube| !cube.is_empty()),
        )
    };
    let (w, u) = (cube("W")?, cube("U")?);
    let named = family::n_units(&table.view(), 1);
    let n_units = w.as_ref().map_or(named.unwrap_or(0), |w| w.dim().1);
    if named.is_none() || !family::spikes(run, table.view(), 1, n_units) {
        return Err(Error::input(format!(
            "{}: rez.st3 names templates beyond the {n_units} of rez.W, or has fewer than four columns",
            run.source.display()
        )));
    }
    run.units = family::units(
        n_units,
        values("est_contam_rate")?.as_deref(),
        values("good")?.as_deref(),
    );
    let similarity = rez
        .field("simScore")?
        .and_then(Numbers::into_matrix)
        .filter(|s| s.dim() == (n_units, n_units));
    run.similarity = similarity.map(|similarity| similarity.mapv(|v| v as f32));
    let trough = run
        .parameters
        .get("nt0min")
        .and_then(Value::as_u64)
        .map_or(TROUGH, |n| n as usize);
    let padded = cube("Wphy")?;
    let is_padded = padded.is_some();
    if let (Some(w), Some(u)) = (padded.or(w), u)
        && let Some(templates) = family::templates(&w, &u, trough, is_padded)
    {
        family::apply_templates(run, templates);
    }
    columns::settle(run, options.time_offset);
    Ok(())
}

/// The processed data and the recording, where `ops` or their usual names find them.
fn paths(run: &mut SortingRun, folder: &Path) {
    let text = |name: &str| run.parameters.get(name).and_then(Value::as_str);
    let number = |name: &str| {
        run.parameters
            .get(name)
            .and_then(Value::as_f64)
            .and_then(family::sample_count)
    };
    // The path may be of another computer; the file often lies beside the result.
    let places = |path: &str| -> Vec<PathBuf> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        vec![folder.join(name), PathBuf::from(path)]
    };
    let named = text("fproc").map(places).unwrap_or_default();
    let usual = PROCESSED_NAMES.map(|name| folder.join(name));
    let found = named.into_iter().chain(usual).find(|path| path.is_file());
    let channels = run
        .intermediates
        .whitening
        .as_ref()
        .map(Array2::nrows)
        .or(number("Nchan"));
    let counted = number("Nbatch").filter(|&batches| batches <= MAX_BATCHES);
    let batches = run.intermediates.order.as_ref().map(Vec::len).or(counted);
    if let (Some(path), Some(n_channels), Some(batch_samples)) = (found, channels, number("NT")) {
        let overlap = number("ntbuff").unwrap_or(0);
        let start = number("tstart").unwrap_or(0) as u64;
        let hop = batch_samples.saturating_sub(overlap);
        run.processed = Some(ProcessedFile {
            path,
            n_channels,
            batch_samples,
            first_samples: batches.map(|batches| family::first_samples(batches, hop, overlap, start)),
            margin_samples: overlap,
            layout: Some(ProcessedLayout::Planar),
        });
    }
    if run.recording.is_empty() {
        let raw = text("fbinary")
            .map(places)
            .unwrap_or_default()
            .into_iter()
            .find(|path| path.is_file());
        run.recording.extend(raw);
    }
}
