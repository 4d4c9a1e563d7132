//! Biophysical units: a soma that fires a prescribed spike, passive dendrites that draw current from it, and the line
//! sources of both (docs/waveforms.md 1).
//!
//! The analytic ball-and-stick approach of Pettersen & Einevoll (Biophys J 94:784, 2008) with the line sources of Holt
//! & Koch (J Comput Neurosci 6:169, 1999), extended by several neurites and an axon initial segment.

mod cable;
mod field;
mod morphology;
mod spike;

use ferrosort_core::{Error, Result};
use ndarray::Array2;
use realfft::num_complex::Complex64;

use super::{NeuronClass, Window};
use crate::geometry::SimContact;
use crate::random::{Key, Stream};
use cable::Cable;
use field::{Source, ahead, norm, sub};

pub(super) use morphology::isotropic;
pub use spike::IntracellularSpike;
pub(super) use spike::TimeBase;

/// A straight passive dendrite that starts at the surface of the soma.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dendrite {
    /// µm.
    pub diameter_um: f64,
    /// µm.
    pub length_um: f64,
    /// (x, y, z), of length 1.
    pub direction: [f64; 3],
}

/// The active piece of the axon, one line source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxonInitialSegment {
    /// Share of the inward current that enters here and not at the soma.
    pub share: f64,
    /// How much earlier than the soma it fires, ms.
    pub lead_ms: f64,
    /// From the surface of the soma, µm.
    pub start_um: f64,
    /// µm.
    pub length_um: f64,
    /// µm.
    pub diameter_um: f64,
    /// (x, y, z), of length 1.
    pub direction: [f64; 3],
}

/// A biophysical neuron.
#[derive(Debug, Clone, PartialEq)]
pub struct BiophysicalParams {
    /// Regular- or fast-spiking.
    pub class: NeuronClass,
    /// Centre of the soma at zero displacement, µm; z is positive in front of the probe.
    pub position_um: [f64; 3],
    /// µm.
    pub soma_radius_um: f64,
    /// What the soma does.
    pub spike: IntracellularSpike,
    /// Passive dendrites.
    pub dendrites: Vec<Dendrite>,
    /// Active axon initial segment.
    pub axon: AxonInitialSegment,
}

impl BiophysicalParams {
    /// Neuron number `index` of this seed: regular-spiking unless `class` is [`NeuronClass::FastSpiking`], with sizes
    /// and times uniform within the ranges of `docs/waveforms.md`.
    pub fn random(class: NeuronClass, position_um: [f64; 3], seed: u64, index: u64) -> Self {
        Self::draw(class, position_um, &mut Key::new(seed, Stream::Shape, index).draws())
    }

    fn validate(&self) -> Result<()> {
        let unit = |d: [f64; 3]| (norm(d) - 1.0).abs() < 1e-6;
        let positive = |v: &[f64]| v.iter().all(|v| v.is_finite() && *v > 0.0 && *v < 1e4);
        let fine = self.spike.is_valid()
            && self.position_um.iter().all(|v| v.is_finite())
            && positive(&[self.soma_radius_um, self.axon.length_um, self.axon.diameter_um])
            && [self.axon.share, self.axon.lead_ms].iter().all(|v| v.is_finite())
            && (0.0..1e4).contains(&self.axon.start_um)
            && unit(self.axon.direction)
            && self
                .dendrites
                .iter()
                .all(|d| positive(&[d.diameter_um, d.length_um]) && unit(d.direction));
        if fine {
            return Ok(());
        }
        Err(Error::input(
            "a biophysical neuron needs positive sizes and times and directions of length 1; check its parameters",
        ))
    }
}

/// A neuron whose membrane currents are known, so that a footprint at any place is a sum over its pieces.
#[derive(Debug, Clone)]
pub struct Biophysical {
    class: NeuronClass,
    position_um: [f64; 3],
    window: Window,
    /// Pieces, relative to the centre of the soma.
    sources: Vec<Source>,
    /// Outward currents, `[sources, samples]`, nA.
    currents_na: Array2<f64>,
    /// Electrode factor, times what the neuron was scaled by.
    gain: f64,
}

