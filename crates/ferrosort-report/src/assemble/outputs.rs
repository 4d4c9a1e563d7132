//! Part II: templates of two runs, and the spikes of units that look alike.

use ferrosort_compare::analysis::{Analysis, PairAnalysis, TemplateAnalysis};
use ferrosort_compare::intermediates::pairs::{TemplatePair as Found, pair_waveforms};
use ferrosort_compare::intermediates::rasters::{NOTEBOOK_WINDOW, RasterSpike, pair_raster};

use super::budget::Budget;
use super::channels::Channels;
use super::matrix;
use crate::model::{Array, Kept, Outputs, PairRaster, PairWaveforms, Part, TemplateComparison, TemplatePair};

pub(super) fn outputs(analysis: &Analysis, channels: &Channels, budget: &Budget) -> Part<Outputs> {
    if analysis.pairs.is_empty() {
        return Part::missing("there is only one result");
    }
    let trains: Vec<Vec<Vec<i64>>> = analysis.runs.iter().map(|run| run.run.trains()).collect();
    let sortings_first = |pair: &&PairAnalysis| analysis.params.truth && pair.a == 0;
    let mut pairs: Vec<&PairAnalysis> = analysis.pairs.iter().collect();
    pairs.sort_by_key(sortings_first);
    let comparisons: Vec<TemplateComparison> = pairs
        .into_iter()
        .filter_map(|pair| {
            Some(comparison(
                analysis,
                pair,
                pair.templates.available()?,
                &trains,
                (channels, budget),
            ))
        })
        .collect();
    if comparisons.is_empty() {
        let reason = analysis.pairs.iter().find_map(|pair| pair.templates.reason());
        return Part::missing(reason.unwrap_or("there are no templates"));
    }
    Part::Available(Outputs { comparisons })
}

fn comparison(
    analysis: &Analysis,
    pair: &PairAnalysis,
    found: &TemplateAnalysis,
    trains: &[Vec<Vec<i64>>],
    (channels, budget): (&Channels, &Budget),
) -> TemplateComparison {
    let with_truth = analysis.params.truth && pair.a == 0;
    let shown = found.template_pairs.iter().filter(|p| p.shown);
    TemplateComparison {
        a: pair.a,
        b: pair.b,
        cosine: matrix(&found.similarity, budget.picture),
        // The notebook's measure is for two sorters in whitened space.
        dot: if with_truth {
            Array::default()
        } else {
            matrix(&found.dot, budget.picture)
        },
        lags: matrix(&found.lags, Kept::Levels8),
        pairs: shown
            .map(|p| template_pair(analysis, pair, found, p, trains, channels))
            .collect(),
        threshold: analysis.params.similarity_threshold,
        n_pairs: found.template_pairs.len(),
    }
}

fn template_pair(
    analysis: &Analysis,
    pair: &PairAnalysis,
    found: &TemplateAnalysis,
    one: &Found,
    trains: &[Vec<Vec<i64>>],
    channels: &Channels,
) -> TemplatePair {
    let spikes = pair.spikes.available();
    let delta = spikes.map_or(0, |spikes| spikes.delta_samples);
    let n_matched = spikes.map(|spikes| u64::from(spikes.match_event_count[[one.unit_a, one.unit_b]]));
    TemplatePair {
        a: one.unit_a,
        b: one.unit_b,
        similarity: one.similarity,
        lag_samples: one.lag,
        agreement: one.agreement,
        n_matched,
        waveforms: waveforms(found, one, channels),
        raster: match spikes {
            Some(_) => Part::Available(raster(
                analysis,
                &trains[pair.a][one.unit_a],
                &trains[pair.b][one.unit_b],
                delta,
            )),
            None => Part::missing("the spikes cannot be matched"),
        },
    }
}

fn waveforms(found: &TemplateAnalysis, one: &Found, channels: &Channels) -> Part<PairWaveforms> {
    let drawn = pair_waveforms(
        &found.of_a,
        &found.of_b,
        (one.unit_a, one.unit_b),
        one.lag,
        &found.channels,
        false,
    );
    let Some(drawn) = drawn else {
        return Part::missing("one of the templates does not exist");
    };
    let places: Option<Vec<usize>> = drawn
        .channels
        .iter()
        .map(|&(a, _)| channels.place(found.probe_a.as_ref(), a))
        .collect();
    match places {
        Some(places) => Part::Available(PairWaveforms {
            channels: places,
            a: matrix(&drawn.a, Kept::Levels16),
            b: matrix(&drawn.b, Kept::Levels16),
            unit: found.source.clone(),
        }),
        None => Part::missing("the channels of the templates are not those of the probe"),
    }
}

fn raster(analysis: &Analysis, a: &[i64], b: &[i64], delta: i64) -> PairRaster {
    let window = NOTEBOOK_WINDOW.start..NOTEBOOK_WINDOW.end.min(analysis.n_samples as i64);
    let drawn = pair_raster(a, b, delta, window, analysis.sample_rate, analysis.n_samples);
    let samples = |spikes: &[RasterSpike]| Array::integers(spikes.iter().map(|s| s.sample));
    let matched =
        |spikes: &[RasterSpike]| Array::integers(spikes.iter().map(|s| i64::from(s.matched))).kept_as(Kept::Levels8);
    let rates = |rates: &[f32]| {
        Array::new(
            &[rates.len()],
            rates.iter().map(|&r| f64::from(r)).collect(),
            Kept::Levels8,
        )
    };
    PairRaster {
        a_samples: samples(&drawn.a),
        a_matched: matched(&drawn.a),
        b_samples: samples(&drawn.b),
        b_matched: matched(&drawn.b),
        window_samples: [drawn.window.start, drawn.window.end],
        a_per_second: rates(&drawn.rates_a_hz),
        b_per_second: rates(&drawn.rates_b_hz),
    }
}
