//! Two orders of the batches, that is, two drift traces (docs/intermediates.md, "Order of the batches").

use ferrosort_core::{Motion, SortingRun};
use serde::Serialize;

use super::common_batches::CommonBatches;
use crate::drift::displacement::mean_between;
use crate::{Part, correlation, finite};

/// Shift of a batch, as a share of all batches, above which it counts as moved.
const MOVED_SHARE: f64 = 0.05;

/// The places of the same batches in two orders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrderComparison {
    /// Batches compared.
    pub n_batches: usize,
    /// Spearman's correlation of the places, before B is reversed. Orders are equal up to a reversal, so its size counts.
    pub rho: f64,
    /// Size of `rho`.
    pub rho_abs: f64,
    /// True when B's order was reversed, because `rho` is negative.
    pub b_reversed: bool,
    /// Kendall's tau of the places, after that.
    pub kendall_tau: f64,
    /// Largest change of a place, batches.
    pub largest_shift: f64,
    /// Mean change of a place, batches.
    pub mean_shift: f64,
    /// Share of batches whose place differs by more than 5 % of the number of batches.
    pub moved_fraction: f64,
    /// Spearman's correlation of A's places with the true displacement of each batch, when it is known.
    pub truth_correlation_a: Option<f64>,
    /// The same of B's places, reversed if A and B ran against each other.
    pub truth_correlation_b: Option<f64>,
    /// The table `order`, by time.
    pub batches: Vec<BatchPlace>,
    /// A's order: batch at each place.
    pub order_a: Vec<usize>,
    /// B's order as it is: batch at each place.
    pub order_b: Vec<usize>,
    /// What was found, in sentences.
    pub sentences: Vec<String>,
}

/// A batch that both runs have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchPlace {
    /// Number of the batch in A.
    pub batch_a: usize,
    /// Number of the batch in B.
    pub batch_b: usize,
    /// Start of the batch, s; its number when the rate or the length of batches is unknown.
    pub time_s: f64,
    /// Its place in A's order, among the compared batches, from 0.
    pub place_a: usize,
    /// Its place in B's order, reversed if need be.
    pub place_b: usize,
    /// True displacement, mean over depths, µm.
    pub true_displacement_um: Option<f64>,
}

/// Compares the orders of two runs; `truth` is the true motion, when it is known.
pub fn compare_orders(a: &SortingRun, b: &SortingRun, truth: Option<&Motion>) -> Part<OrderComparison> {
    let common = match CommonBatches::new(a, b) {
        Ok(common) => common,
        Err(reason) => return Part::NotAvailable(reason),
    };
    let (Some(order_a), Some(order_b)) = (&a.intermediates.order, &b.intermediates.order) else {
        let side = if a.intermediates.order.is_none() { "A" } else { "B" };
        return Part::missing(format!("{side} has no order of batches"));
    };
    let n = common.len();
    if n < 2 {
        return Part::missing("the runs have fewer than two batches in common");
    }
    let (Some(places_a), Some(places_b)) = (common.places_a(), common.places_b()) else {
        return Part::missing("an order of batches does not name every batch once");
    };
    let float = |places: &[usize]| -> Vec<f64> { places.iter().map(|&p| p as f64).collect() };
    let rho = correlation::spearman(&float(&places_a), &float(&places_b));
    let b_reversed = rho < 0.0;
    let places_b: Vec<usize> = if b_reversed {
        places_b.iter().map(|p| n - 1 - p).collect()
    } else {
        places_b
    };
    let shifts: Vec<f64> = places_a
        .iter()
        .zip(&places_b)
        .map(|(&p, &q)| p.abs_diff(q) as f64)
        .collect();
    let displacement = truth.and_then(|motion| true_displacement(&common, motion));
    let with_truth = |places: &[usize]| Some(correlation::spearman(&float(places), displacement.as_ref()?));
    let row = |k: usize| BatchPlace {
        batch_a: common.a[k],
        batch_b: common.b[k],
        time_s: common.times_s[k],
        place_a: places_a[k],
        place_b: places_b[k],
        true_displacement_um: displacement.as_ref().map(|d| d[k]),
    };
    let mut sentences = common.notes.clone();
    sentences.push(format!(
        "The orders correlate by {:.4} (Spearman) over {n} batches.",
        rho.abs()
    ));
    if b_reversed {
        sentences.push(
            "B's order runs the other way and was reversed; the direction of an order means nothing.".to_string(),
        );
    }
    Part::Available(OrderComparison {
        n_batches: n,
        rho,
        rho_abs: rho.abs(),
        b_reversed,
        kendall_tau: correlation::kendall(&float(&places_a), &float(&places_b)),
        largest_shift: shifts.iter().copied().fold(0.0, f64::max),
        mean_shift: finite::mean(&shifts),
        moved_fraction: shifts.iter().filter(|&&s| s > MOVED_SHARE * n as f64).count() as f64 / n as f64,
        truth_correlation_a: with_truth(&places_a),
        truth_correlation_b: with_truth(&places_b),
        batches: (0..n).map(row).collect(),
        order_a: order_a.clone(),
        order_b: order_b.clone(),
        sentences,
    })
}