/// Ramps at both ends of a waveform, as samples at 30 kHz.
const RAMPS_AT_30_KHZ: [f64; 2] = [5.0, 10.0];

impl Biophysical {
    /// The neuron sampled on `window`, whose trough falls on sample `n0` of it on the best of `contacts` at zero
    /// displacement.
    ///
    /// `electrode_factor` multiplies the potentials of an unbounded medium ([`crate::geometry::SHANK_FACTOR`]).
    ///
    /// # Errors
    /// Parameters that are no neuron, no connected contact, or a window longer than what is simulated: 8 ms before and
    /// 20 ms after the trough.
    pub fn new(
        params: &BiophysicalParams,
        window: Window,
        contacts: &[SimContact],
        electrode_factor: f64,
    ) -> Result<Self> {
        window.validate()?;
        params.validate()?;
        let base = TimeBase::new(window.sample_rate_hz);
        let ms = |samples: usize| samples as f64 / window.sample_rate_hz * 1000.0;
        if ms(window.n0) > 6.0 || ms(window.n_samples - window.n0) > 20.0 {
            return Err(Error::input(format!(
                "a biophysical waveform of {} samples around sample {} is too long; at most 6 ms before and 20 ms \
                 after the trough are simulated",
                window.n_samples, window.n0
            )));
        }
        let (sources, currents) = currents(params, &base);
        let mut neuron = Self {
            class: params.class,
            position_um: params.position_um,
            window,
            sources,
            currents_na: Array2::zeros((0, 0)),
            gain: electrode_factor,
        };
        let trough = neuron.trough_sample(&currents, &base, contacts)?;
        let first = trough - window.n0;
        neuron.currents_na = Array2::from_shape_fn((currents.len(), window.n_samples), |(source, t)| {
            currents[source][first + t] * ramp(t, &window)
        });
        Ok(neuron)
    }

    /// Sample of the trough on the contact with the largest peak to peak.
    fn trough_sample(&self, currents: &[Vec<f64>], base: &TimeBase, contacts: &[SimContact]) -> Result<usize> {
        let per_ms = self.window.sample_rate_hz / 1000.0;
        let first = base.spike_sample() - per_ms as usize;
        let len = (4.0 * per_ms) as usize;
        let near = Array2::from_shape_fn((currents.len(), len), |(source, t)| currents[source][first + t]);
        let mut best: Option<(f64, usize)> = None;
        for contact in contacts.iter().filter(|c| c.connected) {
            let row = weighted_sum(&self.weights(contact, self.position_um), &near);
            let lowest = (0..len).fold(0, |low, t| if row[t] < row[low] { t } else { low });
            let range = row.iter().copied().fold(f64::NEG_INFINITY, f64::max) - row[lowest];
            if best.is_none_or(|(largest, _)| range > largest) {
                best = Some((range, first + lowest));
            }
        }
        best.map(|(_, sample)| sample)
            .ok_or_else(|| Error::input("a neuron needs a connected contact to be seen on; the probe has none"))
    }

    /// µV per nA of each source on a contact.
    fn weights(&self, contact: &SimContact, soma_um: [f64; 3]) -> Vec<f64> {
        let on_contact = |source: &Source| self.gain * source.on_contact(contact, soma_um);
        self.sources.iter().map(on_contact).collect()
    }

    /// `[contacts, samples]`, µV.
    pub(super) fn footprint(&self, displacement_um: [f64; 3], contacts: &[SimContact]) -> Array2<f32> {
        let soma_um = ahead(self.position_um, 1.0, displacement_um);
        let mut footprint = Array2::zeros((contacts.len(), self.window.n_samples));
        for (mut row, contact) in footprint.outer_iter_mut().zip(contacts) {
            let values = weighted_sum(&self.weights(contact, soma_um), &self.currents_na);
            for (out, value) in row.iter_mut().zip(values) {
                *out = value as f32;
            }
        }
        footprint
    }

    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) fn position_um(&self) -> [f64; 3] {
        self.position_um
    }

    pub(super) fn class(&self) -> NeuronClass {
        self.class
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.gain *= factor;
    }
}

