//! `settings.xml`: the signal chain of Open Ephys, with the electrodes of Neuropixels probes.

use std::path::Path;

use ferrosort_core::{Contact, Error, Probe, Result};
use roxmltree::{Document, Node, ParsingOptions};

use crate::neuropixels::{self, Kind};
use crate::text::read_text;

/// Most elements, attributes and texts of a file that are believed.
const MAX_NODES: u32 = 1 << 20;

/// Distance of the shanks of probes that the catalogue lacks, µm.
const SHANK_PITCH_UM: f64 = 250.0;

/// Electrodes of the columns of a stream, in order; `channel` is the column among the neural ones. `None` when the file has
/// no probe for this stream.
///
/// # Errors
/// A file that is not XML, or a probe whose electrodes make no sense.
pub(super) fn probe(path: &Path, stream: &str, notes: &mut Vec<String>) -> Result<Option<Probe>> {
    let text = read_text(path, "settings of Open Ephys")?;
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options)
        .map_err(|e| Error::input(format!("{} is not XML as Open Ephys writes it: {e}", path.display())))?;
    let root = document.root_element();
    let Some((node, name, processor)) = choose(root, stream, path, notes) else {
        return Ok(None);
    };
    let wrong = |what: &str| {
        Error::input(format!(
            "{}: the electrodes of probe '{name}' cannot be understood ({what}); give --probe FILE",
            path.display()
        ))
    };
    let Some(mut contacts) = electrodes(node, root).map_err(wrong)? else {
        notes.push(format!(
            "{} does not have the places of the electrodes (its Neuropix-PXI plugin is older than 0.3.3); give --probe FILE",
            path.display()
        ));
        return Ok(None);
    };
    if let Some(mut map) = channel_map(processor, stream) {
        // A sync channel follows the electrodes.
        map.truncate(contacts.len());
        contacts = pick(&contacts, &map).ok_or_else(|| wrong("its channel map names channels that it lacks"))?;
    }
    if let Some(saved) = saved_channels(root, stream) {
        let saved: Vec<usize> = saved.into_iter().filter(|&c| c < contacts.len()).collect();
        contacts = pick(&contacts, &saved).unwrap_or_default();
    }
    for (column, contact) in contacts.iter_mut().enumerate() {
        contact.channel = column;
    }
    let part = attribute(node, &["probe_part_number", "probePartNumber"]).unwrap_or("Neuropixels");
    Ok(Some(Probe {
        name: format!("{part} {name}"),
        contacts,
    }))
}

/// The contacts at these places of the list; `None` when one of them is outside.
fn pick(contacts: &[Contact], places: &[usize]) -> Option<Vec<Contact>> {
    places.iter().map(|&i| contacts.get(i).cloned()).collect()
}

/// The probe whose name is part of the stream's, with that name and its processor; the only probe of the stream's processor
/// when none is.
fn choose<'a, 'i>(
    root: Node<'a, 'i>,
    stream: &str,
    path: &Path,
    notes: &mut Vec<String>,
) -> Option<(Node<'a, 'i>, String, Node<'a, 'i>)> {
    let mut probes = Vec::new();
    for processor in root.descendants().filter(|n| n.has_tag_name("PROCESSOR")) {
        let names = stream_names(processor);
        let found = processor
            .descendants()
            .filter(|n| is_probe(n.tag_name().name()) && n.attribute("isEnabled") != Some("0"));
        for (index, node) in found.enumerate() {
            probes.push((node, probe_name(node, processor, &names, index), processor));
        }
    }
    let serial = |node: Node| attribute(node, &["probe_serial_number", "probeSerialNumber"]).map(str::to_owned);
    let by_name = probes
        .iter()
        .filter(|(_, name, _)| !name.is_empty() && stream.contains(name.as_str()))
        .max_by_key(|(_, name, _)| name.len());
    let by_serial = || {
        let has = |node: Node| serial(node).is_some_and(|s| !s.is_empty() && stream.contains(&s));
        probes.iter().find(|(node, _, _)| has(*node))
    };
    if let Some(found) = by_name.or_else(by_serial) {
        return Some(found.clone());
    }
    let of_stream = |processor: Node| processor.attribute("name").is_some_and(|name| stream.contains(name));
    probes.retain(|(_, _, processor)| of_stream(*processor));
    if probes.len() > 1 {
        notes.push(format!(
            "{} has {} probes, none of which has a name in the stream '{stream}'; give --probe FILE",
            path.display(),
            probes.len()
        ));
        return None;
    }
    probes.pop()
}

