//! Recordings that SpikeInterface saved: binary folders (`binary.json` with flat files) and Zarr folders.

mod binary_folder;
mod zarr_folder;

use ferrosort_core::{Error, Probe, Result};
use serde_json::Value;

use crate::probe::probe_from_json;

pub(crate) use binary_folder::{is_binary_folder, open_binary};
pub(crate) use zarr_folder::{is_zarr_folder, open_zarr};

/// The contacts of a `probegroup`, whose channels are those of the recording.
fn probe_of_group(group: &Value, source: &str) -> Result<Option<Probe>> {
    if group.is_null() {
        return Ok(None);
    }
    let probe = probe_from_json(group.clone(), source)?;
    Ok((!probe.is_empty()).then_some(probe))
}

/// A note about segments that are read as one, if there are several.
fn segments_note(segments: usize) -> Option<String> {
    (segments > 1).then(|| {
        format!("{segments} segments are read as one recording, and times count the samples of all of them in a row")
    })
}

/// A number for all channels, or one for each; `None` for null.
///
/// # Errors
/// Anything else.
fn gains(value: &Value, source: &str) -> Result<Option<Vec<f64>>> {
    let wrong = || {
        Error::input(format!(
            "{source}: gain_to_uV is neither a number nor a list of numbers"
        ))
    };
    match value {
        Value::Null => Ok(None),
        Value::Array(list) => list
            .iter()
            .map(Value::as_f64)
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or_else(wrong),
        one => one.as_f64().map(|gain| Some(vec![gain])).ok_or_else(wrong),
    }
}

#[cfg(test)]
mod tests;
