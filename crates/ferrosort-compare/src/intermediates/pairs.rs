//! Templates of two runs: the best partner of every unit, and pairs that look alike (docs/intermediates.md, "Templates").

use ferrosort_core::{RunUnit, SortingRun, TemplateSet};
use ndarray::{Array2, Array3, ArrayView2};
use serde::Serialize;

use super::channels::ChannelPairs;

/// Similarity that a pair must exceed to be shown, as in the notebook.
pub const PAIR_THRESHOLD: f64 = 0.7;

/// Pairs that are shown.
pub const MOST_PAIRS: usize = 50;

/// Share of the best channel's peak-to-peak that a channel needs to be drawn.
const DRAWN_SHARE: f32 = 0.1;

/// A row of the table of best partners: a unit of A and the units of B most like it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BestPartner {
    /// Place of the unit in A.
    pub unit_a: usize,
    /// Its name.
    pub id_a: String,
    /// Place of the most similar unit of B, if B has any.
    pub unit_b: Option<usize>,
    /// Its name.
    pub id_b: Option<String>,
    /// Their similarity.
    pub similarity: f64,
    /// Samples by which B's template is later.
    pub lag: i64,
    /// Place of the second most similar unit of B.
    pub second_b: Option<usize>,
    /// Its similarity.
    pub second_similarity: Option<f64>,
    /// Depth of the best channel of B's unit minus that of A's, µm.
    pub depth_difference_um: Option<f64>,
    /// Spikes of A's unit.
    pub n_spikes_a: usize,
    /// Spikes of B's unit.
    pub n_spikes_b: usize,
    /// Agreement of their spikes, when it was computed.
    pub agreement: Option<f64>,
}

/// Similarities of all templates of A (rows) with all of B, and what is known about the units.
#[derive(Debug, Clone, Copy)]
pub struct Similarities<'a> {
    /// `[units of A, units of B]`.
    pub similarity: &'a Array2<f64>,
    /// Samples by which B's template is later, `[units of A, units of B]`.
    pub lags: &'a Array2<i32>,
    /// Agreement of the spikes, `[units of A, units of B]`.
    pub agreement: Option<&'a Array2<f64>>,
}

impl Similarities<'_> {
    /// For every unit of A the most similar unit of B (the first of equals) and the second.
    pub fn best_partners(&self, a: &SortingRun, b: &SortingRun) -> Vec<BestPartner> {
        let (counts_a, counts_b) = (counts(a), counts(b));
        let rows = self.similarity.nrows().min(a.units.len());
        (0..rows)
            .map(|i| {
                let (best, second) = two_largest(self.similarity.row(i).iter().copied().take(b.units.len()));
                let depth = |run: &SortingRun, unit: usize| depth_um(run, &run.units[unit]);
                BestPartner {
                    unit_a: i,
                    id_a: a.units[i].id.clone(),
                    unit_b: best,
                    id_b: best.map(|j| b.units[j].id.clone()),
                    similarity: best.map_or(f64::NAN, |j| self.similarity[[i, j]]),
                    lag: best.map_or(0, |j| self.lag(i, j)),
                    second_b: second,
                    second_similarity: second.map(|j| self.similarity[[i, j]]),
                    depth_difference_um: best.and_then(|j| Some(depth(b, j)? - depth(a, i)?)),
                    n_spikes_a: counts_a[i],
                    n_spikes_b: best.map_or(0, |j| counts_b[j]),
                    agreement: best.and_then(|j| self.agreement?.get([i, j]).copied()),
                }
            })
            .collect()
    }

    fn lag(&self, i: usize, j: usize) -> i64 {
        self.lags.get([i, j]).map_or(0, |&lag| i64::from(lag))
    }

    /// All pairs whose similarity exceeds `threshold`, most similar first; equals by unit of A, then of B. `shown` says which of them are
    /// among the first `limit`.
    pub fn pairs_above(&self, threshold: f64, limit: usize) -> Vec<TemplatePair> {
        let mut pairs: Vec<TemplatePair> = self
            .similarity
            .indexed_iter()
            .filter(|&(_, &s)| s > threshold)
            .enumerate()
            .map(|(number, ((i, j), &similarity))| TemplatePair {
                number,
                unit_a: i,
                unit_b: j,
                similarity,
                lag: self.lag(i, j),
                agreement: self.agreement.and_then(|m| m.get([i, j]).copied()),
                shown: false,
            })
            .collect();
        pairs.sort_by(|x, y| y.similarity.total_cmp(&x.similarity));
        pairs.iter_mut().take(limit).for_each(|pair| pair.shown = true);
        pairs
    }
}

