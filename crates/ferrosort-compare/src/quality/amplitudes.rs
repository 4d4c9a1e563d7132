//! Metrics of the amplitudes of a unit's spikes.

use super::Extent;
use super::statistics::{
    histogram, mean, median, percentile_range, quantile_of_sorted, smooth_gaussian, sorted, standard_deviation,
};

/// Bins of the histograms of amplitudes.
const BINS: usize = 100;

/// What [`amplitude_cutoff`] does with the smoothed histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CutoffCounts {
    /// Takes it as it is.
    #[default]
    Exact,
    /// Cuts its values to integers, as SpikeInterface does because its histogram holds integers.
    Truncated,
}

/// How the amplitude varies within short pieces of the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AmplitudeVariation {
    /// Median over the pieces of standard deviation over mean amplitude.
    pub median: f64,
    /// Range from their 5th to their 95th percentile.
    pub range: f64,
}

/// How the distribution of amplitudes ends at its low side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseCutoff {
    /// Mean count of the low bins less that of the high bins, in standard deviations of the high bins.
    pub cutoff: f64,
    /// Mean count of the low bins over the largest count.
    pub ratio: f64,
}

/// The amplitudes with the sign that makes their median positive.
fn upright(amplitudes: &[f64]) -> Vec<f64> {
    let sign = if median(amplitudes) < 0.0 { -1.0 } else { 1.0 };
    amplitudes.iter().map(|a| sign * a).collect()
}

/// Coefficient of variation in bins that hold 50 spikes on average.
///
/// `amplitudes` belong to the spikes of `train`. NaN with fewer than 10 bins, without spikes, or when a bin is empty.
pub fn amplitude_variation(train: &[i64], amplitudes: &[f64], extent: Extent) -> AmplitudeVariation {
    const SPIKES_PER_BIN: f64 = 50.0;
    const FEWEST_BINS: u64 = 10;
    let none = AmplitudeVariation {
        median: f64::NAN,
        range: f64::NAN,
    };
    if train.is_empty() || train.len() != amplitudes.len() {
        return none;
    }
    let rate = train.len() as f64 / extent.duration_s();
    let bin = (SPIKES_PER_BIN / rate * extent.sample_rate) as u64;
    if bin == 0 || extent.n_samples / bin < FEWEST_BINS {
        return none;
    }
    let centre = mean(amplitudes).abs();
    let place = |edge: u64| train.partition_point(|&t| t < edge as i64);
    let variations: Vec<f64> = (0..extent.n_samples / bin)
        .map(|k| standard_deviation(&amplitudes[place(k * bin)..place((k + 1) * bin)]) / centre)
        .collect();
    if variations.iter().any(|v| v.is_nan()) {
        return none;
    }
    AmplitudeVariation {
        median: median(&variations),
        range: percentile_range(&variations, 5.0, 95.0),
    }
}

/// Estimated share of spikes too small to be found, at most 0.5: the part of the distribution beyond the count at its low end,
/// taken to be symmetric (Hill et al. 2011).
///
/// NaN with fewer than 500 spikes. Drift makes the distribution asymmetric, and the estimate wrong.
pub fn amplitude_cutoff(amplitudes: &[f64], counts: CutoffCounts) -> f64 {
    const FEWEST_PER_BIN: usize = 5;
    const SMOOTHING_BINS: f64 = 3.0;
    if amplitudes.len() < FEWEST_PER_BIN * BINS {
        return f64::NAN;
    }
    let Some(histogram) = histogram(&upright(amplitudes), BINS) else {
        return f64::NAN;
    };
    let mut density = smooth_gaussian(&histogram.counts, SMOOTHING_BINS);
    if counts == CutoffCounts::Truncated {
        for v in &mut density {
            *v = v.trunc();
        }
    }
    let last = density.iter().rposition(|&v| v >= density[0]).unwrap_or(0);
    let missing: f64 = density[last + 1..].iter().sum();
    (missing / (amplitudes.len() as f64 + missing)).min(0.5)
}

/// Compares the counts at the low end of the distribution with those of its upper quarter (International Brain Laboratory 2024).
///
/// Low bins end at or below the 10 % quantile, high bins begin at or above the 75 % quantile. The ratio is NaN without low bins; the cutoff
/// also with fewer than two high bins or when these are all equal.
pub fn noise_cutoff(amplitudes: &[f64]) -> NoiseCutoff {
    let none = NoiseCutoff {
        cutoff: f64::NAN,
        ratio: f64::NAN,
    };
    let values = upright(amplitudes);
    let Some(histogram) = histogram(&values, BINS) else {
        return none;
    };
    let ordered = sorted(&values);
    let (low, high) = (quantile_of_sorted(&ordered, 0.1), quantile_of_sorted(&ordered, 0.75));
    let bins = || histogram.counts.iter().zip(histogram.edges.windows(2));
    let low_counts: Vec<f64> = bins().filter(|(_, e)| e[1] <= low).map(|(&c, _)| c as f64).collect();
    let high_counts: Vec<f64> = bins().filter(|(_, e)| e[0] >= high).map(|(&c, _)| c as f64).collect();
    if low_counts.is_empty() {
        return none;
    }
    let largest = histogram.counts.iter().max().copied().unwrap_or(0) as f64;
    let ratio = mean(&low_counts) / largest;
    let spread = standard_deviation(&high_counts);
    let cutoff = if high_counts.len() < 2 || spread == 0.0 {
        f64::NAN
    } else {
        (mean(&low_counts) - mean(&high_counts)) / spread
    };
    NoiseCutoff { cutoff, ratio }
}

