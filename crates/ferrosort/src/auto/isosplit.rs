//! ISO-SPLIT: clusters are what no line separates by a valley of density (Magland and Barnett 2015, arXiv:1508.04841).
//!
//! Many small parcels are compared in pairs of mutually closest centroids. Both are projected on the direction that
//! separates them best; where the projection is unimodal they become one, else its valley divides their points anew.
//! Nothing is random, and points are sorted first, so that neither threads nor the order of points matter.

mod isocut;
mod parcels;
#[cfg(test)]
mod tests;

pub use isocut::isocut;

/// What [`isosplit`] can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct IsosplitParameters {
    /// Parcels start with at least so many points, and a smaller cluster joins the one it is compared with.
    pub min_cluster_size: usize,
    /// Parcels to start from; fewer where points are too few for parcels of the least size.
    pub initial_clusters: usize,
    /// Dip score from which two clusters stay apart; see [`isocut`].
    pub threshold: f64,
    /// Passes over the pairs; a pass compares each pair at most once.
    pub max_passes: usize,
    /// A cluster is compared with so many of its nearest clusters (and with those that count it among theirs).
    pub neighbours: usize,
}

impl Default for IsosplitParameters {
    fn default() -> Self {
        Self {
            min_cluster_size: 10,
            initial_clusters: 200,
            threshold: 2.0,
            max_passes: 50,
            neighbours: 12,
        }
    }
}

/// A cluster is compared with at most so many times its number of points.
const UNEQUAL: usize = 3;
/// Means further apart than this many standard deviations are separate however few the points are; pieces of one uniform stretch are 3.5
/// apart.
const SEPARATE: f64 = 5.5;

/// Finite points `[n, d]`, row-major.
struct Points {
    values: Vec<f32>,
    n: usize,
    d: usize,
}

impl Points {
    fn row(&self, i: u32) -> &[f32] {
        &self.values[i as usize * self.d..(i as usize + 1) * self.d]
    }

    fn mean(&self, members: &[u32]) -> Vec<f64> {
        let mut mean = vec![0.0; self.d];
        for &i in members {
            for (m, x) in mean.iter_mut().zip(self.row(i)) {
                *m += f64::from(*x);
            }
        }
        for m in &mut mean {
            *m /= members.len().max(1) as f64;
        }
        mean
    }
}

/// A cluster with its centroid `[d]` and covariance `[d, d]`; without members once it has joined another.
struct Cluster {
    members: Vec<u32>,
    centroid: Vec<f64>,
    covariance: Vec<f64>,
}

impl Cluster {
    fn new(points: &Points, members: Vec<u32>) -> Self {
        let d = points.d;
        let centroid = points.mean(&members);
        let mut covariance = vec![0.0; d * d];
        let mut offset = vec![0.0; d];
        for &i in &members {
            for (o, (x, c)) in offset.iter_mut().zip(points.row(i).iter().zip(&centroid)) {
                *o = f64::from(*x) - c;
            }
            for a in 0..d {
                for b in 0..=a {
                    covariance[a * d + b] += offset[a] * offset[b];
                }
            }
        }
        let weight = 1.0 / members.len().max(1) as f64;
        for a in 0..d {
            for b in 0..=a {
                covariance[a * d + b] *= weight;
                covariance[b * d + a] = covariance[a * d + b];
            }
        }
        Self {
            members,
            centroid,
            covariance,
        }
    }

    fn distance(&self, other: &Self) -> f64 {
        self.centroid
            .iter()
            .zip(&other.centroid)
            .map(|(a, b)| (a - b).powi(2))
            .sum()
    }
}

