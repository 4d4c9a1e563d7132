//! Coincidences of spikes of different units: added, moved or removed after the trains are drawn.

use crate::random::{Draws, Key, Stream};
use crate::settings::Overlaps;

/// Trains that are to be changed, with what decides which units meet.
pub(crate) struct Lanes<'a> {
    /// Ascending samples of each unit.
    pub(crate) trains: &'a mut [Vec<f64>],
    /// Shortest interval of each unit, samples.
    pub(crate) refractory: &'a [f64],
    /// Units that overlap each other in space, by the other unit.
    pub(crate) neighbours: &'a [Vec<usize>],
    /// Pairs of units close to each other; each unit is in one pair at most.
    pub(crate) pairs: &'a [(usize, usize)],
    /// Samples per second, Hz.
    pub(crate) sample_rate: f64,
    /// Length of the recording, samples.
    pub(crate) n_samples: u64,
}

/// Spikes within this time count as coincident, s.
const COINCIDENT_S: f64 = 0.001;

/// Applies the settings: lag sweeps first, then added coincidences, then removals.
pub(crate) fn apply(lanes: &mut Lanes, settings: &Overlaps, seed: u64) {
    let mut draws = Key::new(seed, Stream::Overlap, 0).draws();
    if settings.lag_sweep_ms > 0.0 {
        let reach = settings.lag_sweep_ms / 1000.0 * lanes.sample_rate;
        for &(a, b) in lanes.pairs {
            sweep(lanes, a, b, reach, &mut draws);
        }
    }
    if settings.pair_share > 0.0 {
        let reach = 0.5 * settings.pair_jitter_ms / 1000.0 * lanes.sample_rate;
        for &(a, b) in lanes.pairs {
            synchronise(lanes, a, b, settings.pair_share, reach, &mut draws);
        }
    }
    if settings.synchronous_share > 0.0 {
        copy_random(lanes, settings.synchronous_share, &mut draws);
    }
    if settings.avoid {
        remove_spatial(lanes);
    }
}

impl Lanes<'_> {
    /// Adds a spike where the unit's refractory period allows it.
    fn insert(&mut self, unit: usize, sample: f64) -> bool {
        let least = self.refractory[unit];
        let train = &mut self.trains[unit];
        let place = train.partition_point(|&s| s < sample);
        let free = place.checked_sub(1).is_none_or(|i| sample - train[i] >= least)
            && train.get(place).is_none_or(|&next| next - sample >= least);
        let inside = sample >= 0.0 && sample < self.n_samples as f64;
        if free && inside {
            train.insert(place, sample);
        }
        free && inside
    }
}

fn sixteenths(sample: f64) -> f64 {
    (sample * 16.0).round() / 16.0
}

/// Replaces the train of `b` by spikes at uniform lags from spikes of `a`.
fn sweep(lanes: &mut Lanes, a: usize, b: usize, reach: f64, draws: &mut Draws) {
    if lanes.trains[a].is_empty() {
        return;
    }
    let wanted = lanes.trains[b].len();
    let anchors = lanes.trains[a].clone();
    lanes.trains[b].clear();
    let mut tries = 0;
    while lanes.trains[b].len() < wanted && tries < 4 * wanted {
        let anchor = anchors[draws.below(anchors.len())];
        lanes.insert(b, sixteenths(anchor + draws.between(-reach, reach)));
        tries += 1;
    }
}

/// Adds to `b` spikes near spikes of `a` until the share of spikes with a partner is reached.
fn synchronise(lanes: &mut Lanes, a: usize, b: usize, share: f64, reach: f64, draws: &mut Draws) {
    let anchors = lanes.trains[a].clone();
    if anchors.is_empty() {
        return;
    }
    let window = reach.max(0.5);
    let matched = |lanes: &Lanes| {
        let other = &lanes.trains[b];
        anchors
            .iter()
            .filter(|&&s| {
                let i = other.partition_point(|&o| o < s - window);
                other.get(i).is_some_and(|&o| o <= s + window)
            })
            .count()
    };
    let mut matches = matched(lanes);
    let mut tries = 0;
    // The share counts both spikes of a match.
    while 2.0 * (matches as f64) < share * (anchors.len() + lanes.trains[b].len()) as f64 && tries < 10 * anchors.len()
    {
        let anchor = anchors[draws.below(anchors.len())];
        if lanes.insert(b, sixteenths(anchor + draws.between(-reach, reach))) {
            matches += 1;
        }
        tries += 1;
    }
}

