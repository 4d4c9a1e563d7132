//! Whether correlograms of the found units are those of the true ones.

use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;

use crate::correlogram::{CorrelogramBins, CorrelogramRows};

/// Relative error `|1 - found / true|` of correlograms, averaged over pairs of units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorrelogramReconstruction {
    /// Units compared: well detected ones.
    pub n_units: usize,
    /// Edges of the bins, ms, one more than bins.
    pub edges_ms: Vec<f64>,
    /// Mean error in each bin over the pairs whose true count is not 0; not a number where there is none.
    pub mean_error: Vec<f64>,
    /// Pairs with a true count in each bin.
    pub n_pairs: Vec<usize>,
    /// Mean error over all bins and pairs, in ranges of similarity of the true templates.
    pub by_similarity: Vec<SimilarityError>,
}

/// Mean error of the pairs in a range of similarity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimilarityError {
    /// Range of similarity, upper end excluded.
    pub similarity: [f64; 2],
    /// Bins of correlograms with a true count.
    pub n: usize,
    /// Mean error over them, not a number without any.
    pub mean_error: f64,
}

/// Compares the correlograms of all pairs among `pairs` of (true unit, tested unit), autocorrelograms included.
///
/// With `similarity` of the true units, `[true units, true units]`, also in the ranges between `similarity_edges`.
pub fn correlogram_reconstruction(
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    pairs: &[(usize, usize)],
    sample_rate: f64,
    bins: CorrelogramBins,
    similarity: Option<(&Array2<f64>, &[f64])>,
) -> CorrelogramReconstruction {
    let truth: Vec<Vec<i64>> = pairs.iter().map(|pair| a[pair.0].clone()).collect();
    let found: Vec<Vec<i64>> = pairs.iter().map(|pair| b[pair.1].clone()).collect();
    let (truth, found) = (CorrelogramRows::new(&truth, bins), CorrelogramRows::new(&found, bins));
    let edges = similarity.map_or(&[][..], |similarity| similarity.1);
    let range_of = |i: usize, k: usize| {
        let value = similarity.map(|similarity| similarity.0[[pairs[i].0, pairs[k].0]])?;
        edges.windows(2).position(|range| (range[0]..range[1]).contains(&value))
    };
    let rows: Vec<ErrorSums> = (0..pairs.len())
        .into_par_iter()
        .map(|i| {
            let size = pairs.len() * bins.len();
            let (mut true_row, mut found_row) = (vec![0; size], vec![0; size]);
            truth.count(i, &mut true_row);
            found.count(i, &mut found_row);
            let mut sums = ErrorSums::new(bins.len(), edges.len());
            for k in 0..pairs.len() {
                let of_pair = k * bins.len()..(k + 1) * bins.len();
                sums.add_pair(&true_row[of_pair.clone()], &found_row[of_pair], range_of(i, k));
            }
            sums
        })
        .collect();
    let mut total = ErrorSums::new(bins.len(), edges.len());
    for row in &rows {
        total.add(row);
    }
    CorrelogramReconstruction {
        n_units: pairs.len(),
        edges_ms: bins.edges_ms(sample_rate),
        mean_error: total.by_bin.iter().map(|bin| bin.0 / bin.1 as f64).collect(),
        n_pairs: total.by_bin.iter().map(|bin| bin.1).collect(),
        by_similarity: edges
            .windows(2)
            .zip(&total.by_range)
            .map(|(range, &(sum, n))| SimilarityError {
                similarity: [range[0], range[1]],
                n,
                mean_error: sum / n as f64,
            })
            .collect(),
    }
}

/// Sums of errors and their numbers.
struct ErrorSums {
    by_bin: Vec<(f64, usize)>,
    by_range: Vec<(f64, usize)>,
}

impl ErrorSums {
    fn new(n_bins: usize, n_edges: usize) -> Self {
        Self {
            by_bin: vec![(0.0, 0); n_bins],
            by_range: vec![(0.0, 0); n_edges.saturating_sub(1)],
        }
    }

    fn add_pair(&mut self, truth: &[u32], found: &[u32], range: Option<usize>) {
        for (bin, (&truth, &found)) in truth.iter().zip(found).enumerate().filter(|(_, counts)| *counts.0 > 0) {
            let error = (1.0 - f64::from(found) / f64::from(truth)).abs();
            self.by_bin[bin].0 += error;
            self.by_bin[bin].1 += 1;
            if let Some(range) = range {
                self.by_range[range].0 += error;
                self.by_range[range].1 += 1;
            }
        }
    }

    fn add(&mut self, other: &Self) {
        let both = |sums: &mut Vec<(f64, usize)>, others: &[(f64, usize)]| {
            for (sum, other) in sums.iter_mut().zip(others) {
                sum.0 += other.0;
                sum.1 += other.1;
            }
        };
        both(&mut self.by_bin, &other.by_bin);
        both(&mut self.by_range, &other.by_range);
    }
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{correlograms, fixture};

    #[test]
    fn perfect_units_have_perfect_correlograms() {
        let truth = fixture::truth();
        let bins = CorrelogramBins::new(30000.0, 100.0, 1.0).unwrap();
        let pairs: Vec<(usize, usize)> = (0..6).map(|unit| (unit, unit)).collect();
        let same = correlogram_reconstruction(&truth, &truth, &pairs, 30000.0, bins, None);
        assert!(same.mean_error.iter().all(|&error| error == 0.0));
        let counted = correlograms(&truth, bins).iter().filter(|&&count| count > 0).count();
        assert_eq!(same.n_pairs.iter().sum::<usize>(), counted);
    }

    #[test]
    fn a_lost_pair_of_spikes_is_an_error_of_its_bin() {
        let bins = CorrelogramBins::new(1000.0, 20.0, 5.0).unwrap();
        let truth = vec![vec![100, 108, 500, 508]];
        let found = vec![vec![100, 108, 500]];
        let similarity = ndarray::array![[1.0]];
        let ranges = Some((&similarity, &[0.0, 0.9, 1.1][..]));
        let result = correlogram_reconstruction(&truth, &found, &[(0, 0)], 1000.0, bins, ranges);
        // Two pairs of spikes 8 apart, seen from both sides; one of the two is lost.
        assert_eq!(result.mean_error[0], 0.5);
        assert_eq!(result.mean_error[3], 0.5);
        assert!(result.mean_error[1].is_nan());
        assert_eq!(result.n_pairs, [1, 0, 0, 1]);
        assert_eq!((result.by_similarity[0].n, result.by_similarity[1].n), (0, 2));
        assert_eq!(result.by_similarity[1].mean_error, 0.5);
    }
}
