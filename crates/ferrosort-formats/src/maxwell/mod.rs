//! Recordings of MaxWell's MaxOne and MaxTwo: HDF5 files, of 2016 (`/sig`) and of later (`/wells/well000/rec0000`) layout.
//!
//! Samples have 10 bits; the vendor's own compression (HDF5 filter 401) is unpacked here.

mod filter;

use std::collections::BTreeMap;
use std::path::Path;

use ferrosort_core::{Contact, Error, Probe, Result};
use hdf5_reader::{Dataset, Datatype, FilterRegistry};

use crate::binary::BinaryOptions;
use crate::chunked::ChunkedRecording;
use crate::hdf5::{File, Layout, Samples, number};
use crate::open::OpenOptions;

/// Frames per second of the layout of 2016, which does not say it, Hz.
const OLD_RATE: f64 = 20000.0;

/// Amplification when neither it nor the size of a count is said.
const DEFAULT_GAIN: f64 = 512.0;

/// True when the file is one of MaxWell's.
pub(crate) fn is_maxwell(file: &File) -> bool {
    file.dataset("version").is_some() && (file.group("wells").is_some() || file.dataset("sig").is_some())
}

/// One recording of one well.
struct Place {
    /// Name for `--stream`: `well000/rec0000`, or `well000`.
    name: String,
    /// Path of the samples.
    samples: String,
    /// Path of the group of settings.
    settings: String,
    /// Path of the table of electrodes.
    mapping: String,
    /// Path of the list of channels of the rows, if there is one.
    channels: String,
    old: bool,
}

/// Opens the recording of a well; `overrides.stream` names it when there are several.
///
/// # Errors
/// No or several recordings, missing settings, damaged samples, or what `overrides` contradicts.
pub(crate) fn open(path: &Path, overrides: &OpenOptions) -> Result<ChunkedRecording<Samples>> {
    let file = File::open(path, FilterRegistry::new())?;
    let place = choose(&file, overrides.stream.as_deref())?;
    let dataset = file
        .dataset(&place.samples)
        .ok_or_else(|| file.error(&format!("'{}' has no samples ({})", place.name, place.samples)))?;
    // The vendor's filter does not say how many samples it packed; the dataset does.
    let per_chunk = dataset.chunks().map_or(0, |shape| {
        shape.iter().fold(1usize, |n, &d| n.saturating_mul(d as usize))
    });
    let file = File::open(path, filter::registry(per_chunk))?;
    let dataset = file
        .dataset(&place.samples)
        .ok_or_else(|| file.error(&format!("'{}' has no samples ({})", place.name, place.samples)))?;
    let electrodes = electrodes(&file, &place)?;
    let rows = rows(&file, &place, &electrodes)?;
    let mut options = BinaryOptions::new(0, rate(&file, &place)?);
    options.gain_uv = Some(vec![gain_uv(&file, &place)?]);
    options.probe = Some(probe(&place, &electrodes, &rows));
    let layout = Layout {
        time_axis: 1,
        // Later files save the routed channels only, one a row.
        rows: place.old.then(|| rows.clone()),
        few_bits: true,
    };
    let samples = Samples::new(file, dataset, layout)?;
    options.n_channels = samples.n_channels();
    if options.n_channels != rows.len() {
        return Err(Error::input(format!(
            "{}: '{}' has {} rows of samples for {} channels; the file is damaged",
            path.display(),
            place.name,
            options.n_channels,
            rows.len()
        )));
    }
    options.sample_type = samples.sample_type();
    overrides.apply(&mut options, path)?;
    let bounds = samples.bounds().to_vec();
    ChunkedRecording::new(path.to_path_buf(), samples, bounds, options)
}

fn choose(file: &File, stream: Option<&str>) -> Result<Place> {
    let mut places = places(file)?;
    let names: Vec<String> = places.iter().map(|place| place.name.clone()).collect();
    if let Some(wanted) = stream {
        places.retain(|place| place.name == wanted || place.name.split('/').next() == Some(wanted));
    }
    match places.len() {
        1 => Ok(places.remove(0)),
        0 => Err(file.error(&format!(
            "there is no recording{}; it has {}",
            stream.map_or_else(String::new, |name| format!(" '{name}'")),
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        ))),
        n => Err(file.error(&format!(
            "there are {n} recordings: {}; choose one with --stream",
            names.join(", ")
        ))),
    }
}

