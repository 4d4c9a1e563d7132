//! Splitting units that are two neurons (docs/kilosort2.md 6.3).

use ferrosort_core::Result;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use rayon::prelude::*;

use super::bisect::{Bisection, SMALLEST, SplitCriteria, bisect};
pub use super::bisect::{SplitDecision, SplitStart, SplitStatistics};
use crate::neighbours::Neighbours;
use crate::settings::Compat;
use crate::templates::Templates;
use crate::templates::align::AlignmentKernels;
use crate::templates::decompose::{RANK, decompose, main_channels};
use crate::templates::similarity::{best_lag_similarity, most_similar};

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

impl SplitContext<'_> {
    fn criteria(&self) -> SplitCriteria<'_> {
        SplitCriteria {
            sample_rate: self.sample_rate,
            smallest_certainty: self.smallest_certainty,
            basis: self.basis,
            compat: &self.compat,
        }
    }
}

/// Examines one unit for as long as it is split.
fn examine(mut spikes: Vec<u32>, start: SplitStart, context: &SplitContext) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    while spikes.len() >= SMALLEST {
        let features = (context.features)(&spikes)?;
        let times: Vec<i64> = spikes.iter().map(|&s| context.times[s as usize]).collect();
        let bisection = bisect(features.view(), &times, start, &context.criteria());
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::Array1;

    const FS: f64 = 30000.0;
    const LEN: usize = 61;

    struct Case {
        times: Vec<i64>,
        labels: Vec<u32>,
        features: Array2<f32>,
        near: Neighbours,
        kernels: AlignmentKernels,
        basis: Array2<f64>,
    }

    /// Unit 0: two neurons, loud on the first channel or on the third of its list. Unit 1: one neuron of few spikes.
    fn case() -> Case {
        let mut state = 5u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let n = 1500;
        let labels: Vec<u32> = (0..n).map(|i| u32::from(i % 6 == 5)).collect();
        let features = Array2::from_shape_fn((n, 12), |(i, column)| {
            let entry = if i % 3 == 0 { 0 } else { 2 };
            let loud = column % 3 == 0 && column / 3 == entry;
            (if loud { 20.0 } else { 0.0 } + 4.0 * (uniform() - 0.5)) as f32
        });
        let line: Vec<[f64; 2]> = (0..6).map(|i| [0.0, 20.0 * f64::from(i)]).collect();
        let bump =
            |k: usize, t: usize| -(-0.5 * ((t as f64 - 19.0) / 3.0).powi(2)).exp() * (t as f64 - 19.0).powi(k as i32);
        let mut basis = Array2::from_shape_fn((3, LEN), |(k, t)| bump(k, t));
        for mut row in basis.outer_iter_mut() {
            let norm = row.dot(&row).sqrt();
            row.mapv_inplace(|v| v / norm);
        }
        Case {
            times: (0..n).map(|_| (uniform() * 3e6) as i64).collect(),
            labels,
            features,
            near: Neighbours::nearest(&line, 4),
            kernels: AlignmentKernels::new(LEN, 20),
            basis,
        }
    }

    fn run(case: &Case, compat: Compat) -> (SplitState, Vec<Examination>) {
        // Features were taken around channel 2; the means have since become loudest on channel 3.
        let mut mean = Array3::zeros((2, 6, LEN));
        mean.index_axis_mut(Axis(0), 0)
            .row_mut(3)
            .assign(&(&case.basis.row(0) * 9.0));
        mean.index_axis_mut(Axis(0), 1)
            .row_mut(1)
            .assign(&(&case.basis.row(0) * 9.0));
        let list = |c: usize| Array1::from(case.near.of(c).to_vec());
        let lists = ndarray::stack(Axis(0), &[list(2).view(), list(1).view()]).unwrap();
        let w = ndarray::stack(Axis(0), &[case.basis.view(), case.basis.view()]).unwrap();
        let mut state = SplitState {
            labels: case.labels.clone(),
            mean,
            templates: Templates {
                u: Array3::zeros((2, RANK, 6)),
                mu: vec![1.0; 2],
                w,
            },
            similarity: Array2::eye(2) * 0.99,
            similar: ndarray::array![[0, 1, 0, 1], [1, 0, 1, 0]],
            feature_channels: lists,
        };
        let features = |rows: &[u32]| {
            Ok(case
                .features
                .select(Axis(0), &rows.iter().map(|&r| r as usize).collect::<Vec<_>>()))
        };
        let context = SplitContext {
            times: &case.times,
            sample_rate: FS,
            smallest_certainty: 0.9,
            basis: case.basis.view(),
            neighbours: &case.near,
            kernels: &case.kernels,
            features: &features,
            compat,
        };
        let log = split_pass(&mut state, SplitStart::PrincipalComponent, &context).unwrap();
        (state, log)
    }

    /// Correlation of a unit's mean waveforms with what its spikes' features say, on channels `list`.
    fn agreement(case: &Case, state: &SplitState, unit: usize, list: &[u32]) -> f64 {
        let members = state.labels.iter().enumerate().filter(|l| *l.1 as usize == unit);
        let mut sum = Array2::<f64>::zeros((4, LEN));
        for (i, _) in members {
            for column in 0..12 {
                let weight = f64::from(case.features[[i, column]]);
                sum.row_mut(column / 3).scaled_add(weight, &case.basis.row(column % 3));
            }
        }
        let mean = state.mean.index_axis(Axis(0), unit);
        let stored = Array2::from_shape_fn((4, LEN), |(k, t)| mean[[list[k] as usize, t]]);
        (&sum * &stored).sum() / ((&sum * &sum).sum() * (&stored * &stored).sum()).sqrt()
    }

    #[test]
    fn a_unit_of_two_neurons_is_split_and_a_small_one_left_alone() {
        let case = case();
        let (state, log) = run(&case, Compat::default());
        let units: Vec<(usize, SplitDecision)> = log.iter().map(|e| (e.unit, e.decision)).collect();
        assert_eq!(units[0], (0, SplitDecision::Split));
        assert!(units[1..].iter().all(|e| e.1 != SplitDecision::Split), "{units:?}");
        assert_eq!(log.iter().filter(|e| e.unit == 1).count(), 0, "under 300 spikes");
        assert_eq!(state.templates.len(), 3);
        let first: Vec<u32> = (0..1500).filter(|i| i % 6 != 5).map(|i| state.labels[i]).collect();
        let kinds: Vec<bool> = (0..1500).filter(|i| i % 6 != 5).map(|i| i % 3 == 0).collect();
        assert!(
            first
                .iter()
                .zip(&kinds)
                .all(|(&l, &k)| (l == first[0]) == (k == kinds[0]))
        );
        assert_eq!((state.similarity[[0, 2]], state.similarity[[2, 0]]), (1.0, 1.0));
    }

    #[test]
    fn waveforms_follow_their_spikes_except_in_the_original() {
        let case = case();
        let list = case.near.of(2);
        let (state, _) = run(&case, Compat::default());
        assert!(agreement(&case, &state, 0, list) > 0.999 && agreement(&case, &state, 2, list) > 0.999);
        let swapped = Compat {
            swapped_split_templates: true,
            ..Compat::default()
        };
        let (state, _) = run(&case, swapped);
        assert!(agreement(&case, &state, 0, list) < 0.5 && agreement(&case, &state, 2, list) < 0.5);
    }

    #[test]
    fn feature_lists_describe_the_stored_features_except_in_the_original() {
        let case = case();
        let (state, _) = run(&case, Compat::default());
        assert_eq!(state.feature_channels.row(0).to_vec(), case.near.of(2));
        assert_eq!(state.feature_channels.row(2).to_vec(), case.near.of(2));
        assert_eq!(state.similar.row(2).to_vec(), [0, 1, 0, 1]);
        let stale = Compat {
            stale_split_features: true,
            ..Compat::default()
        };
        let (state, _) = run(&case, stale);
        assert_eq!(
            state.feature_channels.row(0).to_vec(),
            case.near.of(3),
            "channels of the mean, not of the features"
        );
        assert_eq!(state.similar.row(2)[0], 2);
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let case = case();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&case, Compat::default()))
        };
        let (one, three) = (with(1), with(3));
        assert_eq!(one.0, three.0);
        assert_eq!(one.1.len(), three.1.len());
    }
}
