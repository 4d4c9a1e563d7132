//! Features of the spikes of a unit and of those near it, in the space of the unit's channels.

use ferrosort_core::PcFeatures;
use ndarray::{Array2, Array3};

use super::features::{d_prime, isolation, nearest_neighbours, silhouette};

/// Features of some spikes of every unit, each on the channels near its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct SpikeFeatures {
    /// What they are, for the table ("pc_features of the run").
    pub source: String,
    /// `[spikes, components, slots]`.
    pub values: Array3<f32>,
    /// Unit of each row of `values`.
    pub units: Vec<u32>,
    /// `[units, slots]`: channel of each slot, in the run's order of channels.
    pub channels: Array2<u32>,
    /// Main channel of each unit.
    pub main_channels: Vec<Option<u32>>,
}

/// What the features tell of one unit; NaN where they do not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClusterMetrics {
    pub isolation_distance: f64,
    pub l_ratio: f64,
    pub d_prime: f64,
    pub nn_hit_rate: f64,
    pub nn_miss_rate: f64,
    pub silhouette: f64,
}

/// Bounds of the computation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClusterLimits {
    pub channels: usize,
    pub neighbours: usize,
    pub max_neighbour_spikes: usize,
}

impl SpikeFeatures {
    /// Evenly spaced spikes, at most `max_per_unit` of each unit, from features of all spikes of a run.
    ///
    /// `spike_units` has the unit of each row of `features`. The main channel of a unit is the one where its first components are
    /// largest. `None` when the arrays do not fit together.
    pub fn from_run(features: &PcFeatures, spike_units: &[u32], max_per_unit: usize) -> Option<Self> {
        let n_units = features.channels.nrows();
        let (rows, components, slots) = features.values.dim();
        if rows != spike_units.len() || slots != features.channels.ncols() || components == 0 {
            return None;
        }
        let mut of_unit = vec![Vec::new(); n_units];
        for (row, &unit) in spike_units.iter().enumerate() {
            if let Some(rows) = of_unit.get_mut(unit as usize) {
                rows.push(row);
            }
        }
        let mut chosen: Vec<usize> = of_unit
            .iter()
            .flat_map(|rows| {
                let taken = rows.len().min(max_per_unit);
                (0..taken).map(move |k| rows[k * rows.len() / taken])
            })
            .collect();
        chosen.sort_unstable();
        let values = Array3::from_shape_fn((chosen.len(), components, slots), |(i, p, s)| {
            let value = features.values[[chosen[i], p, s]];
            if value.is_finite() { value } else { 0.0 }
        });
        let units = chosen.iter().map(|&row| spike_units[row]).collect();
        let mut selected = Self {
            source: "pc_features of the run".to_owned(),
            values,
            units,
            channels: features.channels.clone(),
            main_channels: vec![None; n_units],
        };
        for unit in 0..n_units {
            let energies = selected.slot_energies(unit);
            selected.main_channels[unit] = energies.first().map(|&(slot, _)| selected.channels[[unit, slot]]);
        }
        Some(selected)
    }

    fn rows_of(&self, unit: usize) -> impl Iterator<Item = usize> {
        self.units
            .iter()
            .enumerate()
            .filter(move |&(_, &u)| u as usize == unit)
            .map(|(row, _)| row)
    }

    /// Slots of a unit with the sum of squares of their first component over its spikes, largest first; none without spikes.
    fn slot_energies(&self, unit: usize) -> Vec<(usize, f64)> {
        let mut energies: Vec<(usize, f64)> = (0..self.channels.ncols()).map(|slot| (slot, 0.0)).collect();
        let mut spikes = 0;
        for row in self.rows_of(unit) {
            spikes += 1;
            for (slot, energy) in &mut energies {
                *energy += f64::from(self.values[[row, 0, *slot]]).powi(2);
            }
        }
        // A channel that fills several slots (a unit with fewer channels than slots) counts once.
        let first = |slot: usize| (0..slot).all(|s| self.channels[[unit, s]] != self.channels[[unit, slot]]);
        energies.retain(|&(slot, energy)| spikes > 0 && energy > 0.0 && first(slot));
        energies.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        energies
    }

    /// Features of the spikes `rows`, of unit `of`, on these channels; 0 where the unit has no feature.
    fn on_channels(&self, rows: &[usize], of: usize, channels: &[u32], out: &mut Vec<f64>) {
        let slots: Vec<Option<usize>> = channels
            .iter()
            .map(|&c| (0..self.channels.ncols()).find(|&s| self.channels[[of, s]] == c))
            .collect();
        for &row in rows {
            for slot in &slots {
                for p in 0..self.values.dim().1 {
                    out.push(slot.map_or(0.0, |s| f64::from(self.values[[row, p, s]])));
                }
            }
        }
    }

