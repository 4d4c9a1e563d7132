//! Isolation of a cluster of spikes among others in a space of features.
//!
//! Every function takes the features of the unit's own spikes and those of the spikes of other units near it,
//! `[spikes, features]`.

use ferrosort_kernels::linalg;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::statistics::{chi_square_above, mean, standard_deviation};

/// Distances of other spikes from a cluster, scaled by its covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Isolation {
    /// Squared Mahalanobis distance within which there are as many spikes of others as the unit has.
    pub isolation_distance: f64,
    /// Expected number of other spikes that belong to the unit, over its number of spikes.
    pub l_ratio: f64,
}

/// How nearest neighbours mix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeighbourRates {
    /// Share of the neighbours of the unit's spikes that are the unit's.
    pub hit: f64,
    /// Share of the neighbours of other spikes that are the unit's.
    pub miss: f64,
}

/// Isolation distance and L-ratio (Schmitzer-Torbert et al. 2005).
///
/// NaN with fewer than two spikes on either side, or when the covariance of the unit cannot be inverted (not more spikes than features,
/// or a feature that does not vary).
pub fn isolation(own: ArrayView2<f64>, others: ArrayView2<f64>) -> Isolation {
    let none = Isolation {
        isolation_distance: f64::NAN,
        l_ratio: f64::NAN,
    };
    let n = own.nrows().min(others.nrows());
    let features = own.ncols();
    if n < 2 || own.nrows() <= features || features == 0 {
        return none;
    }
    let Some(centre) = own.mean_axis(Axis(0)) else {
        return none;
    };
    let covariance = scatter(own, &centre) / (own.nrows() as f64 - 1.0);
    let inverse = linalg::inverse(covariance.view());
    let product = covariance.dot(&inverse);
    let off = |((i, j), v): ((usize, usize), &f64)| (v - f64::from(u8::from(i == j))).abs();
    // Written so that NaN fails.
    if !product.indexed_iter().map(off).all(|d| d < 1e-6) {
        return none;
    }
    let centred = &others - &centre;
    let rotated = centred.dot(&inverse);
    let mut squares: Vec<f64> = rotated
        .rows()
        .into_iter()
        .zip(centred.rows())
        .map(|(a, b)| a.dot(&b))
        .collect();
    squares.sort_unstable_by(f64::total_cmp);
    Isolation {
        isolation_distance: squares[n - 1],
        l_ratio: squares.iter().map(|&d| chi_square_above(d, features)).sum::<f64>() / own.nrows() as f64,
    }
}

/// Sum over rows of the outer product of their distance from `centre`.
fn scatter(rows: ArrayView2<f64>, centre: &Array1<f64>) -> Array2<f64> {
    let centred = &rows - centre;
    centred.t().dot(&centred)
}

/// Distance of the two clusters along the best linear separation, in their common standard deviation (Hill et al. 2011).
///
/// NaN when a side is empty. Directions in which nothing varies are left out.
pub fn d_prime(own: ArrayView2<f64>, others: ArrayView2<f64>) -> f64 {
    let (Some(a), Some(b)) = (own.mean_axis(Axis(0)), others.mean_axis(Axis(0))) else {
        return f64::NAN;
    };
    let within = scatter(own, &a) + scatter(others, &b);
    let Some(direction) = solve_symmetric(&within, &(&a - &b)) else {
        return f64::NAN;
    };
    let (x, y) = (own.dot(&direction).to_vec(), others.dot(&direction).to_vec());
    let variances = f64::midpoint(standard_deviation(&x).powi(2), standard_deviation(&y).powi(2));
    (mean(&x) - mean(&y)) / variances.sqrt()
}

/// Least-squares solution of `matrix x = right` for a positive semidefinite matrix, after scaling its diagonal to 1.
fn solve_symmetric(matrix: &Array2<f64>, right: &Array1<f64>) -> Option<Array1<f64>> {
    /// Eigenvalues below this share of the largest are rounding errors.
    const RANK: f64 = 1e-10;
    let scale: Array1<f64> = matrix.diag().mapv(|v| if v > 0.0 { 1.0 / v.sqrt() } else { 0.0 });
    let scaled = Array2::from_shape_fn(matrix.dim(), |(i, j)| matrix[[i, j]] * scale[i] * scale[j]);
    let (values, vectors) = linalg::symmetric_eigen(scaled.view()).ok()?;
    let largest = *values.first()?;
    let mut coefficients = vectors.t().dot(&(right * &scale));
    for (c, v) in coefficients.iter_mut().zip(&values) {
        *c = if *v > RANK * largest { *c / v } else { 0.0 };
    }
    Some(vectors.dot(&coefficients) * scale)
}

