//! How well a sorting finds the units of a simulation, by SpikeInterface's rules.

use std::path::Path;

use ferrosort_compare::analysis::{AnalysisParams, WELL_DETECTED};
use ferrosort_compare::{
    ClassThresholds, agreement_scores, classify_units, estimate_offset, match_event_count, match_units, performance,
    tolerance_samples,
};
use ferrosort_core::{Error, Result, SortingRun};
use ferrosort_formats::results::{ReadOptions, read_run};
use serde::Serialize;

/// Ranges of signal-to-noise ratio that have a mean of their own: from the first number to below the second.
pub const SNR_RANGES: [[f64; 2]; 4] = [[0.0, 6.0], [6.0, 10.0], [10.0, 20.0], [20.0, f64::INFINITY]];
/// Farthest delay of a sorter's spikes that is looked for, ms.
const OFFSET_REACH_MS: f64 = 2.0;

/// The units that a sorter should find.
pub struct Truth {
    ids: Vec<String>,
    snr: Vec<Option<f64>>,
    trains: Vec<Vec<i64>>,
    sample_rate: f64,
}

/// What a sorting is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// True units.
    pub n_units: usize,
    /// Mean accuracy of all true units; 0 for those without a partner. `None` without units.
    pub mean_accuracy: Option<f64>,
    /// True units with an accuracy of at least 0.8.
    pub n_well_detected: usize,
    /// Sorted units that are not labelled noise.
    pub n_claimed: usize,
    /// Claimed units that are no true unit.
    pub n_false_positive: usize,
    /// Claimed units that repeat a true unit which another one finds better.
    pub n_redundant: usize,
    /// Claimed units that hold several true units.
    pub n_overmerged: usize,
    /// Means over true units of similar signal-to-noise ratio.
    pub by_snr: Vec<SnrMean>,
    /// Samples by which the sorted spikes are late; nothing was subtracted.
    pub offset_samples: Option<f64>,
    /// Every true unit.
    pub units: Vec<UnitScore>,
}

/// Mean accuracy in a range of signal-to-noise ratio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SnrMean {
    /// Lower end of the range.
    pub from: f64,
    /// Upper end, not part of it; `None` for no end.
    pub below: Option<f64>,
    /// True units in it.
    pub n_units: usize,
    /// Their mean accuracy.
    pub mean_accuracy: Option<f64>,
}

/// One true unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitScore {
    /// Name in the simulation.
    pub id: String,
    /// Signal-to-noise ratio.
    pub snr: Option<f64>,
    /// Accuracy with the partner, 0 without one.
    pub accuracy: f64,
}

impl Truth {
    /// Reads the truth of a simulated recording. Units of the background are nobody's to find.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn read(folder: &Path) -> Result<Self> {
        let options = ReadOptions {
            prefer_truth: true,
            ..ReadOptions::default()
        };
        let run = read_run(folder, &options)?;
        let sample_rate = run.sample_rate.ok_or_else(|| {
            Error::input(format!(
                "the truth in {} does not say its sample rate; remove the folder, and it is simulated again",
                folder.display()
            ))
        })?;
        let units = || {
            run.units
                .iter()
                .zip(run.trains())
                .filter(|(unit, _)| !unit.is_background)
        };
        Ok(Self {
            ids: units().map(|(unit, _)| unit.id.clone()).collect(),
            snr: units().map(|(unit, _)| unit.snr).collect(),
            trains: units().map(|(_, train)| train).collect(),
            sample_rate,
        })
    }

    /// Scores a sorting: spikes within 0.4 ms coincide, partners have an agreement of at least 0.5, every true spike is known.
    ///
    /// # Errors
    /// The sorting has another sample rate.
    pub fn score(&self, run: &SortingRun) -> Result<Score> {
        if let Some(rate) = run.sample_rate.filter(|&rate| rate != self.sample_rate) {
            return Err(Error::input(format!(
                "result {} has a sample rate of {rate} Hz and its recording one of {} Hz; sort the recording again",
                run.source.display(),
                self.sample_rate
            )));
        }
        let claimed: Vec<Vec<i64>> = run
            .units
            .iter()
            .zip(run.trains())
            .filter(|(unit, _)| !unit.is_noise())
            .map(|(_, train)| train)
            .collect();
        Ok(self.score_trains(&claimed))
    }

    fn score_trains(&self, claimed: &[Vec<i64>]) -> Score {
        let params = AnalysisParams::default();
        let tolerance = tolerance_samples(params.delta_time_ms, self.sample_rate);
        let lengths = |trains: &[Vec<i64>]| -> Vec<usize> { trains.iter().map(Vec::len).collect() };
        let (n_true, n_claimed) = (lengths(&self.trains), lengths(claimed));
        let counts = match_event_count(&self.trains, claimed, tolerance, false);
        let agreement = agreement_scores(&counts, &n_true, &n_claimed);
        let matches = match_units(&agreement, params.match_score, params.chance_score);
        let classes = classify_units(&agreement, &matches, ClassThresholds::default(), true);
        let found = performance(&counts, &matches.hungarian_match_12, &n_true, &n_claimed);
        let units: Vec<UnitScore> = found
            .performance_by_unit
            .iter()
            .zip(self.ids.iter().zip(&self.snr))
            .map(|(found, (id, &snr))| UnitScore {
                id: id.clone(),
                snr,
                accuracy: found.accuracy,
            })
            .collect();
        let number = |class: &Option<Vec<usize>>| class.as_ref().map_or(0, Vec::len);
        let reach = tolerance_samples(OFFSET_REACH_MS, self.sample_rate);
        Score {
            n_units: units.len(),
            mean_accuracy: mean(units.iter().map(|unit| unit.accuracy)),
            n_well_detected: units.iter().filter(|unit| unit.accuracy >= WELL_DETECTED).count(),
            n_claimed: claimed.len(),
            n_false_positive: number(&classes.false_positive),
            n_redundant: number(&classes.redundant),
            n_overmerged: number(&classes.overmerged),
            by_snr: SNR_RANGES.iter().map(|&range| in_range(&units, range)).collect(),
            offset_samples: estimate_offset(&self.trains, claimed, reach),
            units,
        }
    }
}

