//! Splitting units that are two neurons (docs/kilosort2.md 6.3).

use ferrosort_core::Result;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use rayon::prelude::*;

use super::ccg::{Binning, RefractoryTest};
use super::detrend::{RunningAverage, centred};
use super::mixture::{Mixture, normalised, principal_direction};
use crate::neighbours::Neighbours;
use crate::settings::Compat;
use crate::templates::Templates;
use crate::templates::align::AlignmentKernels;
use crate::templates::decompose::{RANK, decompose, main_channels};
use crate::templates::similarity::{best_lag_similarity, most_similar};

/// Fewest spikes of a unit to be examined; each half of a split must have more.
const SMALLEST: usize = 300;
/// Largest violation rate and chance probability of two halves that share a refractory gap.
const ONE_NEURON: [f64; 2] = [0.25, 0.05];
/// Halves whose waveforms correlate more, and differ less in norm, are one neuron.
const SAME_WAVEFORM: [f64; 2] = [0.9, 0.2];
/// Smallest part of the spikes in the smaller half.
const SMALLEST_PART: f64 = 0.05;

/// Where the direction of a split starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitStart {
    /// The direction of largest scatter.
    PrincipalComponent,
    /// The mean, that is, the amplitude.
    Mean,
}

/// Why a unit was split, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitDecision {
    /// The halves are too small or overlap.
    Criteria,
    /// The halves share a refractory gap.
    Correlogram,
    /// The halves have the same waveform.
    Similar,
    /// Split.
    Split,
}

/// What was found in one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitStatistics {
    /// Mean probability of the spikes of each half to belong to it.
    pub certainty: [f64; 2],
    /// Part of the spikes in the smaller half.
    pub smaller_part: f64,
    /// Violation rate between the halves.
    pub q: f64,
    /// Probability that the gap between the halves is chance.
    pub r: f64,
    /// Correlation of the halves' mean waveforms.
    pub correlation: f64,
    /// Difference of the norms of the halves' mean waveforms, relative to their mean.
    pub norm_difference: f64,
}

/// One examination of a unit, for the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Examination {
    /// The unit.
    pub unit: usize,
    /// Its spikes at that time.
    pub spikes: usize,
    /// What was found; `None` when the features have no principal direction.
    pub statistics: Option<SplitStatistics>,
    /// What was done.
    pub decision: SplitDecision,
}

/// Units and their templates, changed by [`split_pass`].
#[derive(Debug, Clone, PartialEq)]
pub struct SplitState {
    /// Unit of each spike, in the order of the sorted batches, then time.
    pub labels: Vec<u32>,
    /// Mean waveforms, sd, `[units, channels, samples]`.
    pub mean: Array3<f64>,
    /// Low-rank templates of the units.
    pub templates: Templates,
    /// Similarity of every two units; exactly 1 between units that were split from each other.
    pub similarity: Array2<f64>,
    /// The units behind each unit's template features, `[units, entries]`.
    pub similar: Array2<u32>,
    /// The channels behind each unit's PC features, `[units, entries]`.
    pub feature_channels: Array2<u32>,
}

/// PC features of these spikes, `[spikes, 3 * entries]`, column `component + 3 * entry`.
pub type FeatureSource<'a> = dyn Fn(&[u32]) -> Result<Array2<f32>> + Sync + 'a;

/// What a split needs to know besides the units.
pub struct SplitContext<'a> {
    /// Time of each spike, samples.
    pub times: &'a [i64],
    /// Samples per second.
    pub sample_rate: f64,
    /// Smallest mean probability in each half of a split.
    pub smallest_certainty: f64,
    /// Temporal basis of the PC features, `[3, samples]`.
    pub basis: ArrayView2<'a, f64>,
    /// Neighbourhoods of templates.
    pub neighbours: &'a Neighbours,
    /// Alignment of templates.
    pub kernels: &'a AlignmentKernels,
    /// Reads PC features.
    pub features: &'a FeatureSource<'a>,
    /// Behaviours of the original programs.
    pub compat: Compat,
}

/// Two parts of a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Bisection {
    /// The fit.
    pub mixture: Mixture,
    /// True for spikes of the first part, which leaves the unit if it is split.
    pub leaves: Vec<bool>,
    /// Mean waveforms of the part that leaves and of the part that stays, sd, `[entries, samples]`.
    pub waveforms: [Array2<f64>; 2],
    /// Numbers on which the decision rests.
    pub statistics: SplitStatistics,
    /// The decision.
    pub decision: SplitDecision,
}

