//! Clusters of spikes that overlapped by chance: their means are sums of the templates of other units (docs/algorithm.md 9).
//!
//! Such a unit would take the spikes of those that it is the sum of, since one spike is likelier than two. Without it the pursuit finds both.

use std::cmp::Ordering;

use super::basis::{Basis, COMPONENTS};
use super::geometry::Geometry;
use super::units::Seed;

/// Most spikes that overlap in a cluster.
const PARTS: usize = 3;
/// Factors with which a template may take part.
const FACTORS: [f32; 2] = [0.6, 1.4];
/// What the parts leave of the energy of a sum, at most. Three parts leave half of the energy of a neuron's own template, in the median; at a fifth
/// the first real neurons go.
const LEFT: f32 = 0.1;
/// The same for the rarest, of which there are fewer than the first share of the spikes of the largest part: their lags differ, so that their mean
/// is blurred, and neurons that are this rare beside one of a similar shape are rarer still.
const RAREST: f64 = 0.025;
const LEFT_OF_RAREST: f32 = 0.35;
/// Spikes of a sum, at most, as a share of those of its largest part, ...
const MOST: f64 = 0.1;
/// ... and as a share of those of them that overlap with others by chance.
const MOST_OF_OVERLAPS: f64 = 0.5;
/// Least energy of a sum, sd squared: weaker clusters hold spikes of the background, which weak units would take otherwise.
const LEAST_ENERGY: f32 = 150.0;
/// Spikes closer than this overlap, ms.
const OVERLAP_MS: f64 = 1.0;
/// A moved template with less than this share of its energy on the shared channels is not compared.
const LEAST_SEEN: f32 = 0.02;

/// Tells sums of the templates of other units from templates of a neuron.
pub struct Mixtures<'a> {
    /// Neighbourhoods.
    pub geometry: &'a Geometry,
    /// Temporal basis.
    pub basis: &'a Basis,
    /// Length of what the spikes were counted in, s.
    pub learnt_s: f64,
}

/// What one template explains of another.
struct Part {
    gain: f32,
    /// The scaled, moved template on the features of the other.
    values: Vec<f32>,
}

fn energy(values: &[f32]) -> f32 {
    values.iter().map(|v| v * v).sum()
}

