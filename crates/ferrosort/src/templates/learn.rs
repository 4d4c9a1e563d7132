//! Learning templates: batch after batch in the sorted order, forward and back (docs/kilosort2.md 4.8, 4.9).

use ferrosort_core::Result;
use ndarray::{Array2, Array3, Axis, concatenate};
use serde::{Deserialize, Serialize};

use super::Templates;
use super::align::AlignmentKernels;
use super::decompose::{decompose, main_channels};
use super::residual::{self, SearchParams};
use super::similarity::{best_lag_similarity, most_similar};
use super::triage::triage;
use crate::footprint::Footprint;
use crate::matching::TemplateSet;
use crate::matching::accumulate::{update_means, waveform_sums};
use crate::matching::pursuit::{PursuitParams, pursue};
use crate::neighbours::Neighbours;
use crate::preprocess::Batches;
use crate::preprocess::layout::BatchWindow;
use crate::settings::{Compat, Parameters, Settings};
use crate::stage::Steps;

/// Silent templates and doubles are dropped every so many batches.
const TRIAGE_PERIOD: usize = 5;
/// A template's rate keeps this share of its past at every batch.
const RATE_MEMORY: f64 = 0.95;

/// Shapes of spikes on one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// Prototypes of the search for new templates, `[prototypes, samples]`, unit norm.
    pub prototypes: Array2<f32>,
    /// Temporal basis, `[3, samples]`, orthonormal.
    pub components: Array2<f32>,
    /// The same values in f64.
    components_f64: Array2<f64>,
}

impl Basis {
    /// Rounds prototypes and components to the f32 in which they are used.
    pub fn new(prototypes: &Array2<f64>, components: &Array2<f64>) -> Self {
        let components = components.mapv(|v| v as f32);
        Self {
            prototypes: prototypes.mapv(|v| v as f32),
            components_f64: components.mapv(f64::from),
            components,
        }
    }
}

/// What every step of learning and extraction needs and none of them changes.
pub struct Context<'a> {
    /// The batches.
    pub batches: &'a Batches<'a>,
    /// Parameters and compatibility.
    pub settings: &'a Settings,
    /// Prototypes and temporal basis.
    pub basis: &'a Basis,
    /// Neighbourhood in which a template lives.
    pub near: &'a Neighbours,
    /// Neighbourhood pooled by the search for new templates.
    pub pooled: &'a Neighbours,
    /// Sub-sample alignment.
    pub kernels: &'a AlignmentKernels,
    /// What is held in memory, and may be.
    pub footprint: &'a Footprint,
}

/// Templates at the end of learning.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learned {
    /// Low-rank templates of the last batch.
    pub templates: Templates,
    /// Running mean waveforms, `[templates, channels, samples]`, sd.
    pub means: Array3<f64>,
    /// Spikes per batch, exponentially averaged.
    pub rates: Vec<f64>,
    /// Main channel of each template.
    pub main_channels: Vec<usize>,
    /// Largest correlation over lags, `[templates, templates]`.
    pub similarity: Array2<f64>,
    /// Templates most similar to each, `[templates, slots]`.
    pub similar: Array2<u32>,
}

/// Places in the sorted order that learning visits: from the middle to one end and back.
pub fn visiting_order(batches: usize, second_half: bool) -> Vec<usize> {
    let middle = batches.div_ceil(2);
    if second_half {
        let out: Vec<usize> = (middle - 1..batches).collect();
        out.iter().copied().chain(out.iter().copied().rev()).collect()
    } else {
        (0..middle).rev().chain(0..middle).collect()
    }
}

/// Running state of the templates while learning.
#[derive(Serialize, Deserialize)]
struct State {
    means: Array3<f64>,
    warm: Array3<f64>,
    rates: Vec<f64>,
    templates: Templates,
    main: Vec<usize>,
}

impl State {
    fn empty(channels: usize, samples: usize, rank: usize) -> Self {
        Self {
            means: Array3::zeros((0, channels, samples)),
            warm: Array3::zeros((0, rank, samples)),
            rates: Vec::new(),
            templates: Templates {
                w: Array3::zeros((0, rank, samples)),
                u: Array3::zeros((0, rank, channels)),
                mu: Vec::new(),
            },
            main: Vec::new(),
        }
    }

    /// Adds new mean waveforms, at most `room` templates in all.
    fn append(&mut self, new: &Array3<f64>, basis: &Array2<f64>, rate: f64, room: usize) {
        let take = new.dim().0.min(room.saturating_sub(self.rates.len()));
        if take == 0 {
            return;
        }
        let new = new.slice_axis(Axis(0), (..take).into());
        self.means = concatenate(Axis(0), &[self.means.view(), new]).expect("equal channels and samples");
        let start = basis.view().insert_axis(Axis(0));
        let start = start
            .broadcast((take, basis.nrows(), basis.ncols()))
            .expect("one copy a template");
        self.warm = concatenate(Axis(0), &[self.warm.view(), start]).expect("equal samples");
        self.rates.resize(self.rates.len() + take, rate);
    }

    fn keep(&mut self, kept: &[usize]) {
        if kept.len() == self.rates.len() && kept.windows(2).all(|w| w[0] < w[1]) {
            return;
        }
        self.means = self.means.select(Axis(0), kept);
        self.warm = self.warm.select(Axis(0), kept);
        self.rates = kept.iter().map(|&n| self.rates[n]).collect();
        if self.templates.len() > kept.iter().copied().max().unwrap_or(0) {
            self.templates = self.templates.select(kept);
        }
    }

