//! Probe geometry in: probeinterface JSON, Kilosort4 JSON, Kilosort channel maps (`.mat`) and `.prb` files; out:
//! probeinterface JSON.
//!
//! The format is told from the content, since two formats end in `.json` and files get renamed.

mod chanmap;
mod choose;
mod kilosort4;
mod prb;
mod probeinterface;

use std::path::Path;

use ferrosort_core::{Error, Probe, Result};

use crate::regular::read_regular;

pub use choose::choose_probe;
pub use probeinterface::write_probe;

/// Largest probe file read, bytes. The largest real ones, with contours for thousands of contacts, have a few MB.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Largest channel number accepted: phy's channel maps are `int32`.
const MAX_CHANNEL: f64 = i32::MAX as f64;

/// Reads a probe file of any supported format.
///
/// The contacts are those that are wired (connected), in file order, except that probeinterface files are sorted by
/// channel. Whether the probe fits a recording is for [`Probe::validate`] to say.
///
/// # Errors
/// A missing or unreadable file, an unknown or malformed format, lists of unequal lengths, or channel numbers that are
/// not integers from 0 (in `.mat` files 1).
pub fn read_probe(path: &Path) -> Result<Probe> {
    let bytes = read_regular(path, "probe", MAX_FILE_BYTES)?;
    let mut probe = parse_probe(&bytes, &path.display().to_string())?;
    if probe.name.is_empty() {
        probe.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    }
    Ok(probe)
}

/// Reads a probe from the bytes of a file; `source` names it in messages.
fn parse_probe(bytes: &[u8], source: &str) -> Result<Probe> {
    // MATLAB's files hold zero bytes, text does not.
    if bytes.contains(&0) {
        return chanmap::read(bytes, source);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| unknown(source))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().starts_with('{') {
        return prb::read(text, source);
    }
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|e| Error::input(format!("{source} is not valid JSON: {e}")))?;
    if json.get("specification").is_some() {
        probeinterface::read(json, source)
    } else if json.get("chanMap").is_some() {
        kilosort4::read(json, source)
    } else {
        Err(unknown(source))
    }
}

/// Reads the content of a probeinterface file that stands inside another file; `source` names that in messages.
pub(crate) fn probe_from_json(json: serde_json::Value, source: &str) -> Result<Probe> {
    probeinterface::read(json, source)
}

fn unknown(source: &str) -> Error {
    Error::input(format!(
        "{source} is not a known probe file; use probeinterface JSON, a Kilosort channel map (.mat), Kilosort4 JSON or \
         a .prb file"
    ))
}

/// A 0-based channel number from a file's number.
fn channel_number(value: f64, contact: usize, source: &str) -> Result<usize> {
    if value.fract() == 0.0 && (0.0..=MAX_CHANNEL).contains(&value) {
        return Ok(value as usize);
    }
    Err(Error::input(format!(
        "{source}: the channel of contact {contact} is {value}; channels are whole numbers from 0"
    )))
}

/// A shank number from a file's number.
fn shank_number(value: f64, contact: usize, source: &str) -> Result<i64> {
    if value.fract() == 0.0 && value.abs() <= MAX_CHANNEL {
        return Ok(value as i64);
    }
    Err(Error::input(format!(
        "{source}: the shank (group) of contact {contact} is {value}; shanks are whole numbers"
    )))
}

/// Refuses a list of another length than the channels'.
fn check_len(name: &str, len: usize, channels: usize, source: &str) -> Result<()> {
    if len == channels {
        return Ok(());
    }
    Err(Error::input(format!(
        "{source}: {name} has {len} entries but there are {channels} channels; each channel needs one"
    )))
}

#[cfg(test)]
mod tests;