fn is_probe(tag: &str) -> bool {
    // ONIX has the two probes of one headstage inside an element of its own.
    matches!(
        tag,
        "NP_PROBE" | "NEUROPIXELSV1E" | "NEUROPIXELSV1F" | "PROBE0" | "PROBE1"
    )
}

fn attribute<'a>(node: Node<'a, '_>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| node.attribute(*name))
}

/// Names of probes by the streams of a processor, each once, without the band.
fn stream_names(processor: Node) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for node in processor.children().filter(|n| n.has_tag_name("STREAM")) {
        let name = node.attribute("name").unwrap_or_default();
        let name = name.replace("-AP", "").replace("-LFP", "");
        if !name.contains("ADC") && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn probe_name(node: Node, processor: Node, names: &[String], index: usize) -> String {
    let custom = node.attribute("custom_probe_name").filter(|name| !name.is_empty());
    let serial = attribute(node, &["probe_serial_number", "probeSerialNumber"]);
    let mut name = match (custom.filter(|name| Some(*name) != serial), names.get(index)) {
        (Some(name), _) => name.to_owned(),
        (None, Some(name)) => name.clone(),
        (None, None) => {
            let id = attribute(processor, &["NodeId", "nodeId"]).unwrap_or_default();
            format!("{id}.{index}")
        }
    };
    // The shanks of a quad-base probe are streams of their own.
    if let Some(shank) = node.attribute("shank").and_then(|s| s.parse::<u32>().ok()) {
        let suffix = format!("-{}", shank.saturating_add(1));
        if !name.ends_with(&suffix) {
            name.push_str(&suffix);
        }
    }
    name
}

type Outcome<T> = std::result::Result<T, &'static str>;

/// Places of the electrodes, by channel; `None` when the file does not have them.
fn electrodes(node: Node, root: Node) -> Outcome<Option<Vec<Contact>>> {
    let part = attribute(node, &["probe_part_number", "probePartNumber"]).unwrap_or_default();
    let kind = neuropixels::by_part_number(part);
    let child = |name: &str| node.children().find(|n| n.has_tag_name(name));
    if let (Some(selected), Some(kind)) = (child("SELECTED_ELECTRODES"), &kind) {
        return selected
            .attributes()
            .map(|a| electrode(kind, a.value()))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or("SELECTED_ELECTRODES has an electrode that the probe lacks");
    }
    let (Some(channels), Some(x), Some(y)) = (child("CHANNELS"), child("ELECTRODE_XPOS"), child("ELECTRODE_YPOS"))
    else {
        return Ok(None);
    };
    let pitch = kind.map_or(SHANK_PITCH_UM, |kind| kind.shank_pitch_um);
    // Before GUI 0.6 the places of further shanks were moved up by their distance as well.
    let lift = if version(root) < [0, 6] { pitch } else { 0.0 };
    let mut contacts = Vec::new();
    for channel in channels.attributes() {
        let at = |positions: Node| {
            let value: f64 = positions.attribute(channel.name())?.trim().parse().ok()?;
            value.is_finite().then_some(value)
        };
        let (number, shank) =
            channel_and_shank(channel.name(), channel.value()).ok_or("CHANNELS has a strange name")?;
        let (Some(x_um), Some(y_um)) = (at(x), at(y)) else {
            return Err("a channel has no place");
        };
        contacts.push(Contact {
            channel: number,
            x_um,
            y_um: y_um - shank as f64 * lift,
            shank,
        });
    }
    contacts.sort_by_key(|c| c.channel);
    Ok(Some(contacts))
}

/// An electrode by its number over all shanks.
fn electrode(kind: &Kind, text: &str) -> Option<Contact> {
    let number: usize = text.trim().parse().ok()?;
    let per_shank = kind.columns * kind.rows;
    let shank = number / per_shank;
    let [x, y] = kind.position_um(number % per_shank)?;
    (shank < kind.shanks).then_some(Contact {
        channel: 0,
        x_um: x + shank as f64 * kind.shank_pitch_um,
        y_um: y,
        shank: shank as i64,
    })
}

/// `CH7="0:2"` and `CH7_2="0"` are channel 7 on shank 2.
fn channel_and_shank(name: &str, value: &str) -> Option<(usize, i64)> {
    let name = name.strip_prefix("CH")?;
    let (number, of_name) = name.split_once('_').unwrap_or((name, ""));
    let of_value = value.split_once(':').map_or("", |(_, shank)| shank);
    let shank = [of_value, of_name]
        .iter()
        .find_map(|s| s.parse::<u16>().ok())
        .unwrap_or(0);
    Some((number.parse().ok()?, i64::from(shank)))
}

/// Major and minor version of the program; new when it is not said.
fn version(root: Node) -> [u32; 2] {
    let info = root.descendants().find(|n| n.has_tag_name("VERSION"));
    let text = info.and_then(|n| n.text()).unwrap_or("1.0");
    let mut parts = text.trim().split('.').map(|part| part.parse().unwrap_or(0));
    [parts.next().unwrap_or(1), parts.next().unwrap_or(0)]
}

/// The order that a Channel Map gave the channels, if it stands between the probe and the Record Node.
fn channel_map(probe: Node, stream: &str) -> Option<Vec<usize>> {
    let chain: Vec<Node> = probe
        .parent()?
        .children()
        .filter(|n| n.has_tag_name("PROCESSOR"))
        .collect();
    let named = |what: &str| {
        chain
            .iter()
            .position(|n| n.attribute("name").is_some_and(|name| name.contains(what)))
    };
    let (map, record) = (named("Channel Map")?, named("Record Node")?);
    if map > record {
        return None;
    }
    let processor = chain.get(map)?;
    let streams = processor.children().filter(|n| n.has_tag_name("STREAM"));
    let place = streams
        .map(|n| n.attribute("name").unwrap_or_default())
        .position(|name| !name.is_empty() && stream.ends_with(name))?;
    let parameters = processor.children().find(|n| n.has_tag_name("CUSTOM_PARAMETERS"))?;
    let entry = parameters.children().filter(|n| n.has_tag_name("STREAM")).nth(place)?;
    let order: Vec<usize> = entry
        .children()
        .filter(|n| n.has_tag_name("CH"))
        .map(|n| n.attribute("index")?.parse().ok())
        .collect::<Option<_>>()?;
    (!order.is_empty()).then_some(order)
}

/// Channels that the Record Node wrote, when it did not write all.
fn saved_channels(root: Node, stream: &str) -> Option<Vec<usize>> {
    let node = root.descendants().find(|n| {
        n.has_tag_name("PROCESSOR") && n.attribute("name").is_some_and(|name| name.contains("Record Node"))
    })?;
    let parameters = node.children().find(|n| n.has_tag_name("CUSTOM_PARAMETERS"))?;
    let streams: Vec<Node> = parameters.children().filter(|n| n.has_tag_name("STREAM")).collect();
    let named = |n: &&Node| {
        n.attribute("name")
            .is_some_and(|name| !name.is_empty() && stream.ends_with(name))
    };
    let entry = match streams.as_slice() {
        [one] => one,
        several => several.iter().find(named)?,
    };
    let state = entry.attribute("recording_state")?;
    if matches!(state, "ALL" | "NONE") || !state.chars().all(|c| c == '0' || c == '1') {
        return None;
    }
    let saved = state.chars().enumerate().filter(|(_, c)| *c == '1');
    Some(saved.map(|(channel, _)| channel).collect())
}
