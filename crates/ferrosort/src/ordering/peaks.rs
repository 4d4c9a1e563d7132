//! Isolated negative peaks and the clips around them (docs/kilosort2.md 3.2).

use ferrosort_kernels::ChannelMajor;
use ndarray::Array2;
use rayon::prelude::*;

/// Slack of "is the minimum", in sd: values this close count as equal.
const EQUAL_WITHIN_SD: f32 = 1e-3;

/// What counts as an isolated peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeakParams {
    /// Samples of a clip; no peak is reported in as many samples at the start of a batch.
    pub template_len: usize,
    /// Sample of the clip, counted from 0, that holds the peak.
    pub trough: usize,
    /// A peak lies below this value, in sd (negative).
    pub threshold_sd: f32,
    /// A peak is the minimum over this many samples and channel indices to either side.
    pub local_range: [usize; 2],
    /// An isolated peak is the only peak within this many samples and channel indices to either side.
    pub exclusion_range: [usize; 2],
    /// No peak is reported in as many samples at the end of a batch.
    pub end_margin: usize,
}

impl PeakParams {
    /// The ranges of Kilosort2; `peak_edges` is the switch of that name in [`Compat`](crate::settings::Compat).
    pub fn new(template_len: usize, trough: usize, threshold_sd: f32, peak_edges: bool) -> Self {
        Self {
            template_len,
            trough,
            threshold_sd,
            local_range: [5, 4],
            exclusion_range: [30, 6],
            end_margin: template_len + usize::from(!peak_edges),
        }
    }
}

/// A negative peak of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// Sample in the batch.
    pub sample: usize,
    /// Channel.
    pub channel: usize,
}

/// The isolated peaks of a batch `[channels, samples]` in sd, by channel, then time.
///
/// Only the surroundings of values below the threshold are looked at.
pub fn isolated_peaks(signal: &ChannelMajor, p: &PeakParams) -> Vec<Peak> {
    let minima: Vec<Vec<usize>> = (0..signal.channels())
        .into_par_iter()
        .map(|channel| local_minima(signal, p, channel))
        .collect();
    let end = signal.samples().saturating_sub(p.end_margin);
    let mut peaks = Vec::new();
    for (channel, samples) in minima.iter().enumerate() {
        for &sample in samples {
            if (p.template_len..end).contains(&sample) && is_alone(&minima, p, channel, sample) {
                peaks.push(Peak { sample, channel });
            }
        }
    }
    peaks
}

/// The clips `[peaks, template_len]` around `peaks`, one a row, with the peak at sample `trough`.
pub fn clips(signal: &ChannelMajor, peaks: &[Peak], p: &PeakParams) -> Array2<f32> {
    let mut clips = Array2::zeros((peaks.len(), p.template_len));
    for (mut clip, peak) in clips.rows_mut().into_iter().zip(peaks) {
        let first = peak.sample - p.trough;
        let samples = &signal.row(peak.channel)[first..first + p.template_len];
        for (to, &from) in clip.iter_mut().zip(samples) {
            *to = from;
        }
    }
    clips
}

/// `center - range ..= center + range`, cut to `0..n`.
fn around(center: usize, range: usize, n: usize) -> std::ops::Range<usize> {
    center.saturating_sub(range)..(center + range + 1).min(n)
}

fn local_minima(signal: &ChannelMajor, p: &PeakParams, channel: usize) -> Vec<usize> {
    let channels = around(channel, p.local_range[1], signal.channels());
    let row = signal.row(channel);
    let lowest = |t: usize| {
        let samples = around(t, p.local_range[0], row.len());
        channels.clone().all(|c| {
            signal.row(c)[samples.clone()]
                .iter()
                .all(|&v| row[t] < v + EQUAL_WITHIN_SD)
        })
    };
    let below = row.iter().enumerate().filter(|&(_, &v)| v < p.threshold_sd);
    below.map(|(t, _)| t).filter(|&t| lowest(t)).collect()
}

