//! Results as files that other programs read: [`export`] (docs/export.md).
//!
//! Every format takes what it can hold from a [`SortingRun`], whatever program that came from; what is left out for want of something
//! is a warning. Positions and depths are in µm. An export is complete under its name or not there at all ([`NewOutput`]), and only
//! earlier exports of the same format are replaced.

mod alf;
mod facts;
mod motion;
mod nwb;
mod spikeinterface;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use ferrosort_core::{Error, Observer, Result, Separator, SortingRun};
use serde_json::{Value, json};

use crate::new_output::{NewOutput, Replaceable};
use crate::regular::read_regular_text;

use facts::Facts;
pub use nwb::{METADATA_KEYS, Metadata};

/// Program that wrote an export, in its [`RECORD`].
const GENERATOR: &str = concat!("ferrosort-export ", env!("CARGO_PKG_VERSION"));
/// The file of a folder that says what it is.
const RECORD: &str = "export.json";

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A file of Neurodata Without Borders: units and electrodes.
    Nwb,
    /// A folder with the names of the International Brain Laboratory.
    Alf,
    /// A folder that SpikeInterface loads as a sorting.
    SpikeInterface,
    /// A folder with tables of units and spikes, separated by tabs.
    Tsv,
    /// The same, separated by commas.
    Csv,
    /// A folder that SpikeInterface loads as `Motion`.
    Motion,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Nwb,
        Self::Alf,
        Self::SpikeInterface,
        Self::Tsv,
        Self::Csv,
        Self::Motion,
    ];

    /// The name by which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nwb => "nwb",
            Self::Alf => "alf",
            Self::SpikeInterface => "spikeinterface",
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Motion => "motion",
        }
    }

    /// The format of a name.
    ///
    /// # Errors
    /// There is none; the message lists all.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| {
                let all = Self::ALL.map(Self::name).join(", ");
                Error::input(format!("there is no format '{name}' to export to; choose one of {all}"))
            })
    }

    /// Which outputs of this format may be replaced.
    fn replaceable(self) -> Replaceable {
        match self {
            Self::Nwb => Replaceable {
                what: "export to NWB",
                files: nwb::of_earlier,
            },
            Self::Alf => Replaceable {
                what: "export to ALF",
                files: |folder| of_earlier(folder, Self::Alf),
            },
            Self::SpikeInterface => Replaceable {
                what: "export to SpikeInterface",
                files: |folder| of_earlier(folder, Self::SpikeInterface),
            },
            Self::Tsv => Replaceable {
                what: "export to TSV",
                files: |folder| of_earlier(folder, Self::Tsv),
            },
            Self::Csv => Replaceable {
                what: "export to CSV",
                files: |folder| of_earlier(folder, Self::Csv),
            },
            Self::Motion => Replaceable {
                what: "export of the motion",
                files: |folder| of_earlier(folder, Self::Motion),
            },
        }
    }
}

/// A number for each unit, such as a quality metric.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitColumn {
    /// Name of the column.
    pub name: String,
    /// What it says, in a sentence.
    pub description: String,
    /// One for each unit of the run; NaN where there is none.
    pub values: Vec<f64>,
}

/// How a result is exported.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// What is written.
    pub format: Format,
    /// Replace an earlier export of this format, and nothing else.
    pub overwrite: bool,
    /// µV per count, for results that do not say it.
    pub gain_uv: Option<f64>,
    /// What NWB asks for and a sorting does not know.
    pub metadata: Metadata,
    /// The date that the file gets in NWB.
    pub created: SystemTime,
}

impl ExportOptions {
    /// Everything as by default.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            overwrite: false,
            gain_uv: None,
            metadata: Metadata::default(),
            created: SystemTime::now(),
        }
    }
}

/// Writes a run to `output`: a file for NWB, a folder for everything else. `columns` are numbers of the units beyond those in the run.
/// The observer is told what had to be left out.
///
/// # Errors
/// The run lacks what the format cannot do without (a sample rate, a motion); `output` exists and may not be replaced, or is the input;
/// I/O.
pub fn export(
    run: &SortingRun,
    columns: &[UnitColumn],
    output: &Path,
    options: &ExportOptions,
    observer: &dyn Observer,
) -> Result<()> {
    check_is_no_input(output, &run.source)?;
    let facts = Facts::new(run, columns, options)?;
    let replaceable = options.format.replaceable();
    if options.format == Format::Nwb {
        let made = NewOutput::file(output, options.overwrite, replaceable)?;
        nwb::write(&facts, options, made.path(), observer)?;
        return stop_or_finish(made, observer);
    }
    let made = NewOutput::folder(output, options.overwrite, replaceable)?;
    match options.format {
        Format::Alf => alf::write(&facts, made.path(), observer)?,
        Format::SpikeInterface => spikeinterface::write(&facts, made.path())?,
        Format::Tsv => tables::write(&facts, Separator::Tab, made.path())?,
        Format::Csv => tables::write(&facts, Separator::Comma, made.path())?,
        Format::Motion | Format::Nwb => motion::write(&facts, made.path())?,
    }
    write_record(&facts, options.format, made.path())?;
    stop_or_finish(made, observer)
}

fn stop_or_finish(made: NewOutput, observer: &dyn Observer) -> Result<()> {
    if observer.cancelled() {
        return Err(Error::Interrupted);
    }
    made.finish()
}

/// An export may lie in the folder of its input, but not replace it or what it is in.
fn check_is_no_input(output: &Path, source: &Path) -> Result<()> {
    let (Ok(output_real), Ok(source_real)) = (output.canonicalize(), source.canonicalize()) else {
        return Ok(());
    };
    if source_real.starts_with(&output_real) {
        return Err(Error::input(format!(
            "output {} holds the input {}; name another one",
            output.display(),
            source.display()
        )));
    }
    Ok(())
}

/// Says in the folder what it is and which files belong to it.
fn write_record(facts: &Facts, format: Format, folder: &Path) -> Result<()> {
    let record = json!({
        "generator": GENERATOR,
        "format": format.name(),
        "source": facts.run.name,
        "program": facts.run.program,
        "sample_rate_hz": facts.run.sample_rate,
        "units": facts.run.units.len(),
        "spikes": facts.run.spikes.len(),
        "files": names_below(folder, "")?,
    });
    write_json(&folder.join(RECORD), &record)
}

fn names_below(folder: &Path, prefix: &str) -> Result<Vec<String>> {
    let fail = |e| Error::io("read", folder, e);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            names.extend(names_below(&entry.path(), &format!("{name}/"))?);
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The files of an earlier export of a format; `None` where there is none.
fn of_earlier(folder: &Path, format: Format) -> Option<Vec<String>> {
    let text = read_regular_text(&folder.join(RECORD), "export").ok()?;
    let record: Value = serde_json::from_str(&text).ok()?;
    let generator = record.get("generator")?.as_str()?;
    if !generator.starts_with("ferrosort-export ") || record.get("format")?.as_str()? != format.name() {
        return None;
    }
    let files = record.get("files")?.as_array()?.iter();
    let own = files.filter_map(Value::as_str).map(String::from);
    Some(own.chain([RECORD.to_owned()]).collect())
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    write_text(path, &format!("{value:#}\n"))
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| Error::io("write", path, e))
}
