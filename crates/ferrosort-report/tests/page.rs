//! The page as a file: size, no network, hostile names, and that its data are all in it.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;

use ferrosort_report::model::{Array, MetricColumn, Part, Run, Unit};
use ferrosort_report::pack::{Packed, unpack};
use ferrosort_report::{Report, render, write_report};

/// Text between the tag of the element with this id and its end.
fn block<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.find(&format!("id=\"{id}\">")).unwrap() + id.len() + 6;
    let end = page[start..].find("</script>").unwrap();
    &page[start..start + end]
}

/// Where the pages for the tests in a browser are left.
fn leave(name: &str, page: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, page).unwrap();
    path
}

#[test]
fn a_page_of_usual_size_holds_all_its_data() {
    let report = support::report(&support::SMALL);
    let page = render(&report).unwrap();
    leave("report.html", &page);
    let packed = Packed {
        json: block(&page, "report-json").into(),
        arrays: block(&page, "report-arrays").into(),
    };
    let back = unpack(&packed).unwrap();
    assert_eq!(back.runs[1].units.len(), report.runs[1].units.len());
    let (kept, given) = (
        &back.truth.get().unwrap().comparisons[1],
        &report.truth.get().unwrap().comparisons[1],
    );
    assert_eq!(kept.true_positives, given.true_positives);
    assert_eq!(kept.classes, given.classes);
    for (a, b) in kept.accuracy.values().iter().zip(given.accuracy.values()) {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
    assert_eq!(render(&report).unwrap(), page, "the same report gives the same page");
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn four_hundred_units_and_a_million_spikes_stay_below_ten_megabytes() {
    let report = support::report(&support::LARGE);
    assert!(report.runs[0].n_spikes > 900_000, "{}", report.runs[0].n_spikes);
    let start = std::time::Instant::now();
    let page = render(&report).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    leave("report-large.html", &page);
    assert!(page.len() < 10_000_000, "{} bytes", page.len());
    assert!(seconds < 10.0, "{seconds} s");
}

#[test]
fn a_page_asks_for_nothing_outside_itself() {
    let page = render(&support::report(&support::SMALL)).unwrap();
    for attribute in [
        "src=\"http",
        "href=\"http",
        "src=\"//",
        "href=\"//",
        "@import",
        "url(http",
        "fetch(\"http",
    ] {
        assert!(!page.contains(attribute), "{attribute}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn hostile_names_stay_text() {
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
    let report = Report {
        title: evil.into(),
        warnings: vec![evil.into()],
        runs: vec![Run {
            name: evil.into(),
            source: evil.into(),
            units: vec![Unit {
                id: evil.into(),
                label: "good".into(),
                n_spikes: 7,
                ..Unit::default()
            }],
            metrics: vec![MetricColumn {
                name: evil.into(),
                meaning: evil.into(),
                values: Array::list(vec![1.0]),
                suspicious_above: Some(0.5),
                ..MetricColumn::default()
            }],
            ..Run::default()
        }],
        ..Report::default()
    };
    let page = render(&report).unwrap();
    leave("report-hostile.html", &page);
    assert!(!page.contains("<script>alert(1)"));
    assert!(!page.contains("<img src=x"));
    assert!(page.contains("\\u003cscript\\u003ealert(1)"));
}

#[test]
fn without_a_truth_the_first_screen_speaks_of_agreement_or_of_quality() {
    let mut report = support::report(&support::SMALL);
    report.truth = Part::missing("no known spikes were given");
    let pair = render(&report).unwrap();
    leave("report-pair.html", &pair);
    assert!(pair.contains("pairs with agreement ≥ 0.8"));
    report.runs.remove(0);
    report.runs.truncate(1);
    report.agreement = Part::missing("there is only one sorting");
    report.outputs = Part::missing("there is only one sorting");
    report.intermediates = Part::missing("there is only one sorting");
    report.drift = Part::missing("the sorting has no motion");
    report.quality = Part::default();
    report.traces = Part::default();
    report.parameters.clear();
    report.files.clear();
    let single = render(&report).unwrap();
    leave("report-single.html", &single);
    assert!(single.contains("multi-unit activity"));
}

#[test]
fn an_empty_report_is_a_page_that_says_what_is_missing() {
    let mut bytes = Vec::new();
    write_report(&Report::default(), &mut bytes).unwrap();
    let page = String::from_utf8(bytes).unwrap();
    leave("report-empty.html", &page);
    assert!(page.contains("There is no sorting in this report."));
    assert!(page.contains("\"not_available\":{\"reason\":\"not computed\"}"));
}

#[test]
fn wrong_places_and_short_metrics_are_refused() {
    let run = Run {
        units: vec![Unit::default(), Unit::default()],
        metrics: vec![MetricColumn {
            name: "snr".into(),
            values: Array::list(vec![1.0]),
            ..MetricColumn::default()
        }],
        ..Run::default()
    };
    let mut report = Report {
        runs: vec![run],
        ..Report::default()
    };
    assert!(
        render(&report)
            .unwrap_err()
            .to_string()
            .contains("1 values for 2 units")
    );
    report.runs[0].metrics.clear();
    report.drift = Part::Available(ferrosort_report::model::Drift {
        runs: vec![ferrosort_report::model::RunDrift {
            run: 4,
            ..Default::default()
        }],
    });
    assert!(render(&report).unwrap_err().to_string().contains("refers to run 4"));
}
