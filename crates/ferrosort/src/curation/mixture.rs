//! A two-component Gaussian mixture on a direction that is learned with it (docs/kilosort2.md 6.3 steps 3 to 5).

use ferrosort_kernels::linalg;
use ndarray::{Array2, ArrayView2};

/// Iterations of expectation and maximisation.
const ITERATIONS: usize = 50;
/// Iterations (from 1) after which the direction is learned too, on every second one.
const FIXED_DIRECTION: usize = 10;
/// Columns are padded with zeros to a multiple of this.
const PAD: usize = 8;
/// Side of the square of the scatter matrix that is summed in registers.
const TILE: usize = 4;
/// Rows that are read repeatedly while they are in the cache.
const ROWS_AT_ONCE: usize = 64;

/// Features of spikes as rows of equal, padded length, in double precision.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    values: Vec<f64>,
    len: usize,
    width: usize,
    stride: usize,
}

impl Rows {
    /// Copies features `[spikes, features]`.
    pub fn new(features: ArrayView2<f32>) -> Self {
        let (len, width) = features.dim();
        let stride = width.next_multiple_of(PAD);
        let mut values = vec![0.0; len * stride];
        for (row, source) in values.chunks_exact_mut(stride.max(1)).zip(features.outer_iter()) {
            row.iter_mut().zip(source).for_each(|(v, &s)| *v = f64::from(s));
        }
        Self {
            values,
            len,
            width,
            stride,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Columns including padding.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `i`, padded.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.stride..(i + 1) * self.stride]
    }

    /// Row `i`, padded, to be changed. Padding must stay 0.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.stride..(i + 1) * self.stride]
    }

    /// All rows, padded.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.stride.max(1))
    }

    /// All rows, padded, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        self.values.chunks_exact_mut(self.stride.max(1))
    }

    /// Mean of each column, padding included.
    pub fn column_means(&self) -> Vec<f64> {
        let mut means = self.weighted_sum(std::iter::repeat(1.0));
        for mean in &mut means {
            *mean /= self.len as f64;
        }
        means
    }

    /// Inner product of each row with `direction`.
    pub fn project(&self, direction: &[f64]) -> Vec<f64> {
        let dot = |row: &[f64]| row.iter().zip(direction).map(|(a, b)| a * b).sum();
        self.iter().map(dot).collect()
    }

    /// Sum of the rows, each times its weight.
    fn weighted_sum(&self, weights: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sum = vec![0.0; self.stride];
        for (row, weight) in self.iter().zip(weights) {
            sum.iter_mut().zip(row).for_each(|(s, v)| *s += weight * v);
        }
        sum
    }

    /// Sum over rows of `weight * row row'`, `[width, width]`.
    ///
    /// Rows are added in order to each entry, so the sum does not depend on how it is blocked.
    fn scatter(&self, weights: &[f64]) -> Array2<f64> {
        let tiles = self.stride / TILE;
        let (rows, _) = self.values.as_chunks::<TILE>();
        let mut total = vec![[[0.0; TILE]; TILE]; tiles * tiles];
        let mut weighted = Vec::with_capacity(ROWS_AT_ONCE * tiles);
        for (rows, weights) in rows
            .chunks(ROWS_AT_ONCE * tiles.max(1))
            .zip(weights.chunks(ROWS_AT_ONCE))
        {
            weighted.clear();
            for (row, weight) in rows.chunks_exact(tiles).zip(weights) {
                weighted.extend(row.iter().map(|part| part.map(|v| v * weight)));
            }
            for i in 0..tiles {
                for j in 0..=i {
                    add_tile(&mut total[i * tiles + j], &weighted[i..], &rows[j..], tiles);
                }
            }
        }
        Array2::from_shape_fn((self.width, self.width), |(i, j)| {
            let (i, j) = (i.max(j), i.min(j));
            total[i / TILE * tiles + j / TILE][i % TILE][j % TILE]
        })
    }
}

/// Adds the products of every `step`-th part of two lists to one square of the scatter matrix.
fn add_tile(total: &mut [[f64; TILE]; TILE], left: &[[f64; TILE]], right: &[[f64; TILE]], step: usize) {
    let mut sums = *total;
    for (l, r) in left.iter().step_by(step).zip(right.iter().step_by(step)) {
        for a in 0..TILE {
            for b in 0..TILE {
                sums[a][b] += l[a] * r[b];
            }
        }
    }
    *total = sums;
}

