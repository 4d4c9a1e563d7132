//! How different two batches are, by the clusters of their spikes (docs/kilosort2.md 3.6).
//!
//! A cluster `m` of batch `b` is as far from batch `a` as from the closest matching cluster `n` of `a`, or from zero:
//! `d²(m) = min(mu_m², min_n (mu_m² + mu_n² - 2 mu_m mu_n <w_m, w_n>))`, and the batches are as far apart as their clusters are
//! on average, weighted by the number of spikes.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::basis::COMPONENTS;
use super::cluster::BatchClusters;
use crate::neighbours::Neighbours;

/// Partial sums of an inner product, so that it is computed on vectors.
const LANES: usize = 4;

/// The clusters of every batch: where a batch has none of its own, those of the batch before it (or, at the beginning, of the
/// first batch that has some). `None` when no batch has any.
pub fn with_gaps_filled(batches: &[Option<BatchClusters>]) -> Option<Vec<&BatchClusters>> {
    let mut last = batches.iter().flatten().next()?;
    let filled = batches.iter().map(|batch| {
        last = batch.as_ref().unwrap_or(last);
        last
    });
    Some(filled.collect())
}

/// The clusters of all batches whose main channel is one channel, by batch.
struct AtChannel {
    batch: Vec<usize>,
    norm: Vec<f64>,
    /// Templates on the channels near this channel, padded to whole lanes, one after the other.
    templates: Vec<f64>,
}

/// Dissimilarity `[batches, batches]`, in sd: row `a`, column `b` says how far the clusters of `b` are from those of `a`.
///
/// `near` must be the lists that the clusters were made with.
pub fn dissimilarity(batches: &[&BatchClusters], near: &Neighbours) -> Array2<f64> {
    let width = (COMPONENTS * near.size()).next_multiple_of(LANES);
    let by_channel = group_by_channel(batches, near, width);
    let columns: Vec<Vec<f64>> = batches
        .par_iter()
        .map(|b| distances_to(b, &by_channel, near, batches.len(), width))
        .collect();
    Array2::from_shape_fn((batches.len(), batches.len()), |(a, b)| columns[b][a])
}

fn group_by_channel(batches: &[&BatchClusters], near: &Neighbours, width: usize) -> Vec<AtChannel> {
    let empty = || AtChannel {
        batch: Vec::new(),
        norm: Vec::new(),
        templates: Vec::new(),
    };
    let mut groups: Vec<AtChannel> = (0..near.channels()).map(|_| empty()).collect();
    for (batch, clusters) in batches.iter().enumerate() {
        for (k, template) in clusters.templates.outer_iter().enumerate() {
            let group = &mut groups[clusters.main_channels[k] as usize];
            group.batch.push(batch);
            group.norm.push(clusters.norms[k]);
            group.templates.extend(template.iter());
            group.templates.resize(group.batch.len() * width, 0.0);
        }
    }
    groups
}

/// The column of one batch: how far its clusters are from those of every batch.
fn distances_to(
    b: &BatchClusters,
    by_channel: &[AtChannel],
    near: &Neighbours,
    n_batches: usize,
    width: usize,
) -> Vec<f64> {
    let mut sums = vec![0.0; n_batches];
    let mut template = vec![0.0; width];
    for (m, (&norm, &count)) in b.norms.iter().zip(&b.counts).enumerate() {
        let own_channels = near.of(b.main_channels[m] as usize);
        let mut closest = vec![norm * norm; n_batches];
        for &channel in own_channels {
            template.fill(0.0);
            for (j, c) in near.of(channel as usize).iter().enumerate() {
                if let Some(own) = own_channels.iter().position(|o| o == c) {
                    for q in 0..COMPONENTS {
                        template[COMPONENTS * j + q] = b.templates[[m, own, q]];
                    }
                }
            }
            let group = &by_channel[channel as usize];
            for (i, other) in group.templates.chunks_exact(width).enumerate() {
                let d2 = norm * norm + group.norm[i] * group.norm[i]
                    - 2.0 * norm * group.norm[i] * inner_product(&template, other);
                let entry = &mut closest[group.batch[i]];
                *entry = entry.min(d2);
            }
        }
        for (sum, d2) in sums.iter_mut().zip(closest) {
            *sum += d2.max(0.0).sqrt() * f64::from(count);
        }
    }
    let spikes: f64 = b.counts.iter().map(|&n| f64::from(n)).sum();
    if spikes > 0.0 {
        for sum in &mut sums {
            *sum /= spikes;
        }
    }
    sums
}

