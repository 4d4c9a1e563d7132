//! Small units: the hash of distant neurons, and multi-unit activity.

use ferrosort_core::Result;

use super::Simulation;
use crate::geometry::SimContact;
use crate::motion::Motion;
use crate::random::{Key, Stream};
use crate::settings::{FiringModel, FiringSettings, Generator, Placement, Rates};
use crate::synthesis::BLOCK;
use crate::units::{Maker, Unit, around_axis, place};

/// Numbers of background units in the random streams: far from those of units.
const HASH_INDEX: u64 = 1 << 32;
const MUA_INDEX: u64 = 1 << 33;
/// Spread of the logarithm of background rates.
const RATE_LOG_SD: f64 = 0.9;
/// Waveforms of the background on contacts below this are left out, µV.
pub(super) const LEAST_UV: f32 = 0.15;
/// Shares of classes in the background.
const CLASS_SHARES: [f64; 3] = [0.78, 0.22, 0.0];
/// Blocks from which levels of noise are taken, at most.
const LEVEL_BLOCKS: u64 = 40;

impl Simulation {
    /// Adds the background units of the settings, and measures the noise.
    pub(super) fn add_background(&mut self) -> Result<()> {
        let firing = FiringSettings {
            model: FiringModel::Poisson,
            rates: Rates::LogNormal {
                median_hz: self.settings.background.rate_hz.max(1e-3),
                log_sd: RATE_LOG_SD,
            },
            burst_share: 0.0,
            jitter: self.settings.firing.jitter,
            ..FiringSettings::default()
        };
        let background = self.settings.background;
        let seed = self.settings.seeds.noise;
        if background.n_hash > 0 {
            let places: Vec<[f64; 3]> = (0..background.n_hash as u64)
                .map(|i| {
                    let mut draws = Key::new(seed, Stream::Background, i).draws();
                    around_axis(&self.probe, background.distance_um, &mut draws)
                })
                .collect();
            let hash = self.small_units(&places, &firing, HASH_INDEX)?;
            self.take_background(hash, &firing, HASH_INDEX);
            self.scale_hash(background.rms_uv);
        }
        self.noise_uv = self.measure_noise();
        if background.n_mua > 0 {
            let (places, _) = place(
                mua_placement(self.settings.units.placement),
                &self.probe,
                background.n_mua,
                seed ^ 1,
            );
            let mut mua = self.small_units(&places, &firing, MUA_INDEX)?;
            for (i, unit) in mua.iter_mut().enumerate() {
                let mut draws = Key::new(seed, Stream::Background, MUA_INDEX + i as u64).draws();
                let [low, high] = background.mua_snr;
                let wanted = draws.between(low, high) * self.noise_uv[unit.best_contact];
                unit.rescale(wanted / unit.trough_uv.max(1e-6));
            }
            self.take_background(mua, &firing, MUA_INDEX);
            self.noise_uv = self.measure_noise();
        }
        for unit in &mut self.background {
            let norm = unit.matched_snr;
            unit.set_noise(&self.noise_uv, norm);
        }
        Ok(())
    }

    fn small_units(&self, places: &[[f64; 3]], firing: &FiringSettings, first_index: u64) -> Result<Vec<Unit>> {
        let maker = Maker {
            probe: &self.probe,
            sample_rate: self.settings.sample_rate_hz,
            duration_s: self.settings.duration_s,
            generator: match self.settings.units.generator {
                Generator::Parametric => Generator::Parametric,
                Generator::Biophysical | Generator::Library => Generator::Biophysical,
            },
            firing,
            seed: self.settings.seeds.noise,
            first_index,
        };
        maker.generate(&seen(places, &self.probe.contacts), CLASS_SHARES)
    }

