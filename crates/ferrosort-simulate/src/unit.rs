//! Simulated neurons: where they are, what their spikes look like, and how large they are on each contact.

use ferrosort_core::{Contact, Probe};

use crate::random::{Draws, Key, Stream};

/// A spike's course in time at its largest contact, trough -1 at time 0: a Gaussian trough between a small positive
/// deflection before it and a slower one after it, which is what mean waveforms of cortical units look like (Jia et
/// al., J Neurophysiol 121:1831, 2019).
#[derive(Debug, Clone)]
pub(crate) struct Waveform {
    /// Samples before time 0 in each row of `phases`.
    pub(crate) before: usize,
    /// `[PHASES, samples]`: row p is the waveform delayed by p / PHASES samples.
    phases: Vec<f32>,
    samples: usize,
}

/// Sub-sample shifts kept of each waveform; the nearest is used, so times are exact to 1/64 sample.
pub(crate) const PHASES: usize = 32;
/// Span of a waveform around its trough, ms.
const SPAN_MS: [f64; 2] = [1.2, 2.8];

struct Shape {
    trough_sd: f64,
    before: [f64; 3],
    after: [f64; 4],
}

impl Shape {
    /// Trough width, then (height, time, width) of the deflection before and (height, time, rise, fall) after, ms.
    fn draw(draws: &mut Draws) -> Self {
        let narrow = draws.uniform() < 0.4;
        let (width, peak_at, peak) = if narrow {
            (
                draws.between(0.12, 0.18),
                draws.between(0.2, 0.36),
                draws.between(0.35, 0.75),
            )
        } else {
            (
                draws.between(0.17, 0.33),
                draws.between(0.4, 0.65),
                draws.between(0.22, 0.42),
            )
        };
        let trough_sd = width / 2.355;
        let sd_before = draws.between(0.07, 0.12);
        Self {
            trough_sd,
            before: [draws.between(0.0, 0.22), -2.2 * trough_sd - 1.2 * sd_before, sd_before],
            after: [
                peak,
                peak_at,
                peak_at * draws.between(0.33, 0.48),
                peak_at * draws.between(0.45, 0.65),
            ],
        }
    }

    fn at(&self, t_ms: f64) -> f64 {
        let bell = |d: f64, sd: f64| libm::exp(-0.5 * (d / sd).powi(2));
        let [height, time, sd] = self.before;
        let [peak, peak_at, rise, fall] = self.after;
        let after = bell(t_ms - peak_at, if t_ms < peak_at { rise } else { fall });
        height * bell(t_ms - time, sd) + peak * after - bell(t_ms, self.trough_sd)
    }

    /// Time (ms) and value of the lowest point.
    fn lowest(&self) -> (f64, f64) {
        (-200..=200)
            .map(|i| i as f64 * 0.001)
            .map(|t| (t, self.at(t)))
            .fold(
                (0.0, f64::INFINITY),
                |best, here| if here.1 < best.1 { here } else { best },
            )
    }
}

impl Waveform {
    fn draw(draws: &mut Draws, sample_rate: f64) -> Self {
        let shape = Shape::draw(draws);
        let (trough_at, trough) = shape.lowest();
        let per_ms = sample_rate / 1000.0;
        let [before, after] = SPAN_MS.map(|ms| (ms * per_ms).ceil() as usize);
        let samples = before + after + 1;
        let mut phases = Vec::with_capacity(PHASES * samples);
        for phase in 0..PHASES {
            for i in 0..samples {
                let t = (i as f64 - before as f64 - phase as f64 / PHASES as f64) / per_ms;
                // A cosine ramp at both ends lets the waveform start and end at zero.
                let ramp = |from_end_ms: f64| {
                    let x = (from_end_ms / 0.3).clamp(0.0, 1.0);
                    0.5 - 0.5 * libm::cos(std::f64::consts::PI * x)
                };
                let taper = ramp(t + SPAN_MS[0]) * ramp(SPAN_MS[1] - t);
                phases.push((taper * shape.at(t + trough_at) / -trough) as f32);
            }
        }
        Self {
            before,
            phases,
            samples,
        }
    }

    /// The waveform delayed by `phase / PHASES` samples.
    pub(crate) fn phase(&self, phase: usize) -> &[f32] {
        &self.phases[phase * self.samples..(phase + 1) * self.samples]
    }
}

/// What decides a spike's amplitude and delay on a contact at some distance.
#[derive(Debug, Clone)]
pub(crate) struct Footprint {
    /// Amplitude falls with this power of the distance.
    power: f64,
    /// Reach along the probe relative to across it.
    stretch: f64,
    /// Speed at which the spike spreads, µm/ms.
    speed_um_per_ms: f64,
    /// Distance at which the amplitude is the unit's trough, µm.
    reference_um: f64,
}

