//! The table of metrics: a row for each unit.

use serde::{Serialize, Serializer};

use super::metrics::METRICS;

/// One metric of all units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QualityColumn {
    /// Name of the metric.
    pub name: String,
    /// Unit of the values; empty for numbers and shares.
    pub unit: String,
    /// One for each unit; NaN where it could not be computed, `null` in JSON.
    #[serde(serialize_with = "nan_as_null")]
    pub values: Vec<f64>,
}

/// Metrics of the units of one sorting.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QualityTable {
    /// Name of each unit, in the order of the run.
    pub unit_ids: Vec<String>,
    /// Where the amplitudes came from.
    pub amplitude_source: Option<String>,
    /// Where the features came from.
    pub feature_source: Option<String>,
    /// The metrics that could be computed from what was given, in the order of [`METRICS`].
    pub columns: Vec<QualityColumn>,
}

fn nan_as_null<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|v| v.is_finite().then_some(*v)))
}

impl QualityTable {
    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.unit_ids.len()
    }

    /// Values of a metric, one for each unit.
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns
            .iter()
            .find(|c| c.name == name)
            .map(|c| c.values.as_slice())
    }

    /// Value of a metric for a unit; NaN when it is not there.
    pub fn value(&self, unit: usize, name: &str) -> f64 {
        self.column(name)
            .and_then(|values| values.get(unit))
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// Adds or replaces a column, at its place in the order of [`METRICS`] (unknown names at the end).
    pub(crate) fn insert(&mut self, name: &str, unit: &str, values: Vec<f64>) {
        let place_of = |name: &str| METRICS.iter().position(|m| m.name == name).unwrap_or(usize::MAX);
        let column = QualityColumn {
            name: name.to_owned(),
            unit: unit.to_owned(),
            values,
        };
        self.columns.retain(|c| c.name != name);
        let at = self.columns.partition_point(|c| place_of(&c.name) <= place_of(name));
        self.columns.insert(at, column);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_the_order_of_metrics_and_missing_values_are_null() {
        let mut table = QualityTable {
            unit_ids: vec!["3".into(), "a,b".into()],
            ..QualityTable::default()
        };
        table.insert("snr", "", vec![f64::NAN, 4.5]);
        table.insert("num_spikes", "", vec![0.0, 12.0]);
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["num_spikes", "snr"]);
        assert_eq!(table.value(1, "snr"), 4.5);
        assert!(table.value(1, "l_ratio").is_nan() && table.value(7, "snr").is_nan());
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(json["columns"][1]["values"], serde_json::json!([null, 4.5]));
        table.insert("snr", "", vec![1.0, 2.0]);
        assert_eq!(table.columns.len(), 2);
    }
}
