//! The stage: from extracted spikes to units (docs/kilosort2.md, chapter 6).

use ferrosort_core::{Observer, Probe, Result};
use ndarray::{Array2, Axis};

use super::cutoff::{Cutoffs, cutoffs};
use super::duplicates::{TemplateExtent, without_duplicates};
use super::features::FeatureMaps;
use super::handover::{Evidence, join_handovers};
use super::merge::merge;
use super::split::{SplitContext, SplitStart, SplitState, split_pass};
use crate::matching::extract::Extracted;
use crate::preprocess::check_cancelled;
use crate::result::extents;
use crate::settings::Settings;
use crate::templates::learn::{Context, Learned};

/// Units, and how each spike came to its own.
#[derive(Debug, Clone)]
pub struct Curated {
    /// All spikes before the cutoff, in extraction order; `labels` are still the templates that found them.
    pub spikes: Extracted,
    /// Unit of each spike after merging.
    pub merged: Vec<u32>,
    /// Unit of each spike after each split pass; drifting units are joined after the last one.
    pub split: Vec<Vec<u32>>,
    /// Units after the splits: labels, mean waveforms, templates, similarities and feature lists.
    pub units: SplitState,
    /// Score threshold and verdict of each unit, and which spikes are kept.
    pub cutoffs: Cutoffs,
    /// Pairs of units that were joined.
    pub joined: usize,
}

/// Merges, splits, joins what drift has divided, and cuts off.
///
/// # Errors
/// Cancellation.
pub fn curate(
    context: &Context,
    learned: &Learned,
    mut spikes: Extracted,
    probe: &Probe,
    observer: &dyn Observer,
) -> Result<Curated> {
    let Settings { parameters, compat, .. } = context.settings;
    let sample_rate = context.batches.sample_rate();
    if parameters.remove_duplicates {
        let templates: Vec<TemplateExtent> = extents(&learned.templates, context.batches, probe);
        let keep = without_duplicates(&spikes.times, &spikes.labels, &templates, sample_rate);
        let rows: Vec<usize> = (0..spikes.len()).filter(|&i| keep[i]).collect();
        spikes = spikes.select(&rows);
    }
    let merges = merge(
        &spikes.times,
        &spikes.labels,
        learned.similarity.view(),
        sample_rate,
        compat,
    );
    let merged = merges.labels;
    let mut joined = merges.tests.iter().filter(|t| t.merged).count();

    // The lists that the stored features were computed on; the original looks them up again in means that have changed since.
    let main = if compat.stale_split_features {
        &learned.main_channels
    } else {
        &spikes.main_channels
    };
    let slots = context.near.size();
    let feature_channels = Array2::from_shape_fn((main.len(), slots), |(n, j)| context.near.of(main[n])[j]);
    let basis = context.basis.components.mapv(f64::from);
    if !compat.stale_merge_features {
        let before = spikes.labels.clone();
        remap(&mut spikes, &before, &merged, &feature_channels, &learned.similar);
    }
    observer.advanced(1);

    let mut units = SplitState {
        labels: merged.clone(),
        mean: learned.means.clone(),
        templates: learned.templates.clone(),
        similarity: learned.similarity.clone(),
        similar: learned.similar.clone(),
        feature_channels,
    };
    let mut split = Vec::new();
    let features = |rows: &[u32]| Ok(feature_rows(&spikes, rows));
    let split_context = SplitContext {
        times: &spikes.times,
        sample_rate,
        smallest_certainty: parameters.split_posterior,
        basis: basis.view(),
        neighbours: context.near,
        kernels: context.kernels,
        features: &features,
        compat: *compat,
    };
    let passes = [SplitStart::PrincipalComponent, SplitStart::Mean];
    for start in &passes[..if compat.single_split_pass { 1 } else { 2 }] {
        check_cancelled(observer)?;
        split_pass(&mut units, *start, &split_context)?;
        split.push(units.labels.clone());
        observer.advanced(1);
    }

    if !compat.no_handover_merges {
        let (labels, handovers) = join_handovers(&Evidence {
            spikes: &spikes,
            labels: &units.labels,
            channels: units.feature_channels.view(),
            basis: basis.view(),
            sample_rate,
        });
        let (channels, similar) = (&units.feature_channels, &units.similar);
        remap(&mut spikes, &units.labels, &labels, channels, similar);
        units.labels = labels;
        joined += handovers.len();
    }

    let scores: Vec<f64> = spikes.scores.iter().map(|&s| f64::from(s)).collect();
    let cutoffs = cutoffs(
        &spikes.times,
        &units.labels,
        &scores,
        units.templates.len(),
        parameters.threshold,
        sample_rate,
        compat,
    );
    observer.advanced(1);
    Ok(Curated {
        spikes,
        merged,
        split,
        units,
        cutoffs,
        joined,
    })
}

/// Rearranges the features of spikes that went from unit `before` to unit `after` to the lists of the latter.
fn remap(spikes: &mut Extracted, before: &[u32], after: &[u32], channels: &Array2<u32>, similar: &Array2<u32>) {
    let pc = FeatureMaps::new(before, after, channels.view());
    let template = FeatureMaps::new(before, after, similar.view());
    if pc.is_empty() {
        return;
    }
    for (i, (&old, &new)) in before.iter().zip(after).enumerate() {
        let mut rows = spikes.pc_features.index_axis_mut(Axis(0), i);
        pc.apply(old, new, rows.as_slice_mut().expect("features are contiguous"));
        let mut row = spikes.template_features.row_mut(i);
        template.apply(old, new, row.as_slice_mut().expect("features are contiguous"));
    }
}

/// PC features of these spikes, `[spikes, 3 * slots]`, column `component + 3 * slot`.
fn feature_rows(spikes: &Extracted, rows: &[u32]) -> Array2<f32> {
    let (_, components, slots) = spikes.pc_features.dim();
    Array2::from_shape_fn((rows.len(), components * slots), |(i, column)| {
        spikes.pc_features[[rows[i] as usize, column % components, column / components]]
    })
}
