//! Two sortings side by side.

use super::{Finding, Summary, counted, grouped, mean, median, tile, two_digits, unit_id, unit_link};
use crate::Report;
use crate::model::{Agreement, Run};

const GOOD_AGREEMENT: f64 = 0.8;

pub(super) fn summarise(report: &Report, agreement: &Agreement) -> Option<Summary> {
    let pair = agreement.pairs.first()?;
    let (a, b) = (report.runs.get(pair.a)?, report.runs.get(pair.b)?);
    let matched: Vec<(usize, usize, f64)> = pair
        .matches
        .iter()
        .enumerate()
        .filter_map(|(i, j)| j.map(|j| (i, j, pair.scores.at(i, j))))
        .collect();
    let strong = matched.iter().filter(|m| m.2 >= GOOD_AGREEMENT).count();
    let only_a: Vec<usize> = (0..a.units.len())
        .filter(|&i| pair.matches.get(i).is_none_or(Option::is_none))
        .collect();
    let only_b: Vec<usize> = (0..b.units.len())
        .filter(|j| !matched.iter().any(|m| m.1 == *j))
        .collect();
    let middle = median(matched.iter().map(|m| m.2));
    let share = strong as f64 / (a.units.len().max(b.units.len()).max(1)) as f64;
    let how = match share {
        s if s >= 0.8 => "agree on nearly all units",
        s if s >= 0.5 => "agree on most units",
        s if s >= 0.2 => "agree on some units only",
        _ => "agree on few units",
    };
    let verdict = format!(
        "{} and {} {how}: {} with an agreement of 0.8 or more, {} only in {}, {} only in {}.",
        a.name,
        b.name,
        counted(strong, "pair", "pairs"),
        only_a.len(),
        a.name,
        only_b.len(),
        b.name
    );
    let tiles = vec![
        tile(
            strong.to_string(),
            "pairs with agreement ≥ 0.8",
            format!("of {} and {} units", a.units.len(), b.units.len()),
        ),
        tile(matched.len().to_string(), "pairs matched", "one to one"),
        tile(
            two_digits(middle),
            "median agreement of pairs",
            format!("mean {}", two_digits(mean(matched.iter().map(|m| m.2)))),
        ),
        tile(
            only_a.len().to_string(),
            "units without partner",
            format!("in {}", a.name),
        ),
        tile(
            only_b.len().to_string(),
            "units without partner",
            format!("in {}", b.name),
        ),
    ];
    let mut found = lonely(a, pair.a, &only_a, &b.name);
    found.extend(lonely(b, pair.b, &only_b, &a.name));
    for &(i, j, score) in &matched {
        if score < GOOD_AGREEMENT {
            let n = a.units[i].n_spikes.max(b.units.get(j).map_or(0, |u| u.n_spikes));
            let text = format!(
                "Unit {} of {} and unit {} of {} share only part of their spikes: agreement {score:.2}.",
                unit_id(a, i),
                a.name,
                unit_id(b, j),
                b.name
            );
            found.push((
                n as f64 * (1.0 - score),
                Finding {
                    text,
                    link: unit_link(pair.a, i),
                },
            ));
        }
    }
    found.sort_by(|x, y| y.0.total_cmp(&x.0));
    Some(Summary {
        verdict,
        tiles,
        findings: found.into_iter().map(|f| f.1).collect(),
    })
}

fn lonely(run: &Run, place: usize, units: &[usize], other: &str) -> Vec<(f64, Finding)> {
    let sentence = |&unit: &usize| {
        let n = run.units[unit].n_spikes;
        let text = format!(
            "Unit {} of {} ({} spikes) has no partner in {other}.",
            unit_id(run, unit),
            run.name,
            grouped(n)
        );
        (
            n as f64,
            Finding {
                text,
                link: unit_link(place, unit),
            },
        )
    };
    units.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use crate::model::{Agreement, Array, PairAgreement, Part, Run, Unit};
    use crate::{Report, summary::summarise};

    #[test]
    fn pairs_and_units_without_partner_are_counted() {
        let run = |name: &str, n: usize| Run {
            name: name.into(),
            units: (0..n)
                .map(|i| Unit {
                    id: i.to_string(),
                    n_spikes: 10_000,
                    ..Unit::default()
                })
                .collect(),
            ..Run::default()
        };
        let pair = PairAgreement {
            a: 0,
            b: 1,
            scores: Array::matrix(2, 3, vec![0.9, 0.0, 0.0, 0.0, 0.6, 0.0]),
            matches: vec![Some(0), Some(1)],
            ..PairAgreement::default()
        };
        let report = Report {
            runs: vec![run("A", 2), run("B", 3)],
            agreement: Part::Available(Agreement {
                pairs: vec![pair],
                ..Agreement::default()
            }),
            ..Report::default()
        };
        let summary = summarise(&report);
        assert_eq!(
            summary.verdict,
            "A and B agree on some units only: 1 pair with an agreement of 0.8 or more, 0 only in A, 1 only in B."
        );
        assert_eq!(
            summary.findings[0].text,
            "Unit 2 of B (10\u{202f}000 spikes) has no partner in A."
        );
        assert_eq!(summary.findings[0].link, "#unit-1-2");
        assert!(summary.findings[1].text.contains("agreement 0.60"));
    }
}
