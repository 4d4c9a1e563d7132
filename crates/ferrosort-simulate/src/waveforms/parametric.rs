//! Parametric units: one shape on all contacts, smaller and later with distance (docs/waveforms.md 2).

use ferrosort_core::{Error, Result};
use ndarray::Array2;

use super::fourier::{Delayable, Spectrum};
use super::{IntracellularSpike, NeuronClass, ShapeParams, Window, axonal};
use crate::geometry::SimContact;
use crate::random::{Draws, Key, Stream};

/// How the amplitude falls with the distance R.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decay {
    /// exp(-R / length).
    Exponential {
        /// µm.
        length_um: f64,
    },
    /// 1 / (1 + (R / length)^power).
    Power {
        /// µm.
        length_um: f64,
        /// No unit.
        power: f64,
    },
}

impl Decay {
    fn at(self, distance_um: f64) -> f64 {
        match self {
            Self::Exponential { length_um } => libm::exp(-distance_um / length_um),
            Self::Power { length_um, power } => 1.0 / (1.0 + libm::pow(distance_um / length_um, power)),
        }
    }
}

/// When the spike arrives at a contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// In proportion to how much farther the contact is than the nearest of them; what is pushed over the end of the
    /// window comes back at its start, as in SpikeInterface.
    ByDistanceCircular {
        /// µm/ms.
        speed_um_per_ms: f64,
    },
    /// The same, but what is pushed over the end of the window is gone.
    ByDistance {
        /// µm/ms.
        speed_um_per_ms: f64,
    },
    /// In proportion to the place of the contact along a direction, from the nearest contact on; negative before it.
    Along {
        /// µm/ms.
        speed_um_per_ms: f64,
        /// (x, y, z), of length 1.
        direction: [f64; 3],
    },
}

/// Course in time of a parametric unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Course {
    /// Three exponentials with a trough of -1.
    Exponentials(ShapeParams),
    /// Second derivative of an intracellular spike that travels along an axon, with a peak to peak of 1.
    Axonal(IntracellularSpike),
}

/// A parametric unit. The defaults of the ranges are in `docs/waveforms.md`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParametricParams {
    /// Place at zero displacement, µm.
    pub position_um: [f64; 3],
    /// Depth of the trough (of an axon: peak to peak) at distance zero, µV.
    pub alpha_uv: f64,
    /// Course in time.
    pub course: Course,
    /// Fall with distance.
    pub decay: Decay,
    /// Delay with distance.
    pub delay: Delay,
    /// Reach along the second axis of the ellipse over that along the first, 0 to 1; 1 is a circle.
    pub ellipse_shrink: f64,
    /// Turn of the ellipse in the plane of the probe, rad.
    pub ellipse_angle_rad: f64,
}

impl ParametricParams {
    /// Unit number `index` of this seed: uniform within SpikeInterface's default ranges, exponential decay, delays by
    /// distance without wrapping.
    pub fn random(position_um: [f64; 3], seed: u64, index: u64) -> Self {
        Self::draw(position_um, &mut Key::new(seed, Stream::Shape, index).draws())
    }

    /// Axon number `index` of this seed: amplitude such that the peak to peak in the probe's plane in front of the axon
    /// is 30 to 120 µV, an e-fold length of 12 to 18 µm, and conduction at 0.3 to 0.6 m/s in a random direction.
    pub fn random_axon(position_um: [f64; 3], seed: u64, index: u64) -> Self {
        axonal::draw(position_um, &mut Key::new(seed, Stream::Shape, index).draws())
    }

    /// See [`ParametricParams::random`].
    pub(crate) fn draw(position_um: [f64; 3], draws: &mut Draws) -> Self {
        Self {
            position_um,
            alpha_uv: draws.between(100.0, 500.0),
            course: Course::Exponentials(ShapeParams::draw(draws)),
            decay: Decay::Exponential {
                length_um: draws.between(10.0, 45.0),
            },
            delay: Delay::ByDistance {
                speed_um_per_ms: draws.between(250.0, 350.0),
            },
            ellipse_shrink: draws.between(0.4, 1.0),
            ellipse_angle_rad: draws.between(0.0, std::f64::consts::TAU),
        }
    }
}

/// The course in time in the form that its delays need.
#[derive(Debug, Clone)]
enum Delayed {
    Circular(Spectrum),
    Padded(Delayable),
}

/// A unit with one shape on all contacts.
#[derive(Debug, Clone)]
pub struct Parametric {
    position_um: [f64; 3],
    alpha_uv: f64,
    decay: Decay,
    delay: Delay,
    /// Cosine and sine of the ellipse's turn, and its shrink.
    ellipse: [f64; 3],
    delayed: Delayed,
    window: Window,
    class: NeuronClass,
}

