//! Known units in a real recording.

use std::sync::Arc;

use ferrosort_core::{Error, Observer, Probe, Recording, Result};

use super::Simulation;
use crate::geometry::SimProbe;
use crate::motion::Motion;
use crate::settings::{Additions, Background, Noise, Settings};
use crate::snr::mad_sigma;

/// A recording to which units are added.
#[derive(Clone)]
pub(crate) struct Base {
    pub(crate) recording: Arc<dyn Recording>,
    /// µV per count of each column.
    pub(crate) gain_uv: Vec<f64>,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Base")
            .field("recording", &self.recording.name())
            .finish_non_exhaustive()
    }
}

/// Pieces of the recording from which its noise is taken, and their length, samples.
const PIECES: u64 = 40;
const PIECE: usize = 4096;
/// The noise is that above this frequency, Hz.
const HIGHPASS_HZ: f64 = 300.0;

impl Simulation {
    /// Plans units in a real recording: duration, sample rate, contacts and noise are those of the recording, drift is
    /// `motion` (still without one, with a warning). Units, firing and amplitudes are those of the settings; noise,
    /// background, drift and additions of the settings are not used. The truth is not exhaustive.
    ///
    /// The noise of a contact, for signal-to-noise ratios, is the robust deviation of the recording above 300 Hz.
    ///
    /// # Errors
    /// A recording without gain, a probe that does not fit it, and what [`Simulation::plan`] refuses.
    pub fn plan_hybrid(
        settings: &Settings,
        recording: Arc<dyn Recording>,
        probe: &Probe,
        motion: Option<Motion>,
        observer: &dyn Observer,
    ) -> Result<Self> {
        probe.validate(recording.n_channels(), "of the recording")?;
        let gain_uv = gains(&*recording)?;
        let mut settings = settings.clone();
        settings.sample_rate_hz = recording.sample_rate();
        settings.duration_s = recording.n_samples() as f64 / recording.sample_rate();
        settings.noise = Noise::None;
        settings.background = Background::default();
        settings.additions = Additions::default();
        settings.converter.gain_sd = 0.0;
        settings.converter.counts_per_uv = 1.0 / gain_uv[probe.contacts[0].channel];
        settings.converter.bits = 16;
        settings.drift.components.clear();
        settings.validate()?;
        let mut simulation = Self::without_units(&settings, SimProbe::from_probe(probe))?;
        match motion {
            Some(motion) => simulation.motion = motion,
            None => simulation.warnings.push(format!(
                "recording {} has no motion given, so the added units stand still; give its motion if the tissue moves",
                recording.name()
            )),
        }
        simulation.noise_uv = noise(&*recording, &simulation.probe, &gain_uv)?;
        simulation.base = Some(Base { recording, gain_uv });
        simulation.add_units(observer)?;
        for warning in &simulation.warnings {
            observer.warning(warning);
        }
        Ok(simulation)
    }
}

impl Base {
    /// Samples `[start, start + n)` of the recording with `tile` (`[contacts, n]`, µV) added, time-major counts.
    pub(crate) fn mix(&self, probe: &SimProbe, start: u64, n: usize, tile: &[f32]) -> Result<Vec<i16>> {
        let columns = self.recording.n_channels();
        let mut frames = vec![0f32; columns * n];
        self.recording.read(start, &mut frames)?;
        for (contact, row) in probe.contacts.iter().zip(tile.chunks_exact(n)) {
            let counts_per_uv = (1.0 / self.gain_uv[contact.channel]) as f32;
            let column = frames[contact.channel..].iter_mut().step_by(columns);
            for (v, uv) in column.zip(row) {
                *v += counts_per_uv * uv;
            }
        }
        let round = |v: f32| crate::synthesis::round_to_counts(v, -32768.0, 32767.0);
        Ok(frames.into_iter().map(round).collect())
    }
}

/// µV per count of every column.
fn gains(recording: &dyn Recording) -> Result<Vec<f64>> {
    let n = recording.n_channels();
    let found = recording.gain_uv().map(<[f64]>::to_vec).unwrap_or_default();
    let all = if found.len() == 1 { vec![found[0]; n] } else { found };
    if all.len() != n || all.iter().any(|g| !g.is_finite() || *g == 0.0) {
        return Err(Error::input(format!(
            "recording {} does not say how many µV a count is, which is needed to add units to it; put gain_to_uV into its \
             meta.json",
            recording.name()
        )));
    }
    Ok(all)
}