/// Mean true displacement in each batch, µm; `None` when batches have no times.
fn true_displacement(common: &CommonBatches, motion: &Motion) -> Option<Vec<f64>> {
    let length = common.batch_s?;
    let means = common
        .times_s
        .iter()
        .map(|&start| mean_between(motion, start, start + length));
    means.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::RunKind;
    use ndarray::Array2;

    fn run(order: &[usize]) -> SortingRun {
        let mut run = SortingRun::new("run", "run", RunKind::Kilosort2);
        run.sample_rate = Some(30_000.0);
        run.intermediates.batch_samples = Some(60_000);
        run.intermediates.order = Some(order.to_vec());
        run
    }

    #[test]
    fn a_reversed_order_is_the_same_order() {
        let order = [3, 1, 0, 4, 2];
        let reversed: Vec<usize> = order.iter().rev().copied().collect();
        let found = compare_orders(&run(&order), &run(&reversed), None);
        let found = found.available().unwrap();
        assert_eq!((found.rho, found.rho_abs, found.b_reversed), (-1.0, 1.0, true));
        assert_eq!(
            (found.kendall_tau, found.largest_shift, found.moved_fraction),
            (1.0, 0.0, 0.0)
        );
        assert_eq!(found.batches[3].place_a, 0);
        assert_eq!(found.batches[3].place_b, 0);
    }

    #[test]
    fn places_and_shifts_by_hand() {
        // Places of batches 0, 1, 2, 3: 0 1 2 3 and 1 0 2 3.
        let found = compare_orders(&run(&[0, 1, 2, 3]), &run(&[1, 0, 2, 3]), None);
        let found = found.available().unwrap();
        assert!((found.rho - 0.8).abs() < 1e-15);
        assert!((found.kendall_tau - 4.0 / 6.0).abs() < 1e-15);
        assert_eq!(
            (found.largest_shift, found.mean_shift, found.moved_fraction),
            (1.0, 0.5, 0.5)
        );
        assert_eq!(found.truth_correlation_a, None);
    }

    #[test]
    fn the_order_is_correlated_with_the_true_displacement() {
        // Batches of 2 s; the displacement in them is 0, 30, 10, 20 µm, so batches sorted by it are 0 2 3 1.
        let truth = Motion {
            times_s: vec![1.0, 3.0, 5.0, 7.0],
            depths_um: vec![0.0],
            displacement_um: Array2::from_shape_vec((4, 1), vec![0.0, 30.0, 10.0, 20.0]).unwrap(),
        };
        let found = compare_orders(&run(&[0, 2, 3, 1]), &run(&[1, 3, 2, 0]), Some(&truth));
        let found = found.available().unwrap();
        assert_eq!(
            (found.truth_correlation_a, found.truth_correlation_b),
            (Some(1.0), Some(1.0))
        );
        assert_eq!(found.batches[1].true_displacement_um, Some(30.0));
    }

    #[test]
    fn orders_of_different_lengths_are_compared_in_time() {
        // B's batches are half as long: batch k of A starts with batch 2 k of B.
        let mut b = run(&[7, 6, 5, 4, 3, 2, 1, 0]);
        b.intermediates.batch_samples = Some(30_000);
        let found = compare_orders(&run(&[0, 1, 2, 3]), &b, None);
        let found = found.available().unwrap();
        assert_eq!((found.n_batches, found.rho), (4, -1.0));
        let partners: Vec<usize> = found.batches.iter().map(|row| row.batch_b).collect();
        assert_eq!(partners, [0, 2, 4, 6]);
        assert!(found.sentences[0].contains("4 batches in A and 8 in B"));
    }

    #[test]
    fn what_is_no_order_is_said() {
        let reason =
            |a: &SortingRun, b: &SortingRun| compare_orders(a, b, None).reason().unwrap_or_default().to_string();
        let none = SortingRun::new("b", "b", RunKind::Phy);
        assert!(reason(&run(&[0, 1]), &none).contains("B has neither"));
        assert!(reason(&run(&[0, 1, 1]), &run(&[0, 1, 2])).contains("every batch once"));
        assert!(reason(&run(&[0, 9, 1]), &run(&[0, 1, 2])).contains("every batch once"));
        assert!(reason(&run(&[0]), &run(&[0])).contains("fewer than two"));
    }
}
