//! What several formats need and a run does not hold ready: places of units, waveforms near them, amplitudes in µV.

use ferrosort_core::{Contact, Error, Result, SortingRun, TemplateUnit};
use ndarray::{Array2, Array3, Axis};

use super::{ExportOptions, Format, UnitColumn};

/// Most channels of a unit whose waveforms are written: those nearest to it.
const MOST_CHANNELS: usize = 32;
/// Contacts of other shanks are farther away than any of the same, µm.
const OTHER_SHANK_UM: f64 = 1e7;

/// A run with what follows from it.
pub(super) struct Facts<'a> {
    pub(super) run: &'a SortingRun,
    pub(super) columns: &'a [UnitColumn],
    /// Samples per second, Hz.
    pub(super) sample_rate: f64,
    /// Contacts of the probe, in the order of every channel axis; none when the probe is not known.
    pub(super) contacts: &'a [Contact],
    /// Mean waveforms near each unit, when probe and scale are known.
    pub(super) local: Option<Local>,
}

/// Mean waveforms on the channels nearest to each unit, the one where it is largest first.
pub(super) struct Local {
    /// `[units, slots]`: places in the probe.
    pub(super) channels: Array2<usize>,
    /// `[units, samples, slots]`, µV.
    pub(super) waveforms: Array3<f32>,
    /// Sample of a waveform at the time of its spike.
    pub(super) spike_at: usize,
}

impl<'a> Facts<'a> {
    /// What follows from a run.
    ///
    /// # Errors
    /// No usable sample rate, where the format needs one; a gain that is none; columns of another length than the units.
    pub(super) fn new(run: &'a SortingRun, columns: &'a [UnitColumn], options: &ExportOptions) -> Result<Self> {
        if let Some(gain) = options.gain_uv.filter(|gain| !(gain.is_finite() && *gain != 0.0)) {
            return Err(Error::input(format!(
                "--gain-uv is {gain}; give the µV of one count, which is not 0"
            )));
        }
        let shown = run.source.display();
        if let Some(column) = columns.iter().find(|column| column.values.len() != run.units.len()) {
            return Err(Error::input(format!(
                "{} has {} values for the {} units of {shown}",
                column.name,
                column.values.len(),
                run.units.len()
            )));
        }
        let known = run.sample_rate.filter(|rate| rate.is_finite() && *rate > 0.0);
        let sample_rate = match known {
            Some(rate) => rate,
            None if options.format == Format::Motion => f64::NAN,
            None => {
                return Err(Error::input(format!(
                    "{shown} does not say its sample rate, without which samples have no time; give it with --sample-rate"
                )));
            }
        };
        let contacts = run.probe.as_ref().map_or(&[][..], |probe| &probe.contacts);
        Ok(Self {
            run,
            columns,
            sample_rate,
            contacts,
            local: local(run, contacts, options.gain_uv),
        })
    }

    /// Names of the units as numbers, when all are different whole numbers from 0.
    pub(super) fn unit_numbers(&self) -> Option<Vec<i64>> {
        let parse = |id: &str| id.parse::<i64>().ok().filter(|n| *n >= 0 && n.to_string() == id);
        let numbers: Vec<i64> = self
            .run
            .units
            .iter()
            .map(|unit| parse(&unit.id))
            .collect::<Option<_>>()?;
        let distinct: std::collections::BTreeSet<i64> = numbers.iter().copied().collect();
        (distinct.len() == numbers.len()).then_some(numbers)
    }

    /// The contact where a unit is largest.
    pub(super) fn best_contact(&self, unit: usize) -> Option<&Contact> {
        self.contacts.get(self.run.units[unit].best_channel?)
    }

    /// Position of a unit across and along the probe, µm: its own, else that of the contact where it is largest.
    pub(super) fn position_um(&self, unit: usize) -> Option<[f64; 2]> {
        let own = self.run.units[unit].position_um.map(|[x, y, _]| [x, y]);
        own.or_else(|| self.best_contact(unit).map(|contact| [contact.x_um, contact.y_um]))
    }

    /// Depth of each spike, µm: its own, else that of its unit; NaN where neither is known. `None` when none is.
    pub(super) fn depths_um(&self) -> Option<Vec<f64>> {
        let of_unit: Vec<f64> = (0..self.run.units.len())
            .map(|unit| self.position_um(unit).map_or(f64::NAN, |[_, y]| y))
            .collect();
        let own = self.run.spikes.depths_um.as_ref();
        let depth = |(spike, &unit): (usize, &u32)| {
            let own = own
                .map(|depths| f64::from(depths[spike]))
                .filter(|depth| depth.is_finite());
            own.unwrap_or(of_unit[unit as usize])
        };
        let depths: Vec<f64> = self.run.spikes.units.iter().enumerate().map(depth).collect();
        (depths.is_empty() || depths.iter().any(|depth| depth.is_finite())).then_some(depths)
    }

