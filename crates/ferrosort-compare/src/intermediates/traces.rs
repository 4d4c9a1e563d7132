//! Pieces of two processed files, laid beside each other for a plot.

use ndarray::Array2;

/// A few channels of A, of B, and their difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// Sample of the recording (on A's clock) or frame of the file at which the traces begin.
    pub first: i64,
    /// Channels of A and of B in each row.
    pub channels: Vec<(usize, usize)>,
    /// `[channels, samples]`, counts.
    pub a: Array2<f32>,
    /// `[channels, samples]`, counts.
    pub b: Array2<f32>,
    /// A - B, `[channels, samples]`, counts.
    pub difference: Array2<f32>,
    /// Distance between two rows of a plot: 6 standard deviations of A, counts.
    pub spacing: f64,
}

impl Traces {
    /// Rows `channels` of two blocks `[channels, samples]`; as many samples as both have.
    pub(super) fn new(first: i64, channels: Vec<(usize, usize)>, of_a: &Array2<i16>, of_b: &Array2<i16>) -> Self {
        let samples = of_a.ncols().min(of_b.ncols());
        let dim = (channels.len(), samples);
        let a = Array2::from_shape_fn(dim, |(row, t)| f32::from(of_a[[channels[row].0, t]]));
        let b = Array2::from_shape_fn(dim, |(row, t)| f32::from(of_b[[channels[row].1, t]]));
        let difference = &a - &b;
        let values: Vec<f64> = a.iter().map(|&v| f64::from(v)).collect();
        let mean = crate::finite::mean(&values);
        let deviations: Vec<f64> = values.iter().map(|v| v - mean).collect();
        Self {
            first,
            channels,
            spacing: 6.0 * crate::finite::rms(&deviations),
            a,
            b,
            difference,
        }
    }
}

/// At most `count` entries of `pairs`, evenly spaced from the first to the last.
pub(super) fn evenly_spaced(pairs: &[(usize, usize)], count: usize) -> Vec<(usize, usize)> {
    let (n, count) = (pairs.len(), count.min(pairs.len()));
    match count {
        0 | 1 => pairs[..count].to_vec(),
        _ => (0..count).map(|i| pairs[i * (n - 1) / (count - 1)]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_of_sixty_four_channels_reach_from_the_first_to_the_last() {
        let pairs: Vec<(usize, usize)> = (0..64).map(|c| (c, c + 1)).collect();
        let chosen: Vec<usize> = evenly_spaced(&pairs, 8).iter().map(|p| p.0).collect();
        assert_eq!(chosen, [0, 9, 18, 27, 36, 45, 54, 63]);
        assert_eq!(evenly_spaced(&pairs[..3], 8).len(), 3);
        assert!(evenly_spaced(&[], 8).is_empty());
    }

    #[test]
    fn the_difference_is_a_minus_b_and_rows_are_six_deviations_apart() {
        let a = ndarray::array![[1_i16, -1, 1, -1], [0, 0, 0, 0]];
        let b = ndarray::array![[0_i16, 0, 0], [5, 3, 5]];
        let traces = Traces::new(7, vec![(0, 1)], &a, &b);
        assert_eq!(traces.difference, ndarray::array![[-4.0, -4.0, -4.0]]);
        let deviation = (8.0_f64 / 9.0).sqrt();
        assert!((traces.spacing - 6.0 * deviation).abs() < 1e-12);
    }
}
