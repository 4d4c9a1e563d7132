//! Echoes: what a template leaves of a large spike, or a shape that it has only at times, looks like a spike of another unit at a fixed lag
//! (docs/algorithm.md 11).

/// Lags at which echoes are looked for, and the width of their peak, ms.
const REACH_MS: f64 = 2.5;
const PEAK_MS: f64 = 0.3;

/// Spikes of one train that stick to those of another at one lag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    /// First lag of the peak, in samples after the other spike.
    first: i64,
    /// Lags of the peak.
    width: i64,
    /// Pairs in the peak beyond chance.
    pub excess: f64,
}

impl Tie {
    /// The strongest peak of the pairs of two sorted trains, in samples.
    pub fn strongest(echo: &[i64], source: &[i64], sample_rate: f64, duration_s: f64) -> Self {
        let reach = (REACH_MS * sample_rate / 1000.0) as i64;
        let width = (PEAK_MS * sample_rate / 1000.0).round().max(1.0) as usize;
        let mut histogram = vec![0u32; 2 * reach as usize + 1];
        let mut first = 0;
        for &t in echo {
            while first < source.len() && source[first] < t - reach {
                first += 1;
            }
            for &s in source[first..].iter().take_while(|s| **s <= t + reach) {
                histogram[(t - s + reach) as usize] += 1;
            }
        }
        let sums = histogram.windows(width).map(|w| w.iter().sum::<u32>());
        let (at, largest) = sums
            .enumerate()
            .fold((0, 0), |b, (i, n)| if n > b.1 { (i, n) } else { b });
        let chance = source.len() as f64 * echo.len() as f64 * width as f64 / sample_rate / duration_s.max(1e-9);
        Self {
            first: at as i64 - reach,
            width: width as i64,
            excess: f64::from(largest) - chance,
        }
    }

    /// Which spikes of a sorted train are within the peak.
    pub fn mark(&self, echo: &[i64], source: &[i64], marks: &mut [bool]) {
        let mut first = 0;
        for (&t, mark) in echo.iter().zip(marks) {
            let earliest = t - self.first - self.width + 1;
            while first < source.len() && source[first] < earliest {
                first += 1;
            }
            *mark |= source.get(first).is_some_and(|&s| s <= t - self.first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 30_000.0;

    #[test]
    fn echoes_are_found_and_other_spikes_are_not() {
        let source: Vec<i64> = (0..500).map(|i| 3000 * i + (i * i) % 700).collect();
        let own: Vec<i64> = (0..400).map(|i| 3700 * i + (i * i * 7) % 1100).collect();
        let mut all: Vec<(i64, bool)> = own.iter().map(|&t| (t, false)).collect();
        all.extend(source.iter().step_by(2).map(|&t| (t + 20 + t % 3, true)));
        all.sort_unstable();
        let times: Vec<i64> = all.iter().map(|s| s.0).collect();
        let tie = Tie::strongest(&times, &source, RATE, 50.0);
        assert!((tie.excess - 250.0).abs() < 10.0, "{tie:?}");
        let mut marks = vec![false; times.len()];
        tie.mark(&times, &source, &mut marks);
        let missed = all
            .iter()
            .zip(&marks)
            .filter(|((_, echo), mark)| *echo && !**mark)
            .count();
        let wrong = all
            .iter()
            .zip(&marks)
            .filter(|((_, echo), mark)| !*echo && **mark)
            .count();
        assert_eq!(missed, 0);
        assert!(wrong < 10, "{wrong}");
        assert!(Tie::strongest(&own, &source, RATE, 50.0).excess < 12.0);
        assert!(Tie::strongest(&[], &source, RATE, 50.0).excess <= 0.0);
    }
}
