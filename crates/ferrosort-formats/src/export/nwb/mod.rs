//! Units and electrodes as Neurodata Without Borders (<https://nwb-schema.readthedocs.io>), version 2.8 of the schema, which readers of
//! later versions read too: times in s, waveforms in V, positions in µm.
//!
//! A sorting knows nothing of the animal and the day: those come from [`Metadata`], and what nobody gave is written as unknown where
//! NWB asks for it.

mod dates;
mod identity;
mod metadata;
mod table;
mod units;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use ferrosort_core::{Error, Observer, Result};

use super::ExportOptions;
use super::facts::Facts;
use crate::hdf5::write::{FileWriter, Values};
use crate::hdf5::{self, registry};

pub(super) use identity::Identity;
pub use metadata::{METADATA_KEYS, Metadata};
use table::{DynamicTable, typed};

/// Why waveforms are missing, for a warning.
pub(super) const NO_WAVEFORMS: &str = "mean waveforms in V cannot be told from this result: it lacks templates, positions of contacts or the µV of \
    a count; where it is the last, give it with --gain-uv";

const VERSION: &str = "2.8.0";
/// How [`of_earlier`] knows a file.
const SCRIPT: &str = "/general/source_script";
const GENERATOR: &str = concat!(
    "ferrosort export --format nwb (ferrosort ",
    env!("CARGO_PKG_VERSION"),
    ")"
);
const EPHYS: &str = "/general/extracellular_ephys";
const ELECTRODES: &str = "/general/extracellular_ephys/electrodes";

/// Writes the file.
pub(super) fn write(facts: &Facts, options: &ExportOptions, path: &Path, observer: &dyn Observer) -> Result<()> {
    let metadata = &options.metadata;
    if metadata.get("session_start_time").is_none() {
        observer.warning(
            "NWB asks when the session began, which this result does not say: 1970 is written; give it with --metadata \
             session_start_time=2026-03-01T14:30:00+01:00",
        );
    }
    let identity = Identity::new(facts.run, metadata.get("identifier").unwrap_or_default());
    let mut file = FileWriter::new();
    write_top(&mut file, metadata, &identity, options);
    write_session(&mut file, metadata, &identity);
    write_subject(&mut file, metadata, &identity);
    if facts.contacts.is_empty() {
        observer.warning("the result does not say where the contacts are: electrodes and waveforms are left out");
    } else {
        write_electrodes(&mut file, facts, metadata, &identity);
    }
    if facts.local.is_none() {
        observer.warning(NO_WAVEFORMS);
    }
    units::write(&mut file, facts, &identity);
    let write = || -> std::io::Result<()> {
        let mut sink = BufWriter::with_capacity(1 << 18, File::create(path)?);
        file.write(&mut sink)?;
        sink.flush()
    };
    write().map_err(|e| Error::io("write", path, e))
}

/// An empty list for a file that [`write`] made.
pub(super) fn of_earlier(path: &Path) -> Option<Vec<String>> {
    let file = hdf5::File::open(path, registry()).ok()?;
    let texts = file.texts(&file.dataset(SCRIPT)?).ok()?;
    texts.first()?.starts_with("ferrosort export").then(Vec::new)
}

/// What every file has.
fn write_top(file: &mut FileWriter, metadata: &Metadata, identity: &Identity, options: &ExportOptions) {
    typed(file, "/", "core", "NWBFile", identity);
    file.attribute("/", "nwb_version", &[], Values::text(VERSION));
    let start = metadata.get("session_start_time").unwrap_or(dates::UNKNOWN);
    for (path, text) in [
        (
            "/identifier",
            metadata
                .get("identifier")
                .map_or_else(|| identity.of("/"), str::to_owned),
        ),
        (
            "/session_description",
            metadata
                .get("session_description")
                .unwrap_or("spike sorting")
                .to_owned(),
        ),
        ("/session_start_time", start.to_owned()),
        ("/timestamps_reference_time", start.to_owned()),
    ] {
        file.dataset(path, &[], Values::text(text));
    }
    file.dataset("/file_create_date", &[1], Values::text(dates::text(options.created)));
    for group in [
        "/acquisition",
        "/analysis",
        "/processing",
        "/stimulus/presentation",
        "/stimulus/templates",
        "/general",
    ] {
        file.group(group);
    }
    file.dataset(SCRIPT, &[], Values::text(GENERATOR));
    file.attribute(SCRIPT, "file_name", &[], Values::text("ferrosort"));
}

