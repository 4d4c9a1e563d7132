//! Sets of conditions that a unit must meet to count as good.

use serde::Serialize;

use super::table::QualityTable;

/// How a value is compared with a limit. NaN meets no condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// Greater than.
    #[serde(rename = ">")]
    Above,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// Less than.
    #[serde(rename = "<")]
    Below,
    /// Absolute value greater than.
    #[serde(rename = "|x| >")]
    MagnitudeAbove,
}

/// A limit for a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// Name of the metric.
    pub metric: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// The limit.
    pub limit: f64,
}

impl Condition {
    fn new(metric: &str, comparison: Comparison, limit: f64) -> Self {
        Self {
            metric: metric.to_owned(),
            comparison,
            limit,
        }
    }

    /// True when the value meets the condition.
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.limit,
            Comparison::AtLeast => value >= self.limit,
            Comparison::Below => value < self.limit,
            Comparison::MagnitudeAbove => value.abs() > self.limit,
        }
    }
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleSet {
    /// Name of the set.
    pub name: String,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// Which units meet a set of rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdicts {
    /// Name of the set.
    pub name: String,
    /// For each unit, whether all conditions hold.
    pub passes: Vec<bool>,
    /// Number of units that pass.
    pub n_pass: usize,
    /// For each condition, the number of units that fail it.
    pub failures: Vec<usize>,
    /// Metrics of conditions that were left out because the table lacks them.
    pub not_available: Vec<String>,
}

impl RuleSet {
    /// The usual set: present throughout, few refractory violations, few spikes missing, above the noise, enough spikes.
    pub fn good() -> Self {
        Self {
            name: "good".to_owned(),
            conditions: vec![
                Condition::new("presence_ratio", Comparison::Above, 0.9),
                Condition::new("isi_violations_ratio", Comparison::Below, 0.5),
                Condition::new("amplitude_cutoff", Comparison::Below, 0.1),
                Condition::new("snr", Comparison::Above, 3.0),
                Condition::new("num_spikes", Comparison::AtLeast, 50.0),
            ],
        }
    }

    /// Refractory violations alone: contamination below 10 % by the estimate of Llobet et al., at least 50 spikes.
    pub fn single_unit() -> Self {
        Self {
            name: "single unit".to_owned(),
            conditions: vec![
                Condition::new("rp_contamination", Comparison::Below, 0.1),
                Condition::new("num_spikes", Comparison::AtLeast, 50.0),
            ],
        }
    }

    /// The rules of the International Brain Laboratory (2024): sliding refractory period, noise cutoff, amplitude above 50 µV.
    ///
    /// The amplitudes must be in µV.
    pub fn ibl() -> Self {
        Self {
            name: "ibl".to_owned(),
            conditions: vec![
                Condition::new("sliding_rp_violation", Comparison::Below, 0.1),
                Condition::new("noise_cutoff", Comparison::Below, 5.0),
                Condition::new("amplitude_median", Comparison::MagnitudeAbove, 50.0),
            ],
        }
    }

    /// Applies the rules. A condition on a column that the table lacks is left out, and named.
    pub fn apply(&self, table: &QualityTable) -> Verdicts {
        let mut passes = vec![true; table.n_units()];
        let mut failures = vec![0; self.conditions.len()];
        let mut not_available = Vec::new();
        for (condition, failed) in self.conditions.iter().zip(&mut failures) {
            let Some(values) = table.column(&condition.metric) else {
                not_available.push(condition.metric.clone());
                continue;
            };
            for (pass, &value) in passes.iter_mut().zip(values) {
                let holds = condition.holds(value);
                *failed += usize::from(!holds);
                *pass &= holds;
            }
        }
        Verdicts {
            name: self.name.clone(),
            n_pass: passes.iter().filter(|&&p| p).count(),
            passes,
            failures,
            not_available,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_fail_and_missing_columns_are_named() {
        let mut table = QualityTable {
            unit_ids: vec!["0".into(), "1".into(), "2".into()],
            ..QualityTable::default()
        };
        table.insert("presence_ratio", "", vec![0.95, 0.9, f64::NAN]);
        table.insert("num_spikes", "", vec![50.0, 100.0, 100.0]);
        let verdicts = RuleSet::good().apply(&table);
        assert_eq!(verdicts.passes, [true, false, false], "0.9 is not above 0.9");
        assert_eq!(verdicts.failures, [2, 0, 0, 0, 0]);
        assert_eq!(
            verdicts.not_available,
            ["isi_violations_ratio", "amplitude_cutoff", "snr"]
        );
        assert_eq!(verdicts.n_pass, 1);
    }
}
