//! One comparison of any number of runs: everything that a report shows and `ferrosort compare` writes, from the readers' runs and,
//! when it is at hand, the recording.
//!
//! Runs are places in [`Analysis::runs`]. What cannot be computed is a [`Part`] with the reason.

mod document;
mod drift;
mod intermediates;
mod pair;
mod prepare;
mod templates;

use ferrosort_core::{Error, Observer, Probe, Recording, Result, RunKind, SortingRun};
use ndarray::Array2;

pub use document::{to_json, to_tables};
pub use drift::RunDrift;
pub use intermediates::IntermediateComparison;
pub use pair::PairAnalysis;
pub use templates::TemplateAnalysis;

use crate::quality::{
    Extent, MetricRoc, QualityInputs, QualityParams, QualityTable, RuleSet, SpikeFeatures, SuspectLimits, UnitOverview,
    Verdicts, metric_rocs, overview, quality_table,
};
use crate::waveforms::{MeasureParams, Measured, measure};
use crate::{AgreementMethod, Consensus, ConsensusParams, Part, consensus};

/// Rate that is taken when no source says one, Hz.
const ASSUMED_RATE_HZ: f64 = 30_000.0;
/// Features of a unit's spikes that metrics use.
const MAX_FEATURE_SPIKES: usize = 500;
/// Distances that the search for nearest neighbours may take for a run: the spikes of a unit and its surroundings that are looked at
/// are as many as this allows, within these bounds (the upper is SpikeInterface's).
const NEIGHBOUR_DISTANCES: f64 = 4e8;
const NEIGHBOUR_SPIKES: [f64; 2] = [1000.0, 10_000.0];
/// The sets of rules behind [`RunAnalysis::verdicts`], in their order.
pub fn rule_sets() -> [RuleSet; 2] {
    [RuleSet::good(), RuleSet::single_unit()]
}

/// Accuracy from which a true unit counts as well detected.
pub const WELL_DETECTED: f64 = 0.8;

/// How runs are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisParams {
    /// The first run is the truth.
    pub truth: bool,
    /// The truth holds every spike of the recording.
    pub exhaustive: bool,
    /// Largest distance of coinciding spikes, ms.
    pub delta_time_ms: f64,
    /// Least agreement of a one-to-one match.
    pub match_score: f64,
    /// Least agreement of a possible match.
    pub chance_score: f64,
    /// Templates are a pair above this similarity.
    pub similarity_threshold: f64,
}

impl Default for AnalysisParams {
    fn default() -> Self {
        Self {
            truth: false,
            exhaustive: true,
            delta_time_ms: 0.4,
            match_score: 0.5,
            chance_score: 0.1,
            similarity_threshold: crate::intermediates::pairs::PAIR_THRESHOLD,
        }
    }
}

impl AnalysisParams {
    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    /// A distance or a score out of its range.
    pub fn check(&self) -> Result<()> {
        if !(0.0..=1000.0).contains(&self.delta_time_ms) {
            return Err(Error::input(format!(
                "--delta-ms is {}; give a number of ms from 0 to 1000",
                self.delta_time_ms
            )));
        }
        for (flag, score) in [
            ("--match-score", self.match_score),
            ("--chance-score", self.chance_score),
        ] {
            if !(0.0..=1.0).contains(&score) {
                return Err(Error::input(format!("{flag} is {score}; give a number from 0 to 1")));
            }
        }
        Ok(())
    }
}

/// The recording that the runs sorted.
#[derive(Clone, Copy)]
pub struct Signal<'a> {
    /// Samples.
    pub recording: &'a dyn Recording,
    /// Contacts of the recording.
    pub probe: &'a Probe,
}