    /// Orders templates by main channel and decomposes their means.
    fn decompose(&mut self, context: &Context) {
        let parameters = &context.settings.parameters;
        let main = main_channels(&self.means, parameters.trough_sample);
        let mut order: Vec<usize> = (0..main.len()).collect();
        order.sort_by_key(|&n| main[n]);
        self.templates = Templates {
            w: Array3::zeros((0, 0, 0)),
            u: Array3::zeros((0, 0, 0)),
            mu: Vec::new(),
        };
        self.keep(&order);
        self.main = order.iter().map(|&n| main[n]).collect();
        self.templates = decompose(
            &self.means,
            &self.warm,
            context.near,
            &self.main,
            context.kernels,
            &context.settings.compat,
        )
        .templates;
        self.warm.clone_from(&self.templates.w);
    }
}

/// Learns templates from these batches, in this order.
///
/// # Errors
/// Those of reading, cancellation, and more memory than is allowed.
pub fn learn(context: &Context, visits: &[usize], steps: &Steps) -> Result<Learned> {
    let Settings { parameters, compat, .. } = context.settings;
    let minimum_rate = parameters.min_unit_rate_hz * parameters.batch_samples as f64 / context.batches.sample_rate();
    let room = parameters.max_templates_per_channel * context.batches.channels();
    let basis = &context.basis.components_f64;
    let empty = || State::empty(context.batches.channels(), parameters.template_samples, basis.nrows());
    let (done, mut state) = steps.load().unwrap_or_else(|| (0, empty()));
    for (i, &batch) in visits.iter().enumerate().skip(done) {
        steps.check_cancelled()?;
        let window = context.batches.layout().window(batch);
        let x = context.batches.batch(batch)?;
        let search = search_params(context, &window);
        if i == 0 {
            let new = search_new(context, &x, &search);
            state.append(&new, basis, minimum_rate, usize::MAX);
        }
        context
            .footprint
            .check(context.footprint.pursuit(state.rates.len(), 0))?;
        state.decompose(context);
        let set = TemplateSet::new(&state.templates, &state.main, context.near);
        let params = pursuit_params(context, &window, parameters.threshold[0]);
        let mut pursued = pursue(x, &set, None, &params);
        pursued.spikes.retain(|s| window.owned.contains(&(s.start as usize)));
        let sums = waveform_sums(&pursued.residual, &pursued.spikes, &set, parameters.threshold[0] as f32);
        update_means(&mut state.means, &sums, memory(parameters, i, visits.len()));
        for (rate, &n) in state.rates.iter_mut().zip(&sums.count) {
            *rate = RATE_MEMORY * *rate + (1.0 - RATE_MEMORY) * f64::from(n);
        }
        if i + 1 < visits.len() {
            if i % TRIAGE_PERIOD == 0 {
                drop_templates(&mut state, minimum_rate);
            }
            let new = search_new(context, &pursued.residual, &search);
            state.append(&new, basis, minimum_rate, room);
        }
        steps.advanced(1);
        steps.keep(i + 1, &state);
    }
    drop_templates(&mut state, minimum_rate);
    Ok(finish(state, context, compat))
}

fn drop_templates(state: &mut State, minimum_rate: f64) {
    let kept = triage(&state.templates, &state.rates, minimum_rate).kept;
    state.keep(&kept);
}

fn finish(state: State, context: &Context, compat: &Compat) -> Learned {
    let similarity = best_lag_similarity(&state.templates);
    let similar = most_similar(similarity.view(), context.near.size(), compat.reversed_ties);
    Learned {
        main_channels: main_channels(&state.means, context.settings.parameters.trough_sample),
        templates: state.templates,
        means: state.means,
        rates: state.rates,
        similarity,
        similar,
    }
}

/// Memory of the running means at visit `i`: from the first to the last value of the parameter.
fn memory(parameters: &Parameters, i: usize, visits: usize) -> f64 {
    let [first, last] = parameters.momentum;
    first + (last - first) * i as f64 / (visits.max(2) - 1) as f64
}

fn search_new(context: &Context, x: &ferrosort_kernels::ChannelMajor, params: &SearchParams) -> Array3<f64> {
    let energy = residual::pooled_energy(x, &context.basis.prototypes, context.pooled, params);
    let found = residual::strongest(&residual::candidates(&energy, params), &energy);
    residual::projected_snippets(x, &found, &context.basis.components_f64)
}

fn search_params(context: &Context, window: &BatchWindow) -> SearchParams {
    let Settings { parameters, compat, .. } = context.settings;
    let length = parameters.template_samples;
    let searched = if compat.batch_edges {
        60..(window.samples - length).min(context.batches.layout().peak_limit())
    } else {
        window.owned.clone()
    };
    SearchParams {
        threshold: parameters.threshold[0] as f32,
        correlated: window.correlated,
        searched,
        tail_contamination: compat.tail_contamination,
    }
}

/// Parameters of a pursuit of this batch at this threshold.
pub fn pursuit_params(context: &Context, window: &BatchWindow, threshold: f64) -> PursuitParams {
    let Settings { parameters, compat, .. } = context.settings;
    let peaks = if compat.batch_edges {
        60..context.batches.layout().peak_limit()
    } else {
        window.searched.clone()
    };
    PursuitParams {
        threshold: threshold as f32,
        amplitude_prior: parameters.amplitude_prior as f32,
        correlated: window.correlated,
        searched: window.searched.clone(),
        peaks,
        stale_row: compat.stale_row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_run_from_the_middle_to_an_end_and_back() {
        assert_eq!(visiting_order(5, false), [2, 1, 0, 0, 1, 2]);
        assert_eq!(visiting_order(4, false), [1, 0, 0, 1]);
        assert_eq!(visiting_order(5, true), [2, 3, 4, 4, 3, 2]);
        assert_eq!(visiting_order(1, false), [0, 0]);
        assert_eq!(visiting_order(1, true), [0, 0]);
    }
}
