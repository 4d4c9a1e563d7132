//! Which samples each batch reads, keeps and owns.

use std::ops::Range;

use crate::settings::{Compat, Parameters};

/// Samples of real signal on both sides of what a batch keeps, so that its filter has forgotten where it began: 16 time constants of
/// a 150 Hz high-pass at 30 kHz.
pub(super) const FILTER_MARGIN: usize = 1024;

/// How a recording is cut into batches (docs/kilosort2.md 2.1 and 2.7).
///
/// By default successive batches overlap by two margins, every template start is owned by exactly one batch, and the filter sees real
/// samples far beyond what is kept. Under `batch_edges` the buffers are those of Kilosort2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchLayout {
    n_samples: u64,
    hop: usize,
    overlap: usize,
    template: usize,
    earliest: usize,
    original: bool,
}

/// The samples of one batch. Positions may lie outside the recording; the nearest sample stands in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchWindow {
    /// First sample read.
    pub read_start: i64,
    /// Samples read.
    pub read_samples: usize,
    /// Filtered samples dropped in front.
    pub discard: usize,
    /// First sample kept.
    pub first: i64,
    /// Samples kept.
    pub samples: usize,
    /// Template starts, relative to the first kept sample, that are searched.
    pub searched: Range<usize>,
    /// Template starts whose correlation is computed at all; ends before `searched` only in the original's coverage.
    pub correlated: usize,
    /// Starts whose spikes belong to this batch.
    pub owned: Range<usize>,
}

impl BatchLayout {
    /// The layout for a recording of `n_samples` samples.
    pub fn new(n_samples: u64, parameters: &Parameters, compat: &Compat) -> Self {
        Self {
            n_samples,
            hop: parameters.batch_samples - parameters.batch_overlap,
            overlap: parameters.batch_overlap,
            template: parameters.template_samples,
            earliest: parameters.template_samples - usize::from(compat.earliest_start_60),
            original: compat.batch_edges,
        }
    }

    /// Number of batches; at least one.
    pub fn batches(&self) -> usize {
        self.n_samples.div_ceil(self.hop as u64).max(1) as usize
    }

    /// Stride at which batches are sampled to learn something of the whole recording: `stride`, but less when that would visit fewer
    /// than ten batches and the original's strides are not asked for.
    pub fn sampling_stride(&self, stride: usize, compat: &Compat) -> usize {
        let ten_batches = (self.batches() / 10).max(1);
        let stride = stride.max(1);
        if compat.sparse_sampling {
            stride
        } else {
            stride.min(ten_batches)
        }
    }

    /// Samples from the start of one batch to the start of the next.
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Samples kept of every batch.
    pub fn kept_samples(&self) -> usize {
        if self.original {
            self.hop + self.overlap
        } else {
            self.hop + 2 * self.margin()
        }
    }

    /// Samples on each side of the owned starts in which pursuit also runs, so that overlapping neighbours are explained.
    fn margin(&self) -> usize {
        (2 * self.template).next_multiple_of(64)
    }

    /// The samples of batch `k`.
    pub fn window(&self, k: usize) -> BatchWindow {
        if self.original {
            self.original_window(k)
        } else {
            self.continuous_window(k)
        }
    }

    fn continuous_window(&self, k: usize) -> BatchWindow {
        let margin = self.margin();
        let start = (k * self.hop) as i64;
        let first = start - margin as i64;
        let samples = self.kept_samples();
        let last_start = (self.n_samples as i64 - self.template as i64 + 1).max(0);
        let end = (start + self.hop as i64).min(last_start);
        let owned = margin..(end - first).max(margin as i64) as usize;
        BatchWindow {
            read_start: first - FILTER_MARGIN as i64,
            read_samples: samples + 2 * FILTER_MARGIN,
            discard: FILTER_MARGIN,
            first,
            samples,
            searched: 0..samples - self.template,
            correlated: samples - self.template,
            owned,
        }
    }

    fn original_window(&self, k: usize) -> BatchWindow {
        let samples = self.hop + self.overlap;
        let (read_start, discard) = match k {
            0 => (0, 0),
            _ => (((k * self.hop) as i64 - 2 * self.overlap as i64).max(0), self.overlap),
        };
        let blocks = |from: usize| from.div_ceil(1024) * 1024;
        let correlated = blocks(samples.saturating_sub(1024 + self.template - 1)).min(samples - self.template);
        BatchWindow {
            read_start,
            read_samples: samples + 4 * self.overlap,
            discard,
            first: read_start + discard as i64,
            samples,
            searched: self.earliest..samples - self.template,
            correlated,
            owned: 0..samples,
        }
    }

    /// Exclusive end of the positions at which the original looks for peaks; no limit by default.
    pub fn peak_limit(&self) -> usize {
        let samples = self.kept_samples();
        if self.original {
            (60 + 1024 * samples.saturating_sub(1083).div_ceil(1024)).min(samples)
        } else {
            samples
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(n: u64, compat: &Compat) -> BatchLayout {
        BatchLayout::new(n, &Parameters::kilosort2(), compat)
    }

    #[test]
    fn every_start_is_owned_once() {
        for n in [61u64, 100, 65536, 65537, 200_000] {
            let l = layout(n, &Compat::default());
            let mut next = 0i64;
            for k in 0..l.batches() {
                let w = l.window(k);
                if w.owned.is_empty() {
                    continue;
                }
                assert_eq!(w.first + w.owned.start as i64, next);
                next = w.first + w.owned.end as i64;
                assert!(w.owned.end <= w.searched.end);
            }
            assert_eq!(next, n as i64 - 60, "all windows of 61 samples of {n}");
        }
        assert!(layout(10, &Compat::default()).window(0).owned.is_empty());
    }

    #[test]
    fn original_coverage() {
        let mut p = Parameters::kilosort2();
        let compat = Compat::kilosort2_2_0_2();
        for (nt, covered, limit) in [(65600, 65536, 65596), (32832, 32768, 32828), (65472, 64512, 64572)] {
            p.batch_samples = nt;
            let l = BatchLayout::new(1_000_000, &p, &compat);
            let w = l.window(1);
            assert_eq!((w.correlated, l.peak_limit()), (covered, limit));
            assert_eq!(w.first, (nt - 64) as i64 - 64);
            assert_eq!(w.searched.start, 61);
            assert_eq!(l.window(0).first, 0);
        }
    }
}
