//! Kilosort channel maps in `.mat` files (docs/kilosort2.md 1.3).
//!
//! `chanMap` is 1-based. `connected` (when present) restricts every list first. Missing `xcoords` are 0, missing
//! `ycoords` 1, 2, 3, …, missing `kcoords` (or `shankInd`) 1. Values are floating point whatever their class.

use ferrosort_core::{Contact, Error, Probe, Result};

use super::{check_len, shank_number};
use crate::matlab::MatFile;

const NAMES: [&str; 7] = [
    "chanMap",
    "chanMap0ind",
    "connected",
    "xcoords",
    "ycoords",
    "kcoords",
    "shankInd",
];

/// The connected sites in file order.
pub(super) fn read(bytes: &[u8], source: &str) -> Result<Probe> {
    let variables = MatFile::parse(bytes, &NAMES, source)?;
    let (map, base) = channel_map(&variables, source)?;
    let n = map.len();
    let list = |name: &str| -> Result<Option<&[f64]>> {
        // Some writers keep an empty array for what they do not know.
        let Some(values) = numbers(&variables, name).filter(|v| !v.is_empty()) else {
            return Ok(None);
        };
        check_len(name, values.len(), n, source)?;
        Ok(Some(values))
    };
    let connected = list("connected")?;
    let x = list("xcoords")?;
    let y = list("ycoords")?;
    let group = match list("kcoords")? {
        Some(group) => Some(group),
        None => list("shankInd")?,
    };
    let wired = (0..n).filter(|&i| connected.is_none_or(|c| c[i] != 0.0));
    let contacts = wired.enumerate().map(|(place, i)| {
        Ok(Contact {
            channel: channel(map[i], base, i, source)?,
            x_um: x.map_or(0.0, |x| x[i]),
            y_um: y.map_or((place + 1) as f64, |y| y[i]),
            shank: shank_number(group.map_or(1.0, |g| g[i]), i, source)?,
        })
    });
    Ok(Probe {
        name: String::new(),
        contacts: contacts.collect::<Result<_>>()?,
    })
}

fn numbers<'a>(variables: &'a MatFile, name: &str) -> Option<&'a [f64]> {
    variables.get_numbers(name).map(|n| n.values.as_slice())
}

/// The map and the number of its first channel.
fn channel_map<'a>(variables: &'a MatFile, source: &str) -> Result<(&'a [f64], f64)> {
    if let Some(map) = numbers(variables, "chanMap") {
        return Ok((map, 1.0));
    }
    if let Some(map) = numbers(variables, "chanMap0ind") {
        return Ok((map, 0.0));
    }
    let names: Vec<&str> = variables.names().collect();
    Err(Error::input(format!(
        "{source} has no variable 'chanMap' (it has: {}); a Kilosort channel map needs one",
        if names.is_empty() {
            "none with numbers".to_owned()
        } else {
            names.join(", ")
        }
    )))
}

fn channel(value: f64, base: f64, contact: usize, source: &str) -> Result<usize> {
    let channel = value - base;
    if channel.fract() == 0.0 && (0.0..=super::MAX_CHANNEL).contains(&channel) {
        return Ok(channel as usize);
    }
    let name = if base == 1.0 { "chanMap" } else { "chanMap0ind" };
    Err(Error::input(format!(
        "{source}: {name} of site {contact} is {value}; channels are whole numbers from {base}"
    )))
}
