//! Where the contacts of a file's channels are.
//!
//! The readout table with the catalogue of probes comes first, then `~snsGeomMap`, then `~snsShankMap` with the pitch of the
//! catalogue or of the file. Where two of them disagree the file is refused: one of them is of another probe.

use ferrosort_core::{Contact, Probe, Result};

use super::channels::{Columns, parse_ranges};
use super::imro::Imro;
use super::meta::Meta;
use crate::neuropixels::Kind;

/// Largest distance of two descriptions of one contact, µm.
const AGREEMENT_UM: f64 = 1.0;

/// A contact as one of the sources has it, `[x, y]` from the left edge and the lowest row of its shank, µm.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Site {
    shank: usize,
    at_um: [f64; 2],
    used: bool,
}

/// The contacts of the neural columns; `None` when the file does not say where they are. Reference sites, channels in
/// stand-by and broken shanks are left out.
pub(super) fn probe(meta: &Meta, kind: Option<&Kind>, imro: &Imro, columns: &Columns) -> Result<Option<Probe>> {
    let from_imro = kind.and_then(|kind| sites_of_imro(kind, imro, columns));
    let geometry = geometry_map(meta, columns)?;
    let shanks = shank_map(meta, kind, columns)?;
    let shank_pitch_um = match (&geometry, kind) {
        (_, Some(kind)) => kind.shank_pitch_um,
        (Some(map), None) => map.shank_pitch_um,
        (None, None) => 0.0,
    };
    let map = geometry.map(|map| map.sites).or(shanks);
    if let (Some(imro), Some(map)) = (&from_imro, &map) {
        check_agreement(meta, columns, imro, map)?;
    }
    let used: Option<Vec<bool>> = map.as_ref().map(|sites| sites.iter().map(|s| s.used).collect());
    let Some(mut sites) = from_imro.or(map) else {
        return Ok(None);
    };
    for (site, used) in sites.iter_mut().zip(used.into_iter().flatten()) {
        site.used = used;
    }
    let standby = standby(meta)?;
    let broken = broken_shanks(meta, &sites)?;
    let contacts: Vec<Contact> = sites
        .iter()
        .zip(&columns.neural)
        .enumerate()
        .filter(|(_, (site, channel))| site.used && !standby.contains(channel) && !broken.contains(&site.shank))
        .map(|(column, (site, _))| Contact {
            channel: column,
            x_um: site.at_um[0] + site.shank as f64 * shank_pitch_um,
            y_um: site.at_um[1],
            shank: site.shank as i64,
        })
        .collect();
    if contacts.is_empty() {
        return Err(meta.error(
            "every channel is a reference, in stand-by or on a broken shank, so there is nothing to sort; give --probe FILE",
        ));
    }
    Ok(Some(Probe {
        name: name(meta),
        contacts,
    }))
}

/// "NP1000 19011111213"
fn name(meta: &Meta) -> String {
    let part = meta.get("imDatPrb_pn").unwrap_or("Neuropixels");
    let serial = meta.get("imDatPrb_sn").or_else(|| meta.get("imProbeSN"));
    match serial {
        Some(serial) => format!("{part} {serial}"),
        None => part.to_owned(),
    }
}

fn sites_of_imro(kind: &Kind, imro: &Imro, columns: &Columns) -> Option<Vec<Site>> {
    columns
        .neural
        .iter()
        .map(|&channel| {
            let entry = imro.entry(channel)?;
            Some(Site {
                shank: (entry.shank < kind.shanks).then_some(entry.shank)?,
                at_um: kind.position_um(entry.electrode?)?,
                used: true,
            })
        })
        .collect()
}

struct GeometryMap {
    shank_pitch_um: f64,
    sites: Vec<Site>,
}

/// `(part,shanks,shank pitch,shank width)(shank:x:z:used)...`, one entry for each neural column.
fn geometry_map(meta: &Meta, columns: &Columns) -> Result<Option<GeometryMap>> {
    let Some(table) = meta.table("snsGeomMap") else {
        return Ok(None);
    };
    let wrong = || meta.wrong("snsGeomMap", "is not a map of contacts");
    let (header, entries) = table.split_first().ok_or_else(wrong)?;
    let shank_pitch_um = header
        .split(',')
        .nth(2)
        .and_then(|field| field.trim().parse::<f64>().ok().filter(|pitch| pitch.is_finite()))
        .ok_or_else(wrong)?;
    if !covers(meta, "snsGeomMap", entries.len(), columns)? {
        return Ok(None);
    }
    let sites = entries.iter().map(|entry| {
        let [shank, x, z, used] = fields(entry)?;
        Some(Site {
            shank: shank_number(shank)?,
            at_um: [x, z],
            used: used != 0.0,
        })
    });
    let sites = sites.collect::<Option<_>>().ok_or_else(wrong)?;
    Ok(Some(GeometryMap { shank_pitch_um, sites }))
}