/// A row of the table `template_pairs`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TemplatePair {
    /// Place among all pairs above the threshold, by unit of A, then of B: the notebook's "Unit pair k".
    pub number: usize,
    /// Place of the unit in A.
    pub unit_a: usize,
    /// Place of the unit in B.
    pub unit_b: usize,
    /// Their similarity.
    pub similarity: f64,
    /// Samples by which B's template is later.
    pub lag: i64,
    /// Agreement of their spikes, when it was computed.
    pub agreement: Option<f64>,
    /// True for those that are drawn.
    pub shown: bool,
}

fn counts(run: &SortingRun) -> Vec<usize> {
    let mut counts = vec![0; run.units.len()];
    for &unit in &run.spikes.units {
        if let Some(count) = counts.get_mut(unit as usize) {
            *count += 1;
        }
    }
    counts
}

/// Depth of the unit's best channel, else of the unit, µm.
fn depth_um(run: &SortingRun, unit: &RunUnit) -> Option<f64> {
    let of_channel = || Some(run.probe.as_ref()?.contacts.get(unit.best_channel?)?.y_um);
    of_channel().or_else(|| unit.position_um.map(|p| p[1]))
}

/// Places of the largest and the second largest value, the first of equals; values that are no numbers do not count.
fn two_largest(values: impl Iterator<Item = f64>) -> (Option<usize>, Option<usize>) {
    let mut best: Option<(usize, f64)> = None;
    let mut second: Option<(usize, f64)> = None;
    for (place, value) in values.enumerate().filter(|(_, v)| !v.is_nan()) {
        if best.is_none_or(|(_, most)| value > most) {
            second = best;
            best = Some((place, value));
        } else if second.is_none_or(|(_, most)| value > most) {
            second = Some((place, value));
        }
    }
    (best.map(|b| b.0), second.map(|s| s.0))
}

/// Templates of two runs on common axes.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonTemplates {
    /// `[units of A, samples, channels]`.
    pub a: Array3<f32>,
    /// `[units of B, samples, channels]`.
    pub b: Array3<f32>,
    /// Sample of both that falls on the time of a spike.
    pub spike_at: usize,
}

/// Brings the templates of two runs to the channels that both have (in A's order) and to one time axis: spikes meet, and the shorter
/// template is filled with zeros. On the result plain dot products and similarities of templates are defined
/// ([`crate::template_similarity`]).
pub fn common_templates(a: &TemplateSet, b: &TemplateSet, channels: &ChannelPairs) -> CommonTemplates {
    let (before, after) = (
        a.spike_at.max(b.spike_at),
        (a.waveforms.dim().1.saturating_sub(a.spike_at)).max(b.waveforms.dim().1.saturating_sub(b.spike_at)),
    );
    let n_channels = (a.waveforms.dim().2, b.waveforms.dim().2);
    let inside = |&&(i, j): &&(usize, usize)| i < n_channels.0 && j < n_channels.1;
    let pairs: Vec<(usize, usize)> = channels.pairs.iter().filter(inside).copied().collect();
    let moved = |set: &TemplateSet, side: fn(&(usize, usize)) -> usize| {
        let lead = before - set.spike_at;
        let dim = (set.waveforms.dim().0, before + after, pairs.len());
        Array3::from_shape_fn(dim, |(unit, t, c)| {
            let sample = t.checked_sub(lead);
            sample
                .and_then(|s| set.waveforms.get([unit, s, side(&pairs[c])]).copied())
                .unwrap_or(0.0)
        })
    };
    CommonTemplates {
        a: moved(a, |pair| pair.0),
        b: moved(b, |pair| pair.1),
        spike_at: before,
    }
}

/// The waveforms of a pair, ready to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct PairWaveforms {
    /// Drawn channels, as places in A and in B.
    pub channels: Vec<(usize, usize)>,
    /// Sample of each column relative to the spike of A.
    pub samples: Vec<i64>,
    /// `[channels, samples]`: A's template; `NaN` outside it.
    pub a: Array2<f32>,
    /// `[channels, samples]`: B's template as it is; `NaN` outside it.
    pub b: Array2<f32>,
    /// `[channels, samples]`: B's template brought forward by the lag; `NaN` outside it.
    pub b_aligned: Array2<f32>,
    /// A - B after that; `NaN` where one is missing.
    pub difference: Array2<f32>,
    /// Distance between two channels of a plot: 1.2 times the largest peak-to-peak of the pair.
    pub spacing: f32,
}

