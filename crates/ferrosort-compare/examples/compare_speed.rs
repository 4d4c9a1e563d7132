//! Time that a comparison of two large sortings takes: `compare_speed [million spikes] [units]`.
//!
//! Each unit of b is a unit of a with jitter, losses and additions, as a sorter that does well.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use ferrosort_compare::{
    CollisionParams, CompareParams, CorrelogramBins, K4Params, KsParams, TruthParams, accuracy_against_tolerance,
    agreement_scores, collision_recall, compare_spikes, confusion_matrix, correlogram_reconstruction,
    default_tolerances_ms, distance_agreement, kilosort_benchmark, kilosort4_benchmark, label_spikes,
    match_event_count, match_units, performance, spikeforest_benchmark,
};

/// A linear congruential generator.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, m: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % m
    }
}

fn main() {
    let argument = |place: usize, default: f64| {
        std::env::args()
            .nth(place)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(default)
    };
    let n_spikes = (argument(1, 1.0) * 1e6) as usize;
    let n_units = argument(2, 500.0) as usize;
    let (a, b) = sortings(n_spikes, n_units);
    let spikes = |trains: &[Vec<i64>]| trains.iter().map(Vec::len).sum::<usize>();
    println!(
        "{} and {} spikes, {n_units} units on each side, {} threads",
        spikes(&a),
        spikes(&b),
        rayon_threads()
    );

    let start = Instant::now();
    let lengths = |trains: &[Vec<i64>]| -> Vec<usize> { trains.iter().map(Vec::len).collect() };
    let counts = match_event_count(&a, &b, 12, true);
    println!("  symmetric counts      {:.3} s", start.elapsed().as_secs_f64());
    let agreement = agreement_scores(&counts, &lengths(&a), &lengths(&b));
    let matches = match_units(&agreement, 0.5, 0.1);
    println!("  + agreement, matches  {:.3} s", start.elapsed().as_secs_f64());
    let _ = distance_agreement(&a, &b, 12);
    println!("  + distance agreement  {:.3} s", start.elapsed().as_secs_f64());
    let _ = performance(&counts, &matches.hungarian_match_12, &lengths(&a), &lengths(&b));
    let _ = confusion_matrix(&counts, &matches.hungarian_match_12, &lengths(&a), &lengths(&b));
    println!("  + performance         {:.3} s", start.elapsed().as_secs_f64());
    let partners = &matches.hungarian_match_12;
    let pairs: Vec<(usize, usize)> = partners
        .iter()
        .enumerate()
        .filter_map(|(i, j)| j.map(|j| (i, j)))
        .collect();
    let labels = timed("labels", || label_spikes(&a, &b, partners, 12));
    timed("collisions", || {
        collision_recall(&a, &labels, 30000.0, CollisionParams::default()).n_events
    });
    if let Ok(bins) = CorrelogramBins::new(30000.0, 100.0, 1.0) {
        timed("correlograms", || {
            correlogram_reconstruction(&a, &b, &pairs, 30000.0, bins, None).n_units
        });
    }
    timed("ten tolerances", || {
        accuracy_against_tolerance(&a, &b, 30000.0, &default_tolerances_ms(), 0.5, 0).n_matched
    });
    timed("Kilosort's benchmark", || {
        kilosort_benchmark(&a, &b, KsParams::default()).summary
    });
    timed("Kilosort4's benchmark", || {
        kilosort4_benchmark(&a, &b, None, K4Params::default()).0.len()
    });
    timed("SpikeForest's metrics", || spikeforest_benchmark(&a, &b, 30).len());
    let params = CompareParams::new(30000.0);
    timed("compare_spikes, two sorters", || {
        compare_spikes(&a, &b, &params).is_ok()
    });
    let params = params.with_truth(TruthParams::new(true));
    timed("compare_spikes, truth", || compare_spikes(&a, &b, &params).is_ok());
}

/// Runs something and prints how long it took.
fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = std::hint::black_box(run());
    println!("{what:<28} {:.3} s", start.elapsed().as_secs_f64());
    result
}

/// Rate of a unit 2.8 Hz at 5 million spikes, 500 units and one hour; the recording is as long as the spikes need.
fn sortings(n_spikes: usize, n_units: usize) -> (Vec<Vec<i64>>, Vec<Vec<i64>>) {
    let mut lcg = Lcg(1);
    let n_samples = (n_spikes as u64 * 108_000_000 / 5_000_000).max(1);
    let mut a = vec![Vec::new(); n_units];
    let mut b = vec![Vec::new(); n_units];
    for k in 0..n_spikes {
        let sample = lcg.below(n_samples) as i64;
        let unit = k % n_units;
        a[unit].push(sample);
        if lcg.below(10) != 0 {
            b[unit].push(sample + lcg.below(9) as i64 - 4);
        } else {
            b[unit].push(lcg.below(n_samples) as i64);
        }
    }
    for train in a.iter_mut().chain(&mut b) {
        train.sort_unstable();
    }
    (a, b)
}

fn rayon_threads() -> String {
    std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_owned())
}
