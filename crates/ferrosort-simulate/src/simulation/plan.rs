//! Draws everything about a recording before its first sample is made.

use std::path::Path;
use std::time::Instant;

use ferrosort_core::{Error, Observer, Result};
use rayon::prelude::*;

use super::Simulation;
use super::background::displacement_range;
use crate::amplitude::sizes;
use crate::firing::{EMOUSE_ALIGNMENT, Lanes, Modulation, Recorded, apply_overlaps};
use crate::geometry::SimProbe;
use crate::motion::Motion;
use crate::random::{Key, Stream};
use crate::settings::{FiringModel, FiringSettings, Generator, Overlaps, ProbeSettings, Settings};
use crate::synthesis::{Bank, Disturbances, Spike};
use crate::units::{Libraries, Maker, Unit, factors, pairs, place};
use crate::waveforms::NeuronClass;

/// Name of the stage in progress reports.
const STAGE: &str = "plan";
/// Waveforms of units on contacts below this are left out, µV.
const LEAST_UV: f32 = 0.05;
/// Displacement that differs by more than this between places a µm apart is not what tissue does.
const STEEPEST: f64 = 0.2;
/// Units closer than this are neighbours, µm.
const NEIGHBOURS_UM: f64 = 60.0;
/// Part of its own trough that a unit must reach on the other's best contact to overlap it.
const OVERLAP: f64 = 0.9;

impl Simulation {
    /// Draws units, spikes, drift and noise; makes no samples of the recording yet.
    ///
    /// # Errors
    /// Settings outside their ranges, a probe or file that cannot be used, a unit that no contact sees.
    pub fn plan(settings: &Settings, observer: &dyn Observer) -> Result<Self> {
        settings.validate()?;
        let started = Instant::now();
        observer.stage_started(STAGE, 4, "steps");
        let mut simulation = Self::without_units(settings, open_probe(&settings.probe)?)?;
        observer.advanced(1);
        simulation.add_background()?;
        observer.advanced(1);
        stop(observer)?;
        simulation.add_units(observer)?;
        observer.advanced(1);
        stop(observer)?;
        simulation.check_motion();
        observer.advanced(1);
        observer.stage_finished(STAGE, started.elapsed().as_secs_f64());
        for warning in &simulation.warnings {
            observer.warning(warning);
        }
        Ok(simulation)
    }

    /// Probe, drift and noise.
    pub(super) fn without_units(settings: &Settings, mut probe: SimProbe) -> Result<Self> {
        probe.contacts.sort_by_key(|c| c.channel);
        probe.validate()?;
        let seed = settings.seeds;
        let span_um = probe.bounds_um().map_or([0.0, 0.0], |[low, high]| [low[1], high[1]]);
        let motion = Motion::new(&settings.drift, settings.duration_s, span_um, seed.units)?;
        let rate = settings.sample_rate_hz;
        let noise = crate::noises::build(&settings.noise, &probe.contacts, rate, seed.noise)?;
        let disturbances = Disturbances::new(
            &settings.additions,
            &probe.contacts,
            rate,
            settings.duration_s,
            seed.noise,
        );
        let gain = |i: usize| match settings.converter.gain_sd {
            0.0 => 1.0,
            sd => (1.0 + sd * Key::new(seed.noise, Stream::Gain, i as u64).draws().normal()) as f32,
        };
        let mut converter = settings.converter;
        if converter.counts_per_uv == 0.0 {
            converter.counts_per_uv = probe.adc.counts_per_uv;
        }
        if converter.bits == 0 {
            converter.bits = probe.adc.bits;
        }
        Ok(Self {
            counts_per_uv: converter.counts_per_uv,
            limits: converter.limits(),
            gains: (0..probe.contacts.len()).map(gain).collect(),
            noise_uv: vec![0.0; probe.contacts.len()],
            probe,
            motion,
            noise,
            disturbances,
            units: Vec::new(),
            background: Vec::new(),
            spikes: Vec::new(),
            background_spikes: Vec::new(),
            lead: match settings.firing.model {
                FiringModel::Emouse => EMOUSE_ALIGNMENT,
                _ => 0.0,
            },
            warnings: Vec::new(),
            library_files: Vec::new(),
            base: None,
            settings: settings.clone(),
        })
    }