/// Robust deviation of each contact above [`HIGHPASS_HZ`], µV.
fn noise(recording: &dyn Recording, probe: &SimProbe, gain_uv: &[f64]) -> Result<Vec<f64>> {
    let columns = recording.n_channels();
    let piece = (PIECE as u64).min(recording.n_samples()) as usize;
    let n = PIECES.min(recording.n_samples() / piece.max(1) as u64).max(1);
    let memory = libm::exp(-std::f64::consts::TAU * HIGHPASS_HZ / recording.sample_rate()) as f32;
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); probe.contacts.len()];
    let mut frames = vec![0f32; piece * columns];
    for p in 0..n {
        let start = (recording.n_samples() - piece as u64) * p / (n - 1).max(1);
        recording.read(start, &mut frames)?;
        for (contact, list) in probe.contacts.iter().zip(&mut values) {
            let gain = gain_uv[contact.channel] as f32;
            let mut last = frames[contact.channel];
            let mut state = 0f32;
            for v in frames.iter().skip(contact.channel).step_by(columns) {
                // First order: the difference, decaying.
                state = memory * (state + v - last);
                last = *v;
                list.push(gain * state);
            }
        }
    }
    Ok(values.iter().map(|list| mad_sigma(list)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::{RawFile, Silent};

    use super::*;
    use crate::settings::Target;

    /// A ramp on every column, with a gain.
    struct Ramp {
        probe: Probe,
        gain: Vec<f64>,
    }

    impl Recording for Ramp {
        fn sample_rate(&self) -> f64 {
            30_000.0
        }
        fn n_channels(&self) -> usize {
            6
        }
        fn n_samples(&self) -> u64 {
            60_000
        }
        fn gain_uv(&self) -> Option<&[f64]> {
            (!self.gain.is_empty()).then_some(&self.gain)
        }
        fn probe(&self) -> Option<&Probe> {
            Some(&self.probe)
        }
        fn raw_file(&self) -> Option<&RawFile> {
            None
        }
        fn name(&self) -> &'static str {
            "ramp"
        }
        fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
            for (i, v) in out.iter_mut().enumerate() {
                let t = start + (i / 6) as u64;
                *v = (t % 100) as f32 + 10.0 * (i % 6) as f32;
            }
            Ok(())
        }
    }

    fn settings() -> Settings {
        let mut s = Settings::preset("easy").unwrap();
        s.units.n = 2;
        s.amplitude.recovery.loss = 0.0;
        s.units.target = Target::OnProbe {
            median_uv: 300.0,
            log_sd: 0.0,
            range_uv: [1.0, 1000.0],
        };
        s
    }

    #[test]
    fn only_the_spikes_are_added_in_the_gain_of_each_channel() {
        let probe = Probe::line(5, 20.0);
        let ramp = Arc::new(Ramp {
            probe: probe.clone(),
            gain: vec![0.5, 0.5, 1.0, 2.0, 2.0, 1.0],
        });
        let simulation = Simulation::plan_hybrid(&settings(), ramp.clone(), &probe, None, &Silent).unwrap();
        assert!(simulation.warnings()[0].contains("stand still"));
        let data = simulation.render(0, 60_000).unwrap();
        assert_eq!((data.len(), simulation.n_channels()), (360_000, 6));
        let mut base = vec![0f32; 360_000];
        ramp.read(0, &mut base).unwrap();
        let added: Vec<f32> = data.iter().zip(&base).map(|(d, b)| f32::from(*d) - b).collect();
        assert!(
            added.iter().skip(5).step_by(6).all(|v| *v == 0.0),
            "column 5 has no contact"
        );
        let truth = simulation.truth();
        assert!(truth.spike_times.len() > 4);
        let gains = [0.5, 0.5, 1.0, 2.0, 2.0];
        for (&t, &u) in truth.spike_times.iter().zip(&truth.spike_units) {
            let unit = &simulation.units()[u as usize];
            let alone = truth.spike_times.iter().filter(|o| o.abs_diff(t) < 150).count() == 1;
            if !alone || !(100..59_900).contains(&t) {
                continue;
            }
            let uv = added[t as usize * 6 + unit.best_contact] * gains[unit.best_contact];
            assert!(
                (uv / -unit.trough_uv as f32 - 1.0).abs() < 0.25,
                "{uv} for {}",
                unit.trough_uv
            );
        }
        // Far from every spike the recording is as it was.
        let quiet = (0..60_000usize).filter(|&t| truth.spike_times.iter().all(|s| s.abs_diff(t as u64) > 150));
        assert!(quiet.clone().count() > 1000);
        assert!(
            quiet
                .into_iter()
                .all(|t| added[t * 6..t * 6 + 6].iter().all(|v| *v == 0.0))
        );
    }

    #[test]
    fn units_follow_the_motion_and_a_gain_is_needed() {
        let probe = Probe::line(5, 20.0);
        let ramp = |gain: Vec<f64>| {
            Arc::new(Ramp {
                probe: probe.clone(),
                gain,
            })
        };
        let error = Simulation::plan_hybrid(&settings(), ramp(vec![]), &probe, None, &Silent).unwrap_err();
        assert!(error.to_string().contains("gain_to_uV"), "{error}");
        let motion = Motion::from_table(vec![0.0, 2.0], vec![0.0, 80.0], vec![0.0, 0.0, 30.0, 30.0]);
        let simulation = Simulation::plan_hybrid(&settings(), ramp(vec![1.0]), &probe, Some(motion), &Silent).unwrap();
        assert!(simulation.warnings().is_empty());
        assert!(simulation.units()[0].bank.grid_um().len() > 5);
    }
}
