//! Final extraction: every batch once, templates following the drift (docs/kilosort2.md 5).

use ferrosort_core::Result;
use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use super::accumulate::{pc_features, reconstructed, update_means, waveform_sums};
use super::pursuit::pursue;
use super::{Spike, TemplateSet};
use crate::settings::Settings;
use crate::stage::Steps;
use crate::templates::decompose::decompose;
use crate::templates::learn::{Context, Learned, pursuit_params};

/// Spikes of the whole recording, with their features. All columns have one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extracted {
    /// Sample of the trough, 0-based in the recording.
    pub times: Vec<i64>,
    /// Template.
    pub labels: Vec<u32>,
    /// Projection on the unit-norm template, sd.
    pub amplitudes: Vec<f32>,
    /// Square root of the score, sd.
    pub scores: Vec<f32>,
    /// Place of the spike's batch in the sorted order.
    pub positions: Vec<u32>,
    /// `[spikes, slots]`.
    pub template_features: Array2<f32>,
    /// `[spikes, 3, slots]`.
    pub pc_features: Array3<f32>,
    /// Amplitude of every template in every batch, `[batches, templates]`, sd.
    pub mu_by_batch: Array2<f32>,
    /// Channel around which each template's features were taken.
    pub main_channels: Vec<usize>,
}

impl Extracted {
    /// Number of spikes.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// True when there is no spike.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The spikes at these rows, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        use ndarray::Axis;
        Self {
            times: rows.iter().map(|&i| self.times[i]).collect(),
            labels: rows.iter().map(|&i| self.labels[i]).collect(),
            amplitudes: rows.iter().map(|&i| self.amplitudes[i]).collect(),
            scores: rows.iter().map(|&i| self.scores[i]).collect(),
            positions: rows.iter().map(|&i| self.positions[i]).collect(),
            template_features: self.template_features.select(Axis(0), rows),
            pc_features: self.pc_features.select(Axis(0), rows),
            mu_by_batch: self.mu_by_batch.clone(),
            main_channels: self.main_channels.clone(),
        }
    }
}

/// Spikes of one batch and their features, row by row.
#[derive(Serialize, Deserialize)]
struct BatchSpikes {
    position: usize,
    times: Vec<i64>,
    spikes: Vec<Spike>,
    template_features: Vec<f32>,
    pc_features: Vec<f32>,
}

/// What the batches so far led to.
#[derive(Serialize, Deserialize)]
struct State {
    found: Vec<BatchSpikes>,
    /// `[batches, templates]`, sd.
    mu_by_batch: Array2<f32>,
    means: Array3<f64>,
    warm: Array3<f64>,
}

/// The two passes over the sorted order: from the middle down, and from the middle up.
fn passes(batches: usize, middle_goes_up: bool) -> [Vec<usize>; 2] {
    let middle = batches.div_ceil(2) - usize::from(middle_goes_up);
    [(0..middle).rev().collect(), (middle..batches).collect()]
}

