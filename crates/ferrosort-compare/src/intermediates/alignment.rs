//! Whether two processed files hold the same signal, channel by channel and sample by sample (docs/intermediates.md, "Alignment").
//!
//! The steps: the layout of each file ([`super::layout`]), which channel is which ([`super::channels`]), how late B is
//! (`lags`), what remains ([`super::residuals`]), and how the pair looks when it is read wrongly ([`super::naive`]).

use std::ops::Range;

use ferrosort_core::{ProcessedFile, Result};
use serde::Serialize;

use super::channels::{self, ChannelAssignment};
use super::lags::{BlockSpectra, peak, refined};
use super::layout::{self, LayoutChoice};
use super::naive::{self, Known, NaiveView};
use super::processed::ProcessedData;
use super::residuals::{Aligned, BatchResidual, ChannelResidual, Residual};
use super::traces::{Traces, evenly_spaced};
use crate::{Part, finite};

/// A mean correlation of the assigned channels below which larger lags are tried.
const UNCONVINCING: f64 = 0.3;

/// Fewer common samples than this say nothing.
const LEAST_SAMPLES: i64 = 256;

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlignmentParams {
    /// Samples from the start that decide channels and lag.
    pub samples: usize,
    /// Largest lag at which channels are assigned, samples.
    pub channel_max_lag: usize,
    /// Largest lag of B, samples.
    pub max_lag: usize,
    /// Batches of A whose residuals are measured, evenly spaced.
    pub max_batches: usize,
    /// Samples at each end of a batch that count as its edge, when A's file does not tell.
    pub edge_samples: usize,
    /// Channels of the plots.
    pub trace_channels: usize,
    /// Samples of the plots.
    pub trace_samples: usize,
}

impl Default for AlignmentParams {
    fn default() -> Self {
        Self {
            samples: 60_000,
            channel_max_lag: 64,
            max_lag: 2000,
            max_batches: 20,
            edge_samples: 64,
            trace_channels: 8,
            trace_samples: 4000,
        }
    }
}

/// Two processed files laid over each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alignment {
    /// Layout of A's file.
    pub layout_a: LayoutChoice,
    /// Layout of B's file.
    pub layout_b: LayoutChoice,
    /// Samples of the recording that decided channels and lag.
    pub compared: Range<i64>,
    /// Which channel of B is which of A.
    pub assignment: ChannelAssignment,
    /// Samples by which B is late; what is corrected.
    pub lag_samples: i64,
    /// The same between samples, from a parabola.
    pub lag_refined: f64,
    /// Mean correlation over the assigned channels at that lag.
    pub lag_correlation: f64,
    /// Mean correlation at lags `-max_lag..=max_lag`.
    #[serde(skip)]
    pub by_lag: Vec<f64>,
    /// Median over channels of the correlation after both corrections.
    pub correlation_median: f64,
    /// The smallest of them.
    pub correlation_min: f64,
    /// Median over channels of the slope of B on A.
    pub gain: f64,
    /// All channels and visited batches together, after both corrections.
    pub overall: Residual,
    /// The table `alignment`: every assigned channel, after both corrections.
    pub channels: Vec<ChannelResidual>,
    /// Visited batches of A, edges apart.
    pub batches: Vec<BatchResidual>,
    /// Both files read as interleaved.
    pub naive: Part<NaiveView>,
    /// What was found, in sentences.
    pub sentences: Vec<String>,
    /// First frames of both files read as interleaved, equal columns.
    #[serde(skip)]
    pub traces_naive: Traces,
    /// First samples read rightly, equal places, no lag.
    #[serde(skip)]
    pub traces_before: Traces,
    /// First samples after both corrections.
    #[serde(skip)]
    pub traces_after: Traces,
}

/// Aligns the processed data of two runs.
pub fn align(a: Option<&ProcessedFile>, b: Option<&ProcessedFile>, params: &AlignmentParams) -> Part<Alignment> {
    match (a, b) {
        (Some(a), Some(b)) => match align_files(a, b, params) {
            Ok(part) => part,
            Err(error) => Part::missing(error.to_string()),
        },
        (None, None) => Part::missing("neither run kept its processed data"),
        (None, _) => Part::missing("A did not keep its processed data"),
        (_, None) => Part::missing("B did not keep its processed data"),
    }
}

