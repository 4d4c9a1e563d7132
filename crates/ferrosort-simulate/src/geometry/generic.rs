//! Tetrodes, lines, polytrodes and planar arrays.

use ferrosort_core::{Error, Result};

use super::{Adc, ContactShape, PLANE_FACTOR, SHANK_FACTOR, SimProbe, WIRE_FACTOR, in_order};

/// Wires of a tetrode on a circle of radius 10 µm, counter-clockwise from the right.
const TETRODE_UM: [[f64; 2]; 4] = [[10.0, 0.0], [0.0, 10.0], [-10.0, 0.0], [0.0, -10.0]];
/// Distance of the tetrodes of an array, µm.
const TETRODE_PITCH_UM: f64 = 150.0;

/// Four wires of radius 6 µm.
pub(super) fn tetrode() -> SimProbe {
    let shape = ContactShape::Disc { radius_um: 6.0 };
    in_order("tetrode".into(), TETRODE_UM, shape, WIRE_FACTOR, Adc::INTAN)
}

/// `n` tetrodes in a row along x, 150 µm apart; each is a group of its own.
pub(super) fn tetrode_array(n: usize) -> SimProbe {
    let positions = (0..4 * n).map(|i| {
        let [x, y] = TETRODE_UM[i % 4];
        [x + TETRODE_PITCH_UM * (i / 4) as f64, y]
    });
    let shape = ContactShape::Disc { radius_um: 6.0 };
    let mut probe = in_order(format!("tetrode-array-{n}"), positions, shape, WIRE_FACTOR, Adc::INTAN);
    for (i, contact) in probe.contacts.iter_mut().enumerate() {
        contact.shank = (i / 4) as i64;
    }
    probe
}

/// One column of discs, 20 µm apart.
pub(super) fn linear(n: usize) -> SimProbe {
    let positions = (0..n).map(|i| [0.0, 20.0 * i as f64]);
    let shape = ContactShape::Disc { radius_um: 6.0 };
    in_order(format!("linear-{n}"), positions, shape, SHANK_FACTOR, Adc::INTAN)
}

/// A polytrode of three columns with 10, 12 and 10 discs, 30 µm apart, the middle one half a pitch lower.
pub(super) fn poly3() -> SimProbe {
    let columns = [(10, 0.0), (12, -15.0), (10, 0.0)].into_iter().enumerate();
    let positions =
        columns.flat_map(|(column, (n, shift))| (0..n).map(move |i| [30.0 * column as f64, 30.0 * i as f64 + shift]));
    let shape = ContactShape::Disc { radius_um: 8.0 };
    in_order("poly3-32".into(), positions, shape, SHANK_FACTOR, Adc::INTAN)
}

/// A planar array of `columns` x `rows` contacts on a square grid, row by row: squares of 9.3 µm at the pitch of
/// high-density arrays (17.5 µm), else discs of 10 µm (pitch up to 100 µm) or 30 µm.
pub(super) fn planar_array(columns: usize, rows: usize, pitch_um: f64) -> Result<SimProbe> {
    let shape = match pitch_um {
        17.5 => ContactShape::square(9.3),
        30.0 | 60.0 | 100.0 => ContactShape::Disc { radius_um: 5.0 },
        200.0 => ContactShape::Disc { radius_um: 15.0 },
        _ => {
            return Err(Error::input(format!(
                "probe mea-{columns}x{rows}-{pitch_um}: the pitch must be 17.5, 30, 60, 100 or 200 µm"
            )));
        }
    };
    let positions = (0..columns * rows).map(|i| [(i % columns) as f64 * pitch_um, (i / columns) as f64 * pitch_um]);
    let name = format!("mea-{columns}x{rows}-{pitch_um}");
    Ok(in_order(name, positions, shape, PLANE_FACTOR, Adc::INTAN))
}
