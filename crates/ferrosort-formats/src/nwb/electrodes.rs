//! The table of electrodes: places on the probe, and groups as shanks.

use ferrosort_core::{Contact, Probe, Result};

use crate::hdf5::File;

/// Where the table is.
const TABLE: &str = "general/extracellular_ephys/electrodes";

/// The contacts of a series in the order of its channels; `None` with a note when the table has no places.
pub(super) fn probe(file: &File, at: &str, notes: &mut Vec<String>) -> Result<Option<Probe>> {
    let Some(region) = file.dataset(&format!("{at}/electrodes")) else {
        return Ok(None);
    };
    let rows = file.numbers(&region)?;
    let column = |name: &str| match file.dataset(&format!("{TABLE}/{name}")) {
        Some(dataset) => file.numbers(&dataset).map(Some),
        None => Ok(None),
    };
    let (Some(x), Some(y)) = (column("rel_x")?, column("rel_y")?) else {
        notes.push("the electrodes have no places on the probe (rel_x, rel_y); give --probe FILE".to_owned());
        return Ok(None);
    };
    let shanks = shanks(file)?;
    let contact = |(channel, &row): (usize, &f64)| {
        let row = (row >= 0.0).then_some(row as usize)?;
        Some(Contact {
            channel,
            x_um: *x.get(row)?,
            y_um: *y.get(row)?,
            shank: shanks.get(row).copied().unwrap_or(0),
        })
    };
    let contacts: Vec<Contact> = rows
        .iter()
        .enumerate()
        .map(contact)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            file.error(&format!(
                "'{at}/electrodes' names rows that the table of electrodes lacks"
            ))
        })?;
    if !has_places(&contacts) {
        notes.push("the electrodes have no places on the probe that differ; give --probe FILE".to_owned());
        return Ok(None);
    }
    Ok(Some(Probe {
        name: at.rsplit('/').next().unwrap_or(at).to_owned(),
        contacts,
    }))
}

/// False for places that are not numbers, or all the same.
fn has_places(contacts: &[Contact]) -> bool {
    let finite = contacts.iter().all(|c| c.x_um.is_finite() && c.y_um.is_finite());
    let place = |c: &Contact| (c.x_um, c.y_um);
    finite && (contacts.len() < 2 || contacts.iter().any(|c| Some(place(c)) != contacts.first().map(place)))
}

/// Groups of electrodes, numbered in the order in which the table names them.
fn shanks(file: &File) -> Result<Vec<i64>> {
    let Some(dataset) = file.dataset(&format!("{TABLE}/group_name")) else {
        return Ok(Vec::new());
    };
    let mut names: Vec<String> = Vec::new();
    let mut numbers = Vec::new();
    for name in file.texts(&dataset)? {
        let place = names.iter().position(|known| *known == name);
        numbers.push(place.unwrap_or(names.len()) as i64);
        if place.is_none() {
            names.push(name);
        }
    }
    Ok(numbers)
}
