//! Clusters of the spikes of one batch (docs/kilosort2.md 3.5): k-means on scaled directions, ten rounds from random spikes.

use ndarray::{Array2, Array3, ArrayView1};
use rayon::prelude::*;

use super::basis::COMPONENTS;
use super::detect::DetectedSpikes;
use crate::neighbours::Neighbours;

/// Rounds of assignment and averaging.
const ROUNDS: usize = 10;
/// Keeps divisions by the norm of an empty cluster finite.
const TINY: f64 = 1e-5;

/// Number of clusters of a batch: one for two channels.
pub fn clusters_per_batch(channels: usize) -> usize {
    channels.div_ceil(2)
}

/// The spikes from which the clusters of a batch start.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterStart {
    /// Rows of the features, one a cluster.
    pub rows: Vec<usize>,
    /// Added to the starting clusters, `[clusters, 3 * channels]` in sd (the switch `noisy_cluster_start`).
    pub noise: Option<Array2<f64>>,
}

impl ClusterStart {
    /// These spikes as they are.
    pub fn rows(rows: Vec<usize>) -> Self {
        Self { rows, noise: None }
    }
}

/// The clusters of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchClusters {
    /// Unit-norm templates `[clusters, near, 3]` on the channels near the main channel; zero for an empty cluster.
    pub templates: Array3<f64>,
    /// Norm of each cluster's mean, in sd.
    pub norms: Vec<f64>,
    /// Number of spikes of each cluster.
    pub counts: Vec<u32>,
    /// Channel with the largest first component.
    pub main_channels: Vec<u32>,
}

/// Clusters the spikes of one batch, whose features were taken on the channels `near` theirs.
///
/// `None` when there are not more spikes than clusters. Spikes that no cluster matches are in none, or in cluster 0 with
/// `unassigned_to_first` (the switch `unassigned_to_first_cluster`).
pub fn cluster_batch(
    spikes: &DetectedSpikes,
    start: &ClusterStart,
    near: &Neighbours,
    unassigned_to_first: bool,
) -> Option<BatchClusters> {
    if spikes.len() <= clusters_per_batch(near.channels()) {
        return None;
    }
    let mut clusters = KMeans::new(spikes, start, near);
    let mut assignment = Vec::new();
    for _ in 0..ROUNDS {
        assignment = clusters.assign(spikes, unassigned_to_first);
        clusters.update(spikes, &assignment);
    }
    Some(clusters.finish(&assignment))
}

/// The clusters between two rounds.
#[derive(Debug, Clone)]
pub struct KMeans<'a> {
    near: &'a Neighbours,
    /// Directions `[clusters, 3 * channels]`: component `q` on channel `c` is in column `3 c + q`.
    directions: Array2<f64>,
    norms: Vec<f64>,
    main_channels: Vec<u32>,
}

impl<'a> KMeans<'a> {
    /// The clusters before the first round.
    pub fn new(spikes: &DetectedSpikes, start: &ClusterStart, near: &'a Neighbours) -> Self {
        let n = start.rows.len();
        let width = COMPONENTS * near.channels();
        let mut means = start.noise.clone().unwrap_or_else(|| Array2::zeros((n, width)));
        for (k, &row) in start.rows.iter().enumerate() {
            let channels = near.of(spikes.channel[row] as usize);
            scatter(&mut means, k, channels, spikes.features.row(row));
        }
        Self::from_means(means, near)
    }

    fn from_means(mut means: Array2<f64>, near: &'a Neighbours) -> Self {
        let mut norms = Vec::with_capacity(means.nrows());
        let mut main_channels = Vec::with_capacity(means.nrows());
        for mut mean in means.rows_mut() {
            let norm = mean.dot(&mean).sqrt();
            mean /= TINY + norm;
            norms.push(norm);
            main_channels.push(main_channel(mean.view()));
        }
        Self {
            near,
            directions: means,
            norms,
            main_channels,
        }
    }

