//! What the programs of the Kilosort2 family have in common.

use std::path::Path;

use ferrosort_core::{Result, RunUnit, SortingRun, TemplateSet, TemplateUnit};
use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::{ReadOptions, columns, files, whitening};

/// Samples of zeros before a template for phy, beyond `nt0min`.
const PADDING: usize = 1;

/// Most units that are made from the largest number of one: a damaged number would fill the memory with them.
pub(super) const MAX_UNITS: i64 = 1 << 20;
/// Most samples of zeros before a template: far more than any template has samples.
const MAX_PADDING: usize = 4096;
/// Most samples of a batch, of an overlap or of a template before its spike: beyond what any program uses.
const MAX_SAMPLES: f64 = 1e9;

/// A number of samples from a file's parameter; `None` for what is none.
pub(super) fn sample_count(value: f64) -> Option<usize> {
    (0.0..=MAX_SAMPLES).contains(&value).then_some(value as usize)
}

/// Units that a table of spikes names (column 1), when they are numbered from `first_id`: as many as the largest number says.
/// `None` when there is no such column or the number is none of a unit.
pub(super) fn n_units(table: &ArrayView2<f64>, first_id: i64) -> Option<usize> {
    if table.ncols() < 2 {
        return None;
    }
    let largest = table.column(1).iter().fold(first_id as f64 - 1.0, |a, &b| a.max(b));
    let n = largest - first_id as f64 + 1.0;
    (n <= MAX_UNITS as f64).then_some(n.max(0.0) as usize)
}

/// `iorig.npy`, which must be a permutation of the batches.
pub(super) fn order(folder: &Path) -> Result<Option<Vec<usize>>> {
    let Some(order) = files::integers(folder, "iorig.npy")? else {
        return Ok(None);
    };
    permutation(&order)
        .map(Some)
        .ok_or_else(|| files::not(folder, "iorig.npy", "each batch once"))
}

/// The numbers when each of 0 to n − 1 is there once.
pub(super) fn permutation(numbers: &[i64]) -> Option<Vec<usize>> {
    let mut seen = vec![false; numbers.len()];
    let place = |&number: &i64| {
        let place = usize::try_from(number).ok()?;
        let seen = seen.get_mut(place)?;
        (!std::mem::replace(seen, true)).then_some(place)
    };
    numbers.iter().map(place).collect()
}

/// Sample of the recording at which each batch of Kilosort2's processed data begins (docs/kilosort2.md 2.1).
pub(super) fn first_samples(batches: usize, hop: usize, overlap: usize, start: u64) -> Vec<i64> {
    let first = |k: usize| {
        let begin = start as i64 + (k * hop) as i64;
        if k == 0 && start < 2 * overlap as u64 {
            0
        } else {
            begin - overlap as i64
        }
    };
    (0..batches).map(first).collect()
}

/// Scores from a table of spikes (`st3`: time, template, amplitude, score, ...) in any order, when its times are those
/// of the run's spikes, up to a common shift: times of a range count from its start in one and from the file's in the
/// other.
pub(super) fn scores(run: &mut SortingRun, table: ArrayView2<f64>, options: &ReadOptions) {
    if table.ncols() < 4 || table.nrows() != run.spikes.len() {
        return;
    }
    let rows = rows_in_time(&table);
    let shift = |i: usize| {
        let sample = run.spikes.samples[i].saturating_add(options.time_offset);
        sample.saturating_sub(table[(rows[i], 0)] as i64)
    };
    if (1..rows.len()).all(|i| shift(i) == shift(0)) {
        run.spikes.scores = Some(rows.iter().map(|&row| table[(row, 3)] as f32).collect());
    }
}

fn rows_in_time(table: &ArrayView2<f64>) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..table.nrows()).collect();
    rows.sort_by(|&a, &b| {
        table[(a, 0)]
            .total_cmp(&table[(b, 0)])
            .then(table[(a, 1)].total_cmp(&table[(b, 1)]))
    });
    rows
}

/// Spikes from such a table, with templates from `first_id`. False when it names templates beyond `n_units`.
pub(super) fn spikes(run: &mut SortingRun, table: ArrayView2<f64>, first_id: i64, n_units: usize) -> bool {
    if table.ncols() < 4 {
        return false;
    }
    let rows = rows_in_time(&table);
    let column = |k: usize| rows.iter().map(move |&row| table[(row, k)]);
    let ids: Vec<i64> = column(1).map(|id| (id as i64).saturating_sub(first_id)).collect();
    if ids.iter().any(|id| !(0..n_units as i64).contains(id)) {
        return false;
    }
    run.spikes.samples = column(0).map(|time| time as i64).collect();
    run.spikes.units = ids.iter().map(|&id| id as u32).collect();
    run.spikes.amplitudes = Some(column(2).map(|v| v as f32).collect());
    run.spikes.scores = Some(column(3).map(|v| v as f32).collect());
    "factor of the template, sd".clone_into(&mut run.amplitude_unit);
    true
}

/// Units numbered from 0 with the verdicts of the sorter: contamination as a fraction, and whether a unit is good.
pub(super) fn units(n: usize, contamination: Option<&[f64]>, good: Option<&[f64]>) -> Vec<RunUnit> {
    let contamination = contamination.filter(|values| values.len() == n);
    let good = good.filter(|values| values.len() == n);
    let unit = |id: usize| RunUnit {
        id: id.to_string(),
        label: good.map(|good| if good[id] > 0.0 { "good" } else { "mua" }.to_owned()),
        contamination_pct: contamination.map(|values| 100.0 * values[id]),
        ..RunUnit::default()
    };
    (0..n).map(unit).collect()
}

/// Templates as phy's files have them: `W` `[samples, templates, rank]` times `U` `[channels, templates, rank]`, with
/// zeros in front when `W` is not yet padded. `trough` is `nt0min`. `None` when the shapes disagree.
pub(super) fn templates(w: &Array3<f32>, u: &Array3<f32>, trough: usize, padded: bool) -> Option<TemplateSet> {
    let (samples, n, rank) = w.dim();
    let channels = u.dim().0;
    if u.dim() != (channels, n, rank) {
        return None;
    }
    let padding = if padded { 0 } else { PADDING + trough };
    if padding > MAX_PADDING {
        return None;
    }
    let mut waveforms = Array3::zeros((n, samples + padding, channels));
    for (k, mut waveform) in waveforms.outer_iter_mut().enumerate() {
        let (w, u) = (w.index_axis(Axis(1), k), u.index_axis(Axis(1), k));
        let (_, mut own) = waveform.view_mut().split_at(Axis(0), padding);
        own.assign(&w.dot(&u.t()));
    }
    Some(TemplateSet {
        waveforms,
        spike_at: PADDING + 2 * trough,
        unit: TemplateUnit::Whitened,
    })
}

/// Gives the run templates, and what follows from them and the whitening, which must be known by now.
pub(super) fn apply_templates(run: &mut SortingRun, templates: TemplateSet) {
    let known = &run.intermediates;
    let one_sd: Option<Array2<f64>> = known.whitening.as_ref().map(|w| w / known.counts_per_sd.unwrap_or(1.0));
    let inverse = one_sd
        .as_ref()
        .filter(|w| w.nrows() == templates.waveforms.dim().2)
        .and_then(whitening::inverted);
    run.physical_templates = inverse.map(|inverse| whitening::unwhitened(&templates, &inverse, run));
    let best = columns::best_channels(run.physical_templates.as_ref().unwrap_or(&templates));
    for (unit, best) in run.units.iter_mut().zip(best) {
        unit.best_channel = best.map(|(channel, _)| channel);
    }
    run.templates = Some(templates);
}