/// Examines every unit, splits those that are two neurons, and again the parts; then decomposes all templates anew.
///
/// Units are independent of each other, so they are examined in parallel and new units are numbered afterwards, in the
/// order of the units that they come from.
///
/// # Errors
/// What the feature source reports.
pub fn split_pass(state: &mut SplitState, start: SplitStart, context: &SplitContext) -> Result<Vec<Examination>> {
    let compat = &context.compat;
    // The original looks up the channels of the stored features again, in templates that have changed since.
    let mut main: Vec<usize> = if compat.stale_split_features {
        main_channels(&state.mean, context.kernels.trough() + 1)
    } else {
        state.feature_channels.column(0).iter().map(|&c| c as usize).collect()
    };
    let mut log = Vec::new();
    let mut next = 0;
    while next < main.len() {
        let generation = next..main.len();
        next = main.len();
        let mut spikes = vec![Vec::new(); generation.len()];
        for (i, &unit) in state.labels.iter().enumerate() {
            if generation.contains(&(unit as usize)) {
                spikes[unit as usize - generation.start].push(i as u32);
            }
        }
        let examined: Vec<Result<Vec<Part>>> = spikes
            .into_par_iter()
            .with_max_len(1)
            .map(|s| examine(s, start, context))
            .collect();
        for (unit, parts) in generation.zip(examined) {
            for part in parts? {
                log.push(Examination {
                    unit,
                    spikes: part.spikes,
                    statistics: part.bisection.as_ref().map(|b| b.statistics),
                    decision: part.bisection.as_ref().map_or(SplitDecision::Criteria, |b| b.decision),
                });
                if let (Some(bisection), false) = (part.bisection, part.leaving.is_empty()) {
                    state.divide(unit, &part.leaving, bisection.waveforms, main[unit], context);
                    main.push(main[unit]);
                }
            }
        }
    }
    state.refresh(&main, context);
    Ok(log)
}

/// One examination with its result.
struct Part {
    spikes: usize,
    bisection: Option<Bisection>,
    /// Spikes that leave the unit.
    leaving: Vec<u32>,
}

/// Examines one unit for as long as it is split.
fn examine(mut spikes: Vec<u32>, start: SplitStart, context: &SplitContext) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    while spikes.len() >= SMALLEST {
        let features = (context.features)(&spikes)?;
        let times: Vec<i64> = spikes.iter().map(|&s| context.times[s as usize]).collect();
        let bisection = bisect(features.view(), &times, start, context);
        let count = spikes.len();
        let mut leaving = Vec::new();
        if let Some(b) = bisection.as_ref().filter(|b| b.decision == SplitDecision::Split) {
            let side = |leaves: bool| {
                spikes
                    .iter()
                    .zip(&b.leaves)
                    .filter(move |s| *s.1 == leaves)
                    .map(|s| *s.0)
            };
            leaving = side(true).collect();
            spikes = side(false).collect();
        }
        let whole = leaving.is_empty();
        parts.push(Part {
            spikes: count,
            bisection,
            leaving,
        });
        if whole {
            break;
        }
    }
    Ok(parts)
}

/// Divides the spikes of one unit, given their features `[spikes, 3 * entries]` and times (samples), into two parts.
///
/// `None` when the features are not finite.
pub fn bisect(
    features: ArrayView2<f32>,
    times: &[i64],
    start: SplitStart,
    context: &SplitContext,
) -> Option<Bisection> {
    let average = if context.compat.truncated_running_average {
        RunningAverage::Transformed
    } else {
        RunningAverage::Normalised
    };
    let rows = centred(features, average);
    let direction = match start {
        SplitStart::PrincipalComponent => principal_direction(&rows)?,
        SplitStart::Mean => normalised(mean_features(features, |_| true)),
    };
    let mixture = Mixture::fit(&rows, direction);
    let [first, second] = &mixture.responsibilities;
    let leaves: Vec<bool> = first.iter().zip(second).map(|(a, b)| a > b).collect();
    let count = leaves.iter().filter(|&&l| l).count();

    let certainty = [(first, true), (second, false)].map(|(r, side)| {
        let own: Vec<f64> = r.iter().zip(&leaves).filter(|s| *s.1 == side).map(|s| *s.0).collect();
        own.iter().sum::<f64>() / own.len() as f64
    });
    let part = |side: bool| -> Vec<i64> {
        times
            .iter()
            .zip(&leaves)
            .filter(|s| *s.1 == side)
            .map(|s| *s.0)
            .collect()
    };
    let gap = RefractoryTest::between(
        &part(true),
        &part(false),
        context.sample_rate,
        Binning::of(&context.compat),
    );
    let waveforms = [true, false].map(|side| {
        let means = mean_features(features, |i| leaves[i] == side);
        waveforms(&means, context.basis)
    });
    let (correlation, norm_difference) = compare(&waveforms);
    let statistics = SplitStatistics {
        certainty,
        smaller_part: count.min(leaves.len() - count) as f64 / leaves.len() as f64,
        q: gap.q,
        r: gap.r,
        correlation,
        norm_difference,
    };
    let decision = if gap.is_refractory(ONE_NEURON[0], ONE_NEURON[1]) {
        SplitDecision::Correlogram
    } else if correlation > SAME_WAVEFORM[0] && norm_difference < SAME_WAVEFORM[1] {
        SplitDecision::Similar
    } else if statistics.smaller_part > SMALLEST_PART
        && certainty.iter().all(|&c| c > context.smallest_certainty)
        && count.min(leaves.len() - count) > SMALLEST
    {
        SplitDecision::Split
    } else {
        SplitDecision::Criteria
    };
    Some(Bisection {
        mixture,
        leaves,
        waveforms,
        statistics,
        decision,
    })
}

