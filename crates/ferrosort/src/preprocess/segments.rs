//! Filtering what was recorded in one go: nothing rings across the ends of a recording or of its segments.

use std::ops::Range;

use ferrosort_core::{Recording, Result, segments};
use ferrosort_kernels::ChannelMajor;

use super::filter::Conditioner;

/// A recording, its segments, and how its samples are filtered.
pub struct Filtered<'a> {
    recording: &'a dyn Recording,
    columns: Vec<usize>,
    segments: Vec<Range<u64>>,
    /// Samples on each side of what is kept after which the filter has forgotten where it began.
    margin: usize,
}

impl<'a> Filtered<'a> {
    /// These columns of a recording, for filters that forget within `margin` samples.
    pub fn new(recording: &'a dyn Recording, columns: Vec<usize>, margin: usize) -> Self {
        Self {
            segments: segments(recording),
            recording,
            columns,
            margin,
        }
    }

    /// The same, with all segments taken for one.
    #[must_use]
    pub fn joined(mut self) -> Self {
        self.segments = std::iter::once(0..self.recording.n_samples()).collect();
        self
    }

    /// The recording.
    pub fn recording(&self) -> &'a dyn Recording {
        self.recording
    }

    /// File column of each channel.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Filtered samples `[start, start + samples)`, `[channels, samples]`, counts. Samples outside the recording are those of its first
    /// and last segment, continued by their first and last frame.
    ///
    /// Each segment is filtered by itself: beyond its ends its edge frame is repeated, since a jump would ring.
    ///
    /// # Errors
    /// Those of reading.
    pub fn samples(&self, conditioner: &Conditioner, start: i64, samples: usize) -> Result<ChannelMajor> {
        let end = start + samples as i64;
        let first = self.segments.partition_point(|s| s.end as i64 <= start);
        let first = first.min(self.segments.len().saturating_sub(1));
        let later = self.segments[first..].iter().skip(1);
        let borders: Vec<i64> = later.map(|s| s.start as i64).take_while(|&b| b < end).collect();
        if borders.is_empty() {
            return self.piece(conditioner, &self.segments[first], start, samples);
        }
        let mut out = ChannelMajor::zeros(self.columns.len(), samples);
        let begins = std::iter::once(start).chain(borders.iter().copied());
        let ends = borders.iter().copied().chain([end]);
        for ((from, to), segment) in begins.zip(ends).zip(&self.segments[first..]) {
            // Beyond a border the filter needs its margin; the ends of what was asked for have theirs already.
            let before = if from == start { 0 } else { self.margin };
            let after = if to == end { 0 } else { self.margin };
            let kept = (to - from) as usize;
            let piece = self.piece(conditioner, segment, from - before as i64, before + kept + after)?;
            let at = (from - start) as usize;
            for channel in 0..self.columns.len() {
                let kept_samples = &piece.row(channel)[before..before + kept];
                out.row_mut(channel)[at..at + kept].copy_from_slice(kept_samples);
            }
        }
        Ok(out)
    }

    /// Filters frames of one segment.
    fn piece(
        &self,
        conditioner: &Conditioner,
        segment: &Range<u64>,
        start: i64,
        samples: usize,
    ) -> Result<ChannelMajor> {
        let frames = padded(self.recording, segment, start, samples)?;
        Ok(conditioner.apply(&frames, self.recording.n_channels(), &self.columns))
    }
}

