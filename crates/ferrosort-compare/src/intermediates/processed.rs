//! Reading of the processed data that a sorter kept: in either layout, any part of it, addressed by batch or by sample.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use ferrosort_core::{Error, ProcessedFile, ProcessedLayout, Result};
use ndarray::{Array2, Axis};

/// Values read at once, at most: 64 MiB.
const CHUNK_VALUES: usize = 1 << 25;

/// A processed file (`int16`, little-endian), open for reading.
///
/// Where the source does not say at which sample of the recording each batch begins, batches are taken to follow each other without
/// overlap.
#[derive(Debug)]
pub struct ProcessedData {
    file: File,
    source: ProcessedFile,
    n_batches: usize,
    /// Samples in the last batch: fewer than in the others only when the file is interleaved.
    last_samples: usize,
    firsts: Vec<i64>,
}

impl ProcessedData {
    /// Opens the file and checks its size.
    ///
    /// # Errors
    /// The file cannot be opened, has no whole batch, or the source places another number of batches than the file holds.
    pub fn open(source: &ProcessedFile) -> Result<Self> {
        let path = &source.path;
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let bytes = file.metadata().map_err(|e| Error::io("read", path, e))?.len();
        let (channels, samples) = (source.n_channels as u64, source.batch_samples as u64);
        if channels == 0 || samples == 0 {
            return Err(Error::input(format!(
                "processed data {}: {channels} channels and batches of {samples} samples; both must be at least 1",
                path.display()
            )));
        }
        let frames = bytes / 2 / channels;
        let whole = frames / samples;
        let rest = frames % samples;
        let short_batch = source.layout == Some(ProcessedLayout::Interleaved) && rest > 0;
        let n_batches = whole + u64::from(short_batch);
        if n_batches == 0 {
            return Err(Error::input(format!(
                "processed data {} hold {bytes} bytes, less than one batch of {samples} samples on {channels} channels; check both \
                 numbers, or sort again and keep the file",
                path.display()
            )));
        }
        let n_batches = n_batches as usize;
        let firsts = match &source.first_samples {
            Some(firsts) if firsts.len() < n_batches || !firsts.is_sorted() => {
                return Err(Error::input(format!(
                    "processed data {} hold {n_batches} batches of {samples} samples, but {} positions are known for them; check the \
                     number of samples of a batch",
                    path.display(),
                    firsts.len()
                )));
            }
            Some(firsts) => firsts[..n_batches].to_vec(),
            None => (0..n_batches as i64).map(|k| k * samples as i64).collect(),
        };
        Ok(Self {
            file,
            source: source.clone(),
            n_batches,
            last_samples: if short_batch {
                rest as usize
            } else {
                source.batch_samples
            },
            firsts,
        })
    }

    /// What was opened.
    pub fn source(&self) -> &ProcessedFile {
        &self.source
    }

    /// Number of channels.
    pub fn n_channels(&self) -> usize {
        self.source.n_channels
    }

    /// Number of batches.
    pub fn n_batches(&self) -> usize {
        self.n_batches
    }

    /// Samples of batch `k`.
    pub fn samples_of(&self, k: usize) -> usize {
        if k + 1 == self.n_batches {
            self.last_samples
        } else {
            self.source.batch_samples
        }
    }

    /// Sample of the recording at which each batch begins, `[batches]`.
    pub fn first_samples(&self) -> &[i64] {
        &self.firsts
    }

    /// Samples of the recording that the file covers.
    pub fn covered(&self) -> Range<i64> {
        let last = self.n_batches - 1;
        self.firsts[0]..self.firsts[last] + self.samples_of(last) as i64
    }

    /// Samples `part` of batch `k` as counts, `[channels, samples]`, if the file lies in `layout`; cut to the batch.
    ///
    /// # Errors
    /// Those of reading.
    pub fn batch(&self, k: usize, part: Range<usize>, layout: ProcessedLayout) -> Result<Array2<i16>> {
        let end = part.end.min(self.samples_of(k));
        let start = part.start.min(end);
        let (channels, samples) = (self.n_channels(), end - start);
        let base = (k * self.source.batch_samples * channels) as u64;
        let mut out = Array2::zeros((channels, samples));
        match layout {
            ProcessedLayout::Planar => {
                for (c, mut row) in out.rows_mut().into_iter().enumerate() {
                    let values = self.values(base + (c * self.source.batch_samples + start) as u64, samples)?;
                    row.assign(&ndarray::ArrayView1::from(&values));
                }
            }
            ProcessedLayout::Interleaved => {
                let step = (CHUNK_VALUES / channels).max(1);
                for from in (0..samples).step_by(step) {
                    let n = step.min(samples - from);
                    let values = self.values(base + ((start + from) * channels) as u64, n * channels)?;
                    for (t, frame) in values.chunks_exact(channels).enumerate() {
                        for (c, &value) in frame.iter().enumerate() {
                            out[[c, from + t]] = value;
                        }
                    }
                }
            }
        }
        Ok(out)
    }

    /// Samples `span` of the recording, `[channels, samples]`. Where two batches overlap, each gives half of the overlap.
    ///
    /// # Errors
    /// A sample that no batch holds, and those of reading.
    pub fn span(&self, span: Range<i64>, layout: ProcessedLayout) -> Result<Array2<i16>> {
        let samples = (span.end - span.start).max(0) as usize;
        let mut out = Array2::zeros((self.n_channels(), samples));
        let mut at = span.start;
        while at < span.end {
            let k = self.owner(at);
            let begin = self.firsts[k];
            let end = (begin + self.samples_of(k) as i64).min(self.handover(k)).min(span.end);
            if at < begin || at >= end {
                return Err(Error::input(format!(
                    "processed data {} do not hold sample {at} of the recording; compare another part",
                    self.source.path.display()
                )));
            }
            let piece = self.batch(k, (at - begin) as usize..(end - begin) as usize, layout)?;
            let place = (at - span.start) as usize;
            out.slice_axis_mut(Axis(1), (place..place + piece.ncols()).into())
                .assign(&piece);
            at = end;
        }
        Ok(out)
    }

