//! The plan of the Kilosort algorithms: their stages on some batches from all over the recording, and what follows for all.

use std::time::Instant;

use ferrosort_core::{Observer, Result, Silent};

use super::excerpt::Excerpt;
use super::{Plan, StagePlan};
use crate::footprint::Footprint;
use crate::matching::extract::extract;
use crate::neighbours::Neighbours;
use crate::ordering::order::{GivenDraws, order_batches};
use crate::pipeline::{
    Limits, ORDERING_CHANNELS, Request, TEMPLATE_CHANNELS, about_segments, choose_channels, sampled_batches,
};
use crate::preprocess::Batches;
use crate::preprocess::layout::BatchLayout;
use crate::stage::{Run, Steps};
use crate::templates::align::AlignmentKernels;
use crate::templates::learn::{Context, learn};
use crate::templates::residual::POOLED_CHANNELS;
use crate::templates::shapes::learn_shapes;

/// Batches that are tried: enough to see how the number of templates grows.
const TRIED: u64 = 6;
/// Time of comparing two batches, s a channel: small beside all else up to an hour.
const COMPARISON_S: f64 = 2e-8;
/// Time of curation for each spike and channel slot, s.
const CURATION_S: f64 = 1.5e-4;
/// Bytes of a spike in the files of a result, beside its features: five tables of five doubles, and its columns for phy.
const FILED: u64 = 5 * 40 + 28;

/// What the batches that were tried showed.
#[derive(Default)]
struct Tried {
    batches: usize,
    /// Wall time a batch, s.
    survey_s: f64,
    whitening_s: f64,
    ordering_s: f64,
    shapes_s: f64,
    learning_s: f64,
    extraction_s: f64,
    channels: usize,
    /// Templates after half and after all of the batches.
    templates: [usize; 2],
    spikes: usize,
}

/// Plans a run.
pub(super) fn plan(request: &Request, observer: &dyn Observer) -> Result<Plan> {
    let settings = request.settings;
    let parameters = &settings.parameters;
    let layout = BatchLayout::new(request.recording.n_samples(), parameters, &settings.compat);
    let tried = attempt(request, &layout, observer)?;
    let footprint = Footprint::new(request.recording, tried.channels, &layout, parameters, None);
    let of_all = Footprint::new(request.recording, request.probe.len(), &layout, parameters, None);
    let batches = layout.batches();
    let most = parameters.max_templates_per_channel * tried.channels;
    let templates = templates_after(tried.templates, tried.batches, batches).min(most);
    let spikes = (tried.spikes as f64 * batches as f64 / tried.batches.max(1) as f64) as usize;
    let sampled = |stride| sampled_batches(&layout, stride, &settings.compat) as f64;
    let (all, surveyed) = (batches as f64, batches.div_ceil(batches.div_ceil(100)) as f64);
    // The time of a batch grows with the number of templates, of which those that were tried had fewer.
    let fuller = 1.0 + 0.5 * (templates as f64 / tried.templates[1].max(1) as f64 - 1.0).clamp(0.0, 4.0);
    let comparing_s = COMPARISON_S * tried.channels as f64 * all * all;
    let stages = [
        ("channels", tried.survey_s * surveyed, of_all.batch()),
        (
            "whitening",
            tried.whitening_s * sampled(parameters.covariance_stride),
            footprint.batch(),
        ),
        ("ordering", tried.ordering_s * all + comparing_s, footprint.ordering()),
        (
            "shapes",
            tried.shapes_s * sampled(parameters.prototype_stride),
            footprint.batch(),
        ),
        (
            "learning",
            tried.learning_s * fuller * all,
            footprint.pursuit(templates, 0),
        ),
        (
            "extraction",
            tried.extraction_s * fuller * all,
            footprint
                .pursuit(templates, spikes)
                .max(footprint.curation(templates, spikes)),
        ),
        (
            "curation",
            CURATION_S * spikes as f64,
            footprint.curation(templates, spikes),
        ),
    ];
    let stages = stages.map(|(stage, seconds, memory_bytes)| StagePlan {
        stage,
        seconds,
        memory_bytes,
    });
    let most_memory = stages.iter().map(|s| s.memory_bytes).max().unwrap_or(0);
    let kept = footprint.spikes(templates, spikes);
    let matrices = 16 * (all * all) as u64;
    Ok(Plan {
        threads: rayon::current_num_threads(),
        choices: choices(request, &tried, templates),
        seconds: stages.iter().map(|s| s.seconds).sum(),
        memory_bytes: most_memory,
        least_memory_bytes: most_memory,
        result_bytes: kept + FILED * spikes as u64 + matrices,
        checkpoint_bytes: 2 * kept + matrices / 2,
        spikes: spikes as u64,
        stages: stages.into(),
    })
}