/// Sum over sources in their order, `[samples]`. Plain loops: fast matrix products differ between processors.
fn weighted_sum(weights: &[f64], currents_na: &Array2<f64>) -> Vec<f64> {
    let mut out = vec![0.0; currents_na.ncols()];
    for (weight, current) in weights.iter().zip(currents_na.outer_iter()) {
        for (v, i) in out.iter_mut().zip(current) {
            *v += weight * i;
        }
    }
    out
}

/// Cosine ramps at both ends of the window.
pub(super) fn ramp(t: usize, window: &Window) -> f64 {
    let rise = |from_end: usize, at_30_khz: f64| {
        let length = at_30_khz * window.sample_rate_hz / 30_000.0;
        let x = (from_end as f64 / length).min(1.0);
        0.5 - 0.5 * libm::cos(std::f64::consts::PI * x)
    };
    rise(t, RAMPS_AT_30_KHZ[0]) * rise(window.n_samples - 1 - t, RAMPS_AT_30_KHZ[1])
}

/// The pieces of the neuron (soma, axon initial segment, compartments of the dendrites) and the outward current of
/// each over the whole simulated time, nA; they sum to zero at every sample.
fn currents(params: &BiophysicalParams, base: &TimeBase) -> (Vec<Source>, Vec<Vec<f64>>) {
    let drive = base.spectrum(&params.spike);
    let angular = base.angular_frequencies();
    let q = cable::admittance_roots(&angular);
    let n = drive.len();
    let mut entering = vec![Complex64::ZERO; n];
    let mut lines = Vec::new();
    let mut spectra = Vec::new();
    for dendrite in &params.dendrites {
        let [from, to] = neurite(params, dendrite.direction, 0.0, dendrite.length_um);
        let cable = Cable {
            diameter_um: dendrite.diameter_um,
            length_um: norm(sub(to, from)),
        };
        let pieces = cable.n_compartments();
        let first = spectra.len();
        spectra.resize(first + pieces, vec![Complex64::ZERO; n]);
        cable.currents_na(&drive, &q, &mut spectra[first..], &mut entering);
        let at = |j: usize| ahead(from, j as f64 / pieces as f64, sub(to, from));
        lines.extend((0..pieces).map(|j| Source::Line {
            from_um: at(j),
            to_um: at(j + 1),
            radius_um: dendrite.diameter_um / 2.0,
        }));
    }
    let axon = &params.axon;
    let into_axon: Vec<Complex64> = (entering.iter().zip(&angular))
        .map(|(s, w)| -axon.share * s * cable::exp(Complex64::new(0.0, w * axon.lead_ms / 1000.0)))
        .collect();
    let into_soma: Vec<Complex64> = entering.iter().zip(&into_axon).map(|(s, a)| -s - a).collect();
    let [from_um, to_um] = neurite(params, axon.direction, axon.start_um, axon.length_um);
    let mut sources = vec![
        Source::Soma {
            radius_um: params.soma_radius_um,
        },
        Source::Line {
            from_um,
            to_um,
            radius_um: axon.diameter_um / 2.0,
        },
    ];
    sources.extend(lines);
    let mut all = vec![into_soma, into_axon];
    all.extend(spectra);
    if !all.len().is_multiple_of(2) {
        all.push(vec![Complex64::ZERO; n]);
    }
    let mut signals: Vec<Vec<f64>> = all.chunks_exact(2).flat_map(|p| base.signals(&p[0], &p[1])).collect();
    signals.truncate(sources.len());
    (sources, signals)
}

/// Both ends of a neurite relative to the centre of the soma. Ends behind the probe are mirrored about the plane 1 µm
/// in front of it, so that no neurite crosses the shank.
fn neurite(params: &BiophysicalParams, direction: [f64; 3], start_um: f64, length_um: f64) -> [[f64; 3]; 2] {
    let soma_z = params.position_um[2];
    [start_um, start_um + length_um].map(|from_surface| {
        let mut end = ahead([0.0; 3], params.soma_radius_um + from_surface, direction);
        let z = soma_z + end[2];
        if z < 1.0 && soma_z >= 1.0 {
            end[2] = 2.0 - z - soma_z;
        }
        end
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
