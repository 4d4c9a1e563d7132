//! The `cluster_*.tsv` files: header `cluster_id<TAB>field`, one row for every template id.
//!
//! Readers join the tables on `cluster_id`, so a unit that is missing in one table would vanish.

use std::fmt::Write as _;

use ferrosort_core::{Sorting, UnitSummary};

/// Names and contents of the tables. Templates beyond the units (padding) are noise without amplitude.
pub(super) fn texts(sorting: &Sorting, rows: usize) -> [(&'static str, String); 4] {
    let table = |field: &str, padding: &str, value: &dyn Fn(&UnitSummary) -> String| {
        let mut text = format!("cluster_id\t{field}\n");
        for id in 0..rows {
            let value = sorting.units.get(id).map_or_else(|| padding.to_owned(), value);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{id}\t{value}");
        }
        text
    };
    let label = |unit: &UnitSummary| unit.label.as_str().to_owned();
    [
        ("cluster_KSLabel.tsv", table("KSLabel", "noise", &label)),
        ("cluster_group.tsv", table("group", "noise", &label)),
        (
            "cluster_ContamPct.tsv",
            table("ContamPct", "100.0", &|unit| number(unit.contamination_pct)),
        ),
        (
            "cluster_Amplitude.tsv",
            table("Amplitude", "0.0", &|unit| number(unit.amplitude_counts)),
        ),
    ]
}

/// One decimal; an empty cell, which readers skip, when there is no number.
fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.1}")
    } else {
        String::new()
    }
}