/// Shares of nearest neighbours that are the unit's, among the unit's spikes and among the others (after Chung et al. 2017).
///
/// Each spike looks at its `neighbours` nearest others by Euclidean distance. With more than `max_spikes` spikes in all, evenly spaced rows
/// of the two sets, the unit's first, are taken. Without other spikes the result is (1, 0); with too few spikes NaN.
pub fn nearest_neighbours(
    own: ArrayView2<f64>,
    others: ArrayView2<f64>,
    neighbours: usize,
    max_spikes: usize,
) -> NeighbourRates {
    if others.nrows() == 0 && own.nrows() > 0 {
        return NeighbourRates { hit: 1.0, miss: 0.0 };
    }
    let total = own.nrows() + others.nrows();
    let (rows, n_own) = if total > max_spikes && max_spikes > 0 {
        let share = max_spikes as f64 / total as f64;
        let step = 1.0 / share;
        let count = ((total - 1) as f64 / step).ceil() as usize;
        let rows = (0..count).map(|k| (k as f64 * step) as usize).collect();
        (rows, (own.nrows() as f64 * share) as usize)
    } else {
        ((0..total).collect::<Vec<_>>(), own.nrows())
    };
    if n_own == 0 || n_own >= rows.len() || rows.len() <= neighbours || neighbours == 0 {
        return NeighbourRates {
            hit: f64::NAN,
            miss: f64::NAN,
        };
    }
    let row = |r: usize| {
        if r < own.nrows() {
            own.row(r)
        } else {
            others.row(r - own.nrows())
        }
    };
    let (hit, miss) = PointSet::new(rows.iter().map(|&r| row(r)), own.ncols()).count_neighbours(neighbours, n_own);
    NeighbourRates {
        hit: hit as f64 / (neighbours * n_own) as f64,
        miss: miss as f64 / (neighbours * (rows.len() - n_own)) as f64,
    }
}

/// Points ordered by the feature that varies most, so that a search for neighbours can stop early.
struct PointSet {
    /// `[points, features]`, features by falling variance, points ascending in the first.
    values: Vec<f64>,
    features: usize,
    /// Place of each point in the order given.
    original: Vec<usize>,
}

impl PointSet {
    fn new<'a>(points: impl Iterator<Item = ArrayView1<'a, f64>>, features: usize) -> Self {
        let points: Vec<ArrayView1<f64>> = points.collect();
        let mut spread: Vec<(f64, usize)> = (0..features)
            .map(|f| (standard_deviation(&points.iter().map(|p| p[f]).collect::<Vec<_>>()), f))
            .collect();
        spread.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut original: Vec<usize> = (0..points.len()).collect();
        if let Some(&(_, first)) = spread.first() {
            original.sort_by(|&a, &b| points[a][first].total_cmp(&points[b][first]));
        }
        let values = original
            .iter()
            .flat_map(|&p| spread.iter().map(move |&(_, f)| (p, f)))
            .map(|(p, f)| points[p][f])
            .collect();
        Self {
            values,
            features,
            original,
        }
    }

    fn point(&self, k: usize) -> &[f64] {
        &self.values[k * self.features..(k + 1) * self.features]
    }

    /// Numbers of neighbours below `n_own`, of the points below `n_own` and of the others.
    fn count_neighbours(&self, neighbours: usize, n_own: usize) -> (usize, usize) {
        let (mut hit, mut miss) = (0, 0);
        let mut nearest: Vec<(f64, usize)> = Vec::with_capacity(neighbours + 1);
        for k in 0..self.original.len() {
            self.search(k, neighbours, &mut nearest);
            let found = nearest.iter().filter(|n| n.1 < n_own).count();
            if self.original[k] < n_own {
                hit += found;
            } else {
                miss += found;
            }
        }
        (hit, miss)
    }

    /// The nearest points of point `k` as (squared distance, original place), ascending.
    fn search(&self, k: usize, neighbours: usize, nearest: &mut Vec<(f64, usize)>) {
        nearest.clear();
        let from = self.point(k);
        let (mut down, mut up) = (k, k + 1);
        let gap = |other: usize| {
            let d = self.point(other).first().copied().unwrap_or(0.0) - from.first().copied().unwrap_or(0.0);
            d * d
        };
        loop {
            let below = down.checked_sub(1).map(|c| (gap(c), c));
            let above = (up < self.original.len()).then(|| (gap(up), up));
            let (least, candidate) = match (below, above) {
                (Some(b), Some(a)) if b.0 <= a.0 => b,
                (_, Some(a)) => a,
                (Some(b), None) => b,
                (None, None) => return,
            };
            let full = nearest.len() == neighbours;
            let limit = if full { nearest[neighbours - 1].0 } else { f64::INFINITY };
            if least > limit {
                return;
            }
            if candidate < k {
                down = candidate;
            } else {
                up = candidate + 1;
            }
            if let Some(distance) = squared_distance(from, self.point(candidate), limit) {
                let entry = (distance, self.original[candidate]);
                let place = nearest.partition_point(|n| n.0.total_cmp(&distance).then(n.1.cmp(&entry.1)).is_lt());
                nearest.insert(place, entry);
                nearest.truncate(neighbours);
            }
        }
    }
}

