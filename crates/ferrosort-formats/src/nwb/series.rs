//! Which series a file has, and its scale and clock.

use ferrosort_core::{Error, Result};
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, SliceInfo, SliceInfoElem};

use crate::hdf5::File;

/// How deep groups are searched.
const MAX_DEPTH: usize = 8;

/// Most groups that are looked at.
const MAX_GROUPS: usize = 10_000;

/// Time stamps whose differences are looked at for the rate.
const STAMPS: u64 = 10_001;

/// The `neurodata_type` of a group.
pub(super) fn neurodata_type(group: &Group) -> Option<String> {
    group.attribute("neurodata_type").ok()?.read_string().ok()
}

/// A series that was found.
struct Found {
    /// Path of its group.
    at: String,
    /// Field potentials or filtered copies, which are sorted only when they are named.
    derived: bool,
}

/// Path of the series called `stream` (by its path or name), or of the only one, or of the only raw one.
pub(super) fn choose(file: &File, stream: Option<&str>) -> Result<String> {
    let mut found = Vec::new();
    let mut seen = 0;
    search(file, &file.root()?, "", false, 0, &mut seen, &mut found)?;
    let names: Vec<String> = found.iter().map(|f| f.at.clone()).collect();
    if let Some(wanted) = stream {
        let wanted = wanted.trim_start_matches('/');
        found.retain(|f| f.at == wanted || f.at.ends_with(&format!("/{wanted}")));
    } else if found.len() > 1 && found.iter().any(|f| !f.derived) {
        found.retain(|f| !f.derived);
    }
    match found.len() {
        1 => Ok(found.remove(0).at),
        0 => Err(file.error(&format!(
            "there is no ElectricalSeries{}; the file has {}",
            stream.map_or_else(String::new, |name| format!(" '{name}'")),
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        ))),
        n => Err(file.error(&format!(
            "there are {n} ElectricalSeries: {}; choose one with --stream",
            names.join(", ")
        ))),
    }
}

fn search(
    file: &File,
    group: &Group,
    at: &str,
    derived: bool,
    depth: usize,
    seen: &mut usize,
    found: &mut Vec<Found>,
) -> Result<()> {
    *seen += 1;
    let kind = neurodata_type(group).unwrap_or_default();
    if kind == "ElectricalSeries" {
        found.push(Found {
            at: at.to_owned(),
            derived,
        });
        return Ok(());
    }
    if depth == MAX_DEPTH || *seen > MAX_GROUPS {
        return Ok(());
    }
    let derived = derived || matches!(kind.as_str(), "LFP" | "FilteredEphys" | "ProcessingModule");
    for below in group.groups().map_err(|e| file.failed(at, &e))? {
        // Descriptions hold no samples, and specifications are large.
        let skip = at.is_empty() && matches!(below.name(), "specifications" | "general" | "units");
        if !skip {
            let path = format!("{at}/{}", below.name());
            search(
                file,
                &below,
                path.trim_start_matches('/'),
                derived,
                depth + 1,
                seen,
                found,
            )?;
        }
    }
    Ok(())
}

/// Volts per count; 1 when it is not said.
pub(super) fn conversion(data: &Dataset) -> f64 {
    data.attribute("conversion")
        .and_then(|a| a.read_as_f64())
        .unwrap_or(1.0)
}

/// A factor for each channel, if there are any.
pub(super) fn channel_conversion(file: &File, at: &str) -> Result<Option<Vec<f64>>> {
    match file.dataset(&format!("{at}/channel_conversion")) {
        Some(dataset) => file.numbers(&dataset).map(Some),
        None => Ok(None),
    }
}

/// Frames per second, from the rate or from time stamps; `None` when there is neither. Stamps with gaps get a note.
pub(super) fn clock(file: &File, at: &str, notes: &mut Vec<String>) -> Result<Option<f64>> {
    if let Some(start) = file.dataset(&format!("{at}/starting_time")) {
        let rate = start.attribute("rate").and_then(|a| a.read_as_f64());
        return rate
            .map(Some)
            .map_err(|e| file.failed(&format!("{at}/starting_time"), &e));
    }
    let Some(stamps) = file.dataset(&format!("{at}/timestamps")) else {
        return Ok(None);
    };
    let &[n] = stamps.shape() else {
        return Err(file.error(&format!("'{at}/timestamps' is not a list")));
    };
    let first = read_stamps(file, &stamps, 0, n.min(STAMPS))?;
    let mut steps: Vec<f64> = first.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    let step = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
    if !(step.is_finite() && step > 0.0) {
        return Err(file.error(&format!("'{at}/timestamps' do not rise; pass --sample-rate")));
    }
    let last = read_stamps(file, &stamps, n - 1, n)?;
    let lasts = last.first().copied().unwrap_or(0.0) - first.first().copied().unwrap_or(0.0);
    let steps = n.saturating_sub(1) as f64;
    // The median of rounded steps is not exact; a thousandth of the length is a gap.
    if (lasts / step - steps).abs() > 1.0 + steps * 1e-3 {
        notes.push(format!(
            "the time stamps of '{at}' have gaps ({lasts:.3} s for {n} samples); times count the samples that were saved"
        ));
        return Ok(Some(1.0 / step));
    }
    Ok(Some(if lasts > 0.0 { steps / lasts } else { 1.0 / step }))
}

fn read_stamps(file: &File, stamps: &Dataset, start: u64, end: u64) -> Result<Vec<f64>> {
    let range = SliceInfo {
        selections: vec![SliceInfoElem::Slice { start, end, step: 1 }],
    };
    let values = stamps.read_slice::<f64>(&range);
    let list = values.map_err(|e: hdf5_reader::error::Error| -> Error { file.failed(stamps.name(), &e) })?;
    Ok(list.into_iter().collect())
}