/// Copies the times of random spikes onto other units.
fn copy_random(lanes: &mut Lanes, share: f64, draws: &mut Draws) {
    let n_units = lanes.trains.len();
    let spikes: Vec<(f64, usize)> = (lanes.trains.iter().enumerate())
        .flat_map(|(unit, train)| train.iter().map(move |&s| (s, unit)))
        .collect();
    if n_units < 2 || spikes.is_empty() {
        return;
    }
    let wanted = (share * spikes.len() as f64).round() as usize;
    let (mut added, mut tries) = (0, 0);
    while added < wanted && tries < 10 * wanted {
        let (sample, unit) = spikes[draws.below(spikes.len())];
        let other = (unit + 1 + draws.below(n_units - 1)) % n_units;
        added += usize::from(lanes.insert(other, sample));
        tries += 1;
    }
}

/// Removes every spike that follows within the window one of an overlapping unit (at equal times: of a lower unit).
fn remove_spatial(lanes: &mut Lanes) {
    let window = COINCIDENT_S * lanes.sample_rate;
    let mut spikes: Vec<(f64, usize)> = (lanes.trains.iter().enumerate())
        .flat_map(|(unit, train)| train.iter().map(move |&s| (s, unit)))
        .collect();
    spikes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for train in lanes.trains.iter_mut() {
        train.clear();
    }
    let mut last = vec![f64::NEG_INFINITY; lanes.trains.len()];
    for (sample, unit) in spikes {
        if lanes.neighbours[unit]
            .iter()
            .all(|&other| sample - last[other] > window)
        {
            last[unit] = sample;
            lanes.trains[unit].push(sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(trains: &mut [Vec<f64>], settings: &Overlaps) {
        let n = trains.len();
        let neighbours: Vec<Vec<usize>> = (0..n).map(|i| (0..n).filter(|&j| j != i).collect()).collect();
        let mut lanes = Lanes {
            trains,
            refractory: &vec![60.0; n],
            neighbours: &neighbours,
            pairs: &[(0, 1)],
            sample_rate: 30_000.0,
            n_samples: 3_000_000,
        };
        apply(&mut lanes, settings, 1);
    }

    fn regular(offset: f64, step: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| offset + step * i as f64).collect()
    }

    fn coincident(a: &[f64], b: &[f64], window: f64) -> usize {
        a.iter().filter(|s| b.iter().any(|o| (*s - o).abs() <= window)).count()
    }

    #[test]
    fn pairs_reach_the_wanted_share_and_keep_refractory_periods() {
        let mut trains = [regular(100.0, 3000.0, 900), regular(1600.0, 3000.0, 900)];
        run(
            &mut trains,
            &Overlaps {
                pair_share: 0.2,
                ..Overlaps::default()
            },
        );
        let [a, b] = &trains;
        let share = 2.0 * coincident(a, b, 0.0) as f64 / (a.len() + b.len()) as f64;
        assert!((share - 0.2).abs() < 0.005, "{share}");
        assert!(b.windows(2).all(|w| w[1] - w[0] >= 60.0));
    }

    #[test]
    fn copies_fall_on_other_units_at_the_same_sample() {
        let mut trains = [regular(100.0, 3000.0, 500), regular(1600.0, 3000.0, 500), vec![]];
        run(
            &mut trains,
            &Overlaps {
                synchronous_share: 0.1,
                ..Overlaps::default()
            },
        );
        let total: usize = trains.iter().map(Vec::len).sum();
        assert_eq!(total, 1100);
        assert!(trains.iter().all(|t| t.windows(2).all(|w| w[1] - w[0] >= 60.0)));
        assert_eq!(
            coincident(&trains[2], &[trains[0].clone(), trains[1].clone()].concat(), 0.0),
            trains[2].len()
        );
    }

    #[test]
    fn avoiding_leaves_no_coincidence() {
        let mut trains = [regular(100.0, 1000.0, 500), regular(110.0, 1010.0, 500)];
        run(
            &mut trains,
            &Overlaps {
                avoid: true,
                ..Overlaps::default()
            },
        );
        assert_eq!(coincident(&trains[0], &trains[1], 30.0), 0);
        assert!(trains[0].len() + trains[1].len() > 850);
    }

    #[test]
    fn a_sweep_fills_all_lags() {
        let mut trains = [regular(1000.0, 3000.0, 900), regular(0.0, 3000.0, 900)];
        run(
            &mut trains,
            &Overlaps {
                lag_sweep_ms: 2.0,
                ..Overlaps::default()
            },
        );
        let lags: Vec<f64> = trains[1]
            .iter()
            .map(|s| {
                trains[0]
                    .iter()
                    .map(|o| s - o)
                    .fold(f64::MAX, |m, d| if d.abs() < m.abs() { d } else { m })
            })
            .collect();
        assert!(lags.iter().all(|l| l.abs() <= 60.1) && lags.len() > 500);
        for quarter in 0..4 {
            let from = -60.0 + 30.0 * f64::from(quarter);
            let share = lags.iter().filter(|l| (from..from + 30.0).contains(l)).count() as f64 / lags.len() as f64;
            assert!((share - 0.25).abs() < 0.08, "{share}");
        }
    }
}
