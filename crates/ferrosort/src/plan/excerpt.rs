//! Stretches from all over a recording as a recording of their own, on which a sorter is tried.

use std::ops::Range;

use ferrosort_core::{Probe, RawFile, Recording, Result};

/// Stretches of another recording, each a segment.
pub struct Excerpt<'a> {
    whole: &'a dyn Recording,
    /// Stretches of the whole, in order and apart from each other.
    stretches: Vec<Range<u64>>,
}

impl<'a> Excerpt<'a> {
    /// At most `count` stretches of `samples` samples, evenly over the recording; all of it when they would cover it.
    pub fn new(whole: &'a dyn Recording, count: u64, samples: u64) -> Self {
        let n = whole.n_samples();
        let stretches = if n <= count * samples {
            std::iter::once(0..n).collect()
        } else {
            let start = |i: u64| (u128::from(n - samples) * u128::from(i) / u128::from(count.max(2) - 1)) as u64;
            (0..count).map(|i| start(i)..start(i) + samples).collect()
        };
        Self { whole, stretches }
    }
}

impl Recording for Excerpt<'_> {
    fn sample_rate(&self) -> f64 {
        self.whole.sample_rate()
    }
    fn n_channels(&self) -> usize {
        self.whole.n_channels()
    }
    fn n_samples(&self) -> u64 {
        self.stretches.iter().map(|s| s.end - s.start).sum()
    }
    fn gain_uv(&self) -> Option<&[f64]> {
        self.whole.gain_uv()
    }
    fn probe(&self) -> Option<&Probe> {
        self.whole.probe()
    }
    fn raw_file(&self) -> Option<&RawFile> {
        None
    }
    fn segment_starts(&self) -> Vec<u64> {
        let lengths = self.stretches.iter().map(|s| s.end - s.start);
        let mut starts = vec![0];
        starts.extend(lengths.scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        starts.pop();
        starts
    }
    fn name(&self) -> &str {
        self.whole.name()
    }
    fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
        let width = self.whole.n_channels();
        let (mut skip, mut rest) = (start, out);
        for stretch in &self.stretches {
            let length = stretch.end - stretch.start;
            if skip >= length {
                skip -= length;
                continue;
            }
            let here = ((length - skip) as usize).min(rest.len() / width);
            let (now, later) = rest.split_at_mut(here * width);
            if !now.is_empty() {
                self.whole.read(stretch.start + skip, now)?;
            }
            (skip, rest) = (0, later);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::{MemoryRecording, segments};

    use super::*;

    #[test]
    fn stretches_are_read_in_a_row_and_are_segments() {
        let whole = MemoryRecording::new(10.0, 1, (0..100).map(|v| v as f32).collect(), None).unwrap();
        let excerpt = Excerpt::new(&whole, 3, 4);
        assert_eq!(segments(&excerpt), [0..4, 4..8, 8..12]);
        let mut out = [0.0; 8];
        excerpt.read(3, &mut out).unwrap();
        assert_eq!(out, [3.0, 48.0, 49.0, 50.0, 51.0, 96.0, 97.0, 98.0]);
        assert_eq!(segments(&Excerpt::new(&whole, 30, 4)).len(), 1);
        assert_eq!(Excerpt::new(&whole, 1, 7).n_samples(), 7);
    }
}
