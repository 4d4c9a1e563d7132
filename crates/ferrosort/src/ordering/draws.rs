//! The random draws of the ordering and of the prototypes, each from its own stream of a portable generator.
//!
//! The same seed gives the same draws on every platform, whatever else was drawn before and on however many threads.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::basis::PROTOTYPES;
use super::cluster::{ClusterStart, clusters_per_batch};

/// Standard deviation of the noise on noisy starts, in sd (docs/kilosort2.md D16).
const START_NOISE_SD: f64 = 1e-3;

/// What is drawn; part of the stream's number, so that no two uses share random numbers.
#[derive(Clone, Copy)]
enum Purpose {
    ClusterStart = 0,
    Prototypes = 1,
}

fn generator(seed: u64, purpose: Purpose, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 48 | index as u64);
    rng
}

/// Uniform in `0..n`, without bias (`n` > 0): the high half of a 128-bit product, drawn again in the uneven remainder.
fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    let n = n as u64;
    let uneven = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= uneven {
            return (product >> 64) as usize;
        }
    }
}

/// Standard normal, by Box and Muller with functions that give the same bits on every platform.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let unit = 1.0 / (1_u64 << 53) as f64;
    let radius = ((rng.next_u64() >> 11) + 1) as f64 * unit;
    let angle = (rng.next_u64() >> 11) as f64 * unit;
    (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * angle)
}

/// The first `k` entries of a random permutation of `0..n` (all of it when `k` is larger).
fn distinct(rng: &mut ChaCha8Rng, n: usize, k: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..n).collect();
    let k = k.min(n);
    for i in 0..k {
        let j = i + below(rng, n - i);
        all.swap(i, j);
    }
    all.truncate(k);
    all
}

/// The start of the clustering of one batch of `n_spikes` spikes on `channels` channels (docs/kilosort2.md 3.5).
///
/// `noisy` is the switch `noisy_cluster_start`: spikes drawn with replacement, with noise on every entry.
pub fn draw_cluster_start(seed: u64, batch: usize, n_spikes: usize, channels: usize, noisy: bool) -> ClusterStart {
    let rng = &mut generator(seed, Purpose::ClusterStart, batch);
    let k = clusters_per_batch(channels);
    if n_spikes == 0 || !noisy {
        return ClusterStart::rows(distinct(rng, n_spikes, k));
    }
    ClusterStart {
        rows: (0..k).map(|_| below(rng, n_spikes)).collect(),
        noise: Some(Array2::from_shape_simple_fn((k, 3 * channels), || {
            START_NOISE_SD * normal(rng)
        })),
    }
}

/// The clips from which the prototypes start (docs/kilosort2.md 4.1): distinct, and repeated in turn when there are too few.
/// Empty when there are no clips.
pub fn draw_prototype_start(seed: u64, n_clips: usize) -> Vec<usize> {
    let drawn = distinct(&mut generator(seed, Purpose::Prototypes, 0), n_clips, PROTOTYPES);
    drawn
        .iter()
        .copied()
        .cycle()
        .take(if n_clips == 0 { 0 } else { PROTOTYPES })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_distinct_and_differ_between_batches_and_seeds() {
        let start = draw_cluster_start(1, 3, 1000, 64, false);
        assert_eq!(start.rows.len(), 32);
        assert!(start.noise.is_none());
        let mut sorted = start.rows.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 32);
        assert!(sorted.iter().all(|&row| row < 1000));
        assert_eq!(start.rows, draw_cluster_start(1, 3, 1000, 64, false).rows);
        assert_ne!(start.rows, draw_cluster_start(1, 4, 1000, 64, false).rows);
        assert_ne!(start.rows, draw_cluster_start(2, 3, 1000, 64, false).rows);
    }

    #[test]
    fn the_stream_is_portable() {
        // Fixed numbers: a change here changes everybody's results.
        assert_eq!(draw_cluster_start(1, 0, 100, 8, false).rows, [40, 8, 60, 24]);
        assert_eq!(draw_prototype_start(1, 100), [87, 68, 91, 89, 25, 58]);
        let mut rng = generator(1, Purpose::ClusterStart, 0);
        let first = rng.next_u64();
        assert_eq!(
            below(&mut generator(1, Purpose::ClusterStart, 0), 1 << 20),
            (first >> 44) as usize
        );
        assert_ne!(first, generator(1, Purpose::Prototypes, 0).next_u64());
    }

    #[test]
    fn noisy_starts_have_small_normal_noise() {
        let start = draw_cluster_start(5, 0, 3, 40, true);
        assert_eq!(start.rows.len(), 20);
        assert!(start.rows.iter().all(|&row| row < 3));
        let noise = start.noise.expect("noisy");
        assert_eq!(noise.dim(), (20, 120));
        let mean = noise.mean().expect("not empty");
        assert!(mean.abs() < 1e-4, "{mean}");
        let sd = noise.std(0.0);
        assert!((sd / START_NOISE_SD - 1.0).abs() < 0.1, "{sd}");
    }

    #[test]
    fn too_few_spikes_or_clips_do_not_stop_a_draw() {
        assert!(draw_cluster_start(1, 0, 0, 8, true).rows.is_empty());
        assert!(draw_cluster_start(1, 0, 0, 8, false).rows.is_empty());
        assert_eq!(draw_cluster_start(1, 0, 2, 8, false).rows.len(), 2);
        assert!(draw_prototype_start(1, 0).is_empty());
        assert_eq!(draw_prototype_start(1, 1), [0; 6]);
        let start = draw_prototype_start(1, 4);
        assert_eq!(start.len(), 6);
        assert_eq!(start[..2], start[4..]);
        let mut all = draw_prototype_start(1, 6);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn draws_below_n_are_even() {
        let mut rng = generator(9, Purpose::ClusterStart, 0);
        let mut counts = [0; 7];
        for _ in 0..7000 {
            counts[below(&mut rng, 7)] += 1;
        }
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
    }
}
