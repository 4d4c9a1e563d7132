//! Part I: what two sorters of the Kilosort2 family leave behind.

use ferrosort_compare::analysis::IntermediateComparison;
use ferrosort_compare::intermediates::alignment::Alignment as Aligned;
use ferrosort_compare::intermediates::batches::{BatchComparison, MatrixComparison};
use ferrosort_compare::intermediates::order::OrderComparison as Orders;
use ferrosort_compare::intermediates::traces::Traces;
use ferrosort_compare::intermediates::whitening::WhiteningComparison;

use super::{convert, matrix};
use crate::model::{
    Alignment, AlignmentTraces, Array, BatchMatrices, Fact, Intermediates, Kept, MatrixDifference, OrderComparison,
    Whitening,
};

/// Batches of a picture; larger matrices are shown by every n-th batch.
const MOST_BATCHES: usize = 400;

pub(super) fn intermediates(found: &IntermediateComparison) -> Intermediates {
    Intermediates {
        a: found.a,
        b: found.b,
        alignment: convert(&found.alignment, alignment),
        whitening: convert(&found.whitening, whitening),
        batches: convert(&found.ccb, |ccb| batches(ccb, found.order.available())),
        order: convert(&found.order, order),
    }
}

fn alignment(found: &Aligned) -> Alignment {
    let mut facts = vec![
        Fact::text("layout of a", format!("{:?}", found.layout_a.layout).to_lowercase()),
        Fact::text("layout of b", format!("{:?}", found.layout_b.layout).to_lowercase()),
        Fact::number("rotation of the channels", found.assignment.rotation as f64, "channels"),
        Fact::number("lag", found.lag_refined, "samples"),
        Fact::number("median correlation after correction", found.correlation_median, ""),
        Fact::number("smallest correlation", found.correlation_min, ""),
        Fact::number("gain of b on a", found.gain, ""),
        Fact::number("rms difference", found.overall.rms_difference, "counts"),
        Fact::number("rms difference", 100.0 * found.overall.rms_fraction, "% of a"),
        Fact::number(
            "largest difference",
            f64::from(found.overall.largest_difference),
            "counts",
        ),
        Fact::number("at sample", found.overall.largest_at_sample as f64, ""),
    ];
    if let Some(naive) = found.naive.available() {
        let name = "offset when both are read as interleaved, as in the notebook";
        facts.push(Fact::number(name, naive.offset_frames as f64, "frames"));
        facts.push(Fact::number("correlation there", naive.correlation, ""));
    }
    Alignment {
        start_sample: found.traces_before.first,
        channels: found.traces_before.channels.iter().map(|c| c.0).collect(),
        before: traces(&found.traces_before),
        after: traces(&found.traces_after),
        correlation: Array::list(found.channels.iter().map(|c| c.residual.correlation).collect()),
        facts,
        explanation: found.sentences.join(" "),
    }
}

fn traces(found: &Traces) -> AlignmentTraces {
    AlignmentTraces {
        a: matrix(&found.a, Kept::Levels16),
        b: matrix(&found.b, Kept::Levels16),
    }
}

fn whitening(found: &WhiteningComparison) -> Whitening {
    Whitening {
        a: matrix(&found.a, Kept::Levels16),
        b: matrix(&found.b, Kept::Levels16),
        limit: found.common_limit,
        facts: vec![
            Fact::number("size of the difference over that of a", found.relative_difference, ""),
            Fact::number("largest difference", found.largest_difference, ""),
            Fact::text(
                "at channels",
                format!("{} → {}", found.largest_at[0], found.largest_at[1]),
            ),
            Fact::number("asymmetry of a", found.asymmetry_a, ""),
            Fact::number("asymmetry of b", found.asymmetry_b, ""),
            Fact::number("correlation off the diagonals", found.off_diagonal_correlation, ""),
            Fact::number("median ratio of the diagonals", found.diagonal_ratio, ""),
            Fact::number(
                "size of the difference if b were transposed",
                found.transposed.relative_difference,
                "",
            ),
        ],
        explanation: found.sentences.join(" "),
    }
}