    /// The cluster of every spike: of those whose main channel is near the spike's channel, the one with the largest positive
    /// projection (ties to the first).
    pub fn assign(&self, spikes: &DetectedSpikes, unassigned_to_first: bool) -> Vec<Option<usize>> {
        let mut at_channel = vec![Vec::new(); self.near.channels()];
        for (k, &channel) in self.main_channels.iter().enumerate() {
            at_channel[channel as usize].push(k);
        }
        let nearest = |i: usize| {
            let channels = self.near.of(spikes.channel[i] as usize);
            let features = spikes.features.row(i);
            let mut best: Option<(f64, usize)> = None;
            for &k in channels.iter().flat_map(|&c| &at_channel[c as usize]) {
                let projection = self.project(k, channels, features);
                let better = best.is_none_or(|(p, first)| projection > p || (projection == p && k < first));
                if projection > 0.0 && better {
                    best = Some((projection, k));
                }
            }
            best.map(|(_, k)| k).or(unassigned_to_first.then_some(0))
        };
        (0..spikes.len()).into_par_iter().map(nearest).collect()
    }

    fn project(&self, k: usize, channels: &[u32], features: ArrayView1<f64>) -> f64 {
        let direction = self.directions.row(k);
        let mut sum = 0.0;
        for (j, &channel) in channels.iter().enumerate() {
            for q in 0..COMPONENTS {
                sum += features[COMPONENTS * j + q] * direction[COMPONENTS * channel as usize + q];
            }
        }
        sum
    }

    /// Averages the spikes of each cluster, in the order of the spikes.
    pub fn update(&mut self, spikes: &DetectedSpikes, assignment: &[Option<usize>]) {
        let mut means = Array2::zeros(self.directions.dim());
        let assigned = assignment.iter().enumerate().filter_map(|(i, k)| k.map(|k| (i, k)));
        for (i, k) in assigned {
            let channels = self.near.of(spikes.channel[i] as usize);
            scatter(&mut means, k, channels, spikes.features.row(i));
        }
        for (mut mean, n) in means.rows_mut().into_iter().zip(self.counts(assignment)) {
            mean /= TINY + f64::from(n);
        }
        *self = Self::from_means(means, self.near);
    }

    fn counts(&self, assignment: &[Option<usize>]) -> Vec<u32> {
        let mut counts = vec![0; self.norms.len()];
        for &k in assignment.iter().flatten() {
            counts[k] += 1;
        }
        counts
    }

    /// The templates on the channels near their main channels, with the counts of the last assignment.
    pub fn finish(self, assignment: &[Option<usize>]) -> BatchClusters {
        let mut templates = Array3::zeros((self.norms.len(), self.near.size(), COMPONENTS));
        for (k, mut template) in templates.outer_iter_mut().enumerate() {
            let channels = self.near.of(self.main_channels[k] as usize);
            for ((j, q), v) in template.indexed_iter_mut() {
                *v = self.directions[[k, COMPONENTS * channels[j] as usize + q]];
            }
            let norm = template.iter().map(|v| v * v).sum::<f64>().sqrt();
            template /= TINY + norm;
        }
        BatchClusters {
            templates,
            counts: self.counts(assignment),
            norms: self.norms,
            main_channels: self.main_channels,
        }
    }
}

/// Adds the features of one spike to the dense row `k`.
fn scatter(dense: &mut Array2<f64>, k: usize, channels: &[u32], features: ArrayView1<f64>) {
    for (j, &channel) in channels.iter().enumerate() {
        for q in 0..COMPONENTS {
            dense[[k, COMPONENTS * channel as usize + q]] += features[COMPONENTS * j + q];
        }
    }
}