fn places(file: &File) -> Result<Vec<Place>> {
    let Some(wells) = file.group("wells") else {
        return Ok(vec![Place {
            name: "well000".to_owned(),
            samples: "sig".to_owned(),
            settings: "settings".to_owned(),
            mapping: "mapping".to_owned(),
            channels: String::new(),
            old: true,
        }]);
    };
    let names = |group: &hdf5_reader::group::Group| {
        let members = group.member_names().map_err(|e| file.failed(group.name(), &e))?;
        Ok::<_, Error>(members.0)
    };
    let mut places = Vec::new();
    for well in names(&wells)? {
        let Some(group) = file.group(&format!("wells/{well}")) else {
            continue;
        };
        for recording in names(&group)? {
            let at = format!("wells/{well}/{recording}");
            places.push(Place {
                name: format!("{well}/{recording}"),
                samples: format!("{at}/groups/routed/raw"),
                settings: format!("{at}/settings"),
                mapping: format!("{at}/settings/mapping"),
                channels: format!("{at}/groups/routed/channels"),
                old: false,
            });
        }
    }
    places.sort_by(|a, b| a.name.cmp(&b.name));
    // Wells whose channels were not routed have no samples.
    places.retain(|place| file.dataset(&place.samples).is_some());
    Ok(places)
}

/// A routed electrode.
struct Electrode {
    channel: usize,
    at_um: [f64; 2],
}

/// The electrodes that are connected to a channel, in the order of the table.
fn electrodes(file: &File, place: &Place) -> Result<Vec<Electrode>> {
    let missing = || {
        file.error(&format!(
            "'{}' has no table of electrodes ({})",
            place.name, place.mapping
        ))
    };
    let table = file.dataset(&place.mapping).ok_or_else(missing)?;
    let column = |name: &str| column(file, &table, name)?.ok_or_else(missing);
    let (channels, x, y) = (column("channel")?, column("x")?, column("y")?);
    let routed = channels
        .iter()
        .zip(x.iter().zip(&y))
        .filter(|(channel, _)| **channel >= 0.0);
    let electrodes: Vec<Electrode> = routed
        .map(|(&channel, (&x, &y))| Electrode {
            channel: channel as usize,
            at_um: [x, y],
        })
        .collect();
    if electrodes.is_empty() {
        return Err(missing());
    }
    Ok(electrodes)
}

/// One column of a table; `None` when it has no such column of numbers.
fn column(file: &File, table: &Dataset, name: &str) -> Result<Option<Vec<f64>>> {
    let Datatype::Compound { size, fields } = table.dtype() else {
        return Ok(None);
    };
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        return Ok(None);
    };
    let bytes = table.read_raw_bytes().map_err(|e| file.failed(table.name(), &e))?;
    let value = |row: &[u8]| number(row.get(field.byte_offset as usize..)?, &field.datatype);
    Ok(bytes.chunks_exact((*size as usize).max(1)).map(value).collect())
}

/// For each channel that is read, its row in files of the old layout, its channel in later ones.
fn rows(file: &File, place: &Place, electrodes: &[Electrode]) -> Result<Vec<usize>> {
    match file.dataset(&place.channels) {
        Some(list) if !place.old => Ok(file.numbers(&list)?.into_iter().map(|c| c.max(0.0) as usize).collect()),
        _ => Ok(electrodes.iter().map(|electrode| electrode.channel).collect()),
    }
}

fn probe(place: &Place, electrodes: &[Electrode], rows: &[usize]) -> Probe {
    let places: BTreeMap<usize, &Electrode> = electrodes
        .iter()
        .map(|electrode| (electrode.channel, electrode))
        .collect();
    let contacts = rows.iter().enumerate().filter_map(|(column, channel)| {
        let electrode = places.get(channel)?;
        Some(Contact {
            channel: column,
            x_um: electrode.at_um[0],
            y_um: electrode.at_um[1],
            shank: 0,
        })
    });
    Probe {
        name: format!("MaxWell {}", place.name),
        contacts: contacts.collect(),
    }
}

/// The number in a dataset of settings.
fn setting(file: &File, place: &Place, name: &str) -> Result<Option<f64>> {
    match file.dataset(&format!("{}/{name}", place.settings)) {
        Some(dataset) => Ok(file.numbers(&dataset)?.first().copied()),
        None => Ok(None),
    }
}

fn rate(file: &File, place: &Place) -> Result<f64> {
    match setting(file, place, "sampling")? {
        Some(rate) => Ok(rate),
        None if place.old => Ok(OLD_RATE),
        None => Err(file.error(&format!(
            "'{}' does not say its sample rate ({}/sampling); pass --sample-rate",
            place.name, place.settings
        ))),
    }
}

/// µV per count: said in volts, or from the amplification of a converter of 3.3 V and 10 bits.
fn gain_uv(file: &File, place: &Place) -> Result<f64> {
    if let Some(lsb) = setting(file, place, "lsb")? {
        return Ok(lsb * 1e6);
    }
    let gain = setting(file, place, "gain")?.unwrap_or(DEFAULT_GAIN);
    Ok(3.3 / (1024.0 * gain) * 1e6)
}