fn batches(found: &BatchComparison, order: Option<&Orders>) -> BatchMatrices {
    let shown = |comparison: Option<&MatrixComparison>, which: fn(&MatrixComparison) -> &ndarray::Array2<f64>| {
        comparison.map_or_else(Array::default, |c| matrix(&thinned(which(c)), Kept::Levels16))
    };
    let (sorted, in_order) = (found.ccbsort.available(), found.in_order_of_a.available());
    let named = [
        ("ccb0", Some(&found.ccb)),
        ("ccbsort", sorted),
        ("ccb0 in the order of a", in_order),
    ];
    let differences = named.into_iter().filter_map(|(name, c)| Some(difference(name, c?)));
    BatchMatrices {
        ccb0_a: shown(Some(&found.ccb), |c| &c.a),
        ccb0_b: shown(Some(&found.ccb), |c| &c.b),
        ccbsort_a: shown(sorted, |c| &c.a),
        ccbsort_b: shown(sorted, |c| &c.b),
        ccb_b_in_order_of_a: shown(in_order, |c| &c.b),
        batch_times_s: Array::list(times(found, order)),
        differences: differences.collect(),
        explanation: found.notes.join(" "),
    }
}

/// Starts of the batches that are shown, s; their numbers where times are not known.
fn times(found: &BatchComparison, order: Option<&Orders>) -> Vec<f64> {
    let n = found.ccb.a.nrows();
    let time = |k: usize| {
        let known = order.and_then(|order| order.batches.get(k));
        known.map_or(k as f64, |batch| batch.time_s)
    };
    (0..n).step_by(step(n)).map(time).collect()
}

fn step(n: usize) -> usize {
    n.div_ceil(MOST_BATCHES).max(1)
}

fn thinned(values: &ndarray::Array2<f64>) -> ndarray::Array2<f64> {
    let every = step(values.nrows());
    let n = values.nrows().div_ceil(every);
    ndarray::Array2::from_shape_fn((n, n), |(i, j)| values[[i * every, j * every]])
}

fn difference(name: &str, found: &MatrixComparison) -> MatrixDifference {
    let finite = |value: f64| Some(value).filter(|v| v.is_finite());
    MatrixDifference {
        name: name.to_string(),
        pearson: finite(found.pearson),
        spearman: finite(found.spearman),
        rms_difference: finite(found.rms_difference),
        rms_a: finite(found.rms_a),
        largest: finite(found.largest_difference.abs()),
        largest_at: Some(found.largest_at),
    }
}

fn order(found: &Orders) -> OrderComparison {
    let list = |places: &[usize]| Array::integers(places.iter().map(|&p| p as i64));
    let mut order_b = found.order_b.clone();
    if found.b_reversed {
        order_b.reverse();
    }
    let mut facts = vec![
        Fact::number("|rho| of the places (Spearman)", found.rho_abs, ""),
        Fact::number("tau (Kendall)", found.kendall_tau, ""),
        Fact::number("largest change of place", found.largest_shift, "batches"),
        Fact::number("mean change of place", found.mean_shift, "batches"),
        Fact::number("batches that moved by more than 5 %", 100.0 * found.moved_fraction, "%"),
    ];
    for (name, correlation) in [("a", found.truth_correlation_a), ("b", found.truth_correlation_b)] {
        if let Some(correlation) = correlation {
            let text = format!("correlation of the places in {name} with the true displacement");
            facts.push(Fact::number(text, correlation, ""));
        }
    }
    let of_batch = |value: fn(&ferrosort_compare::intermediates::order::BatchPlace) -> usize| {
        Array::integers(found.batches.iter().map(|b| value(b) as i64))
    };
    OrderComparison {
        order_a: list(&found.order_a),
        order_b: list(&order_b),
        place_a: of_batch(|b| b.place_a),
        place_b: of_batch(|b| b.place_b),
        batch_times_s: Array::list(found.batches.iter().map(|b| b.time_s).collect()),
        facts,
        explanation: found.sentences.join(" "),
    }
}
