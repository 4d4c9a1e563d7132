//! What drift does to units: their rate and accuracy in windows of time, and whether they change their name along the way.

use ferrosort_core::Motion;
use serde::Serialize;

use super::displacement;
use crate::matching::match_trains;
use crate::{Table, correlation};

/// Windows and what counts in them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StabilityParams {
    /// Length of a window, s.
    pub window_s: f64,
    /// Samples within which two spikes coincide.
    pub tolerance: i64,
    /// Agreement in a window above which a unit of B is the truth unit there.
    pub least_agreement: f64,
    /// True spikes that a window needs to say which unit it is.
    pub least_spikes: usize,
}

impl Default for StabilityParams {
    fn default() -> Self {
        Self {
            window_s: 60.0,
            tolerance: 12,
            least_agreement: 0.5,
            least_spikes: 20,
        }
    }
}

/// A truth unit over time. All lists have one entry for each window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitStability {
    /// Place of the truth unit.
    pub unit: usize,
    /// Place of its matched unit in B, if it has one.
    pub partner: Option<usize>,
    /// True rate, Hz.
    pub rates_hz: Vec<f64>,
    /// Rate of the matched unit, Hz; 0 without one.
    pub partner_rates_hz: Vec<f64>,
    /// Accuracy tp / (tp + fn + fp) of the matched unit; `NaN` where neither fires.
    pub accuracy: Vec<f64>,
    /// Displacement of the tissue at the unit, µm; empty when not known.
    pub displacement_um: Vec<f64>,
    /// The unit of B with the largest agreement in the window, if that is large enough.
    pub best: Vec<Option<usize>>,
    /// Different units of B among them.
    pub n_partners: usize,
    /// Of those beyond the first: how often drift split the unit.
    pub n_splits: usize,
}

/// All truth units over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stability {
    /// Start of each window, s.
    pub windows_s: Vec<f64>,
    /// One entry for each truth unit.
    pub units: Vec<UnitStability>,
    /// Units that more than one unit of B is, in turn.
    pub n_split_units: usize,
    /// Spearman's correlation of accuracy with |displacement| over all windows of matched units; `NaN` when the motion is not known.
    pub accuracy_against_displacement: f64,
    /// The same of the ratio of both rates.
    pub rate_ratio_against_displacement: f64,
}

impl Stability {
    /// `stability`: a row for every truth unit and window; units by their place, -1 for none.
    pub fn table(&self) -> Table {
        let header = [
            "unit",
            "window_s",
            "rate_hz",
            "partner",
            "partner_rate_hz",
            "accuracy",
            "displacement_um",
            "best",
        ];
        let mut table = Table::new("stability", header);
        let place = |unit: Option<usize>| unit.map_or(-1, |j| j as i64);
        for unit in &self.units {
            for (w, &start) in self.windows_s.iter().enumerate() {
                table.push(vec![
                    unit.unit.into(),
                    start.into(),
                    unit.rates_hz[w].into(),
                    place(unit.partner).into(),
                    unit.partner_rates_hz[w].into(),
                    unit.accuracy[w].into(),
                    unit.displacement_um.get(w).copied().unwrap_or(f64::NAN).into(),
                    place(unit.best[w]).into(),
                ]);
            }
        }
        table
    }
}

/// The trains of the truth (`truth`) and of a sorting (`tested`), ascending samples of each unit.
#[derive(Debug, Clone, Copy)]
pub struct Trains<'a> {
    /// Truth units.
    pub truth: &'a [Vec<i64>],
    /// Units of the sorting.
    pub tested: &'a [Vec<i64>],
    /// The matched unit of the sorting for each truth unit.
    pub matches: &'a [Option<usize>],
    /// Depth of each truth unit, µm; may be shorter than `truth`.
    pub depths_um: &'a [f64],
    /// Samples per second, Hz.
    pub sample_rate: f64,
    /// Length of the recording, samples.
    pub n_samples: u64,
}

/// Follows every truth unit through windows of the recording; `motion` is the true motion, when it is known. A window that is shorter
/// than half of the others, at the end, is left out, unless it is the only one.
pub fn stability(trains: &Trains, motion: Option<&Motion>, params: &StabilityParams) -> Stability {
    let window = (params.window_s * trains.sample_rate) as i64;
    let n_windows = match window {
        ..=0 => 0,
        window => {
            let (whole, rest) = (trains.n_samples as i64 / window, trains.n_samples as i64 % window);
            (whole + i64::from(2 * rest >= window)).max(i64::from(rest > 0)) as usize
        }
    };
    let windows = Windows {
        length: window.max(1),
        count: n_windows,
        n_samples: trains.n_samples as i64,
        sample_rate: trains.sample_rate,
    };
    let merged = merged(trains.tested);
    let counts: Vec<Vec<f64>> = trains
        .tested
        .iter()
        .map(|train| windows.counts(train.iter().copied()))
        .collect();
    let units: Vec<UnitStability> = (0..trains.truth.len())
        .map(|unit| one_unit(unit, trains, &windows, &merged, &counts, motion, params))
        .collect();
    let (accuracy, ratio) = against_displacement(&units);
    Stability {
        windows_s: (0..n_windows).map(|w| w as f64 * params.window_s).collect(),
        n_split_units: units.iter().filter(|unit| unit.n_splits > 0).count(),
        units,
        accuracy_against_displacement: accuracy,
        rate_ratio_against_displacement: ratio,
    }
}

