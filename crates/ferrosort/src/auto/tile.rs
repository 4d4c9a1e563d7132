//! A stretch of whitened signal, and its correlations with the temporal basis where they are asked for (docs/algorithm.md 3).
//!
//! Correlations of all channels take six times the memory of the signal: they are made piece by piece in the cache and never kept.

use ferrosort_kernels::{ChannelMajor, PIECE, correlate_once, correlate_piece};

use super::basis::{Basis, COMPONENTS};

/// Whitened samples of a tile. Time `t` of the tile is that of a spike whose peak is at sample `t + basis.before` of the signal.
pub struct Tile<'a> {
    signal: ChannelMajor,
    basis: &'a Basis,
}

impl<'a> Tile<'a> {
    /// A tile of this signal, `[channels, samples + basis.length() - 1]`.
    pub fn new(signal: ChannelMajor, basis: &'a Basis) -> Self {
        Self { signal, basis }
    }

    /// Times at which a spike can be.
    pub fn samples(&self) -> usize {
        (self.signal.samples() + 1).saturating_sub(self.basis.length())
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.signal.channels()
    }

    /// Values of a piece.
    pub fn piece_len(&self) -> usize {
        self.channels() * COMPONENTS * PIECE
    }

    /// Correlations at times `[start, start + PIECE)`, which must be within the tile, `[channels, COMPONENTS, PIECE]`.
    pub fn piece(&self, start: usize, piece: &mut [f32]) {
        let needed = PIECE + self.basis.length() - 1;
        for (row, out) in self.signal.rows().zip(piece.chunks_exact_mut(COMPONENTS * PIECE)) {
            correlate_piece(&row[start..start + needed], &self.basis.by_tap, out);
        }
    }

    /// Correlations of one channel at `phase` quarters of a sample after `time`; the signal counts as zero outside the tile.
    pub fn features(&self, channel: usize, time: usize, phase: i64) -> [f32; COMPONENTS] {
        let (shifted, earlier) = self.basis.shifted(phase);
        let from = time.saturating_sub(earlier);
        let skipped = earlier + from - time;
        let row = self.signal.row(channel);
        let values = correlate_once(&row[from.min(row.len())..], &shifted[skipped..]);
        std::array::from_fn(|p| values[p])
    }
}

#[cfg(test)]
mod tests {
    use super::super::basis::tests::example;
    use super::*;

    #[test]
    fn features_are_the_correlations_and_move_with_the_phase() {
        let basis = example();
        let signal = ChannelMajor::from_fn(2, 200 + basis.length() - 1, |t, c| {
            let x = t as f64 - 100.0 - basis.before as f64 - 0.25;
            ((1.0 + c as f64) * (-0.5 * (x / 5.0).powi(2)).exp()) as f32
        });
        let tile = Tile::new(signal, &basis);
        let mut piece = vec![0.0f32; tile.piece_len()];
        tile.piece(64, &mut piece);
        for channel in 0..2 {
            for time in [64, 100, 127] {
                for (p, f) in tile.features(channel, time, 0).iter().enumerate() {
                    let expected = piece[(channel * COMPONENTS + p) * PIECE + time - 64];
                    assert!((f - expected).abs() < 1e-4, "{channel} {time} {p}: {f} {expected}");
                }
            }
        }
        // The bump is a quarter of a sample after time 100: there the features are those of the same bump on a sample.
        let centred = ChannelMajor::from_fn(1, 200 + basis.length() - 1, |t, _| {
            let x = t as f64 - 100.0 - basis.before as f64;
            (-0.5 * (x / 5.0).powi(2)).exp() as f32
        });
        let expected = Tile::new(centred, &basis).features(0, 100, 0);
        for (f, e) in tile.features(0, 100, 1).iter().zip(&expected) {
            assert!((f - e).abs() < 1e-3, "{f} {e}");
        }
        assert_eq!(
            tile.features(0, 0, -2).len(),
            COMPONENTS,
            "the start of the tile is no place to fail"
        );
    }
}