    /// Draws the spikes of background units and adds both.
    fn take_background(&mut self, mut units: Vec<Unit>, firing: &FiringSettings, first_index: u64) {
        let trains = super::plan::trains(&units, firing, &self.settings, self.settings.seeds.noise, first_index);
        super::plan::build_banks(&mut units, &trains, self, LEAST_UV);
        let first_source = self.background.len() as u32;
        let n_samples = self.settings.n_samples();
        for (i, (unit, train)) in units.iter_mut().zip(&trains).enumerate() {
            unit.n_spikes = train.len();
            let seeds = (self.settings.seeds.noise, first_index + i as u64);
            let spikes = super::plan::spikes_of(unit, train, first_source + i as u32, &self.settings, n_samples, seeds);
            self.background_spikes.extend(spikes);
        }
        super::plan::sort(&mut self.background_spikes);
        self.background.extend(units);
    }

    /// Scales the hash to a level, averaged over connected contacts; 0 = leave it.
    fn scale_hash(&mut self, rms_uv: f64) {
        if rms_uv == 0.0 {
            return;
        }
        let (mut sum, mut count) = (0.0, 0u64);
        for block in self.level_blocks() {
            let (tile, n) = self.background_tile(block);
            for (contact, row) in self.probe.contacts.iter().zip(tile.chunks_exact(n)) {
                if contact.connected {
                    sum += row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
                    count += n as u64;
                }
            }
        }
        let found = (sum / count.max(1) as f64).sqrt();
        if found > 0.0 {
            for unit in &mut self.background {
                unit.rescale(rms_uv / found);
                unit.bank.scale((rms_uv / found) as f32);
            }
        }
    }

    /// Blocks spread over the recording.
    fn level_blocks(&self) -> Vec<u64> {
        let all = self.settings.n_samples().div_ceil(BLOCK as u64);
        let n = all.min(LEVEL_BLOCKS);
        (0..n).map(|i| i * all / n).collect()
    }

    /// Robust deviation of each contact's noise, µV.
    pub(super) fn measure_noise(&self) -> Vec<f64> {
        use rayon::prelude::*;
        let tiles: Vec<(Vec<f32>, usize)> = self
            .level_blocks()
            .into_par_iter()
            .map(|block| self.noise_tile(block))
            .collect();
        (0..self.probe.contacts.len())
            .into_par_iter()
            .map(|c| {
                let values: Vec<f32> = tiles
                    .iter()
                    .flat_map(|(tile, n)| tile[c * n..(c + 1) * n].iter().copied())
                    .collect();
                crate::snr::mad_sigma(&values)
            })
            .collect()
    }
}

/// Multi-unit activity lies where units do, a little farther out.
fn mua_placement(of_units: Placement) -> Placement {
    const EXTRA_UM: f64 = 15.0;
    let margin_x_um = match of_units {
        Placement::Uniform { margin_x_um, .. } | Placement::Layers { margin_x_um, .. } => margin_x_um + EXTRA_UM,
        Placement::MidLine { .. } | Placement::Pairs { .. } => EXTRA_UM,
    };
    Placement::Uniform {
        margin_x_um,
        margin_y_um: 20.0,
        z_um: [20.0, 60.0],
        spacing_um: 0.0,
    }
}

/// Places of which some contact is within reach.
fn seen(places: &[[f64; 3]], contacts: &[SimContact]) -> Vec<[f64; 3]> {
    let visible = |p: &&[f64; 3]| !crate::units::near(contacts, **p, false).is_empty();
    places.iter().filter(visible).copied().collect()
}

/// Smallest and largest displacement of a unit at its spikes, µm.
pub(super) fn displacement_range(
    motion: &Motion,
    rest_um: f64,
    train: &[f64],
    lead: f64,
    sample_rate: f64,
) -> [f64; 2] {
    if motion.is_still() {
        return [0.0, 0.0];
    }
    train
        .iter()
        .map(|s| motion.at(rest_um, (s - lead) / sample_rate))
        .fold([0.0, 0.0], |[low, high], d| [low.min(d), high.max(d)])
}
