//! Results of any sorter, and the truth of any simulation, as one type: [`SortingRun`].
//!
//! [`read_run`] tells from the content what a folder or file is and normalises it on the way in: samples, units,
//! channels and batches count from 0, matrices of MATLAB are turned back, spikes are in order, parts that a source
//! does not have are `None`. What deserves the attention of a reader becomes a warning; what cannot be used is an
//! error. docs/results.md lists the formats and what is normalised in each.

mod columns;
mod consistency;
mod detect;
mod emouse;
mod family;
mod ferrosort;
mod files;
mod kilosort2;
mod kilosort4;
mod listing;
mod mearec;
mod phy;
mod pykilosort;
mod spikeinterface;
mod table;
#[cfg(test)]
mod tests;
mod truth;
mod whitening;

use std::path::{Path, PathBuf};

use ferrosort_core::{ProcessedLayout, Result, SortingRun};

pub use consistency::consistency_warnings;

use detect::{Found, detect};

/// How to read a result; the default suits most.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Short name for tables and legends; the folder's name when absent.
    pub name: Option<String>,
    /// Keep units without spikes. Units of a simulation are always kept.
    pub keep_empty_units: bool,
    /// Samples per second, Hz, where the source does not say or is wrong.
    pub sample_rate: Option<f64>,
    /// Samples to subtract from every spike time.
    pub time_offset: i64,
    /// Read the truth of a simulation where a folder holds a truth and a sorting.
    pub prefer_truth: bool,
    /// Leave the features of the spikes, usually the largest array, unread.
    pub skip_features: bool,
    /// What is known about the processed data better than the source knows.
    pub processed: ProcessedOptions,
}

/// Overrides for the filtered and whitened data.
#[derive(Debug, Clone, Default)]
pub struct ProcessedOptions {
    /// The file, `int16`, little-endian.
    pub path: Option<PathBuf>,
    /// How its values lie.
    pub layout: Option<ProcessedLayout>,
    /// Samples of a batch in it (`NT`).
    pub batch_samples: Option<usize>,
    /// Channels in it.
    pub n_channels: Option<usize>,
}

/// Reads what a sorter or a simulator left at `path`, a folder or a file.
///
/// # Errors
/// Nothing there that is known (the message says what was looked for, and names subfolders that hold something);
/// files that are damaged, disagree in length or would need to be executed; several segments.
pub fn read_run(path: &Path, options: &ReadOptions) -> Result<SortingRun> {
    let mut run = match detect(path, options.prefer_truth)? {
        Found::Ferrosort(folder) => ferrosort::read(&folder, options)?,
        Found::Phy(folder) => phy::read(&folder, options)?,
        Found::Kilosort2 { folder, rez } => kilosort2::read(&folder, &rez, options)?,
        Found::Pykilosort { context, phy } => pykilosort::read(&context, phy.as_deref(), options)?,
        Found::NumpyFolder(folder) => spikeinterface::read_folder(&folder, options)?,
        Found::Npz(file) => spikeinterface::read_npz(&file, options)?,
        Found::Truth(folder) => truth::read(&folder, options)?,
        Found::Emouse(file) => emouse::read(&file, options)?,
        Found::Kilosort4Truth(file) => kilosort4::read(&file, options)?,
        Found::Mearec(file) => mearec::read(&file, options)?,
        Found::Table(file) => table::read(&file, options)?,
    };
    run.source = path.to_path_buf();
    run.name = options.name.clone().unwrap_or_else(|| detect::short_name(path));
    run.files = listing::files(path);
    override_processed(&mut run, &options.processed);
    columns::check(&mut run);
    if !(options.keep_empty_units || run.truth.is_some()) {
        columns::drop_empty_units(&mut run);
    }
    Ok(run)
}

fn override_processed(run: &mut SortingRun, over: &ProcessedOptions) {
    if let Some(path) = &over.path {
        match &mut run.processed {
            Some(processed) => processed.path.clone_from(path),
            None => run.processed = files::processed(path.clone(), run),
        }
    }
    if let Some(processed) = &mut run.processed {
        processed.layout = over.layout.or(processed.layout);
        processed.n_channels = over.n_channels.unwrap_or(processed.n_channels);
        if let Some(batch_samples) = over.batch_samples.filter(|&n| n != processed.batch_samples) {
            processed.batch_samples = batch_samples;
            // They were worked out from the other number.
            processed.first_samples = None;
        }
    }
}
