//! Templates of two runs side by side, in one space, on common channels.

use ferrosort_core::{Probe, SortingRun, TemplateSet, TemplateUnit};
use ndarray::{Array2, Array3, Axis};
use serde::Serialize;

use super::{Analysis, RunAnalysis};
use crate::intermediates::channels::ChannelPairs;
use crate::intermediates::pairs::{BestPartner, MOST_PAIRS, Similarities, TemplatePair, common_templates};
use crate::json;
use crate::waveforms::{Measured, ValueUnit};
use crate::{Part, SimilarityParams, template_dot_products, template_similarity};

/// Longest lag at which templates are compared, ms.
const MAX_LAG_MS: f64 = 0.5;

/// Similarity of the templates of two runs, `[units of a, units of b]`.
#[derive(Debug, Clone, Serialize)]
pub struct TemplateAnalysis {
    /// Where the templates came from, and in what they are.
    pub source: String,
    /// Largest cosine over lags up to half a millisecond.
    #[serde(serialize_with = "json::rows")]
    pub similarity: Array2<f64>,
    /// Its lag, samples; positive where b is later.
    #[serde(serialize_with = "json::rows")]
    pub lags: Array2<i32>,
    /// Plain dot products.
    #[serde(serialize_with = "json::rows")]
    pub dot: Array2<f64>,
    /// The most similar units of b of each unit of a.
    pub best_partners: Vec<BestPartner>,
    /// All pairs above the threshold, most similar first.
    pub template_pairs: Vec<TemplatePair>,
    /// Which channels were compared, in the channels of the compared templates.
    pub channels: ChannelPairs,
    /// Templates of a that were compared.
    #[serde(skip)]
    pub of_a: TemplateSet,
    /// Templates of b that were compared.
    #[serde(skip)]
    pub of_b: TemplateSet,
    /// Contacts of the channels of `of_a`.
    #[serde(skip)]
    pub probe_a: Option<Probe>,
}

/// Two sets in one space, with what they are.
struct Comparable {
    source: String,
    a: TemplateSet,
    b: TemplateSet,
    channels: ChannelPairs,
    probe_a: Option<Probe>,
}

pub(super) fn compare(
    analysis: &Analysis,
    (a, b): (usize, usize),
    agreement: Option<&Array2<f64>>,
) -> Part<TemplateAnalysis> {
    let (run_a, run_b) = (&analysis.runs[a], &analysis.runs[b]);
    let Some(comparable) = comparable(analysis, run_a, run_b) else {
        return Part::missing(
            "the templates of the two are not in one space; with --recording they are measured in the same way",
        );
    };
    if comparable.channels.pairs.is_empty() {
        return Part::missing("the templates have no channel in common");
    }
    let common = common_templates(&comparable.a, &comparable.b, &comparable.channels);
    let (of_a, of_b) = (common.a, common.b);
    let params = SimilarityParams {
        max_lag_samples: max_lag(analysis.sample_rate, of_a.shape()[1]),
        ..SimilarityParams::default()
    };
    let found = template_similarity(of_a.view(), of_b.view(), None, params)
        .and_then(|similarity| Ok((similarity, template_dot_products(of_a.view(), of_b.view())?)));
    let (similarity, dot) = match found {
        Ok(found) => found,
        Err(e) => return Part::missing(e.to_string()),
    };
    let similarities = Similarities {
        similarity: &similarity.similarity,
        lags: &similarity.lag,
        agreement,
    };
    Part::Available(TemplateAnalysis {
        source: comparable.source,
        best_partners: similarities.best_partners(&run_a.run, &run_b.run),
        template_pairs: similarities.pairs_above(analysis.params.similarity_threshold, MOST_PAIRS),
        dot,
        lags: similarity.lag,
        similarity: similarity.similarity,
        channels: comparable.channels,
        of_a: comparable.a,
        of_b: comparable.b,
        probe_a: comparable.probe_a,
    })
}

