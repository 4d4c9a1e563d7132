use std::time::Instant;

use super::*;

/// Splitmix64, and normal numbers of it by Box and Muller.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn gaussian(&mut self, count: usize, centre: &[f64], sd: &[f64]) -> Vec<f32> {
        let mut points = Vec::new();
        for _ in 0..count {
            points.extend(centre.iter().zip(sd).map(|(c, s)| (c + s * self.normal()) as f32));
        }
        points
    }
}

const SEEDS: u64 = 5;

fn labels(points: &[f32], d: usize) -> Vec<u32> {
    isosplit(points, points.len() / d, d, &IsosplitParameters::default())
}

fn count(labels: &[u32]) -> usize {
    labels.iter().max().map_or(0, |most| *most as usize + 1)
}

#[test]
fn nothing_one_point_and_equal_points() {
    let p = IsosplitParameters::default();
    assert!(isosplit(&[], 0, 3, &p).is_empty());
    assert_eq!(isosplit(&[1.0, 2.0], 1, 2, &p), [0]);
    assert_eq!(isosplit(&[2.5; 3000], 1000, 3, &p), vec![0; 1000]);
    assert_eq!(isosplit(&[], 4, 0, &p), [0; 4]);
    assert_eq!(isosplit(&[f32::NAN; 200], 100, 2, &p), vec![0; 100]);
    assert_eq!(isosplit(&[1.0; 10], 100, 2, &p), vec![0; 100]);
    let none = IsosplitParameters {
        min_cluster_size: 0,
        initial_clusters: 0,
        neighbours: 0,
        max_passes: 0,
        ..p
    };
    assert_eq!(isosplit(&[1.0, 2.0, 3.0], 3, 1, &none), [0; 3]);
}

#[test]
fn cut_lies_in_the_valley() {
    let mut random = Random(3);
    let one = random.gaussian(1000, &[0.0], &[1.0]);
    let mut x = one.clone();
    x.extend(random.gaussian(1000, &[5.0], &[1.0]));
    x.sort_by(f32::total_cmp);
    let (score, cut) = isocut(&x);
    assert!(score > 2.0, "{score}");
    assert!((1.5..3.5).contains(&cut), "{cut}");
    x = one;
    x.sort_by(f32::total_cmp);
    let (score, _) = isocut(&x);
    assert!(score < 2.0, "{score}");
    assert_eq!(isocut(&[]), (0.0, 0.0));
    assert_eq!(isocut(&[1.0; 50]), (0.0, 1.0));
}

#[test]
fn one_gaussian_round_or_long_is_one_cluster() {
    for seed in 0..SEEDS {
        for sd in [[1.0, 1.0], [4.0, 1.0]] {
            assert_eq!(
                count(&labels(&Random(seed).gaussian(5000, &[0.0; 2], &sd), 2)),
                1,
                "{seed} {sd:?}"
            );
        }
        assert_eq!(
            count(&labels(&Random(seed).gaussian(5000, &[0.0; 8], &[1.0; 8]), 8)),
            1,
            "{seed}, 8-d"
        );
    }
}

/// Two Gaussians at distance 5: one cluster each, more than 97 % right.
fn assert_two(small: usize, threshold: f64) {
    let parameters = IsosplitParameters {
        threshold,
        ..IsosplitParameters::default()
    };
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut points = random.gaussian(1000, &[0.0, 0.0], &[1.0; 2]);
        points.extend(random.gaussian(small, &[5.0, 0.0], &[1.0; 2]));
        let found = isosplit(&points, points.len() / 2, 2, &parameters);
        assert_eq!(count(&found), 2, "{seed}");
        let same = found[..1000].iter().filter(|&&l| l == 0).count();
        let right = same + found[1000..].iter().filter(|&&l| l == 1).count();
        let right = right.max(found.len() - right);
        assert!(right * 100 > found.len() * 97, "{seed}: {right} of {}", found.len());
    }
}

#[test]
fn two_gaussians_of_equal_size() {
    assert_two(1000, 2.0);
}

#[test]
fn two_gaussians_of_unequal_size() {
    // So few points never reach the usual threshold.
    assert_two(100, 0.6);
}

#[test]
fn near_gaussians_are_one() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut points = random.gaussian(1000, &[0.0, 0.0], &[1.0; 2]);
        points.extend(random.gaussian(1000, &[1.5, 0.0], &[1.0; 2]));
        assert_eq!(count(&labels(&points, 2)), 1, "{seed}");
    }
}

/// Eight Gaussians at distance 6.4 of each other in eight dimensions, their points in turn.
fn eight(each: usize, seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    let mut points = Vec::new();
    for i in 0..8 * each {
        let mut centre = [0.0; 8];
        centre[i % 8] = 4.5;
        points.extend(random.gaussian(1, &centre, &[1.0; 8]));
    }
    points
}

#[test]
fn eight_gaussians_and_the_time_they_take() {
    for (each, seed) in [(300, 0), (300, 1), (300, 2), (2500, 3)] {
        let points = eight(each, seed);
        let start = Instant::now();
        let found = labels(&points, 8);
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(count(&found), 8, "{each} {seed}");
        let right = found.iter().enumerate().filter(|(i, l)| **l == found[i % 8]).count();
        assert!(right * 100 > found.len() * 97, "{right} of {}", found.len());
        // The aim is 0.5 s on an idle core; this only catches a change of order.
        assert!(seconds < 5.0, "{seconds} s");
    }
}

#[test]
fn disc_and_skewed_cluster_are_one() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut disc = Vec::new();
        let mut skewed = Vec::new();
        for _ in 0..3000 {
            let (radius, angle) = (random.uniform().sqrt(), std::f64::consts::TAU * random.uniform());
            disc.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
            skewed.extend([(-2.0 * random.uniform().ln()) as f32, random.normal() as f32]);
        }
        assert_eq!(count(&labels(&disc, 2)), 1, "disc {seed}");
        assert_eq!(count(&labels(&skewed, 2)), 1, "skewed {seed}");
    }
}

#[test]
fn order_of_points_does_not_matter() {
    let points = eight(200, 7);
    let n = points.len() / 8;
    let found = labels(&points, 8);
    // 7 has no factor in common with 1600.
    let order: Vec<usize> = (0..n).map(|i| (i * 7 + 3) % n).collect();
    let moved: Vec<f32> = order
        .iter()
        .flat_map(|&i| points[i * 8..(i + 1) * 8].iter().copied())
        .collect();
    let expected: Vec<usize> = order.iter().map(|&i| found[i] as usize).collect();
    assert_eq!(labels(&moved, 8), dense(&expected));
}
