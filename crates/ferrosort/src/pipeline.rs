//! The main path: from a recording to its sorting.

use std::path::PathBuf;

use ferrosort_core::{Observer, Probe, Recording, Result, Sorting, segments};
use ndarray::ArrayD;
use serde::Serialize;

use crate::checkpoint::{Checkpoints, Key};
use crate::curation::curate::curate;
use crate::footprint::Footprint;
use crate::matching::extract::extract;
use crate::neighbours::Neighbours;
use crate::ordering::order::{BatchOrder, GivenDraws, order_batches};
use crate::preprocess::Batches;
use crate::preprocess::layout::BatchLayout;
use crate::preprocess::survey::survey;
use crate::settings::{Algorithm, Compat, Settings};
use crate::stage::Run;
pub use crate::stage::StageTime;
use crate::templates::align::AlignmentKernels;
use crate::templates::learn::{Basis, Context, learn, visiting_order};
use crate::templates::residual::POOLED_CHANNELS;
use crate::templates::shapes::learn_shapes;
use crate::{auto, intermediates, processed, result};

/// Channels on which a spike is described when batches are compared.
pub(crate) const ORDERING_CHANNELS: usize = 17;
/// Channels on which a template lives.
pub(crate) const TEMPLATE_CHANNELS: usize = 32;

/// Random draws made elsewhere, or what followed from them, to repeat a run of another program exactly.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Draws {
    /// For each batch, the spikes that start the batch clustering (rows in feature order).
    pub cluster_starts: Option<Vec<Vec<usize>>>,
    /// Clips that start the prototypes.
    pub prototype_starts: Option<Vec<usize>>,
    /// Start of the embedding of batches.
    pub embedding_start: Option<Vec<f64>>,
    /// Batch at each place of the sorted order, instead of finding one.
    pub order: Option<Vec<usize>>,
    /// Prototypes `[6, samples]` and temporal basis `[3, samples]`, instead of learning them.
    pub shapes: Option<Basis>,
}

/// What to sort and how.
pub struct Request<'a> {
    /// The recording.
    pub recording: &'a dyn Recording,
    /// Its wired contacts, already validated against the recording.
    pub probe: &'a Probe,
    /// Algorithm, parameters and compatibility.
    pub settings: &'a Settings,
    /// Draws to use instead of the seeded ones.
    pub draws: Draws,
    /// Where to write the whitened data, if they are to be kept: 16-bit, batch by batch, channel-major in each.
    pub processed_file: Option<PathBuf>,
    /// The folder for the features of each spike of `auto`, as phy reads them; written only where checkpoints are kept.
    pub features: Option<PathBuf>,
    /// Where what is done is kept, so that an interrupted run goes on there.
    pub checkpoints: Option<Checkpoints>,
    /// What the run may use.
    pub limits: Limits,
}

/// What a run may use. The result does not depend on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Most bytes of memory; all that it wants when absent. `auto` works on less at a time to keep it; the Kilosort algorithms end with
    /// [`ferrosort_core::Error::Memory`] where they would need more.
    pub memory: Option<u64>,
    /// For `auto`: length of the recording that is read and worked on at a time, s; as much as the threads can use when absent.
    pub chunk_s: Option<f64>,
}

impl Limits {
    /// Tiles of so many samples in a chunk, at least one.
    pub(crate) fn tiles(&self, tile_samples: usize, sample_rate: f64) -> Option<usize> {
        let tiles = |seconds: f64| (seconds * sample_rate / tile_samples as f64) as usize;
        self.chunk_s.map(|seconds| tiles(seconds).max(1))
    }
}

/// One named array for `intermediates/NAME.npy`.
#[derive(Debug, Clone)]
pub enum Intermediate {
    /// 64-bit floats.
    F64(ArrayD<f64>),
    /// 32-bit floats.
    F32(ArrayD<f32>),
    /// Integers: indices (0-based) and counts.
    I64(ArrayD<i64>),
}