/// What [`sd_ratio`] needs to know of the channel on which the amplitudes were measured.
#[derive(Debug, Clone, Copy)]
pub struct MainChannel<'a> {
    /// Mean waveform of the unit there.
    pub template: &'a [f32],
    /// Standard deviation of the whole signal there, in the unit of the amplitudes.
    pub noise_sd: f64,
}

/// Standard deviation of the amplitudes from spike to spike over that of the noise.
///
/// About 1 when the amplitudes of one neuron vary by the noise alone, more for a mixture. Spikes within 4 ms of the last one kept are
/// left out, because neurons fire smaller spikes in bursts; differences of neighbouring spikes take out drift; and the unit's own share of
/// the signal's variance is subtracted. 0 for a single spike, NaN without spikes.
pub fn sd_ratio(train: &[i64], amplitudes: &[f64], channel: MainChannel, extent: Extent) -> f64 {
    const CENSORED_MS: f64 = 4.0;
    if train.is_empty() || train.len() != amplitudes.len() {
        return f64::NAN;
    }
    let censored = (CENSORED_MS * 1e-3 * extent.sample_rate).round_ties_even() as i64;
    let mut kept = Vec::with_capacity(train.len());
    let mut last = None;
    for (&t, &a) in train.iter().zip(amplitudes) {
        if last.is_none_or(|l| t > l + censored) {
            kept.push(a);
            last = Some(t);
        }
    }
    if kept.len() == 1 {
        return 0.0;
    }
    let steps: Vec<f64> = kept.windows(2).map(|w| w[1] - w[0]).collect();
    let of_unit = standard_deviation(&steps) / 2f64.sqrt();
    let template: Vec<f64> = channel.template.iter().map(|&v| f64::from(v)).collect();
    let squares: Vec<f64> = template.iter().map(|v| v * v).collect();
    let share = template.len() as f64 * train.len() as f64 / extent.n_samples as f64;
    let own_variance = share * mean(&squares) - share * share * mean(&template) * mean(&template);
    of_unit / (channel.noise_sd * channel.noise_sd - own_variance).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent {
        sample_rate: 1000.0,
        n_samples: 100_000,
    };

    #[test]
    fn a_symmetric_distribution_misses_nothing_and_the_sign_does_not_matter() {
        let bell: Vec<f64> = (0..2000)
            .map(|k| {
                let x: f64 = (k % 50) as f64 + ((k / 50) % 40) as f64;
                100.0 + x
            })
            .collect();
        let cutoff = amplitude_cutoff(&bell, CutoffCounts::Exact);
        assert!(cutoff < 0.01, "{cutoff}");
        let negative: Vec<f64> = bell.iter().map(|a| -a).collect();
        assert_eq!(amplitude_cutoff(&negative, CutoffCounts::Exact), cutoff);
        let upper: Vec<f64> = bell.iter().copied().filter(|&a| a > 144.0).collect();
        assert!(amplitude_cutoff(&upper, CutoffCounts::Exact) > 0.4);
        assert!(amplitude_cutoff(&bell[..499], CutoffCounts::Exact).is_nan());
    }

    #[test]
    fn variation_needs_ten_bins_with_spikes() {
        let train: Vec<i64> = (0..1000).map(|k| k * 100).collect();
        let amplitudes: Vec<f64> = (0..1000).map(|k| if k % 2 == 0 { 9.0 } else { 11.0 }).collect();
        let v = amplitude_variation(&train, &amplitudes, EXTENT);
        assert!((v.median - 0.1).abs() < 1e-12 && v.range.abs() < 1e-12);
        assert!(
            amplitude_variation(&train[..400], &amplitudes[..400], EXTENT)
                .median
                .is_nan(),
            "silent later"
        );
        assert!(amplitude_variation(&[], &[], EXTENT).median.is_nan());
    }

    #[test]
    fn amplitudes_that_vary_by_the_noise_have_a_ratio_of_one() {
        let train: Vec<i64> = (0..1000).map(|k| k * 100).collect();
        // Steps of +2, -2: their deviation over sqrt 2 is the square root of two.
        let amplitudes: Vec<f64> = (0..1000).map(|k| if k % 2 == 0 { 9.0 } else { 11.0 }).collect();
        let channel = MainChannel {
            template: &[0.0, 0.0],
            noise_sd: 2f64.sqrt(),
        };
        assert!((sd_ratio(&train, &amplitudes, channel, EXTENT) - 1.0).abs() < 1e-5);
        assert_eq!(
            sd_ratio(&[0, 3], &[1.0, 2.0], channel, EXTENT),
            0.0,
            "the second is censored"
        );
    }
}
