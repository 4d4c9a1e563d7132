//! Background noise as a function of contact and sample: the same value whoever asks for it and with what else.

mod coloured;
mod measured;
mod prediction;
mod smoothed;
mod spectral;
mod white;

use std::path::Path;

use ferrosort_core::Result;

use crate::geometry::SimContact;
use crate::random::{Key, Stream};
use crate::settings::Noise;

pub use measured::NoiseModel;
pub(crate) use spectral::Spectral;

/// Something that is added to the samples of a recording.
pub(crate) trait Source: std::fmt::Debug + Send + Sync {
    /// Adds samples `[start, start + n)` to `tile`, `[contacts, n]`, µV.
    fn add(&self, start: u64, n: usize, tile: &mut [f32]);
}

/// Makes the noise that the settings describe.
///
/// # Errors
/// A noise model or recording that cannot be read or does not fit the contacts.
pub(crate) fn build(
    noise: &Noise,
    contacts: &[SimContact],
    sample_rate: f64,
    seed: u64,
) -> Result<Option<Box<dyn Source>>> {
    Ok(Some(match noise {
        Noise::None => return Ok(None),
        Noise::Thermal { rms_uv } => Box::new(white::White::new(levels(*rms_uv, contacts.len(), seed), seed)),
        Noise::Smoothed {
            rms_uv,
            time_sd,
            channel_sd,
        } => Box::new(smoothed::Smoothed::new(
            contacts.len(),
            *rms_uv,
            *time_sd,
            *channel_sd,
            seed,
        )),
        Noise::DistanceCorrelated {
            rms_uv,
            length_um,
            halving,
        } => {
            let e_fold_um = if *halving {
                length_um / std::f64::consts::LN_2
            } else {
                *length_um
            };
            let levels = levels(*rms_uv, contacts.len(), seed);
            Box::new(white::Correlated::new(contacts, levels, e_fold_um, seed))
        }
        Noise::Coloured(settings) => Box::new(coloured::Coloured::new(settings, contacts, sample_rate, seed)),
        Noise::OneOverF {
            rms_uv,
            from_hz,
            length_um,
        } => {
            let power = |f: f64| if f >= *from_hz { 1.0 / f } else { 0.0 };
            let model = spectral::Model::of_formula(contacts, sample_rate, power, *rms_uv, *length_um);
            Box::new(Spectral::new(&model, sample_rate, seed, Stream::Spectral))
        }
        Noise::Resonance {
            rms_uv,
            peak_hz,
            q,
            length_um,
        } => {
            let power = spectral::resonance(*peak_hz, *q, sample_rate);
            let e_fold_um = length_um / std::f64::consts::LN_2;
            let model = spectral::Model::of_formula(contacts, sample_rate, power, *rms_uv, e_fold_um);
            Box::new(Spectral::new(&model, sample_rate, seed, Stream::Spectral))
        }
        Noise::Measured { path, scale } => {
            let model = NoiseModel::from_path(Path::new(path))?;
            let model = model.on(contacts, sample_rate, *scale)?;
            Box::new(Spectral::new(&model, sample_rate, seed, Stream::Spectral))
        }
    }))
}

/// Slow potentials: 1/f² from 0.5 to 100 Hz with a correlation length of 500 µm.
pub(crate) fn slow_potentials(contacts: &[SimContact], sample_rate: f64, rms_uv: f64, seed: u64) -> Spectral {
    const BAND_HZ: [f64; 2] = [0.5, 100.0];
    const LENGTH_UM: f64 = 500.0;
    let power = |f: f64| {
        if (BAND_HZ[0]..=BAND_HZ[1]).contains(&f) {
            1.0 / (f * f)
        } else {
            0.0
        }
    };
    // Frames of about 2 s resolve half a hertz.
    let frame = ((2.0 * sample_rate) as usize).next_power_of_two();
    let model = spectral::Model::with_frame(contacts, sample_rate, frame, power, rms_uv, LENGTH_UM);
    Spectral::new(&model, sample_rate, seed, Stream::Slow)
}

/// Level of each contact: uniform between the two.
fn levels([low, high]: [f64; 2], n: usize, seed: u64) -> Vec<f64> {
    (0..n)
        .map(|i| Key::new(seed, Stream::Level, i as u64).draws().between(low, high))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
