//! Kilosort4's probe dictionary as JSON: `chanMap` (0-based), `xc`, `yc`, `kcoords`, `n_chan`.

use ferrosort_core::{Contact, Error, Probe, Result};
use serde::Deserialize;

use super::{channel_number, check_len, shank_number};

#[derive(Deserialize)]
struct File {
    #[serde(rename = "chanMap")]
    chan_map: Vec<f64>,
    xc: Vec<f64>,
    yc: Vec<f64>,
    kcoords: Option<Vec<f64>>,
}

/// Contacts in file order; without `kcoords` there is one shank, 0.
pub(super) fn read(json: serde_json::Value, source: &str) -> Result<Probe> {
    let file: File = serde_json::from_value(json)
        .map_err(|e| Error::input(format!("{source} is not a Kilosort4 probe as it should be: {e}")))?;
    let n = file.chan_map.len();
    check_len("xc", file.xc.len(), n, source)?;
    check_len("yc", file.yc.len(), n, source)?;
    let kcoords = file.kcoords.unwrap_or_else(|| vec![0.0; n]);
    check_len("kcoords", kcoords.len(), n, source)?;
    let contacts = (0..n).map(|i| {
        Ok(Contact {
            channel: channel_number(file.chan_map[i], i, source)?,
            x_um: file.xc[i],
            y_um: file.yc[i],
            shank: shank_number(kcoords[i], i, source)?,
        })
    });
    Ok(Probe {
        name: String::new(),
        contacts: contacts.collect::<Result<_>>()?,
    })
}
