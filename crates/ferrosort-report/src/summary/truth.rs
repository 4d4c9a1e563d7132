//! A sorting against the truth.

use std::fmt::Write as _;

use super::{Finding, Summary, grouped, mean, tile, two_digits, unit_id, unit_link};
use crate::Report;
use crate::model::{Run, Truth, TruthComparison};

/// Accuracy from which a unit counts as found.
const WELL: f64 = 0.8;
/// How far a group has to be below the mean to be named.
const WEAK: f64 = 0.12;

pub(super) fn summarise(report: &Report, truth: &Truth) -> Option<Summary> {
    let first = truth.comparisons.first()?;
    let (known, run) = (report.runs.get(truth.truth_run)?, report.runs.get(first.run)?);
    let (n, well) = counts(first);
    let mean_accuracy = mean(first.accuracy.values().iter().copied());
    let mut verdict = format!(
        "{} finds {well} of {n} true units with an accuracy of 0.8 or more; the mean accuracy is {}.",
        run.name,
        two_digits(mean_accuracy)
    );
    if let Some(weak) = weak_places(known, first) {
        let _ = write!(verdict, " {weak}");
    }
    for other in &truth.comparisons[1..] {
        if let Some(other_run) = report.runs.get(other.run) {
            let (_, others_well) = counts(other);
            let others_mean = mean(other.accuracy.values().iter().copied());
            let _ = write!(
                verdict,
                " For comparison, {} finds {others_well} (mean accuracy {}).",
                other_run.name,
                two_digits(others_mean)
            );
        }
    }
    Some(Summary {
        verdict,
        tiles: tiles(report, truth),
        findings: findings(truth, known, run, first),
    })
}

/// Truth units, and how many are found well.
fn counts(comparison: &TruthComparison) -> (usize, usize) {
    let accuracy = comparison.accuracy.values();
    (accuracy.len(), accuracy.iter().filter(|&&a| a >= WELL).count())
}

