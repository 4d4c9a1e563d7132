//! How a unit's position moves during the recording.

use super::Extent;
use super::statistics::{median, standard_deviation};

/// Movement of the median depth of a unit's spikes, µm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftMetrics {
    /// From the lowest to the highest interval.
    pub ptp_um: f64,
    /// Standard deviation over the intervals.
    pub sd_um: f64,
    /// Median absolute deviation from their median.
    pub mad_um: f64,
}

/// Movement of the median depth from minute to minute (Siegle et al. 2021).
///
/// `samples` (ascending) and `depths_um` are of the spikes whose depth is known. An interval counts with at least 100 of them. NaN when
/// the recording has fewer than two complete intervals or more than half of them do not count.
pub fn drift(samples: &[i64], depths_um: &[f64], extent: Extent, interval_s: f64) -> DriftMetrics {
    const FEWEST_SPIKES: usize = 100;
    const FEWEST_INTERVALS: u64 = 2;
    let none = DriftMetrics {
        ptp_um: f64::NAN,
        sd_um: f64::NAN,
        mad_um: f64::NAN,
    };
    let interval = (interval_s * extent.sample_rate) as u64;
    if interval == 0 || extent.n_samples / interval < FEWEST_INTERVALS || samples.len() != depths_um.len() {
        return none;
    }
    let intervals = extent.n_samples / interval;
    let centre = median(depths_um);
    let place = |edge: u64| samples.partition_point(|&t| t < edge as i64);
    let moved: Vec<f64> = (0..intervals)
        .map(|k| place(k * interval)..place((k + 1) * interval))
        .filter(|range| range.len() >= FEWEST_SPIKES)
        .map(|range| median(&depths_um[range]) - centre)
        .collect();
    if moved.is_empty() || (intervals as usize - moved.len()) as f64 > 0.5 * intervals as f64 {
        return none;
    }
    let (low, high) = moved
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    let middle = median(&moved);
    let deviations: Vec<f64> = moved.iter().map(|v| (v - middle).abs()).collect();
    DriftMetrics {
        ptp_um: high - low,
        sd_um: standard_deviation(&moved),
        mad_um: median(&deviations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_ten_micrometres_is_seen_and_half_silence_is_allowed() {
        let extent = Extent {
            sample_rate: 100.0,
            n_samples: 24_500,
        };
        let samples: Vec<i64> = (0..240).map(|k| k * 50).collect();
        let depths: Vec<f64> = (0..240).map(|k| if k < 120 { 100.0 } else { 110.0 }).collect();
        let d = drift(&samples, &depths, extent, 60.0);
        assert_eq!((d.ptp_um, d.sd_um, d.mad_um), (10.0, 5.0, 5.0));
        let longer = Extent {
            n_samples: 30_000,
            ..extent
        };
        assert!(
            drift(&samples, &depths, longer, 60.0).ptp_um.is_nan(),
            "three of five are silent"
        );
        let short = Extent {
            n_samples: 11_000,
            ..extent
        };
        assert!(drift(&samples, &depths, short, 60.0).ptp_um.is_nan());
    }
}