/// Labels `[n]` of points `[n, d]`, row-major and finite: 0, 1, ... in order of first appearance.
///
/// The partition does not depend on the order of the points. Values that are not finite count as 0; should `points` hold
/// fewer than `n * d` values, the missing points get label 0.
pub fn isosplit(points: &[f32], n: usize, d: usize, p: &IsosplitParameters) -> Vec<u32> {
    let held = points.len().checked_div(d).unwrap_or(0).min(n).min(u32::MAX as usize);
    if held == 0 {
        return vec![0; n];
    }
    let finite: Vec<f32> = points[..held * d]
        .iter()
        .map(|&x| if x.is_finite() { x } else { 0.0 })
        .collect();
    let row = |i: usize| &finite[i * d..(i + 1) * d];
    let mut order: Vec<usize> = (0..held).collect();
    order.sort_by(|&i, &j| {
        let differ = row(i)
            .iter()
            .zip(row(j))
            .map(|(a, b)| a.total_cmp(b))
            .find(|o| o.is_ne());
        differ.unwrap_or_else(|| i.cmp(&j))
    });
    let values = order.iter().flat_map(|&i| row(i).iter().copied()).collect();
    let sorted = Points { values, n: held, d };

    let mut of_point = vec![0usize; n];
    for (label, cluster) in clusters(&sorted, p).iter().enumerate() {
        for &i in &cluster.members {
            of_point[order[i as usize]] = label;
        }
    }
    dense(&of_point)
}

/// Renumbers labels in order of first appearance.
fn dense(labels: &[usize]) -> Vec<u32> {
    let mut new: Vec<Option<u32>> = vec![None; labels.iter().max().map_or(0, |most| most + 1)];
    let mut next = 0;
    let mut renumber = |label: usize| {
        *new[label].get_or_insert_with(|| {
            next += 1;
            next - 1
        })
    };
    labels.iter().map(|&label| renumber(label)).collect()
}

/// Passes over all near pairs until a pass changes nothing.
fn clusters(points: &Points, p: &IsosplitParameters) -> Vec<Cluster> {
    let least = p.min_cluster_size.max(1);
    let wanted = p.initial_clusters.min(points.n / least).max(1);
    let mut all: Vec<Cluster> = parcels::parcels(points, wanted, least)
        .into_iter()
        .map(|members| Cluster::new(points, members))
        .collect();
    let k = all.len();
    let mut compared = vec![false; k * k];
    for _ in 0..p.max_passes {
        let mut changed = vec![false; k];
        loop {
            let pairs = closest_pairs(&all, &compared, p.neighbours);
            if pairs.is_empty() {
                break;
            }
            for (i, j) in pairs {
                compared[i * k + j] = true;
                compared[j * k + i] = true;
                if let Some((a, b)) = compare(points, &all[i], &all[j], p) {
                    all[i] = Cluster::new(points, a);
                    all[j] = Cluster::new(points, b);
                    changed[i] = true;
                    changed[j] = true;
                }
            }
        }
        if !changed.contains(&true) {
            break;
        }
        // Only a changed cluster is worth comparing again.
        for i in 0..k {
            for j in 0..k {
                compared[i * k + j] &= !(changed[i] || changed[j]);
            }
        }
    }
    all
}

