//! Two matrices of dissimilarities between batches (docs/intermediates.md, "Dissimilarity of batches").

use ferrosort_core::SortingRun;
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::Serialize;

use super::common_batches::{CommonBatches, inverse};
use crate::{Part, correlation, finite};

/// The dissimilarities of two runs: by time, each in its own sorted order, and both in A's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchComparison {
    /// Batches in A.
    pub n_batches_a: usize,
    /// Batches in B.
    pub n_batches_b: usize,
    /// `ccb` (the notebook's `ccb0`): rows and columns by time.
    pub ccb: MatrixComparison,
    /// `ccbsort`: each in its own order.
    pub ccbsort: Part<MatrixComparison>,
    /// Both matrices in A's order.
    pub in_order_of_a: Part<MatrixComparison>,
    /// Half width of the notebook's colour scale: the largest value of A's `ccbsort` (of `ccb` without an order).
    pub common_limit: f64,
    /// What the reader should know, one sentence each.
    pub notes: Vec<String>,
}

/// Two matrices over the same batches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatrixComparison {
    /// Pearson's correlation over the upper triangle without the diagonal.
    pub pearson: f64,
    /// Spearman's correlation over the same.
    pub spearman: f64,
    /// Root mean square of A - B over the same.
    pub rms_difference: f64,
    /// Root mean square of A over the same.
    pub rms_a: f64,
    /// The A - B that is furthest from 0, anywhere.
    pub largest_difference: f64,
    /// Its batches in A.
    pub largest_at: [usize; 2],
    /// The starts of these batches, s.
    pub largest_at_s: [f64; 2],
    /// Share of random permutations of B's batches, the given order counted, with at least this Pearson correlation (Mantel, Cancer
    /// Research 27:209, 1967).
    pub mantel_p: Option<f64>,
    /// Half width of the difference's own colour scale.
    pub difference_limit: f64,
    /// A's matrix.
    #[serde(skip)]
    pub a: Array2<f64>,
    /// B's matrix.
    #[serde(skip)]
    pub b: Array2<f64>,
    /// A - B.
    #[serde(skip)]
    pub difference: Array2<f64>,
}

/// Compares the dissimilarities of two runs. `permutations` random ones (999 are usual) give a p value; 0 leaves it out.
pub fn compare_batches(a: &SortingRun, b: &SortingRun, permutations: usize) -> Part<BatchComparison> {
    let (Some(ccb_a), Some(ccb_b)) = (&a.intermediates.ccb, &b.intermediates.ccb) else {
        let side = if a.intermediates.ccb.is_none() { "A" } else { "B" };
        return Part::missing(format!("{side} has no dissimilarity of batches"));
    };
    for (side, matrix) in [("A", ccb_a), ("B", ccb_b)] {
        if !matrix.is_square() || matrix.nrows() < 2 {
            let (rows, columns) = matrix.dim();
            return Part::missing(format!(
                "the dissimilarity of batches of {side} has {rows} rows and {columns} columns"
            ));
        }
    }
    let common = match CommonBatches::new(a, b) {
        Ok(common) => common,
        Err(reason) => return Part::NotAvailable(reason),
    };
    let matrix = |of_a: &[usize], of_b: &[usize], permutations| {
        let dim = (of_a.len(), of_a.len());
        let x = Array2::from_shape_fn(dim, |(i, j)| ccb_a[[common.a[of_a[i]], common.a[of_a[j]]]]);
        let y = Array2::from_shape_fn(dim, |(i, j)| ccb_b[[common.b[of_b[i]], common.b[of_b[j]]]]);
        compared(x, y, of_a, &common, permutations)
    };
    let by_time: Vec<usize> = (0..common.len()).collect();
    let mut notes = common.notes.clone();
    let no_order = |side: &str| format!("{side} has no order that names every batch once");
    let order_a = common.places_a().map(|places| inverse(&places));
    let order_b = common.places_b().map(|places| inverse(&places));
    let (ccbsort, in_order_of_a) = match (&order_a, &order_b) {
        (None, _) => (Part::missing(no_order("A")), Part::missing(no_order("A"))),
        (Some(of_a), None) => (Part::missing(no_order("B")), Part::Available(matrix(of_a, of_a, 0))),
        (Some(of_a), Some(of_b)) => {
            let mut of_b = of_b.clone();
            if run_against(&inverse(of_a), &inverse(&of_b)) {
                of_b.reverse();
                notes.push("B's sorted matrix is shown reversed, because its order runs against A's.".to_string());
            }
            (
                Part::Available(matrix(of_a, &of_b, 0)),
                Part::Available(matrix(of_a, of_a, 0)),
            )
        }
    };
    let ccb = matrix(&by_time, &by_time, permutations);
    let scale = ccbsort.available().map_or(&ccb.a, |sorted| &sorted.a);
    Part::Available(BatchComparison {
        n_batches_a: ccb_a.nrows(),
        n_batches_b: ccb_b.nrows(),
        common_limit: scale.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max),
        ccb,
        ccbsort,
        in_order_of_a,
        notes,
    })
}

