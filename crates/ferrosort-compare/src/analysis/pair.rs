//! Two runs: spikes, templates, and units over time when one is the truth.

use ferrosort_core::{Result, SortingRun};
use serde::Serialize;

use super::{Analysis, TemplateAnalysis, templates};
use crate::drift::stability::{Stability, StabilityParams, Trains, stability};
use crate::{CompareParams, Part, SpikeComparison, TruthParams, compare_spikes};

/// The comparison of two runs. Rows of matrices belong to `a`.
#[derive(Debug, Clone, Serialize)]
pub struct PairAnalysis {
    /// Place of the first run.
    pub a: usize,
    /// Place of the second.
    pub b: usize,
    /// Everything that spikes tell.
    pub spikes: Part<SpikeComparison>,
    /// Everything that templates tell.
    pub templates: Part<TemplateAnalysis>,
    /// True units over time, when `a` is the truth.
    pub stability: Part<Stability>,
}

type AllTrains = [Vec<Vec<i64>>];

pub(super) fn compare(
    (a, b): (usize, usize),
    trains: &AllTrains,
    analysis: &Analysis,
    with_truth: bool,
) -> Result<PairAnalysis> {
    let (run_a, run_b) = (&analysis.runs[a].run, &analysis.runs[b].run);
    let mut params = CompareParams {
        delta_time_ms: analysis.params.delta_time_ms,
        match_score: analysis.params.match_score,
        chance_score: analysis.params.chance_score,
        unit_ids_a: ids(run_a),
        unit_ids_b: ids(run_b),
        ..CompareParams::new(analysis.sample_rate)
    };
    if with_truth {
        params = params.with_truth(truth_params(analysis, b));
    }
    let spikes = match (run_a.sample_rate, run_b.sample_rate) {
        (Some(rate_a), Some(rate_b)) if rate_a != rate_b => Part::missing(format!(
            "the sample rates differ: {rate_a} Hz in {}, {rate_b} Hz in {}; spikes cannot be matched",
            run_a.name, run_b.name
        )),
        _ => Part::Available(compare_spikes(&trains[a], &trains[b], &params)?),
    };
    let agreement = spikes.available().map(|spikes| &spikes.agreement);
    let templates = templates::compare(analysis, (a, b), agreement);
    let stability = match spikes.available().filter(|_| with_truth) {
        Some(spikes) => over_time((a, b), trains, analysis, spikes),
        None => Part::missing("it needs a truth"),
    };
    Ok(PairAnalysis {
        a,
        b,
        spikes,
        templates,
        stability,
    })
}

fn ids(run: &SortingRun) -> Vec<String> {
    run.units.iter().map(|unit| unit.id.clone()).collect()
}

/// What the truth, run 0, knows beyond its spikes.
fn truth_params(analysis: &Analysis, tested: usize) -> TruthParams {
    let (truth, tested) = (&analysis.runs[0].run, &analysis.runs[tested].run);
    let details = truth.truth.clone().unwrap_or_default();
    let known_exhaustive = truth.truth.as_ref().is_none_or(|details| details.exhaustive);
    let all = |value: fn(&ferrosort_core::RunUnit) -> Option<f64>| -> Option<Vec<f64>> {
        truth.units.iter().map(value).collect()
    };
    let depths = |run: &SortingRun| -> Option<Vec<f64>> {
        run.units.iter().map(|unit| unit.position_um.map(|p| p[1])).collect()
    };
    TruthParams {
        overlap: details
            .overlap
            .filter(|overlap| overlap.len() == truth.spikes.len())
            .map(|overlap| by_unit(truth, &overlap)),
        background_samples: details.background_samples,
        known_offset_samples: details.known_offset_samples,
        depths_um: depths(truth).zip(depths(tested)),
        snr: all(|unit| unit.snr),
        amplitude: all(|unit| unit.ptp_uv),
        similarity: templates::within(analysis, 0),
        ..TruthParams::new(analysis.params.exhaustive && known_exhaustive)
    }
}

/// A column of all spikes as one list for each unit.
fn by_unit(run: &SortingRun, column: &[u8]) -> Vec<Vec<u8>> {
    let mut lists = vec![Vec::new(); run.units.len()];
    for (&unit, &value) in run.spikes.units.iter().zip(column) {
        if let Some(list) = lists.get_mut(unit as usize) {
            list.push(value);
        }
    }
    lists
}

fn over_time(
    (a, b): (usize, usize),
    trains: &AllTrains,
    analysis: &Analysis,
    spikes: &SpikeComparison,
) -> Part<Stability> {
    let truth = &analysis.runs[a].run;
    let depths: Vec<f64> = truth
        .units
        .iter()
        .map(|u| u.position_um.map_or(f64::NAN, |p| p[1]))
        .collect();
    let over_time = Trains {
        truth: &trains[a],
        tested: &trains[b],
        matches: &spikes.matches.hungarian_match_12,
        depths_um: &depths,
        sample_rate: analysis.sample_rate,
        n_samples: analysis.n_samples,
    };
    let params = StabilityParams {
        window_s: window_s(analysis.duration_s()),
        tolerance: spikes.delta_samples,
        ..StabilityParams::default()
    };
    Part::Available(stability(&over_time, truth.motion.as_ref(), &params))
}

/// A minute, or less when the recording has fewer than eight of them.
fn window_s(duration_s: f64) -> f64 {
    (duration_s / 8.0).clamp(1.0, 60.0)
}