/// Squared distance, or `None` as soon as it exceeds `limit`.
fn squared_distance(a: &[f64], b: &[f64], limit: f64) -> Option<f64> {
    let mut sum = 0.0;
    for (x, y) in a.chunks(8).zip(b.chunks(8)) {
        sum += x.iter().zip(y).map(|(p, q)| (p - q) * (p - q)).sum::<f64>();
        if sum > limit {
            return None;
        }
    }
    Some(sum)
}

/// Rows of `others` by their label, in ascending order of labels.
fn clusters(labels: &[u32]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&r| labels[r]);
    order
        .chunk_by(|&a, &b| labels[a] == labels[b])
        .map(<[usize]>::to_vec)
        .collect()
}

/// Simplified silhouette: distances to centroids (Hruschka et al. 2004); -1 bad, 1 well separated, NaN without spikes or others.
///
/// `labels` tell the unit of each row of `others`.
pub fn silhouette(own: ArrayView2<f64>, others: ArrayView2<f64>, labels: &[u32]) -> f64 {
    let Some(centre) = own.mean_axis(Axis(0)) else {
        return f64::NAN;
    };
    let distances =
        |centre: &Array1<f64>| -> Vec<f64> { own.rows().into_iter().map(|r| distance(r, centre.view())).collect() };
    let to_own = distances(&centre);
    let nearest = clusters(labels)
        .iter()
        .filter_map(|rows| others.select(Axis(0), rows).mean_axis(Axis(0)))
        .map(|c| distances(&c))
        .min_by(|a, b| mean(a).total_cmp(&mean(b)));
    nearest.map_or(f64::NAN, |nearest| mean_silhouette(&to_own, &nearest))
}

/// Standard silhouette with the distances of all pairs (Rousseeuw 1987); NaN with fewer than two spikes or without others.
///
/// For each spike of the unit, the mean distance to the unit's other spikes is compared with that to the nearest other cluster. Quadratic in
/// the number of spikes.
pub fn silhouette_of_pairs(own: ArrayView2<f64>, others: ArrayView2<f64>, labels: &[u32]) -> f64 {
    let clusters = clusters(labels);
    if own.nrows() < 2 || clusters.is_empty() {
        return f64::NAN;
    }
    let (mut within, mut between) = (Vec::new(), Vec::new());
    for row in own.rows() {
        let sum: f64 = own.rows().into_iter().map(|other| distance(row, other)).sum();
        within.push(sum / (own.nrows() - 1) as f64);
        let to_cluster =
            |rows: &Vec<usize>| rows.iter().map(|&r| distance(row, others.row(r))).sum::<f64>() / rows.len() as f64;
        between.push(clusters.iter().map(to_cluster).fold(f64::INFINITY, f64::min));
    }
    mean_silhouette(&within, &between)
}

fn distance(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

fn mean_silhouette(within: &[f64], between: &[f64]) -> f64 {
    let values: Vec<f64> = within.iter().zip(between).map(|(a, b)| (b - a) / a.max(*b)).collect();
    mean(&values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn two_clusters_on_a_line_are_measured_by_hand() {
        let own = array![[0.0], [1.0], [2.0]];
        let others = array![[9.0], [10.0], [11.0]];
        // Mean 1, variance 1: squared distances 64, 81, 100.
        let i = isolation(own.view(), others.view());
        assert!((i.isolation_distance - 100.0).abs() < 1e-9);
        assert!(i.l_ratio < 1e-14);
        // 9 apart; population variances are 2/3.
        assert!((d_prime(own.view(), others.view()) - 9.0 / (2.0f64 / 3.0).sqrt()).abs() < 1e-9);
        let r = nearest_neighbours(own.view(), others.view(), 2, 100);
        assert_eq!((r.hit, r.miss), (1.0, 0.0));
    }
}