/// The direction of largest scatter of the rows, of norm 1, its entry of largest magnitude positive. `None` when the
/// rows are not finite.
pub fn principal_direction(rows: &Rows) -> Option<Vec<f64>> {
    let (_, vectors) = linalg::symmetric_eigen(rows.scatter(&vec![1.0; rows.len()]).view()).ok()?;
    let mut direction = vectors.column(0).to_vec();
    linalg::fix_sign(&mut direction);
    Some(direction)
}

/// `v` divided by its norm.
pub fn normalised(mut v: Vec<f64>) -> Vec<f64> {
    let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    for x in &mut v {
        *x /= norm;
    }
    v
}

/// Two Gaussians on a line through feature space.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// Unit vector onto which features are projected.
    pub direction: Vec<f64>,
    /// Probability of each spike to belong to the first and to the second component.
    pub responsibilities: [Vec<f64>; 2],
    /// Means of the components.
    pub means: [f64; 2],
    /// Variances of the components.
    pub variances: [f64; 2],
    /// Weight of the first component.
    pub fraction: f64,
    /// Mean log-likelihood per spike at the start of each iteration, without the constant of the density.
    pub log_likelihood: Vec<f64>,
}

impl Mixture {
    /// Fits two components to the rows' projections, from the two sides of the mean along `direction`; component 0 is
    /// the upper side. The direction turns toward the best linear discriminant from iteration 11 on.
    pub fn fit(rows: &Rows, direction: Vec<f64>) -> Self {
        let mut x = rows.project(&direction);
        let mut mixture = Self::start(&x, direction);
        for iteration in 1..=ITERATIONS {
            mixture.expect(&x);
            mixture.maximise(&x);
            if iteration > FIXED_DIRECTION && iteration % 2 == 1 {
                mixture.turn(rows);
                x = rows.project(&mixture.direction);
            }
        }
        mixture
    }

    fn start(x: &[f64], direction: Vec<f64>) -> Self {
        let centre = mean(x.iter().copied());
        let side = |upper: bool| {
            let values: Vec<f64> = x
                .iter()
                .copied()
                .filter(|&v| if upper { v > centre } else { v < centre })
                .collect();
            let m = mean(values.iter().copied());
            let squares: f64 = values.iter().map(|v| (v - m).powi(2)).sum();
            (m, squares / (values.len() as f64 - 1.0), values.len())
        };
        let (upper, lower) = (side(true), side(false));
        Self {
            direction,
            responsibilities: [vec![0.0; x.len()], vec![0.0; x.len()]],
            means: [upper.0, lower.0],
            variances: [upper.1, lower.1],
            fraction: upper.2 as f64 / x.len() as f64,
            log_likelihood: Vec::with_capacity(ITERATIONS),
        }
    }

    fn expect(&mut self, x: &[f64]) {
        let constant = |k: usize, p: f64| -0.5 * libm::log(self.variances[k]) + libm::log(p);
        let offsets = [constant(0, self.fraction), constant(1, 1.0 - self.fraction)];
        let precision = self.variances.map(|s| 0.5 / s);
        let [first, second] = &mut self.responsibilities;
        let mut total = 0.0;
        for ((&v, r1), r2) in x.iter().zip(first).zip(second) {
            let log: [f64; 2] = std::array::from_fn(|k| offsets[k] - precision[k] * (v - self.means[k]).powi(2));
            let largest = log[0].max(log[1]);
            let density = log.map(|l| libm::exp(l - largest));
            let sum = density[0] + density[1];
            *r1 = density[0] / sum;
            *r2 = density[1] / sum;
            total += largest + libm::log(sum);
        }
        self.log_likelihood.push(total / x.len() as f64);
    }

    fn maximise(&mut self, x: &[f64]) {
        self.fraction = mean(self.responsibilities[0].iter().copied());
        for (k, r) in self.responsibilities.iter().enumerate() {
            let total: f64 = r.iter().sum();
            let m = r.iter().zip(x).map(|(r, v)| r * v).sum::<f64>() / total;
            self.means[k] = m;
            self.variances[k] = r.iter().zip(x).map(|(r, v)| r * (v - m).powi(2)).sum::<f64>() / total;
        }
    }

