//! Made-up intermediate results and drift.

use super::trains::even_choice;
use ferrosort_report::model::{
    Alignment, AlignmentTraces, Array, BatchMatrices, Drift, DriftPoints, Fact, Intermediates, Kept, MatrixDifference,
    MotionView, OrderComparison, Part, RunDrift, Stability, Whitening,
};

use super::runs::World;
use super::{Draws, RATE_HZ, Size};

pub fn intermediates(size: &Size) -> Intermediates {
    Intermediates {
        a: 1,
        b: 2,
        alignment: Part::Available(alignment(size)),
        whitening: Part::Available(whitening(size.channels.min(128))),
        batches: Part::Available(batches(60)),
        order: Part::Available(order(60)),
    }
}

fn alignment(size: &Size) -> Alignment {
    let mut draws = Draws::new(11);
    let n = 4000;
    let mut clean: Vec<f64> = Vec::new();
    for _ in 0..9 {
        let mut slow = 0.0;
        clean.extend((0..n).map(|_| {
            slow = 0.8 * slow + draws.normal() * 60.0;
            slow
        }));
    }
    let rows = |from: usize| Array::new(&[8, n], clean[from * n..(from + 8) * n].to_vec(), Kept::Levels16);
    let near = clean[..8 * n].iter().map(|v| v * 1.01 + draws.normal() * 4.0).collect();
    Alignment {
        start_sample: 0,
        channels: (0..8).map(|k| k * size.channels / 8).collect(),
        before: AlignmentTraces { a: rows(0), b: rows(1) },
        after: AlignmentTraces {
            a: rows(0),
            b: Array::new(&[8, n], near, Kept::Levels16),
        },
        correlation: Array::list(
            (0..size.channels)
                .map(|_| 1.0 - 0.01 * draws.uniform().powi(3))
                .collect(),
        ),
        facts: vec![
            Fact::text("layout of kilosort2", "planar"),
            Fact::number("channel rotation", 1.0, "channels"),
            Fact::number("lag", 0.0, "samples"),
            Fact::number("median correlation", 0.99996, ""),
            Fact::number("rms difference", 4.02, "counts"),
        ],
        explanation: "The channels of pykilosort are rotated by one: probably a channel map that counts from 1.".into(),
    }
}

fn whitening(n: usize) -> Whitening {
    let mut draws = Draws::new(12);
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            let d = i.abs_diff(j) as f64;
            a[i * n + j] = if i == j { 0.05 } else { -0.02 * (-d / 2.0).exp() };
        }
    }
    let b = a.iter().map(|v| v + 0.0008 * draws.normal()).collect();
    Whitening {
        a: Array::new(&[n, n], a, Kept::Levels16),
        b: Array::new(&[n, n], b, Kept::Levels16),
        limit: 0.05,
        facts: vec![
            Fact::number("|D| / |W of kilosort2|", 0.031, ""),
            Fact::number("correlation of off-diagonals", 0.993, ""),
        ],
        explanation: String::new(),
    }
}

fn batches(n: usize) -> BatchMatrices {
    let mut draws = Draws::new(13);
    let at = |i: usize| (i as f64 / n as f64 * 7.0).sin();
    let matrix = |noise: f64, draws: &mut Draws, sorted: bool| {
        let mut places: Vec<f64> = (0..n).map(at).collect();
        if sorted {
            places.sort_by(f64::total_cmp);
        }
        let values = (0..n * n)
            .map(|k| (places[k / n] - places[k % n]).abs() * 4.0 - 2.0 + noise * draws.normal())
            .collect();
        Array::new(&[n, n], values, Kept::Levels16)
    };
    let difference = |name: &str| MatrixDifference {
        name: name.into(),
        pearson: Some(0.981),
        spearman: Some(0.972),
        rms_difference: Some(0.21),
        rms_a: Some(2.1),
        largest: Some(1.4),
        largest_at: Some([3, 41]),
    };
    BatchMatrices {
        ccb0_a: matrix(0.2, &mut draws, false),
        ccb0_b: matrix(0.25, &mut draws, false),
        ccbsort_a: matrix(0.2, &mut draws, true),
        ccbsort_b: matrix(0.25, &mut draws, true),
        ccb_b_in_order_of_a: matrix(0.25, &mut draws, true),
        batch_times_s: Array::list((0..n).map(|i| i as f64 * 2.0).collect()),
        differences: vec![difference("ccb0"), difference("ccbsort")],
        explanation: String::new(),
    }
}

