//! What a report shows, as plain data.
//!
//! Everything is optional: a part that could not be computed is [`Part::NotAvailable`] with the reason, and the page
//! says so. Units are places (from 0) in [`Run::units`], runs are places in [`Report::runs`], channels are places in
//! [`ProbeMap`]. Positions are µm, rates Hz, times seconds unless a name says otherwise.
//!
//! Start from [`Report::default`] and fill in what is known.

mod agreement;
mod array;
mod drift;
mod intermediates;
mod outputs;
mod quality;
mod run;
mod traces;
mod truth;

use serde::{Deserialize, Serialize};

pub use agreement::{Agreement, Consensus, ConsensusUnit, PairAgreement};
pub use array::{Array, Kept};
pub use drift::{Drift, DriftPoints, MotionView, RunDrift, Stability};
pub use intermediates::{
    Alignment, AlignmentTraces, BatchMatrices, Intermediates, MatrixDifference, OrderComparison, Whitening,
};
pub use outputs::{Outputs, PairRaster, PairWaveforms, TemplateComparison, TemplatePair};
pub use quality::{MetricColumn, Quality, Roc, RuleCount};
pub use run::{
    Correlogram, Features, Histogram, ProbeMap, Raster, Role, Run, SimilarUnit, SpikeSample, Stage, Unit, UnitWaveforms,
};
pub use traces::{TracePanel, TraceSpike, Traces};
pub use truth::{
    Collisions, Confusion, Covariate, CovariateFit, CrossTable, KsBenchmark, OverlapRecall, ToleranceCurve, Truth,
    TruthComparison, UnitClasses,
};

/// Something that may be missing, with the reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part<T> {
    /// It is there.
    Available(T),
    /// It is not, because:
    NotAvailable {
        /// One sentence for people: what input or option is missing.
        reason: String,
    },
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self::missing("not computed")
    }
}

impl<T> Part<T> {
    /// Not available, for this reason.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::NotAvailable { reason: reason.into() }
    }

    /// The content, if there is one.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Available(content) => Some(content),
            Self::NotAvailable { .. } => None,
        }
    }
}

impl<T> From<Option<T>> for Part<T> {
    fn from(content: Option<T>) -> Self {
        content.map_or_else(Self::default, Self::Available)
    }
}

/// A named number or text that stands beside a plot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is: "median correlation".
    pub name: String,
    /// The number; `None` shows as a dash unless there is a text.
    pub value: Option<f64>,
    /// A text instead of a number: "planar".
    pub text: Option<String>,
    /// Unit of the number: "samples", "µm"; empty for none.
    pub unit: String,
}

impl Fact {
    /// A number with its unit ("" for none).
    pub fn number(name: impl Into<String>, value: f64, unit: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.is_finite().then_some(value),
            text: None,
            unit: unit.into(),
        }
    }

    /// A text.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: Some(text.into()),
            ..Self::default()
        }
    }
}

/// A parameter of the runs that are compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterRow {
    /// Its name.
    pub name: String,
    /// Its value in each of [`Report::runs`]; `None` where the source does not tell.
    pub values: Vec<Option<String>>,
    /// True when the values that are known are not all the same.
    pub differs: bool,
}

/// A file that went into the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileRow {
    /// Place of the run that it belongs to.
    pub run: usize,
    /// Name inside the run's folder.
    pub name: String,
    /// Size, bytes.
    pub bytes: Option<u64>,
    /// Type of its numbers: "float32".
    pub dtype: String,
    /// Shape of its array: "500 × 82 × 64".
    pub shape: String,
}

/// All that one page shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Heading, for example the recording's name.
    pub title: String,
    /// Program and version that wrote the report.
    pub generator: String,
    /// When, as text; leave empty for reports that must not depend on the clock.
    pub created: String,
    /// Samples per second.
    pub sample_rate_hz: Option<f64>,
    /// Length of the recording, s.
    pub duration_s: Option<f64>,
    /// Inputs that do not fit together and other remarks, one sentence each.
    pub warnings: Vec<String>,
    /// Where the contacts are.
    pub probe: Part<ProbeMap>,
    /// The truth (if any) and the sortings, at most one truth and three sortings; colours follow this order.
    pub runs: Vec<Run>,
    /// Parameters of all runs.
    pub parameters: Vec<ParameterRow>,
    /// Files of all runs.
    pub files: Vec<FileRow>,
    /// Part I.
    pub intermediates: Part<Intermediates>,
    /// Part II.
    pub outputs: Part<Outputs>,
    /// Part III.
    pub agreement: Part<Agreement>,
    /// Part IV.
    pub truth: Part<Truth>,
    /// Part V; the metrics themselves are [`Run::metrics`].
    pub quality: Part<Quality>,
    /// Part VI.
    pub drift: Part<Drift>,
    /// Raw and processed traces with spikes.
    pub traces: Part<Traces>,
}
