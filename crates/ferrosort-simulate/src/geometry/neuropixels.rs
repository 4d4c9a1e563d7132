//! Neuropixels probes; positions as in probeinterface's table of the manufacturer's numbers.

use ferrosort_core::{Error, Result};

use super::{Adc, ContactShape, SHANK_FACTOR, SimProbe, emouse, in_order};

/// The on-shank reference of Neuropixels 1.0, 0-based channel.
const REFERENCE: usize = 191;
/// Distance between the shanks of Neuropixels 2.0, µm.
const SHANK_PITCH_UM: f64 = 250.0;

/// Two contacts a row: x of the left one in even and odd rows, distance of the columns, distance of the rows, µm.
fn two_columns(left_um: [f64; 2], column_um: f64, row_um: f64) -> impl Fn(usize) -> [f64; 2] {
    move |i| {
        let row = i / 2;
        [left_um[row % 2] + column_um * (i % 2) as f64, row_um * row as f64]
    }
}

fn shank(name: String, n: usize, site_um: impl Fn(usize) -> [f64; 2], side_um: f64, adc: Adc) -> SimProbe {
    let shape = ContactShape::square(side_um);
    in_order(name, (0..n).map(site_um), shape, SHANK_FACTOR, adc)
}

fn without_reference(mut probe: SimProbe) -> SimProbe {
    if let Some(reference) = probe.contacts.get_mut(REFERENCE) {
        reference.connected = false;
    }
    probe
}

/// Neuropixels 1.0 in the manufacturer's orientation: even rows at x = 27 and 59 µm, odd rows at 11 and 43 µm.
pub(super) fn one(n: usize) -> SimProbe {
    let site_um = two_columns([27.0, 11.0], 32.0, 20.0);
    without_reference(shank(format!("np1-{n}"), n, site_um, 12.0, Adc::NEUROPIXELS_1))
}

/// Neuropixels 1.0 in Kilosort's orientation: x mirrored about 35 µm, rows from 20 µm.
pub(super) fn one_kilosort(n: usize) -> SimProbe {
    let name = format!("np1-kilosort-{n}");
    without_reference(shank(name, n, emouse::site_um, 12.0, Adc::NEUROPIXELS_1))
}

/// Neuropixels 2.0 with one shank: two straight columns, rows 15 µm apart.
pub(super) fn two(n: usize) -> SimProbe {
    let site_um = two_columns([27.0, 27.0], 32.0, 15.0);
    shank(format!("np2-{n}"), n, site_um, 12.0, Adc::NEUROPIXELS_2)
}

/// Neuropixels 2.0 with four shanks, a quarter of the contacts on each.
pub(super) fn two_four_shanks(n: usize) -> Result<SimProbe> {
    if !n.is_multiple_of(4) {
        return Err(Error::input(format!(
            "probe np2-4shank-{n} cannot share its contacts among four shanks; use a multiple of 4"
        )));
    }
    let site_um = two_columns([27.0, 27.0], 32.0, 15.0);
    let mut probe = shank(
        format!("np2-4shank-{n}"),
        n,
        |i| site_um(i % (n / 4)),
        12.0,
        Adc::NEUROPIXELS_2,
    );
    for (i, contact) in probe.contacts.iter_mut().enumerate() {
        contact.shank = (i / (n / 4)) as i64;
        contact.x_um += SHANK_PITCH_UM * contact.shank as f64;
    }
    Ok(probe)
}

/// Neuropixels Ultra: eight columns, 6 µm apart in both directions.
pub(super) fn ultra(n: usize) -> SimProbe {
    let site_um = |i: usize| [14.0 + 6.0 * (i % 8) as f64, 6.0 * (i / 8) as f64];
    shank(format!("np-ultra-{n}"), n, site_um, 5.0, Adc::NEUROPIXELS_1)
}

/// Neuropixels 1.0 NHP, the long probe for large brains: columns 87 µm apart, staggered by 16 µm.
pub(super) fn one_nhp(n: usize) -> SimProbe {
    let site_um = two_columns([27.0, 11.0], 87.0, 20.0);
    shank(format!("np1-nhp-{n}"), n, site_um, 12.0, Adc::NEUROPIXELS_1)
}