/// What was told about the session.
fn write_session(file: &mut FileWriter, metadata: &Metadata, identity: &Identity) {
    for key in ["experiment_description", "institution", "lab", "session_id", "notes"] {
        if let Some(text) = metadata.get(key) {
            file.dataset(&format!("/general/{key}"), &[], Values::text(text));
        }
    }
    for key in ["experimenter", "keywords"] {
        if let Some(text) = metadata.get(key) {
            let entries: Vec<String> = text.split(';').map(|entry| entry.trim().to_owned()).collect();
            file.dataset(&format!("/general/{key}"), &[entries.len()], Values::Texts(entries));
        }
    }
    let device = device(metadata);
    typed(file, &device, "core", "Device", identity);
    file.attribute(&device, "description", &[], Values::text("Probe of the recording."));
}

fn device(metadata: &Metadata) -> String {
    format!("/general/devices/{}", metadata.get("device").unwrap_or("probe"))
}

/// The animal. Where nothing is known: a name that says so, unknown sex, and an age of zero days or more.
fn write_subject(file: &mut FileWriter, metadata: &Metadata, identity: &Identity) {
    let path = "/general/subject";
    typed(file, path, "core", "Subject", identity);
    let mut text = |key: &str, value: &str| file.dataset(&format!("{path}/{key}"), &[], Values::text(value));
    text("subject_id", metadata.get("subject_id").unwrap_or("unknown"));
    text("sex", metadata.get("sex").unwrap_or("U"));
    text("age", metadata.get("age").unwrap_or("P0D/"));
    for (key, name) in [
        ("species", "species"),
        ("subject_description", "description"),
        ("genotype", "genotype"),
        ("strain", "strain"),
    ] {
        if let Some(value) = metadata.get(key) {
            text(name, value);
        }
    }
    file.attribute(&format!("{path}/age"), "reference", &[], Values::text("birth"));
}

/// The path of the group of a shank.
fn group(shank: i64) -> String {
    format!("{EPHYS}/shank{shank}")
}

/// A group of electrodes for each shank, and the table of electrodes in the order of the probe.
fn write_electrodes<'a>(file: &mut FileWriter<'a>, facts: &Facts<'a>, metadata: &Metadata, identity: &Identity) {
    let contacts = facts.contacts;
    let location = metadata.get("location").unwrap_or("unknown");
    let mut shanks: Vec<i64> = contacts.iter().map(|contact| contact.shank).collect();
    shanks.sort_unstable();
    shanks.dedup();
    for &shank in &shanks {
        let path = group(shank);
        typed(file, &path, "core", "ElectrodeGroup", identity);
        file.attribute(
            &path,
            "description",
            &[],
            Values::text(format!("Shank {shank} of the probe.")),
        );
        file.attribute(&path, "location", &[], Values::text(location));
        file.soft_link(&path, "device", &device(metadata));
    }
    let n = [contacts.len()];
    let texts = |text: &dyn Fn(&ferrosort_core::Contact) -> String| Values::Texts(contacts.iter().map(text).collect());
    let groups = contacts.iter().map(|contact| group(contact.shank)).collect();
    let mut table = DynamicTable::new(
        file,
        identity,
        ELECTRODES,
        ["hdmf-common", "DynamicTable"],
        "Contacts that were sorted, in the order of the sorting.",
        (0..contacts.len() as i64).collect(),
    );
    table.column(
        "location",
        "Location of the electrode.",
        &n,
        texts(&|_| location.to_owned()),
    );
    table.column(
        "group",
        "The shank that the electrode is on.",
        &n,
        Values::References(groups),
    );
    table.column(
        "group_name",
        "Name of the shank.",
        &n,
        texts(&|contact| format!("shank{}", contact.shank)),
    );
    table.column(
        "rel_x",
        "Position across the probe, µm, growing to the right; distances of shanks included.",
        &n,
        Values::F64(Box::new(contacts.iter().map(|contact| contact.x_um))),
    );
    table.column(
        "rel_y",
        "Position along the probe, µm, growing from the tip to the base.",
        &n,
        Values::F64(Box::new(contacts.iter().map(|contact| contact.y_um))),
    );
    table.column(
        "channel",
        "Column of the electrode in the recording's file, from 0.",
        &n,
        Values::integers(contacts.iter().map(|contact| contact.channel as i64)),
    );
    table.finish();
}