    pub(super) fn add_units(&mut self, observer: &dyn Observer) -> Result<()> {
        let mut units = self.draw_units(observer)?;
        let norms: Vec<f64> = units.iter().map(|u| u.matched_snr).collect();
        let scale = self.settings.units.template_scale;
        let seed = self.settings.seeds.units;
        let wanted = factors(&self.settings.units.target, &units, &norms, &self.noise_uv, seed);
        for ((unit, factor), norm) in units.iter_mut().zip(wanted).zip(norms) {
            unit.rescale(factor * scale);
            unit.set_noise(&self.noise_uv, norm * factor * scale);
        }
        let firing = self.settings.firing.clone();
        let mut trains = trains(&units, &firing, &self.settings, seed, 0);
        build_banks(&mut units, &trains, self, LEAST_UV);
        if self.settings.firing.overlaps != Overlaps::default() {
            self.overlap(&units, &mut trains);
            build_banks(&mut units, &trains, self, LEAST_UV);
        }
        let n_samples = self.settings.n_samples();
        for (i, (mut unit, train)) in units.into_iter().zip(trains).enumerate() {
            unit.n_spikes = train.len();
            let small = unit.ptp_uv < self.settings.units.least_ptp_uv;
            let (list, all) = if small {
                (&mut self.background, &mut self.background_spikes)
            } else {
                (&mut self.units, &mut self.spikes)
            };
            let seeds = (self.settings.seeds.amplitudes, i as u64);
            all.extend(spikes_of(
                &unit,
                &train,
                list.len() as u32,
                &self.settings,
                n_samples,
                seeds,
            ));
            list.push(unit);
        }
        sort(&mut self.spikes);
        sort(&mut self.background_spikes);
        Ok(())
    }

    fn draw_units(&mut self, observer: &dyn Observer) -> Result<Vec<Unit>> {
        let u = &self.settings.units;
        let libraries = match u.generator {
            Generator::Library => Some(Libraries::read(u, self.settings.sample_rate_hz, observer)?),
            Generator::Biophysical | Generator::Parametric => None,
        };
        let connected = self.probe.connected().count();
        let n = match (u.n, &libraries) {
            (0, Some(libraries)) => libraries.len(),
            (0, None) => (u.density * connected as f64).round() as usize,
            (n, _) => n,
        };
        let seed = self.settings.seeds.units;
        let (places, close) = place(u.placement, &self.probe, n, seed);
        if close > 0 {
            self.warnings.push(format!(
                "{close} of {n} units are closer to another unit than asked for: the space around the contacts is full"
            ));
        }
        let maker = Maker {
            probe: &self.probe,
            sample_rate: self.settings.sample_rate_hz,
            duration_s: self.settings.duration_s,
            generator: u.generator,
            firing: &self.settings.firing,
            seed,
            first_index: 0,
        };
        match libraries {
            None => maker.generate(&places, u.class_shares),
            Some(libraries) => {
                self.library_files = libraries.files()?;
                libraries.units(&maker, &places)
            }
        }
    }

    fn overlap(&self, units: &[Unit], trains: &mut [Vec<f64>]) {
        let rate = self.settings.sample_rate_hz;
        let refractory: Vec<f64> = units.iter().map(|u| u.firing.refractory_s * rate).collect();
        let positions: Vec<[f64; 3]> = units.iter().map(|u| u.position_um).collect();
        let neighbours = spatial_overlaps(units);
        let pairs = pairs(&positions, NEIGHBOURS_UM);
        let mut lanes = Lanes {
            trains,
            refractory: &refractory,
            neighbours: &neighbours,
            pairs: &pairs,
            sample_rate: rate,
            n_samples: self.settings.n_samples(),
        };
        apply_overlaps(&mut lanes, &self.settings.firing.overlaps, self.settings.seeds.units);
    }

    /// Warns of displacements that tissue does not make.
    fn check_motion(&mut self) {
        let depths = self.motion.report_depths_um();
        let steps = (self.settings.duration_s / 1.0).clamp(1.0, 10_000.0) as usize;
        let mut steepest = 0f64;
        for t in 0..steps {
            let time_s = self.settings.duration_s * t as f64 / steps as f64;
            for pair in depths.windows(2) {
                let change = self.motion.at(pair[1], time_s) - self.motion.at(pair[0], time_s);
                steepest = steepest.max((change / (pair[1] - pair[0])).abs());
            }
        }
        if steepest > STEEPEST {
            self.warnings.push(format!(
                "the displacement differs by up to {steepest:.2} µm between places 1 µm apart, more than tissue stretches \
                 ({STEEPEST})"
            ));
        }
    }
}

