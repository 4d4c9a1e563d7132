//! What a run of the Kilosort algorithms holds in memory. The length of a batch is a parameter of theirs, so that they cannot do with
//! less: a limit is checked, not kept to by smaller pieces (docs/guarantees.md).

use ferrosort_core::{Error, Recording, Result};
use ferrosort_kernels::iir::LANES;

use crate::ordering::basis::COMPONENTS;
use crate::ordering::cluster::clusters_per_batch;
use crate::pipeline::{ORDERING_CHANNELS, TEMPLATE_CHANNELS};
use crate::preprocess::layout::BatchLayout;
use crate::settings::Parameters;

/// The program itself, and buffers of files.
const PROGRAM: u64 = 20 << 20;
/// Copies of all mean waveforms and templates, in f64, while a batch is worked on.
const TEMPLATE_COPIES: u64 = 5;
/// Correlations of two templates at every lag, for each template that overlaps with one: as many as live within two neighbourhoods.
const OVERLAPS: u64 = 2;
/// Matrices of batches by batches, in f64, while batches are ordered.
const ORDER_MATRICES: u64 = 5;
/// Bytes of a spike without its features.
const SPIKE: u64 = 56;
/// Copies of all spikes when they are put in order, and while they are curated and exported.
const SPIKE_COPIES: u64 = 3;

/// Sizes of a recording that decide about memory, and what is allowed.
#[derive(Debug, Clone)]
pub struct Footprint {
    channels: u64,
    width: u64,
    batches: u64,
    /// Samples that a batch reads, and that it keeps.
    read: u64,
    kept: u64,
    /// Samples of a template.
    template: u64,
    threads: u64,
    limit: Option<u64>,
}

impl Footprint {
    /// Sizes for `channels` channels of a recording. `limit` is the most that the run may hold, bytes.
    pub fn new(
        recording: &dyn Recording,
        channels: usize,
        layout: &BatchLayout,
        parameters: &Parameters,
        limit: Option<u64>,
    ) -> Self {
        Self {
            channels: channels as u64,
            width: recording.n_channels() as u64,
            batches: layout.batches() as u64,
            read: layout.window(0).read_samples as u64,
            kept: layout.kept_samples() as u64,
            template: parameters.template_samples as u64,
            threads: rayon::current_num_threads() as u64,
            limit,
        }
    }

    /// What is held all the time: matrices of channels by channels in f64, the buffers of the filter, one a thread, and about one batch
    /// that the allocator does not give back.
    fn fixed(&self) -> u64 {
        let groups = self.channels.div_ceil(LANES as u64);
        let (filter, kept) = (8 * LANES as u64 * self.read, 4 * self.channels * self.kept);
        PROGRAM + 40 * self.channels * self.channels + self.threads.min(groups) * filter + kept
    }

    /// Bytes while a batch is read, filtered and whitened.
    pub fn batch(&self) -> u64 {
        let reading = self.read * (self.width + self.channels);
        let whitening = (self.read + self.kept) * self.channels;
        self.fixed() + 4 * reading.max(whitening)
    }

    /// Bytes while the batches are ordered.
    pub fn ordering(&self) -> u64 {
        let near = (ORDERING_CHANNELS as u64).min(self.channels);
        let clusters = 2 * clusters_per_batch(self.channels as usize) as u64 * near * 8 * COMPONENTS as u64;
        let matrices = ORDER_MATRICES * 8 * self.batches * self.batches;
        self.batch().max(self.fixed() + matrices) + self.batches * clusters
    }

    /// Bytes of so many templates.
    fn templates(&self, count: usize) -> u64 {
        let count = count as u64;
        let near = (TEMPLATE_CHANNELS as u64).min(self.channels);
        let overlapping = (count * OVERLAPS * near).div_ceil(self.channels).min(count);
        let waveforms = 8 * TEMPLATE_COPIES * self.channels * self.template;
        count * (waveforms + overlapping * 8 * self.template)
    }

    /// Bytes of so many spikes with their features.
    pub fn spikes(&self, templates: usize, count: usize) -> u64 {
        let near = (TEMPLATE_CHANNELS as u64).min(self.channels);
        let features = 4 * (COMPONENTS as u64 * near + near.min(templates as u64));
        count as u64 * (features + SPIKE)
    }

    /// Bytes while a batch is explained by so many templates, and so many spikes are held.
    pub fn pursuit(&self, templates: usize, spikes: usize) -> u64 {
        let batch = 4 * self.kept * (self.channels + templates as u64 + 2);
        let held = self.templates(templates) + self.spikes(templates, spikes);
        self.batch().max(self.fixed() + batch) + held
    }

    /// Bytes while all spikes are put in order, curated and exported.
    pub fn curation(&self, templates: usize, spikes: usize) -> u64 {
        self.fixed() + self.templates(templates) + SPIKE_COPIES * self.spikes(templates, spikes)
    }

    /// Refuses to hold more than is allowed.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn check(&self, needed: u64) -> Result<()> {
        match self.limit {
            Some(limit) if needed > limit => Err(Error::Memory(format!(
                "--memory {} MiB is too little for this recording: {} MiB are needed now, since batches of this length cannot be cut; the same command \
                 with more memory goes on from what was done, and --algorithm auto does with less",
                limit >> 20,
                (needed >> 20) + 1
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::Compat;

    fn footprint(seconds: u64, limit: Option<u64>) -> Footprint {
        struct Long(u64);
        impl Recording for Long {
            fn sample_rate(&self) -> f64 {
                30000.0
            }
            fn n_channels(&self) -> usize {
                64
            }
            fn n_samples(&self) -> u64 {
                self.0
            }
            fn gain_uv(&self) -> Option<&[f64]> {
                None
            }
            fn probe(&self) -> Option<&ferrosort_core::Probe> {
                None
            }
            fn raw_file(&self) -> Option<&ferrosort_core::RawFile> {
                None
            }
            fn name(&self) -> &'static str {
                "long"
            }
            fn read(&self, _: u64, _: &mut [f32]) -> Result<()> {
                Ok(())
            }
        }
        let (recording, parameters) = (Long(seconds * 30000), Parameters::kilosort2());
        let layout = BatchLayout::new(recording.n_samples(), &parameters, &Compat::default());
        Footprint::new(&recording, 64, &layout, &parameters, limit)
    }

    #[test]
    fn length_counts_by_the_matrices_of_batches_and_by_spikes() {
        let (minute, day) = (footprint(60, None), footprint(86_400, None));
        assert_eq!(minute.batch(), day.batch());
        assert_eq!(minute.pursuit(100, 1000), day.pursuit(100, 1000));
        let batches = 86_400u64 * 30_000 / 65_536;
        assert!(day.ordering() > ORDER_MATRICES * 8 * batches * batches);
        let (few, many) = (day.curation(100, 0), day.curation(100, 1_000_000));
        assert!((1.0e9..3.0e9).contains(&((many - few) as f64)));
    }

    #[test]
    fn a_limit_is_refused_with_what_is_needed() {
        let limited = footprint(60, Some(100 << 20));
        assert!(limited.check(100 << 20).is_ok());
        let error = limited.check(200 << 20).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("201 MiB are needed"), "{error}");
        assert!(footprint(60, None).check(u64::MAX).is_ok());
    }
}
