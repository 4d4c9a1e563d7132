//! Recordings whose samples come in chunks that have to be unpacked: compressed or interleaved otherwise than flat files.
//!
//! A format unpacks a chunk into what a flat file would hold; reading, caching and decoding are the same for all.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ferrosort_core::{Error, Probe, RawFile, Recording, Result, SampleType};

use crate::binary::{BinaryOptions, MAX_CHANNELS, check_finite, check_range, check_rate, decode, expand_gain};

/// Unpacked bytes that are kept. Threads that read one chunk after the other find the border between them here.
const CACHE_BYTES: usize = 256 << 20;

/// Chunks that are kept whatever their size.
const CACHE_CHUNKS: usize = 4;

/// Where unpacked chunks come from.
pub(crate) trait Chunks: Send + Sync {
    /// The frames of a chunk as little-endian samples, time-major: `[frames, channels]`.
    ///
    /// # Errors
    /// I/O, or bytes that cannot be unpacked.
    fn load(&self, chunk: usize) -> Result<Vec<u8>>;
}

/// A recording in chunks.
pub(crate) struct ChunkedRecording<C> {
    chunks: C,
    /// First frame of each chunk, and the end of the last: rising.
    bounds: Vec<u64>,
    options: BinaryOptions,
    name: String,
    path: PathBuf,
    cache: Mutex<VecDeque<(usize, Slot)>>,
}

/// Bytes of a chunk once somebody has loaded it; others wait for the lock instead of loading it again.
type Slot = Arc<Mutex<Option<Arc<Vec<u8>>>>>;

impl<C: Chunks> ChunkedRecording<C> {
    /// A recording with the chunks `[bounds[i], bounds[i + 1])`. `path` stands for it in messages.
    ///
    /// # Errors
    /// No samples, no channels, a rate that is not finite and positive, or gains that do not fit.
    pub(crate) fn new(path: PathBuf, chunks: C, bounds: Vec<u64>, mut options: BinaryOptions) -> Result<Self> {
        let name = options.name.take().unwrap_or_else(|| path.display().to_string());
        check_rate(options.sample_rate, &name)?;
        if options.n_channels == 0 || options.n_channels > MAX_CHANNELS {
            return Err(Error::input(format!(
                "{name} claims {} channels; a recording has at least one and at most {MAX_CHANNELS}",
                options.n_channels
            )));
        }
        let rising = bounds.is_sorted_by(|a, b| a < b) && bounds.first() == Some(&0);
        if bounds.len() < 2 || !rising {
            return Err(Error::input(format!(
                "{name} holds no samples; check that the file is complete"
            )));
        }
        options.gain_uv = options
            .gain_uv
            .map(|gain| expand_gain(gain, options.n_channels, &name))
            .transpose()?;
        Ok(Self {
            chunks,
            bounds,
            options,
            name,
            path,
            cache: Mutex::new(VecDeque::new()),
        })
    }

    /// First frame and end of a chunk.
    fn bounds_of(&self, chunk: usize) -> Option<(u64, u64)> {
        Some((*self.bounds.get(chunk)?, *self.bounds.get(chunk + 1)?))
    }

    /// The unpacked chunk, from the cache or loaded.
    fn chunk(&self, chunk: usize, frames: u64) -> Result<Arc<Vec<u8>>> {
        let slot = self.slot(chunk, frames);
        let mut loaded = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = &*loaded {
            return Ok(Arc::clone(bytes));
        }
        let bytes = self.chunks.load(chunk)?;
        if bytes.len() as u64 != frames * self.frame_bytes() as u64 {
            return Err(Error::input(format!(
                "{}: chunk {chunk} holds {} bytes instead of {frames} samples of {} channels; the file is damaged",
                self.name,
                bytes.len(),
                self.options.n_channels
            )));
        }
        let bytes = Arc::new(bytes);
        *loaded = Some(Arc::clone(&bytes));
        Ok(bytes)
    }

    /// The place of a chunk in the cache; the chunk that was not used for the longest time makes room.
    fn slot(&self, chunk: usize, frames: u64) -> Slot {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cache.iter().position(|(number, _)| *number == chunk);
        let entry = found.and_then(|place| cache.remove(place));
        let (_, slot) = entry.unwrap_or_default();
        cache.push_back((chunk, Arc::clone(&slot)));
        let bytes = (frames as usize).saturating_mul(self.frame_bytes()).max(1);
        cache_limit(&mut cache, (CACHE_BYTES / bytes).max(CACHE_CHUNKS));
        slot
    }

    fn frame_bytes(&self) -> usize {
        self.options.n_channels * self.options.sample_type.bytes()
    }
}

