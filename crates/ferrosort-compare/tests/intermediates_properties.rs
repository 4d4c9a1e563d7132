//! What must hold for any two orders, matrices and motions.

use ferrosort_compare::drift::motion_error::compare_motion;
use ferrosort_compare::intermediates::batches::compare_batches;
use ferrosort_compare::intermediates::order::{OrderComparison, compare_orders};
use ferrosort_core::{Motion, RunKind, SortingRun};
use ndarray::Array2;
use proptest::prelude::*;

fn run(order: &[usize], ccb: Option<Array2<f64>>) -> SortingRun {
    let mut run = SortingRun::new("run", "run", RunKind::Kilosort2);
    run.intermediates.order = Some(order.to_vec());
    run.intermediates.ccb = ccb;
    run
}

fn orders(a: &[usize], b: &[usize]) -> OrderComparison {
    let part = compare_orders(&run(a, None), &run(b, None), None);
    part.available().expect("two orders of the same batches").clone()
}

/// Two orders of the same batches, and a renaming of the batches.
fn three_permutations() -> impl Strategy<Value = [Vec<usize>; 3]> {
    (3_usize..30).prop_flat_map(|n| {
        let one = || Just((0..n).collect::<Vec<usize>>()).prop_shuffle();
        [one(), one(), one()]
    })
}

fn symmetric(n: usize, values: &[f64]) -> Array2<f64> {
    Array2::from_shape_fn((n, n), |(i, j)| values[(i * j + i + j) % values.len()])
}

proptest! {
    #[test]
    fn orders_do_not_depend_on_direction_side_or_names([a, b, names] in three_permutations()) {
        let found = orders(&a, &b);
        let reversed: Vec<usize> = b.iter().rev().copied().collect();
        let turned = orders(&a, &reversed);
        prop_assert!((found.rho + turned.rho).abs() < 1e-12);
        if found.rho.abs() > 1e-9 {
            prop_assert_eq!(found.largest_shift, turned.largest_shift);
            prop_assert!((found.kendall_tau - turned.kendall_tau).abs() < 1e-12);
        }
        prop_assert!((found.rho - orders(&b, &a).rho).abs() < 1e-12);
        let renamed = |order: &[usize]| -> Vec<usize> { order.iter().map(|&batch| names[batch]).collect() };
        let other = orders(&renamed(&a), &renamed(&b));
        prop_assert!((found.rho - other.rho).abs() < 1e-12 && found.moved_fraction == other.moved_fraction);
        prop_assert!(found.rho_abs <= 1.0 && found.mean_shift <= found.largest_shift);
        prop_assert_eq!(orders(&a, &a).largest_shift, 0.0);
    }

    #[test]
    fn matrices_do_not_depend_on_the_names_of_batches(
        [a, _, names] in three_permutations(),
        x in prop::collection::vec(-3.0_f64..3.0, 50),
        y in prop::collection::vec(-3.0_f64..3.0, 50),
    ) {
        let n = a.len();
        let (x, y) = (symmetric(n, &x), symmetric(n, &y));
        let moved = |m: &Array2<f64>| Array2::from_shape_fn((n, n), |(i, j)| m[[names[i], names[j]]]);
        let compared = |x: Array2<f64>, y: Array2<f64>| {
            let part = compare_batches(&run(&a, Some(x)), &run(&a, Some(y)), 0);
            part.available().expect("square matrices").ccb.clone()
        };
        let (plain, shuffled) = (compared(x.clone(), y.clone()), compared(moved(&x), moved(&y)));
        let same = |u: f64, v: f64| (u - v).abs() < 1e-9 || (u.is_nan() && v.is_nan());
        prop_assert!(same(plain.pearson, shuffled.pearson) && same(plain.spearman, shuffled.spearman));
        prop_assert!(same(plain.rms_difference, shuffled.rms_difference));
        prop_assert_eq!(plain.largest_difference.abs(), shuffled.largest_difference.abs());
    }

    #[test]
    fn offset_and_sign_of_an_estimate_do_not_count(
        values in prop::collection::vec(-50.0_f64..50.0, 12),
        noise in prop::collection::vec(-2.0_f64..2.0, 12),
        offset in -100.0_f64..100.0,
        negative: bool,
    ) {
        let motion = |values: Vec<f64>| Motion {
            times_s: (0..6).map(f64::from).collect(),
            depths_um: vec![0.0, 100.0],
            displacement_um: Array2::from_shape_vec((6, 2), values).expect("twelve values"),
        };
        let mut truth = run(&[], None);
        truth.motion = Some(motion(values.clone()));
        let noisy: Vec<f64> = values.iter().zip(&noise).map(|(v, e)| v + e).collect();
        let sign = if negative { -1.0 } else { 1.0 };
        let given: Vec<f64> = noisy.iter().map(|v| sign * v + offset).collect();
        let part = compare_motion(&motion(given), &truth);
        let found = part.available().expect("finite values");
        // The other sign can only be chosen where it fits better.
        prop_assert!(found.rms_um <= found.rms_other_sign_um);
        prop_assert!(found.rms_um <= 4.0 && found.rms_um >= 0.0);
        prop_assert!(found.p95_um <= found.largest_um);
    }
}