/// `(shanks,columns,rows)(shank:column:row:used)...`, one entry for each neural column.
fn shank_map(meta: &Meta, kind: Option<&Kind>, columns: &Columns) -> Result<Option<Vec<Site>>> {
    let Some(table) = meta.table("snsShankMap") else {
        return Ok(None);
    };
    let wrong = || meta.wrong("snsShankMap", "is not a map of contacts");
    let (_, entries) = table.split_first().ok_or_else(wrong)?;
    if !covers(meta, "snsShankMap", entries.len(), columns)? {
        return Ok(None);
    }
    let Some(grid) = grid(meta, kind)? else {
        return Ok(None);
    };
    let sites = entries.iter().map(|entry| {
        let [shank, column, row, used] = fields(entry)?;
        let (column, row) = (shank_number(column)?, shank_number(row)?);
        Some(Site {
            shank: shank_number(shank)?,
            at_um: [
                column as f64 * grid.pitch_um[0] + grid.first_um[row % 2],
                row as f64 * grid.pitch_um[1],
            ],
            used: used != 0.0,
        })
    });
    sites.collect::<Option<_>>().map(Some).ok_or_else(wrong)
}

struct Grid {
    pitch_um: [f64; 2],
    first_um: [f64; 2],
}

/// Pitch and offsets of the catalogue, else of the file.
fn grid(meta: &Meta, kind: Option<&Kind>) -> Result<Option<Grid>> {
    if let Some(kind) = kind {
        return Ok(Some(Grid {
            pitch_um: kind.pitch_um,
            first_um: kind.first_um,
        }));
    }
    let keys = ["imXPitch", "imZPitch", "imX0EvenRow", "imX0OddRow"];
    let mut values = [0.0; 4];
    for (value, key) in values.iter_mut().zip(keys) {
        match meta.number(key)? {
            Some(number) => *value = number,
            None => return Ok(None),
        }
    }
    let [x, z, even, odd] = values;
    Ok(Some(Grid {
        pitch_um: [x, z],
        first_um: [even, odd],
    }))
}

/// True when a map has an entry for each neural column. Files of field potentials may carry the map of the spike band.
fn covers(meta: &Meta, key: &str, entries: usize, columns: &Columns) -> Result<bool> {
    if entries == columns.neural.len() {
        return Ok(true);
    }
    if columns.lfp {
        return Ok(false);
    }
    Err(meta.error(&format!(
        "~{key} has {entries} entries for {} neural channels; take the .meta file that belongs to the .bin file",
        columns.neural.len()
    )))
}

/// Four numbers separated by colons.
fn fields(entry: &str) -> Option<[f64; 4]> {
    let numbers: Vec<f64> = entry
        .split(':')
        .map(|field| field.trim().parse::<f64>().ok().filter(|v| v.is_finite()))
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// A shank, column or row: a small whole number.
fn shank_number(value: f64) -> Option<usize> {
    (value.fract() == 0.0 && (0.0..65536.0).contains(&value)).then_some(value as usize)
}

fn check_agreement(meta: &Meta, columns: &Columns, imro: &[Site], map: &[Site]) -> Result<()> {
    let apart = imro.iter().zip(map).position(|(a, b)| {
        let far = |axis: usize| (a.at_um[axis] - b.at_um[axis]).abs() > AGREEMENT_UM;
        a.shank != b.shank || far(0) || far(1)
    });
    let Some((column, (a, b))) = apart.and_then(|i| Some((i, (imro.get(i)?, map.get(i)?)))) else {
        return Ok(());
    };
    let channel = columns.neural.get(column).copied().unwrap_or_default();
    Err(meta.error(&format!(
        "channel {channel} lies on shank {} at ({}, {}) µm by ~imroTbl, but on shank {} at ({}, {}) µm by the saved map; give \
         --probe FILE to decide",
        a.shank, a.at_um[0], a.at_um[1], b.shank, b.at_um[0], b.at_um[1]
    )))
}

/// Channels of the probe that were switched off.
fn standby(meta: &Meta) -> Result<Vec<usize>> {
    match meta.get("imStdby") {
        None | Some("" | "none" | "-") => Ok(Vec::new()),
        Some(text) => parse_ranges(text).ok_or_else(|| meta.wrong("imStdby", "is not a list of channels")),
    }
}

/// Shanks whose shift register failed: bits of `imDatPrb_sr_mask` that are not set, if `imDatPrb_sr_nok` counts the others.
fn broken_shanks(meta: &Meta, sites: &[Site]) -> Result<Vec<usize>> {
    let (Some(mask), Some(working)) = (meta.number("imDatPrb_sr_mask")?, meta.number("imDatPrb_sr_nok")?) else {
        return Ok(Vec::new());
    };
    let mask = mask as u32;
    if f64::from(mask.count_ones()) != working || mask == 0 {
        return Ok(Vec::new());
    }
    let works = |shank: usize| u32::try_from(shank).is_ok_and(|s| mask.checked_shr(s).unwrap_or(0) & 1 == 1);
    let mut broken: Vec<usize> = sites.iter().map(|s| s.shank).filter(|&s| !works(s)).collect();
    broken.sort_unstable();
    broken.dedup();
    Ok(broken)
}
