//! Potentials of point and line sources in a uniform medium (docs/waveforms.md 1.4).

use crate::geometry::SimContact;

/// Conductivity sigma of the tissue, S/m.
const CONDUCTIVITY_S_M: f64 = 0.3;
/// µV of a current of 1 nA at 1 µm from a point source: 1000 / (4 pi sigma).
const UV_UM_PER_NA: f64 = 1000.0 / (4.0 * std::f64::consts::PI * CONDUCTIVITY_S_M);

/// Where a current leaves the neuron; places are relative to the centre of the soma, µm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// The soma, whose potential is that of its surface inside.
    Soma { radius_um: f64 },
    /// A straight piece of a neurite.
    Line {
        from_um: [f64; 3],
        to_um: [f64; 3],
        radius_um: f64,
    },
}

impl Source {
    /// Potential at this place (relative to the soma) of a current of 1 nA, µV.
    pub(super) fn uv_per_na(&self, place_um: [f64; 3]) -> f64 {
        match *self {
            Self::Soma { radius_um } => UV_UM_PER_NA / norm(place_um).max(radius_um),
            Self::Line {
                from_um,
                to_um,
                radius_um,
            } => {
                let along = sub(to_um, from_um);
                let length = norm(along);
                let offset = sub(place_um, from_um);
                let s = dot(offset, along) / length;
                let rho2 = (dot(offset, offset) - s * s).max(radius_um * radius_um);
                let to_ends = (s * s + rho2).sqrt() + ((length - s) * (length - s) + rho2).sqrt();
                UV_UM_PER_NA / length * twice_atanh(length / to_ends)
            }
        }
    }

    /// Potential of a contact at (x, y) relative to the soma, whose plane is `z_um` from the soma: the mean over
    /// nine points of its surface, µV per nA.
    pub(super) fn on_contact(&self, contact: &SimContact, soma_um: [f64; 3]) -> f64 {
        let points = contact.shape.points_um();
        let at = |[px, py]: [f64; 2]| {
            let [x, y, z] = soma_um;
            self.uv_per_na([contact.x_um + px - x, contact.y_um + py - y, -z])
        };
        points.into_iter().map(at).sum::<f64>() / points.len() as f64
    }
}

/// 2 atanh(u) = ln((1 + u) / (1 - u)). A line of length L whose ends are at distances a and b has the potential
/// ln((a + b + L) / (a + b - L)) / L: the sum of two asinh of Holt & Koch (J Comput Neurosci 6:169, 1999) in a form
/// that does not cancel far away. The series is exact to 1e-13 where it is used.
fn twice_atanh(u: f64) -> f64 {
    if u > 0.1 {
        return libm::log((1.0 + u) / (1.0 - u));
    }
    let u2 = u * u;
    let series = 1.0 + u2 * (1.0 / 3.0 + u2 * (0.2 + u2 * (1.0 / 7.0 + u2 * (1.0 / 9.0 + u2 * (1.0 / 11.0)))));
    2.0 * u * series
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

pub(super) fn sub(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// a + factor * b.
pub(super) fn ahead(a: [f64; 3], factor: f64, b: [f64; 3]) -> [f64; 3] {
    [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Source = Source::Line {
        from_um: [10.0, 0.0, 0.0],
        to_um: [10.0, 12.0, 0.0],
        radius_um: 1.0,
    };

    #[test]
    fn a_line_is_the_sum_of_two_asinh() {
        for place in [
            [30.0, 5.0, 2.0],
            [10.0, -3.0, 0.0],
            [-200.0, 90.0, 40.0],
            [12.0, 11.0, 0.0],
        ] {
            let s: f64 = place[1];
            let rho = (place[0] - 10.0f64).hypot(place[2]).max(1.0);
            let expected = UV_UM_PER_NA / 12.0 * (((12.0 - s) / rho).asinh() + (s / rho).asinh());
            assert!((LINE.uv_per_na(place) / expected - 1.0).abs() < 1e-12, "{place:?}");
        }
    }

    #[test]
    fn far_away_a_line_is_a_point() {
        let point = Source::Soma { radius_um: 8.0 };
        let ratio = LINE.uv_per_na([10.0, 6.0, 5000.0]) / point.uv_per_na([0.0, 0.0, 5000.0]);
        assert!((ratio - 1.0).abs() < 1e-5);
        // 1 nA at 100 µm: 1 / (4 pi 0.3 100) V.
        assert!((point.uv_per_na([100.0, 0.0, 0.0]) - 2.6526).abs() < 1e-4);
        assert_eq!(point.uv_per_na([1.0, 0.0, 0.0]), point.uv_per_na([0.0, 8.0, 0.0]));
    }

    #[test]
    fn the_series_meets_the_logarithm() {
        for u in [1e-6, 0.01, 0.05, 0.0999] {
            assert!((twice_atanh(u) / (2.0 * f64::atanh(u)) - 1.0).abs() < 2e-13, "{u}");
        }
    }
}
