//! Which units deserve a second look, and why.

use rayon::prelude::*;
use serde::Serialize;

use super::Extent;
use super::table::QualityTable;
use crate::merged::{MergedSpike, merge};

/// From where on a metric makes a unit suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SuspectLimits {
    /// Fewer spikes say nothing about a neuron.
    pub fewest_spikes: f64,
    /// Contamination by the refractory period, share.
    pub rp_contamination: f64,
    /// Estimated share of missing spikes.
    pub amplitude_cutoff: f64,
    /// Count of the smallest spikes against the largest, standard deviations.
    pub noise_cutoff: f64,
    /// Share of minutes with spikes.
    pub presence_ratio: f64,
    /// Largest value over noise.
    pub snr: f64,
    /// Range of the median depth, µm.
    pub drift_ptp_um: f64,
    /// Share of spikes that coincide with seven others: an artefact.
    pub sync_spike_8: f64,
    /// Share of a unit's spikes that another unit has too.
    pub shared_spikes: f64,
    /// Farthest apart that two spikes are the same one, ms.
    pub same_spike_ms: f64,
}

impl Default for SuspectLimits {
    fn default() -> Self {
        Self {
            fewest_spikes: 50.0,
            rp_contamination: 0.1,
            amplitude_cutoff: 0.1,
            noise_cutoff: 5.0,
            presence_ratio: 0.9,
            snr: 3.0,
            drift_ptp_um: 20.0,
            sync_spike_8: 0.1,
            shared_spikes: 0.5,
            same_spike_ms: 0.4,
        }
    }
}

/// What makes a unit suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// Too few spikes.
    FewSpikes,
    /// Spikes within the refractory period.
    RefractoryViolations,
    /// Spikes lost below the threshold.
    MissingSpikes,
    /// Absent for part of the recording.
    LowPresence,
    /// Small against the noise.
    LowSnr,
    /// Moves along the probe.
    Drift,
    /// Fires together with many units.
    Artefact,
    /// Has the spikes of another unit.
    Duplicate,
}

/// One reason, in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// Its kind.
    pub kind: ReasonKind,
    /// A sentence with the number and the limit.
    pub text: String,
    /// The other unit of a duplicate.
    pub other_unit: Option<usize>,
}

/// Why a unit is suspicious.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitOverview {
    /// Place of the unit in the run.
    pub unit: usize,
    /// Name of the unit.
    pub id: String,
    /// Reasons, in the order of [`ReasonKind`]; none for an unsuspicious unit.
    pub reasons: Vec<Reason>,
}

/// Looks through the metrics of all units and for units that share spikes.
///
/// Metrics that are missing or NaN give no reason. Of two units that share spikes, the one with fewer spikes (the later of equals)
/// is the duplicate.
pub fn overview(
    table: &QualityTable,
    trains: &[Vec<i64>],
    extent: Extent,
    limits: &SuspectLimits,
) -> Vec<UnitOverview> {
    let duplicates = duplicates(trains, extent, limits);
    (0..table.n_units())
        .map(|unit| {
            let mut reasons = metric_reasons(table, unit, limits);
            if let Some(Some((other, share))) = duplicates.get(unit) {
                let name = table.unit_ids.get(*other).map_or("", String::as_str);
                reasons.push(Reason {
                    kind: ReasonKind::Duplicate,
                    text: format!(
                        "{:.0} % of its spikes are also spikes of unit {name}, within {} ms",
                        share * 100.0,
                        limits.same_spike_ms
                    ),
                    other_unit: Some(*other),
                });
            }
            UnitOverview {
                unit,
                id: table.unit_ids[unit].clone(),
                reasons,
            }
        })
        .collect()
}