/// Extracts all spikes. `order[p]` is the batch at place `p`; `first_sample` is where the recording begins in its file.
///
/// # Errors
/// Those of reading, cancellation, and more memory than is allowed.
pub fn extract(
    context: &Context,
    learned: &Learned,
    order: &[usize],
    first_sample: u64,
    steps: &Steps,
) -> Result<Extracted> {
    let Settings { parameters, compat, .. } = context.settings;
    let t = &learned.templates;
    let start_means = if compat.full_rank_final_start {
        learned.means.clone()
    } else {
        reconstructed(t.w.view(), t.u.view(), &t.mu)
    };
    let main = crate::templates::decompose::main_channels(&start_means, parameters.trough_sample);
    let start = || State {
        found: Vec::with_capacity(order.len()),
        mu_by_batch: Array2::zeros((order.len(), t.len())),
        means: start_means.clone(),
        warm: t.w.clone(),
    };
    let (done, mut state) = steps.load().unwrap_or_else(|| (0, start()));
    let [down, up] = passes(order.len(), compat.second_half_learning);
    let turn = down.len();
    let mut held: usize = state.found.iter().map(|batch| batch.spikes.len()).sum();
    for (i, position) in down.into_iter().chain(up).enumerate().skip(done) {
        steps.check_cancelled()?;
        if i == turn {
            state.means.clone_from(&start_means);
            state.warm.clone_from(&t.w);
        }
        context.footprint.check(context.footprint.pursuit(t.len(), held))?;
        let batch = order[position];
        let window = context.batches.layout().window(batch);
        let templates = decompose(&state.means, &state.warm, context.near, &main, context.kernels, compat).templates;
        let set = TemplateSet::new(&templates, &main, context.near);
        let x = context.batches.batch(batch)?;
        let params = pursuit_params(context, &window, parameters.threshold[1]);
        let pursued = pursue(x, &set, Some(learned.similar.view()), &params);
        let rows: Vec<usize> = (0..pursued.spikes.len())
            .filter(|&i| window.owned.contains(&(pursued.spikes[i].start as usize)))
            .collect();
        let spikes: Vec<Spike> = rows.iter().map(|&i| pursued.spikes[i]).collect();
        let sums = waveform_sums(&pursued.residual, &spikes, &set, parameters.threshold[0] as f32);
        update_means(&mut state.means, &sums, parameters.momentum[1]);
        let features = pc_features(
            &pursued.residual,
            &spikes,
            &set,
            &main,
            context.near,
            &context.basis.components,
        );
        let slots = learned.similar.ncols();
        let template_features = pursued.template_features.map_or_else(Vec::new, |f| {
            rows.iter().flat_map(|&i| f.row(i).to_vec()).collect::<Vec<f32>>()
        });
        debug_assert_eq!(template_features.len(), spikes.len() * slots, "one row a spike");
        held += spikes.len();
        state.found.push(BatchSpikes {
            position,
            times: spike_times(context, batch, &spikes, first_sample),
            template_features,
            pc_features: features.into_raw_vec_and_offset().0,
            spikes,
        });
        for (n, &mu) in templates.mu.iter().enumerate() {
            state.mu_by_batch[[batch, n]] = mu as f32;
        }
        state.warm = templates.w;
        steps.advanced(1);
        steps.keep(i + 1, &state);
    }
    let State {
        mut found, mu_by_batch, ..
    } = state;
    if !compat.spike_order_by_pass {
        found.sort_by_key(|b| b.position);
    }
    let extracted = collect(
        &found,
        learned.similar.ncols(),
        context.near.size(),
        mu_by_batch,
        compat.spike_order_by_pass,
    );
    Ok(Extracted {
        main_channels: main,
        ..extracted
    })
}

/// Samples of the troughs (docs/kilosort2.md 5.1).
fn spike_times(context: &Context, batch: usize, spikes: &[Spike], first_sample: u64) -> Vec<i64> {
    let Settings { parameters, compat, .. } = context.settings;
    let window = context.batches.layout().window(batch);
    // The aligned trough: sample 19 of the window, or one later with the original's alignment.
    let mut offset = window.first + parameters.trough() as i64 + i64::from(compat.alignment_off_by_one);
    if compat.time_one_late && batch > 0 {
        offset += 1;
    }
    if compat.first_batch_time && batch == 0 {
        // A start within two overlaps of the file's cannot be read with a margin: it is late as a whole.
        let overlap = parameters.batch_overlap as i64;
        let start = first_sample as i64;
        offset += if start < 2 * overlap { start } else { overlap };
    }
    spikes.iter().map(|s| offset + i64::from(s.start)).collect()
}

fn collect(
    found: &[BatchSpikes],
    template_slots: usize,
    channel_slots: usize,
    mu_by_batch: Array2<f32>,
    by_pass: bool,
) -> Extracted {
    let spikes = || found.iter().flat_map(|b| &b.spikes);
    let n = spikes().count();
    let positions = found
        .iter()
        .flat_map(|b| std::iter::repeat_n(b.position as u32, b.spikes.len()))
        .collect();
    let template_features: Vec<f32> = found.iter().flat_map(|b| b.template_features.iter().copied()).collect();
    let pc_features: Vec<f32> = found.iter().flat_map(|b| b.pc_features.iter().copied()).collect();
    let all = Extracted {
        times: found.iter().flat_map(|b| b.times.iter().copied()).collect(),
        labels: spikes().map(|s| s.template).collect(),
        amplitudes: spikes().map(|s| s.amplitude).collect(),
        scores: spikes().map(|s| s.score).collect(),
        positions,
        template_features: Array2::from_shape_vec((n, template_slots), template_features).expect("one row a spike"),
        pc_features: Array3::from_shape_vec((n, 3, channel_slots), pc_features).expect("one row a spike"),
        mu_by_batch,
        main_channels: Vec::new(),
    };
    let mut order: Vec<usize> = (0..n).collect();
    if !by_pass {
        order.sort_by_key(|&i| (all.positions[i], all.times[i], all.labels[i]));
    }
    all.select(&order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_visited_once() {
        assert_eq!(passes(5, false), [vec![2, 1, 0], vec![3, 4]]);
        assert_eq!(passes(5, true), [vec![1, 0], vec![2, 3, 4]]);
        assert_eq!(passes(1, false), [vec![0], vec![]]);
        assert_eq!(passes(1, true), [vec![], vec![0]]);
    }
}