/// Frames `[start, start + samples)`, time-major; outside the range `real` its first or last frame is repeated, or zeros when none of it
/// is among them.
///
/// # Errors
/// Those of reading.
pub fn padded(recording: &dyn Recording, real: &Range<u64>, start: i64, samples: usize) -> Result<Vec<f32>> {
    let width = recording.n_channels();
    let (begin, end) = (real.start as i64, real.end as i64);
    let first = start.clamp(begin, end);
    let last = (start + samples as i64).clamp(first, end);
    let before = (first - start).clamp(0, samples as i64) as usize;
    let mut frames = vec![0.0f32; samples * width];
    let inside = before * width..(before + (last - first) as usize) * width;
    if inside.is_empty() {
        return Ok(frames);
    }
    recording.read(first as u64, &mut frames[inside.clone()])?;
    let head = frames[inside.start..inside.start + width].to_vec();
    for frame in frames[..inside.start].chunks_exact_mut(width) {
        frame.copy_from_slice(&head);
    }
    let tail = frames[inside.end - width..inside.end].to_vec();
    for frame in frames[inside.end..].chunks_exact_mut(width) {
        frame.copy_from_slice(&tail);
    }
    Ok(frames)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::{Probe, RawFile};

    use super::super::filter::Offset;
    use super::*;
    use crate::settings::Parameters;

    const MARGIN: usize = 1024;

    /// Two channels; each segment is a sine with an offset of its own.
    struct Pieces(Vec<u64>);

    impl Recording for Pieces {
        fn sample_rate(&self) -> f64 {
            30000.0
        }
        fn n_channels(&self) -> usize {
            2
        }
        fn n_samples(&self) -> u64 {
            9000
        }
        fn gain_uv(&self) -> Option<&[f64]> {
            None
        }
        fn probe(&self) -> Option<&Probe> {
            None
        }
        fn raw_file(&self) -> Option<&RawFile> {
            None
        }
        fn segment_starts(&self) -> Vec<u64> {
            self.0.clone()
        }
        fn name(&self) -> &'static str {
            "pieces"
        }
        fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
            for (i, frame) in out.chunks_exact_mut(2).enumerate() {
                let t = start + i as u64;
                let offset = 700.0 * self.0.partition_point(|&s| s <= t) as f32;
                let wave = (t as f32 * 0.7).sin();
                frame.copy_from_slice(&[offset + 20.0 * wave, -3.0 * offset + 10.0 * wave]);
            }
            Ok(())
        }
    }

    fn conditioner() -> Conditioner {
        let parameters = Parameters::kilosort2();
        Conditioner::new(&parameters, 30000.0, Offset::Fixed(vec![0.0; 2]), false)
    }

    #[test]
    fn filters_stop_at_the_ends_of_a_segment() {
        let recording = Pieces(vec![0, 3000, 3050, 6000]);
        let filtered = Filtered::new(&recording, vec![0, 1], MARGIN);
        let whole = filtered
            .samples(&conditioner(), -(MARGIN as i64), 9000 + 2 * MARGIN)
            .unwrap();
        // Within the margin the filter still remembers where it began.
        let largest = |block: &ChannelMajor| {
            let kept = |row: &[f32]| {
                row[MARGIN..row.len() - MARGIN]
                    .iter()
                    .fold(0.0f32, |a, v| a.max(v.abs()))
            };
            block.rows().map(kept).fold(0.0, f32::max)
        };
        assert!(largest(&whole) < 40.0, "{}", largest(&whole));
        let joined = filtered.joined().samples(&conditioner(), 2000, 4500).unwrap();
        assert!(largest(&joined) > 400.0, "the jump that is left out would be seen");
    }

    #[test]
    fn a_stretch_is_the_same_whatever_was_asked_for_around_it() {
        let recording = Pieces(vec![0, 3000, 3050, 6000]);
        let filtered = Filtered::new(&recording, vec![1, 0], MARGIN);
        let whole = filtered
            .samples(&conditioner(), -(MARGIN as i64), 9000 + 2 * MARGIN)
            .unwrap();
        for (start, samples) in [(2500usize, 800), (2990, 100), (3000, 50), (5000, 3000), (0, 9000)] {
            let margins = samples + 2 * MARGIN;
            let part = filtered
                .samples(&conditioner(), start as i64 - MARGIN as i64, margins)
                .unwrap();
            for channel in 0..2 {
                for t in 0..samples {
                    let (a, b) = (part.row(channel)[MARGIN + t], whole.row(channel)[MARGIN + start + t]);
                    assert!((a - b).abs() < 0.05, "{channel} {start}+{t}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn beyond_the_recording_its_edge_is_repeated() {
        let recording = Pieces(vec![0]);
        let all = 0..9000;
        let frames = padded(&recording, &all, -2, 4).unwrap();
        assert_eq!(frames[..2], frames[4..6]);
        assert_eq!(frames[2..4], frames[4..6]);
        assert_ne!(frames[4..6], frames[6..8]);
        assert_eq!(padded(&recording, &all, 9000, 3).unwrap(), [0.0; 6]);
        assert_eq!(padded(&recording, &all, -9, 3).unwrap(), [0.0; 6]);
    }
}