fn metric_reasons(table: &QualityTable, unit: usize, limits: &SuspectLimits) -> Vec<Reason> {
    let value = |name: &str| table.value(unit, name);
    let mut reasons = Vec::new();
    let mut add = |kind, is_suspicious: bool, text: String| {
        if is_suspicious {
            reasons.push(Reason {
                kind,
                text,
                other_unit: None,
            });
        }
    };
    let n = value("num_spikes");
    add(
        ReasonKind::FewSpikes,
        n < limits.fewest_spikes,
        format!("only {n} spikes, fewer than {}", limits.fewest_spikes),
    );
    let contamination = value("rp_contamination");
    add(
        ReasonKind::RefractoryViolations,
        contamination > limits.rp_contamination,
        format!(
            "refractory violations: {} pairs of spikes explain a contamination of {:.0} %, more than {:.0} %",
            value("rp_violations"),
            contamination * 100.0,
            limits.rp_contamination * 100.0
        ),
    );
    let (missing, noise) = (value("amplitude_cutoff"), value("noise_cutoff"));
    add(
        ReasonKind::MissingSpikes,
        missing > limits.amplitude_cutoff,
        format!(
            "amplitudes are cut off: about {:.0} % of the spikes are missing, more than {:.0} %",
            missing * 100.0,
            limits.amplitude_cutoff * 100.0
        ),
    );
    add(
        ReasonKind::MissingSpikes,
        noise > limits.noise_cutoff && (missing.is_nan() || missing <= limits.amplitude_cutoff),
        format!(
            "amplitudes may be cut off: the smallest are {noise:.1} standard deviations more frequent than the largest, more than {}",
            limits.noise_cutoff
        ),
    );
    let presence = value("presence_ratio");
    add(
        ReasonKind::LowPresence,
        presence < limits.presence_ratio,
        format!(
            "fires in {:.0} % of the recording only, less than {:.0} %",
            presence * 100.0,
            limits.presence_ratio * 100.0
        ),
    );
    let snr = value("snr");
    add(
        ReasonKind::LowSnr,
        snr < limits.snr,
        format!("small spikes: {snr:.1} times the noise, less than {}", limits.snr),
    );
    let moved = value("drift_ptp");
    add(
        ReasonKind::Drift,
        moved > limits.drift_ptp_um,
        format!("drifts by {moved:.0} µm, more than {}", limits.drift_ptp_um),
    );
    let synchronous = value("sync_spike_8");
    add(
        ReasonKind::Artefact,
        synchronous > limits.sync_spike_8,
        format!(
            "{:.0} % of its spikes coincide with seven others, more than {:.0} %: probably an artefact",
            synchronous * 100.0,
            limits.sync_spike_8 * 100.0
        ),
    );
    reasons
}

/// For each unit, the unit that has the largest share of its spikes too, when that share exceeds the limit.
fn duplicates(trains: &[Vec<i64>], extent: Extent, limits: &SuspectLimits) -> Vec<Option<(usize, f64)>> {
    let window = (limits.same_spike_ms / 1000.0 * extent.sample_rate) as i64;
    let merged = merge(trains);
    (0..trains.len())
        .into_par_iter()
        .map(|unit| {
            let n = trains[unit].len();
            let shared = shared_with(unit, trains, &merged, window);
            let is_larger = |other: usize| (trains[other].len(), unit) > (n, other);
            shared
                .iter()
                .enumerate()
                .filter(|&(other, _)| other != unit && is_larger(other))
                .map(|(other, &count)| (other, count as f64 / n as f64))
                .filter(|&(_, share)| share > limits.shared_spikes)
                // The first of equals: `max_by` alone would give the last.
                .rev()
                .max_by(|a, b| a.1.total_cmp(&b.1))
        })
        .collect()
}

/// For each unit, how many spikes of `unit` have one of its spikes within `window` samples.
fn shared_with(unit: usize, trains: &[Vec<i64>], merged: &[MergedSpike], window: i64) -> Vec<usize> {
    let mut counts = vec![0; trains.len()];
    let mut counted_for = vec![usize::MAX; trains.len()];
    let mut first = 0;
    for (k, &t) in trains[unit].iter().enumerate() {
        while merged.get(first).is_some_and(|s| s.sample < t - window) {
            first += 1;
        }
        for spike in merged[first..].iter().take_while(|s| s.sample <= t + window) {
            let other = spike.unit as usize;
            if std::mem::replace(&mut counted_for[other], k) != k {
                counts[other] += 1;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::quality::{QualityInputs, QualityParams, quality_table};

    #[test]
    fn the_fixture_has_a_duplicate_a_contaminated_unit_and_a_split_one() {
        let trains = fixture::tested();
        let extent = Extent {
            sample_rate: fixture::SAMPLE_RATE,
            n_samples: fixture::N_SAMPLES as u64,
        };
        let inputs = QualityInputs {
            unit_ids: (0..8).map(|k| format!("u{k}")).collect(),
            extent,
            trains: trains.clone(),
            amplitudes: None,
            amplitude_unit: String::new(),
            amplitude_source: None,
            depths: None,
            templates: None,
            features: None,
            positions_um: None,
            contamination_pct: None,
        };
        let params = QualityParams {
            presence_bin_s: 10.0,
            ..QualityParams::default()
        };
        let table = quality_table(&inputs, &params);
        let units = overview(&table, &trains, extent, &SuspectLimits::default());
        let kinds = |unit: usize| units[unit].reasons.iter().map(|r| r.kind).collect::<Vec<_>>();
        assert_eq!(kinds(0), []);
        assert_eq!(kinds(2), [ReasonKind::LowPresence]);
        assert_eq!(kinds(5), [ReasonKind::Duplicate]);
        assert_eq!(units[5].reasons[0].other_unit, Some(0));
        assert!(units[5].reasons[0].text.contains("unit u0"));
        assert_eq!(kinds(7), [ReasonKind::RefractoryViolations]);
        assert!(units[7].reasons[0].text.contains("203 pairs"));
    }

    #[test]
    fn of_two_equal_units_the_later_is_the_duplicate() {
        let extent = Extent {
            sample_rate: 1000.0,
            n_samples: 1000,
        };
        let found = duplicates(&[vec![1, 50], vec![1, 50], vec![]], extent, &SuspectLimits::default());
        assert_eq!(found, [None, Some((0, 1.0)), None]);
    }
}