fn stop(observer: &dyn Observer) -> Result<()> {
    if observer.cancelled() {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// The geometry of a name or a file.
fn open_probe(settings: &ProbeSettings) -> Result<SimProbe> {
    let path = Path::new(&settings.name);
    if path.is_file() {
        return SimProbe::from_file(path);
    }
    match settings.n_channels {
        0 => SimProbe::by_name(&settings.name),
        n => SimProbe::by_name(&format!("{}-{n}", settings.name)),
    }
}

/// Trains of all units, samples of each ascending.
pub(super) fn trains(
    units: &[Unit],
    firing: &FiringSettings,
    settings: &Settings,
    seed: u64,
    first_index: u64,
) -> Vec<Vec<f64>> {
    let recorded = Recorded {
        n_samples: settings.n_samples(),
        sample_rate: settings.sample_rate_hz,
    };
    let modulation = Modulation::draw(firing, settings.duration_s, seed);
    units
        .par_iter()
        .enumerate()
        .map(|(i, unit)| {
            let mut train = unit
                .firing
                .train(firing, recorded, &modulation, seed, first_index + i as u64);
            train.retain(|&s| s < recorded.n_samples as f64);
            train
        })
        .collect()
}

/// Makes the waveforms of units at all displacements of their spikes.
pub(super) fn build_banks(units: &mut [Unit], trains: &[Vec<f64>], simulation: &Simulation, least_uv: f32) {
    let rate = simulation.settings.sample_rate_hz;
    let motion = &simulation.motion;
    let exact = simulation.settings.units.library_exact;
    units.par_iter_mut().zip(trains).for_each(|(unit, train)| {
        let range = displacement_range(motion, unit.position_um[1], train, simulation.lead, rate);
        let least = if exact && unit.class == NeuronClass::Library {
            0.0
        } else {
            least_uv
        };
        let bank = Bank::build(
            range,
            simulation.settings.drift.grid_um,
            &unit.near,
            unit.alignment,
            least,
            |d| unit.footprint(&simulation.probe.contacts, motion.vector(d)),
        );
        unit.bank = bank;
    });
}

/// The spikes of one unit.
pub(super) fn spikes_of(
    unit: &Unit,
    train: &[f64],
    source: u32,
    settings: &Settings,
    n_samples: u64,
    seeds: (u64, u64),
) -> Vec<Spike> {
    let rate = settings.sample_rate_hz;
    let times_s: Vec<f64> = train.iter().map(|s| s / rate).collect();
    let recovers = unit.class == NeuronClass::RegularSpiking;
    let duration_s = n_samples as f64 / rate;
    let sizes = sizes(
        &settings.amplitude,
        recovers,
        &unit.firing.habits,
        &times_s,
        duration_s,
        seeds,
    );
    let widening = settings.amplitude.recovery.widening as f32;
    train
        .iter()
        .zip(sizes)
        .map(|(&sample, size)| Spike {
            sample,
            source,
            amplitude: size.amplitude,
            // A hundredth of stretch is below what sixteen phases resolve.
            stretch: match 1.0 + widening * (1.0 - size.recovered) {
                s if s < 1.01 => 1.0,
                s => s,
            },
        })
        .collect()
}

/// Orders spikes by time, then source.
pub(super) fn sort(spikes: &mut [Spike]) {
    spikes.sort_by(|a, b| a.sample.total_cmp(&b.sample).then(a.source.cmp(&b.source)));
}

/// For each unit the others that it overlaps in space: on the best contact of one, the other reaches more than 0.9 of
/// its own trough.
pub(crate) fn spatial_overlaps(units: &[Unit]) -> Vec<Vec<usize>> {
    let trough_on = |unit: &Unit, contact: usize| {
        let Some(place) = unit.bank.contacts().iter().position(|&c| c == contact) else {
            return 0.0;
        };
        let mut row = vec![0f32; unit.bank.samples];
        unit.bank.waveform(unit.bank.place(0.0), place, 1.0, &mut row);
        f64::from(-row.iter().copied().fold(f32::INFINITY, f32::min))
    };
    let reaches = |i: usize, j: usize| trough_on(&units[j], units[i].best_contact) > OVERLAP * units[j].trough_uv;
    (0..units.len())
        .map(|i| {
            (0..units.len())
                .filter(|&j| j != i && (reaches(i, j) || reaches(j, i)))
                .collect()
        })
        .collect()
}
