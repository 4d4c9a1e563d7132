//! The nouns of ferrosort: [`Recording`], [`Probe`], [`Sorting`], [`SortingRun`], [`Error`], [`Observer`], and the [`Table`].
//!
//! No algorithms and no files live here. Formats implement [`Recording`], stages consume it, exporters
//! consume [`Sorting`]; none of them knows the others.
#![forbid(unsafe_code)]

mod error;
mod observer;
mod probe;
mod recording;
mod sorting;
mod sorting_run;
mod table;

pub use error::{Error, Result};
pub use observer::{Observer, Silent};
pub use probe::{Contact, Probe};
pub use recording::{MemoryRecording, RawFile, Recording, SampleType, segments};
pub use sorting::{PcFeatures, Sorting, TemplateFeatures, UnitLabel, UnitSummary};
pub use sorting_run::{
    Intermediates, Motion, ProcessedFile, ProcessedLayout, RecordingFormat, RunKind, RunUnit, ShankMotion, SortingRun,
    SourceFile, SpikeTable, TemplateSet, TemplateUnit, TruthDetails,
};
pub use table::{Cell, Number, RowText, Separator, Table};
