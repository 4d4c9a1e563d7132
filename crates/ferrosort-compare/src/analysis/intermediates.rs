//! The arrays that two sorters of the Kilosort2 family leave behind.

use serde::Serialize;

use super::Analysis;
use crate::Part;
use crate::intermediates::alignment::{Alignment, AlignmentParams, align};
use crate::intermediates::batches::{BatchComparison, compare_batches};
use crate::intermediates::order::{OrderComparison, compare_orders};
use crate::intermediates::whitening::{WhiteningComparison, compare_whitening};

/// Random permutations behind the p value of the dissimilarities.
const PERMUTATIONS: usize = 999;

/// Intermediates of two runs.
#[derive(Debug, Clone, Serialize)]
pub struct IntermediateComparison {
    /// Place of the first run.
    pub a: usize,
    /// Place of the second.
    pub b: usize,
    /// Processed data laid over each other.
    pub alignment: Part<Alignment>,
    /// Whitening matrices.
    pub whitening: Part<WhiteningComparison>,
    /// Dissimilarities of batches.
    pub ccb: Part<BatchComparison>,
    /// Orders of batches.
    pub order: Part<OrderComparison>,
}

pub(super) fn compare(analysis: &Analysis, a: usize, b: usize) -> Part<IntermediateComparison> {
    let (run_a, run_b) = (&analysis.runs[a].run, &analysis.runs[b].run);
    let truth = analysis
        .params
        .truth
        .then(|| analysis.runs[0].run.motion.as_ref())
        .flatten();
    let comparison = IntermediateComparison {
        a,
        b,
        alignment: align(
            run_a.processed.as_ref(),
            run_b.processed.as_ref(),
            &AlignmentParams::default(),
        ),
        whitening: compare_whitening(run_a, run_b, None),
        ccb: compare_batches(run_a, run_b, PERMUTATIONS),
        order: compare_orders(run_a, run_b, truth),
    };
    let nothing = comparison.alignment.available().is_none()
        && comparison.whitening.available().is_none()
        && comparison.ccb.available().is_none()
        && comparison.order.available().is_none();
    if nothing {
        return Part::missing(format!(
            "neither {} nor {} has intermediates of the Kilosort2 family in common",
            run_a.name, run_b.name
        ));
    }
    Part::Available(comparison)
}
