//! What remains between two processed files once channels and time are aligned.

use ferrosort_core::{ProcessedLayout, Result};
use serde::Serialize;

use super::processed::ProcessedData;

/// Values of both files held at once, at most.
const CHUNK_VALUES: usize = 1 << 24;

/// Sums of pairs of values, from which everything else follows. All are exact: the values are 16-bit integers.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
    largest: i32,
    largest_at: i64,
}

impl Sums {
    fn add(&mut self, a: i16, b: i16, at: i64) {
        let (x, y) = (f64::from(a), f64::from(b));
        self.n += 1.0;
        self.a += x;
        self.b += y;
        self.aa += x * x;
        self.bb += y * y;
        self.ab += x * y;
        let difference = i32::from(b) - i32::from(a);
        if difference.abs() > self.largest.abs() {
            self.largest = difference;
            self.largest_at = at;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.a += other.a;
        self.b += other.b;
        self.aa += other.aa;
        self.bb += other.bb;
        self.ab += other.ab;
        if other.largest.abs() > self.largest.abs() {
            self.largest = other.largest;
            self.largest_at = other.largest_at;
        }
    }

    fn residual(&self) -> Residual {
        let (mean_a, mean_b) = (self.a / self.n, self.b / self.n);
        let (var_a, var_b) = (self.aa / self.n - mean_a * mean_a, self.bb / self.n - mean_b * mean_b);
        let covariance = self.ab / self.n - mean_a * mean_b;
        let slope = covariance / var_a;
        let rms_a = (self.aa / self.n).sqrt();
        let rms_difference = ((self.aa + self.bb - 2.0 * self.ab) / self.n).sqrt();
        Residual {
            samples: self.n as u64,
            correlation: covariance / (var_a.sqrt() * var_b.sqrt()),
            slope,
            intercept: mean_b - slope * mean_a,
            rms_a,
            rms_difference,
            rms_fraction: rms_difference / rms_a,
            largest_difference: self.largest,
            largest_at_sample: self.largest_at,
        }
    }
}

/// How B differs from A over some samples. What is not defined (no samples, a constant signal) is `NaN`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Residual {
    /// Number of pairs of values.
    pub samples: u64,
    /// Pearson's correlation.
    pub correlation: f64,
    /// Slope of B on A: the gain.
    pub slope: f64,
    /// B where A is 0, by that line, counts.
    pub intercept: f64,
    /// Root mean square of A, counts.
    pub rms_a: f64,
    /// Root mean square of B - A, counts.
    pub rms_difference: f64,
    /// The same as a fraction of the root mean square of A.
    pub rms_fraction: f64,
    /// The B - A that is furthest from 0, counts.
    pub largest_difference: i32,
    /// Sample of the recording, on A's clock, at which it is first reached.
    pub largest_at_sample: i64,
}

/// A row of the table `alignment`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelResidual {
    /// Channel of A.
    pub channel_a: usize,
    /// Its channel of B.
    pub channel_b: usize,
    /// Over all visited batches.
    #[serde(flatten)]
    pub residual: Residual,
}

/// A batch of A, all channels together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchResidual {
    /// Number of the batch.
    pub batch: usize,
    /// Sample of the recording at which it begins.
    pub first_sample: i64,
    /// Over its first samples.
    pub start: Residual,
    /// Over its last samples.
    pub end: Residual,
    /// Over the rest.
    pub interior: Residual,
}

/// What was compared, and how.
pub(super) struct Aligned<'a> {
    pub a: &'a ProcessedData,
    pub b: &'a ProcessedData,
    pub layouts: (ProcessedLayout, ProcessedLayout),
    /// Channels of A and of B.
    pub pairs: &'a [(usize, usize)],
    /// Samples by which B is late.
    pub lag: i64,
    /// Samples at each end of a batch that count as its edge.
    pub edge: usize,
}

