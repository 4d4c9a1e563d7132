//! Which units are pieces of one neuron: alike in shape, and one train in time (docs/algorithm.md 10).
//!
//! A neuron whose spikes change in a burst, or whose template the drift model misses, has templates of its own for each form. They stay apart
//! in the pursuit, which needs them all; their spikes get one name.

use super::cluster::Clustering;
use super::displacement::Displacement;
use super::label::Train;
use super::turns::Course;
use super::units::Unit;

/// Shapes that differ by less, as a share of the template, are one neuron's unless the trains say otherwise.
pub(super) const ALIKE: f32 = 0.2;
/// ... by less than this, when trains keep out of each other's refractory period.
const SIMILAR: f32 = 0.3;
/// ... by less than this, when one fires in the bursts of the other.
const RELATED: f32 = 0.5;
/// ... by less than this, when they take turns while the tissue moves.
const MOVED: f32 = 0.65;
/// Lags within which one neuron does not fire again, ms. Shorter ones are hidden by overlaps.
const REFRACTORY_MS: [f64; 2] = [0.4, 1.5];
/// Lags of the spikes of a burst, ms.
const BURST_MS: [f64; 2] = [3.0, 10.0];

/// Pairs of spikes of two units at some lags: how many there are, and how many two independent trains would have.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pairs {
    seen: f64,
    expected: f64,
}

impl Pairs {
    /// Fewer than a fifth of chance, where that is no chance.
    fn avoided(self) -> bool {
        self.expected > 4.0 && self.seen < 0.2 * self.expected
    }

    /// More than chance by so many times its standard deviation.
    fn excess(self, sd: f64) -> bool {
        self.seen - self.expected > sd * self.expected.max(1.0).sqrt()
    }
}

/// Group of each unit: the lowest index of those that are one neuron with it.
pub fn groups(
    units: &[Unit],
    trains: &[Train],
    clustering: &Clustering,
    displacement: &Displacement,
    duration_s: f64,
) -> Vec<usize> {
    let mut group: Vec<usize> = (0..units.len()).collect();
    let mut members: Vec<Vec<usize>> = (0..units.len()).map(|u| vec![u]).collect();
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for a in 0..units.len() {
        for b in a + 1..units.len() {
            let (first, second) = (&units[a].seed, &units[b].seed);
            if clustering.geometry.wide[first.home].contains(&second.home) {
                let distance = clustering.shape_distance(first, second);
                if distance < MOVED {
                    pairs.push((distance, a, b));
                }
            }
        }
    }
    pairs.sort_by(|x, y| x.0.total_cmp(&y.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let rate = clustering.signal.sample_rate();
    for (distance, a, b) in pairs {
        let (into, from) = (group[a].min(group[b]), group[a].max(group[b]));
        if into == from {
            continue;
        }
        let train = |g: usize| merged(members[g].iter().map(|&u| trains[u].times.as_slice()));
        let (x, y) = (train(into), train(from));
        let take_turns = || {
            let (geometry, home) = (clustering.geometry, units[a].seed.home);
            let course = Course::new(
                displacement,
                geometry.shank[home],
                geometry.positions_um[home][1],
                duration_s,
            );
            course.take_turns(&x, &y, rate)
        };
        if is_one(distance, &x, &y, rate, duration_s) || take_turns() {
            let moved = std::mem::take(&mut members[from]);
            for &u in &moved {
                group[u] = into;
            }
            members[into].extend(moved);
        }
    }
    group
}

/// Whether two trains of so different a shape are of one neuron.
fn is_one(distance: f32, x: &[i64], y: &[i64], sample_rate: f64, duration_s: f64) -> bool {
    let pairs = |[from, to]: [f64; 2]| {
        let [from, to] = [from, to].map(|ms| (ms * sample_rate / 1000.0).round() as i64);
        Pairs {
            seen: coincidences(x, y, [from, to]),
            expected: 2.0 * (to - from) as f64 / sample_rate * x.len() as f64 * y.len() as f64 / duration_s.max(1e-9),
        }
    };
    if distance >= RELATED {
        return false;
    }
    let (refractory, burst) = (pairs(REFRACTORY_MS), pairs(BURST_MS));
    if refractory.excess(2.0) || refractory.expected > 4.0 && refractory.seen > 0.5 * refractory.expected {
        return false;
    }
    distance < ALIKE
        || distance < SIMILAR && refractory.avoided()
        || burst.excess(4.0) && burst.seen > 2.0 * burst.expected
}

/// Times of several trains, sorted.
pub fn merged<'a>(trains: impl Iterator<Item = &'a [i64]>) -> Vec<i64> {
    let mut all: Vec<i64> = trains.flatten().copied().collect();
    all.sort_unstable();
    all
}

/// Pairs of spikes whose lag, in either direction, is in `[from, to)` samples.
fn coincidences(x: &[i64], y: &[i64], [from, to]: [i64; 2]) -> f64 {
    let count = |x: &[i64], y: &[i64]| {
        let (mut low, mut high) = (0, 0);
        let mut sum = 0;
        for &t in x {
            while low < y.len() && y[low] < t + from {
                low += 1;
            }
            while high < y.len() && y[high] < t + to {
                high += 1;
            }
            sum += high - low;
        }
        sum
    };
    (count(x, y) + count(y, x)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 30_000.0;
    const DURATION_S: f64 = 100.0;

    /// A train whose intervals are `least` to three times `least` ms, from a hash of the seed.
    fn train(least_ms: f64, seed: u64) -> Vec<i64> {
        let mut out = Vec::new();
        let (mut t, mut state) = (0.0, seed);
        while t < DURATION_S {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            t += least_ms / 1000.0 * (1.0 + 2.0 * (state >> 33) as f64 / (1u64 << 31) as f64);
            out.push((t * RATE) as i64);
        }
        out
    }

    fn one(distance: f32, x: &[i64], y: &[i64]) -> bool {
        is_one(distance, x, y, RATE, DURATION_S)
    }

    #[test]
    fn independent_trains_are_one_neuron_only_when_nearly_equal_in_shape() {
        let (x, y) = (train(400.0, 1), train(400.0, 2));
        assert!(!one(0.3, &x, &y));
        assert!(one(0.1, &x, &y), "so alike that trains with few pairs do not matter");
    }

    #[test]
    fn trains_that_fire_in_each_others_refractory_period_are_two_neurons() {
        let x = train(20.0, 1);
        let y: Vec<i64> = x.iter().map(|t| t + 24).collect();
        assert!(!one(0.1, &x, &y));
        let busy = (train(5.0, 3), train(5.0, 4));
        assert!(!one(0.1, &busy.0, &busy.1));
    }

    #[test]
    fn a_train_in_the_bursts_of_another_is_the_same_neuron() {
        let x = train(100.0, 1);
        let y: Vec<i64> = x.iter().step_by(4).map(|t| t + 150).collect();
        assert!(one(0.45, &x, &y));
        assert!(!one(0.6, &x, &y), "the shape must be related");
    }

    #[test]
    fn one_busy_train_dealt_out_to_two_units_is_one_neuron() {
        let all = train(6.0, 5);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (i, t) in all.iter().enumerate() {
            if (i / 7) % 2 == 0 { x.push(*t) } else { y.push(*t) }
        }
        assert!(one(0.29, &x, &y));
    }
}