    /// Metrics of a unit against all units whose main channel is one of its own.
    pub(crate) fn metrics_of(&self, unit: usize, limits: ClusterLimits) -> ClusterMetrics {
        let none = ClusterMetrics {
            isolation_distance: f64::NAN,
            l_ratio: f64::NAN,
            d_prime: f64::NAN,
            nn_hit_rate: f64::NAN,
            nn_miss_rate: f64::NAN,
            silhouette: f64::NAN,
        };
        if unit >= self.channels.nrows() {
            return none;
        }
        let channels: Vec<u32> = self
            .slot_energies(unit)
            .iter()
            .take(limits.channels)
            .map(|&(slot, _)| self.channels[[unit, slot]])
            .collect();
        let width = channels.len() * self.values.dim().1;
        if width == 0 {
            return none;
        }
        let near = |other: usize| {
            other != unit
                && self
                    .main_channels
                    .get(other)
                    .copied()
                    .flatten()
                    .is_some_and(|c| channels.contains(&c))
        };
        let mut rows = vec![Vec::new(); self.channels.nrows()];
        for (row, &u) in self.units.iter().enumerate() {
            if u as usize == unit || near(u as usize) {
                rows[u as usize].push(row);
            }
        }
        let (mut own, mut others, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        self.on_channels(&rows[unit], unit, &channels, &mut own);
        for (other, rows) in rows.iter().enumerate().filter(|&(other, _)| other != unit) {
            self.on_channels(rows, other, &channels, &mut others);
            labels.extend(std::iter::repeat_n(other as u32, rows.len()));
        }
        let (Ok(own), Ok(others)) = (
            Array2::from_shape_vec((own.len() / width, width), own),
            Array2::from_shape_vec((others.len() / width, width), others),
        ) else {
            return none;
        };
        let (own, others) = (own.view(), others.view());
        let distances = isolation(own, others);
        let neighbours = nearest_neighbours(own, others, limits.neighbours, limits.max_neighbour_spikes);
        ClusterMetrics {
            isolation_distance: distances.isolation_distance,
            l_ratio: distances.l_ratio,
            d_prime: d_prime(own, others),
            nn_hit_rate: neighbours.hit,
            nn_miss_rate: neighbours.miss,
            silhouette: silhouette(own, others, &labels),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LIMITS: ClusterLimits = ClusterLimits {
        channels: 2,
        neighbours: 3,
        max_neighbour_spikes: 10_000,
    };

    /// Two units on channels 4 and 5, a third far away on 9.
    fn features() -> (PcFeatures, Vec<u32>) {
        let units: Vec<u32> = (0..90).map(|k| k % 3).collect();
        let values = Array3::from_shape_fn((90, 1, 2), |(k, _, slot)| {
            let noise = ((k * 37 + slot * 11) % 17) as f32 / 17.0;
            match (k % 3, slot) {
                (0 | 2, 0) => 10.0 + noise,
                (1, 0) => 9.0 + noise,
                _ => noise,
            }
        });
        // Unit 0: channels 4, 5; unit 1 has them the other way round; unit 2: 9 and nothing more.
        let channels = ndarray::array![[4, 5], [5, 4], [9, 9]];
        (PcFeatures { values, channels }, units)
    }

    #[test]
    fn units_are_compared_on_the_same_channels_and_far_ones_not_at_all() {
        let (run, units) = features();
        let f = SpikeFeatures::from_run(&run, &units, 500).unwrap();
        assert_eq!(f.main_channels, [Some(4), Some(5), Some(9)]);
        let m = f.metrics_of(0, LIMITS);
        assert_eq!((m.nn_hit_rate, m.nn_miss_rate), (1.0, 0.0));
        assert!(m.d_prime > 10.0 && m.silhouette > 0.9, "{m:?}");
        let far = f.metrics_of(2, LIMITS);
        assert!(far.d_prime.is_nan() && far.nn_hit_rate == 1.0, "nobody near");
        assert!(f.metrics_of(3, LIMITS).d_prime.is_nan());
    }

    #[test]
    fn spikes_are_taken_evenly_and_bad_shapes_are_refused() {
        let (run, units) = features();
        let f = SpikeFeatures::from_run(&run, &units, 10).unwrap();
        assert_eq!(f.units.len(), 30);
        assert_eq!(
            f.values[[3, 0, 0]],
            run.values[[9, 0, 0]],
            "every third spike of unit 0"
        );
        assert!(SpikeFeatures::from_run(&run, &units[1..], 10).is_none());
    }
}