fn choices(request: &Request, tried: &Tried, templates: usize) -> Vec<String> {
    let all = request.probe.len();
    about_segments(request.recording)
        .into_iter()
        .chain([
            format!(
                "{} of {all} channels have spikes in the {} batches that were tried",
                tried.channels, tried.batches
            ),
            format!(
                "about {templates} templates are expected; every batch is held with the projections on all of them"
            ),
        ])
        .collect()
}

/// Runs the stages on an excerpt of the recording.
fn attempt(request: &Request, whole: &BatchLayout, observer: &dyn Observer) -> Result<Tried> {
    let settings = request.settings;
    let parameters = &settings.parameters;
    let excerpt = Excerpt::new(request.recording, TRIED, whole.hop() as u64);
    let request = Request {
        recording: &excerpt,
        probe: request.probe,
        settings,
        draws: crate::pipeline::Draws::default(),
        processed_file: None,
        features: None,
        checkpoints: None,
        limits: Limits::default(),
    };
    let layout = BatchLayout::new(request.recording.n_samples(), parameters, &settings.compat);
    let count = layout.batches();
    let mut tried = Tried {
        batches: count,
        ..Tried::default()
    };
    let mut clock = Clock(Instant::now());
    let each = |seconds: f64, batches: usize| seconds / batches.max(1) as f64;
    // Nothing of what is tried is said twice: the run will say it.
    let mut run = Run::new(&Silent, None, crate::checkpoint::Key::of(&[]));
    let (probe, offset) = choose_channels(&request, &layout, &mut run)?;
    tried.channels = probe.len();
    tried.survey_s = each(clock.lap(), count);
    let batches = Batches::prepare(&excerpt, &probe, offset, layout, settings, observer)?;
    let layout = batches.layout().clone();
    let sampled = |stride| sampled_batches(&layout, stride, &settings.compat);
    tried.whitening_s = each(clock.lap(), sampled(parameters.covariance_stride));
    let positions = probe.positions_um();
    let near = Neighbours::nearest(&positions, ORDERING_CHANNELS);
    order_batches(&batches, &near, settings, GivenDraws::default(), observer)?;
    tried.ordering_s = each(clock.lap(), count);
    let basis = learn_shapes(&batches, settings, None, observer)?;
    tried.shapes_s = each(clock.lap(), sampled(parameters.prototype_stride));
    let Some(basis) = basis else { return Ok(tried) };
    let near = Neighbours::nearest(&positions, TEMPLATE_CHANNELS);
    let context = Context {
        batches: &batches,
        settings,
        basis: &basis,
        near: &near,
        pooled: &Neighbours::nearest(&positions, POOLED_CHANNELS),
        kernels: &AlignmentKernels::new(parameters.template_samples, parameters.trough_sample),
        footprint: &Footprint::new(&excerpt, probe.len(), &layout, parameters, None),
    };
    clock.lap();
    let visits: Vec<usize> = (0..count).collect();
    let steps = Steps::unkept(observer);
    let early = learn(&context, &visits[..count.div_ceil(2)], &steps)?;
    let learned = learn(&context, &visits, &steps)?;
    tried.templates = [early.templates.len(), learned.templates.len()];
    tried.learning_s = each(clock.lap(), count + count.div_ceil(2));
    if !learned.templates.is_empty() {
        tried.spikes = extract(&context, &learned, &visits, 0, &steps)?.len();
        tried.extraction_s = each(clock.lap(), count);
    }
    Ok(tried)
}

/// Time since the last question.
struct Clock(Instant);

impl Clock {
    fn lap(&mut self) -> f64 {
        let seconds = self.0.elapsed().as_secs_f64();
        self.0 = Instant::now();
        seconds
    }
}

/// Templates after `all` batches, when `half` were found in half of the `tried` ones and `full` in all of them: new ones become rarer,
/// as `n / (n + h)`.
fn templates_after([half, full]: [usize; 2], tried: usize, all: usize) -> usize {
    let (n, m) = (tried.div_ceil(2) as f64, tried as f64);
    let ratio = full as f64 / half.max(1) as f64;
    if tried < 2 || ratio <= 1.0 || all <= tried {
        return full;
    }
    // full / half = m (n + h) / (n (m + h)); beyond m / n the growth would be without end.
    let most = m / n;
    let h = if ratio < 0.95 * most {
        m * (ratio - 1.0) / (most - ratio)
    } else {
        20.0 * m
    };
    let share = |batches: f64| batches / (batches + h.min(10.0 * m));
    (full as f64 * share(all as f64) / share(m)).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_grow_ever_more_slowly() {
        assert_eq!(templates_after([20, 20], 6, 1000), 20);
        assert_eq!(templates_after([30, 20], 6, 1000), 20);
        assert_eq!(templates_after([30, 40], 6, 6), 40);
        // 60 n / (n + 3): 30 after 3, 40 after 6, 60 in the end.
        assert_eq!(templates_after([30, 40], 6, 1_000_000), 60);
        assert_eq!(templates_after([10, 20], 6, 6_000_000), 20 * 11);
        assert_eq!(templates_after([0, 0], 1, 9), 0);
    }
}
