//! The folder that Kilosort writes and phy opens (docs/kilosort2.md 6.6;
//! <https://github.com/cortex-lab/phy/blob/master/docs/sorting_user_guide.md>).
//!
//! phylib squeezes every array it reads, so degenerate shapes break it. A sorting with one unit therefore gets a second
//! template without spikes, a millionth of the first, in every array and table; [`phy_can_open`] names what cannot be
//! helped.

mod arrays;
mod params;
mod tables;

pub use arrays::PcFeatureWriter;

use std::path::Path;

use ferrosort_core::{Error, Recording, Result, Sorting};

/// Writes the folder's files into `dir`, which must exist and be empty.
///
/// `final_dir` is where `dir` will be renamed to; `params.py` names the raw files relative to it when they are beside or
/// below it, else absolutely. Spike times of the sorting are samples of `recording`; when that is a time range of its
/// files they are written as samples of the whole files, so that phy shows the right place. All tables have a row for
/// every template. Matrices are in phylib's orientation: `templates[k] @ whitening_mat_inv` is in raw counts.
///
/// # Errors
/// I/O, with the path; a sorting whose arrays disagree in length.
pub fn write_phy(dir: &Path, sorting: &Sorting, recording: &dyn Recording, final_dir: &Path) -> Result<()> {
    check(sorting)?;
    let first_sample = recording.raw_file().map_or(0, |raw| raw.first_sample);
    write_text(&dir.join("params.py"), &params::text(sorting, recording, final_dir))?;
    arrays::write_spikes(dir, sorting, first_sample)?;
    arrays::write_templates(dir, sorting)?;
    arrays::write_channels(dir, sorting)?;
    if let Some(features) = &sorting.pc_features {
        arrays::write_pc_features(dir, features, rows(sorting))?;
    }
    if let Some(features) = &sorting.template_features {
        arrays::write_template_features(dir, features, rows(sorting))?;
    }
    for (name, text) in tables::texts(sorting, rows(sorting)) {
        write_text(&dir.join(name), &text)?;
    }
    Ok(())
}

/// Why phy cannot open the folder of this sorting, or `None` when it can. The folder is valid either way, and
/// SpikeInterface reads it.
pub fn phy_can_open(sorting: &Sorting) -> Option<&'static str> {
    if sorting.units.is_empty() {
        Some("there are no units, and phy needs at least one")
    } else if sorting.spike_times.len() < 2 {
        Some("there are fewer than two spikes, and phy needs at least two")
    } else {
        None
    }
}

/// Templates in the folder: one more than the units when there is a single one.
fn rows(sorting: &Sorting) -> usize {
    template_rows(sorting.units.len())
}

fn template_rows(units: usize) -> usize {
    match units {
        1 => 2,
        n => n,
    }
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Error::io("write", path, e))
}

/// Refuses a sorting whose parts disagree: a mistake of the caller, told rather than written.
fn check(sorting: &Sorting) -> Result<()> {
    let (spikes, units, channels) = (sorting.spike_times.len(), sorting.units.len(), sorting.probe.len());
    let pc = sorting.pc_features.as_ref();
    let tf = sorting.template_features.as_ref();
    let agreements = [
        ("spike_units", sorting.spike_units.len() == spikes),
        ("amplitudes", sorting.amplitudes.len() == spikes),
        ("spike_times order", sorting.spike_times.is_sorted()),
        (
            "spike_units range",
            sorting.spike_units.iter().all(|&u| (u as usize) < units),
        ),
        ("templates units", sorting.templates.dim().0 == units),
        ("templates channels", sorting.templates.dim().2 == channels),
        ("similar_templates", sorting.similar_templates.dim() == (units, units)),
        ("whitening", sorting.whitening.dim() == (channels, channels)),
        (
            "whitening_inverse",
            sorting.whitening_inverse.dim() == (channels, channels),
        ),
        (
            "pc_features",
            pc.is_none_or(|f| (f.values.dim().0, f.values.dim().2) == (spikes, f.channels.ncols())),
        ),
        (
            "pc_features channels",
            pc.is_none_or(|f| f.channels.nrows() == units && f.channels.iter().all(|&c| (c as usize) < channels)),
        ),
        (
            "template_features",
            tf.is_none_or(|f| f.values.dim() == (spikes, f.units.ncols())),
        ),
        (
            "template_features units",
            tf.is_none_or(|f| f.units.nrows() == units && f.units.iter().all(|&u| (u as usize) < units)),
        ),
    ];
    match agreements.iter().find(|(_, agree)| !agree) {
        None => Ok(()),
        Some((what, _)) => Err(Error::input(format!(
            "this sorting cannot be written: its {what} does not agree with {spikes} spikes, {units} units and \
             {channels} channels; this is a fault in ferrosort, please report it"
        ))),
    }
}

#[cfg(test)]
mod tests;
