//! Metrics of fixtures made of integers alone, with the values of SpikeInterface 0.105.0.

use ndarray::Array2;

use super::*;
use crate::fixture::{self, Lcg};

const MINUTE: Extent = Extent {
    sample_rate: fixture::SAMPLE_RATE,
    n_samples: fixture::N_SAMPLES as u64,
};

/// Nearly normal: the sum of twelve uniform numbers.
fn normal(lcg: &mut Lcg) -> f64 {
    (0..12).map(|_| lcg.below(1_000_000) as f64 / 1e6).sum::<f64>() - 6.0
}

fn close(found: f64, expected: f64, digits: f64) {
    if expected.is_nan() {
        assert!(found.is_nan(), "{found} should be NaN");
    } else {
        assert!((found - expected).abs() < digits, "{found} should be {expected}");
    }
}

#[test]
fn refractory_metrics_and_presence_of_the_tested_trains() {
    let trains = fixture::tested();
    let nan = f64::NAN;
    let expected = [
        (0, 0.0, 0.0, 0.0, 0.0, nan, 1.0),
        (5, 0.0, 0.0, 0.0, 0.0, nan, 1.0),
        (1, 0.0, 0.0, 0.0, 0.0, nan, 0.666667),
        (2, 0.0, 0.0, 0.0, 0.0, nan, 0.5),
        (3, 0.086087, 1.0, 1.0, 0.138757, nan, 1.0),
        (4, 0.0, 0.0, 0.0, 0.0, 0.175, 1.0),
        (6, 0.0, 0.0, 0.0, 0.0, 0.155, 1.0),
        (7, 6.157635, 203.0, 203.0, 1.0, nan, 1.0),
    ];
    for (unit, ratio, count, pairs, contamination, sliding, presence) in expected {
        let train = &trains[unit];
        let isi = isi_violations(train, MINUTE, 0.0015, 0.0);
        let refractory = refractory_violations(train, MINUTE, 1.0, 0.0);
        close(isi.ratio, ratio, 5e-7);
        close(isi.count, count, 1e-12);
        close(refractory.violations, pairs, 1e-12);
        close(refractory.contamination, contamination, 5e-7);
        close(sliding_refractory(train, MINUTE, SlidingBins::Nominal), sliding, 1e-12);
        let with_true_bins = match unit {
            4 => 0.19,
            6 => 0.165,
            _ => nan,
        };
        close(
            sliding_refractory(train, MINUTE, SlidingBins::True),
            with_true_bins,
            1e-12,
        );
        close(presence_ratio(train, MINUTE, 10.0, 0.0), presence, 5e-7);
    }
}

#[test]
fn a_distribution_cut_off_below() {
    let mut lcg = Lcg::new(777);
    let mut amplitudes = Vec::new();
    while amplitudes.len() < 2000 {
        let a = 50.0 + 5.0 * normal(&mut lcg);
        if a > 45.0 {
            amplitudes.push(a);
        }
    }
    close(amplitudes.iter().sum::<f64>(), 102740.700595, 1e-6);
    close(
        amplitude_cutoff(&amplitudes, CutoffCounts::Truncated),
        0.173895085,
        5e-10,
    );
    let exact = amplitude_cutoff(&amplitudes, CutoffCounts::Exact);
    assert!(exact > 0.173895085 && exact < 0.2, "truncation loses counts: {exact}");
    let noise = noise_cutoff(&amplitudes);
    close(noise.cutoff, 2.409503232, 5e-10);
    close(noise.ratio, 0.588235294, 5e-10);
}

#[test]
fn three_clusters_of_features() {
    let mut lcg = Lcg::new(4242);
    let clusters: Vec<Array2<f64>> = [([0.0, 0.0, 0.0], 60), ([3.0, 0.0, 0.0], 80), ([0.0, 4.0, 1.0], 50)]
        .into_iter()
        .map(|(centre, n)| Array2::from_shape_fn((n, 3), |(_, k)| centre[k] + normal(&mut lcg)))
        .collect();
    let sums: Vec<f64> = (0..3)
        .map(|k| clusters.iter().map(|c| c.column(k).sum()).sum())
        .collect();
    close(sums[0], 254.752539, 5e-7);
    close(sums[2], 56.614328, 5e-7);
    let expected = [
        (12.859377, 0.078199, 2.447781, 0.87, 0.066154, 0.482725),
        (23.115262, 0.050831, 3.060590, 0.905, 0.065455, 0.505677),
        (22.007998, 0.007494, 4.461145, 0.968, 0.008571, 0.628396),
    ];
    for (unit, (distance, l_ratio, d, hit, miss, sil)) in expected.into_iter().enumerate() {
        let own = clusters[unit].view();
        let rest: Vec<usize> = (0..3).filter(|&k| k != unit).collect();
        let views: Vec<_> = rest.iter().map(|&k| clusters[k].view()).collect();
        let others = ndarray::concatenate(ndarray::Axis(0), &views).expect("three columns each");
        let labels: Vec<u32> = rest
            .iter()
            .flat_map(|&k| std::iter::repeat_n(k as u32, clusters[k].nrows()))
            .collect();
        let i = isolation(own, others.view());
        close(i.isolation_distance, distance, 5e-7);
        close(i.l_ratio, l_ratio, 5e-7);
        close(d_prime(own, others.view()), d, 5e-7);
        let n = nearest_neighbours(own, others.view(), 5, 10_000);
        close(n.hit, hit, 5e-7);
        close(n.miss, miss, 5e-7);
        close(silhouette(own, others.view(), &labels), sil, 5e-7);
        let full = silhouette_of_pairs(own, others.view(), &labels);
        assert!(
            full < sil && full > 0.2,
            "pairs within a cluster are farther apart than from its centre: {full}"
        );
    }
}