/// The channel with the largest squared first component (the first of equals).
fn main_channel(dense: ArrayView1<f64>) -> u32 {
    let mut best = (0, 0.0);
    for (channel, v) in dense.iter().step_by(COMPONENTS).enumerate() {
        if v * v > best.1 {
            best = (channel as u32, v * v);
        }
    }
    best.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Four channels far apart in pairs: 0 is near 1, 2 is near 3.
    fn pairs() -> Neighbours {
        Neighbours::nearest(&[[0.0, 0.0], [0.0, 20.0], [0.0, 500.0], [0.0, 520.0]], 2)
    }

    /// Spikes with their first component on their own channel and, smaller, on the other of the pair.
    fn spikes(values: &[(u32, f64, f64)]) -> DetectedSpikes {
        DetectedSpikes {
            start: (0..values.len() as u32).collect(),
            channel: values.iter().map(|v| v.0).collect(),
            features: Array2::from_shape_fn((values.len(), 6), |(i, j)| match j {
                0 => values[i].1,
                3 => values[i].2,
                _ => 0.0,
            }),
        }
    }

    #[test]
    fn two_groups_are_told_apart() {
        let near = pairs();
        let s = spikes(&[
            (0, 10.0, 2.0),
            (0, 12.0, 2.0),
            (3, 9.0, 1.0),
            (3, 11.0, 1.0),
            (1, 4.0, 8.0),
        ]);
        let c = cluster_batch(&s, &ClusterStart::rows(vec![0, 2]), &near, false).unwrap();
        assert_eq!(c.counts, [3, 2]);
        assert_eq!(c.main_channels, [0, 3]);
        // Cluster 0 is the mean of [10, 2], [12, 2] and [8, 4] on channels 0 and 1; cluster 1 of [9, 1] and [11, 1].
        let norm = (10f64.powi(2) + (8.0f64 / 3.0).powi(2)).sqrt();
        assert!((c.norms[0] - norm).abs() < 1e-3 && (c.norms[1] - 101f64.sqrt()).abs() < 1e-3);
        assert!((c.templates[[0, 0, 0]] - 10.0 / norm).abs() < 1e-4);
        assert!((c.templates[[1, 1, 0]] - 1.0 / 101f64.sqrt()).abs() < 1e-4);
        assert_eq!(c.templates[[0, 0, 1]], 0.0);
    }

    #[test]
    fn spikes_without_a_matching_cluster_go_nowhere_or_to_the_first() {
        let near = pairs();
        // Both clusters start on channel 0; the spikes at channel 2 match neither; one spike points the other way.
        let s = spikes(&[(0, 10.0, 2.0), (0, 2.0, 1.0), (2, 9.0, 1.0), (0, -8.0, 0.0)]);
        let start = ClusterStart::rows(vec![0, 1]);
        let clusters = KMeans::new(&s, &start, &near);
        assert_eq!(clusters.assign(&s, false), [Some(0), Some(1), None, None]);
        assert_eq!(clusters.assign(&s, true), [Some(0), Some(1), Some(0), Some(0)]);
        assert_eq!(cluster_batch(&s, &start, &near, false).unwrap().counts, [1, 1]);
        assert_eq!(
            cluster_batch(&s, &start, &near, true)
                .unwrap()
                .counts
                .iter()
                .sum::<u32>(),
            4
        );
    }

    #[test]
    fn equal_clusters_give_the_spike_to_the_first_and_the_other_is_empty() {
        let near = pairs();
        let s = spikes(&[(0, 10.0, 2.0), (0, 10.0, 2.0), (0, 9.0, 2.0)]);
        let c = cluster_batch(&s, &ClusterStart::rows(vec![0, 1]), &near, false).unwrap();
        assert_eq!(c.counts, [3, 0]);
        assert_eq!((c.norms[1], c.main_channels[1]), (0.0, 0));
        assert!(c.templates.iter().all(|v| v.is_finite()));
        assert!(c.templates.outer_iter().nth(1).unwrap().iter().all(|&v| v == 0.0));
    }

    #[test]
    fn noise_is_added_to_the_start() {
        let near = pairs();
        let s = spikes(&[(0, 3.0, 0.0), (0, 2.0, 1.0), (2, 9.0, 1.0)]);
        let mut noise = Array2::zeros((2, 12));
        noise[[0, 1]] = 4.0;
        let noisy = ClusterStart {
            rows: vec![0, 2],
            noise: Some(noise),
        };
        assert!((KMeans::new(&s, &noisy, &near).norms[0] - 5.0).abs() < 1e-12);
    }

    #[test]
    fn too_few_spikes_have_no_clusters() {
        let near = pairs();
        let s = spikes(&[(0, 10.0, 2.0), (2, 9.0, 1.0)]);
        assert!(cluster_batch(&s, &ClusterStart::rows(vec![0, 1]), &near, false).is_none());
        assert!(cluster_batch(&spikes(&[]), &ClusterStart::rows(vec![]), &near, true).is_none());
        assert_eq!(
            (clusters_per_batch(0), clusters_per_batch(1), clusters_per_batch(57)),
            (0, 1, 29)
        );
    }
}
