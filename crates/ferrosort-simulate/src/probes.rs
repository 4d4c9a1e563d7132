//! Geometries to simulate on. For a single column of contacts use [`Probe::line`].

use ferrosort_core::{Contact, Probe};

fn probe(name: String, positions: impl Iterator<Item = (f64, f64)>) -> Probe {
    let contacts = positions
        .enumerate()
        .map(|(channel, (x_um, y_um))| Contact {
            channel,
            x_um,
            y_um,
            shank: 0,
        })
        .collect();
    Probe { name, contacts }
}

/// The lowest `n_channels` contacts of a Neuropixels 1.0 probe: two staggered contacts a row, rows 20 µm apart,
/// x = 43, 11, 59, 27 µm in turn (Kilosort's orientation of the checkerboard; Jun et al., Nature 551:232, 2017).
pub fn neuropixels1_checkerboard(n_channels: usize) -> Probe {
    const X_UM: [f64; 4] = [43.0, 11.0, 59.0, 27.0];
    let positions = (0..n_channels).map(|i| (X_UM[i % 4], 20.0 * (i / 2) as f64));
    probe(format!("Neuropixels 1.0, {n_channels} channels"), positions)
}

/// A tetrode: four contacts on a circle of radius 10 µm.
pub fn tetrode() -> Probe {
    probe(
        "tetrode".into(),
        [(10.0, 0.0), (0.0, 10.0), (-10.0, 0.0), (0.0, -10.0)].into_iter(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkerboard_staggers_its_rows() {
        let p = neuropixels1_checkerboard(6);
        let expected = [
            [43.0, 0.0],
            [11.0, 0.0],
            [59.0, 20.0],
            [27.0, 20.0],
            [43.0, 40.0],
            [11.0, 40.0],
        ];
        assert_eq!(p.positions_um(), expected);
        assert!(p.validate(6, "checkerboard").is_ok());
        assert!(tetrode().validate(4, "tetrode").is_ok());
    }
}