fn order(n: usize) -> OrderComparison {
    let ranks = |shift: f64| {
        let mut order: Vec<usize> = (0..n).collect();
        let value = |i: usize| (i as f64 / n as f64 * 7.0 + shift).sin();
        order.sort_by(|&x, &y| value(x).total_cmp(&value(y)));
        let mut place = vec![0; n];
        for (p, &batch) in order.iter().enumerate() {
            place[batch] = p as i64;
        }
        (
            Array::integers(order.into_iter().map(|v| v as i64)),
            Array::integers(place),
        )
    };
    let ((order_a, place_a), (order_b, place_b)) = (ranks(0.0), ranks(0.08));
    OrderComparison {
        order_a,
        order_b,
        place_a,
        place_b,
        batch_times_s: Array::list((0..n).map(|i| i as f64 * 2.0).collect()),
        facts: vec![
            Fact::number("Spearman correlation", 0.992, ""),
            Fact::number("batches moved by more than 5 %", 3.3, "%"),
        ],
        explanation: "The order of pykilosort was reversed: the direction is arbitrary.".into(),
    }
}

pub fn drift(world: &World, size: &Size) -> Drift {
    let spikes = &world.a.spikes;
    let depths = spikes.depths_um.as_ref().unwrap();
    let amplitudes = spikes.amplitudes.as_ref().unwrap();
    let chosen = even_choice(spikes.len(), 40_000);
    let moved = |t: f64| 12.0 * (t / size.duration_s * 7.0).sin();
    let points = |corrected: bool| {
        let time = |p: usize| spikes.samples[p] as f64 / RATE_HZ;
        DriftPoints {
            times_s: Array::points(chosen.iter().map(|&p| time(p))),
            depths_um: Array::points(
                chosen
                    .iter()
                    .map(|&p| f64::from(depths[p]) - if corrected { moved(time(p)) } else { 0.0 }),
            ),
            amplitudes: Array::points(chosen.iter().map(|&p| f64::from(amplitudes[p]))).kept_as(Kept::Levels8),
        }
    };
    let times: Vec<f64> = (0..60).map(|k| (f64::from(k) + 0.5) * size.duration_s / 60.0).collect();
    let knots = [100.0, 300.0, 500.0];
    let mut draws = Draws::new(14);
    let true_motion: Vec<f64> = times
        .iter()
        .flat_map(|&t| knots.map(|k| moved(t) * (0.8 + k / 1500.0)))
        .collect();
    let estimate = true_motion.iter().map(|v| v + 0.8 * draws.normal()).collect();
    let motion = MotionView {
        times_s: Array::list(times.clone()),
        depths_um: Array::list(knots.to_vec()),
        estimate_um: Array::matrix(60, 3, estimate),
        truth_um: Array::matrix(60, 3, true_motion),
        facts: vec![
            Fact::number("rms error", 0.81, "µm"),
            Fact::number("95 % of errors below", 1.6, "µm"),
        ],
    };
    let n = world.truth.units.len();
    let stability = Stability {
        times_s: Array::list((0..10).map(|k| (f64::from(k) + 0.5) * size.duration_s / 10.0).collect()),
        displacement_um: Array::list(
            (0..10)
                .map(|k| moved((f64::from(k) + 0.5) * size.duration_s / 10.0).abs())
                .collect(),
        ),
        values: Array::new(
            &[n, 10],
            (0..n * 10).map(|_| 1.0 - 0.4 * draws.uniform().powi(3)).collect(),
            Kept::Levels8,
        ),
        value_label: "accuracy".into(),
        unit_run: 0,
        facts: vec![Fact::number("units split along the drift", 2.0, "")],
    };
    Drift {
        runs: vec![RunDrift {
            run: 1,
            points: Part::Available(points(false)),
            corrected: Part::Available(points(true)),
            motion: Part::Available(motion),
            stability: Part::Available(stability),
        }],
    }
}
