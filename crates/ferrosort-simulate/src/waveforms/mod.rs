//! What a neuron's spike looks like on the contacts of a probe: its footprint.
//!
//! | source | what it is |
//! | --- | --- |
//! | [`Biophysical`] | a soma with dendrites and an axon, its membrane currents and their field |
//! | [`Parametric`] | one shape, smaller and later with distance: the formula of SpikeInterface, or an axon |
//! | [`Library`] | measured waveforms, interpolated between the measured positions |
//!
//! `docs/waveforms.md` derives them. All give µV, `[contacts, samples]`, for any displacement of the tissue.

mod axonal;
mod biophysical;
mod fourier;
mod library;
mod parametric;
mod shape;
mod template_set;

use ferrosort_core::{Error, Result};
use ndarray::{Array2, ArrayView1};

use crate::geometry::SimContact;

pub use biophysical::{AxonInitialSegment, Biophysical, BiophysicalParams, Dendrite, IntracellularSpike};
pub use library::{Library, LibraryKind, LibraryOptions, MeasuredUnit, WaveformLibrary, emouse_intensity};
pub use parametric::{Course, Decay, Delay, Parametric, ParametricParams};
pub use shape::ShapeParams;
pub use template_set::TemplateSet;

/// The samples of a waveform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Hz.
    pub sample_rate_hz: f64,
    /// Samples of the waveform.
    pub n_samples: usize,
    /// Sample on which the trough falls.
    pub n0: usize,
}

impl Window {
    /// From `before_ms` before the trough to `after_ms` after it, rounded to samples.
    pub fn around_trough(before_ms: f64, after_ms: f64, sample_rate_hz: f64) -> Self {
        let samples = |ms: f64| (ms * sample_rate_hz / 1000.0).round() as usize;
        Self {
            sample_rate_hz,
            n_samples: samples(before_ms) + samples(after_ms),
            n0: samples(before_ms),
        }
    }

    /// The usual window of a spike: 1 ms before the trough and 1.73 ms after it, 82 samples at 30 kHz.
    pub fn of_spike(sample_rate_hz: f64) -> Self {
        Self::around_trough(1.0, 52.0 / 30.0, sample_rate_hz)
    }

    /// Checks that the trough lies inside and that the rate is one of a recording of spikes.
    fn validate(&self) -> Result<()> {
        if !(1000.0..=1e6).contains(&self.sample_rate_hz) {
            return Err(Error::input(format!(
                "waveforms at {} Hz are not possible; use a sample rate from 1000 to 1000000 Hz",
                self.sample_rate_hz
            )));
        }
        if self.n0 >= self.n_samples || self.n_samples > 1 << 14 {
            return Err(Error::input(format!(
                "a waveform of {} samples with its trough on sample {} is not possible; the trough must lie inside, \
                 and at most 16384 samples are allowed",
                self.n_samples, self.n0
            )));
        }
        Ok(())
    }
}

/// Kind of neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeuronClass {
    /// Regular-spiking, pyramid-like: broad spikes.
    RegularSpiking,
    /// Fast-spiking, interneuron-like: narrow spikes.
    FastSpiking,
    /// An axon: narrow triphasic spikes with a tiny footprint.
    Axonal,
    /// A shape without a biological claim.
    Parametric,
    /// Measured, from a file.
    Library,
}

impl NeuronClass {
    /// Short name in tables: `RS`, `FS`, `AX`, `parametric` or `library`.
    pub fn code(self) -> &'static str {
        match self {
            Self::RegularSpiking => "RS",
            Self::FastSpiking => "FS",
            Self::Axonal => "AX",
            Self::Parametric => "parametric",
            Self::Library => "library",
        }
    }
}

/// A neuron that can be put anywhere near a probe.
#[derive(Debug, Clone)]
pub enum Neuron {
    /// Membrane currents and their field.
    Biophysical(Biophysical),
    /// A parametric shape.
    Parametric(Parametric),
    /// Measured waveforms.
    Library(Library),
}