/// A spike is full-sized up to the first distance and absent beyond the second, µm.
const REACH_UM: [f64; 2] = [150.0, 250.0];

impl Footprint {
    fn draw(draws: &mut Draws) -> Self {
        Self {
            power: draws.between(1.2, 1.7),
            stretch: draws.between(0.95, 1.3),
            speed_um_per_ms: draws.between(400.0, 1500.0),
            reference_um: 1.0,
        }
    }

    /// Distance that decides amplitude and delay, with the stretch along y.
    fn distance_um(&self, source: [f64; 3], contact: &Contact) -> f64 {
        let [x, y, z] = source;
        ((contact.x_um - x).powi(2) + ((contact.y_um - y) / self.stretch).powi(2) + z * z).sqrt()
    }

    fn gain(&self, distance_um: f64) -> f64 {
        let [full, none] = REACH_UM;
        let beyond = ((distance_um - full) / (none - full)).clamp(0.0, 1.0);
        let taper = 0.5 + 0.5 * libm::cos(std::f64::consts::PI * beyond);
        taper * libm::pow(self.reference_um / distance_um, self.power)
    }
}

/// A simulated neuron.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Position at zero displacement: across the shank, along it, in front of it, µm.
    pub position_um: [f64; 3],
    /// Shank on whose contacts it is seen.
    pub shank: i64,
    /// Place in the probe's list of the contact with the largest trough at zero displacement.
    pub best_contact: usize,
    /// Depth of the trough there, µV, positive.
    pub trough_uv: f64,
    /// `trough_uv` over the noise of that contact between 300 and 6000 Hz.
    pub snr: f64,
    pub(crate) waveform: Waveform,
    pub(crate) footprint: Footprint,
}

/// What a spike looks like on one contact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) contact: usize,
    /// µV.
    pub(crate) trough_uv: f64,
    /// After its trough at the nearest contact, ms.
    pub(crate) delay_ms: f64,
}

/// Where units may lie, µm.
pub(crate) struct Region {
    /// Beyond the outermost contacts.
    pub(crate) margin: f64,
    /// In front of the probe.
    pub(crate) z: [f64; 2],
    /// Units are at least this far apart, if a hundred draws can do it.
    pub(crate) spacing: f64,
}

impl Region {
    /// Positions and shanks of `n` units, uniform over the shanks' contacts.
    pub(crate) fn place(&self, probe: &Probe, n: usize, draws: &mut Draws) -> Vec<([f64; 3], i64)> {
        let mut placed: Vec<([f64; 3], i64)> = Vec::with_capacity(n);
        for _ in 0..n {
            let mut here = self.draw(probe, draws);
            for _ in 0..100 {
                let near = |p: &[f64; 3]| {
                    let d2: f64 = p.iter().zip(&here.0).map(|(a, b)| (a - b).powi(2)).sum();
                    d2 < self.spacing.powi(2)
                };
                if !placed.iter().any(|(p, shank)| *shank == here.1 && near(p)) {
                    break;
                }
                here = self.draw(probe, draws);
            }
            placed.push(here);
        }
        placed
    }

    fn draw(&self, probe: &Probe, draws: &mut Draws) -> ([f64; 3], i64) {
        let shank = probe.contacts[draws.below(probe.len())].shank;
        let on_shank = || probe.contacts.iter().filter(|c| c.shank == shank);
        let mut within = |value: fn(&Contact) -> f64| {
            let low = on_shank().map(value).fold(f64::INFINITY, f64::min);
            let high = on_shank().map(value).fold(f64::NEG_INFINITY, f64::max);
            draws.between(low - self.margin, high + self.margin)
        };
        let (x, y) = (within(|c| c.x_um), within(|c| c.y_um));
        ([x, y, draws.between(self.z[0], self.z[1])], shank)
    }
}

impl Unit {
    /// A neuron at this place whose trough on its best contact is `snr` times that contact's `noise_uv`.
    pub(crate) fn draw(
        (position_um, shank): ([f64; 3], i64),
        snr: f64,
        probe: &Probe,
        noise_uv: &[f64],
        sample_rate: f64,
        key: (u64, u64),
    ) -> Self {
        let mut draws = Key::new(key.0, Stream::Shape, key.1).draws();
        let waveform = Waveform::draw(&mut draws, sample_rate);
        let mut footprint = Footprint::draw(&mut draws);
        let (best_contact, nearest) = probe
            .contacts
            .iter()
            .enumerate()
            .filter(|(_, c)| c.shank == shank)
            .map(|(i, c)| (i, footprint.distance_um(position_um, c)))
            .fold(
                (0, f64::INFINITY),
                |best, here| if here.1 < best.1 { here } else { best },
            );
        footprint.reference_um = nearest;
        Self {
            position_um,
            shank,
            best_contact,
            trough_uv: snr * noise_uv[best_contact],
            snr,
            waveform,
            footprint,
        }
    }

