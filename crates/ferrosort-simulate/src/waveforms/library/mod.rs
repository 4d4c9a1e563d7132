//! Measured footprints from files, interpolated in space (docs/waveforms.md 4).
//!
//! The files are not part of this program; the user names them.

mod clean;
mod makima;
mod read;
mod surface;
mod triangles;

use ferrosort_core::{Error, Result};
use ndarray::Array2;

use super::{Window, best_contact, trough_sample};
use crate::geometry::SimContact;
use surface::Surface;

pub use read::{LibraryKind, MeasuredUnit, WaveformLibrary};

/// Treatment of measured footprints.
// Four independent switches of the user, not a state.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LibraryOptions {
    /// Let footprints fall to zero at their edges instead of ending abruptly, and continue narrow ones sideways.
    pub taper_edges: bool,
    /// Average over the surface of a contact instead of taking its centre.
    pub average_contact: bool,
    /// Subtract the baseline and let both ends of the waveforms fall to zero.
    pub flatten_baseline: bool,
    /// Keep three singular components of each footprint.
    pub rank_three: bool,
}

impl LibraryOptions {
    /// As the eMouse simulators do: none of the improvements.
    pub const EMOUSE: Self = Self {
        taper_edges: false,
        average_contact: false,
        flatten_baseline: false,
        rank_three: false,
    };
}

impl Default for LibraryOptions {
    /// All improvements but the reduction of rank.
    fn default() -> Self {
        Self {
            taper_edges: true,
            average_contact: true,
            flatten_baseline: true,
            rank_three: false,
        }
    }
}

/// A footprint is full-sized within this share of the half-width of its box and zero at its edge.
const FULL_SHARE: f64 = 0.75;
/// Footprints of phase 3A are full-sized up to the first distance and zero beyond the second, µm.
const REACH_3A_UM: [f64; 2] = [120.0, 200.0];
/// Footprints of phase 3A are continued sideways over the first distance with the second as e-fold length, µm.
const SIDEWAYS_UM: [f64; 2] = [40.0, 20.0];

/// A measured unit at a place of the probe.
#[derive(Debug, Clone)]
pub struct Library {
    position_um: [f64; 3],
    kind: LibraryKind,
    label: i64,
    surface: Surface,
    options: LibraryOptions,
    window: Window,
    range_uv: f64,
    gain: f64,
}

impl Library {
    /// The unit with its origin at `position_um`, whose z has no effect. The sample of the trough is the one on the
    /// best of `contacts` at zero displacement.
    ///
    /// # Errors
    /// The footprint misses all connected contacts, or its positions cannot be interpolated.
    pub fn new(
        unit: &MeasuredUnit,
        position_um: [f64; 3],
        options: LibraryOptions,
        sample_rate_hz: f64,
        contacts: &[SimContact],
    ) -> Result<Self> {
        let n_samples = unit.n_samples();
        let mut waves = unit.waves_uv.clone();
        if options.rank_three {
            clean::keep_rank_three(&mut waves, n_samples);
        }
        if options.flatten_baseline {
            clean::flatten_baseline(&mut waves, n_samples);
        }
        let mut neuron = Self {
            position_um,
            kind: unit.kind,
            label: unit.label,
            surface: Surface::new(unit, waves)?,
            options,
            window: Window {
                sample_rate_hz,
                n_samples,
                n0: 0,
            },
            range_uv: unit.range_uv(),
            gain: 1.0,
        };
        let footprint = neuron.footprint([0.0; 3], contacts);
        let best = best_contact(&footprint).filter(|&i| footprint.row(i).iter().any(|v| *v != 0.0));
        let Some(best) = best else {
            return Err(Error::input(format!(
                "measured unit {} at x = {} µm, y = {} µm reaches no connected contact; place it on the probe",
                unit.label, position_um[0], position_um[1]
            )));
        };
        neuron.window.n0 = trough_sample(footprint.row(best));
        Ok(neuron)
    }

