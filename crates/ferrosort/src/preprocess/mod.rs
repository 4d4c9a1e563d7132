//! From raw samples to whitened batches (docs/kilosort2.md 1 and 2). Nothing is stored: a stage that needs a batch makes it again.

use ferrosort_core::{Error, Observer, Probe, Recording, Result};
use ferrosort_kernels::{ChannelMajor, Rounding, SparseMatrix, whiten, whiten_to_counts};
use ndarray::Array2;

use crate::settings::{Compat, Settings};

pub mod filter;
pub mod layout;
pub mod segments;
pub mod survey;
pub mod whitening;

use filter::{Conditioner, Offset};
use layout::{BatchLayout, BatchWindow, FILTER_MARGIN};
use segments::{Filtered, padded};

/// Ends the run when the caller has asked for it.
///
/// # Errors
/// [`Error::Interrupted`].
pub fn check_cancelled(observer: &dyn Observer) -> Result<()> {
    if observer.cancelled() {
        Err(Error::Interrupted)
    } else {
        Ok(())
    }
}

/// Makes whitened batches of one recording.
pub struct Batches<'a> {
    filtered: Filtered<'a>,
    conditioner: Conditioner,
    layout: BatchLayout,
    matrix: Array2<f64>,
    sparse: SparseMatrix,
    rounding: Rounding,
    scale: f32,
}

impl<'a> Batches<'a> {
    /// Learns the whitening of these channels and prepares to make batches.
    ///
    /// `offset` is the mean of each channel, counts.
    ///
    /// # Errors
    /// Those of reading, and cancellation.
    pub fn prepare(
        recording: &'a dyn Recording,
        probe: &Probe,
        offset: Vec<f64>,
        layout: BatchLayout,
        settings: &Settings,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let (parameters, compat) = (&settings.parameters, &settings.compat);
        let offset = if compat.batch_edges {
            Offset::BufferMean
        } else {
            Offset::Fixed(offset)
        };
        let low_pass = !compat.covariance_without_lowpass;
        let columns = probe.contacts.iter().map(|c| c.channel).collect();
        let filtered = Filtered::new(recording, columns, FILTER_MARGIN);
        let mut batches = Self {
            // The originals know nothing of segments.
            filtered: if compat.batch_edges {
                filtered.joined()
            } else {
                filtered
            },
            conditioner: Conditioner::new(parameters, recording.sample_rate(), offset.clone(), low_pass),
            layout,
            matrix: Array2::eye(probe.len()),
            sparse: SparseMatrix::from_fn(0, |_, _| 0.0),
            rounding: if compat.truncate_int16 {
                Rounding::Truncate
            } else {
                Rounding::Nearest
            },
            scale: parameters.whitened_scale as f32,
        };
        let covariance = batches.covariance(parameters.covariance_stride, compat, observer)?;
        let matrix = whitening::whitening_matrix(
            &covariance,
            &probe.positions_um(),
            parameters.whitening_range,
            parameters.whitened_scale,
        )?;
        batches.conditioner = Conditioner::new(parameters, recording.sample_rate(), offset, true);
        batches.set_matrix(matrix);
        Ok(batches)
    }

    /// Replaces the whitening matrix, `[channels, channels]`, counts of `whitened_scale` per raw count.
    pub fn set_matrix(&mut self, matrix: Array2<f64>) {
        self.sparse = SparseMatrix::from_fn(matrix.nrows(), |i, j| matrix[[i, j]]);
        self.matrix = matrix;
    }

    /// The whitening matrix, including the scale.
    pub fn matrix(&self) -> &Array2<f64> {
        &self.matrix
    }

    /// Counts of the 16-bit data per sd of whitened noise.
    pub fn scale(&self) -> f64 {
        f64::from(self.scale)
    }

    /// File column of each sorting channel.
    pub fn columns(&self) -> &[usize] {
        self.filtered.columns()
    }

    /// How the recording is cut.
    pub fn layout(&self) -> &BatchLayout {
        &self.layout
    }

