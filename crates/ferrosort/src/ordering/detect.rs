//! Detection of spikes in the space of the clips' components (docs/kilosort2.md 3.4).
//!
//! With the components `w_q`, every channel has the energy `e(t) = sqrt(sum_q (sum_i w_q[i] x[t + i])^2)`. A spike starts where
//! `e` exceeds the threshold and is the largest of the window around it, on its own channel and on the channels near it.

use ferrosort_kernels::{ChannelMajor, filter_bank};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::basis::COMPONENTS;
use crate::neighbours::Neighbours;

/// Starts projected together: small enough for the fast caches.
const BLOCK: usize = 4096;
/// Slack of "is the maximum of its window", in sd.
const EQUAL_WITHIN_SD: f64 = 1e-6;

/// What counts as a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectParams {
    /// The energy of a spike exceeds this, in sd.
    pub threshold_sd: f32,
    /// Sample of a window of starts, counted from 0, at which the largest energy lies.
    pub trough: usize,
    /// The switch `batch_edges`: whole blocks of 1024 starts only (docs/kilosort2.md 2.7).
    pub batch_edges: bool,
}

/// The spikes of one batch, ordered by their features (the first decides, then the second, ...; ties by start and channel).
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedSpikes {
    /// First sample of the projected window, in the batch.
    pub start: Vec<u32>,
    /// Channel of the largest energy.
    pub channel: Vec<u32>,
    /// Projections `[spikes, 3 * near.size()]` in sd: component `q` on the `j`-th nearest channel is in column `3 j + q`.
    pub features: Array2<f64>,
}

impl DetectedSpikes {
    /// Number of spikes.
    pub fn len(&self) -> usize {
        self.start.len()
    }

    /// True when there is no spike.
    pub fn is_empty(&self) -> bool {
        self.start.is_empty()
    }
}

/// One start whose energy exceeds the threshold.
#[derive(Debug, Clone, Copy)]
struct Hit {
    start: usize,
    energy: f32,
}

/// The spikes of a batch `[channels, samples]` in sd, with the components `[3, template_len]` and the channels near each channel.
pub fn detect_spikes(
    signal: &ChannelMajor,
    components: ArrayView2<f32>,
    near: &Neighbours,
    p: &DetectParams,
) -> DetectedSpikes {
    let taps: Vec<Vec<f32>> = components.rows().into_iter().map(|row| row.to_vec()).collect();
    let length = components.ncols();
    let starts = covered_starts(signal.samples(), length, p.batch_edges);
    let hits: Vec<Vec<Hit>> = (0..signal.channels())
        .into_par_iter()
        .map(|channel| energy_hits(signal.row(channel), &taps, starts, p))
        .collect();

    let end = reported_end(signal.samples(), length, starts, p.batch_edges);
    let found: Vec<(u32, u32)> = (0..signal.channels())
        .into_par_iter()
        .flat_map_iter(|channel| {
            let peaks = local_maxima(&hits, near, channel, length, p);
            peaks
                .filter(move |&start| start < end)
                .map(move |start| (start as u32, channel as u32))
        })
        .collect();

    let width = COMPONENTS * near.size();
    let mut features = vec![0.0; found.len() * width];
    let rows = features.par_chunks_exact_mut(width.max(1)).zip(&found);
    rows.for_each(|(row, &(start, c))| project(row, signal, &taps, near.of(c as usize), start as usize));
    let features = Array2::from_shape_fn((found.len(), width), |(i, k)| features[i * width + k]);
    sorted_by_features(&found, &features)
}

/// Number of starts, from 0, that the window of `length` samples can have.
fn covered_starts(samples: usize, length: usize, batch_edges: bool) -> usize {
    if batch_edges {
        (samples + 1).saturating_sub(1024 + length).div_ceil(1024) * 1024
    } else {
        (samples + 1).saturating_sub(length)
    }
}

/// Starts at or after this one are not reported.
fn reported_end(samples: usize, length: usize, starts: usize, batch_edges: bool) -> usize {
    if batch_edges {
        starts.min(samples.saturating_sub(length + 1))
    } else {
        starts
    }
}

