//! Part III: which units of two runs are the same.

use serde::{Deserialize, Serialize};

use super::{Array, Fact, Part};

/// Two runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairAgreement {
    /// Run of the rows.
    pub a: usize,
    /// Run of the columns.
    pub b: usize,
    /// Largest distance of spikes that match, ms.
    pub tolerance_ms: f64,
    /// `[units of a, units of b]` agreement scores, 0 to 1.
    pub scores: Array,
    /// Units of a from top to bottom.
    pub row_order: Vec<usize>,
    /// Units of b from left to right.
    pub column_order: Vec<usize>,
    /// One-to-one match of each unit of a.
    pub matches: Vec<Option<usize>>,
    /// Numbers: units that agree, units only in one, spikes explained.
    pub facts: Vec<Fact>,
}

/// A unit that several runs share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConsensusUnit {
    /// Runs and units.
    pub members: Vec<(usize, usize)>,
    /// Mean agreement of its edges.
    pub mean_agreement: f64,
}

/// Units over more than two runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// Places of the runs compared.
    pub runs: Vec<usize>,
    /// Units, in the order of their first members.
    pub units: Vec<ConsensusUnit>,
}

/// Part III.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Every pair of sortings (not the truth).
    pub pairs: Vec<PairAgreement>,
    /// When more than two sortings are compared.
    pub consensus: Part<Consensus>,
}