/// Everything that a sort produces.
pub struct Outcome {
    /// Spikes and units.
    pub sorting: Sorting,
    /// The arrays of the originals by their names (`Wrot`, `ccb`, `iorig`, `st3`, ...), with one line on axes and units each.
    pub intermediates: Vec<(&'static str, &'static str, Intermediate)>,
    /// Wall time by stage, in order.
    pub times: Vec<StageTime>,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
    /// What the sorter decided by itself, and why, one sentence each.
    pub choices: Vec<String>,
    /// Least and largest displacement of the tissue that the templates follow, µm, over all shanks; `None` where none is followed.
    pub motion_um: Option<[f64; 2]>,
}

/// Sorts a recording. Call inside a rayon pool of the wanted size; results do not depend on it.
///
/// # Errors
/// I/O of the recording, samples that are not finite, cancellation by the observer.
pub fn sort(request: &Request, observer: &dyn Observer) -> Result<Outcome> {
    let Request {
        recording, settings, ..
    } = *request;
    let parameters = &settings.parameters;
    let checkpoints = request.checkpoints.as_ref();
    let mut run = Run::new(observer, checkpoints, request.key()?);
    if let Some(choice) = about_segments(recording) {
        run.choose(choice);
    }
    if settings.algorithm == Algorithm::Auto {
        let (sorting, arrays) = auto::pipeline::sort(request, &mut run)?;
        return Ok(finish(run, sorting, arrays));
    }

    let layout = BatchLayout::new(recording.n_samples(), parameters, &settings.compat);
    let count = layout.batches() as u64;
    let limit = request.limits.memory;
    let footprint = |channels| Footprint::new(recording, channels, &layout, parameters, limit);
    let of_all = footprint(request.probe.len());
    of_all.check(of_all.batch())?;
    let early = parameters.before_learning();
    let (probe, offset) = run.kept("channels", (count.min(100), "batches"), &early, |run| {
        choose_channels(request, &layout, run)
    })?;
    let sampling = |stride| sampled_batches(&layout, stride, &settings.compat) as u64;
    let footprint = footprint(probe.len());
    footprint.check(footprint.ordering())?;
    let (sampled, clip_batches) = (
        sampling(parameters.covariance_stride),
        sampling(parameters.prototype_stride),
    );
    let batches = run.stage("whitening", sampled, "batches", |run| {
        Batches::prepare(recording, &probe, offset, layout, settings, run.observer)
    })?;
    if let Some(path) = &request.processed_file {
        run.stage("processed data", count, "batches", |run| {
            processed::write(&batches, path, run.observer)
        })?;
    }

    let positions = probe.positions_um();
    let order = run.kept("ordering", (count, "batches"), &(), |run| {
        let near = Neighbours::nearest(&positions, ORDERING_CHANNELS);
        let given = GivenDraws {
            cluster_starts: request.draws.cluster_starts.as_deref(),
            embedding_start: request.draws.embedding_start.as_deref(),
        };
        match &request.draws.order {
            Some(order) => BatchOrder::given(order, count as usize),
            None => order_batches(&batches, &near, settings, given, run.observer),
        }
    })?;
    if let Some(reason) = order.natural.as_ref().filter(|_| parameters.reorder) {
        run.warn(format!("batches were left in their natural order: {reason}"));
    }
    let basis = run.kept("shapes", (clip_batches, "batches"), &(), |run| {
        match &request.draws.shapes {
            Some(shapes) => Ok(Some(shapes.clone())),
            None => learn_shapes(
                &batches,
                settings,
                request.draws.prototype_starts.as_deref(),
                run.observer,
            ),
        }
    })?;
    let no_units = |run: Run| {
        let sorting = result::empty(recording, &probe, &batches, parameters);
        finish(run, sorting, intermediates::before_learning(&batches, &order))
    };
    let Some(basis) = basis else {
        run.warn(format!(
            "no isolated peak below {} sd was found; the recording is quiet or too short, and the sorting has no units",
            parameters.peak_threshold
        ));
        return Ok(no_units(run));
    };

    let near = Neighbours::nearest(&positions, TEMPLATE_CHANNELS);
    let pooled = Neighbours::nearest(&positions, POOLED_CHANNELS);
    let kernels = AlignmentKernels::new(parameters.template_samples, parameters.trough_sample);
    let context = Context {
        batches: &batches,
        settings,
        basis: &basis,
        near: &near,
        pooled: &pooled,
        kernels: &kernels,
        footprint: &footprint,
    };
    let visits: Vec<usize> = visiting_order(order.order.len(), settings.compat.second_half_learning)
        .iter()
        .map(|&place| order.order[place])
        .collect();
    let middle = parameters.before_curation();
    let learned = run.kept("learning", (visits.len() as u64, "batches"), &middle, |run| {
        learn(&context, &visits, &run.steps())
    })?;
    if learned.templates.is_empty() {
        run.warn(format!(
            "no template reached a score of {} sd often enough; the sorting has no units",
            parameters.threshold[0]
        ));
        return Ok(no_units(run));
    }
    let first_sample = recording.raw_file().map_or(0, |f| f.first_sample);
    let extracted = run.kept("extraction", (count, "batches"), &first_sample, |run| {
        extract(&context, &learned, &order.order, first_sample, &run.steps())
    })?;
    footprint.check(footprint.curation(learned.templates.len(), extracted.len()))?;
    let curated = run.stage("curation", 4, "steps", |run| {
        curate(&context, &learned, extracted, &probe, run.observer)
    })?;

    let arrays = intermediates::all(&batches, &order, &basis, &learned, &curated);
    let sorting = result::assemble(recording, &probe, &batches, &curated, settings);
    Ok(finish(run, sorting, arrays))
}

