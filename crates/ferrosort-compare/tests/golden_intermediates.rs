//! Whitening, batches, orders and motions against NumPy and SciPy (tests/data/make_golden_intermediates.py).

use ferrosort_compare::drift::motion_error::compare_motion;
use ferrosort_compare::intermediates::batches::{MatrixComparison, compare_batches};
use ferrosort_compare::intermediates::order::compare_orders;
use ferrosort_compare::intermediates::whitening::compare_whitening;
use ferrosort_core::{Motion, RunKind, RunUnit, SortingRun, TruthDetails};
use ferrosort_golden::Golden;
use ndarray::{Array1, Array2, Axis};

fn golden() -> Option<Golden> {
    ferrosort_golden::open("compare/intermediates.npz")
}

fn run(name: &str) -> SortingRun {
    SortingRun::new(name, name, RunKind::Kilosort2)
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (k, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() < 1e-9 * y.abs().max(1.0), "number {k}: {x}, expected {y}");
    }
}

#[test]
fn whitening_matrices_compare_as_in_numpy() {
    let Some(mut golden) = golden() else { return };
    let scales: Array1<f64> = golden.f64("w_scales");
    let with = |matrix: Array2<f64>, scale: f64| {
        let mut run = run("run");
        run.intermediates.whitening = Some(matrix);
        run.intermediates.counts_per_sd = Some(scale);
        run
    };
    let (a, b) = (with(golden.f64("w_a"), scales[0]), with(golden.f64("w_b"), scales[1]));
    let part = compare_whitening(&a, &b, None);
    let found = part.available().expect("both have a matrix");
    let numbers = [
        found.relative_difference,
        found.largest_difference,
        found.largest_at[0] as f64,
        found.largest_at[1] as f64,
        found.asymmetry_a,
        found.asymmetry_b,
        found.off_diagonal_correlation,
        found.diagonal_ratio,
        found.transposed.relative_difference,
        found.transposed.off_diagonal_correlation,
        found.common_limit,
    ];
    close(&numbers, &golden.f64::<ndarray::Ix1>("w_numbers").to_vec());
}

fn with_batches(golden: &mut Golden, side: &str) -> SortingRun {
    let mut run = run(side);
    run.sample_rate = Some(30_000.0);
    run.intermediates.batch_samples = Some(65_536);
    run.intermediates.ccb = Some(golden.f64(&format!("ccb_{side}")));
    run.intermediates.order = Some(golden.usize(&format!("order_{side}")));
    run
}

#[test]
fn dissimilarities_compare_as_in_scipy() {
    let Some(mut golden) = golden() else { return };
    let (a, b) = (with_batches(&mut golden, "a"), with_batches(&mut golden, "b"));
    let part = compare_batches(&a, &b, 0);
    let found = part.available().expect("both have a matrix");
    let mut check = |matrix: &MatrixComparison, name: &str| {
        let numbers = [
            matrix.pearson,
            matrix.spearman,
            matrix.rms_difference,
            matrix.rms_a,
            matrix.largest_difference.abs(),
        ];
        close(&numbers, &golden.f64::<ndarray::Ix1>(name).to_vec());
    };
    check(&found.ccb, "ccb_numbers");
    check(found.ccbsort.available().expect("orders"), "ccbsort_numbers");
    check(
        found.in_order_of_a.available().expect("orders"),
        "in_order_of_a_numbers",
    );
    close(&[found.common_limit], &golden.f64::<ndarray::Ix1>("ccb_limit").to_vec());
}

#[test]
fn orders_compare_as_in_scipy() {
    let Some(mut golden) = golden() else { return };
    let (a, b) = (with_batches(&mut golden, "a"), with_batches(&mut golden, "b"));
    let drift: Array1<f64> = golden.f64("drift");
    let batch_s = golden.f64::<ndarray::Ix1>("batch_s")[0];
    let truth = Motion {
        times_s: (0..drift.len()).map(|k| (k as f64 + 0.5) * batch_s).collect(),
        depths_um: vec![0.0],
        displacement_um: drift.insert_axis(Axis(1)),
    };
    let part = compare_orders(&a, &b, Some(&truth));
    let found = part.available().expect("both have an order");
    assert!(found.b_reversed);
    let numbers = [
        found.rho,
        found.kendall_tau,
        found.largest_shift,
        found.mean_shift,
        found.moved_fraction,
        found.truth_correlation_a.expect("truth"),
        found.truth_correlation_b.expect("truth"),
    ];
    close(&numbers, &golden.f64::<ndarray::Ix1>("order_numbers").to_vec());
}

#[test]
fn motions_compare_as_in_scipy() {
    let Some(mut golden) = golden() else { return };
    let mut truth = run("truth");
    let depths: Array1<f64> = golden.f64("unit_depths");
    let unit = |&depth: &f64| RunUnit {
        position_um: Some([0.0, depth, 0.0]),
        ..RunUnit::default()
    };
    truth.units = depths.iter().map(unit).collect();
    let times_s = golden.f64::<ndarray::Ix1>("unit_times").to_vec();
    truth.motion = Some(Motion {
        displacement_um: Array2::zeros((times_s.len(), 1)),
        depths_um: vec![0.0],
        times_s,
    });
    truth.truth = Some(TruthDetails {
        unit_displacement_um: Some(golden.f32("unit_moves")),
        ..TruthDetails::default()
    });
    let bins = golden.f64::<ndarray::Ix1>("bins_t").to_vec();
    let estimate = Motion {
        times_s: bins.clone(),
        depths_um: golden.f64::<ndarray::Ix1>("bins_d").to_vec(),
        displacement_um: golden.f64("estimate"),
    };
    let part = compare_motion(&estimate, &truth);
    let found = part.available().expect("the truth is known");
    let flat = |matrix: &Array2<f64>| -> Vec<f64> { matrix.iter().copied().collect() };
    close(&flat(&found.truth_um), &flat(&golden.f64("truth")));
    close(&flat(&found.error_um), &flat(&golden.f64("error")));
    let numbers = [found.rms_um, found.p95_um, found.correlation, found.largest_um];
    close(&numbers, &golden.f64::<ndarray::Ix1>("motion_numbers").to_vec());
    close(
        &found.rms_by_time_um,
        &golden.f64::<ndarray::Ix1>("rms_by_time").to_vec(),
    );
    close(
        &found.rms_by_depth_um,
        &golden.f64::<ndarray::Ix1>("rms_by_depth").to_vec(),
    );
    close(
        &found.mean_by_depth_um,
        &golden.f64::<ndarray::Ix1>("mean_by_depth").to_vec(),
    );
    assert_eq!(found.sign, -1.0);

    let rigid = Motion {
        displacement_um: Array2::zeros((bins.len(), 1)),
        depths_um: vec![0.0],
        times_s: bins,
    };
    let part = compare_motion(&rigid, &truth);
    let found = part.available().expect("the truth is known");
    close(
        &flat(&found.truth_um),
        &golden.f64::<ndarray::Ix1>("rigid_truth").to_vec(),
    );
}