impl Aligned<'_> {
    /// Residuals by channel, by batch, and of everything, over at most `most` batches of A, evenly spaced.
    pub(super) fn residuals(&self, most: usize) -> Result<(Vec<ChannelResidual>, Vec<BatchResidual>, Residual)> {
        let n = self.a.n_batches();
        let visited = most.clamp(1, n);
        let mut channels = vec![Sums::default(); self.pairs.len()];
        let mut batches = Vec::new();
        for i in 0..visited {
            let k = if visited == 1 { 0 } else { i * (n - 1) / (visited - 1) };
            let [start, end, interior] = self.batch(k, &mut channels)?;
            batches.push(BatchResidual {
                batch: k,
                first_sample: self.a.first_samples()[k],
                start: start.residual(),
                end: end.residual(),
                interior: interior.residual(),
            });
        }
        let mut all = Sums::default();
        for sums in &channels {
            all.merge(sums);
        }
        let row = |(&(channel_a, channel_b), sums): (&(usize, usize), &Sums)| ChannelResidual {
            channel_a,
            channel_b,
            residual: sums.residual(),
        };
        Ok((
            self.pairs.iter().zip(&channels).map(row).collect(),
            batches,
            all.residual(),
        ))
    }

    /// Sums over the start, the end and the interior of batch `k` of A; adds to those of the channels.
    fn batch(&self, k: usize, channels: &mut [Sums]) -> Result<[Sums; 3]> {
        let mut parts = [Sums::default(); 3];
        let samples = self.a.samples_of(k);
        let edge = self.edge.min(samples / 2);
        let first = self.a.first_samples()[k];
        let step = (CHUNK_VALUES / self.a.n_channels()).max(1);
        for from in (0..samples).step_by(step) {
            let to = (from + step).min(samples);
            let Some((skipped, of_b)) = self.matching_part(k, from, to)? else {
                continue;
            };
            let begin = from + skipped;
            let of_a = self.a.batch(k, begin..begin + of_b.ncols(), self.layouts.0)?;
            for (sums, &(i, j)) in channels.iter_mut().zip(self.pairs) {
                let mut own = [Sums::default(); 3];
                for (t, (&x, &y)) in of_a.row(i).iter().zip(of_b.row(j)).enumerate() {
                    let place = begin + t;
                    let part = match place {
                        place if place < edge => 0,
                        place if place >= samples - edge => 1,
                        _ => 2,
                    };
                    own[part].add(x, y, first + place as i64);
                }
                for (part, own) in parts.iter_mut().zip(&own) {
                    part.merge(own);
                    sums.merge(own);
                }
            }
        }
        Ok(parts)
    }

    /// B's samples for samples `from..to` of batch `k` of A, and how many of A's have none in front.
    fn matching_part(&self, k: usize, from: usize, to: usize) -> Result<Option<(usize, ndarray::Array2<i16>)>> {
        let same_cut = self.a.first_samples().get(k) == self.b.first_samples().get(k)
            && k < self.b.n_batches()
            && self.a.samples_of(k) == self.b.samples_of(k);
        let wanted = from as i64 + self.lag..to as i64 + self.lag;
        let first = self.a.first_samples()[k];
        // Where both files are cut alike, an edge is compared with the same edge, not with the neighbour that overlaps it.
        let held = if same_cut {
            0..self.b.samples_of(k) as i64
        } else {
            let covered = self.b.covered();
            covered.start - first..covered.end - first
        };
        let (start, end) = (wanted.start.max(held.start), wanted.end.min(held.end));
        if start >= end {
            return Ok(None);
        }
        let block = if same_cut {
            self.b.batch(k, start as usize..end as usize, self.layouts.1)?
        } else {
            self.b.span(first + start..first + end, self.layouts.1)?
        };
        Ok(Some(((start - wanted.start) as usize, block)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_and_an_offset_come_out_as_slope_and_intercept() {
        let mut sums = Sums::default();
        for (t, a) in [1_i16, -2, 3, 0].into_iter().enumerate() {
            sums.add(a, 2 * a + 1, t as i64);
        }
        let found = sums.residual();
        assert!((found.slope - 2.0).abs() < 1e-12 && (found.intercept - 1.0).abs() < 1e-12);
        assert!((found.correlation - 1.0).abs() < 1e-12);
        // Differences 2, -1, 4, 1.
        assert!((found.rms_difference - 5.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!((found.largest_difference, found.largest_at_sample), (4, 2));
        assert!(Sums::default().residual().correlation.is_nan());
    }
}