/// Mean of some numbers, if there are any.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0_usize, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / n as f64)
}

fn in_range(units: &[UnitScore], [from, below]: [f64; 2]) -> SnrMean {
    let inside = || {
        units
            .iter()
            .filter(move |unit| unit.snr.is_some_and(|snr| snr >= from && snr < below))
    };
    SnrMean {
        from,
        below: below.is_finite().then_some(below),
        n_units: inside().count(),
        mean_accuracy: mean(inside().map(|unit| unit.accuracy)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::{RunKind, RunUnit};

    use super::*;

    /// 100 spikes, 20 ms apart, from this sample on.
    fn train(first: i64) -> Vec<i64> {
        (0..100).map(|k| first + 600 * k).collect()
    }

    fn truth() -> Truth {
        Truth {
            ids: ["a", "b", "c"].map(String::from).to_vec(),
            snr: vec![Some(4.0), Some(8.0), Some(30.0)],
            trains: vec![train(0), train(200), train(400)],
            sample_rate: 30_000.0,
        }
    }

    #[test]
    fn units_are_found_missed_invented_and_repeated() {
        let half = train(0)[..60].to_vec();
        let repeated = train(0)[..30].to_vec();
        let score = truth().score_trains(&[half, train(203), train(300), repeated]);
        assert_eq!(score.mean_accuracy, Some((0.6 + 1.0) / 3.0));
        assert_eq!((score.n_units, score.n_well_detected, score.n_claimed), (3, 1, 4));
        assert_eq!(
            (score.n_false_positive, score.n_redundant, score.n_overmerged),
            (1, 1, 0)
        );
        let means: Vec<_> = score
            .by_snr
            .iter()
            .map(|bin| (bin.n_units, bin.mean_accuracy))
            .collect();
        assert_eq!(
            means,
            [(1, Some(0.6)), (1, Some(1.0)), (0, None), (1, Some(0.0))],
            "by signal-to-noise ratio"
        );
    }

    #[test]
    fn units_labelled_noise_are_not_claimed() {
        let mut run = SortingRun::new("s", "s", RunKind::Phy);
        run.units = vec![RunUnit::default(); 2];
        run.units[1].label = Some("noise".into());
        let spikes = [(train(0), 0), (train(300), 1)].map(|(train, unit)| train.into_iter().map(move |s| (s, unit)));
        let mut spikes: Vec<(i64, u32)> = spikes.into_iter().flatten().collect();
        spikes.sort_unstable();
        run.spikes.samples = spikes.iter().map(|spike| spike.0).collect();
        run.spikes.units = spikes.iter().map(|spike| spike.1).collect();
        let score = truth().score(&run).unwrap();
        assert_eq!((score.n_claimed, score.n_false_positive), (1, 0));
        run.sample_rate = Some(20_000.0);
        assert!(truth().score(&run).unwrap_err().to_string().contains("20000 Hz"));
    }

    #[test]
    fn a_sorting_without_units_scores_nothing() {
        let score = truth().score_trains(&[]);
        assert_eq!((score.mean_accuracy, score.n_claimed), (Some(0.0), 0));
    }
}