fn energy_hits(row: &[f32], taps: &[Vec<f32>], starts: usize, p: &DetectParams) -> Vec<Hit> {
    let taps: Vec<&[f32]> = taps.iter().map(Vec::as_slice).collect();
    let low = p.threshold_sd - EQUAL_WITHIN_SD as f32;
    let mut projections = vec![vec![0.0f32; BLOCK]; taps.len()];
    let mut squares = vec![0.0f32; BLOCK];
    let mut hits = Vec::new();
    for first in (0..starts).step_by(BLOCK) {
        let n = BLOCK.min(starts - first);
        let mut out: Vec<&mut [f32]> = projections.iter_mut().map(|v| &mut v[..n]).collect();
        filter_bank(&row[first..], &taps, &mut out);
        squares.fill(0.0);
        for projection in &projections {
            for (sum, v) in squares.iter_mut().zip(projection) {
                *sum += v * v;
            }
        }
        // Few squares are large: only of those the root is taken, with a margin for its rounding.
        for (t, &square) in squares[..n].iter().enumerate() {
            if square > 0.999 * low * low && square.sqrt() > low {
                let (start, energy) = (first + t, square.sqrt());
                hits.push(Hit { start, energy });
            }
        }
    }
    hits
}

/// The largest energy of the window of starts `from..to`; 0 without hits there.
fn window_maximum(hits: &[Hit], from: usize, to: usize) -> f32 {
    let first = hits.partition_point(|h| h.start < from);
    let window = hits[first..].iter().take_while(|h| h.start < to);
    window.fold(0.0, |max, h| max.max(h.energy))
}

/// Starts of spikes of `channel`, in time order.
fn local_maxima<'a>(
    hits: &'a [Vec<Hit>],
    near: &'a Neighbours,
    channel: usize,
    length: usize,
    p: &'a DetectParams,
) -> impl Iterator<Item = usize> + 'a {
    hits[channel]
        .iter()
        .filter(|hit| hit.start >= p.trough)
        .filter_map(move |hit| {
            let from = hit.start - p.trough;
            let maximum = window_maximum(&hits[channel], from, from + length);
            let is_spike = maximum > p.threshold_sd
                && f64::from(hit.energy) > f64::from(maximum) - EQUAL_WITHIN_SD
                && near
                    .of(channel)
                    .iter()
                    .all(|&c| window_maximum(&hits[c as usize], from, from + length) <= maximum);
            is_spike.then_some(hit.start)
        })
}

fn project(row: &mut [f64], signal: &ChannelMajor, taps: &[Vec<f32>], channels: &[u32], start: usize) {
    for (j, &channel) in channels.iter().enumerate() {
        for (q, w) in taps.iter().enumerate() {
            let samples = &signal.row(channel as usize)[start..start + w.len()];
            row[COMPONENTS * j + q] = w.iter().zip(samples).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        }
    }
}