    /// The batch that a sample of the recording is taken from.
    fn owner(&self, sample: i64) -> usize {
        let candidate = self.firsts.partition_point(|&first| first <= sample).saturating_sub(1);
        if candidate > 0 && sample < self.handover(candidate - 1) {
            candidate - 1
        } else {
            candidate
        }
    }

    /// First sample of the recording that is taken from batch `k + 1`.
    fn handover(&self, k: usize) -> i64 {
        match self.firsts.get(k + 1) {
            Some(&next) => next + (self.firsts[k] + self.samples_of(k) as i64 - next).max(0) / 2,
            None => i64::MAX,
        }
    }

    /// The first `frames` rows of `n_channels` values, whatever they mean: how the file looks to a program that takes it to be
    /// interleaved. `[channels, frames]`; fewer frames at the end of the file.
    ///
    /// # Errors
    /// Those of reading.
    pub fn pseudo_frames(&self, frames: usize) -> Result<Array2<i16>> {
        let whole = (self.n_batches - 1) * self.source.batch_samples + self.last_samples;
        let (channels, frames) = (self.n_channels(), frames.min(whole));
        let mut out = Array2::zeros((channels, frames));
        let step = (CHUNK_VALUES / channels).max(1);
        for from in (0..frames).step_by(step) {
            let values = self.values((from * channels) as u64, step.min(frames - from) * channels)?;
            for (t, frame) in values.chunks_exact(channels).enumerate() {
                for (c, &value) in frame.iter().enumerate() {
                    out[[c, from + t]] = value;
                }
            }
        }
        Ok(out)
    }

    /// `n` values from value `first` of the file.
    fn values(&self, first: u64, n: usize) -> Result<Vec<i16>> {
        let failed = |e| Error::io("read", &self.source.path, e);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(2 * first)).map_err(failed)?;
        let mut bytes = vec![0_u8; 2 * n];
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes
            .chunks_exact(2)
            .map(|b| i16::from_le_bytes([b[0], b[1]]))
            .collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::path::Path;

    fn file(dir: &Path, values: &[i16], layout: Option<ProcessedLayout>) -> ProcessedFile {
        let path = dir.join("processed.bin");
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(&path, bytes).unwrap();
        ProcessedFile {
            path,
            n_channels: 2,
            batch_samples: 4,
            first_samples: Some(vec![0, 2]),
            margin_samples: 1,
            layout,
        }
    }

    // Two batches of four samples on two channels; samples 2 and 3 of the recording are in both.
    const PLANAR: [i16; 16] = [0, 1, 2, 3, 10, 11, 12, 13, 102, 103, 104, 105, 112, 113, 114, 115];
    const INTERLEAVED: [i16; 16] = [0, 10, 1, 11, 2, 12, 3, 13, 102, 112, 103, 113, 104, 114, 105, 115];

    #[test]
    fn both_layouts_give_the_same_samples_and_halve_the_overlap() {
        let dir = tempfile::tempdir().unwrap();
        for (values, layout) in [
            (PLANAR, ProcessedLayout::Planar),
            (INTERLEAVED, ProcessedLayout::Interleaved),
        ] {
            let data = ProcessedData::open(&file(dir.path(), &values, None)).unwrap();
            assert_eq!(data.covered(), 0..6);
            let span = data.span(1..6, layout).unwrap();
            assert_eq!(span, ndarray::array![[1, 2, 103, 104, 105], [11, 12, 113, 114, 115]]);
            assert_eq!(
                data.batch(1, 1..9, layout).unwrap(),
                ndarray::array![[103, 104, 105], [113, 114, 115]]
            );
            assert!(data.span(4..7, layout).is_err() && data.span(-1..2, layout).is_err());
        }
    }

    #[test]
    fn pseudo_frames_cut_the_file_into_rows() {
        let dir = tempfile::tempdir().unwrap();
        let data = ProcessedData::open(&file(dir.path(), &PLANAR, None)).unwrap();
        assert_eq!(data.pseudo_frames(3).unwrap(), ndarray::array![[0, 2, 10], [1, 3, 11]]);
        assert_eq!(data.pseudo_frames(99).unwrap().ncols(), 8);
    }

    #[test]
    fn the_last_batch_of_an_interleaved_file_may_be_short() {
        let dir = tempfile::tempdir().unwrap();
        let source = file(dir.path(), &INTERLEAVED[..12], Some(ProcessedLayout::Interleaved));
        let data = ProcessedData::open(&source).unwrap();
        assert_eq!((data.n_batches(), data.samples_of(1)), (2, 2));
        assert_eq!(data.covered(), 0..4);
    }

    #[test]
    fn files_that_do_not_fit_are_refused_in_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |source: &ProcessedFile| ProcessedData::open(source).unwrap_err().to_string();
        assert!(refused(&file(dir.path(), &PLANAR[..7], None)).contains("less than one batch"));
        let mut source = file(dir.path(), &PLANAR, None);
        source.first_samples = Some(vec![0]);
        assert!(refused(&source).contains("hold 2 batches"));
        source.n_channels = 0;
        assert!(refused(&source).contains("must be at least 1"));
        source.path = dir.path().join("absent.bin");
        assert!(refused(&source).contains("cannot open"));
    }
}