    /// A spike of this unit on all contacts that it reaches when the tissue is displaced by `displacement_um`.
    /// `by_depth` lists the contacts of the unit's shank by y.
    pub(crate) fn arrivals(&self, displacement_um: f64, probe: &Probe, by_depth: &[usize]) -> Vec<Arrival> {
        let [x, y, z] = self.position_um;
        let source = [x, y + displacement_um, z];
        let reach = REACH_UM[1] * self.footprint.stretch;
        let first = by_depth.partition_point(|&i| probe.contacts[i].y_um < source[1] - reach);
        let last = by_depth.partition_point(|&i| probe.contacts[i].y_um <= source[1] + reach);
        let distances: Vec<(usize, f64)> = by_depth[first..last]
            .iter()
            .map(|&i| (i, self.footprint.distance_um(source, &probe.contacts[i])))
            .collect();
        let nearest = distances.iter().map(|d| d.1).fold(f64::INFINITY, f64::min);
        distances
            .into_iter()
            .map(|(contact, distance)| Arrival {
                contact,
                trough_uv: self.trough_uv * self.footprint.gain(distance),
                delay_ms: (distance - nearest) / self.footprint.speed_um_per_ms,
            })
            .collect()
    }
}

/// Longest time from a spike's trough at its nearest contact to the end of its waveform at the farthest, ms.
pub(crate) fn longest_reach_ms() -> f64 {
    SPAN_MS[1] + REACH_UM[1] / 400.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::neuropixels1_checkerboard;

    fn unit(position: [f64; 3], index: u64) -> Unit {
        let probe = neuropixels1_checkerboard(64);
        Unit::draw((position, 0), 5.0, &probe, &[8.0; 64], 30_000.0, (1, index))
    }

    #[test]
    fn waveforms_have_their_trough_of_one_at_time_zero_and_vanish_at_the_ends() {
        for index in 0..40 {
            let w = unit([35.0, 300.0, 20.0], index).waveform;
            let row = w.phase(0);
            let lowest = (0..row.len()).min_by(|&a, &b| row[a].total_cmp(&row[b]));
            assert_eq!(lowest, Some(w.before));
            assert!((row[w.before] + 1.0).abs() < 1e-3);
            assert!(row[0].abs() < 1e-6 && row[row.len() - 1].abs() < 1e-6);
            // Half a sample later, the trough lies between two samples.
            let half = w.phase(PHASES / 2);
            assert!((half[w.before] - half[w.before + 1]).abs() < 0.03);
        }
    }

    #[test]
    fn the_best_contact_is_the_nearest_and_carries_the_trough() {
        let probe = neuropixels1_checkerboard(64);
        let by_depth: Vec<usize> = (0..64).collect();
        let u = unit([40.0, 201.0, 12.0], 3);
        assert_eq!(u.best_contact, 20, "contact 20 is at (43, 200)");
        let arrivals = u.arrivals(0.0, &probe, &by_depth);
        let at = |c: usize| arrivals.iter().find(|a| a.contact == c).copied();
        let best = at(20);
        assert!(best.is_some_and(|a| (a.trough_uv - 40.0).abs() < 1e-9 && a.delay_ms == 0.0));
        for a in &arrivals {
            assert!(a.trough_uv <= 40.0 + 1e-9 && (0.0..1.0).contains(&a.delay_ms));
        }
        // 20 µm along the probe is two rows: contact 22 is (59, 220), 24 is (43, 240).
        let moved = u.arrivals(40.0, &probe, &by_depth);
        let largest = moved.iter().max_by(|a, b| a.trough_uv.total_cmp(&b.trough_uv));
        assert!(largest.is_some_and(|a| a.contact == 24 && (a.trough_uv - 40.0).abs() < 1e-9));
    }

    #[test]
    fn amplitude_falls_with_distance_and_ends() {
        let u = unit([35.0, 300.0, 20.0], 1);
        let mut last = f64::INFINITY;
        for d in (10..300).step_by(10) {
            let gain = u.footprint.gain(d as f64);
            assert!(gain <= last);
            last = gain;
        }
        assert!(last < 1e-12);
    }

    #[test]
    fn units_keep_their_distance_and_their_region() {
        let probe = neuropixels1_checkerboard(64);
        let region = Region {
            margin: 10.0,
            z: [10.0, 45.0],
            spacing: 15.0,
        };
        let placed = region.place(&probe, 40, &mut Key::new(1, Stream::Placement, 0).draws());
        for (i, (a, _)) in placed.iter().enumerate() {
            assert!((1.0..69.0).contains(&a[0]) && (-10.0..630.0).contains(&a[1]) && (10.0..45.0).contains(&a[2]));
            for (b, _) in &placed[..i] {
                assert!(a.iter().zip(b).map(|(p, q)| (p - q).powi(2)).sum::<f64>() >= 225.0);
            }
        }
    }
}