/// Puts spikes into the order that makes sums over them reproducible.
fn sorted_by_features(found: &[(u32, u32)], features: &Array2<f64>) -> DetectedSpikes {
    let compare = |&i: &usize, &j: &usize| {
        let (a, b) = (features.row(i), features.row(j));
        let differing = a.iter().zip(b).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
        differing.unwrap_or_else(|| found[i].cmp(&found[j]))
    };
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by(compare);
    DetectedSpikes {
        start: order.iter().map(|&i| found[i].0).collect(),
        channel: order.iter().map(|&i| found[i].1).collect(),
        features: features.select(Axis(0), &order),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Three components of 61 samples; the first is a pulse at sample 19, the others are too small to detect one.
    fn components() -> Array2<f32> {
        let mut w = Array2::zeros((3, 61));
        w[[0, 19]] = -1.0;
        w[[1, 25]] = 0.25;
        w[[2, 30]] = 0.25;
        w
    }

    fn line(channels: usize) -> Neighbours {
        let positions: Vec<[f64; 2]> = (0..channels).map(|i| [0.0, 20.0 * i as f64]).collect();
        Neighbours::nearest(&positions, 17)
    }

    const PARAMS: DetectParams = DetectParams {
        threshold_sd: 8.0,
        trough: 19,
        batch_edges: false,
    };

    fn spikes(signal: &ChannelMajor, p: &DetectParams) -> DetectedSpikes {
        detect_spikes(signal, components().view(), &line(signal.channels()), p)
    }

    #[test]
    fn a_pulse_is_found_where_its_window_starts() {
        let mut signal = ChannelMajor::zeros(20, 400);
        signal.row_mut(3)[150] = -10.0;
        signal.row_mut(4)[150] = -9.0;
        let s = spikes(&signal, &PARAMS);
        assert_eq!((s.start, s.channel), (vec![131], vec![3]));
        assert_eq!(s.features.dim(), (1, 51));
        // Channel 3 is its own nearest, then 2 and 4.
        assert_eq!(
            (s.features[[0, 0]], s.features[[0, 3]], s.features[[0, 6]]),
            (10.0, 0.0, 9.0)
        );
    }

    #[test]
    fn far_channels_do_not_compete_and_the_order_follows_the_features() {
        let mut signal = ChannelMajor::zeros(40, 400);
        signal.row_mut(3)[150] = -10.0;
        signal.row_mut(30)[150] = -9.0;
        signal.row_mut(5)[300] = -9.0;
        let s = spikes(&signal, &PARAMS);
        // Equal features: the earlier start first.
        assert_eq!(s.start, [131, 281, 131]);
        assert_eq!(s.channel, [30, 5, 3]);
    }

    #[test]
    fn a_later_larger_peak_within_the_window_hides_a_spike() {
        let mut signal = ChannelMajor::zeros(1, 400);
        signal.row_mut(0)[150] = -10.0;
        signal.row_mut(0)[150 + 41] = -11.0;
        assert_eq!(spikes(&signal, &PARAMS).start, [172]);
        signal.row_mut(0)[150 + 41] = 0.0;
        signal.row_mut(0)[150 + 42] = -11.0;
        assert_eq!(spikes(&signal, &PARAMS).start, [131, 173]);
        // The window reaches 19 starts back.
        signal.row_mut(0)[150 + 42] = 0.0;
        signal.row_mut(0)[150 - 19] = -11.0;
        assert_eq!(spikes(&signal, &PARAMS).start, [112]);
    }

    #[test]
    fn coverage_at_the_ends_of_a_batch() {
        let detected = |samples: usize, start: usize, batch_edges: bool| {
            let mut signal = ChannelMajor::zeros(1, samples);
            signal.row_mut(0)[start + 19] = -10.0;
            let p = DetectParams { batch_edges, ..PARAMS };
            spikes(&signal, &p).start == [start as u32]
        };
        assert!(!detected(2112, 18, false) && detected(2112, 19, false));
        // 2112 = 2 * 1024 + 64: blocks cover starts 0..2048, full coverage 0..2052.
        assert!(detected(2112, 2051, false));
        assert!(detected(2112, 2047, true) && !detected(2112, 2048, true));
        // 2109 samples have as many blocks, but the last start is computed and not reported.
        assert!(detected(2109, 2046, true) && !detected(2109, 2047, true));
    }

    #[test]
    fn equal_energies_on_near_channels_are_both_spikes() {
        let mut signal = ChannelMajor::zeros(4, 400);
        signal.row_mut(1)[150] = -10.0;
        signal.row_mut(2)[150] = -10.0;
        let s = spikes(&signal, &PARAMS);
        assert_eq!((s.start, s.channel), (vec![131, 131], vec![1, 2]));
    }

    #[test]
    fn covered_starts_of_known_batch_sizes() {
        assert_eq!(covered_starts(65600, 61, true), 65536);
        assert_eq!(covered_starts(65472, 61, true), 64512);
        assert_eq!(covered_starts(32832, 61, true), 32768);
        assert_eq!(covered_starts(1084, 61, true), 0);
        assert_eq!(covered_starts(65600, 61, false), 65540);
        assert_eq!(covered_starts(60, 61, false), 0);
    }

    #[test]
    fn nothing_is_found_in_silence_or_in_short_blocks() {
        for (channels, samples) in [(3, 400), (3, 60), (3, 0), (0, 0)] {
            let s = spikes(&ChannelMajor::zeros(channels, samples), &PARAMS);
            assert!(s.is_empty());
        }
    }

    #[test]
    fn results_do_not_depend_on_the_block_length_or_threads() {
        let mut state = 7_u64;
        let signal = ChannelMajor::from_fn(6, 3 * BLOCK + 77, |_, _| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            20.0 * ((state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5)
        });
        let s = spikes(&signal, &PARAMS);
        assert!(s.len() > 50);
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(single.install(|| spikes(&signal, &PARAMS)), s);
        // Every spike is the largest of its window, counted directly.
        let w = components();
        let energy = |c: usize, t: usize| {
            let x = &signal.row(c)[t..];
            w.rows()
                .into_iter()
                .map(|w| {
                    w.iter()
                        .zip(x)
                        .map(|(a, b)| f64::from(*a) * f64::from(*b))
                        .sum::<f64>()
                        .powi(2)
                })
                .sum::<f64>()
                .sqrt()
        };
        for (&start, &channel) in s.start.iter().zip(&s.channel).take(50) {
            let own = energy(channel as usize, start as usize);
            assert!(own > 8.0);
            for c in 0..6 {
                for t in start - 19..(start + 42).min(signal.samples() as u32 - 60) {
                    assert!(energy(c, t as usize) < own + 1e-4, "{c} {t}");
                }
            }
        }
    }
}