/// Cosine similarity of the templates of one run with each other, at no lag.
pub(super) fn within(analysis: &Analysis, place: usize) -> Option<Array2<f64>> {
    let run = &analysis.runs[place];
    let set = run
        .run
        .physical_templates
        .clone()
        .or_else(|| run.run.templates.clone())
        .or_else(|| measured_set(run.measured.available()?, analysis.probe.as_ref()?));
    let set = set.filter(|set| set.waveforms.shape()[0] == run.run.units.len())?;
    let view = set.waveforms.view();
    let params = SimilarityParams::default();
    template_similarity(view, view, None, params)
        .ok()
        .map(|found| found.similarity)
}

fn max_lag(sample_rate: f64, samples: usize) -> usize {
    let wanted = (MAX_LAG_MS / 1000.0 * sample_rate) as usize;
    // The windows are shorter by twice the lag.
    wanted.min(samples.saturating_sub(1) / 4)
}

/// Whitened templates of two runs of the Kilosort family, as the notebook compares them; else templates measured in the recording;
/// else templates of both in the same units.
fn comparable(analysis: &Analysis, a: &RunAnalysis, b: &RunAnalysis) -> Option<Comparable> {
    let own = |pick: fn(&SortingRun) -> Option<&TemplateSet>, source: &str| {
        let (of_a, of_b) = (pick(&a.run)?, pick(&b.run)?);
        let n_channels = |set: &TemplateSet| set.waveforms.shape()[2];
        (of_a.unit == of_b.unit && fits(of_a, &a.run) && fits(of_b, &b.run)).then(|| Comparable {
            source: source.to_string(),
            channels: ChannelPairs::from_probes(&a.run, &b.run, n_channels(of_a), n_channels(of_b)),
            a: of_a.clone(),
            b: of_b.clone(),
            probe_a: a.run.probe.clone(),
        })
    };
    let whitened = |run: &RunAnalysis| {
        run.run
            .templates
            .as_ref()
            .is_some_and(|t| t.unit == TemplateUnit::Whitened)
    };
    if whitened(a) && whitened(b) {
        return own(|run| run.templates.as_ref(), "whitened templates of both results");
    }
    let measured = || {
        let probe = analysis.probe.as_ref()?;
        let (of_a, of_b) = (a.measured.available()?, b.measured.available()?);
        Some(Comparable {
            source: format!("mean waveforms in the recording, {}", of_a.unit.as_str()),
            a: measured_set(of_a, probe)?,
            b: measured_set(of_b, probe)?,
            channels: ChannelPairs {
                pairs: (0..probe.len()).map(|c| (c, c)).collect(),
                basis: "channels of the recording".to_string(),
            },
            probe_a: Some(probe.clone()),
        })
    };
    measured().or_else(|| {
        own(
            |run| run.physical_templates.as_ref(),
            "unwhitened templates of both results",
        )
    })
}

fn fits(set: &TemplateSet, run: &SortingRun) -> bool {
    set.waveforms.shape()[0] == run.units.len() && set.spike_at < set.waveforms.shape()[1]
}

/// Measured waveforms on all channels, 0 where they were not measured.
fn measured_set(measured: &Measured, probe: &Probe) -> Option<TemplateSet> {
    let mut waveforms = Array3::zeros((measured.units.len(), measured.waveform_samples, probe.len()));
    for (u, unit) in measured.units.iter().enumerate() {
        for (row, &channel) in unit.template.rows().into_iter().zip(&unit.channels) {
            if channel >= probe.len() {
                return None;
            }
            waveforms.index_axis_mut(Axis(0), u).column_mut(channel).assign(&row);
        }
    }
    Some(TemplateSet {
        waveforms,
        spike_at: measured.spike_at,
        unit: match measured.unit {
            ValueUnit::Microvolts => TemplateUnit::Microvolts,
            ValueUnit::Counts => TemplateUnit::Counts,
        },
    })
}