/// How several segments are sorted, for people; `None` for one.
pub(crate) fn about_segments(recording: &dyn Recording) -> Option<String> {
    let count = segments(recording).len();
    (count > 1).then(|| {
        format!(
            "{count} segments are sorted as one recording: filters stop at their ends, and times count the samples of all of them in a row"
        )
    })
}

/// Batches that are visited when every `stride`-th of them is to be.
pub(crate) fn sampled_batches(layout: &BatchLayout, stride: usize, compat: &Compat) -> usize {
    layout.batches().div_ceil(layout.sampling_stride(stride, compat))
}

/// Leaves out contacts without spikes. Gives the rest of the probe and their mean values, counts.
pub(crate) fn choose_channels(request: &Request, layout: &BatchLayout, run: &mut Run) -> Result<(Probe, Vec<f64>)> {
    let parameters = &request.settings.parameters;
    let columns: Vec<usize> = request.probe.contacts.iter().map(|c| c.channel).collect();
    let found = survey(
        request.recording,
        &columns,
        layout.batches(),
        parameters,
        &request.settings.compat,
        run.observer,
    )?;
    let mut good = found.good_channels(parameters.min_channel_rate_hz);
    if good.is_empty() {
        run.warn(format!(
            "no channel has {} threshold crossings per second; all {} channels were kept",
            parameters.min_channel_rate_hz,
            columns.len()
        ));
        good = (0..columns.len()).collect();
    } else if good.len() < columns.len() {
        let left_out: Vec<String> = (0..columns.len())
            .filter(|c| !good.contains(c))
            .map(|c| columns[c].to_string())
            .collect();
        run.warn(format!(
            "{} of {} channels have fewer than {} threshold crossings per second and were left out (channels {})",
            left_out.len(),
            columns.len(),
            parameters.min_channel_rate_hz,
            left_out.join(", ")
        ));
    }
    let offset = good.iter().map(|&c| found.offset[c]).collect();
    Ok((request.probe.select(&good), offset))
}

impl Request<'_> {
    /// Key of everything that all stages depend on. Without checkpoints nothing is read for it.
    fn key(&self) -> Result<Key> {
        if self.checkpoints.is_none() {
            return Ok(Key::of(&[]));
        }
        let settings = (
            self.settings.algorithm,
            &self.settings.compat,
            &self.draws,
            &self.probe.contacts,
        );
        let settings = serde_json::to_vec(&settings).unwrap_or_default();
        let key = Key::of_recording(self.recording)?;
        Ok(key.and(env!("CARGO_PKG_VERSION").as_bytes()).and(&settings))
    }
}

fn finish(run: Run, sorting: Sorting, intermediates: Vec<(&'static str, &'static str, Intermediate)>) -> Outcome {
    Outcome {
        sorting,
        intermediates,
        times: run.times,
        warnings: run.warnings,
        choices: run.choices,
        motion_um: run.motion_um,
    }
}
