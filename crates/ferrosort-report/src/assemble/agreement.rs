//! Part III: every pair of runs, and the consensus of many.

use ferrosort_compare::PairSummary;
use ferrosort_compare::analysis::{Analysis, PairAnalysis};

use super::{convert, matrix};
use crate::model::{Agreement, Consensus, ConsensusUnit, Fact, Kept, PairAgreement, Part};

pub(super) fn agreement(analysis: &Analysis) -> Part<Agreement> {
    if analysis.pairs.is_empty() {
        return Part::missing("there is only one result");
    }
    // Sortings with each other first; then each with the truth.
    let with_truth = |pair: &&PairAnalysis| analysis.params.truth && pair.a == 0;
    let mut pairs: Vec<&PairAnalysis> = analysis.pairs.iter().collect();
    pairs.sort_by_key(with_truth);
    let found: Vec<PairAgreement> = pairs.iter().filter_map(|pair| pair_agreement(analysis, pair)).collect();
    if found.is_empty() {
        let reason = analysis.pairs.iter().find_map(|pair| pair.spikes.reason());
        return Part::missing(reason.unwrap_or("the spikes cannot be matched"));
    }
    let first = analysis.sortings().start;
    Part::Available(Agreement {
        pairs: found,
        consensus: convert(&analysis.consensus, |consensus| Consensus {
            runs: analysis.sortings().collect(),
            units: consensus
                .units
                .iter()
                .map(|unit| ConsensusUnit {
                    members: unit.members.iter().map(|m| (m.run + first, m.unit)).collect(),
                    mean_agreement: unit.avg_agreement,
                })
                .collect(),
        }),
    })
}

fn pair_agreement(analysis: &Analysis, pair: &PairAnalysis) -> Option<PairAgreement> {
    let spikes = pair.spikes.available()?;
    Some(PairAgreement {
        a: pair.a,
        b: pair.b,
        tolerance_ms: analysis.params.delta_time_ms,
        scores: matrix(&spikes.agreement, Kept::Levels16),
        row_order: spikes.ordered.rows.clone(),
        column_order: spikes.ordered.columns.clone(),
        matches: spikes.matches.hungarian_match_12.clone(),
        facts: facts(&spikes.summary, analysis, pair, spikes.estimated_offset_samples),
    })
}

fn facts(summary: &PairSummary, analysis: &Analysis, pair: &PairAnalysis, offset: Option<f64>) -> Vec<Fact> {
    let name = |place: usize| &analysis.runs[place].run.name;
    let (a, b) = (name(pair.a), name(pair.b));
    let count = |text: String, n: usize| Fact::number(text, n as f64, "");
    let mut facts = vec![
        count("pairs that agree by 0.5 or more".into(), summary.n_pairs_above_half),
        count("pairs that agree by 0.8 or more".into(), summary.n_pairs_above_0_8),
        count(format!("units only in {a}"), summary.n_unmatched[0]),
        count(format!("units only in {b}"), summary.n_unmatched[1]),
        Fact::number("median agreement of the pairs", summary.median_agreement, ""),
        Fact::number(
            format!("spikes of {a} that its partners in {b} have too"),
            100.0 * summary.explained_spikes[0],
            "%",
        ),
        Fact::number(
            format!("spikes of {b} that its partners in {a} have too"),
            100.0 * summary.explained_spikes[1],
            "%",
        ),
    ];
    if let Some(offset) = offset {
        facts.push(Fact::number(format!("{b} is later than {a} by"), offset, "samples"));
    }
    facts
}