/// What is known of one run.
#[derive(Debug, Clone)]
pub struct RunAnalysis {
    /// Spikes, units and what else the source holds, with what was measured filled in.
    pub run: SortingRun,
    /// Waveforms, amplitudes and noise from the recording.
    pub measured: Part<Measured>,
    /// Metrics of all units.
    pub quality: QualityTable,
    /// Features of some spikes: the source's own, else measured in the recording.
    pub features: Option<SpikeFeatures>,
    /// Units that look doubtful, and why.
    pub suspects: Vec<UnitOverview>,
    /// Units that meet the usual sets of rules.
    pub verdicts: Vec<Verdicts>,
    /// How well metrics tell well detected units from others, when there is a truth.
    pub rocs: Vec<MetricRoc>,
    /// Motion and spikes over depth.
    pub drift: RunDrift,
}

/// The whole comparison.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// How it was made.
    pub params: AnalysisParams,
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Length of the recording, samples.
    pub n_samples: u64,
    /// Contacts, in the order of every channel number outside of the runs' own arrays.
    pub probe: Option<Probe>,
    /// The runs as given; the first is the truth when [`AnalysisParams::truth`] says so.
    pub runs: Vec<RunAnalysis>,
    /// Every pair of runs, the first of which comes earlier.
    pub pairs: Vec<PairAnalysis>,
    /// The intermediates of the first two sortings.
    pub intermediates: Part<IntermediateComparison>,
    /// Units over more than two sortings.
    pub consensus: Part<Consensus>,
    /// What a reader should know, one sentence each.
    pub warnings: Vec<String>,
}

impl Analysis {
    /// Places of the runs that are not the truth.
    pub fn sortings(&self) -> std::ops::Range<usize> {
        usize::from(self.params.truth)..self.runs.len()
    }

    /// The comparison of these two runs, `a` before `b`.
    pub fn pair(&self, a: usize, b: usize) -> Option<&PairAnalysis> {
        self.pairs.iter().find(|pair| pair.a == a && pair.b == b)
    }

    /// Cosine similarity of the templates of one run with each other, `[units, units]`, when it has any or they were measured.
    pub fn similarity_within(&self, place: usize) -> Option<Array2<f64>> {
        templates::within(self, place)
    }

    /// Length of the recording, s.
    pub fn duration_s(&self) -> f64 {
        self.n_samples as f64 / self.sample_rate
    }
}

/// Analyses runs of one recording; one run alone gives what can be told of it.
///
/// # Errors
/// No runs, parameters out of range, I/O of the recording, cancellation.
pub fn analyse(
    mut runs: Vec<SortingRun>,
    signal: Option<Signal>,
    params: &AnalysisParams,
    observer: &dyn Observer,
) -> Result<Analysis> {
    if runs.is_empty() {
        return Err(Error::input("there is no result to look at; name at least one"));
    }
    prepare::distinct_names(&mut runs);
    let mut warnings = Vec::new();
    let sample_rate = prepare::sample_rate(&mut runs, signal, &mut warnings);
    if params.truth {
        prepare::set_background_apart(&mut runs[0]);
    }
    let n_samples = prepare::n_samples(&runs, signal, &mut warnings);
    for run in &runs {
        warnings.extend(run.warnings.iter().map(|warning| format!("{}: {warning}", run.name)));
    }
    let extent = Extent { sample_rate, n_samples };
    let mut analysed = Vec::with_capacity(runs.len());
    for run in runs {
        if observer.cancelled() {
            return Err(Error::Interrupted);
        }
        analysed.push(analyse_run(run, signal, extent, observer)?);
    }
    let mut analysis = Analysis {
        params: params.clone(),
        sample_rate,
        n_samples,
        probe: signal
            .map(|signal| signal.probe.clone())
            .or_else(|| analysed.iter().find_map(|run| run.run.probe.clone())),
        runs: analysed,
        pairs: Vec::new(),
        intermediates: Part::missing("there is only one sorting"),
        consensus: Part::missing("there are fewer than three sortings"),
        warnings,
    };
    compare_all(&mut analysis, observer)?;
    Ok(analysis)
}

