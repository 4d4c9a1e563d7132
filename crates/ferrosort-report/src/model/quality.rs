//! Part V: quality metrics.

use serde::{Deserialize, Serialize};

use super::Array;

/// One metric of all units of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricColumn {
    /// Name as in the tables: `isi_violations_ratio`.
    pub name: String,
    /// Name for people: "refractory violations"; empty to use `name`.
    pub label: String,
    /// Unit: "Hz", "µV"; empty for none.
    pub unit: String,
    /// One value per unit; NaN where undefined.
    pub values: Array,
    /// Values above this are suspicious.
    pub suspicious_above: Option<f64>,
    /// Values below this are suspicious.
    pub suspicious_below: Option<f64>,
    /// What a suspicious value means, in plain words: "many intervals are shorter than a neuron can fire".
    pub meaning: String,
}

/// Counts of units that meet rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleCount {
    /// Name: "good".
    pub name: String,
    /// The rule: "presence > 0.9, snr > 3".
    pub rule: String,
    /// Units that meet it, per run; `None` where not computed.
    pub units: Vec<Option<usize>>,
}

/// How well a metric tells well detected units from others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// Place of the run.
    pub run: usize,
    /// Name of the metric.
    pub metric: String,
    /// Area under the curve.
    pub area: Option<f64>,
    /// False positive rate along the curve, ascending.
    pub false_positive_rate: Array,
    /// True positive rate.
    pub true_positive_rate: Array,
}

/// Part V beyond the metrics of each run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Rules and how many units meet them.
    pub rules: Vec<RuleCount>,
    /// Metrics against accuracy >= 0.8, when there is a truth.
    pub roc: Vec<Roc>,
}
