//! Everything that can be told from the spikes of two sortings.

mod against_truth;
mod params;
mod tables;

use ferrosort_core::{Error, Result};
use ndarray::Array2;
use serde::Serialize;

pub use against_truth::TruthComparison;
pub use params::{CompareParams, MatchMode, TruthParams};
pub use tables::comparison_tables;

use crate::json;
use crate::matching::{
    AgreementMethod, DistanceAgreement, PairSummary, UnitMatches, UnitOrder, agreement_scores, count_matches,
    distance_between, estimate_offset, match_units, matched_pairs, order_by_agreement, summarize_pair,
    tolerance_samples,
};
use crate::merged::merge;

/// Farthest delay between two sortings that is looked for, ms.
const OFFSET_REACH_MS: f64 = 2.0;

/// Result of [`compare_spikes`]. In JSON matrices are lists of rows (a) of columns (b), units are places in `unit_ids_a` and
/// `unit_ids_b` or -1, and numbers that do not exist are `null`.
#[derive(Debug, Clone, Serialize)]
pub struct SpikeComparison {
    /// Names of the units of a (the truth, when there is one).
    pub unit_ids_a: Vec<String>,
    /// Names of the units of b.
    pub unit_ids_b: Vec<String>,
    /// Spikes of each unit of a.
    pub event_counts_a: Vec<usize>,
    /// Spikes of each unit of b.
    pub event_counts_b: Vec<usize>,
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Largest distance of coinciding spikes, samples.
    pub delta_samples: i64,
    /// Samples that were subtracted from b before everything else.
    pub time_offset_samples: i64,
    /// Samples by which b is late against a, estimated from all spikes before that subtraction.
    pub estimated_offset_samples: Option<f64>,
    /// Coinciding spikes, `[units of a, units of b]`.
    #[serde(serialize_with = "json::rows")]
    pub match_event_count: Array2<u32>,
    /// Agreement by the chosen method, `[units of a, units of b]`.
    #[serde(serialize_with = "json::rows")]
    pub agreement: Array2<f64>,
    /// Agreement by distance, `[units of a, units of b]`.
    #[serde(serialize_with = "json::rows")]
    pub distance_agreement: Array2<f64>,
    /// Matches of the units.
    #[serde(flatten)]
    pub matches: UnitMatches,
    /// An order of the units with the matches on the diagonal.
    pub ordered: UnitOrder,
    /// The scores by distance of the one-to-one pairs.
    pub distance_pairs: Vec<DistancePair>,
    /// The comparison in a few numbers.
    pub summary: PairSummary,
    /// What needs a truth: present when a is one.
    #[serde(flatten)]
    pub truth: Option<TruthComparison>,
}

/// Scores of a pair of units that weigh near spikes by their distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DistancePair {
    /// Unit of a.
    pub unit_a: usize,
    /// Unit of b.
    pub unit_b: usize,
    /// `dot / (norm_a + norm_b - dot)`.
    pub accuracy: f64,
    /// `dot / norm_a`.
    pub recall: f64,
    /// `dot / norm_b`.
    pub precision: f64,
    /// `dot / sqrt(norm_a norm_b)`.
    pub cosine: f64,
}

/// Compares the spikes of two sortings, ascending samples of each unit. With [`CompareParams::truth`], a is the truth.
///
/// # Errors
/// A parameter is out of range, a train is not in ascending order, or a list in the parameters has the wrong length.
pub fn compare_spikes(a: &[Vec<i64>], b: &[Vec<i64>], params: &CompareParams) -> Result<SpikeComparison> {
    params.check(a, b)?;
    check_trains(a, "the first sorting")?;
    check_trains(b, "the second sorting")?;
    let reach = tolerance_samples(OFFSET_REACH_MS, params.sample_rate);
    let estimated_offset_samples = estimate_offset(a, b, reach);
    let shifted = shifted_back(b, params.time_offset_samples);
    let b = shifted.as_deref().unwrap_or(b);
    let delta_samples = tolerance_samples(params.delta_time_ms, params.sample_rate);
    let (n_a, n_b) = (lengths(a), lengths(b));
    let (merged_a, merged_b) = (merge(a), merge(b));
    let counts = count_matches(a, b, &merged_a, &merged_b, delta_samples, params.truth.is_none());
    let distance = distance_between(a, b, &merged_a, &merged_b, delta_samples);
    drop((merged_a, merged_b));
    let agreement = match params.method {
        AgreementMethod::Count => agreement_scores(&counts, &n_a, &n_b),
        AgreementMethod::Distance => distance.accuracy.clone(),
    };
    let matches = match_units(&agreement, params.match_score, params.chance_score);
    let mut comparison = SpikeComparison {
        unit_ids_a: ids(&params.unit_ids_a, a.len()),
        unit_ids_b: ids(&params.unit_ids_b, b.len()),
        sample_rate: params.sample_rate,
        delta_samples,
        time_offset_samples: params.time_offset_samples,
        estimated_offset_samples,
        ordered: order_by_agreement(&agreement),
        distance_pairs: distance_pairs(&distance, &matches),
        summary: summarize_pair(&counts, &agreement, &matches, &n_a, &n_b),
        event_counts_a: n_a,
        event_counts_b: n_b,
        match_event_count: counts,
        agreement,
        distance_agreement: distance.accuracy,
        matches,
        truth: None,
    };
    if let Some(truth) = &params.truth {
        comparison.truth = Some(TruthComparison::new(a, b, &comparison, params, truth)?);
    }
    Ok(comparison)
}

pub(crate) fn lengths(trains: &[Vec<i64>]) -> Vec<usize> {
    trains.iter().map(Vec::len).collect()
}

fn shifted_back(trains: &[Vec<i64>], offset: i64) -> Option<Vec<Vec<i64>>> {
    let shift = |train: &Vec<i64>| train.iter().map(|sample| sample - offset).collect();
    (offset != 0).then(|| trains.iter().map(shift).collect())
}

fn check_trains(trains: &[Vec<i64>], which: &str) -> Result<()> {
    // Twice as many spikes would not fit in the 32-bit places of spikes.
    let n_spikes: usize = trains.iter().map(Vec::len).sum();
    if n_spikes > (u32::MAX / 2) as usize {
        return Err(Error::input(format!(
            "{which} has {n_spikes} spikes, more than can be compared; split it in time"
        )));
    }
    match trains.iter().position(|train| !train.is_sorted()) {
        Some(unit) => Err(Error::input(format!(
            "unit {unit} of {which} has spikes out of order; sort the spikes of every unit by time"
        ))),
        None => Ok(()),
    }
}

/// Given names, or numbers from 0.
fn ids(given: &[String], n_units: usize) -> Vec<String> {
    if given.is_empty() {
        return (0..n_units).map(|unit| unit.to_string()).collect();
    }
    given.to_vec()
}

fn distance_pairs(distance: &DistanceAgreement, matches: &UnitMatches) -> Vec<DistancePair> {
    let pair = |(i, j): (usize, usize)| DistancePair {
        unit_a: i,
        unit_b: j,
        accuracy: distance.accuracy[[i, j]],
        recall: distance.recall[[i, j]],
        precision: distance.precision[[i, j]],
        cosine: distance.cosine[[i, j]],
    };
    matched_pairs(&matches.hungarian_match_12)
        .into_iter()
        .map(pair)
        .collect()
}

#[cfg(test)]
mod tests;
