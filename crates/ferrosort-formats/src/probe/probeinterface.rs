//! probeinterface JSON (<https://probeinterface.readthedocs.io/en/main/format_spec.html>).

use std::path::Path;

use ferrosort_core::{Contact, Error, Probe, Result};
use serde::Deserialize;
use serde_json::json;

use super::{channel_number, check_len};

#[derive(Deserialize)]
struct File {
    probes: Vec<FileProbe>,
}

#[derive(Deserialize)]
struct FileProbe {
    #[serde(default = "micrometres")]
    si_units: String,
    #[serde(default)]
    annotations: serde_json::Map<String, serde_json::Value>,
    contact_positions: Vec<Vec<f64>>,
    device_channel_indices: Option<Vec<f64>>,
    shank_ids: Option<Vec<Id>>,
}

fn micrometres() -> String {
    "um".to_owned()
}

/// A shank's name: text by the specification, a number in files of some writers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(serde_json::Number),
}

impl Id {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Contacts that are wired (`device_channel_indices` not -1), sorted by channel. Without `device_channel_indices` the
/// channels are the contacts in order. Each probe's shanks are shanks of their own.
pub(super) fn read(json: serde_json::Value, source: &str) -> Result<Probe> {
    let file: File = serde_json::from_value(json)
        .map_err(|e| Error::input(format!("{source} is not probeinterface JSON as it should be: {e}")))?;
    let wired = file
        .probes
        .iter()
        .filter(|p| p.device_channel_indices.is_some())
        .count();
    if wired != 0 && wired != file.probes.len() {
        return Err(Error::input(format!(
            "{source}: only {wired} of {} probes have device_channel_indices; give them for all or none",
            file.probes.len()
        )));
    }
    let name = probe_name(&file.probes);
    let mut contacts = Vec::new();
    let mut shanks = Vec::new();
    let mut first = 0;
    for (index, probe) in file.probes.into_iter().enumerate() {
        let n = probe.contact_positions.len();
        append(probe, index, first, source, &mut contacts, &mut shanks)?;
        first += n;
    }
    number_shanks(&mut contacts, &shanks);
    contacts.sort_by_key(|c| c.channel);
    Ok(Probe { name, contacts })
}

fn probe_name(probes: &[FileProbe]) -> String {
    let text = |key: &str| probes.first()?.annotations.get(key)?.as_str();
    text("name")
        .or_else(|| text("model_name"))
        .unwrap_or_default()
        .to_owned()
}

/// Appends the wired contacts of one probe, and the (probe, shank id) of each.
fn append(
    probe: FileProbe,
    index: usize,
    first_channel: usize,
    source: &str,
    contacts: &mut Vec<Contact>,
    shanks: &mut Vec<(usize, String)>,
) -> Result<()> {
    let n = probe.contact_positions.len();
    let scale = match probe.si_units.as_str() {
        "um" => 1.0,
        "mm" => 1000.0,
        other => {
            return Err(Error::input(format!(
                "{source}: si_units is '{other}'; positions must be in um or mm"
            )));
        }
    };
    let channels = probe.device_channel_indices;
    if let Some(channels) = &channels {
        check_len("device_channel_indices", channels.len(), n, source)?;
    }
    let ids: Vec<String> = match probe.shank_ids {
        Some(ids) => ids.into_iter().map(Id::into_text).collect(),
        None => vec![String::new(); n],
    };
    check_len("shank_ids", ids.len(), n, source)?;
    for (i, (position, id)) in probe.contact_positions.iter().zip(ids).enumerate() {
        let &[x, y] = position.as_slice() else {
            return Err(Error::input(format!(
                "{source}: contact {i} of probe {index} has {} coordinates; only planar probes (x, y) are supported",
                position.len()
            )));
        };
        let channel = match &channels {
            Some(channels) if channels[i] == -1.0 => continue,
            Some(channels) => channel_number(channels[i], i, source)?,
            None => first_channel + i,
        };
        contacts.push(Contact {
            channel,
            x_um: x * scale,
            y_um: y * scale,
            shank: 0,
        });
        shanks.push((index, id));
    }
    Ok(())
}

/// Ids of a single probe that are all whole numbers stay those numbers; otherwise shanks are numbered from 0 in order
/// of first appearance.
fn number_shanks(contacts: &mut [Contact], shanks: &[(usize, String)]) {
    let numbers: Option<Vec<i64>> = shanks.iter().map(|(_, id)| id.parse().ok()).collect();
    let one_probe = shanks.windows(2).all(|pair| pair[0].0 == pair[1].0);
    if let (Some(numbers), true) = (numbers, one_probe) {
        for (contact, number) in contacts.iter_mut().zip(numbers) {
            contact.shank = number;
        }
        return;
    }
    let mut seen: Vec<&(usize, String)> = Vec::new();
    for (contact, key) in contacts.iter_mut().zip(shanks) {
        let place = seen.iter().position(|k| *k == key).unwrap_or_else(|| {
            seen.push(key);
            seen.len() - 1
        });
        contact.shank = place as i64;
    }
}

/// Writes a probe as probeinterface JSON: one probe, circular contacts of radius 5 µm (the size is not known), shank
/// numbers as `shank_ids`. Reading it again gives the contacts sorted by channel.
///
/// # Errors
/// I/O, with the path.
pub fn write_probe(path: &Path, probe: &Probe) -> Result<()> {
    let each = |value: serde_json::Value| vec![value; probe.len()];
    let contacts = &probe.contacts;
    let json = json!({
        "specification": "probeinterface",
        "version": "0.2.21",
        "probes": [{
            "ndim": 2,
            "si_units": "um",
            "annotations": { "name": probe.name },
            "contact_annotations": {},
            "contact_positions": probe.positions_um(),
            "contact_plane_axes": each(json!([[1.0, 0.0], [0.0, 1.0]])),
            "contact_shapes": each(json!("circle")),
            "contact_shape_params": each(json!({ "radius": 5.0 })),
            "device_channel_indices": contacts.iter().map(|c| c.channel).collect::<Vec<_>>(),
            "shank_ids": contacts.iter().map(|c| c.shank.to_string()).collect::<Vec<_>>(),
        }],
    });
    std::fs::write(path, format!("{json:#}\n")).map_err(|e| Error::io("write", path, e))
}
