//! Which spikes coincide with spikes of other units.

use crate::simulation::TrueSpike;

/// Spikes at most this far apart coincide, s.
const COINCIDENT_S: f64 = 0.001;

/// For each spike: 0 alone, 1 with another unit within 1 ms, 2 with a unit at the same place.
pub(super) fn overlaps(spikes: &[TrueSpike], neighbours: &[Vec<usize>], sample_rate: f64) -> Vec<u8> {
    let window = COINCIDENT_S * sample_rate;
    let mut kinds = vec![0u8; spikes.len()];
    let mut first = 0;
    for i in 0..spikes.len() {
        let here = &spikes[i];
        // Nearest samples are ascending, exact times nearly so: one sample of slack.
        while here.sample - spikes[first].sample > window + 1.0 {
            first += 1;
        }
        for j in first..i {
            let other = &spikes[j];
            if other.unit == here.unit || (here.sample - other.sample).abs() > window {
                continue;
            }
            let kind = if neighbours[here.unit as usize]
                .binary_search(&(other.unit as usize))
                .is_ok()
            {
                2
            } else {
                1
            };
            kinds[i] = kinds[i].max(kind);
            kinds[j] = kinds[j].max(kind);
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_symmetric_and_need_another_unit() {
        let spike = |sample: f64, unit: u32| TrueSpike {
            sample,
            unit,
            amplitude: 1.0,
            origin: sample,
        };
        let spikes = [
            spike(0.0, 0),
            spike(29.0, 1),
            spike(70.0, 0),
            spike(95.0, 2),
            spike(100.0, 0),
            spike(500.0, 1),
        ];
        let found = overlaps(&spikes, &[vec![1], vec![0], vec![]], 30_000.0);
        assert_eq!(found, [2, 2, 1, 1, 1, 0]);
    }
}
