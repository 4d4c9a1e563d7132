//! Dropping templates that are silent or doubles of others (docs/kilosort2.md 4.7).

use super::Templates;
use super::similarity::zero_lag_similarity;

/// Similarity above which two templates count as doubles.
const SIMILAR: f64 = 0.9;

/// What [`triage`] keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triage {
    /// Indices of the templates that stay, ascending.
    pub kept: Vec<usize>,
    /// Templates dropped because their rate is too low.
    pub silent: usize,
    /// Templates dropped because a more frequent one has the same shape and amplitude.
    pub doubles: usize,
}

/// Drops templates with fewer than `minimum` spikes per batch (`rates`), then those for which a more frequent template
/// has similarity above 0.9 and an amplitude closer than `4 sqrt(10)` sd. All decisions are made at once.
pub fn triage(templates: &Templates, rates: &[f64], minimum: f64) -> Triage {
    let frequent: Vec<usize> = (0..templates.len()).filter(|&n| rates[n] >= minimum).collect();
    let similarity = zero_lag_similarity(templates);
    let amplitude_range = 4.0 * 10.0_f64.sqrt();
    let doubled = |m: usize| {
        frequent.iter().any(|&n| {
            n != m
                && similarity[[m, n]] > SIMILAR
                && (templates.mu[m] - templates.mu[n]).abs() < amplitude_range
                && rates[m] < rates[n]
        })
    };
    let kept: Vec<usize> = frequent.iter().copied().filter(|&m| !doubled(m)).collect();
    Triage {
        silent: templates.len() - frequent.len(),
        doubles: frequent.len() - kept.len(),
        kept,
    }
}
