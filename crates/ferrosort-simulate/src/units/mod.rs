//! Units: where they are, what their spikes look like, how large they are.

mod library;
mod make;
mod place;
mod size;

use ndarray::Array2;

use crate::firing::Firing;
use crate::geometry::SimContact;
use crate::synthesis::{Bank, Emitter, range};
use crate::waveforms::{Neuron, NeuronClass};

pub(crate) use library::Libraries;
pub(crate) use make::Maker;
pub(crate) use place::{around_axis, pairs, place};
pub(crate) use size::factors;

/// A simulated neuron.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Kind of neuron.
    pub class: NeuronClass,
    /// Position at zero displacement: across the shank, along it, in front of it, µm.
    pub position_um: [f64; 3],
    /// Shank on which it is largest.
    pub shank: i64,
    /// Mean rate that was drawn, Hz.
    pub rate_hz: f64,
    /// Spikes in the recording.
    pub n_spikes: usize,
    /// Largest minus smallest value of the whole footprint, µV.
    pub ptp_footprint_uv: f64,
    /// Peak to peak of the largest contact at zero displacement, µV.
    pub ptp_uv: f64,
    /// Depth of the trough on that contact, µV, positive.
    pub trough_uv: f64,
    /// Place in the probe's contacts of that contact.
    pub best_contact: usize,
    /// `trough_uv` over the noise of that contact (median absolute deviation).
    pub snr: f64,
    /// Root of the sum of squares over all contacts and samples over that noise.
    pub matched_snr: f64,
    /// First and last second in which the unit is there.
    pub present_s: [f64; 2],
    /// Where its waveform comes from.
    pub source: String,
    pub(crate) neuron: Neuron,
    pub(crate) firing: Firing,
    /// Sample of the waveform that falls on the time of a spike.
    pub(crate) alignment: usize,
    /// Samples from there to the trough on the best contact.
    pub(crate) trough_shift: i64,
    /// Contacts near enough to see it.
    pub(crate) near: Vec<usize>,
    /// Factor on the neuron's waveforms.
    pub(crate) gain: f32,
    pub(crate) bank: Bank,
}

impl Emitter for Unit {
    fn bank(&self) -> &Bank {
        &self.bank
    }
    fn rest_um(&self) -> f64 {
        self.position_um[1]
    }
}

/// Contacts farther than this from a generated unit do not see it, µm.
const REACH_UM: f64 = 220.0;

/// Contacts within reach of a place, or all of them for measured waveforms.
pub(crate) fn near(contacts: &[SimContact], position_um: [f64; 3], all: bool) -> Vec<usize> {
    let within = |c: &SimContact| libm::hypot(c.x_um - position_um[0], c.y_um - position_um[1]) <= REACH_UM;
    (0..contacts.len())
        .filter(|&i| contacts[i].connected && (all || within(&contacts[i])))
        .collect()
}

/// What a waveform is like on the contacts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measures {
    pub(crate) best_row: usize,
    pub(crate) ptp_uv: f64,
    pub(crate) trough_uv: f64,
    pub(crate) trough_sample: usize,
    pub(crate) footprint_uv: f64,
    pub(crate) norm_uv: f64,
}

/// Measures `[contacts, samples]`; `None` when it is zero everywhere.
pub(crate) fn measure(footprint: &Array2<f32>) -> Option<Measures> {
    let rows: Vec<f32> = footprint.outer_iter().map(|row| range(&row.to_vec())).collect();
    let best_row = (0..rows.len()).reduce(|best, i| if rows[i] > rows[best] { i } else { best })?;
    if rows[best_row] <= 0.0 {
        return None;
    }
    let row = footprint.row(best_row);
    let trough_sample = (0..row.len()).fold(0, |low, t| if row[t] < row[low] { t } else { low });
    let flat: Vec<f32> = footprint.iter().copied().collect();
    Some(Measures {
        best_row,
        ptp_uv: f64::from(rows[best_row]),
        trough_uv: f64::from(-row[trough_sample]),
        trough_sample,
        footprint_uv: f64::from(range(&flat)),
        norm_uv: flat.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt(),
    })
}

impl Unit {
    /// The waveforms at a displacement, `[near.len(), samples]`, µV.
    pub(crate) fn footprint(&self, contacts: &[SimContact], displacement_um: [f64; 3]) -> Array2<f32> {
        let seen: Vec<SimContact> = self.near.iter().map(|&i| contacts[i].clone()).collect();
        let mut footprint = self.neuron.footprint(displacement_um, &seen);
        footprint.mapv_inplace(|v| v * self.gain);
        footprint
    }

    /// Multiplies everything that is measured in µV.
    pub(crate) fn rescale(&mut self, factor: f64) {
        self.gain *= factor as f32;
        for v in [
            &mut self.ptp_footprint_uv,
            &mut self.ptp_uv,
            &mut self.trough_uv,
            &mut self.snr,
            &mut self.matched_snr,
        ] {
            *v *= factor;
        }
    }

    /// States the sizes in units of this noise (µV, one for each contact).
    pub(crate) fn set_noise(&mut self, noise_uv: &[f64], norm_uv: f64) {
        let sigma = noise_uv[self.best_contact];
        let over = |v: f64| if sigma > 0.0 { v / sigma } else { 0.0 };
        self.snr = over(self.trough_uv);
        self.matched_snr = over(norm_uv);
    }
}
