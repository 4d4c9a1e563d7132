//! Makes units from places: waveforms, first sizes, ways of firing.

use ferrosort_core::{Error, Result};
use rayon::prelude::*;

use super::{Unit, measure, near};
use crate::firing::{Firing, Kind};
use crate::geometry::{SimContact, SimProbe};
use crate::random::{Draws, Key, Stream};
use crate::settings::{FiringSettings, Generator};
use crate::synthesis::Bank;
use crate::waveforms::{Biophysical, BiophysicalParams, Neuron, NeuronClass, Parametric, ParametricParams, Window};

/// What all units of one kind share.
pub(crate) struct Maker<'a> {
    pub(crate) probe: &'a SimProbe,
    pub(crate) sample_rate: f64,
    pub(crate) duration_s: f64,
    pub(crate) generator: Generator,
    pub(crate) firing: &'a FiringSettings,
    pub(crate) seed: u64,
    /// Tells units from background units in the random streams.
    pub(crate) first_index: u64,
}

/// Draws a class with these shares of RS, FS and AX.
fn class_of(shares: [f64; 3], draws: &mut Draws) -> NeuronClass {
    let place = draws.uniform() * shares.iter().sum::<f64>();
    if place < shares[0] {
        NeuronClass::RegularSpiking
    } else if place < shares[0] + shares[1] {
        NeuronClass::FastSpiking
    } else {
        NeuronClass::Axonal
    }
}

/// How units of a class fire.
fn kind(class: NeuronClass) -> Kind {
    match class {
        NeuronClass::RegularSpiking | NeuronClass::Parametric => Kind::Excitatory,
        NeuronClass::FastSpiking => Kind::Inhibitory,
        NeuronClass::Axonal | NeuronClass::Library => Kind::Other,
    }
}

impl Maker<'_> {
    /// Units at these places with classes of these shares.
    ///
    /// # Errors
    /// A unit that no contact sees.
    pub(crate) fn generate(&self, places_um: &[[f64; 3]], class_shares: [f64; 3]) -> Result<Vec<Unit>> {
        places_um
            .par_iter()
            .enumerate()
            .map(|(i, &place)| {
                let index = self.first_index + i as u64;
                let class = class_of(class_shares, &mut Key::new(self.seed, Stream::Units, index).draws());
                let neuron = self.neuron(class, place, index)?;
                let source = format!("{}, seed {}, number {index}", self.name(), self.seed);
                self.unit(neuron, source, index)
            })
            .collect()
    }

    fn name(&self) -> &'static str {
        match self.generator {
            Generator::Biophysical => "biophysical",
            Generator::Parametric => "parametric",
            Generator::Library => "library",
        }
    }

    fn neuron(&self, class: NeuronClass, place: [f64; 3], index: u64) -> Result<Neuron> {
        let window = Window::of_spike(self.sample_rate);
        if class == NeuronClass::Axonal {
            let params = ParametricParams::random_axon(place, self.seed, index);
            return Parametric::new(&params, window).map(Neuron::Parametric);
        }
        if self.generator == Generator::Parametric {
            let params = ParametricParams::random(place, self.seed, index);
            let window = Window::around_trough(1.5, 3.0, self.sample_rate);
            return Parametric::new(&params, window).map(Neuron::Parametric);
        }
        let params = BiophysicalParams::random(class, place, self.seed, index);
        let seen: Vec<SimContact> = self
            .near(place)
            .iter()
            .map(|&i| self.probe.contacts[i].clone())
            .collect();
        Biophysical::new(&params, window, &seen, self.probe.electrode_factor).map(Neuron::Biophysical)
    }

    fn near(&self, place: [f64; 3]) -> Vec<usize> {
        near(&self.probe.contacts, place, self.generator == Generator::Library)
    }

    /// A unit with this waveform; sizes in units of the noise come later.
    pub(crate) fn unit(&self, neuron: Neuron, source: String, index: u64) -> Result<Unit> {
        let position_um = neuron.position_um();
        let class = neuron.class();
        let near = self.near(position_um);
        let firing = Firing::draw(self.firing, kind(class), self.duration_s, self.seed, index);
        // Measured waveforms are aligned by their middle, as in the simulators that use them.
        let (alignment, footprint_uv) = match &neuron {
            Neuron::Library(library) => (neuron.n_samples() / 2, Some(library.range_uv())),
            Neuron::Biophysical(_) | Neuron::Parametric(_) => (neuron.n0(), None),
        };
        let mut unit = Unit {
            class,
            position_um,
            shank: 0,
            rate_hz: firing.rate_hz,
            n_spikes: 0,
            ptp_footprint_uv: 0.0,
            ptp_uv: 0.0,
            trough_uv: 0.0,
            best_contact: 0,
            snr: 0.0,
            matched_snr: 0.0,
            present_s: firing.habits.present_s,
            source,
            neuron,
            firing,
            alignment,
            trough_shift: 0,
            near,
            gain: 1.0,
            bank: Bank::empty(),
        };
        let footprint = unit.footprint(&self.probe.contacts, [0.0; 3]);
        let Some(m) = measure(&footprint) else {
            return Err(Error::input(format!(
                "the unit at ({:.0}, {:.0}) µm ({}) is seen by no connected contact; place units nearer to the probe",
                position_um[0], position_um[1], unit.source
            )));
        };
        unit.best_contact = unit.near[m.best_row];
        unit.shank = self.probe.contacts[unit.best_contact].shank;
        unit.ptp_uv = m.ptp_uv;
        unit.ptp_footprint_uv = footprint_uv.unwrap_or(m.footprint_uv);
        unit.trough_uv = m.trough_uv;
        // Norm for now; becomes a ratio when the noise is known.
        unit.matched_snr = m.norm_uv;
        unit.trough_shift = m.trough_sample as i64 - alignment as i64;
        Ok(unit)
    }
}
