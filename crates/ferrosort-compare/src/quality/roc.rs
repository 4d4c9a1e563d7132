//! How well each metric tells well sorted units from others, when the truth is known.

use serde::Serialize;

use super::metrics::{Better, METRICS};
use super::table::QualityTable;

/// A point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// Units at least as good as this value are accepted.
    pub threshold: f64,
    /// Share of the other units that are accepted.
    pub false_positive_rate: f64,
    /// Share of the well sorted units that are accepted.
    pub true_positive_rate: f64,
}

/// ROC of one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRoc {
    /// Name of the metric.
    pub metric: String,
    /// Which values count as better.
    pub better: Better,
    /// Probability that a well sorted unit has a better value than another unit; ties count half. 0.5 is chance.
    pub area: f64,
    /// Units with a value: well sorted, others.
    pub n_units: [usize; 2],
    /// From accepting nothing to accepting all; the first threshold is left out of it.
    pub points: Vec<RocPoint>,
}

/// ROC of every metric of the table that judges, against `accuracy` of each unit (that of its true partner, 0 without) of at least
/// `well_sorted` (0.8).
///
/// Units without a value are left out of that metric's curve; a metric without units on one of the two sides is left out.
pub fn metric_rocs(table: &QualityTable, accuracy: &[f64], well_sorted: f64) -> Vec<MetricRoc> {
    METRICS
        .iter()
        .filter(|m| m.better != Better::Neither)
        .filter_map(|m| {
            let sign = if m.better == Better::High { 1.0 } else { -1.0 };
            let mut scored: Vec<(f64, bool)> = table
                .column(m.name)?
                .iter()
                .zip(accuracy)
                .filter(|(v, _)| v.is_finite())
                .map(|(v, &a)| (sign * v, a >= well_sorted))
                .collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            let good = scored.iter().filter(|s| s.1).count();
            let bad = scored.len() - good;
            if good == 0 || bad == 0 {
                return None;
            }
            let (mut accepted_good, mut accepted_bad, mut area) = (0usize, 0usize, 0.0);
            let mut points = Vec::new();
            for tie in scored.chunk_by(|a, b| a.0 == b.0) {
                let goods = tie.iter().filter(|s| s.1).count();
                let bads = tie.len() - goods;
                area += bads as f64 * (accepted_good as f64 + goods as f64 / 2.0);
                accepted_good += goods;
                accepted_bad += bads;
                points.push(RocPoint {
                    threshold: sign * tie[0].0,
                    false_positive_rate: accepted_bad as f64 / bad as f64,
                    true_positive_rate: accepted_good as f64 / good as f64,
                });
            }
            Some(MetricRoc {
                metric: m.name.to_owned(),
                better: m.better,
                area: area / (good * bad) as f64,
                n_units: [good, bad],
                points,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_probability_of_a_better_value() {
        let mut table = QualityTable {
            unit_ids: (0..5).map(|k| k.to_string()).collect(),
            ..QualityTable::default()
        };
        table.insert("snr", "", vec![9.0, 5.0, 5.0, 1.0, f64::NAN]);
        table.insert("l_ratio", "", vec![0.1, 0.2, 0.3, 0.4, 0.5]);
        table.insert("firing_rate", "Hz", vec![1.0; 5]);
        let rocs = metric_rocs(&table, &[0.9, 0.8, 0.5, 0.0, 1.0], 0.8);
        assert_eq!(rocs.len(), 2, "the rate does not judge");
        // Pairs: 9>5, 9>1, 5=5 (half), 5>1.
        assert_eq!((rocs[0].metric.as_str(), rocs[0].area), ("snr", 3.5 / 4.0));
        assert_eq!(rocs[0].n_units, [2, 2]);
        assert_eq!(rocs[0].points.len(), 3);
        // Low is better: the unit with 0.5 is well sorted, but worst.
        assert!((rocs[1].area - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(rocs[1].points[4].true_positive_rate, 1.0);
        assert!(metric_rocs(&table, &[1.0; 5], 0.8).is_empty());
    }
}