/// Waveforms of unit `unit_a` of A and `unit_b` of B over the channels `common`; all of them, or those with a peak-to-peak above 10 % of
/// the best. `lag`: samples by which B is later, counted from the spikes of both. `None` when a template does not exist.
pub fn pair_waveforms(
    a: &TemplateSet,
    b: &TemplateSet,
    pair: (usize, usize),
    lag: i64,
    common: &ChannelPairs,
    all_channels: bool,
) -> Option<PairWaveforms> {
    let of_a = template(a, pair.0)?;
    let of_b = template(b, pair.1)?;
    let inside = |&&(i, j): &&(usize, usize)| i < of_a.ncols() && j < of_b.ncols();
    let usable: Vec<(usize, usize)> = common.pairs.iter().filter(inside).copied().collect();
    let height = |&(i, j): &(usize, usize)| peak_to_peak(of_a, i).max(peak_to_peak(of_b, j));
    let largest = usable.iter().map(height).fold(0.0, f32::max);
    let drawn = |pair: &&(usize, usize)| all_channels || height(pair) > DRAWN_SHARE * largest;
    let channels: Vec<(usize, usize)> = usable.iter().filter(drawn).copied().collect();
    let (spike_a, spike_b) = (a.spike_at as i64, b.spike_at as i64);
    let first = (-spike_a).min(-spike_b);
    let last = (of_a.nrows() as i64 - spike_a).max(of_b.nrows() as i64 - spike_b);
    let samples: Vec<i64> = (first..last).collect();
    let value = |template: ArrayView2<f32>, sample: i64, channel: usize| {
        usize::try_from(sample)
            .ok()
            .and_then(|s| template.get([s, channel]).copied())
            .unwrap_or(f32::NAN)
    };
    let dim = (channels.len(), samples.len());
    let a = Array2::from_shape_fn(dim, |(c, t)| value(of_a, samples[t] + spike_a, channels[c].0));
    let b = Array2::from_shape_fn(dim, |(c, t)| value(of_b, samples[t] + spike_b, channels[c].1));
    let b_aligned = Array2::from_shape_fn(dim, |(c, t)| value(of_b, samples[t] + spike_b + lag, channels[c].1));
    Some(PairWaveforms {
        difference: &a - &b_aligned,
        channels,
        samples,
        a,
        b,
        b_aligned,
        spacing: 1.2 * largest,
    })
}

/// `[samples, channels]`.
fn template(set: &TemplateSet, unit: usize) -> Option<ArrayView2<'_, f32>> {
    (unit < set.waveforms.dim().0).then(|| set.waveforms.index_axis(ndarray::Axis(0), unit))
}

