//! `ElectricalSeries` of NWB files in HDF5 (<https://nwb-schema.readthedocs.io>).
//!
//! Values are volts after `conversion`, `channel_conversion` and `offset`; the constant offset does not matter for sorting
//! and is left out. Places are `rel_x` and `rel_y` of the table of electrodes: its x, y and z are of the brain.

mod electrodes;
mod series;

use std::path::Path;

use ferrosort_core::Result;

use crate::binary::BinaryOptions;
use crate::chunked::ChunkedRecording;
use crate::hdf5::{self, File, Layout, Samples};
use crate::open::OpenOptions;

/// True when the file says that it is NWB.
pub(crate) fn is_nwb(file: &File) -> bool {
    let root = file.root();
    root.is_ok_and(|root| series::neurodata_type(&root).is_some_and(|kind| kind == "NWBFile"))
}

/// Opens the `ElectricalSeries` of a file; `overrides.stream` names it when there are several.
///
/// # Errors
/// No or several series, damaged or missing parts, or what `overrides` contradicts.
pub(crate) fn open(path: &Path, overrides: &OpenOptions) -> Result<ChunkedRecording<Samples>> {
    let file = File::open(path, hdf5::registry())?;
    let at = series::choose(&file, overrides.stream.as_deref())?;
    let dataset = file
        .dataset(&format!("{at}/data"))
        .ok_or_else(|| file.error(&format!("'{at}' has no data")))?;
    let mut options = BinaryOptions::new(0, 1.0);
    let clock = series::clock(&file, &at, &mut options.notes)?;
    options.sample_rate = overrides
        .sample_rate
        .or(clock)
        .ok_or_else(|| file.error(&format!("'{at}' has neither a rate nor timestamps; pass --sample-rate")))?;
    let conversion = series::conversion(&dataset);
    let channel_conversion = series::channel_conversion(&file, &at)?;
    options.probe = electrodes::probe(&file, &at, &mut options.notes)?;
    let layout = Layout {
        time_axis: 0,
        rows: None,
        few_bits: false,
    };
    let samples = Samples::new(file, dataset, layout)?;
    options.n_channels = samples.n_channels();
    options.sample_type = samples.sample_type();
    let each = channel_conversion.unwrap_or_else(|| vec![1.0; options.n_channels]);
    options.gain_uv = Some(each.into_iter().map(|factor| conversion * factor * 1e6).collect());
    if options
        .probe
        .as_ref()
        .is_some_and(|probe| probe.len() != options.n_channels)
    {
        options.probe = None;
        options.notes.push(format!(
            "{} has a list of electrodes for '{at}' that is not as long as it has channels, so it is not used; give --probe FILE",
            path.display()
        ));
    }
    overrides.apply(&mut options, path)?;
    let bounds = samples.bounds().to_vec();
    ChunkedRecording::new(path.to_path_buf(), samples, bounds, options)
}