impl Neuron {
    /// The spike on these contacts, `[contacts, samples]`, µV, when the neuron is displaced by (x, y, z) µm from its
    /// place. Contacts that are not connected have zeros.
    ///
    /// The trough of the best contact at zero displacement falls on sample [`Neuron::n0`].
    pub fn footprint(&self, displacement_um: [f64; 3], contacts: &[SimContact]) -> Array2<f32> {
        let mut footprint = match self {
            Self::Biophysical(neuron) => neuron.footprint(displacement_um, contacts),
            Self::Parametric(neuron) => neuron.footprint(displacement_um, contacts),
            Self::Library(neuron) => neuron.footprint(displacement_um, contacts),
        };
        for (mut row, contact) in footprint.outer_iter_mut().zip(contacts) {
            if !contact.connected {
                row.fill(0.0);
            }
        }
        footprint
    }

    /// Samples of a footprint.
    pub fn n_samples(&self) -> usize {
        match self {
            Self::Biophysical(neuron) => neuron.window().n_samples,
            Self::Parametric(neuron) => neuron.window().n_samples,
            Self::Library(neuron) => neuron.window().n_samples,
        }
    }

    /// Sample of the trough on the best contact.
    pub fn n0(&self) -> usize {
        match self {
            Self::Biophysical(neuron) => neuron.window().n0,
            Self::Parametric(neuron) => neuron.window().n0,
            Self::Library(neuron) => neuron.window().n0,
        }
    }

    /// Place at zero displacement, µm.
    pub fn position_um(&self) -> [f64; 3] {
        match self {
            Self::Biophysical(neuron) => neuron.position_um(),
            Self::Parametric(neuron) => neuron.position_um(),
            Self::Library(neuron) => neuron.position_um(),
        }
    }

    /// Kind of neuron.
    pub fn class(&self) -> NeuronClass {
        match self {
            Self::Biophysical(neuron) => neuron.class(),
            Self::Parametric(neuron) => neuron.class(),
            Self::Library(_) => NeuronClass::Library,
        }
    }

    /// Scales later footprints so that the largest peak to peak on these contacts at zero displacement is `target_uv`.
    ///
    /// # Errors
    /// The neuron reaches none of the contacts.
    pub fn scale_to_peak_to_peak(&mut self, target_uv: f64, contacts: &[SimContact]) -> Result<()> {
        let sizes = peak_to_peak_uv(&self.footprint([0.0; 3], contacts));
        let largest = f64::from(sizes.into_iter().fold(0.0, f32::max));
        if largest <= 0.0 {
            let [x, y, z] = self.position_um();
            return Err(Error::input(format!(
                "a neuron at ({x}, {y}, {z}) µm reaches no connected contact; place it on the probe"
            )));
        }
        self.scale(target_uv / largest);
        Ok(())
    }

    /// Multiplies every later footprint by `factor`.
    pub fn scale(&mut self, factor: f64) {
        match self {
            Self::Biophysical(neuron) => neuron.scale(factor),
            Self::Parametric(neuron) => neuron.scale(factor),
            Self::Library(neuron) => neuron.scale(factor),
        }
    }
}

/// Largest minus smallest value of each contact of a footprint, `[contacts]`, µV.
pub fn peak_to_peak_uv(footprint: &Array2<f32>) -> Vec<f32> {
    let range = |row: ArrayView1<'_, f32>| {
        let (low, high) = row.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
            (low.min(v), high.max(v))
        });
        if row.is_empty() { 0.0 } else { high - low }
    };
    footprint.outer_iter().map(range).collect()
}

/// Sample of the lowest value, the first of equal ones.
pub fn trough_sample(waveform: ArrayView1<'_, f32>) -> usize {
    (0..waveform.len()).fold(0, |low, t| if waveform[t] < waveform[low] { t } else { low })
}

/// The contact with the largest peak to peak, the lowest of equal ones; `None` without contacts.
pub fn best_contact(footprint: &Array2<f32>) -> Option<usize> {
    let sizes = peak_to_peak_uv(footprint);
    (0..sizes.len()).reduce(|best, i| if sizes[i] > sizes[best] { i } else { best })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
