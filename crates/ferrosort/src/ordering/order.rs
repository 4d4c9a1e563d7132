//! The stage: from whitened batches to their order (docs/kilosort2.md, chapter 3).

use ferrosort_core::{Error, Observer, Result};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::basis::{COMPONENTS, SnippetPca, detector_sign_sample};
use super::cluster::{BatchClusters, ClusterStart, cluster_batch};
use super::detect::{DetectParams, DetectedSpikes, detect_spikes};
use super::dissimilarity::{dissimilarity, standardised, with_gaps_filled};
use super::draws::draw_cluster_start;
use super::embed::{EmbedParams, Embedding, embed};
use super::peaks::{PeakParams, clips, isolated_peaks};
use crate::neighbours::Neighbours;
use crate::preprocess::{Batches, check_cancelled};
use crate::settings::Settings;

/// The original's stride: every how many batches clips for the detector's components are taken.
const CLIP_STRIDE: usize = 100;

/// The order of the batches and how it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchOrder {
    /// Batch at each place of the order.
    pub order: Vec<usize>,
    /// Symmetric standardised dissimilarity, `[batches, batches]`; zeros when the batches were not compared.
    pub dissimilarity: Array2<f64>,
    /// Why the batches were left in their natural order, if they were.
    pub natural: Option<String>,
}

impl BatchOrder {
    /// An order found elsewhere.
    ///
    /// # Errors
    /// When it is not an order of `batches` batches.
    pub fn given(order: &[usize], batches: usize) -> Result<Self> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..batches) {
            return Err(Error::input(format!(
                "the given order of {} batches does not list each of the {batches} batches of this recording once; check batch_samples",
                order.len()
            )));
        }
        Ok(Self {
            order: order.to_vec(),
            dissimilarity: Array2::zeros((batches, batches)),
            natural: None,
        })
    }

    fn natural(batches: usize, reason: &str) -> Self {
        Self {
            order: (0..batches).collect(),
            dissimilarity: Array2::zeros((batches, batches)),
            natural: Some(reason.to_string()),
        }
    }
}

/// Draws to use instead of the seeded ones: rows that start each batch's clusters, and the start of the embedding.
#[derive(Debug, Clone, Copy, Default)]
pub struct GivenDraws<'a> {
    /// One list a batch.
    pub cluster_starts: Option<&'a [Vec<usize>]>,
    /// One value a batch.
    pub embedding_start: Option<&'a [f64]>,
}

impl GivenDraws<'_> {
    fn check(&self, batches: usize) -> Result<()> {
        let lengths = [
            ("cluster starts", self.cluster_starts.map(<[Vec<usize>]>::len)),
            ("embedding start", self.embedding_start.map(<[f64]>::len)),
        ];
        for (what, length) in lengths {
            if let Some(length) = length.filter(|&n| n != batches) {
                return Err(Error::input(format!(
                    "the given {what} is for {length} batches, but this recording has {batches}; check batch_samples"
                )));
            }
        }
        Ok(())
    }
}

/// What an isolated peak is, in these settings.
pub fn peak_params(settings: &Settings) -> PeakParams {
    let p = &settings.parameters;
    PeakParams {
        local_range: p.peak_range,
        exclusion_range: p.isolation_range,
        ..PeakParams::new(
            p.template_samples,
            p.trough(),
            p.peak_threshold as f32,
            settings.compat.peak_edges,
        )
    }
}

/// Orders the batches by the shapes of their spikes. `near` are the neighbourhoods in which spikes are described.
///
/// # Errors
/// Those of reading, and cancellation.
pub fn order_batches(
    batches: &Batches,
    near: &Neighbours,
    settings: &Settings,
    given: GivenDraws,
    observer: &dyn Observer,
) -> Result<BatchOrder> {
    let count = batches.layout().batches();
    given.check(count)?;
    if !settings.parameters.reorder {
        return Ok(BatchOrder::natural(count, "reorder is off"));
    }
    if count < 3 {
        return Ok(BatchOrder::natural(count, "there are fewer than three batches"));
    }
    let Some(components) = detector_components(batches, settings)? else {
        return Ok(BatchOrder::natural(
            count,
            "no isolated spike was found to learn the detector from",
        ));
    };
    let components = components.mapv(|v| v as f32);
    let detector = DetectParams {
        threshold_sd: settings.parameters.detection_threshold as f32,
        trough: settings.parameters.trough(),
        batch_edges: settings.compat.batch_edges,
    };
    let mut clusters: Vec<Option<BatchClusters>> = Vec::with_capacity(count);
    for k in 0..count {
        check_cancelled(observer)?;
        // The last batch is mostly padding; its predecessor stands for it.
        let x = batches.batch(k.min(count - 2))?;
        let spikes = detect_spikes(&x, components.view(), near, &detector);
        let start = cluster_start(k, &spikes, batches.channels(), settings, given)?;
        clusters.push(cluster_batch(
            &spikes,
            &start,
            near,
            settings.compat.unassigned_to_first_cluster,
        ));
        observer.advanced(1);
    }
    let Some(clusters) = with_gaps_filled(&clusters) else {
        return Ok(BatchOrder::natural(count, "no batch has enough spikes"));
    };
    let dissimilarity = standardised(&dissimilarity(&clusters, near));
    let params = EmbedParams {
        column_mean: settings.compat.embedding_column_mean,
        sign_by_first: settings.compat.embedding_sign_by_first,
    };
    let Embedding { order, .. } = embed(&dissimilarity, given.embedding_start, params);
    Ok(BatchOrder {
        order,
        dissimilarity,
        natural: None,
    })
}

fn cluster_start(
    batch: usize,
    spikes: &DetectedSpikes,
    channels: usize,
    settings: &Settings,
    given: GivenDraws,
) -> Result<ClusterStart> {
    let Some(rows) = given.cluster_starts.map(|s| &s[batch]) else {
        let (seed, noisy) = (settings.parameters.seed, settings.compat.noisy_cluster_start);
        return Ok(draw_cluster_start(seed, batch, spikes.len(), channels, noisy));
    };
    check_rows(rows, spikes.len(), "cluster starts")?;
    Ok(ClusterStart::rows(rows.clone()))
}

/// Refuses given rows that do not exist.
///
/// # Errors
/// A row at or beyond `available`.
pub fn check_rows(rows: &[usize], available: usize, what: &str) -> Result<()> {
    match rows.iter().find(|&&r| r >= available) {
        Some(row) => Err(Error::input(format!(
            "the given {what} name row {row}, but there are only {available}; they belong to another recording or other parameters"
        ))),
        None => Ok(()),
    }
}

/// Principal components of the isolated peaks of every hundredth batch.
fn detector_components(batches: &Batches, settings: &Settings) -> Result<Option<Array2<f64>>> {
    let peaks = peak_params(settings);
    let mut pca = SnippetPca::new(settings.parameters.template_samples);
    let stride = batches.layout().sampling_stride(CLIP_STRIDE, &settings.compat);
    for k in (0..batches.layout().batches()).step_by(stride) {
        let x = batches.batch(k)?;
        pca.add(&clips(&x, &isolated_peaks(&x, &peaks), &peaks));
    }
    Ok(pca.components(COMPONENTS, detector_sign_sample(settings.parameters.trough())))
}
