//! What a comparison may be told.

use ferrosort_core::{Error, Result};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::benchmarks::{K4Params, KsParams};
use crate::matching::{AgreementMethod, default_tolerances_ms};
use crate::truth::{ClassThresholds, CollisionParams};

/// Which partner of a true unit its performance is measured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchMode {
    /// The one-to-one match.
    #[default]
    Hungarian,
    /// The best match, which several true units may share.
    Best,
}

/// Parameters of [`super::compare_spikes`]. Defaults are SpikeInterface's.
#[derive(Debug, Clone)]
pub struct CompareParams {
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Largest distance of coinciding spikes, ms.
    pub delta_time_ms: f64,
    /// Least agreement of a one-to-one match.
    pub match_score: f64,
    /// Least agreement of a possible or best match.
    pub chance_score: f64,
    /// Which agreement decides.
    pub method: AgreementMethod,
    /// Samples to subtract from the second sorting.
    pub time_offset_samples: i64,
    /// Names of the units; numbers from 0 if empty.
    pub unit_ids_a: Vec<String>,
    /// Names of the units; numbers from 0 if empty.
    pub unit_ids_b: Vec<String>,
    /// Present when the first sorting is the truth.
    pub truth: Option<TruthParams>,
}

impl CompareParams {
    /// Two sorters at `sample_rate` Hz.
    pub fn new(sample_rate: f64) -> Self {
        Self {
            sample_rate,
            delta_time_ms: 0.4,
            match_score: 0.5,
            chance_score: 0.1,
            method: AgreementMethod::Count,
            time_offset_samples: 0,
            unit_ids_a: Vec::new(),
            unit_ids_b: Vec::new(),
            truth: None,
        }
    }

    /// The same with the first sorting as the truth.
    pub fn with_truth(self, truth: TruthParams) -> Self {
        Self {
            truth: Some(truth),
            ..self
        }
    }

    pub(super) fn check(&self, a: &[Vec<i64>], b: &[Vec<i64>]) -> Result<()> {
        if !(self.sample_rate > 0.0 && self.sample_rate.is_finite()) {
            return Err(Error::input(format!(
                "a sampling rate of {} Hz is not usable; give a positive number",
                self.sample_rate
            )));
        }
        let longest_ms = 1000.0;
        if !(0.0..=longest_ms).contains(&self.delta_time_ms) {
            return Err(Error::input(format!(
                "a tolerance of {} ms is not usable; give a number from 0 to {longest_ms}",
                self.delta_time_ms
            )));
        }
        for (name, score) in [("match score", self.match_score), ("chance score", self.chance_score)] {
            if !(0.0..=1.0).contains(&score) {
                return Err(Error::input(format!(
                    "a {name} of {score} is not usable; give a number from 0 to 1"
                )));
            }
        }
        check_length(
            "names of units of the first sorting",
            self.unit_ids_a.len(),
            a.len(),
            true,
        )?;
        check_length(
            "names of units of the second sorting",
            self.unit_ids_b.len(),
            b.len(),
            true,
        )?;
        self.truth.as_ref().map_or(Ok(()), |truth| truth.check(a, b))
    }
}

/// What is known about a truth besides its spikes. Lists are in the order of its units.
#[derive(Debug, Clone)]
pub struct TruthParams {
    /// Every spike of the recording is known, so that a unit that matches nothing is wrong.
    pub exhaustive: bool,
    /// With which partner performance is measured.
    pub match_mode: MatchMode,
    /// Agreements that separate the classes of units.
    pub thresholds: ClassThresholds,
    /// Ascending samples of spikes of background units.
    pub background_samples: Vec<i64>,
    /// Kind of overlap of every spike: 0 alone, 1 another unit near in time, 2 near in time and place.
    pub overlap: Option<Vec<Vec<u8>>>,
    /// Samples by which the truth's spikes are known to be late.
    pub known_offset_samples: i64,
    /// Tolerances at which accuracies are measured, ms; none if empty.
    pub tolerances_ms: Vec<f64>,
    /// Depths of the true and the tested units, µm.
    pub depths_um: Option<(Vec<f64>, Vec<f64>)>,
    /// Signal-to-noise ratios of the true units.
    pub snr: Option<Vec<f64>>,
    /// Mean amplitudes of the true units, as the source gives them.
    pub amplitude: Option<Vec<f64>>,
    /// Cosine similarities of the true templates, `[true units, true units]`.
    pub similarity: Option<Array2<f64>>,
    /// Collisions.
    pub collisions: CollisionParams,
    /// Correlograms that are compared: whole window and bin, ms.
    pub correlogram_ms: (f64, f64),
    /// Kilosort's benchmark.
    pub kilosort: KsParams,
    /// Kilosort4's benchmark.
    pub kilosort4: K4Params,
    /// SpikeForest's tolerance, ms.
    pub spikeforest_tolerance_ms: f64,
    /// SpikeForest's least signal-to-noise ratio.
    pub spikeforest_snr: f64,
}

impl TruthParams {
    /// A truth of which nothing else is known; `exhaustive` if it holds every spike of the recording.
    pub fn new(exhaustive: bool) -> Self {
        Self {
            exhaustive,
            match_mode: MatchMode::Hungarian,
            thresholds: ClassThresholds::default(),
            background_samples: Vec::new(),
            overlap: None,
            known_offset_samples: 0,
            tolerances_ms: default_tolerances_ms(),
            depths_um: None,
            snr: None,
            amplitude: None,
            similarity: None,
            collisions: CollisionParams::default(),
            correlogram_ms: (100.0, 1.0),
            kilosort: KsParams::default(),
            kilosort4: K4Params::default(),
            spikeforest_tolerance_ms: 1.0,
            spikeforest_snr: 8.0,
        }
    }

    fn check(&self, a: &[Vec<i64>], b: &[Vec<i64>]) -> Result<()> {
        if let Some((of_a, of_b)) = &self.depths_um {
            check_length("depths of true units", of_a.len(), a.len(), false)?;
            check_length("depths of tested units", of_b.len(), b.len(), false)?;
        }
        for (name, list) in [("signal-to-noise ratios", &self.snr), ("amplitudes", &self.amplitude)] {
            if let Some(values) = list {
                check_length(name, values.len(), a.len(), false)?;
            }
        }
        if let Some(similarity) = &self.similarity {
            check_length("rows of template similarity", similarity.nrows(), a.len(), false)?;
            check_length("columns of template similarity", similarity.ncols(), a.len(), false)?;
        }
        if let Some(overlap) = &self.overlap {
            check_length("lists of overlaps", overlap.len(), a.len(), false)?;
            for (kinds, train) in overlap.iter().zip(a) {
                check_length("overlaps of a unit's spikes", kinds.len(), train.len(), false)?;
            }
        }
        if !self.background_samples.is_sorted() {
            return Err(Error::input(
                "the background spikes are out of order; sort them by time",
            ));
        }
        if self
            .tolerances_ms
            .iter()
            .any(|tolerance| !(0.0..=1000.0).contains(tolerance))
        {
            return Err(Error::input(
                "a tolerance is not between 0 and 1000 ms; correct the list of tolerances",
            ));
        }
        Ok(())
    }
}

fn check_length(what: &str, found: usize, expected: usize, may_be_empty: bool) -> Result<()> {
    if found == expected || (may_be_empty && found == 0) {
        return Ok(());
    }
    Err(Error::input(format!(
        "the number of {what} is {found} instead of {expected}; give one for each"
    )))
}