fn tiles(report: &Report, truth: &Truth) -> Vec<super::Tile> {
    let first = &truth.comparisons[0];
    let others = |text: &dyn Fn(&TruthComparison) -> String| {
        let parts: Vec<String> = truth.comparisons[1..]
            .iter()
            .filter_map(|c| Some(format!("{}: {}", report.runs.get(c.run)?.name, text(c))))
            .collect();
        parts.join(" · ")
    };
    let accuracy = |c: &TruthComparison| two_digits(mean(c.accuracy.values().iter().copied()));
    let (n, well) = counts(first);
    let mut tiles = vec![
        tile(accuracy(first), "mean accuracy", others(&accuracy)),
        tile(
            format!("{well} of {n}"),
            "units with accuracy ≥ 0.8",
            others(&|c| counts(c).1.to_string()),
        ),
        tile(
            first.classes.missed.len().to_string(),
            "true units missed",
            others(&|c| c.classes.missed.len().to_string()),
        ),
    ];
    if first.exhaustive {
        type Kind = (&'static str, fn(&TruthComparison) -> usize);
        let kinds: [Kind; 3] = [
            ("false positive units", |c| c.classes.false_positive.len()),
            ("redundant units", |c| c.classes.redundant.len()),
            ("merged units", |c| c.classes.overmerged.len()),
        ];
        for (label, count) in kinds {
            tiles.push(tile(count(first).to_string(), label, others(&|c| count(c).to_string())));
        }
    }
    tiles
}

/// Where accuracy is well below the mean: small units, or a stretch of the probe.
fn weak_places(known: &Run, comparison: &TruthComparison) -> Option<String> {
    let accuracy = comparison.accuracy.values();
    let overall = mean(accuracy.iter().copied())?;
    let mut places = Vec::new();
    let mut by_snr: Vec<(f64, f64)> = known
        .units
        .iter()
        .zip(accuracy)
        .filter_map(|(unit, &a)| Some((unit.snr?, a)))
        .collect();
    by_snr.sort_by(|a, b| a.0.total_cmp(&b.0));
    let third = by_snr.len() / 3;
    if third >= 3 && mean(by_snr[..third].iter().map(|u| u.1))? < overall - WEAK {
        places.push(format!(
            "among small units (signal to noise below {:.1})",
            by_snr[third].0
        ));
    }
    if let Some((low, high)) = weak_depths(known, accuracy, overall) {
        places.push(format!("between {low:.0} and {high:.0} µm"));
    }
    (!places.is_empty()).then(|| format!("It is weakest {}.", places.join(" and ")))
}

/// The fifth of the probe with the lowest mean accuracy, if it is clearly below the mean of all.
fn weak_depths(known: &Run, accuracy: &[f64], overall: f64) -> Option<(f64, f64)> {
    let depths: Vec<(f64, f64)> = known
        .units
        .iter()
        .zip(accuracy)
        .filter_map(|(unit, &a)| Some((unit.y_um?, a)))
        .collect();
    let low = depths.iter().map(|d| d.0).fold(f64::INFINITY, f64::min);
    let high = depths.iter().map(|d| d.0).fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / 5.0;
    let mut worst: Option<(f64, f64, f64)> = None;
    for slice in 0..5 {
        let from = low + f64::from(slice) * width;
        let inside: Vec<f64> = depths
            .iter()
            .filter(|d| d.0 >= from && d.0 < from + width)
            .map(|d| d.1)
            .collect();
        let Some(there) = mean(inside.iter().copied()) else {
            continue;
        };
        if inside.len() >= 3 && there < overall - WEAK && worst.is_none_or(|w| there < w.0) {
            worst = Some((there, from, from + width));
        }
    }
    worst.map(|(_, from, to)| (from, to))
}

/// True units that a merged unit shares more than a fifth with: from the matches of all pairs if given, else those for
/// which it is the best.
fn merged_parts(known: &Run, run: &Run, comparison: &TruthComparison, unit: usize) -> Vec<usize> {
    let spikes = |run: &Run, unit: usize| run.units.get(unit).map_or(0.0, |u| u.n_spikes as f64);
    let confusion = comparison.confusion.get().filter(|c| !c.all_matches.is_empty());
    let column = confusion.and_then(|c| c.columns.iter().position(|&u| u == unit));
    let Some((confusion, column)) = confusion.zip(column) else {
        return (0..comparison.best.len())
            .filter(|&i| comparison.best[i] == Some(unit))
            .collect();
    };
    let mut parts: Vec<usize> = (0..confusion.rows.len())
        .filter(|&row| {
            let matches = confusion.all_matches.at(row, column);
            matches / (spikes(known, confusion.rows[row]) + spikes(run, unit) - matches) > 0.2
        })
        .map(|row| confusion.rows[row])
        .collect();
    parts.sort_unstable();
    parts
}

/// Problems with a weight: about how many spikes go wrong.
fn findings(truth: &Truth, known: &Run, run: &Run, comparison: &TruthComparison) -> Vec<Finding> {
    let mut found: Vec<(f64, Finding)> = Vec::new();
    let classes = &comparison.classes;
    let spikes = |run: &Run, unit: usize| run.units.get(unit).map_or(0, |u| u.n_spikes);
    let mut add = |weight: f64, text: String, link: String| found.push((weight, Finding { text, link }));
    for &unit in &classes.missed {
        let about = known.units.get(unit);
        let size = about.and_then(|u| u.snr);
        let size_text = size.map_or_else(String::new, |s| format!(", signal to noise {s:.1}"));
        let n = spikes(known, unit);
        let text = format!(
            "True unit {} was missed ({} spikes{size_text}).",
            unit_id(known, unit),
            grouped(n)
        );
        // Large units that are missed matter most: nobody expects the smallest to be found.
        let weight = n as f64 * (size.unwrap_or(4.0) / 4.0).clamp(0.3, 3.0);
        add(weight, text, unit_link(truth.truth_run, unit));
    }
    for &unit in &classes.overmerged {
        let parts: Vec<&str> = merged_parts(known, run, comparison, unit)
            .into_iter()
            .map(|i| unit_id(known, i))
            .collect();
        let of = if parts.len() > 1 {
            format!("true units {}", parts.join(" and "))
        } else {
            "several true units".into()
        };
        let text = format!(
            "Unit {} merges {of} ({} spikes).",
            unit_id(run, unit),
            grouped(spikes(run, unit))
        );
        add(spikes(run, unit) as f64 * 0.5, text, unit_link(comparison.run, unit));
    }
    if comparison.exhaustive {
        for &unit in &classes.redundant {
            let n = spikes(run, unit);
            let text = format!(
                "Unit {} repeats a true unit that another unit matches better ({} spikes).",
                unit_id(run, unit),
                grouped(n)
            );
            add(n as f64 * 0.4, text, unit_link(comparison.run, unit));
        }
        for &unit in &classes.false_positive {
            let n = spikes(run, unit);
            let text = format!(
                "Unit {} matches no true unit ({} spikes).",
                unit_id(run, unit),
                grouped(n)
            );
            add(n as f64 * 0.4, text, unit_link(comparison.run, unit));
        }
    }
    for (i, tested) in comparison.tested.iter().enumerate() {
        let Some(unit) = *tested else { continue };
        let value = |array: &crate::model::Array| array.values().get(i).copied().unwrap_or(f64::NAN);
        let accuracy = value(&comparison.accuracy);
        if accuracy < WELL && !classes.overmerged.contains(&unit) {
            let (misses, false_positives) = (value(&comparison.misses), value(&comparison.false_positives));
            let why = if misses > 2.0 * false_positives {
                "mostly missed spikes"
            } else if false_positives > 2.0 * misses {
                "mostly foreign spikes"
            } else {
                "both missed and foreign spikes"
            };
            let text = format!(
                "True unit {} is matched with an accuracy of only {accuracy:.2}: {why}.",
                unit_id(known, i)
            );
            add((misses + false_positives).max(0.0), text, unit_link(truth.truth_run, i));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let extra = found.len().saturating_sub(super::MOST_FINDINGS);
    let mut findings: Vec<Finding> = found.into_iter().map(|f| f.1).collect();
    if extra > 0 {
        findings.truncate(super::MOST_FINDINGS - 1);
        findings.push(Finding {
            text: format!("{} more problems; see the table of units.", extra + 1),
            link: "#units".into(),
        });
    }
    findings
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::model::{Array, Part, Role, Run, Truth, TruthComparison, Unit, UnitClasses};
    use crate::{Report, summary::summarise};

    fn unit(id: &str, n_spikes: u64, snr: f64) -> Unit {
        Unit {
            id: id.into(),
            n_spikes,
            snr: Some(snr),
            y_um: Some(10.0),
            ..Unit::default()
        }
    }

    fn report() -> Report {
        let units = |n: u64| {
            (0..n)
                .map(|i| unit(&format!("u{i}"), 100 * (i + 1), i as f64))
                .collect()
        };
        let comparison = TruthComparison {
            run: 1,
            accuracy: Array::list(vec![0.0, 0.5, 0.9]),
            misses: Array::integers([100, 100, 10]),
            false_positives: Array::integers([0, 0, 20]),
            tested: vec![None, Some(0), Some(1)],
            best: vec![None, Some(0), Some(1)],
            exhaustive: true,
            classes: UnitClasses {
                missed: vec![0],
                ..UnitClasses::default()
            },
            ..TruthComparison::default()
        };
        Report {
            runs: vec![
                Run {
                    name: "truth".into(),
                    role: Role::Truth,
                    units: units(3),
                    ..Run::default()
                },
                Run {
                    name: "K2".into(),
                    units: units(2),
                    ..Run::default()
                },
            ],
            truth: Part::Available(Truth {
                truth_run: 0,
                comparisons: vec![comparison],
            }),
            ..Report::default()
        }
    }

    #[test]
    fn the_verdict_counts_units_and_averages_accuracy() {
        let summary = summarise(&report());
        assert!(
            summary
                .verdict
                .starts_with("K2 finds 1 of 3 true units with an accuracy of 0.8 or more; the mean accuracy is 0.47."),
            "{}",
            summary.verdict
        );
        assert_eq!(summary.tiles.len(), 6);
        assert_eq!(summary.tiles[1].value, "1 of 3");
    }

    #[test]
    fn problems_come_with_the_most_spikes_first_and_a_link() {
        let summary = summarise(&report());
        let texts: Vec<&str> = summary.findings.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(
            texts[0],
            "True unit u1 is matched with an accuracy of only 0.50: mostly missed spikes."
        );
        assert_eq!(texts[1], "True unit u0 was missed (100 spikes, signal to noise 0.0).");
        assert_eq!(summary.findings[1].link, "#unit-0-0");
    }

    #[test]
    fn kinds_that_need_a_complete_truth_are_left_out_without_one() {
        let mut report = report();
        if let Part::Available(truth) = &mut report.truth {
            truth.comparisons[0].exhaustive = false;
        }
        assert_eq!(summarise(&report).tiles.len(), 3);
    }
}