pub(super) fn peak_to_peak(template: ArrayView2<f32>, channel: usize) -> f32 {
    let column = template.column(channel);
    let highest = column.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let lowest = column.iter().copied().fold(f32::INFINITY, f32::min);
    if highest >= lowest { highest - lowest } else { 0.0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::{Probe, RunKind, TemplateUnit};
    use ndarray::array;

    fn run(best_channels: &[usize], spikes: &[u32]) -> SortingRun {
        let mut run = SortingRun::new("run", "run", RunKind::Phy);
        let unit = |(i, &channel): (usize, &usize)| RunUnit {
            id: format!("u{i}"),
            best_channel: Some(channel),
            ..RunUnit::default()
        };
        run.units = best_channels.iter().enumerate().map(unit).collect();
        run.spikes.units = spikes.to_vec();
        run.spikes.samples = (0..spikes.len() as i64).collect();
        run.probe = Some(Probe::line(4, 20.0));
        run
    }

    #[test]
    fn every_unit_of_a_has_its_best_and_second_best_partner() {
        let similarity = array![[0.2, 0.9, 0.9], [f64::NAN, 0.1, 0.3]];
        let lags = array![[0, -2, 1], [0, 0, 4]];
        let agreement = array![[0.0, 0.8, 0.1], [0.0, 0.0, 0.5]];
        let table = Similarities {
            similarity: &similarity,
            lags: &lags,
            agreement: Some(&agreement),
        };
        let rows = table.best_partners(&run(&[0, 1], &[0, 0, 1]), &run(&[0, 2, 3], &[1, 1, 1, 2]));
        assert_eq!((rows[0].unit_b, rows[0].second_b, rows[0].lag), (Some(1), Some(2), -2));
        assert_eq!(
            (rows[0].n_spikes_a, rows[0].n_spikes_b, rows[0].agreement),
            (2, 3, Some(0.8))
        );
        assert_eq!(
            (rows[0].depth_difference_um, rows[0].id_b.as_deref()),
            (Some(40.0), Some("u1"))
        );
        assert_eq!((rows[1].unit_b, rows[1].second_similarity), (Some(2), Some(0.1)));
    }

    #[test]
    fn a_run_without_units_gives_rows_without_partners() {
        let (similarity, lags) = (Array2::zeros((1, 0)), Array2::zeros((1, 0)));
        let table = Similarities {
            similarity: &similarity,
            lags: &lags,
            agreement: None,
        };
        let rows = table.best_partners(&run(&[0], &[]), &run(&[], &[]));
        assert_eq!((rows[0].unit_b, rows[0].n_spikes_b), (None, 0));
        assert!(rows[0].similarity.is_nan() && table.pairs_above(PAIR_THRESHOLD, MOST_PAIRS).is_empty());
    }

    #[test]
    fn pairs_above_the_threshold_keep_the_number_of_the_notebook() {
        let similarity = array![[0.7, 0.8], [0.95, 0.8]];
        let lags = Array2::zeros((2, 2));
        let table = Similarities {
            similarity: &similarity,
            lags: &lags,
            agreement: None,
        };
        let pairs = table.pairs_above(0.7, 2);
        let seen: Vec<_> = pairs.iter().map(|p| (p.number, p.unit_a, p.unit_b, p.shown)).collect();
        assert_eq!(seen, [(1, 1, 0, true), (0, 0, 1, true), (2, 1, 1, false)]);
    }

    #[test]
    fn templates_of_different_length_meet_at_their_spikes() {
        let set = |values: Vec<f32>, dim: (usize, usize, usize), spike_at: usize| TemplateSet {
            waveforms: Array3::from_shape_vec(dim, values).unwrap(),
            spike_at,
            unit: TemplateUnit::Whitened,
        };
        let a = set(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (1, 3, 2), 1);
        let b = set(vec![7.0, 8.0], (1, 2, 1), 0);
        let common = ChannelPairs {
            pairs: vec![(1, 0), (0, 9)],
            basis: String::new(),
        };
        let found = common_templates(&a, &b, &common);
        assert_eq!((found.a, found.spike_at), (array![[[2.0], [4.0], [6.0]]], 1));
        assert_eq!(found.b, array![[[0.0], [7.0], [8.0]]]);
    }

    #[test]
    fn waveforms_meet_at_the_spike_and_at_the_lag() {
        let set = |values: Vec<f32>, samples: usize, spike_at: usize| TemplateSet {
            waveforms: Array3::from_shape_vec((1, samples, 2), values).unwrap(),
            spike_at,
            unit: TemplateUnit::Whitened,
        };
        // Channel 1 is small. B is one sample late and has one sample less in front of its spike.
        let a = set(vec![0.0, 0.0, -10.0, 0.5, 0.0, 0.0, 0.0, 0.0], 4, 1);
        let b = set(vec![0.0, 0.0, -10.0, 0.0, 0.0, 0.0], 3, 0);
        let common = ChannelPairs {
            pairs: vec![(0, 0), (1, 1), (5, 1)],
            basis: String::new(),
        };
        let found = pair_waveforms(&a, &b, (0, 0), 1, &common, false).unwrap();
        assert_eq!(found.channels, [(0, 0)]);
        assert_eq!(found.samples, [-1, 0, 1, 2]);
        assert_eq!(found.spacing, 12.0);
        assert_eq!(found.a.row(0).to_vec(), [0.0, -10.0, 0.0, 0.0]);
        assert!(found.b[[0, 0]].is_nan());
        assert_eq!(found.b.row(0).to_vec()[1..], [0.0, -10.0, 0.0]);
        assert_eq!(found.b_aligned.row(0).to_vec()[..3], [0.0, -10.0, 0.0]);
        assert_eq!(found.difference.row(0).to_vec()[..3], [0.0, 0.0, 0.0]);
        assert!(found.difference[[0, 3]].is_nan());
        assert_eq!(
            pair_waveforms(&a, &b, (0, 0), 1, &common, true).unwrap().channels.len(),
            2
        );
        assert!(pair_waveforms(&a, &b, (1, 0), 0, &common, true).is_none());
    }
}