fn run_against(places_a: &[usize], places_b: &[usize]) -> bool {
    let float = |places: &[usize]| -> Vec<f64> { places.iter().map(|&p| p as f64).collect() };
    correlation::spearman(&float(places_a), &float(places_b)) < 0.0
}

fn upper_triangle(matrix: &Array2<f64>) -> Vec<f64> {
    let n = matrix.nrows();
    let mut values = Vec::with_capacity(n * n.saturating_sub(1) / 2);
    for i in 0..n {
        values.extend((i + 1..n).map(|j| matrix[[i, j]]));
    }
    values
}

fn compared(
    a: Array2<f64>,
    b: Array2<f64>,
    rows: &[usize],
    common: &CommonBatches,
    permutations: usize,
) -> MatrixComparison {
    let difference = &a - &b;
    let (of_a, of_b) = (upper_triangle(&a), upper_triangle(&b));
    let mut largest = (0.0_f64, [0, 0]);
    for ((i, j), &value) in difference.indexed_iter() {
        if value.abs() > largest.0.abs() {
            largest = (value, [i, j]);
        }
    }
    let pearson = correlation::pearson(&of_a, &of_b);
    MatrixComparison {
        pearson,
        spearman: correlation::spearman(&of_a, &of_b),
        rms_difference: finite::rms(&upper_triangle(&difference)),
        rms_a: finite::rms(&of_a),
        largest_difference: largest.0,
        largest_at: largest.1.map(|place| common.a[rows[place]]),
        largest_at_s: largest.1.map(|place| common.times_s[rows[place]]),
        mantel_p: (permutations > 0 && pearson.is_finite()).then(|| mantel(&of_a, &b, pearson, permutations)),
        difference_limit: largest.0.abs(),
        a,
        b,
        difference,
    }
}

/// Share of permutations, the identity counted, whose correlation is at least `observed`. Permutation k draws from its own stream.
fn mantel(of_a: &[f64], b: &Array2<f64>, observed: f64, permutations: usize) -> f64 {
    let n = b.nrows();
    let reached = (0..permutations)
        .into_par_iter()
        .filter(|&k| {
            let order = permutation(n, k as u64);
            let shuffled = Array2::from_shape_fn((n, n), |(i, j)| b[[order[i], order[j]]]);
            correlation::pearson(of_a, &upper_triangle(&shuffled)) >= observed
        })
        .count();
    (reached + 1) as f64 / (permutations + 1) as f64
}

