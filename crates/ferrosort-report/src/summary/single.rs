//! One sorting alone: what its units look like.

use super::{Finding, Summary, counted, grouped, median, tile, unit_id, unit_link};
use crate::Report;

pub(super) fn summarise(report: &Report, place: usize) -> Summary {
    let run = &report.runs[place];
    let labelled = |label: &str| run.units.iter().filter(|u| u.label == label).count();
    let (good, mua, noise) = (labelled("good"), labelled("mua"), labelled("noise"));
    let snr = median(run.units.iter().filter_map(|u| u.snr));
    let contamination = median(run.units.iter().filter_map(|u| u.contamination_pct));
    let number = |value: Option<f64>, unit: &str| value.map_or_else(|| "–".into(), |v| format!("{v:.1}{unit}"));
    let verdict = format!(
        "{} found {}; it calls {good} of them good. Their median contamination is estimated at {}, their median signal \
         to noise at {}. Without a truth or a second sorting these numbers say how units look, not whether they are right.",
        run.name,
        counted(run.units.len(), "unit", "units"),
        number(contamination, " %"),
        number(snr, "")
    );
    let tiles = vec![
        tile(good.to_string(), "good units", format!("of {}", run.units.len())),
        tile(mua.to_string(), "multi-unit activity", ""),
        tile(noise.to_string(), "noise", ""),
        tile(number(contamination, " %"), "median contamination", ""),
        tile(number(snr, ""), "median signal to noise", ""),
        tile(grouped(run.n_spikes), "spikes", ""),
    ];
    let mut found = Vec::new();
    for (i, unit) in run.units.iter().enumerate() {
        let meanings: Vec<&str> = run
            .metrics
            .iter()
            .filter(|m| is_suspicious(m, i))
            .map(|m| {
                if m.meaning.is_empty() {
                    m.name.as_str()
                } else {
                    m.meaning.as_str()
                }
            })
            .collect();
        if unit.label == "good" && !meanings.is_empty() {
            let text = format!("Unit {} is called good, but {}.", unit.id, meanings.join("; "));
            found.push((
                unit.n_spikes as f64 * meanings.len() as f64,
                Finding {
                    text,
                    link: unit_link(place, i),
                },
            ));
        }
        for similar in unit.similar.iter().filter(|s| s.merge_suggested && s.unit > i) {
            let text = format!(
                "Units {} and {} may be one neuron: their templates are alike and they avoid each other in time.",
                unit.id,
                unit_id(run, similar.unit)
            );
            found.push((
                unit.n_spikes as f64,
                Finding {
                    text,
                    link: unit_link(place, i),
                },
            ));
        }
    }
    found.sort_by(|x, y| y.0.total_cmp(&x.0));
    Summary {
        verdict,
        tiles,
        findings: found.into_iter().map(|f| f.1).collect(),
    }
}

fn is_suspicious(metric: &crate::model::MetricColumn, unit: usize) -> bool {
    let value = metric.values.values().get(unit).copied().unwrap_or(f64::NAN);
    metric.suspicious_above.is_some_and(|limit| value > limit)
        || metric.suspicious_below.is_some_and(|limit| value < limit)
}

#[cfg(test)]
mod tests {
    use crate::model::{Array, MetricColumn, Run, Unit};
    use crate::{Report, summary::summarise};

    #[test]
    fn a_good_unit_with_a_suspicious_metric_is_named() {
        let unit = |id: &str| Unit {
            id: id.into(),
            label: "good".into(),
            n_spikes: 5,
            ..Unit::default()
        };
        let metric = MetricColumn {
            name: "presence_ratio".into(),
            values: Array::list(vec![1.0, 0.2]),
            suspicious_below: Some(0.9),
            meaning: "it is silent for long".into(),
            ..MetricColumn::default()
        };
        let run = Run {
            name: "K2".into(),
            units: vec![unit("7"), unit("8")],
            metrics: vec![metric],
            ..Run::default()
        };
        let summary = summarise(&Report {
            runs: vec![run],
            ..Report::default()
        });
        assert_eq!(summary.findings.len(), 1);
        assert_eq!(
            summary.findings[0].text,
            "Unit 8 is called good, but it is silent for long."
        );
        assert_eq!(summary.tiles[0].value, "2");
    }
}
