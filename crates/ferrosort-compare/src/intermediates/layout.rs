//! Whether a processed file is planar or interleaved, from its values.
//!
//! Read the right way, successive samples of a channel are alike, because the data were filtered. Read the other way they are values
//! of different channels, or far apart in time, and whitening has made those nearly independent.

use ferrosort_core::{ProcessedLayout, Result};
use ndarray::ArrayView1;
use serde::Serialize;

use super::processed::ProcessedData;

/// Samples of the first batch that are looked at, at most.
const SAMPLES: usize = 65_600;

/// A difference of the two correlations below which the data do not decide.
const LEAST_MARGIN: f64 = 0.05;

/// The layout of a processed file and why it was chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayoutChoice {
    /// The layout that is used.
    pub layout: ProcessedLayout,
    /// Mean over channels of the correlation of a sample with the next, read as planar.
    pub planar_correlation: f64,
    /// The same, read as interleaved.
    pub interleaved_correlation: f64,
    /// One sentence: from what the layout is known.
    pub reason: String,
}

/// Chooses the layout: what the source says, else what the first batch shows, else planar (Kilosort2 and its port of 2020).
///
/// # Errors
/// Those of reading.
pub fn choose(data: &ProcessedData) -> Result<LayoutChoice> {
    let planar = next_sample_correlation(data, ProcessedLayout::Planar)?;
    let interleaved = next_sample_correlation(data, ProcessedLayout::Interleaved)?;
    let decided = (planar - interleaved).abs() >= LEAST_MARGIN;
    let seen = if interleaved > planar {
        ProcessedLayout::Interleaved
    } else {
        ProcessedLayout::Planar
    };
    let (layout, reason) = match data.source().layout {
        Some(known) if decided && known != seen => (
            known,
            format!(
                "{} according to its source, but the values look {}",
                name(known),
                name(seen)
            ),
        ),
        Some(known) => (known, format!("{} according to its source", name(known))),
        None if decided => (
            seen,
            format!(
                "{}: successive samples of a channel correlate by {:.2} when it is read so, by {:.2} otherwise",
                name(seen),
                planar.max(interleaved),
                planar.min(interleaved)
            ),
        ),
        None => (
            ProcessedLayout::Planar,
            "planar, as Kilosort2 writes it; the values do not tell".to_string(),
        ),
    };
    Ok(LayoutChoice {
        layout,
        planar_correlation: planar,
        interleaved_correlation: interleaved,
        reason,
    })
}

/// The layout in a word.
pub(super) fn name(layout: ProcessedLayout) -> &'static str {
    match layout {
        ProcessedLayout::Planar => "planar",
        ProcessedLayout::Interleaved => "interleaved",
    }
}

/// Mean over channels of the correlation of x(t) with x(t + 1) in the first batch; channels that are constant do not count. 0 if all are.
fn next_sample_correlation(data: &ProcessedData, layout: ProcessedLayout) -> Result<f64> {
    let block = data.batch(0, 0..SAMPLES, layout)?;
    let correlations: Vec<f64> = block
        .rows()
        .into_iter()
        .map(lag_one)
        .filter(|r| r.is_finite())
        .collect();
    Ok(correlations.iter().sum::<f64>() / correlations.len().max(1) as f64)
}

fn lag_one(values: ArrayView1<i16>) -> f64 {
    let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
    match values.len() {
        0 => f64::NAN,
        n => crate::correlation::pearson(&values[..n - 1], &values[1..]),
    }
}
