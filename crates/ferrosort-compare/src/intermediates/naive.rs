//! How two processed files look to a program that takes both to be interleaved, and why it then sees an offset.
//!
//! A planar file holds one channel of a batch after the other. Read as frames of C values, one channel of NT samples fills NT/C frames.
//! A file whose channels are rotated by one therefore looks like the other file NT/C frames later: 1025 frames for batches of 65600
//! samples on 64 channels, although no sample is late.

use ferrosort_core::{ProcessedLayout, Result};
use serde::Serialize;

use super::lags::{BlockSpectra, peak};
use super::processed::ProcessedData;
use crate::Part;

/// Two files read as interleaved, whatever they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NaiveView {
    /// Frame f of B looks most like frame f + `offset_frames` of A.
    pub offset_frames: i64,
    /// Mean correlation over the columns at that offset.
    pub correlation: f64,
    /// The same without an offset.
    pub correlation_at_zero: f64,
    /// Offset that the layout and the rotation of the channels explain, if any: rotation x samples of a batch / channels.
    pub expected_offset_frames: Option<f64>,
    /// True when that is the offset found.
    pub explained: bool,
    /// What was seen and why, in sentences.
    pub explanation: String,
    /// Mean correlation at offsets `-max_offset..=max_offset`.
    #[serde(skip)]
    pub by_offset: Vec<f64>,
    /// Largest offset tried, frames.
    pub max_offset: usize,
}

/// What is known about the pair once it is read rightly.
pub(super) struct Known {
    pub layouts: (ProcessedLayout, ProcessedLayout),
    /// Channel c of B is channel c + rotation of A.
    pub rotation: i64,
    pub lag_samples: i64,
}

/// Looks at the first `frames` frames of both files.
pub(super) fn view(
    a: &ProcessedData,
    b: &ProcessedData,
    frames: usize,
    max_offset: usize,
    known: &Known,
) -> Result<Part<NaiveView>> {
    if a.n_channels() != b.n_channels() {
        return Ok(Part::missing(format!(
            "A has {} channels and B has {}: their files cannot be laid over each other as frames",
            a.n_channels(),
            b.n_channels()
        )));
    }
    let channels = a.n_channels();
    let samples = a.source().batch_samples;
    let max_offset = max_offset.max(2 * samples.div_ceil(channels)).min(frames / 2);
    let (of_a, of_b) = (a.pseudo_frames(frames)?, b.pseudo_frames(frames)?);
    let columns: Vec<(usize, usize)> = (0..channels).map(|c| (c, c)).collect();
    let mut by_offset = BlockSpectra::new(of_a.view(), of_b.view(), max_offset).mean_over(&columns);
    // A later B has a positive lag; an offset counts the frames by which B is early.
    by_offset.reverse();
    let middle = by_offset.len() / 2;
    let place = peak(&by_offset).unwrap_or(middle);
    let offset_frames = place as i64 - middle as i64;
    let expected = expected(channels, samples, known);
    let explained = expected.is_some_and(|e| (e - offset_frames as f64).abs() <= 1.0);
    Ok(Part::Available(NaiveView {
        offset_frames,
        correlation: by_offset[place],
        correlation_at_zero: by_offset[middle],
        expected_offset_frames: expected,
        explained,
        explanation: explanation(offset_frames, by_offset[place], channels, samples, known, explained),
        by_offset,
        max_offset: middle,
    }))
}

fn expected(channels: usize, samples: usize, known: &Known) -> Option<f64> {
    match known.layouts {
        (ProcessedLayout::Planar, ProcessedLayout::Planar) => {
            // A sample of a planar file moves one value, a channel moves a whole channel.
            let values = known.rotation * samples as i64 - known.lag_samples;
            Some(values as f64 / channels as f64)
        }
        (ProcessedLayout::Interleaved, ProcessedLayout::Interleaved) => Some(-known.lag_samples as f64),
        _ => None,
    }
}

fn explanation(
    offset: i64,
    correlation: f64,
    channels: usize,
    samples: usize,
    known: &Known,
    explained: bool,
) -> String {
    let seen =
        format!("Read as if interleaved, frame 0 of B looks like frame {offset} of A (correlation {correlation:.3}).");
    let planar = known.layouts == (ProcessedLayout::Planar, ProcessedLayout::Planar);
    if planar && explained && known.rotation != 0 {
        let guess = if known.rotation.abs() == 1 {
            ": probably a 1-based channel map"
        } else {
            ""
        };
        return format!(
            "{seen} This is no offset in time: planar file read as interleaved; channel rotation by {}{guess}. One channel of a batch of \
             {samples} samples fills {samples}/{channels} = {} such frames.",
            known.rotation,
            samples as f64 / channels as f64
        );
    }
    if planar {
        return format!("{seen} Both files are planar, so frames do not count time.");
    }
    match known.layouts {
        (ProcessedLayout::Interleaved, ProcessedLayout::Interleaved) => seen,
        _ => format!("{seen} One file is planar and the other is interleaved, so frames cannot be compared."),
    }
}