fn is_alone(minima: &[Vec<usize>], p: &PeakParams, channel: usize, sample: usize) -> bool {
    let [samples, channels] = p.exclusion_range;
    around(channel, channels, minima.len()).all(|c| {
        let first = minima[c].partition_point(|&t| t + samples < sample);
        minima[c][first..]
            .iter()
            .take_while(|&&t| t <= sample + samples)
            .all(|&t| c == channel && t == sample)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn params() -> PeakParams {
        PeakParams::new(61, 19, -6.0, false)
    }

    fn with_values(channels: usize, samples: usize, values: &[(usize, usize, f32)]) -> ChannelMajor {
        let mut signal = ChannelMajor::zeros(channels, samples);
        for &(t, c, v) in values {
            signal.row_mut(c)[t] = v;
        }
        signal
    }

    fn found(signal: &ChannelMajor) -> Vec<(usize, usize)> {
        isolated_peaks(signal, &params())
            .iter()
            .map(|p| (p.sample, p.channel))
            .collect()
    }

    #[test]
    fn the_threshold_is_strict() {
        assert_eq!(found(&with_values(3, 300, &[(100, 1, -6.0)])), []);
        assert_eq!(found(&with_values(3, 300, &[(100, 1, -6.01)])), [(100, 1)]);
    }

    #[test]
    fn a_deeper_neighbour_hides_a_peak_and_a_far_peak_spoils_both() {
        // Within 5 samples and 4 channels the shallower value is no peak at all.
        assert_eq!(
            found(&with_values(9, 300, &[(100, 1, -7.0), (105, 5, -8.0)])),
            [(105, 5)]
        );
        // Beyond that it is a peak, but neither is isolated within 30 samples and 6 channels.
        assert_eq!(found(&with_values(9, 300, &[(100, 1, -7.0), (106, 5, -8.0)])), []);
        assert_eq!(found(&with_values(9, 300, &[(100, 1, -7.0), (130, 7, -8.0)])), []);
        assert_eq!(
            found(&with_values(9, 300, &[(100, 1, -7.0), (131, 1, -8.0)])),
            [(100, 1), (131, 1)]
        );
        assert_eq!(
            found(&with_values(9, 300, &[(100, 1, -7.0), (100, 8, -8.0)])),
            [(100, 1), (100, 8)]
        );
        // Equal values next to each other are two peaks, so none is isolated.
        assert_eq!(found(&with_values(9, 300, &[(100, 1, -7.0), (101, 1, -7.0)])), []);
    }

    #[test]
    fn the_ends_of_a_batch_are_left_out() {
        let at = |t| found(&with_values(1, 300, &[(t, 0, -9.0)])).len();
        assert_eq!((at(60), at(61), at(237), at(238)), (0, 1, 1, 0));
        let mut p = PeakParams::new(61, 19, -6.0, true);
        let signal = with_values(1, 300, &[(238, 0, -9.0)]);
        assert_eq!(isolated_peaks(&signal, &p).len(), 1);
        p.threshold_sd = -20.0;
        assert_eq!(isolated_peaks(&signal, &p), []);
        // A peak too close to the end still spoils one that is not.
        assert_eq!(found(&with_values(1, 300, &[(230, 0, -9.0), (250, 0, -9.0)])), []);
    }

    #[test]
    fn short_or_empty_blocks_have_no_peaks() {
        for (channels, samples) in [(0, 0), (0, 100), (2, 0), (2, 1), (2, 100)] {
            let mut signal = ChannelMajor::zeros(channels, samples);
            signal.as_mut_slice().fill(-10.0);
            assert_eq!(isolated_peaks(&signal, &params()), []);
        }
    }

    #[test]
    fn the_trough_of_a_clip_is_its_sample_19() {
        let signal = with_values(2, 300, &[(100, 1, -9.0), (99, 1, -3.0), (141, 1, 2.0)]);
        let peaks = isolated_peaks(&signal, &params());
        let clips = clips(&signal, &peaks, &params());
        assert_eq!(clips.dim(), (1, 61));
        assert_eq!((clips[[0, 19]], clips[[0, 18]], clips[[0, 60]]), (-9.0, -3.0, 2.0));
    }

    /// The definition, with dense running minima and sums.
    fn by_definition(signal: &ChannelMajor, p: &PeakParams) -> Vec<Peak> {
        let (nc, nt) = (signal.channels(), signal.samples());
        let mut is_peak = vec![vec![false; nt]; nc];
        for c in 0..nc {
            for t in 0..nt {
                let mut min = f32::INFINITY;
                for d in around(c, p.local_range[1], nc) {
                    for s in around(t, p.local_range[0], nt) {
                        min = min.min(signal.row(d)[s]);
                    }
                }
                let v = signal.row(c)[t];
                is_peak[c][t] = v < min + EQUAL_WITHIN_SD && v < p.threshold_sd;
            }
        }
        let mut peaks = Vec::new();
        for c in 0..nc {
            for t in p.template_len..nt - p.end_margin {
                let count: usize = around(c, p.exclusion_range[1], nc)
                    .map(|d| around(t, p.exclusion_range[0], nt).filter(|&s| is_peak[d][s]).count())
                    .sum();
                if is_peak[c][t] && count == 1 {
                    peaks.push(Peak { sample: t, channel: c });
                }
            }
        }
        peaks
    }

    #[test]
    fn equals_the_dense_definition_on_noise() {
        let mut state = 1_u64;
        let mut noise = move || {
            let mut sum = 0.0;
            for _ in 0..4 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                sum += (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
            }
            // Steps of 0.01 sd make ties frequent.
            (sum * 400.0).round() / 100.0
        };
        let signal = ChannelMajor::from_fn(15, 2000, |_, _| noise());
        let mut p = params();
        p.threshold_sd = -6.3;
        let peaks = isolated_peaks(&signal, &p);
        assert!(peaks.len() > 5, "{}", peaks.len());
        assert_eq!(peaks, by_definition(&signal, &p));
    }
}
