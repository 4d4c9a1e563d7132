//! Recordings of SpikeGLX: `.bin` files with a `.meta` file each
//! (<https://billkarsh.github.io/SpikeGLX/help/Metadata_Help/>).
//!
//! Samples are flat `int16`; the columns are neural channels, then sync words, which are not sorted. Gains and geometry
//! are those of the channels of acquisition, whichever of them were saved.

mod channels;
mod geometry;
mod imro;
mod meta;
mod stream;

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result, SampleType};

use crate::binary::{BinaryOptions, BinaryRecording};
use crate::neuropixels::{self, Kind};
use crate::open::OpenOptions;
use channels::Columns;
use imro::Imro;
use meta::Meta;

pub(crate) use stream::{Stream, stream_name};

/// The metadata file that belongs to a data file, if it is SpikeGLX's.
pub(crate) fn meta_file(data: &Path) -> Option<PathBuf> {
    let path = data.with_extension("meta");
    Meta::read(&path).ok()?.is_spikeglx().then_some(path)
}

/// Opens one or several `.bin` files of one stream (triggers, in the order of time) as one recording.
///
/// # Errors
/// No or contradictory metadata, files of different streams, what `overrides` contradicts, and everything that
/// [`BinaryRecording::open`] refuses.
pub(crate) fn open(paths: &[PathBuf], overrides: &OpenOptions) -> Result<BinaryRecording> {
    let metas = paths
        .iter()
        .map(|path| Meta::read(&path.with_extension("meta")))
        .collect::<Result<Vec<_>>>()?;
    let (Some(first), Some(path)) = (metas.first(), paths.first()) else {
        return Err(Error::input("no recording file was given; name at least one file"));
    };
    for (meta, other) in metas.iter().zip(paths) {
        stream::check_same(first, meta, path, other)?;
    }
    let mut options = describe_meta(first)?;
    overrides.apply(&mut options, &path.with_extension("meta"))?;
    let n_channels = options.n_channels;
    let mut notes = Vec::new();
    for (meta, path) in metas.iter().zip(paths) {
        notes.extend(stream::size_note(meta, path, n_channels)?);
    }
    let (starts, gaps) = stream::segments(&metas, paths, n_channels)?;
    notes.extend(gaps);
    options.notes.extend(notes);
    options.segment_starts = Some(starts);
    BinaryRecording::open(paths, options)
}

/// What a `.meta` file says of the samples: columns, rate, gains and contacts.
///
/// # Errors
/// A missing, foreign or contradictory file.
pub(crate) fn describe(meta: &Path) -> Result<BinaryOptions> {
    describe_meta(&Meta::read(meta)?)
}

fn describe_meta(meta: &Meta) -> Result<BinaryOptions> {
    match meta.get("typeThis") {
        Some("nidq") => describe_inputs(meta, Inputs::Ni),
        Some("obx") => describe_inputs(meta, Inputs::OneBox),
        _ => describe_probe(meta),
    }
}

fn describe_probe(meta: &Meta) -> Result<BinaryOptions> {
    let kind = kind(meta);
    let columns = Columns::of_probe(meta, kind.map_or(384, |kind| kind.channels))?;
    let imro = match &kind {
        Some(kind) => Imro::read(meta, kind)?,
        None => Imro::default(),
    };
    let mut options = BinaryOptions::new(columns.count, meta.required("imSampRate")?);
    options.sample_type = SampleType::Int16;
    options.probe = geometry::probe(meta, kind.as_ref(), &imro, &columns)?;
    options.gain_uv = gains(meta, kind.as_ref(), &imro, &columns)?;
    if options.gain_uv.is_none() {
        options.notes.push(format!(
            "the gain of probe '{}' is neither known nor in the .meta file, so amplitudes stay in counts; give --gain-uv",
            meta.get("imDatPrb_pn").unwrap_or("(no part number)")
        ));
    }
    options.neural_channels = Some((0..columns.neural.len()).collect());
    Ok(options)
}

/// The kind of probe by its part number, else by the type in the readout table, else by `imDatPrb_type`.
fn kind(meta: &Meta) -> Option<Kind> {
    if meta.get("imProbeOpt").is_some() {
        return neuropixels::by_type(0);
    }
    let header = meta.table("imroTbl").and_then(|table| {
        let kind = table.first()?.split(',').next()?.trim();
        neuropixels::by_part_number(kind).or_else(|| neuropixels::by_type(kind.parse().ok()?))
    });
    meta.get("imDatPrb_pn")
        .and_then(neuropixels::by_part_number)
        .or(header)
        .or_else(|| neuropixels::by_type(meta.get("imDatPrb_type")?.parse().ok()?))
}

/// µV per count of every column; the gain of sync words is 1, since they have no unit.
fn gains(meta: &Meta, kind: Option<&Kind>, imro: &Imro, columns: &Columns) -> Result<Option<Vec<f64>>> {
    let volts = meta.required("imAiRangeMax")?;
    let counts = meta.number("imMaxInt")?.or(kind.map(|kind| kind.max_count));
    let band = usize::from(columns.lfp);
    let ap_gain = meta.number("imChan0apGain")?;
    let common = match (band, kind.and_then(|kind| kind.ap_gain)) {
        (1, None) => meta.number("imChan0lfGain")?,
        (_, fixed) => ap_gain.or(fixed),
    };
    let Some(counts) = counts else {
        return Ok(None);
    };
    let uv = |gain: f64| volts / counts / gain * 1e6;
    let neural: Option<Vec<f64>> = columns
        .neural
        .iter()
        .map(|&channel| imro.gains(channel).map(|gains| gains[band]).or(common).map(uv))
        .collect();
    Ok(neural.map(|mut gains| {
        gains.resize(columns.count, 1.0);
        gains
    }))
}

/// Recordings of analogue inputs.
enum Inputs {
    Ni,
    OneBox,
}

fn describe_inputs(meta: &Meta, inputs: Inputs) -> Result<BinaryOptions> {
    let (words, rate, volts, counts) = match inputs {
        Inputs::Ni => ("snsMnMaXaDw", "niSampRate", "niAiRangeMax", "niMaxInt"),
        Inputs::OneBox => ("snsXaDwSy", "obSampRate", "obAiRangeMax", "obMaxInt"),
    };
    let kinds = meta
        .counts(words)?
        .ok_or_else(|| meta.error(&format!("has no '{words}'; take the .meta file that SpikeGLX wrote")))?;
    // Neural multiplexed, analogue multiplexed, and direct inputs, each with its gain.
    let (mn, ma, xa) = match (inputs, kinds.as_slice()) {
        (Inputs::Ni, &[mn, ma, xa, _]) => (mn, ma, xa),
        (Inputs::OneBox, &[xa, _, _]) => (0, 0, xa),
        _ => return Err(meta.wrong(words, "has another number of fields than expected")),
    };
    let (first, neural) = if mn > 0 { (0, mn) } else { (ma, xa) };
    let columns = Columns::of_inputs(meta, first, neural)?;
    let uv = meta.required(volts)? / meta.number(counts)?.unwrap_or(32768.0) * 1e6;
    let gain = |key| Ok::<_, Error>(uv / meta.number(key)?.unwrap_or(1.0));
    let mut gains = vec![gain("niMNGain")?; mn];
    gains.resize(mn + ma, gain("niMAGain")?);
    gains.resize(mn + ma + xa, uv);
    gains.resize(columns.count, 1.0);
    let mut options = BinaryOptions::new(columns.count, meta.required(rate)?);
    options.gain_uv = Some(gains);
    options.neural_channels = Some(columns.neural);
    Ok(options)
}

#[cfg(test)]
mod tests;
