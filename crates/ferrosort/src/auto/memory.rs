//! What a run holds in memory, and how many tiles fit at a time (docs/guarantees.md).

use ferrosort_core::{Error, Result};

use super::basis::COMPONENTS;
use super::geometry::Geometry;

/// The program itself, buffers of files, what the allocator keeps.
const PROGRAM: u64 = 24 << 20;
/// Samples around a tile that are read and filtered with it, about.
const AROUND: u64 = 1100;
/// Bytes of a spike of a pass, and of one in the result.
const MATCHED: u64 = 20;
const SHOWN: u64 = 180;
/// A list that grows has room for up to twice what is in it.
const GROWING: u64 = 2;

/// Sizes of a recording that decide about memory, and what is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    channels: u64,
    width: u64,
    tile_samples: u64,
    window_samples: u64,
    detection: u64,
    threads: u64,
    /// Most bytes that the run may hold; `None` for no limit.
    pub limit: Option<u64>,
    /// Most tiles that are read and worked on at a time, whatever fits.
    pub most_at_once: Option<usize>,
}

impl Memory {
    /// Sizes for a recording of `width` columns at `sample_rate` Hz with tiles of so many samples.
    pub fn new(geometry: &Geometry, width: usize, tile_samples: usize, sample_rate: f64) -> Self {
        let channels = geometry.wide.len();
        let described: usize = geometry.wide.iter().map(Vec::len).sum();
        let features = described * COMPONENTS * 4 / channels.max(1);
        Self {
            channels: channels as u64,
            width: width as u64,
            tile_samples: tile_samples as u64,
            window_samples: (0.5 * sample_rate) as u64,
            detection: features as u64 + 40,
            threads: rayon::current_num_threads() as u64,
            limit: None,
            most_at_once: None,
        }
    }

    /// Threads that work at a time.
    pub fn threads(&self) -> u64 {
        self.threads
    }

    /// What the run holds all the time: matrices of channels by channels, in f64.
    pub fn fixed(&self) -> u64 {
        PROGRAM + 40 * self.channels * self.channels
    }

    /// What one thread holds to work on a tile with so many units, besides what their pairs take.
    pub fn tile(&self, units: usize) -> u64 {
        (12 * self.channels + 4 * self.width + 4 * units as u64) * (self.tile_samples + AROUND)
    }

    /// What one thread holds to learn the noise from a stretch of the recording.
    pub fn window(&self) -> u64 {
        (12 * self.channels + 4 * self.width) * (self.window_samples + AROUND)
    }

    /// So many detections, while they are collected.
    pub fn detections(&self, count: usize) -> u64 {
        GROWING * count as u64 * self.detection
    }

    /// So many spikes, while they are collected.
    pub fn spikes(count: usize) -> u64 {
        GROWING * count as u64 * MATCHED
    }

    /// So many spikes, and so many units with templates of so many samples, while the result is put together.
    pub fn result(&self, spikes: usize, units: usize, template_samples: usize) -> u64 {
        spikes as u64 * SHOWN + 4 * self.channels * (units * template_samples) as u64
    }

    /// How many pieces of work of this size fit beside `held` bytes: at most twice the number of threads.
    ///
    /// # Errors
    /// Not even one fits.
    pub fn at_once(&self, piece: u64, held: u64) -> Result<usize> {
        let most = self.most_at_once.unwrap_or(2 * self.threads as usize).max(1);
        let Some(limit) = self.limit else { return Ok(most) };
        let needed = self.fixed() + held + piece;
        let room = limit.saturating_sub(self.fixed() + held) / piece.max(1);
        match room {
            0 => Err(Error::Memory(format!(
                "--memory {} MiB is too little for this recording: {} MiB are needed now, more for more spikes; the same command with more \
                 memory goes on from what was done",
                limit >> 20,
                (needed >> 20) + 1
            ))),
            // Only as many are worked on at a time as there are threads.
            room if room >= self.threads => Ok(most),
            room => Ok(most.min(room as usize)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::Probe;

    use super::*;

    fn memory(limit: Option<u64>) -> Memory {
        let geometry = Geometry::new(&Probe::line(64, 20.0));
        Memory {
            limit,
            threads: 4,
            ..Memory::new(&geometry, 64, 15000, 30000.0)
        }
    }

    #[test]
    fn as_many_tiles_as_fit_are_worked_on_at_a_time() {
        let free = memory(None);
        let tile = free.tile(40);
        assert_eq!(free.at_once(tile, 1 << 40).unwrap(), 8);
        for (tiles, expected) in [(1, 1), (3, 3), (4, 8), (100, 8)] {
            let limited = memory(Some(free.fixed() + 1000 + tiles * tile));
            assert_eq!(limited.at_once(tile, 1000).unwrap(), expected, "{tiles}");
        }
        let error = memory(Some(free.fixed() + tile - 1)).at_once(tile, 0).unwrap_err();
        assert!(
            error.exit_code() == 2 && error.to_string().contains("too little"),
            "{error}"
        );
    }

    #[test]
    fn a_chunk_limits_what_is_worked_on_and_nothing_else() {
        let memory = Memory {
            most_at_once: Some(1),
            ..memory(None)
        };
        assert_eq!(memory.at_once(memory.tile(0), 0).unwrap(), 1);
    }
}
