//! The page as a file: size, no network, hostile names, and that its data are all in it.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use ferrosort_report::model::{Array, MetricColumn, Part, Run, Unit};
use ferrosort_report::pack::{Packed, unpack};
use ferrosort_report::{Report, render, write_report};
use serde_json::Value;

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

/// What a name can be to break out of its place: elements, attributes, scripts, comments, entities, lines, directions of writing.
const EVIL: &str = "\"'`</script><script>alert(1)</script><img src=x onerror=alert(2)>--><!--]]>&lt;b&gt;{{7*7}}${alert(3)}\u{0}\u{1b}[2J\r\n\u{2028}\u{2029}\u{202e}\u{2066}javascript:alert(4)";

/// Puts [`EVIL`] behind every text of the report in turn, by the names of the fields that lead to it. A text that has to be
/// one of a few is left as it is. Returns how many places there were.
fn poison(report: &Report) -> (Report, usize) {
    let whole = serde_json::to_value(report).unwrap();
    let mut places = BTreeSet::new();
    texts(&whole, "", &mut places);
    let mut poisoned = whole;
    let mut taken = 0;
    for place in &places {
        let mut tried = poisoned.clone();
        append(&mut tried, "", place);
        if let Ok(report) = serde_json::from_value::<Report>(tried.clone())
            && render(&report).is_ok()
        {
            poisoned = tried;
            taken += 1;
        }
    }
    (serde_json::from_value(poisoned).unwrap(), taken)
}

/// Names of fields that lead to texts. The data of arrays are text as well, but of the page's own making.
fn texts(value: &Value, place: &str, places: &mut BTreeSet<String>) {
    match value {
        Value::String(_) => {
            places.insert(place.to_string());
        }
        Value::Array(list) => list.iter().for_each(|item| texts(item, place, places)),
        Value::Object(object) if !object.contains_key("shape") => {
            for (key, item) in object {
                texts(item, &format!("{place}/{key}"), places);
            }
        }
        _ => {}
    }
}

fn append(value: &mut Value, place: &str, wanted: &str) {
    match value {
        Value::String(text) if place == wanted => text.push_str(EVIL),
        Value::Array(list) => list.iter_mut().for_each(|item| append(item, place, wanted)),
        Value::Object(object) if !object.contains_key("shape") => {
            for (key, item) in object.iter_mut() {
                append(item, &format!("{place}/{key}"), wanted);
            }
        }
        _ => {}
    }
}

#[test]
fn no_text_of_a_report_leaves_its_place() {
    let (report, places) = poison(&support::report(&support::TINY));
    assert!(places > 30, "only {places} texts could be poisoned");
    let clean = render(&support::report(&support::TINY)).unwrap();
    let page = render(&report).unwrap();
    leave("report-poisoned.html", &page);
    // The same elements that run something or fetch something, and not one more.
    for tag in [
        "<script", "</script", "<img", "<iframe", "<style", "<!--", "<svg", "<link", "<meta", "<base",
    ] {
        assert_eq!(page.matches(tag).count(), clean.matches(tag).count(), "{tag}");
    }
    let json = block(&page, "report-json");
    assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{0}', '\n']));
    // Attributes of the page hold no text of the data; what stands between elements is escaped.
    let markup = page.replace(json, "");
    assert!(markup.contains("&#60;script&#62;alert(1)") || markup.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains(['\u{202e}', '\u{2066}']), "directions are visible");
    assert!(page.contains("[U+202E]"));
    // Whatever stands in the data comes back as it was, but for the directions.
    let packed = Packed {
        json: json.into(),
        arrays: block(&page, "report-arrays").into(),
    };
    let seen = EVIL.replace('\u{202e}', "[U+202E]").replace('\u{2066}', "[U+2066]");
    assert!(unpack(&packed).unwrap().runs[0].name.ends_with(&seen));
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
