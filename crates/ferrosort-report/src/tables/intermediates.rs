//! Tables of intermediate results and of drift.

use super::{Rows, Table, cell, number, placed, text};
use crate::Report;
use crate::model::{Alignment, Array, Drift, OrderComparison};

pub(super) fn tables(report: &Report) -> Vec<Table> {
    let mut tables = Vec::new();
    if let Some(part) = report.intermediates.get() {
        tables.extend(part.alignment.get().map(alignment));
        tables.extend(part.order.get().map(order));
    }
    if let Some(drift) = report.drift.get() {
        tables.extend(motion_errors(drift));
    }
    tables
}

/// Correlation per channel, then the named numbers.
fn alignment(a: &Alignment) -> Table {
    let mut rows = Rows::new(&["name", "value", "unit"]);
    for fact in &a.facts {
        let value = fact.text.as_deref().map_or_else(|| super::maybe(fact.value), text);
        rows.push(vec![text(&fact.name), value, text(&fact.unit)]);
    }
    for channel in 0..a.correlation.len() {
        rows.push(vec![
            format!("correlation of channel {channel}"),
            cell(&a.correlation, channel),
            String::new(),
        ]);
    }
    rows.named("alignment")
}

fn order(o: &OrderComparison) -> Table {
    let mut rows = Rows::new(&[
        "place",
        "order_a",
        "order_b",
        "place_of_batch_a",
        "place_of_batch_b",
        "batch_start_s",
    ]);
    for i in 0..o.order_a.len().max(o.order_b.len()) {
        let mut cells = vec![i.to_string()];
        let columns: [&Array; 5] = [&o.order_a, &o.order_b, &o.place_a, &o.place_b, &o.batch_times_s];
        cells.extend(columns.iter().map(|array| cell(array, i)));
        rows.push(cells);
    }
    rows.named("order")
}

fn motion_errors(drift: &Drift) -> Vec<Table> {
    let several = drift.runs.len() > 1;
    let mut tables = Vec::new();
    for run in &drift.runs {
        let Some(motion) = run.motion.get() else { continue };
        let mut rows = Rows::new(&["time_s", "depth_um", "estimate_um", "truth_um", "error_um"]);
        for (t, &time) in motion.times_s.values().iter().enumerate() {
            for (d, &depth) in motion.depths_um.values().iter().enumerate() {
                let (estimate, truth) = (motion.estimate_um.at(t, d), motion.truth_um.at(t, d));
                rows.push([time, depth, estimate, truth, truth - estimate].map(number).to_vec());
            }
        }
        tables.push(rows.named(placed("motion_error", &[run.run], several)));
    }
    tables
}