/// Mean features of the spikes that `belongs` names.
fn mean_features(features: ArrayView2<f32>, belongs: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut sum = vec![0.0; features.ncols()];
    let mut count = 0.0;
    for (_, row) in features.outer_iter().enumerate().filter(|(i, _)| belongs(*i)) {
        sum.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v));
        count += 1.0;
    }
    for s in &mut sum {
        *s /= count;
    }
    sum
}

/// Waveforms `[entries, samples]` with these features.
fn waveforms(features: &[f64], basis: ArrayView2<f64>) -> Array2<f64> {
    let components = basis.nrows();
    let entries = features.len() / components;
    let by_entry = ArrayView2::from_shape((entries, components), features).expect("whole entries");
    by_entry.dot(&basis)
}

/// Correlation over all values, and relative difference of the norms.
fn compare([a, b]: &[Array2<f64>; 2]) -> (f64, f64) {
    let centred = |w: &Array2<f64>| w - w.sum() / w.len() as f64;
    let norm = |w: &Array2<f64>| w.iter().map(|v| v * v).sum::<f64>().sqrt();
    let (ca, cb) = (centred(a), centred(b));
    let product: f64 = ca.iter().zip(&cb).map(|(x, y)| x * y).sum();
    (
        product / (norm(&ca) * norm(&cb)),
        2.0 * (norm(a) - norm(b)).abs() / (norm(a) + norm(b)),
    )
}

impl SplitState {
    /// Moves `leaving` from `unit` to a new unit.
    fn divide(&mut self, unit: usize, leaving: &[u32], [moved, kept]: [Array2<f64>; 2], main: usize, c: &SplitContext) {
        let (new, samples) = (self.mean.dim().0, self.mean.dim().2);
        for &s in leaving {
            self.labels[s as usize] = new as u32;
        }
        let channels = if c.compat.stale_split_features {
            c.neighbours.of(main).to_vec()
        } else {
            self.feature_channels.row(unit).to_vec()
        };
        // The original gives each part the other's waveform.
        let (of_new, of_unit) = if c.compat.swapped_split_templates {
            (kept, moved)
        } else {
            (moved, kept)
        };
        let mut mean = Array2::zeros((self.mean.dim().1, samples));
        for (entry, &channel) in channels.iter().enumerate() {
            mean.row_mut(channel as usize).assign(&of_new.row(entry));
            self.mean
                .index_axis_mut(Axis(0), unit)
                .row_mut(channel as usize)
                .assign(&of_unit.row(entry));
        }
        let same = "arrays of all units have one shape";
        self.mean.push(Axis(0), mean.view()).expect(same);
        self.templates.w.push(Axis(0), c.basis).expect(same);
        let list = self.similar.row(unit).to_owned();
        self.similar.push_row(list.view()).expect(same);
        let list = self.feature_channels.row(unit).to_owned();
        self.feature_channels.push_row(list.view()).expect(same);
        self.similarity = Array2::from_shape_fn((new + 1, new + 1), |(m, n)| {
            let parents = [m, n].map(|k| if k == new { unit } else { k });
            if m != n && parents == [unit, unit] {
                1.0
            } else {
                self.similarity[parents]
            }
        });
    }

    /// Templates, similarities and, in the original's mode, feature lists of the units as they are now.
    fn refresh(&mut self, main: &[usize], c: &SplitContext) {
        self.templates = decompose(&self.mean, &self.templates.w, c.neighbours, main, c.kernels, &c.compat).templates;
        let best = best_lag_similarity(&self.templates);
        self.similarity.zip_mut_with(&best, |s, &b| {
            if *s != 1.0 {
                *s = b;
            }
        });
        if c.compat.stale_split_features {
            self.similar = most_similar(best.view(), self.similar.ncols(), c.compat.reversed_ties);
            let entries = self.feature_channels.ncols();
            self.feature_channels = Array2::from_shape_fn((main.len(), entries), |(n, k)| c.neighbours.of(main[n])[k]);
        }
    }
}

const _: () = assert!(RANK == 3, "PC features come in threes");