    /// `[contacts, samples]`, µV. Contacts that are not connected have zeros.
    pub(super) fn footprint(&self, displacement_um: [f64; 3], contacts: &[SimContact]) -> Array2<f32> {
        let mut footprint = Array2::zeros((contacts.len(), self.window.n_samples));
        let mut row = vec![0.0; self.window.n_samples];
        for (mut out, contact) in footprint.outer_iter_mut().zip(contacts) {
            if !contact.connected {
                continue;
            }
            let centre = [
                contact.x_um - (self.position_um[0] + displacement_um[0]),
                contact.y_um - (self.position_um[1] + displacement_um[1]),
            ];
            row.fill(0.0);
            if self.options.average_contact {
                for [px, py] in contact.shape.points_um() {
                    self.add([centre[0] + px, centre[1] + py], self.gain / 9.0, &mut row);
                }
            } else {
                self.add(centre, self.gain, &mut row);
            }
            for (o, v) in out.iter_mut().zip(&row) {
                *o = *v as f32;
            }
        }
        footprint
    }

    /// Adds `gain` times the waveform at an offset from the unit; nothing out of range.
    fn add(&self, offset_um: [f64; 2], gain: f64, out: &mut [f64]) {
        if !self.options.taper_edges {
            if self.surface.contains(offset_um) {
                self.surface.add(offset_um, gain, out);
            }
            return;
        }
        let (place, taper) = match self.kind {
            LibraryKind::UltraDense => (offset_um, self.box_taper(offset_um)),
            LibraryKind::Phase3A => self.radial_taper(offset_um),
        };
        if taper > 0.0 && self.surface.contains(place) {
            self.surface.add(place, gain * taper, out);
        }
    }

    /// One in the middle of the box, zero at its edges.
    fn box_taper(&self, offset_um: [f64; 2]) -> f64 {
        let [low, high] = self.surface.box_um;
        let along = |axis: usize| {
            let centre = f64::midpoint(low[axis], high[axis]);
            let half = (high[axis] - low[axis]) / 2.0;
            fall((offset_um[axis] - centre).abs(), [FULL_SHARE * half, half])
        };
        along(0) * along(1)
    }

    /// The place to read (the nearest column when the offset is beside the box) and the factor.
    fn radial_taper(&self, [dx, dy]: [f64; 2]) -> ([f64; 2], f64) {
        let [low, high] = self.surface.box_um;
        let column = dx.clamp(low[0], high[0]);
        let excess = (dx - column).abs();
        let sideways = if excess > SIDEWAYS_UM[0] {
            0.0
        } else {
            libm::exp(-excess / SIDEWAYS_UM[1])
        };
        ([column, dy], sideways * fall((dx * dx + dy * dy).sqrt(), REACH_3A_UM))
    }

    /// Largest minus smallest value over all measured positions and samples, with the factors of
    /// [`super::Neuron::scale`], µV.
    pub fn range_uv(&self) -> f64 {
        self.range_uv * self.gain.abs()
    }

    /// Where it was measured.
    pub fn kind(&self) -> LibraryKind {
        self.kind
    }

    /// Number in the sorting from which it comes.
    pub fn label(&self) -> i64 {
        self.label
    }

    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) fn position_um(&self) -> [f64; 3] {
        self.position_um
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.gain *= factor;
    }
}

/// Random factor of the eMouse simulators for units that are not brought to one size: `mean_3a` (for ultra-dense units
/// one) times a number around one, `uniform` - 1/2 from it. `uniform` is drawn from (0, 1).
pub fn emouse_intensity(kind: LibraryKind, mean_3a: f64, uniform: f64) -> f64 {
    let mean = match kind {
        LibraryKind::UltraDense => 1.0,
        LibraryKind::Phase3A => mean_3a,
    };
    mean * (0.5 + uniform)
}

/// One up to the first distance, then cos² to zero at the second.
fn fall(distance: f64, [full, none]: [f64; 2]) -> f64 {
    if distance <= full {
        return 1.0;
    }
    if distance >= none {
        return 0.0;
    }
    let cos = libm::cos(std::f64::consts::FRAC_PI_2 * (distance - full) / (none - full));
    cos * cos
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
