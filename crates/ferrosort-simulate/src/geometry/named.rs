//! Names of geometries.

use ferrosort_core::{Error, Result};

use super::{SimProbe, emouse, generic, neuropixels};

/// What [`by_name`] understands.
pub(super) const PATTERNS: &[&str] = &[
    "emouse-3b[-N]",
    "emouse-3a[-N]",
    "emouse-k1",
    "np1[-N]",
    "np1-kilosort[-N]",
    "np1-nhp[-N]",
    "np2[-N]",
    "np2-4shank[-N]",
    "np-ultra[-N]",
    "tetrode",
    "tetrode-array-N",
    "linear-N",
    "poly3-32",
    "mea-MxN[-PITCH]",
];

/// Largest number of channels of a named geometry: the largest planar arrays.
const MAX_CHANNELS: usize = 65_536;

/// The geometry of this name.
pub(super) fn by_name(name: &str) -> Result<SimProbe> {
    match name {
        "tetrode" => return Ok(generic::tetrode()),
        "poly3-32" => return Ok(generic::poly3()),
        "emouse-k1" => return Ok(emouse::first()),
        _ => {}
    }
    if let Some(size) = name.strip_prefix("mea-") {
        return planar_array(name, size);
    }
    let (family, count) = match name.rsplit_once('-') {
        Some((family, count)) if count.starts_with(|c: char| c.is_ascii_digit()) && is_number(count) => {
            (family, Some(channels(name, count)?))
        }
        _ => (name, None),
    };
    match (family, count) {
        ("emouse-3b", n) => emouse::phase_3b(n.unwrap_or(64)),
        ("emouse-3a", n) => emouse::phase_3a(n.unwrap_or(64)),
        ("np1", n) => Ok(neuropixels::one(n.unwrap_or(384))),
        ("np1-kilosort", n) => Ok(neuropixels::one_kilosort(n.unwrap_or(384))),
        ("np1-nhp", n) => Ok(neuropixels::one_nhp(n.unwrap_or(384))),
        ("np2", n) => Ok(neuropixels::two(n.unwrap_or(384))),
        ("np2-4shank", n) => neuropixels::two_four_shanks(n.unwrap_or(384)),
        ("np-ultra", n) => Ok(neuropixels::ultra(n.unwrap_or(384))),
        ("tetrode-array", Some(n)) => Ok(generic::tetrode_array(n)),
        ("linear", Some(n)) => Ok(generic::linear(n)),
        _ => Err(Error::input(format!(
            "'{name}' is not a known geometry; use one of {}, or a probe file",
            PATTERNS.join(", ")
        ))),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn channels(name: &str, count: &str) -> Result<usize> {
    count
        .parse()
        .ok()
        .filter(|n| (1..=MAX_CHANNELS).contains(n))
        .ok_or_else(|| Error::input(format!("probe {name}: the number must be from 1 to {MAX_CHANNELS}")))
}

/// `MxN` or `MxN-PITCH`.
fn planar_array(name: &str, size: &str) -> Result<SimProbe> {
    let malformed = || {
        Error::input(format!(
            "probe {name} is not of the form mea-MxN or mea-MxN-PITCH, for example mea-32x32 or mea-8x8-200"
        ))
    };
    let (grid, pitch) = size.split_once('-').unwrap_or((size, "17.5"));
    let (columns, rows) = grid.split_once('x').ok_or_else(malformed)?;
    if !is_number(columns) || !is_number(rows) {
        return Err(malformed());
    }
    let (columns, rows) = (channels(name, columns)?, channels(name, rows)?);
    channels(name, &columns.saturating_mul(rows).to_string())?;
    generic::planar_array(columns, rows, pitch.parse().map_err(|_| malformed())?)
}