impl Mixtures<'_> {
    /// Those that are no sums of others, in order of falling counts.
    pub fn without<T>(&self, mut all: Vec<T>, seed: impl Fn(&T) -> &Seed) -> Vec<T> {
        let by = |a: &T, b: &T| -> Ordering {
            let (a, b) = (seed(a), seed(b));
            b.count.total_cmp(&a.count).then(a.home.cmp(&b.home))
        };
        all.sort_by(by);
        let mut kept: Vec<T> = Vec::new();
        for candidate in all {
            let others: Vec<&Seed> = kept.iter().map(&seed).collect();
            if !self.is_sum(seed(&candidate), &others) {
                kept.push(candidate);
            }
        }
        kept
    }

    /// Whether the mean of `sum` is that of overlapping spikes of `others`, and as rare as chance makes those.
    fn is_sum(&self, sum: &Seed, others: &[&Seed]) -> bool {
        let near: Vec<&Seed> = others.iter().copied().filter(|o| self.overlap(sum, o)).collect();
        let noise = (sum.mean.len() as f64 / sum.count.max(1.0)) as f32;
        let whole = energy(&sum.mean) - noise;
        if whole < LEAST_ENERGY {
            return false;
        }
        let mut left = sum.mean.clone();
        let mut largest = None;
        for _ in 0..PARTS {
            let parts = near.iter().filter_map(|o| Some((*o, self.part(sum, &left, o)?)));
            let Some((other, part)) = parts.max_by(|a, b| a.1.gain.total_cmp(&b.1.gain)) else {
                return false;
            };
            let source = *largest.get_or_insert(other);
            if !self.is_rare(sum, source, &near) {
                return false;
            }
            for (l, v) in left.iter_mut().zip(&part.values) {
                *l -= v;
            }
            let most_left = if sum.count < RAREST * source.count {
                LEFT_OF_RAREST
            } else {
                LEFT
            };
            if energy(&left) - noise < most_left * whole {
                return true;
            }
        }
        false
    }

    fn overlap(&self, a: &Seed, b: &Seed) -> bool {
        self.geometry.wide[a.home].contains(&b.home)
    }

    /// Whether a sum has no more spikes than overlaps of its largest part with others near it.
    fn is_rare(&self, sum: &Seed, source: &Seed, near: &[&Seed]) -> bool {
        let all: f64 = near.iter().map(|o| o.count).sum();
        let others_hz = (all - source.count) / self.learnt_s.max(1e-9);
        let overlapping = (2.0 * OVERLAP_MS / 1000.0 * others_hz).min(1.0);
        sum.count < source.count * MOST.min(MOST_OF_OVERLAPS * overlapping)
    }

    /// The lag and factor of `other` that explain most of what is `left` of a mean.
    fn part(&self, sum: &Seed, left: &[f32], other: &Seed) -> Option<Part> {
        let (on, from) = (&self.geometry.wide[sum.home], &self.geometry.wide[other.home]);
        let shared: Vec<(usize, usize)> = on
            .iter()
            .enumerate()
            .filter_map(|(i, c)| from.iter().position(|o| o == c).map(|j| (i, j)))
            .collect();
        let least = LEAST_SEEN * energy(&other.mean);
        let lags = 2 * self.basis.length() - 1;
        let moved = |lag: usize| {
            let mut values = vec![0.0f32; left.len()];
            for &(i, j) in &shared {
                for p in 0..COMPONENTS {
                    let terms =
                        (0..COMPONENTS).map(|q| other.mean[j * COMPONENTS + q] * self.basis.lagged(q, p, 0)[lag]);
                    values[i * COMPONENTS + p] = terms.sum();
                }
            }
            values
        };
        let part = |lag: usize| {
            let mut values = moved(lag);
            let own = energy(&values);
            let product: f32 = values.iter().zip(left).map(|(v, l)| v * l).sum();
            if own < least || product < FACTORS[0] * own {
                return None;
            }
            let factor = (product / own).min(FACTORS[1]);
            for v in &mut values {
                *v *= factor;
            }
            let gain = factor * (2.0 * product - factor * own);
            Some(Part { gain, values })
        };
        (0..lags).filter_map(part).max_by(|a, b| a.gain.total_cmp(&b.gain))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::Probe;

    use super::super::basis::tests::example;
    use super::*;

    /// Four channels in a column, all neighbours.
    fn geometry() -> Geometry {
        Geometry::new(&Probe::line(4, 20.0))
    }

    /// A seed whose waveforms at the channels are these multiples of one shape.
    fn seed(geometry: &Geometry, sizes: [f32; 4], shape: [f32; COMPONENTS], count: f64) -> Seed {
        let home = (0..4).fold(0, |b, c| if sizes[c] > sizes[b] { c } else { b });
        let on = geometry.wide[home].iter();
        let mean = on.flat_map(|&c| shape.map(|v| v * sizes[c])).collect();
        Seed { home, mean, count }
    }

    #[test]
    fn overlapping_spikes_of_two_units_are_a_sum_unless_they_are_many() {
        let (geometry, basis) = (geometry(), example());
        let mixtures = Mixtures {
            geometry: &geometry,
            basis: &basis,
            learnt_s: 10.0,
        };
        let large = seed(
            &geometry,
            [30.0, 20.0, 5.0, 0.0],
            [1.0, 0.3, 0.0, 0.2, 0.0, 0.0],
            2000.0,
        );
        let other = seed(
            &geometry,
            [0.0, 5.0, 12.0, 15.0],
            [0.2, 1.0, 0.4, 0.0, 0.0, 0.0],
            1500.0,
        );
        let lag = basis.length() - 1 + 7;
        let overlap = |count: f64| {
            let mut sum = large.clone();
            sum.count = count;
            for (i, c) in geometry.wide[large.home].iter().enumerate() {
                let j = geometry.wide[other.home].iter().position(|o| o == c).unwrap();
                for p in 0..COMPONENTS {
                    let moved = (0..COMPONENTS).map(|q| other.mean[j * COMPONENTS + q] * basis.lagged(q, p, 0)[lag]);
                    sum.mean[i * COMPONENTS + p] += moved.sum::<f32>();
                }
            }
            sum
        };
        assert!(mixtures.is_sum(&overlap(50.0), &[&large, &other]));
        assert!(
            !mixtures.is_sum(&overlap(900.0), &[&large, &other]),
            "too many to be chance"
        );
        let alone = [&large];
        assert!(
            !mixtures.is_sum(&overlap(50.0), &alone),
            "nothing near fires beside the large one"
        );
        let own = seed(&geometry, [20.0, 25.0, 5.0, 0.0], [0.0, 0.0, 1.0, -0.5, 0.3, 0.0], 50.0);
        assert!(!mixtures.is_sum(&own, &[&large, &other]));
        let kept = mixtures.without(vec![overlap(50.0), other.clone(), own, large.clone()], |s| s);
        assert_eq!(kept.iter().map(|s| s.count).collect::<Vec<_>>(), [2000.0, 1500.0, 50.0]);
    }
}