struct Windows {
    length: i64,
    count: usize,
    n_samples: i64,
    sample_rate: f64,
}

impl Windows {
    fn of(&self, sample: i64) -> Option<usize> {
        let window = usize::try_from(sample.div_euclid(self.length)).ok()?;
        (window < self.count).then_some(window)
    }

    fn counts(&self, samples: impl Iterator<Item = i64>) -> Vec<f64> {
        let mut counts = vec![0.0; self.count];
        for window in samples.filter_map(|sample| self.of(sample)) {
            counts[window] += 1.0;
        }
        counts
    }

    fn seconds(&self, window: usize) -> f64 {
        let start = window as i64 * self.length;
        (start + self.length).min(self.n_samples).saturating_sub(start) as f64 / self.sample_rate
    }

    fn rates(&self, counts: &[f64]) -> Vec<f64> {
        counts
            .iter()
            .enumerate()
            .map(|(window, count)| count / self.seconds(window))
            .collect()
    }
}

/// All spikes of all units as (sample, unit), by sample, then unit.
fn merged(trains: &[Vec<i64>]) -> Vec<(i64, u32)> {
    let of_unit = |(unit, train): (usize, &Vec<i64>)| {
        train
            .iter()
            .map(move |&sample| (sample, unit as u32))
            .collect::<Vec<_>>()
    };
    let mut spikes: Vec<(i64, u32)> = trains.iter().enumerate().flat_map(of_unit).collect();
    spikes.sort_unstable();
    spikes
}

fn one_unit(
    unit: usize,
    trains: &Trains,
    windows: &Windows,
    merged: &[(i64, u32)],
    counts: &[Vec<f64>],
    motion: Option<&Motion>,
    params: &StabilityParams,
) -> UnitStability {
    let truth = &trains.truth[unit];
    let partner = trains
        .matches
        .get(unit)
        .copied()
        .flatten()
        .filter(|&j| j < trains.tested.len());
    let n_truth = windows.counts(truth.iter().copied());
    let none = vec![0.0; windows.count];
    let (n_partner, hits) = match partner {
        Some(j) => {
            let pairs = match_trains(truth, &trains.tested[j], params.tolerance);
            (&counts[j], windows.counts(pairs.iter().map(|&(p, _)| truth[p])))
        }
        None => (&none, none.clone()),
    };
    let best = best_in_windows(truth, windows, merged, counts, &n_truth, params);
    let mut partners: Vec<usize> = best.iter().flatten().copied().collect();
    partners.sort_unstable();
    partners.dedup();
    let agreement = |w: usize| hits[w] / (n_truth[w] + n_partner[w] - hits[w]);
    let middle = |w: usize| (w as f64 + 0.5) * windows.length as f64 / windows.sample_rate;
    let depth = trains.depths_um.get(unit).copied().unwrap_or(0.0);
    UnitStability {
        unit,
        partner,
        rates_hz: windows.rates(&n_truth),
        partner_rates_hz: windows.rates(n_partner),
        // A pair of spikes across a border of windows can count one hit more than B's spikes in one of them.
        accuracy: (0..windows.count).map(|w| agreement(w).clamp(0.0, 1.0)).collect(),
        displacement_um: motion.map_or_else(Vec::new, |motion| {
            (0..windows.count)
                .map(|w| displacement::at(motion, middle(w), depth))
                .collect()
        }),
        n_partners: partners.len(),
        n_splits: partners.len().saturating_sub(1),
        best,
    }
}

/// The unit of B with the largest agreement in each window, the first of equals.
fn best_in_windows(
    truth: &[i64],
    windows: &Windows,
    merged: &[(i64, u32)],
    counts: &[Vec<f64>],
    n_truth: &[f64],
    params: &StabilityParams,
) -> Vec<Option<usize>> {
    // (window, unit of B) for every true spike and every unit of B that has a spike near it.
    let mut hits: Vec<(usize, u32)> = Vec::new();
    let mut near: Vec<u32> = Vec::new();
    for &sample in truth {
        let Some(window) = windows.of(sample) else { continue };
        let from = merged.partition_point(|&(t, _)| t < sample - params.tolerance);
        near.clear();
        near.extend(
            merged[from..]
                .iter()
                .take_while(|&&(t, _)| t <= sample + params.tolerance)
                .map(|&(_, unit)| unit),
        );
        near.sort_unstable();
        near.dedup();
        hits.extend(near.iter().map(|&unit| (window, unit)));
    }
    hits.sort_unstable();
    let mut best: Vec<Option<(usize, f64)>> = vec![None; windows.count];
    for run in hits.chunk_by(|x, y| x == y) {
        let (window, unit) = (run[0].0, run[0].1 as usize);
        if (n_truth[window] as usize) < params.least_spikes {
            continue;
        }
        let n = (run.len() as f64).min(counts[unit][window]);
        let agreement = n / (n_truth[window] + counts[unit][window] - n);
        if agreement >= params.least_agreement && best[window].is_none_or(|(_, most)| agreement > most) {
            best[window] = Some((unit, agreement));
        }
    }
    best.into_iter().map(|entry| entry.map(|(unit, _)| unit)).collect()
}

