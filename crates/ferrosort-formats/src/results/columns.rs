//! Order, checks and gaps of the spikes of any source.

use ferrosort_core::{PcFeatures, SortingRun, TemplateSet};
use ndarray::{Array, Array2, Axis, RemoveAxis};

/// Subtracts the offset and puts all spikes, with everything that has a row for each, in order of sample, then unit.
pub(super) fn settle(run: &mut SortingRun, time_offset: i64) {
    if !run.spikes.samples.is_sorted() {
        run.warnings
            .push("the spike times were not in order and were sorted".to_owned());
    }
    settle_trains(run, time_offset);
}

/// As [`settle`], for sources whose spikes are in no common order.
pub(super) fn settle_trains(run: &mut SortingRun, time_offset: i64) {
    let spikes = &mut run.spikes;
    if time_offset != 0 {
        for sample in &mut spikes.samples {
            *sample = sample.saturating_sub(time_offset);
        }
    }
    let key = |i: usize| (spikes.samples[i], spikes.units[i]);
    if (1..spikes.samples.len()).all(|i| key(i - 1) <= key(i)) {
        return;
    }
    let mut order: Vec<usize> = (0..spikes.samples.len()).collect();
    order.sort_by_key(|&i| key(i));
    spikes.samples = gather(&spikes.samples, &order);
    spikes.units = gather(&spikes.units, &order);
    for column in [&mut spikes.amplitudes, &mut spikes.depths_um, &mut spikes.scores] {
        *column = column.as_ref().map(|values| gather(values, &order));
    }
    if let Some(features) = &mut run.features {
        features.values = features.values.select(Axis(0), &order);
    }
    if let Some(overlap) = run.truth.as_mut().and_then(|truth| truth.overlap.as_mut()) {
        *overlap = gather(overlap, &order);
    }
}

fn gather<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&i| values[i]).collect()
}

/// Warns of spikes that cannot be, or are there twice. The spikes must be in order.
pub(super) fn check(run: &mut SortingRun) {
    let spikes = &run.spikes;
    let pairs = || spikes.samples.iter().zip(&spikes.units);
    let repeated = pairs().zip(pairs().skip(1)).filter(|(a, b)| a == b).count();
    if repeated > 0 {
        run.warnings.push(format!(
            "{repeated} spikes repeat the sample and the unit of another spike"
        ));
    }
    let early = spikes.samples.iter().filter(|&&sample| sample < 0).count();
    if early > 0 {
        run.warnings
            .push(format!("{early} spikes are before the start of the recording"));
    }
    if let Some(n_samples) = run.n_samples {
        let late = spikes
            .samples
            .iter()
            .filter(|&&sample| sample >= n_samples as i64)
            .count();
        if late > 0 {
            run.warnings.push(format!(
                "{late} spikes are beyond the end of the recording ({n_samples} samples)"
            ));
        }
    }
    if run.sample_rate.is_none() {
        run.warnings.push("the sample rate is not known; give it".to_owned());
    }
}

/// Leaves out units without spikes, and their rows in everything that has a row for each unit.
pub(super) fn drop_empty_units(run: &mut SortingRun) {
    let mut used = vec![false; run.units.len()];
    for &unit in &run.spikes.units {
        used[unit as usize] = true;
    }
    if used.iter().all(|&used| used) {
        return;
    }
    let kept: Vec<usize> = (0..used.len()).filter(|&unit| used[unit]).collect();
    let mut place = vec![0u32; used.len()];
    for (new, &old) in kept.iter().enumerate() {
        place[old] = new as u32;
    }
    for unit in &mut run.spikes.units {
        *unit = place[*unit as usize];
    }
    run.units = kept.iter().map(|&unit| run.units[unit].clone()).collect();
    for templates in [&mut run.templates, &mut run.physical_templates].into_iter().flatten() {
        templates.waveforms = rows(&templates.waveforms, &kept);
    }
    run.similarity = run.similarity.take().map(|values| select_both(&values, &kept));
    if let Some(features) = &mut run.features {
        features.channels = rows(&features.channels, &kept);
    }
}

fn rows<T: Copy, D: RemoveAxis>(array: &Array<T, D>, kept: &[usize]) -> Array<T, D> {
    array.select(Axis(0), kept)
}

fn select_both(values: &Array2<f32>, kept: &[usize]) -> Array2<f32> {
    values.select(Axis(0), kept).select(Axis(1), kept)
}

/// Place of the best channel of each unit: the largest peak to peak, the first on ties.
pub(super) fn best_channels(templates: &TemplateSet) -> Vec<Option<(usize, f32)>> {
    let best = |unit: usize| {
        let waveform = templates.waveforms.index_axis(Axis(0), unit);
        let mut best: Option<(usize, f32)> = None;
        for (channel, trace) in waveform.axis_iter(Axis(1)).enumerate() {
            let low = trace.iter().copied().fold(f32::INFINITY, f32::min);
            let high = trace.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let range = high - low;
            if range > best.map_or(0.0, |(_, range)| range) {
                best = Some((channel, range));
            }
        }
        best
    };
    (0..templates.waveforms.dim().0).map(best).collect()
}

/// Depth of each spike as phy computes it: the mean depth of the channels of its features, weighted by the square of
/// the positive part of the first component; NaN where no component is positive.
pub(super) fn depths_from_features(features: &PcFeatures, units: &[u32], y_um: &[f64]) -> Vec<f32> {
    let depth = |(spike, &unit): (usize, &u32)| {
        let channels = features.channels.row(unit as usize);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (slot, &channel) in channels.iter().enumerate() {
            let value = f64::from(features.values[(spike, 0, slot)]).max(0.0);
            sum += value * value * y_um[channel as usize];
            weights += value * value;
        }
        (sum / weights) as f32
    };
    units.iter().enumerate().map(depth).collect()
}