fn align_files(a: &ProcessedFile, b: &ProcessedFile, params: &AlignmentParams) -> Result<Part<Alignment>> {
    let (a, b) = (ProcessedData::open(a)?, ProcessedData::open(b)?);
    let (layout_a, layout_b) = (layout::choose(&a)?, layout::choose(&b)?);
    let layouts = (layout_a.layout, layout_b.layout);
    let span = common_span(&a, &b, params.samples);
    if span.end - span.start < LEAST_SAMPLES {
        return Ok(Part::missing(format!(
            "the processed data of A and B have only {} samples in common",
            (span.end - span.start).max(0)
        )));
    }
    let (of_a, of_b) = (a.span(span.clone(), layouts.0)?, b.span(span.clone(), layouts.1)?);

    let dim = (a.n_channels(), b.n_channels());
    let at = |max_lag| {
        let spectra = BlockSpectra::new(of_a.view(), of_b.view(), max_lag);
        channels::assign(&spectra, dim, max_lag, |profit: &ndarray::Array2<f64>| {
            crate::matching::maximum_assignment(profit.view())
        })
    };
    let mut assignment = at(params.channel_max_lag);
    let convincing = finite::mean(&assignment.correlations) >= UNCONVINCING;
    if !convincing {
        assignment = at(params.max_lag);
    }
    let pairs = assigned(&assignment);
    let by_lag = BlockSpectra::new(of_a.view(), of_b.view(), params.max_lag).mean_over(&pairs);
    let middle = by_lag.len() / 2;
    // Without any correlation, as between constant signals, no lag is better than another.
    let place = peak(&by_lag).filter(|&place| by_lag[place] > 0.0).unwrap_or(middle);
    let lag_samples = place as i64 - middle as i64;

    let edge = match a.source().margin_samples {
        0 => params.edge_samples,
        margin => margin,
    };
    let aligned = Aligned {
        a: &a,
        b: &b,
        layouts,
        pairs: &pairs,
        lag: lag_samples,
        edge,
    };
    let (rows, batches, overall) = aligned.residuals(params.max_batches)?;
    let correlations: Vec<f64> = rows.iter().map(|row| row.residual.correlation).collect();
    let slopes: Vec<f64> = rows.iter().map(|row| row.residual.slope).collect();

    let known = Known {
        layouts,
        rotation: assignment.rotation,
        lag_samples,
    };
    let naive = naive::view(&a, &b, params.samples, params.max_lag, &known)?;
    let sentences = sentences(&layout_a, &layout_b, &assignment, lag_samples, &overall, &naive);
    let [traces_naive, traces_before, traces_after] = traces(&aligned, span.start, params)?;
    Ok(Part::Available(Alignment {
        compared: span,
        lag_samples,
        lag_refined: refined(&by_lag, place) - middle as f64,
        lag_correlation: by_lag[place],
        by_lag,
        correlation_median: finite::median(&correlations),
        correlation_min: correlations.iter().copied().fold(f64::NAN, f64::min),
        gain: finite::median(&slopes),
        overall,
        channels: rows,
        batches,
        naive,
        sentences,
        traces_naive,
        traces_before,
        traces_after,
        layout_a,
        layout_b,
        assignment,
    }))
}

/// The first `samples` samples of the recording that both files hold.
fn common_span(a: &ProcessedData, b: &ProcessedData, samples: usize) -> Range<i64> {
    let (a, b) = (a.covered(), b.covered());
    let start = a.start.max(b.start).max(0);
    let end = a.end.min(b.end).min(start + samples as i64);
    start..end
}

fn assigned(assignment: &ChannelAssignment) -> Vec<(usize, usize)> {
    let partners = assignment.partners.iter().enumerate();
    partners.filter_map(|(i, partner)| Some((i, (*partner)?))).collect()
}

fn traces(aligned: &Aligned, start: i64, params: &AlignmentParams) -> Result<[Traces; 3]> {
    let (a, b) = (aligned.a, aligned.b);
    let places: Vec<(usize, usize)> = (0..a.n_channels().min(b.n_channels())).map(|c| (c, c)).collect();
    let places = evenly_spaced(&places, params.trace_channels);
    let frames = params.trace_samples;
    let naive = Traces::new(0, places.clone(), &a.pseudo_frames(frames)?, &b.pseudo_frames(frames)?);
    let read = |data: &ProcessedData, layout, from: i64| {
        let covered = data.covered();
        let from = from.clamp(covered.start, covered.end);
        data.span(from..(from + frames as i64).min(covered.end), layout)
    };
    let of_a = read(a, aligned.layouts.0, start)?;
    let before = Traces::new(start, places, &of_a, &read(b, aligned.layouts.1, start)?);
    // Where B has nothing at the shifted start, both begin where it has.
    let shifted = start + aligned.lag;
    let late = (b.covered().start - shifted).max(0);
    let of_a = read(a, aligned.layouts.0, start + late)?;
    let of_b = read(b, aligned.layouts.1, shifted + late)?;
    let chosen = evenly_spaced(aligned.pairs, params.trace_channels);
    let after = Traces::new(start + late, chosen, &of_a, &of_b);
    Ok([naive, before, after])
}

fn sentences(
    layout_a: &LayoutChoice,
    layout_b: &LayoutChoice,
    assignment: &ChannelAssignment,
    lag: i64,
    overall: &Residual,
    naive: &Part<NaiveView>,
) -> Vec<String> {
    let mut said = vec![
        format!("A is {}.", layout_a.reason),
        format!("B is {}.", layout_b.reason),
    ];
    match assignment.rotation {
        0 if assignment.shift == 0 && assignment.shift_share > 0.8 => {
            said.push("Channels have the same places in both.".to_string());
        }
        0 => said.push(format!(
            "Channels have other places in B; no one rotation fits more than {:.0} % of them.",
            100.0 * assignment.shift_share
        )),
        k => {
            let guess = if k.abs() == 1 {
                ": probably a 1-based channel map"
            } else {
                ""
            };
            said.push(format!(
                "Channel rotation by {k} (channel c of B is channel c {} {} of A){guess}.",
                if k > 0 { '+' } else { '-' },
                k.abs()
            ));
        }
    }
    said.push(match lag {
        0 => "There is no offset in time.".to_string(),
        lag if lag > 0 => format!("B is {lag} samples late."),
        lag => format!("B is {} samples early.", -lag),
    });
    said.push(format!(
        "After these corrections they correlate by {:.5} and differ by {:.2} counts rms ({:.2} % of A).",
        overall.correlation,
        overall.rms_difference,
        100.0 * overall.rms_fraction
    ));
    if let Part::Available(view) = naive {
        said.push(view.explanation.clone());
    }
    said
}