/// Spearman's correlations of accuracy and of the ratio of rates with |displacement|, over all windows of matched units.
fn against_displacement(units: &[UnitStability]) -> (f64, f64) {
    let (mut sizes, mut accuracy, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
    for unit in units.iter().filter(|unit| unit.partner.is_some()) {
        for (w, displacement) in unit.displacement_um.iter().enumerate() {
            sizes.push(displacement.abs());
            accuracy.push(unit.accuracy[w]);
            ratio.push(unit.partner_rates_hz[w] / unit.rates_hz[w]);
        }
    }
    (
        correlation::spearman(&accuracy, &sizes),
        correlation::spearman(&ratio, &sizes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// A truth unit that fires every 10 samples; 100 samples a second, windows of 1 s, 3 s.
    fn train(from: i64, to: i64) -> Vec<i64> {
        (from..to).filter(|s| s % 10 == 5).collect()
    }

    fn params() -> StabilityParams {
        StabilityParams {
            window_s: 1.0,
            tolerance: 1,
            least_agreement: 0.5,
            least_spikes: 5,
        }
    }

    fn follow(
        truth: &[Vec<i64>],
        tested: &[Vec<i64>],
        matches: &[Option<usize>],
        motion: Option<&Motion>,
    ) -> Stability {
        let trains = Trains {
            truth,
            tested,
            matches,
            depths_um: &[0.0],
            sample_rate: 100.0,
            n_samples: 300,
        };
        stability(&trains, motion, &params())
    }

    #[test]
    fn a_unit_that_changes_its_name_is_split() {
        let motion = Motion {
            times_s: vec![0.5, 1.5, 2.5],
            depths_um: vec![0.0],
            displacement_um: array![[0.0], [-5.0], [20.0]],
        };
        let tested = [train(0, 200), train(200, 300), vec![1, 2, 3]];
        let found = follow(&[train(0, 300)], &tested, &[Some(0)], Some(&motion));
        let unit = &found.units[0];
        assert_eq!(found.windows_s, [0.0, 1.0, 2.0]);
        assert_eq!(unit.rates_hz, [10.0, 10.0, 10.0]);
        assert_eq!(unit.partner_rates_hz, [10.0, 10.0, 0.0]);
        assert_eq!(unit.accuracy, [1.0, 1.0, 0.0]);
        assert_eq!(unit.displacement_um, [0.0, -5.0, 20.0]);
        assert_eq!(unit.best, [Some(0), Some(0), Some(1)]);
        assert_eq!((unit.n_partners, unit.n_splits, found.n_split_units), (2, 1, 1));
        assert!(found.table().to_csv().ends_with("\r\n0,2,10,0,0,0,20,1\r\n"));
        // Accuracy 1 1 0 against 0 5 20: ranks 2.5 2.5 1 and 1 2 3.
        assert!((found.accuracy_against_displacement + 0.866_025_403_784_438_6).abs() < 1e-12);
    }

    #[test]
    fn a_unit_that_keeps_its_name_is_not_split_and_unmatched_units_have_accuracy_zero() {
        let found = follow(
            &[train(0, 300), train(0, 300)],
            &[train(0, 300)],
            &[Some(0), None],
            None,
        );
        assert_eq!((found.units[0].n_splits, found.n_split_units), (0, 0));
        assert_eq!(found.units[1].accuracy, [0.0; 3]);
        assert!(found.accuracy_against_displacement.is_nan() && found.units[0].displacement_um.is_empty());
    }

    #[test]
    fn windows_without_enough_spikes_name_no_unit() {
        let found = follow(&[vec![5, 15, 205, 215]], &[vec![5, 15, 205, 215]], &[Some(0)], None);
        assert_eq!(found.units[0].best, [None, None, None]);
        assert_eq!(
            (found.units[0].accuracy[0], found.units[0].accuracy[1].is_nan()),
            (1.0, true)
        );
    }

    #[test]
    fn short_ends_are_left_out_and_short_recordings_kept() {
        let windows = |n_samples: u64| {
            let trains = Trains {
                truth: &[],
                tested: &[],
                matches: &[],
                depths_um: &[],
                sample_rate: 100.0,
                n_samples,
            };
            stability(&trains, None, &params()).windows_s.len()
        };
        assert_eq!((windows(349), windows(350), windows(30), windows(0)), (3, 4, 1, 0));
    }
}
