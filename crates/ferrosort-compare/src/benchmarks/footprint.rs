//! Extent of a unit on the probe, as the benchmark of Kilosort2 measures it.

use serde::Serialize;

/// Extent and depth of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Footprint {
    /// Twice the distance from the largest contact to the last one that belongs to the unit without a gap, µm.
    pub size_um: f64,
    /// Position of the largest contact along the probe, µm.
    pub depth_um: f64,
}

/// Footprint of a unit from its first spatial component, one value for each contact, and the positions `(x, y)` of the
/// contacts, µm.
///
/// Contacts with more than a tenth of the component's range belong to the unit, outwards from the contact with the largest
/// value for as long as the next one is less than 30 µm further out. `None` without contacts.
pub fn footprint(component: &[f64], positions_um: &[[f64; 2]]) -> Option<Footprint> {
    let largest = component
        .iter()
        .copied()
        .enumerate()
        .reduce(|most, next| if next.1 > most.1 { next } else { most })?;
    let least = component.iter().copied().fold(f64::INFINITY, f64::min);
    let threshold = 0.1 * (largest.1 - least);
    let [x, y] = *positions_um.get(largest.0)?;
    let included = component
        .iter()
        .zip(positions_um)
        .filter(|(value, _)| value.abs() > threshold);
    let mut distances: Vec<f64> = included.map(|(_, at)| (at[0] - x).hypot(at[1] - y)).collect();
    distances.sort_unstable_by(f64::total_cmp);
    let mut last = 0.0;
    for distance in distances {
        if distance - last >= 30.0 {
            break;
        }
        last = distance;
    }
    Some(Footprint {
        size_um: 2.0 * last,
        depth_um: y,
    })
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_outwards_ends_at_a_gap() {
        let positions: Vec<[f64; 2]> = [0.0, 20.0, 40.0, 80.0].iter().map(|&y| [0.0, y]).collect();
        let found = footprint(&[1.0, 0.5, 0.3, 0.3], &positions).unwrap();
        assert_eq!((found.size_um, found.depth_um), (80.0, 0.0));
        // The contact at 40 µm is too weak; the next is 60 µm away.
        let found = footprint(&[1.0, 0.5, 0.05, 0.3], &positions).unwrap();
        assert_eq!(found.size_um, 40.0);
        assert_eq!(footprint(&[], &[]), None);
    }
}
