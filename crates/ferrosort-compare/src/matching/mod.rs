//! Which spikes of two sortings belong together, and from that, which units.

mod agreement;
mod assign;
mod counts;
mod offset;
mod order;
mod pair;
mod summary;
mod tolerance;
mod units;

pub(crate) use agreement::distance_between;
pub use agreement::{AgreementMethod, DistanceAgreement, agreement_scores, distance_agreement};
pub use assign::maximum_assignment;
pub(crate) use counts::count_matches;
pub use counts::{covered_event_count, match_event_count, tolerance_samples};
pub use offset::estimate_offset;
pub use order::{UnitOrder, order_by_agreement};
pub use pair::{count_matching_events, label_two_trains, match_trains};
pub use summary::{PairSummary, summarize_pair};
pub use tolerance::{ToleranceCurve, accuracy_against_tolerance, default_tolerances_ms};
pub(crate) use units::matched_pairs;
pub use units::{UnitMatches, match_units};