    /// The direction on which the components, as they are, explain the features best: a weighted least-squares problem.
    fn turn(&mut self, rows: &Rows) {
        let n = rows.len() as f64;
        let [[m1, m2], [s1, s2]] = [self.means, self.variances];
        let [first, second] = &self.responsibilities;
        let weights: Vec<f64> = first.iter().zip(second).map(|(r1, r2)| r1 / s1 + r2 / s2).collect();
        let pulls = first.iter().zip(second).map(|(r1, r2)| r1 * m1 / s1 + r2 * m2 / s2);
        let target = rows.weighted_sum(pulls);
        let target = Array2::from_shape_fn((rows.width, 1), |(i, _)| target[i] / n);
        let mut scatter = rows.scatter(&weights).mapv(|v| v / n);
        // A feature that is the same for all spikes says nothing: its equation becomes `1 w = 0`.
        scatter.diag_mut().mapv_inplace(|v| if v == 0.0 { 1.0 } else { v });
        let solution = linalg::solve(scatter.view(), target.view());
        let direction = normalised(solution.column(0).to_vec());
        // Features that depend on each other exactly leave no unique direction: keep the one so far.
        if direction.iter().all(|v| v.is_finite()) {
            self.direction = direction;
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    sum / n as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Nearly normal numbers, mean 0 and variance 1.
    struct Normal(u64);

    impl Normal {
        fn next(&mut self) -> f64 {
            let mut uniform = || {
                self.0 = self
                    .0
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (self.0 >> 11) as f64 / (1u64 << 53) as f64
            };
            (0..12).map(|_| uniform()).sum::<f64>() - 6.0
        }
    }

    /// `n` rows of 10 features; every third spike is 8 higher in feature 2.
    fn two_clusters(n: usize) -> Array2<f32> {
        let mut normal = Normal(3);
        Array2::from_shape_fn((n, 10), |(i, j)| {
            let shift = if j == 2 && i % 3 == 0 { 8.0 } else { 0.0 };
            (normal.next() * if j == 5 { 2.0 } else { 1.0 } + shift) as f32
        })
    }

    #[test]
    fn two_gaussians_are_told_apart() {
        let rows = Rows::new(two_clusters(3000).view());
        let mut direction = vec![0.1; rows.stride()];
        direction[2] = 1.0;
        let m = Mixture::fit(&rows, normalised(direction));
        assert!(m.direction[2].abs() > 0.99);
        assert!((m.fraction - 1.0 / 3.0).abs() < 0.01, "{}", m.fraction);
        assert!((m.means[0] - m.means[1] - 8.0).abs() < 0.2);
        for (i, r) in m.responsibilities[0].iter().enumerate() {
            assert_eq!(*r > 0.5, i % 3 == 0, "{i}");
        }
        // The likelihood cannot fall while the direction stays; iterations 12, 14, ... come after a turn.
        assert!(m.log_likelihood[..11].windows(2).all(|l| l[1] >= l[0] - 1e-12));
        for k in (12..ITERATIONS).step_by(2) {
            assert!(m.log_likelihood[k] >= m.log_likelihood[k - 1] - 1e-12, "{k}");
        }
    }

    #[test]
    fn constant_and_dependent_features_do_no_harm() {
        let mut features = two_clusters(900);
        features.column_mut(7).fill(0.0);
        let copy = features.column(1).to_owned();
        features.column_mut(4).assign(&copy);
        let rows = Rows::new(features.view());
        let m = Mixture::fit(&rows, principal_direction(&rows).unwrap());
        assert!((m.fraction - 1.0 / 3.0).abs() < 0.01, "{}", m.fraction);
    }

    #[test]
    fn scatter_equals_its_definition() {
        let features = two_clusters(131);
        let rows = Rows::new(features.view());
        let weights: Vec<f64> = (0..131).map(|i| 1.0 + f64::from(i % 5)).collect();
        let f = features.mapv(f64::from);
        let weighted = Array2::from_shape_fn(f.dim(), |(i, j)| f[[i, j]] * weights[i]);
        for (a, b) in rows.scatter(&weights).iter().zip(&weighted.t().dot(&f)) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn the_principal_direction_is_the_widest() {
        let mut features = two_clusters(600);
        features.column_mut(5).mapv_inplace(|v| v * 10.0);
        let direction = principal_direction(&Rows::new(features.view())).unwrap();
        assert!(direction[5] > 0.99);
        features[[3, 3]] = f32::NAN;
        assert!(principal_direction(&Rows::new(features.view())).is_none());
    }
}