/// Pairs of clusters that are each other's nearest among near ones not yet compared; no cluster is in two pairs.
fn closest_pairs(all: &[Cluster], compared: &[bool], neighbours: usize) -> Vec<(usize, usize)> {
    let k = all.len();
    let active: Vec<usize> = (0..k).filter(|&i| !all[i].members.is_empty()).collect();
    let mut near = vec![f64::INFINITY; k * k];
    for &i in &active {
        let mut others: Vec<(f64, usize)> = active
            .iter()
            .filter(|&&j| j != i)
            .map(|&j| (all[i].distance(&all[j]), j))
            .collect();
        if others.len() > neighbours && neighbours > 0 {
            others.select_nth_unstable_by(neighbours - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            others.truncate(neighbours);
        }
        for (distance, j) in others {
            if !compared[i * k + j] {
                near[i * k + j] = distance;
                near[j * k + i] = distance;
            }
        }
    }
    let mut nearest: Vec<Option<usize>> = vec![None; k];
    for &i in &active {
        let row = &near[i * k..(i + 1) * k];
        let best = (0..k).fold(0, |best, j| if row[j] < row[best] { j } else { best });
        nearest[i] = row[best].is_finite().then_some(best);
    }
    let mutual = |i: usize| nearest[i].filter(|&j| i < j && nearest[j] == Some(i)).map(|j| (i, j));
    let mut pairs: Vec<(usize, usize)> = active.iter().filter_map(|&i| mutual(i)).collect();
    if pairs.is_empty() {
        // Equal distances can form a ring without a mutual pair.
        pairs.extend(active.iter().find_map(|&i| nearest[i].map(|j| (i, j))));
    }
    pairs
}

/// New members of both clusters, the second without any if they are one; `None` if the valley leaves them as they are.
fn compare(points: &Points, a: &Cluster, b: &Cluster, p: &IsosplitParameters) -> Option<(Vec<u32>, Vec<u32>)> {
    let both = || a.members.iter().chain(&b.members).copied();
    let merged = || Some((both().collect(), Vec::new()));
    if a.members.len().min(b.members.len()) < p.min_cluster_size {
        return merged();
    }
    let direction = separating_direction(a, b);
    let along = |i: u32| -> f32 {
        let row = points.row(i).iter().zip(&a.centroid).zip(&direction);
        row.map(|((x, c), v)| (f64::from(*x) - c) * v).sum::<f64>() as f32
    };
    let projection: Vec<f32> = both().map(along).collect();
    let (of_a, of_b) = projection.split_at(a.members.len());
    let (score, cut) = isocut(&near_the_border(of_a, of_b));
    if score < p.threshold && separation(of_a, of_b) < SEPARATE {
        return merged();
    }
    let (mut low, mut high) = (Vec::new(), Vec::new());
    let mut moved = false;
    for (at, i) in both().enumerate() {
        let is_low = projection[at] < cut;
        moved |= is_low != (at < a.members.len());
        if is_low { low.push(i) } else { high.push(i) }
    }
    moved.then_some((low, high))
}

/// Sorted projections of both clusters; of the larger one only those next to the smaller, some times as many as that has.
///
/// All of a large cluster would drown the valley beside a small one.
fn near_the_border(low: &[f32], high: &[f32]) -> Vec<f32> {
    let (mut low, mut high) = (low.to_vec(), high.to_vec());
    low.sort_unstable_by(f32::total_cmp);
    high.sort_unstable_by(f32::total_cmp);
    let (n_low, n_high) = (low.len(), high.len());
    low.drain(..n_low.saturating_sub(UNEQUAL * n_high));
    high.truncate(UNEQUAL * n_low);
    low.extend(high);
    low.sort_unstable_by(f32::total_cmp);
    low
}

/// Distance of the means in units of the mean standard deviation.
fn separation(a: &[f32], b: &[f32]) -> f64 {
    let moments = |x: &[f32]| {
        let n = x.len().max(1) as f64;
        let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        (mean, x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n)
    };
    let ((mean_a, var_a), (mean_b, var_b)) = (moments(a), moments(b));
    (mean_b - mean_a).abs() / f64::midpoint(var_a, var_b).sqrt().max(f64::MIN_POSITIVE)
}

/// Unit vector along `inv(mean covariance) (b - a)`; a ridge, larger for few points, keeps the inverse sane.
fn separating_direction(a: &Cluster, b: &Cluster) -> Vec<f64> {
    let d = a.centroid.len();
    let offset: Vec<f64> = a.centroid.iter().zip(&b.centroid).map(|(a, b)| b - a).collect();
    let mut matrix: Vec<f64> = a
        .covariance
        .iter()
        .zip(&b.covariance)
        .map(|(a, b)| f64::midpoint(*a, *b))
        .collect();
    let variance = (0..d).map(|i| matrix[i * d + i]).sum::<f64>() / d as f64;
    let few = d as f64 / (10 * (a.members.len() + b.members.len())) as f64;
    for i in 0..d {
        matrix[i * d + i] += variance * (1e-6 + few);
    }
    let mut direction = solve(matrix, &offset).unwrap_or(offset);
    let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 {
        for v in &mut direction {
            *v /= length;
        }
    }
    direction
}

/// Solves a symmetric positive definite system by elimination; `None` if it is not one.
fn solve(mut matrix: Vec<f64>, right: &[f64]) -> Option<Vec<f64>> {
    let d = right.len();
    let mut x = right.to_vec();
    for i in 0..d {
        let pivot = matrix[i * d + i];
        if !pivot.is_finite() || pivot <= 0.0 {
            return None;
        }
        for r in i + 1..d {
            let factor = matrix[r * d + i] / pivot;
            for c in i..d {
                matrix[r * d + c] -= factor * matrix[i * d + c];
            }
            x[r] -= factor * x[i];
        }
    }
    for i in (0..d).rev() {
        let known: f64 = (i + 1..d).map(|c| matrix[i * d + c] * x[c]).sum();
        x[i] = (x[i] - known) / matrix[i * d + i];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}
