//! The maps of the eMouse simulators: short Neuropixels 3A and 3B probes, and the 32 sites of the first version.

use ferrosort_core::{Error, Result};

use super::{Adc, ContactShape, SHANK_FACTOR, SimContact, SimProbe, in_order};

/// y of the first row of sites, µm.
pub(super) const FIRST_ROW_UM: f64 = 20.0;
/// References of phase 3B probes, 1-based channels.
const REFERENCES_3B: [usize; 1] = [192];
/// References of phase 3A probes, 1-based channels.
const REFERENCES_3A: [usize; 10] = [37, 76, 113, 152, 189, 228, 265, 304, 341, 380];

/// Position of site `i` in Kilosort's orientation of the checkerboard, µm.
pub(super) fn site_um(i: usize) -> [f64; 2] {
    const X_UM: [f64; 4] = [43.0, 11.0, 59.0, 27.0];
    [X_UM[i % 4], FIRST_ROW_UM + 20.0 * (i / 2) as f64]
}

/// The lowest `n` sites of a phase 3B probe.
pub(super) fn phase_3b(n: usize) -> Result<SimProbe> {
    short_probe("3b", n, &REFERENCES_3B)
}

/// The lowest `n` sites of a phase 3A probe.
pub(super) fn phase_3a(n: usize) -> Result<SimProbe> {
    short_probe("3a", n, &REFERENCES_3A)
}

/// References strictly below channel `n` (both 1-based) are not connected: the rule of the original map makers.
fn short_probe(phase: &str, n: usize, references: &[usize]) -> Result<SimProbe> {
    if !n.is_multiple_of(2) {
        return Err(Error::input(format!(
            "probe emouse-{phase}-{n} has an odd number of sites; rows have two sites, use an even number"
        )));
    }
    let name = format!("emouse-{phase}-{n}");
    let shape = ContactShape::square(12.0);
    let mut probe = in_order(name, (0..n).map(site_um), shape, SHANK_FACTOR, Adc::EMOUSE);
    for &reference in references.iter().filter(|&&r| r < n) {
        probe.contacts[reference - 1].connected = false;
    }
    Ok(probe)
}

/// File columns (1-based) of the 34 sites of the first eMouse in sorting order; the first two are dead.
const K1_COLUMNS: [usize; 34] = [
    33, 34, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 1, 2,
    3, 4, 5, 6,
];

/// The map of the first eMouse: 32 sites in two columns 20 µm apart, y from 140 to 480 µm, two sites a row but one in
/// each of the two rows at either end, and two dead channels (here below the tip, which the original leaves open).
pub(super) fn first() -> SimProbe {
    let row = |k: usize| match k {
        0 => 0,
        31 => 17,
        _ => k / 2 + 1,
    };
    let contact = |(place, &column): (usize, &usize)| {
        let (x_um, y_um) = match place.checked_sub(2) {
            Some(k) => (20.0 * (k % 2) as f64, 140.0 + 20.0 * row(k) as f64),
            None => (20.0 * place as f64, 100.0),
        };
        SimContact {
            channel: column - 1,
            x_um,
            y_um,
            shape: ContactShape::square(12.0),
            shank: 0,
            connected: place >= 2,
        }
    };
    SimProbe {
        name: "emouse-k1".into(),
        contacts: K1_COLUMNS.iter().enumerate().map(contact).collect(),
        electrode_factor: SHANK_FACTOR,
        adc: Adc::EMOUSE,
    }
}
