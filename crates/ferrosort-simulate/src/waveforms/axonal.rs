//! Axons: narrow triphasic spikes with a tiny footprint (docs/waveforms.md 3).
//!
//! The membrane current of a spike that travels at constant speed is its second derivative in time (cable equation), so
//! that is the course outside: positive, negative, positive.

use ferrosort_core::{Error, Result};

use super::biophysical::{TimeBase, isotropic, ramp};
use super::parametric::{Course, Decay, Delay, ParametricParams};
use super::{IntracellularSpike, Window};
use crate::random::Draws;

/// See [`ParametricParams::random_axon`].
pub(super) fn draw(position_um: [f64; 3], draws: &mut Draws) -> ParametricParams {
    let length_um = draws.between(12.0, 18.0);
    let in_front_uv = draws.between(30.0, 120.0);
    ParametricParams {
        position_um,
        alpha_uv: in_front_uv * libm::exp(position_um[2].abs() / length_um),
        course: Course::Axonal(IntracellularSpike::draw_axonal(draws)),
        decay: Decay::Exponential { length_um },
        delay: Delay::Along {
            speed_um_per_ms: draws.between(300.0, 600.0),
            direction: isotropic(draws),
        },
        ellipse_shrink: 1.0,
        ellipse_angle_rad: 0.0,
    }
}

/// Second derivative of the spike within the band of the recording, `[samples]`, peak to peak 1, trough on `n0`.
///
/// # Errors
/// A spike with times that are not positive, or a window longer than what is simulated.
pub(super) fn waveform(spike: &IntracellularSpike, window: &Window) -> Result<Vec<f64>> {
    let base = TimeBase::new(window.sample_rate_hz);
    if !spike.is_valid() || spike.amplitude_mv <= 0.0 {
        return Err(Error::input(
            "the spike of an axon needs a positive amplitude and positive times; check its parameters",
        ));
    }
    let derivative: Vec<_> = (base.spectrum(spike).iter().zip(base.angular_frequencies()))
        .map(|(v, w)| -v * w * w)
        .collect();
    let [wave, _] = base.signals(&derivative, &derivative);
    let lowest = (0..wave.len()).fold(0, |b, i| if wave[i] < wave[b] { i } else { b });
    let highest = wave.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let Some(first) = lowest
        .checked_sub(window.n0)
        .filter(|f| f + window.n_samples <= wave.len())
    else {
        return Err(Error::input(format!(
            "an axonal waveform of {} samples around sample {} is too long; at most 6 ms before and 20 ms after the \
             trough are simulated",
            window.n_samples, window.n0
        )));
    };
    let range = highest - wave[lowest];
    Ok((0..window.n_samples)
        .map(|t| wave[first + t] / range * ramp(t, window))
        .collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::geometry::SimProbe;
    use crate::waveforms::{Neuron, NeuronClass, Parametric, peak_to_peak_uv};

    const RATE: f64 = 30_000.0;

    #[test]
    fn axons_are_triphasic_and_narrow() {
        for index in 0..20 {
            let params = ParametricParams::random_axon([0.0, 0.0, 20.0], 1, index);
            let Course::Axonal(spike) = params.course else {
                panic!("an axon");
            };
            let window = Window::of_spike(RATE);
            let wave = waveform(&spike, &window).unwrap();
            let lowest = (0..wave.len()).fold(0, |b, i| if wave[i] < wave[b] { i } else { b });
            assert_eq!(lowest, window.n0);
            let before = wave[..lowest].iter().copied().fold(0.0, f64::max);
            let after = wave[lowest..].iter().copied().fold(0.0, f64::max);
            assert!(before > 0.1 && after > 0.1, "{before} before, {after} after");
            assert!((before.max(after) - wave[lowest] - 1.0).abs() < 1e-9);
            let peak = (lowest..wave.len()).fold(lowest, |b, i| if wave[i] > wave[b] { i } else { b });
            assert!(peak - lowest <= 9, "trough to peak below 0.3 ms");
        }
    }

    #[test]
    fn an_axon_is_seen_on_few_contacts_and_travels() {
        let probe = SimProbe::by_name("np-ultra").unwrap();
        let mut params = ParametricParams::random_axon([35.0, 141.0, 10.0], 1, 4);
        params.delay = Delay::Along {
            speed_um_per_ms: 450.0,
            direction: [0.0, 1.0, 0.0],
        };
        let neuron = Neuron::Parametric(Parametric::new(&params, Window::of_spike(RATE)).unwrap());
        assert_eq!(neuron.class(), NeuronClass::Axonal);
        let footprint = neuron.footprint([0.0; 3], &probe.contacts);
        let sizes = peak_to_peak_uv(&footprint);
        let largest = sizes.iter().copied().fold(0.0, f32::max);
        assert!((28.0..121.0).contains(&largest), "{largest} µV");
        for (contact, size) in probe.contacts.iter().zip(&sizes) {
            assert!((contact.y_um - 141.0).abs() < 50.0 || *size < 0.12 * largest);
        }
        // 30 µm at 450 µm/ms are two samples.
        let trough = |i: usize| {
            let row = footprint.row(i);
            (0..row.len()).fold(0, |b, t| if row[t] < row[b] { t } else { b })
        };
        let at = |y: f64| {
            probe
                .contacts
                .iter()
                .position(|c| c.y_um == y && c.x_um == 38.0)
                .unwrap()
        };
        assert_eq!(trough(at(144.0 + 30.0)) - trough(at(144.0)), 2);
        assert_eq!(trough(at(144.0)) - trough(at(144.0 - 30.0)), 2);
    }
}