fn cache_limit(cache: &mut VecDeque<(usize, Slot)>, most: usize) {
    while cache.len() > most {
        cache.pop_front();
    }
}

impl<C: Chunks> Recording for ChunkedRecording<C> {
    fn sample_rate(&self) -> f64 {
        self.options.sample_rate
    }
    fn n_channels(&self) -> usize {
        self.options.n_channels
    }
    fn n_samples(&self) -> u64 {
        self.bounds.last().copied().unwrap_or(0)
    }
    fn gain_uv(&self) -> Option<&[f64]> {
        self.options.gain_uv.as_deref()
    }
    fn probe(&self) -> Option<&Probe> {
        self.options.probe.as_ref()
    }
    fn raw_file(&self) -> Option<&RawFile> {
        None
    }
    fn sample_type(&self) -> Option<SampleType> {
        Some(self.options.sample_type)
    }
    fn neural_channels(&self) -> Option<&[usize]> {
        self.options.neural_channels.as_deref()
    }
    fn notes(&self) -> &[String] {
        &self.options.notes
    }
    fn segment_starts(&self) -> Vec<u64> {
        self.options.segment_starts.clone().unwrap_or_else(|| vec![0])
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
        check_range(self, start, out.len())?;
        let n_channels = self.options.n_channels;
        let mut chunk = self.bounds.partition_point(|&first| first <= start).saturating_sub(1);
        let mut frame = start;
        let mut rest = out;
        while let (Some((first, end)), false) = (self.bounds_of(chunk), rest.is_empty()) {
            let bytes = self.chunk(chunk, end - first)?;
            let here = ((end - frame) as usize).min(rest.len() / n_channels);
            let (now, later) = rest.split_at_mut(here * n_channels);
            let skip = (frame - first) as usize * self.frame_bytes();
            decode(bytes.get(skip..).unwrap_or_default(), self.options.sample_type, now);
            if self.options.sample_type == SampleType::Float32 {
                check_finite(now, &self.path, frame, n_channels)?;
            }
            frame += here as u64;
            rest = later;
            chunk += 1;
        }
        Ok(())
    }
}

/// Borders of chunks of `frames` frames over `n_samples` frames.
pub(crate) fn even_bounds(n_samples: u64, frames: u64) -> Vec<u64> {
    let mut bounds: Vec<u64> = (0..n_samples).step_by(frames.max(1) as usize).collect();
    bounds.push(n_samples);
    bounds
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Chunks of two channels that count up; each load is counted.
    struct Ramp(Vec<u64>, AtomicUsize);

    impl Chunks for Ramp {
        fn load(&self, chunk: usize) -> Result<Vec<u8>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let values = 2 * self.0[chunk]..2 * self.0[chunk + 1];
            Ok(values.flat_map(|v| (v as i16).to_le_bytes()).collect())
        }
    }

    fn ramp(bounds: &[u64]) -> Result<ChunkedRecording<Ramp>> {
        let chunks = Ramp(bounds.to_vec(), AtomicUsize::new(0));
        ChunkedRecording::new(
            PathBuf::from("ramp"),
            chunks,
            bounds.to_vec(),
            BinaryOptions::new(2, 10.0),
        )
    }

    #[test]
    fn any_range_reads_across_chunks_and_chunks_are_loaded_once() {
        let recording = ramp(&[0, 3, 4, 9]).unwrap();
        for start in 0..9 {
            for end in start..=9 {
                let mut out = vec![0.0; 2 * (end - start)];
                recording.read(start as u64, &mut out).unwrap();
                let expected: Vec<f32> = (2 * start..2 * end).map(|v| v as f32).collect();
                assert_eq!(out, expected);
            }
        }
        assert_eq!(recording.chunks.1.load(Ordering::Relaxed), 3);
        assert!(recording.read(8, &mut [0.0; 4]).is_err());
    }

    #[test]
    fn chunks_of_another_size_and_empty_recordings_are_refused() {
        let mut recording = ramp(&[0, 3, 4]).unwrap();
        recording.bounds = vec![0, 3, 5];
        let error = recording.read(3, &mut [0.0; 4]).unwrap_err();
        assert!(error.to_string().contains("chunk 1 holds 4 bytes"), "{error}");
        assert!(ramp(&[0]).is_err() && ramp(&[0, 0]).is_err() && ramp(&[]).is_err());
    }

    #[test]
    fn even_bounds_end_with_a_shorter_chunk() {
        assert_eq!(even_bounds(7, 3), [0, 3, 6, 7]);
        assert_eq!(even_bounds(6, 3), [0, 3, 6]);
        assert_eq!(even_bounds(0, 3), [0]);
    }
}