/// A random permutation of `0..n` (Fisher and Yates); the uneven remainder of the draw is below n / 2^64.
fn permutation(n: usize, stream: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    rng.set_stream(stream);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        let j = (u128::from(rng.next_u64()) * (i as u128 + 1)) >> 64;
        order.swap(i, j as usize);
    }
    order
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::RunKind;
    use ndarray::array;

    fn run(ccb: Array2<f64>, order: Option<&[usize]>) -> SortingRun {
        let mut run = SortingRun::new("run", "run", RunKind::Kilosort2);
        run.sample_rate = Some(10_000.0);
        run.intermediates.batch_samples = Some(20_000);
        run.intermediates.ccb = Some(ccb);
        run.intermediates.order = order.map(<[usize]>::to_vec);
        run
    }

    /// Distances on a line of batches at these positions.
    fn line(positions: &[f64]) -> Array2<f64> {
        let n = positions.len();
        Array2::from_shape_fn((n, n), |(i, j)| (positions[i] - positions[j]).abs())
    }

    #[test]
    fn numbers_by_hand() {
        let a = array![[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]];
        let b = array![[0.0, 1.0, 2.0], [1.0, 0.0, 5.0], [2.0, 5.0, 0.0]];
        let found = compare_batches(&run(a, None), &run(b, None), 0);
        let found = found.available().unwrap();
        // Upper triangles 1 2 3 and 1 2 5: covariance 4, squares 2 and 26/3.
        assert!((found.ccb.pearson - 4.0 / (2.0_f64 * 26.0 / 3.0).sqrt()).abs() < 1e-15);
        assert!((found.ccb.spearman - 1.0).abs() < 1e-15);
        assert!((found.ccb.rms_difference - (4.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((found.ccb.rms_a - (14.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!((found.ccb.largest_difference, found.ccb.largest_at), (-2.0, [1, 2]));
        assert_eq!(found.ccb.largest_at_s, [2.0, 4.0]);
        assert_eq!((found.common_limit, found.ccb.mantel_p), (3.0, None));
        assert!(found.ccbsort.reason().unwrap().contains("A has no order"));
    }

    #[test]
    fn sorted_matrices_agree_when_orders_do_and_reversed_orders_are_turned() {
        let ccb = line(&[0.0, 5.0, 2.0, 9.0]);
        let (order, reversed) = ([0, 2, 1, 3], [3, 1, 2, 0]);
        let found = compare_batches(&run(ccb.clone(), Some(&order)), &run(ccb.clone(), Some(&reversed)), 0);
        let found = found.available().unwrap();
        let sorted = found.ccbsort.available().unwrap();
        assert_eq!(sorted.rms_difference, 0.0);
        assert_eq!(sorted.a.row(0).to_vec(), [0.0, 2.0, 5.0, 9.0]);
        assert!(found.notes[0].contains("reversed"));
        assert_eq!(found.in_order_of_a.available().unwrap().b, sorted.a);
        assert_eq!(found.common_limit, 9.0);
    }

    #[test]
    fn different_numbers_of_batches_meet_on_the_axis_of_the_coarser() {
        let fine = line(&[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
        let mut a = run(fine, None);
        a.intermediates.batch_samples = Some(10_000);
        let b = run(line(&[0.0, 1.0, 2.0, 3.0]), None);
        let found = compare_batches(&a, &b, 0);
        let found = found.available().unwrap();
        assert_eq!((found.n_batches_a, found.n_batches_b, found.ccb.a.nrows()), (7, 4, 4));
        assert_eq!(found.ccb.rms_difference, 0.0);
        assert!(found.notes[0].contains("7 batches in A and 4 in B"));
        a.sample_rate = None;
        assert!(
            compare_batches(&a, &b, 0)
                .reason()
                .unwrap()
                .contains("7 batches in A and 4 in B")
        );
    }

    #[test]
    fn permutations_tell_equal_matrices_from_unrelated_ones() {
        let positions: Vec<f64> = (0..12).map(|k| f64::from(k * k % 13)).collect();
        let ccb = line(&positions);
        let p = |b: Array2<f64>| {
            compare_batches(&run(ccb.clone(), None), &run(b, None), 99)
                .available()
                .unwrap()
                .ccb
                .mantel_p
                .unwrap()
        };
        assert!(p(ccb.clone()) <= 0.02);
        let order = permutation(12, 12345);
        let unrelated = Array2::from_shape_fn((12, 12), |(i, j)| ccb[[order[i], order[j]]]);
        assert!(p(unrelated) > 0.05);
        let mut sorted = permutation(12, 7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn values_that_are_no_numbers_do_not_spoil_the_rest() {
        let mut b = line(&[0.0, 1.0, 2.0, 4.0]);
        let a = b.clone();
        b[[0, 1]] = f64::NAN;
        let found = compare_batches(&run(a, None), &run(b, None), 0);
        assert!((found.available().unwrap().ccb.pearson - 1.0).abs() < 1e-15);
    }

    #[test]
    fn what_is_no_matrix_of_batches_is_said() {
        let a = run(line(&[0.0, 1.0]), None);
        let none = SortingRun::new("b", "b", RunKind::Phy);
        assert_eq!(
            compare_batches(&a, &none, 0).reason(),
            Some("B has no dissimilarity of batches")
        );
        let reason = compare_batches(&run(Array2::zeros((2, 3)), None), &a, 0)
            .reason()
            .unwrap()
            .to_string();
        assert!(reason.contains("A has 2 rows and 3 columns"));
    }
}
