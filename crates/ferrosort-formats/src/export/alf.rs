//! A folder with the names of the International Brain Laboratory (ALF, <https://int-brain-lab.github.io/ONE/alf_intro.html>), as phylib
//! exports it: times in s, amplitudes and waveforms in V, positions and depths in µm.

use std::path::Path;

use ferrosort_core::{Observer, Result, RowText, Separator};
use ndarray::Axis;

use super::facts::{Facts, Local};
use super::nwb::Identity;
use super::{tables, write_text};
use crate::npy::{write_array, write_slice};

/// V in a µV.
const V: f64 = 1e-6;

/// Writes spikes, clusters, templates, channels and the drift, as far as they are known.
pub(super) fn write(facts: &Facts, folder: &Path, observer: &dyn Observer) -> Result<()> {
    write_spikes(facts, folder, observer)?;
    write_clusters(facts, folder)?;
    if facts.contacts.is_empty() {
        observer.warning("the result does not say where the contacts are: channels, depths and waveforms are left out");
    } else {
        write_channels(facts, folder)?;
    }
    match &facts.local {
        Some(local) => write_waveforms(facts, local, folder)?,
        None => observer.warning(super::nwb::NO_WAVEFORMS),
    }
    write_drift(facts, folder)
}

fn write_spikes(facts: &Facts, folder: &Path, observer: &dyn Observer) -> Result<()> {
    let spikes = &facts.run.spikes;
    let n = [spikes.len()];
    let file = |name: &str| folder.join(format!("spikes.{name}.npy"));
    let times: Vec<f64> = spikes.samples.iter().map(|&s| s as f64 / facts.sample_rate).collect();
    write_slice(&file("times"), &n, &times)?;
    write_slice(&file("samples"), &n, &spikes.samples)?;
    let clusters: Vec<i32> = spikes.units.iter().map(|&unit| unit as i32).collect();
    write_slice(&file("clusters"), &n, &clusters)?;
    write_slice(&file("templates"), &n, &clusters)?;
    match facts.amplitudes_uv() {
        Some(amplitudes) => {
            let volts: Vec<f64> = amplitudes.iter().map(|a| a * V).collect();
            write_slice(&file("amps"), &n, &volts)?;
        }
        None => observer.warning("amplitudes in V cannot be told from this result: spikes.amps.npy is left out"),
    }
    if let Some(depths) = facts.depths_um() {
        write_slice(&file("depths"), &n, &depths)?;
    }
    Ok(())
}

/// A cluster is a unit; clusters count from 0 in the order of the units, and `clusters.metrics.csv` has their names.
fn write_clusters(facts: &Facts, folder: &Path) -> Result<()> {
    let units = &facts.run.units;
    let n = [units.len()];
    if !facts.contacts.is_empty() {
        let channel = |unit: &ferrosort_core::RunUnit| unit.best_channel.map_or(-1, |channel| channel as i32);
        let channels: Vec<i32> = units.iter().map(channel).collect();
        write_slice(&folder.join("clusters.channels.npy"), &n, &channels)?;
        let depth = |unit: usize| facts.position_um(unit).map_or(f64::NAN, |[_, y]| y);
        let depths: Vec<f64> = (0..units.len()).map(depth).collect();
        write_slice(&folder.join("clusters.depths.npy"), &n, &depths)?;
    }
    let volts: Vec<f64> = facts.ptp_uv().iter().map(|ptp| ptp * V).collect();
    write_slice(&folder.join("clusters.amps.npy"), &n, &volts)?;
    let mut metrics = tables::units(facts);
    metrics.header.insert(0, "cluster_id".to_owned());
    for (place, row) in metrics.rows.iter_mut().enumerate() {
        row.insert(0, place.into());
    }
    write_text(&folder.join("clusters.metrics.csv"), &metrics.to_csv())?;
    let identity = Identity::new(facts.run, "");
    let mut text = String::new();
    let names = units.iter().map(|unit| identity.of(&format!("unit {}", unit.id)));
    for name in ["uuids".to_owned()].into_iter().chain(names) {
        let mut row = RowText::new(&mut text, Separator::Comma);
        row.text(&name);
        row.end();
    }
    write_text(&folder.join("clusters.uuids.csv"), &text)
}

fn write_channels(facts: &Facts, folder: &Path) -> Result<()> {
    let contacts = facts.contacts;
    let n = contacts.len();
    let positions: Vec<f64> = contacts.iter().flat_map(|c| [c.x_um, c.y_um]).collect();
    write_slice(&folder.join("channels.localCoordinates.npy"), &[n, 2], &positions)?;
    let columns: Vec<i64> = contacts.iter().map(|c| c.channel as i64).collect();
    write_slice(&folder.join("channels.rawInd.npy"), &[n], &columns)?;
    let shanks: Vec<i64> = contacts.iter().map(|c| c.shank).collect();
    write_slice(&folder.join("channels.shanks.npy"), &[n], &shanks)
}

/// Mean waveforms of clusters; the template of a spike is that of its cluster.
fn write_waveforms(facts: &Facts, local: &Local, folder: &Path) -> Result<()> {
    let volts = local.waveforms.mapv(|uv| uv * V as f32);
    let channels = local.channels.mapv(|channel| channel as i32);
    for object in ["clusters", "templates"] {
        write_array(&folder.join(format!("{object}.waveforms.npy")), &volts)?;
        write_array(&folder.join(format!("{object}.waveformsChannels.npy")), &channels)?;
    }
    let amplitudes: Vec<f64> = facts.ptp_uv().iter().map(|ptp| ptp * V).collect();
    write_slice(&folder.join("templates.amps.npy"), &[amplitudes.len()], &amplitudes)?;
    let times: Vec<f64> = volts
        .axis_iter(Axis(0))
        .map(|waveform| peak_to_trough_ms(waveform.index_axis(Axis(1), 0).iter().copied(), facts.sample_rate))
        .collect();
    write_slice(&folder.join("clusters.peakToTrough.npy"), &[times.len()], &times)
}

/// Time from the lowest to the highest value of a waveform, ms: positive when the trough comes first, as in phylib.
fn peak_to_trough_ms(waveform: impl Iterator<Item = f32> + Clone, sample_rate: f64) -> f64 {
    let place = |is_better: fn(f32, f32) -> bool| {
        let mut best = (0, f32::NAN);
        for (sample, value) in waveform.clone().enumerate() {
            if best.1.is_nan() || is_better(value, best.1) {
                best = (sample, value);
            }
        }
        best.0 as f64
    };
    (place(|a, b| a > b) - place(|a, b| a < b)) / sample_rate * 1e3
}

/// Displacement of the tissue, µm, `[times, depths]`. Shanks that have motions of their own are a further part of the name.
fn write_drift(facts: &Facts, folder: &Path) -> Result<()> {
    let all = facts.run.motion.iter().map(|motion| (String::new(), motion));
    let shanks = facts.run.shank_motions.iter();
    let shanks = shanks.map(|of| (format!(".shank{}", of.shank), &of.motion));
    for (part, motion) in all.chain(shanks) {
        let file = |name: &str| folder.join(format!("{name}{part}.npy"));
        let (times, depths) = (&motion.times_s, &motion.depths_um);
        write_array(&file("drift.um"), &motion.displacement_um)?;
        write_slice(&file("drift.times"), &[times.len()], times)?;
        write_slice(&file("drift_depths.um"), &[1, depths.len()], depths)?;
    }
    Ok(())
}