fn analyse_run(
    mut run: SortingRun,
    signal: Option<Signal>,
    extent: Extent,
    observer: &dyn Observer,
) -> Result<RunAnalysis> {
    let measured = match signal {
        None => Part::missing("there is no recording; name it with --recording"),
        Some(_) if run.spikes.is_empty() => Part::missing("there are no spikes"),
        Some(signal) => {
            let params = MeasureParams::default();
            match measure(signal.recording, signal.probe, &run, &params, observer) {
                // A recording that does not fit this run must not stop the comparison of its spikes.
                Err(Error::Input(reason)) => Part::missing(reason),
                other => Part::Available(other?),
            }
        }
    };
    let inputs = match (measured.available(), signal) {
        (Some(measured), Some(signal)) => measured.quality_inputs(&run, signal.probe, MAX_FEATURE_SPIKES),
        _ => QualityInputs::from_run(&run, extent, MAX_FEATURE_SPIKES),
    };
    let [fewest, most] = NEIGHBOUR_SPIKES;
    let params = QualityParams {
        max_neighbour_spikes: (NEIGHBOUR_DISTANCES / run.units.len().max(1) as f64)
            .sqrt()
            .clamp(fewest, most) as usize,
        ..QualityParams::spikeinterface()
    };
    let quality = quality_table(&inputs, &params);
    prepare::fill_in(&mut run, measured.available(), &quality);
    let suspects = if run.kind == RunKind::Truth {
        Vec::new()
    } else {
        overview(&quality, &inputs.trains, extent, &SuspectLimits::default())
    };
    Ok(RunAnalysis {
        verdicts: rule_sets().iter().map(|rules| rules.apply(&quality)).collect(),
        quality,
        features: inputs.features,
        suspects,
        rocs: Vec::new(),
        drift: RunDrift::default(),
        measured,
        run,
    })
}

fn compare_all(analysis: &mut Analysis, observer: &dyn Observer) -> Result<()> {
    let trains: Vec<Vec<Vec<i64>>> = analysis.runs.iter().map(|run| run.run.trains()).collect();
    let n = analysis.runs.len();
    for a in 0..n {
        for b in a + 1..n {
            if observer.cancelled() {
                return Err(Error::Interrupted);
            }
            let with_truth = analysis.params.truth && a == 0;
            let pair = pair::compare((a, b), &trains, analysis, with_truth)?;
            analysis.pairs.push(pair);
        }
    }
    let sortings = analysis.sortings();
    if sortings.len() >= 2 {
        let (a, b) = (sortings.start, sortings.start + 1);
        analysis.intermediates = intermediates::compare(analysis, a, b);
    }
    if sortings.len() >= 3 {
        let params = ConsensusParams {
            delta_time_ms: analysis.params.delta_time_ms,
            match_score: analysis.params.match_score,
            method: AgreementMethod::Count,
        };
        analysis.consensus = consensus(&trains[sortings.clone()], analysis.sample_rate, params).into();
    }
    for place in sortings {
        let drift = drift::of_run(analysis, place);
        analysis.runs[place].drift = drift;
        if let Some(accuracy) = tested_accuracy(analysis, place) {
            analysis.runs[place].rocs = metric_rocs(&analysis.runs[place].quality, &accuracy, WELL_DETECTED);
        }
    }
    if analysis.params.truth {
        let drift = drift::of_truth(analysis);
        analysis.runs[0].drift = drift;
    }
    Ok(())
}

/// For each unit of a sorting, the accuracy of the true unit that it is matched with; 0 without one.
fn tested_accuracy(analysis: &Analysis, place: usize) -> Option<Vec<f64>> {
    if !analysis.params.truth {
        return None;
    }
    let spikes = analysis.pair(0, place)?.spikes.available()?;
    let units = &spikes.truth.as_ref()?.performance.performance_by_unit;
    let partners = &spikes.matches.hungarian_match_21;
    let accuracy = |partner: &Option<usize>| partner.and_then(|i| units.get(i)).map_or(0.0, |unit| unit.accuracy);
    Some(partners.iter().map(accuracy).collect())
}
