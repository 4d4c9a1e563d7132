//! Trains that take turns while the tissue moves: pieces of one neuron, each with a template that fits at some displacements only
//! (docs/algorithm.md 10).

use super::displacement::Displacement;

/// Width of the bins of displacement, µm.
const BIN_UM: f64 = 4.0;
/// Bins that the tissue is in for less than this say nothing, s.
const LEAST_EXPOSURE_S: f64 = 1.0;
/// A neuron is active where both trains together have this share of their largest rate.
const ACTIVE: f64 = 0.4;
/// Rates of the two in the bins that each has for itself differ by this factor at most.
const RATES: f64 = 1.7;
/// Spikes of each in the bins of the other, at most, as a share of what trains that do not take turns would have there, ...
const STRAY: f64 = 0.3;
/// ... which are at least so many.
const LEAST_EXPECTED: f64 = 10.0;

/// How long the tissue around a depth is at each displacement.
pub struct Course {
    /// Bin of displacement in each second.
    bins: Vec<usize>,
    /// Seconds in each bin.
    exposure_s: Vec<f64>,
}

impl Course {
    /// The course at a depth of a shank, µm.
    pub fn new(displacement: &Displacement, shank: i64, depth_um: f64, duration_s: f64) -> Self {
        let lowest = displacement.range_um(shank)[0];
        let bins: Vec<usize> = (0..duration_s.ceil() as usize)
            .map(|s| ((displacement.at(shank, s as f64 + 0.5, depth_um) - lowest) / BIN_UM).max(0.0) as usize)
            .collect();
        let mut exposure_s = vec![0.0; bins.iter().max().map_or(0, |b| b + 1)];
        for &bin in &bins {
            exposure_s[bin] += 1.0;
        }
        Self { bins, exposure_s }
    }

    /// Spikes in each bin of displacement.
    fn counts(&self, times: &[i64], sample_rate: f64) -> Vec<f64> {
        let mut counts = vec![0.0; self.exposure_s.len()];
        for &t in times {
            if let Some(&bin) = self.bins.get((t.max(0) as f64 / sample_rate) as usize) {
                counts[bin] += 1.0;
            }
        }
        counts
    }

    /// Whether one of two trains, in samples, stops where the other begins, at the same rate.
    pub fn take_turns(&self, x: &[i64], y: &[i64], sample_rate: f64) -> bool {
        let (x, y) = (self.counts(x, sample_rate), self.counts(y, sample_rate));
        let seen: Vec<usize> = (0..x.len())
            .filter(|&b| self.exposure_s[b] >= LEAST_EXPOSURE_S)
            .collect();
        let rate = |b: usize| (x[b] + y[b]) / self.exposure_s[b];
        let most = seen.iter().map(|&b| rate(b)).fold(0.0, f64::max);
        let (of_x, of_y): (Vec<usize>, Vec<usize>) = seen
            .iter()
            .filter(|&&b| rate(b) >= ACTIVE * most)
            .partition(|&&b| x[b] > y[b]);
        let sum = |values: &[f64], bins: &[usize]| bins.iter().map(|&b| values[b]).sum::<f64>();
        let (long_x, long_y) = (sum(&self.exposure_s, &of_x), sum(&self.exposure_s, &of_y));
        if long_x == 0.0 || long_y == 0.0 {
            return false;
        }
        let (rate_x, rate_y) = (sum(&x, &of_x) / long_x, sum(&y, &of_y) / long_y);
        let expected = (sum(&x, &seen) * long_y + sum(&y, &seen) * long_x) / sum(&self.exposure_s, &seen);
        let stray = sum(&x, &of_y) + sum(&y, &of_x);
        rate_x < RATES * rate_y && rate_y < RATES * rate_x && expected > LEAST_EXPECTED && stray < STRAY * expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 30_000.0;

    /// The tissue goes up through ten bins and down again, for 100 s, and again.
    fn course() -> Course {
        let bins: Vec<usize> = (0..200usize)
            .map(|s| {
                let at = s % 100;
                at.min(99 - at) / 5
            })
            .collect();
        Course {
            bins,
            exposure_s: vec![20.0; 10],
        }
    }

    /// Spikes `rate_hz` times a second in the seconds whose bin is among these.
    fn train(course: &Course, rate_hz: usize, bins: std::ops::Range<usize>) -> Vec<i64> {
        let seconds = (0..200usize).filter(|&s| bins.contains(&course.bins[s]));
        seconds
            .flat_map(|s| (0..rate_hz).map(move |i| ((s as f64 + i as f64 / rate_hz as f64) * RATE) as i64))
            .collect()
    }

    #[test]
    fn pieces_that_share_the_range_of_displacements_take_turns() {
        let course = course();
        let piece = |rate, bins| train(&course, rate, bins);
        assert!(course.take_turns(&piece(5, 0..4), &piece(5, 4..10), RATE));
        assert!(
            course.take_turns(&piece(5, 0..3), &piece(6, 3..6), RATE),
            "a third piece has the rest"
        );
    }

    #[test]
    fn other_trains_do_not() {
        let course = course();
        let piece = |rate, bins| train(&course, rate, bins);
        assert!(
            !course.take_turns(&piece(5, 0..10), &piece(5, 0..10), RATE),
            "both are there all the time"
        );
        assert!(
            !course.take_turns(&piece(5, 0..6), &piece(5, 3..10), RATE),
            "they overlap"
        );
        assert!(
            !course.take_turns(&piece(2, 0..4), &piece(6, 4..10), RATE),
            "their rates differ"
        );
        assert!(!course.take_turns(&piece(5, 0..10), &[], RATE));
        let still = Course {
            bins: vec![0; 200],
            exposure_s: vec![200.0],
        };
        assert!(
            !still.take_turns(&piece(5, 0..4), &piece(5, 4..10), RATE),
            "nothing moves"
        );
    }
}