impl Parametric {
    /// The unit sampled on this window.
    ///
    /// # Errors
    /// A shape that does not fit into the window, or sizes that are not positive numbers.
    pub fn new(params: &ParametricParams, window: Window) -> Result<Self> {
        window.validate()?;
        let (wave, class) = match &params.course {
            Course::Exponentials(shape) => (shape.waveform(&window)?, NeuronClass::Parametric),
            Course::Axonal(spike) => (axonal::waveform(spike, &window)?, NeuronClass::Axonal),
        };
        let (length, power) = match params.decay {
            Decay::Exponential { length_um } => (length_um, 1.0),
            Decay::Power { length_um, power } => (length_um, power),
        };
        let (Delay::ByDistance { speed_um_per_ms: speed }
        | Delay::ByDistanceCircular { speed_um_per_ms: speed }
        | Delay::Along {
            speed_um_per_ms: speed, ..
        }) = params.delay;
        let positive = [length, power, speed, params.ellipse_shrink];
        let finite = [params.alpha_uv, params.ellipse_angle_rad];
        if !(positive.iter().all(|v| v.is_finite() && *v > 0.0)
            && finite.iter().chain(&params.position_um).all(|v| v.is_finite()))
        {
            return Err(Error::input(format!(
                "a parametric unit needs positive numbers for its decay, speed and ellipse, but they are {positive:?}"
            )));
        }
        let angle = params.ellipse_angle_rad;
        Ok(Self {
            position_um: params.position_um,
            alpha_uv: params.alpha_uv,
            decay: params.decay,
            delay: params.delay,
            ellipse: [libm::cos(angle), libm::sin(angle), params.ellipse_shrink],
            delayed: match params.delay {
                Delay::ByDistanceCircular { .. } => Delayed::Circular(Spectrum::of(&wave)),
                _ => Delayed::Padded(Delayable::new(&wave)),
            },
            window,
            class,
        })
    }

    /// `[contacts, samples]`, µV.
    pub(super) fn footprint(&self, displacement_um: [f64; 3], contacts: &[SimContact]) -> Array2<f32> {
        let mut footprint = Array2::zeros((contacts.len(), self.window.n_samples));
        let mut row = vec![0.0; self.window.n_samples];
        for (i, (gain_uv, shift)) in self.arrivals(displacement_um, contacts).into_iter().enumerate() {
            match &self.delayed {
                Delayed::Circular(spectrum) => spectrum.shifted_circularly(shift, gain_uv, &mut row),
                Delayed::Padded(course) => course.delayed(shift, gain_uv, &mut row),
            }
            for (out, &value) in footprint.row_mut(i).iter_mut().zip(&row) {
                *out = value as f32;
            }
        }
        footprint
    }

    /// Trough (µV) and delay (samples) at each contact.
    fn arrivals(&self, displacement_um: [f64; 3], contacts: &[SimContact]) -> Vec<(f64, f64)> {
        let place: [f64; 3] = std::array::from_fn(|axis| self.position_um[axis] + displacement_um[axis]);
        let offsets: Vec<[f64; 3]> = contacts
            .iter()
            .map(|c| [c.x_um - place[0], c.y_um - place[1], -place[2]])
            .collect();
        let distances: Vec<f64> = offsets.iter().map(|&d| self.distance_um(d)).collect();
        let nearest = (0..contacts.len())
            .filter(|&i| contacts[i].connected)
            .reduce(|best, i| if distances[i] < distances[best] { i } else { best })
            .unwrap_or(0);
        let per_ms = self.window.sample_rate_hz / 1000.0;
        let delay_ms = |i: usize| match self.delay {
            Delay::ByDistance { speed_um_per_ms } | Delay::ByDistanceCircular { speed_um_per_ms } => {
                (distances[i] - distances[nearest]) / speed_um_per_ms
            }
            Delay::Along {
                speed_um_per_ms,
                direction,
            } => {
                (0..3)
                    .map(|k| (offsets[i][k] - offsets[nearest][k]) * direction[k])
                    .sum::<f64>()
                    / speed_um_per_ms
            }
        };
        (0..contacts.len())
            .map(|i| (self.alpha_uv * self.decay.at(distances[i]), delay_ms(i) * per_ms))
            .collect()
    }

    /// Length of an offset in the ellipse's measure.
    fn distance_um(&self, [dx, dy, dz]: [f64; 3]) -> f64 {
        let [cos, sin, shrink] = self.ellipse;
        let along = cos * dx + sin * dy;
        let across = (cos * dy - sin * dx) / shrink;
        (along * along + across * across + dz * dz).sqrt()
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
        self.alpha_uv *= factor;
    }
}
