//! How different two batches are, by the clusters of their spikes (docs/kilosort2.md 3.6).
//!
//! A cluster `m` of batch `b` is as far from batch `a` as from the closest matching cluster `n` of `a`, or from zero:
//! `d²(m) = min(mu_m², min_n (mu_m² + mu_n² - 2 mu_m mu_n <w_m, w_n>))`, and the batches are as far apart as their clusters are
//! on average, weighted by the number of spikes.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::basis::COMPONENTS;
use super::cluster::BatchClusters;
use crate::neighbours::Neighbours;

/// Templates compared together, each in a lane of its own, so that the compiler can use vectors.
const LANES: usize = 16;
/// Clusters of one channel that are compared with the same other clusters, while those are in the cache.
const TILE: usize = 32;
/// Tiles whose results are held before they are added up in order.
const TILES_AT_ONCE: usize = 64;

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
#[derive(Default)]
struct AtChannel {
    batch: Vec<usize>,
    /// Number of the cluster in its batch.
    cluster: Vec<usize>,
    norm: Vec<f64>,
    /// Templates in groups of `LANES`: for each value of a template (component within near channel) one array of lanes.
    values: Vec<[f64; LANES]>,
}

impl AtChannel {
    fn push(&mut self, batch: usize, cluster: usize, norm: f64, template: ArrayView2<f64>) {
        let lane = self.batch.len() % LANES;
        if lane == 0 {
            self.values.resize(self.values.len() + template.len(), [0.0; LANES]);
        }
        let group = self.values.len() - template.len();
        for (lanes, &v) in self.values[group..].iter_mut().zip(template.iter()) {
            lanes[lane] = v;
        }
        self.batch.push(batch);
        self.cluster.push(cluster);
        self.norm.push(norm);
    }
}

/// Dissimilarity `[batches, batches]`, in sd: row `a`, column `b` says how far the clusters of `b` are from those of `a`.
///
/// `near` must be the lists that the clusters were made with. Costs `batches²` times the pairs of clusters on near channels.
pub fn dissimilarity(batches: &[&BatchClusters], near: &Neighbours) -> Array2<f64> {
    let mut at_channel: Vec<AtChannel> = (0..near.channels()).map(|_| AtChannel::default()).collect();
    for (batch, clusters) in batches.iter().enumerate() {
        for (k, template) in clusters.templates.outer_iter().enumerate() {
            at_channel[clusters.main_channels[k] as usize].push(batch, k, clusters.norms[k], template);
        }
    }
    let tiles: Vec<(usize, Range<usize>)> = at_channel
        .iter()
        .enumerate()
        .flat_map(|(channel, all)| {
            let n = all.batch.len();
            (0..n)
                .step_by(TILE)
                .map(move |first| (channel, first..(first + TILE).min(n)))
        })
        .collect();

    // The sums have a fixed order, whatever the number of threads: by channel, then batch.
    let mut sums = Array2::zeros((batches.len(), batches.len()));
    for some in tiles.chunks(TILES_AT_ONCE) {
        let distances: Vec<Vec<Vec<f64>>> = some
            .par_iter()
            .map(|(channel, rows)| distances_of_tile(batches, &at_channel, near, *channel, rows.clone()))
            .collect();
        for ((channel, rows), distances) in some.iter().zip(distances) {
            for (i, distance) in rows.clone().zip(distances) {
                let (b, k) = (at_channel[*channel].batch[i], at_channel[*channel].cluster[i]);
                let weight = f64::from(batches[b].counts[k]);
                for (sum, d) in sums.row_mut(b).iter_mut().zip(distance) {
                    *sum += weight * d;
                }
            }
        }
    }
    for (mut row, b) in sums.rows_mut().into_iter().zip(batches) {
        let spikes: f64 = b.counts.iter().map(|&n| f64::from(n)).sum();
        if spikes > 0.0 {
            row /= spikes;
        }
    }
    sums.t().as_standard_layout().into_owned()
}

/// For some of the clusters whose main channel is `channel`: the distance of each from the closest cluster of every batch.
fn distances_of_tile(
    batches: &[&BatchClusters],
    at_channel: &[AtChannel],
    near: &Neighbours,
    channel: usize,
    rows: Range<usize>,
) -> Vec<Vec<f64>> {
    let own = &at_channel[channel];
    let mut closest: Vec<Vec<f64>> = own.norm[rows.clone()]
        .iter()
        .map(|n| vec![n * n; batches.len()])
        .collect();
    for &other in near.of(channel) {
        let shared = shared_values(near, channel, other as usize);
        for (i, closest) in rows.clone().zip(&mut closest) {
            let template = batches[own.batch[i]].templates.index_axis(Axis(0), own.cluster[i]);
            let values: Vec<(usize, f64)> = shared.iter().map(|&(place, at)| (place, template[at])).collect();
            closer(
                closest,
                own.norm[i],
                &values,
                &at_channel[other as usize],
                template.len(),
            );
        }
    }
    for d2 in closest.iter_mut().flatten() {
        *d2 = d2.max(0.0).sqrt();
    }
    closest
}

/// Which values of the templates of channel `other` (by place) meet which values of those of `channel` (by near channel and
/// component).
fn shared_values(near: &Neighbours, channel: usize, other: usize) -> Vec<(usize, [usize; 2])> {
    let mut shared = Vec::new();
    for (theirs, c) in near.of(other).iter().enumerate() {
        if let Some(own) = near.of(channel).iter().position(|o| o == c) {
            shared.extend((0..COMPONENTS).map(|q| (COMPONENTS * theirs + q, [own, q])));
        }
    }
    shared
}

/// Lowers `closest[a]` to the squared distance of one template to those of batch `a` on one channel.
fn closer(closest: &mut [f64], norm: f64, shared: &[(usize, f64)], others: &AtChannel, template_values: usize) {
    let groups = others.values.chunks_exact(template_values.max(1));
    let of_group = others.batch.chunks(LANES).zip(others.norm.chunks(LANES));
    for (values, (batches, norms)) in groups.zip(of_group) {
        let mut product = [0.0; LANES];
        for &(place, v) in shared {
            for (sum, other) in product.iter_mut().zip(&values[place]) {
                *sum += v * other;
            }
        }
        for ((&a, &other), product) in batches.iter().zip(norms).zip(product) {
            let d2 = norm * norm + other * other - 2.0 * norm * other * product;
            closest[a] = closest[a].min(d2);
        }
    }
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
        let batches: Vec<BatchClusters> = (0..40)
            .map(|_| BatchClusters {
                templates: Array3::from_shape_simple_fn((6, 4, 3), || random(1000) as f64 / 1000.0 - 0.5),
                norms: (0..6).map(|_| 5.0 + random(100) as f64 / 10.0).collect(),
                counts: (0..6).map(|_| 1 + random(9) as u32).collect(),
                // Few channels, so that each has several tiles and a group that is not full.
                main_channels: (0..6).map(|_| 2 * random(5) as u32).collect(),
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
