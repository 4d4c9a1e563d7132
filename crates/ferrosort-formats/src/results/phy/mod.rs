//! Folders that phy opens, from Kilosort of any version, its ports, and SpikeInterface's export.
//!
//! Arrays are squeezed, as phylib does. Units are the clusters of `spike_clusters.npy` (else `spike_templates.npy`) in
//! the order of their ids. When clusters were merged or split in phy, a cluster's template is the mean of the templates
//! of its spikes, weighted by their counts.

mod assignment;
mod features;
mod params;
mod tables;
mod templates;

use std::path::Path;

use ferrosort_core::{Contact, Error, Probe, Result, RunKind, SortingRun};

use super::{ReadOptions, columns, files};
use assignment::Assignment;

/// Reads a folder with `spike_times.npy` and `spike_clusters.npy` or `spike_templates.npy`. Everything else is optional.
pub(super) fn read(folder: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let mut run = SortingRun::new("", folder, RunKind::Phy);
    let params = params::read(folder, &mut run.warnings)?;
    run.sample_rate = options.sample_rate.or(params.sample_rate);
    run.n_samples = params.n_samples();
    run.recording_format = params.format();
    run.recording = params.recording;
    run.probe = probe(folder, &mut run.warnings)?;

    let templates = templates::read(folder, run.probe.as_ref().map(Probe::len))?;
    let tables = tables::read(folder)?;
    let rows = templates.as_ref().map(|templates| templates.waveforms.dim().0);
    let assignment = Assignment::read(folder, rows, &tables)?;
    run.spikes.samples = spike_times(folder, assignment.clusters.len())?;
    run.spikes.units.clone_from(&assignment.units);
    run.units = tables.units(&assignment.ids);
    per_spike(&mut run, folder)?;

    if let Some(templates) = templates {
        templates::apply(&mut run, templates, &assignment, folder)?;
    }
    if !options.skip_features {
        run.features = features::read(&mut run, folder, &assignment)?;
    }
    if run.spikes.depths_um.is_none()
        && let (Some(features), Some(probe)) = (&run.features, &run.probe)
    {
        let y_um: Vec<f64> = probe.contacts.iter().map(|contact| contact.y_um).collect();
        run.spikes.depths_um = Some(columns::depths_from_features(features, &run.spikes.units, &y_um));
    }
    columns::settle(&mut run, options.time_offset);
    Ok(run)
}

fn spike_times(folder: &Path, n_clusters: usize) -> Result<Vec<i64>> {
    let times = files::integers(folder, "spike_times.npy")?.ok_or_else(|| {
        Error::input(format!(
            "{} has no spike_times.npy, so it holds no sorting",
            folder.display()
        ))
    })?;
    let names = [
        ("spike_clusters.npy", Some(n_clusters)),
        ("spike_times.npy", Some(times.len())),
    ];
    files::same_length(folder, &names)?;
    Ok(times)
}

/// Amplitudes and depths.
fn per_spike(run: &mut SortingRun, folder: &Path) -> Result<()> {
    let n = run.spikes.len();
    run.spikes.amplitudes = files::singles(folder, "amplitudes.npy")?;
    run.spikes.depths_um = files::singles(folder, "spike_depths.npy")?;
    if run.spikes.depths_um.is_none()
        && let Some(positions) = files::matrix(folder, "spike_positions.npy")?.filter(|p| p.ncols() >= 2)
    {
        run.spikes.depths_um = Some(positions.column(1).iter().map(|&y| y as f32).collect());
    }
    amplitude_unit(folder).clone_into(&mut run.amplitude_unit);
    let len = |column: &Option<Vec<f32>>| column.as_ref().map(Vec::len);
    files::same_length(
        folder,
        &[
            ("spike_times.npy", Some(n)),
            ("amplitudes.npy", len(&run.spikes.amplitudes)),
            ("the depths of the spikes", len(&run.spikes.depths_um)),
        ],
    )
}

/// What `amplitudes.npy` holds, as far as the folder tells who wrote it.
fn amplitude_unit(folder: &Path) -> &'static str {
    if folder.join("cluster_si_unit_ids.tsv").is_file() {
        "µV"
    } else if is_kilosort4(folder) {
        "norm of the features, sd"
    } else {
        "factor of the template, sd"
    }
}

/// Kilosort4 writes files of its own, and its whitening matrices act from the left.
fn is_kilosort4(folder: &Path) -> bool {
    let own = ["kept_spikes.npy", "spike_detection_templates.npy"];
    own.iter().any(|name| folder.join(name).is_file())
}

/// Contacts in the order of `channel_map.npy`, each with its column of the recording's file.
fn probe(folder: &Path, warnings: &mut Vec<String>) -> Result<Option<Probe>> {
    let Some(positions) = files::array(folder, "channel_positions.npy")? else {
        warnings.push("the folder has no channel_positions.npy, so nothing has a place on the probe".to_owned());
        return Ok(None);
    };
    let wrong = || files::not(folder, "channel_positions.npy", "a position (x, y) for each channel");
    let shape = positions.shape.clone();
    let values = positions.into_f64().ok_or_else(wrong)?;
    if shape.last() != Some(&2) || shape.len() > 2 {
        return Err(wrong());
    }
    let n = values.len() / 2;
    let map = files::integers(folder, "channel_map.npy")?;
    let shanks = files::doubles(folder, "channel_shanks.npy")?;
    files::same_length(
        folder,
        &[
            ("channel_positions.npy", Some(n)),
            ("channel_map.npy", map.as_ref().map(Vec::len)),
            ("channel_shanks.npy", shanks.as_ref().map(Vec::len)),
        ],
    )?;
    if map.as_ref().is_some_and(|map| map.iter().any(|&channel| channel < 0)) {
        return Err(files::not(folder, "channel_map.npy", "channels counted from 0"));
    }
    let contacts = (0..n).map(|i| Contact {
        channel: map.as_ref().map_or(i, |map| map[i] as usize),
        x_um: values[2 * i],
        y_um: values[2 * i + 1],
        shank: shanks.as_ref().map_or(0, |shanks| shanks[i] as i64),
    });
    Ok(Some(Probe {
        name: String::new(),
        contacts: contacts.collect(),
    }))
}
