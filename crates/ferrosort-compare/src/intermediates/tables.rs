//! The comparison of intermediates as tables.

use ferrosort_core::SortingRun;

use super::alignment::Alignment;
use super::order::OrderComparison;
use super::pairs::{BestPartner, TemplatePair};
use super::residuals::Residual;
use crate::{Cell, Table};

/// Columns of a [`Residual`].
const RESIDUAL: [&str; 9] = [
    "samples",
    "correlation",
    "slope",
    "intercept",
    "rms_a",
    "rms_difference",
    "rms_fraction",
    "largest_difference",
    "largest_at_sample",
];

fn residual_cells(residual: &Residual) -> [Cell; 9] {
    [
        (residual.samples as i64).into(),
        residual.correlation.into(),
        residual.slope.into(),
        residual.intercept.into(),
        residual.rms_a.into(),
        residual.rms_difference.into(),
        residual.rms_fraction.into(),
        i64::from(residual.largest_difference).into(),
        residual.largest_at_sample.into(),
    ]
}

/// `alignment`: a row for every channel of A that has one of B, after both corrections.
pub fn alignment_table(alignment: &Alignment) -> Table {
    let mut table = Table::new("alignment", ["channel_a", "channel_b"].iter().chain(&RESIDUAL).copied());
    for row in &alignment.channels {
        let mut cells: Vec<Cell> = vec![row.channel_a.into(), row.channel_b.into()];
        cells.extend(residual_cells(&row.residual));
        table.push(cells);
    }
    table
}

/// `alignment_batches`: the start, the interior and the end of every visited batch of A, all channels together.
pub fn alignment_batches_table(alignment: &Alignment) -> Table {
    let mut table = Table::new(
        "alignment_batches",
        ["batch", "first_sample", "part"].iter().chain(&RESIDUAL).copied(),
    );
    for row in &alignment.batches {
        for (part, residual) in [("start", &row.start), ("interior", &row.interior), ("end", &row.end)] {
            let mut cells: Vec<Cell> = vec![row.batch.into(), row.first_sample.into(), part.into()];
            cells.extend(residual_cells(residual));
            table.push(cells);
        }
    }
    table
}

/// `alignment_summary`: one row with the layout, the rotation, the lag and what remains.
pub fn alignment_summary_table(alignment: &Alignment) -> Table {
    let header = [
        "layout_a",
        "layout_b",
        "rotation",
        "lag_samples",
        "lag_refined",
        "correlation_median",
        "correlation_min",
        "gain",
        "rms_difference",
        "rms_fraction",
        "naive_offset_frames",
        "naive_correlation",
    ];
    let mut table = Table::new("alignment_summary", header);
    let naive = alignment.naive.available();
    table.push(vec![
        super::layout::name(alignment.layout_a.layout).into(),
        super::layout::name(alignment.layout_b.layout).into(),
        alignment.assignment.rotation.into(),
        alignment.lag_samples.into(),
        alignment.lag_refined.into(),
        alignment.correlation_median.into(),
        alignment.correlation_min.into(),
        alignment.gain.into(),
        alignment.overall.rms_difference.into(),
        alignment.overall.rms_fraction.into(),
        naive.map_or_else(|| "".into(), |view| view.offset_frames.into()),
        naive.map_or_else(|| "".into(), |view| view.correlation.into()),
    ]);
    table
}

/// `order`: the place of every compared batch in both orders, by time.
pub fn order_table(order: &OrderComparison) -> Table {
    let header = [
        "batch_a",
        "batch_b",
        "time_s",
        "place_a",
        "place_b",
        "true_displacement_um",
    ];
    let mut table = Table::new("order", header);
    for row in &order.batches {
        table.push(vec![
            row.batch_a.into(),
            row.batch_b.into(),
            row.time_s.into(),
            row.place_a.into(),
            row.place_b.into(),
            row.true_displacement_um.unwrap_or(f64::NAN).into(),
        ]);
    }
    table
}

/// `template_pairs`: all pairs above the threshold, most similar first.
pub fn template_pairs_table(pairs: &[TemplatePair], a: &SortingRun, b: &SortingRun) -> Table {
    let header = ["pair", "unit_a", "unit_b", "similarity", "lag", "agreement", "shown"];
    let mut table = Table::new("template_pairs", header);
    let id = |run: &SortingRun, unit: usize| run.units.get(unit).map_or_else(|| unit.to_string(), |u| u.id.clone());
    for pair in pairs {
        table.push(vec![
            pair.number.into(),
            id(a, pair.unit_a).into(),
            id(b, pair.unit_b).into(),
            pair.similarity.into(),
            pair.lag.into(),
            pair.agreement.unwrap_or(f64::NAN).into(),
            i64::from(pair.shown).into(),
        ]);
    }
    table
}

/// `template_partners`: every unit of A with the units of B most like it.
pub fn template_partners_table(partners: &[BestPartner], b: &SortingRun) -> Table {
    let header = [
        "unit_a",
        "unit_b",
        "similarity",
        "lag",
        "second_b",
        "second_similarity",
        "depth_difference_um",
        "n_spikes_a",
        "n_spikes_b",
        "agreement",
    ];
    let mut table = Table::new("template_partners", header);
    let id = |unit: Option<usize>| {
        unit.and_then(|j| b.units.get(j))
            .map_or_else(String::new, |unit| unit.id.clone())
    };
    for row in partners {
        table.push(vec![
            row.id_a.clone().into(),
            row.id_b.clone().unwrap_or_default().into(),
            row.similarity.into(),
            row.lag.into(),
            id(row.second_b).into(),
            row.second_similarity.unwrap_or(f64::NAN).into(),
            row.depth_difference_um.unwrap_or(f64::NAN).into(),
            row.n_spikes_a.into(),
            row.n_spikes_b.into(),
            row.agreement.unwrap_or(f64::NAN).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrosort_core::{RunKind, RunUnit};

    #[test]
    fn pairs_carry_the_names_of_units() {
        let mut run = SortingRun::new("run", "run", RunKind::Phy);
        run.units = vec![RunUnit {
            id: "17,a".to_string(),
            ..RunUnit::default()
        }];
        let pair = TemplatePair {
            number: 0,
            unit_a: 0,
            unit_b: 3,
            similarity: 0.75,
            lag: -2,
            agreement: None,
            shown: true,
        };
        assert_eq!(
            template_pairs_table(&[pair], &run, &run).to_csv(),
            "pair,unit_a,unit_b,similarity,lag,agreement,shown\r\n0,\"17,a\",3,0.75,-2,,1\r\n"
        );
    }
}