    /// Peak to peak of each unit where it is largest, µV; NaN where it is not known.
    pub(super) fn ptp_uv(&self) -> Vec<f64> {
        let measured = |unit: usize| {
            let local = self.local.as_ref()?;
            let best = local.waveforms.index_axis(Axis(0), unit);
            let best = best.index_axis(Axis(1), 0);
            let low = best.iter().copied().fold(f32::INFINITY, f32::min);
            let high = best.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            Some(f64::from(high - low))
        };
        let units = 0..self.run.units.len();
        units
            .map(|unit| measured(unit).or(self.run.units[unit].ptp_uv).unwrap_or(f64::NAN))
            .collect()
    }

    /// Amplitude of each spike, µV: what the source gives in µV, else its amplitude over the mean of its unit, times the peak to peak
    /// of the unit. `None` where one of them is not known.
    pub(super) fn amplitudes_uv(&self) -> Option<Vec<f64>> {
        let spikes = &self.run.spikes;
        let amplitudes = spikes.amplitudes.as_ref()?;
        if self.run.amplitude_unit == "µV" {
            return Some(amplitudes.iter().map(|&a| f64::from(a)).collect());
        }
        let ptp = self.ptp_uv();
        if !(ptp.is_empty() || ptp.iter().any(|v| v.is_finite())) {
            return None;
        }
        let mut sums = vec![(0.0, 0.0); ptp.len()];
        let finite = || amplitudes.iter().zip(&spikes.units).filter(|(a, _)| a.is_finite());
        for (&amplitude, &unit) in finite() {
            let (sum, count) = &mut sums[unit as usize];
            *sum += f64::from(amplitude);
            *count += 1.0;
        }
        let scale: Vec<f64> = ptp
            .iter()
            .zip(&sums)
            .map(|(ptp, (sum, count))| ptp * count / sum)
            .collect();
        let scaled = |(&amplitude, &unit): (&f32, &u32)| {
            let amplitude = f64::from(amplitude) * scale[unit as usize];
            if amplitude.is_finite() { amplitude } else { f64::NAN }
        };
        Some(amplitudes.iter().zip(&spikes.units).map(scaled).collect())
    }
}

/// Waveforms in µV on the channels nearest to each unit.
fn local(run: &SortingRun, contacts: &[Contact], gain_uv: Option<f64>) -> Option<Local> {
    let physical = run.physical_templates.as_ref()?;
    let scale = match (physical.unit, gain_uv) {
        (TemplateUnit::Microvolts, _) => 1.0,
        (TemplateUnit::Counts, Some(gain)) => gain as f32,
        (TemplateUnit::Counts | TemplateUnit::Whitened, _) => return None,
    };
    let (units, samples, n_channels) = physical.waveforms.dim();
    if n_channels == 0 || n_channels != contacts.len() || units != run.units.len() {
        return None;
    }
    let slots = n_channels.min(MOST_CHANNELS);
    let mut channels = Array2::zeros((units, slots));
    let mut waveforms = Array3::zeros((units, samples, slots));
    for unit in 0..units {
        let home = run.units[unit].best_channel.filter(|&channel| channel < n_channels);
        let nearest = by_distance(contacts, home.unwrap_or(0));
        for (slot, &channel) in nearest.iter().take(slots).enumerate() {
            channels[(unit, slot)] = channel;
            for sample in 0..samples {
                waveforms[(unit, sample, slot)] = scale * physical.waveforms[(unit, sample, channel)];
            }
        }
    }
    Some(Local {
        channels,
        waveforms,
        spike_at: physical.spike_at,
    })
}

/// Places of all contacts by their distance from one, the nearest first; ties go to the lower place.
fn by_distance(contacts: &[Contact], home: usize) -> Vec<usize> {
    let center = &contacts[home];
    let distance = |contact: &Contact| {
        let other = if contact.shank == center.shank {
            0.0
        } else {
            OTHER_SHANK_UM
        };
        other + (contact.x_um - center.x_um).hypot(contact.y_um - center.y_um)
    };
    let mut places: Vec<usize> = (0..contacts.len()).collect();
    places.sort_by(|&a, &b| {
        distance(&contacts[a])
            .total_cmp(&distance(&contacts[b]))
            .then(a.cmp(&b))
    });
    // Where several contacts share a position, the unit's own is still the first.
    places.retain(|&place| place != home);
    places.insert(0, home);
    places
}