    /// Samples per second, Hz.
    pub fn sample_rate(&self) -> f64 {
        self.filtered.recording().sample_rate()
    }

    /// Number of sorting channels.
    pub fn channels(&self) -> usize {
        self.columns().len()
    }

    /// Batch `k` in sd of whitened noise, `[channels, samples]`.
    ///
    /// # Errors
    /// Those of reading.
    pub fn batch(&self, k: usize) -> Result<ChannelMajor> {
        let window = self.layout.window(k);
        let filtered = self.filtered(&window)?;
        let (start, samples) = (window.discard, window.samples);
        Ok(whiten(
            &filtered,
            start,
            samples,
            &self.sparse,
            self.rounding,
            self.scale,
        ))
    }

    /// Whitened 16-bit samples of batch `k`, all samples of the first channel, then of the second, ...
    ///
    /// # Errors
    /// Those of reading.
    pub fn counts(&self, k: usize) -> Result<Vec<i16>> {
        let window = self.layout.window(k);
        let filtered = self.filtered(&window)?;
        let (start, samples) = (window.discard, window.samples);
        Ok(whiten_to_counts(&filtered, start, samples, &self.sparse, self.rounding))
    }

    fn filtered(&self, window: &BatchWindow) -> Result<ChannelMajor> {
        self.filtered
            .samples(&self.conditioner, window.read_start, window.read_samples)
    }

    /// Covariance of the filtered channels over every `stride`-th batch, counts squared.
    fn covariance(&self, stride: usize, compat: &Compat, observer: &dyn Observer) -> Result<Array2<f64>> {
        let batches = self.layout.batches();
        let stride = self.layout.sampling_stride(stride, compat);
        let mut sum = Array2::<f64>::zeros((self.channels(), self.channels()));
        let mut samples = 0usize;
        let mut visited = 0usize;
        for k in (0..batches).step_by(stride) {
            check_cancelled(observer)?;
            let mut window = self.layout.window(k);
            if compat.constant_covariance_buffer {
                sum += &self.constant_tail_gram(&mut window)?;
                samples += window.samples;
            } else {
                let filtered = self.filtered(&window)?;
                let (range, divisor) = if compat.batch_edges {
                    (0..filtered.samples(), window.samples)
                } else {
                    let real = self.real_samples(&window);
                    (real.clone(), real.len())
                };
                sum += &whitening::gram(&filtered, range.start, range.end);
                samples += divisor;
            }
            visited += 1;
            observer.advanced(1);
        }
        let divisor = if compat.covariance_divisor {
            // One batch too few when the stride divides the number of batches less one.
            let counted = (batches - 1).div_ceil(stride).max(1);
            samples as f64 / visited as f64 * counted as f64
        } else {
            samples.max(1) as f64
        };
        Ok(sum / divisor)
    }

    /// Kept samples of a buffer that exist in the recording, as a range of the buffer.
    fn real_samples(&self, window: &BatchWindow) -> std::ops::Range<usize> {
        let n = self.filtered.recording().n_samples() as i64;
        let start = window.discard as i64 + (-window.first).max(0);
        let end = window.discard as i64 + (n - window.first).min(window.samples as i64);
        start as usize..end.max(start) as usize
    }

    /// The port's covariance buffer (D6): a batch less one overlap, then a whole buffer of its last sample.
    fn constant_tail_gram(&self, window: &mut BatchWindow) -> Result<Array2<f64>> {
        let recording = self.filtered.recording();
        let width = recording.n_channels();
        let overlap = self.layout.kept_samples() - self.layout.hop();
        let available = (recording.n_samples() as i64 - window.read_start).max(1) as usize;
        let real = (window.samples - overlap).min(available);
        let mut frames = padded(recording, &(0..recording.n_samples()), window.read_start, real)?;
        let last = frames[(real - 1) * width..].to_vec();
        for _ in 0..window.read_samples {
            frames.extend_from_slice(&last);
        }
        let filtered = self.conditioner.apply(&frames, width, self.columns());
        Ok(whitening::gram(&filtered, 0, filtered.samples()))
    }
}