fn inner_product(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (x, y) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// The dissimilarity with every column z-scored (population standard deviation; a constant column becomes 0), plus its transpose.
pub fn standardised(dissimilarity: &Array2<f64>) -> Array2<f64> {
    let mut z = dissimilarity.clone();
    for mut column in z.axis_iter_mut(Axis(1)) {
        let mean = column.mean().unwrap_or(0.0);
        let largest = column.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
        column -= mean;
        let sd = (column.dot(&column) / column.len() as f64).sqrt();
        // Less than this is rounding of the mean.
        if sd > 1e-13 * largest {
            column /= sd;
        } else {
            column.fill(0.0);
        }
    }
    &z + &z.t()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    fn line(channels: usize, size: usize) -> Neighbours {
        let positions: Vec<[f64; 2]> = (0..channels).map(|i| [0.0, 20.0 * i as f64]).collect();
        Neighbours::nearest(&positions, size)
    }

    /// Clusters whose template is the first component of the main channel alone.
    fn pulses(clusters: &[(u32, f64, u32)], size: usize) -> BatchClusters {
        BatchClusters {
            templates: Array3::from_shape_fn((clusters.len(), size, 3), |(_, j, q)| {
                f64::from(u8::from(j == 0 && q == 0))
            }),
            norms: clusters.iter().map(|c| c.1).collect(),
            counts: clusters.iter().map(|c| c.2).collect(),
            main_channels: clusters.iter().map(|c| c.0).collect(),
        }
    }

    #[test]
    fn hand_worked_distances() {
        let near = line(9, 3);
        // Same channel: norms 10 and 12 differ by 2. Next channel: orthogonal, so zero is closer than sqrt(10² + 12²).
        let a = pulses(&[(2, 10.0, 5), (7, 20.0, 1)], 3);
        let b = pulses(&[(2, 12.0, 3), (3, 8.0, 1)], 3);
        let d = dissimilarity(&[&a, &b], &near);
        let expected = array![[0.0, (2.0 * 3.0 + 8.0) / 4.0], [(2.0 * 5.0 + 20.0) / 6.0, 0.0]];
        assert!(ferrosort_golden::max_abs_difference(&d, &expected) < 1e-12, "{d}");
    }

    #[test]
    fn equals_the_formula_with_dense_templates() {
        let near = line(11, 4);
        let mut state = 3_u64;
        let mut random = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let batches: Vec<BatchClusters> = (0..5)
            .map(|_| BatchClusters {
                templates: Array3::from_shape_simple_fn((6, 4, 3), || random(1000) as f64 / 1000.0 - 0.5),
                norms: (0..6).map(|_| 5.0 + random(100) as f64 / 10.0).collect(),
                counts: (0..6).map(|_| random(9) as u32).collect(),
                main_channels: (0..6).map(|_| random(11) as u32).collect(),
            })
            .collect();
        let dense = |b: &BatchClusters, k: usize| {
            let mut w = vec![0.0; 33];
            for (j, &c) in near.of(b.main_channels[k] as usize).iter().enumerate() {
                for q in 0..3 {
                    w[3 * c as usize + q] = b.templates[[k, j, q]];
                }
            }
            w
        };
        let refs: Vec<&BatchClusters> = batches.iter().collect();
        let d = dissimilarity(&refs, &near);
        for (ia, a) in batches.iter().enumerate() {
            for (ib, b) in batches.iter().enumerate() {
                let (mut sum, mut weight) = (0.0, 0.0);
                for m in 0..6 {
                    let mut d2 = b.norms[m].powi(2);
                    for n in 0..6 {
                        if near.contains(b.main_channels[m] as usize, a.main_channels[n] as usize) {
                            let dot: f64 = dense(b, m).iter().zip(&dense(a, n)).map(|(x, y)| x * y).sum();
                            d2 = d2.min(b.norms[m].powi(2) + a.norms[n].powi(2) - 2.0 * b.norms[m] * a.norms[n] * dot);
                        }
                    }
                    sum += d2.max(0.0).sqrt() * f64::from(b.counts[m]);
                    weight += f64::from(b.counts[m]);
                }
                assert!((d[[ia, ib]] - sum / weight).abs() < 1e-12);
            }
        }
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(single.install(|| dissimilarity(&refs, &near)), d);
    }

    #[test]
    fn batches_without_spikes_are_finite() {
        let near = line(4, 2);
        let none = pulses(&[], 2);
        let silent = pulses(&[(0, 0.0, 0)], 2);
        let some = pulses(&[(1, 9.0, 2)], 2);
        let d = dissimilarity(&[&none, &silent, &some], &near);
        assert_eq!(d, array![[0.0, 0.0, 9.0], [0.0, 0.0, 9.0], [0.0, 0.0, 0.0]]);
        assert!(standardised(&d).iter().all(|v| v.is_finite()));
        assert_eq!(dissimilarity(&[], &near).dim(), (0, 0));
    }

    #[test]
    fn gaps_take_the_batch_before_or_the_first() {
        let (a, b) = (pulses(&[(0, 1.0, 1)], 2), pulses(&[(1, 2.0, 1)], 2));
        let filled = [None, Some(a.clone()), None, Some(b.clone()), None];
        assert_eq!(with_gaps_filled(&filled).unwrap(), [&a, &a, &a, &b, &b]);
        assert!(with_gaps_filled(&[None, None]).is_none());
        assert!(with_gaps_filled(&[]).is_none());
    }

    #[test]
    fn standardised_columns() {
        // Column 0: mean 2, population sd 2. Column 1 is constant although 0.1 is no sum of powers of two.
        let z = standardised(&array![[0.0, 0.1], [4.0, 0.1]]);
        assert_eq!(z, array![[-2.0, 1.0], [1.0, 0.0]]);
        let third = standardised(&Array2::from_elem((3, 3), 0.1));
        assert!(third.iter().all(|&v| v == 0.0));
        assert_eq!(standardised(&Array2::zeros((0, 0))).dim(), (0, 0));
    }
}
