//! Disturbances that are no spikes: common noise, mains hum, slow potentials, artefacts, bad channels.

use std::f64::consts::TAU;

use crate::geometry::SimContact;
use crate::noises::{Source, Spectral, slow_potentials};
use crate::random::{Key, Stream};
use crate::settings::Additions;

/// An artefact with its time, for the truth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Artefact {
    pub(crate) kind: &'static str,
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    pub(crate) amplitude_uv: f64,
}

/// Everything that the settings add.
#[derive(Debug)]
pub(crate) struct Disturbances {
    settings: Additions,
    sample_rate: f64,
    common_key: Key,
    slow: Option<Spectral>,
    /// Ascending by start.
    artefacts: Vec<Artefact>,
    /// What each contact's signal is multiplied by at the end: 0 for dead channels.
    gains: Vec<f32>,
    /// What each contact's noise is multiplied by.
    noise_gains: Vec<f32>,
    any_noise_gain: bool,
}

/// Channels whose mains hum has one phase.
const GROUP: usize = 32;
/// Noise of a noisy channel, relative.
const NOISY: f32 = 4.0;
/// Height and decay of a stimulation artefact.
const STIMULATION_UV: f64 = 500.0;
const STIMULATION_DECAY_S: f64 = 0.001;
/// How long a stimulation artefact is followed, s.
const STIMULATION_S: f64 = 0.01;

impl Disturbances {
    pub(crate) fn new(
        settings: &Additions,
        contacts: &[SimContact],
        sample_rate: f64,
        duration_s: f64,
        seed: u64,
    ) -> Self {
        let slow = (settings.lfp_uv > 0.0).then(|| slow_potentials(contacts, sample_rate, settings.lfp_uv, seed));
        let gain = |c: &SimContact| match c.channel {
            ch if settings.dead_channels.contains(&ch) => 0.0,
            ch if settings.weak_channels.contains(&ch) => 0.5,
            _ => 1.0,
        };
        let noise_gain = |c: &SimContact| {
            if settings.noisy_channels.contains(&c.channel) {
                NOISY
            } else {
                1.0
            }
        };
        Self {
            sample_rate,
            common_key: Key::new(seed, Stream::Common, 1),
            slow,
            artefacts: artefacts(settings, duration_s, seed),
            gains: contacts.iter().map(gain).collect(),
            noise_gains: contacts.iter().map(noise_gain).collect(),
            any_noise_gain: !settings.noisy_channels.is_empty(),
            settings: settings.clone(),
        }
    }

    /// All artefacts, ascending by start.
    pub(crate) fn artefacts(&self) -> &[Artefact] {
        &self.artefacts
    }

    /// `(channel, what)` of every bad channel, ascending.
    pub(crate) fn bad_channels(&self) -> Vec<(usize, &'static str)> {
        let s = &self.settings;
        let lists = [
            (&s.dead_channels, "dead"),
            (&s.noisy_channels, "noisy"),
            (&s.weak_channels, "half gain"),
        ];
        let mut all: Vec<(usize, &'static str)> = lists
            .iter()
            .flat_map(|(list, what)| list.iter().map(move |&c| (c, *what)))
            .collect();
        all.sort_unstable();
        all
    }

    /// Changes the level of noisy channels; `tile` holds nothing but noise.
    pub(crate) fn scale_noise(&self, n: usize, tile: &mut [f32]) {
        if self.any_noise_gain {
            for (gain, row) in self.noise_gains.iter().zip(tile.chunks_exact_mut(n)) {
                for v in &mut *row {
                    *v *= gain;
                }
            }
        }
    }

    /// Adds noise that belongs to every part of the recording: common noise, hum, slow potentials.
    pub(crate) fn add_steady(&self, contacts: &[SimContact], start: u64, n: usize, tile: &mut [f32]) {
        let s = &self.settings;
        if s.common_uv > 0.0 {
            let mut common = vec![0f32; n];
            self.common_key.fill_normals(start, &mut common);
            for row in tile.chunks_exact_mut(n) {
                for (v, c) in row.iter_mut().zip(&common) {
                    *v += s.common_uv as f32 * c;
                }
            }
        }
        if s.line_uv > 0.0 {
            for (contact, row) in contacts.iter().zip(tile.chunks_exact_mut(n)) {
                let phase = 1.3 * (contact.channel / GROUP) as f64;
                for (i, v) in row.iter_mut().enumerate() {
                    let angle = TAU * s.line_hz * (start + i as u64) as f64 / self.sample_rate + phase;
                    let hum = libm::sin(angle) + 0.5 * libm::sin(2.0 * angle) + 0.25 * libm::sin(3.0 * angle);
                    *v += (s.line_uv * hum) as f32;
                }
            }
        }
        if let Some(slow) = &self.slow {
            slow.add(start, n, tile);
        }
    }

    /// Adds artefacts, then applies gains and replaces saturated and lost stretches. `limit_uv`: where the converter
    /// saturates.
    pub(crate) fn finish(&self, start: u64, n: usize, limit_uv: f32, tile: &mut [f32]) {
        for artefact in &self.artefacts {
            // Whole samples of the recording first, so that blocks agree where a stretch begins.
            let sample = |time_s: f64| (time_s * self.sample_rate).round() as u64;
            let inside = |sample: u64| sample.clamp(start, start + n as u64);
            let begin = sample(artefact.start_s);
            let (first, last) = (inside(begin), inside(sample(artefact.end_s)));
            for row in tile.chunks_exact_mut(n) {
                for (i, v) in row[(first - start) as usize..(last - start) as usize]
                    .iter_mut()
                    .enumerate()
                {
                    let since_s = (first + i as u64 - begin) as f64 / self.sample_rate;
                    *v = artefact.apply(*v, since_s, limit_uv);
                }
            }
        }
        for (gain, row) in self.gains.iter().zip(tile.chunks_exact_mut(n)) {
            if *gain != 1.0 {
                for v in &mut *row {
                    *v *= gain;
                }
            }
        }
    }
}

impl Artefact {
    fn apply(&self, value: f32, since: f64, limit_uv: f32) -> f32 {
        match self.kind {
            "gap" => 0.0,
            "saturation" => limit_uv,
            "movement" => value + (self.amplitude_uv * libm::sin(TAU * since / (self.end_s - self.start_s))) as f32,
            _ => value + (self.amplitude_uv * libm::exp(-since / STIMULATION_DECAY_S)) as f32,
        }
    }
}

fn artefacts(settings: &Additions, duration_s: f64, seed: u64) -> Vec<Artefact> {
    let mut all = Vec::new();
    let mut add = |kind, start_s, end_s, amplitude_uv| {
        all.push(Artefact {
            kind,
            start_s,
            end_s,
            amplitude_uv,
        });
    };
    let movement = &settings.movement;
    if movement.per_minute > 0.0 {
        let mut draws = Key::new(seed, Stream::Addition, 0).draws();
        let mut t = 60.0 / movement.per_minute * draws.exponential();
        while t < duration_s {
            let [low, high] = movement.duration_ms;
            let length = draws.between(low, high) / 1000.0;
            let size = draws.between(movement.amplitude_uv[0], movement.amplitude_uv[1]);
            let signed = if draws.uniform() < 0.5 { size } else { -size };
            add("movement", t, t + length, signed);
            t += length + 60.0 / movement.per_minute * draws.exponential();
        }
    }
    for (i, &t) in settings.stimulation_s.iter().enumerate() {
        let signed = if i % 2 == 0 { STIMULATION_UV } else { -STIMULATION_UV };
        add("stimulation", t, t + STIMULATION_S, signed);
    }
    for &[from, to] in &settings.saturation_s {
        add("saturation", from, to, f64::NAN);
    }
    for &[from, to] in &settings.gaps_s {
        add("gap", from, to, 0.0);
    }
    // Additive ones first: what is saturated or lost stays so.
    let rank = |a: &Artefact| match a.kind {
        "saturation" => 1,
        "gap" => 2,
        _ => 0,
    };
    all.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.start_s.total_cmp(&b.start_s)));
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::geometry::SimProbe;
    use crate::settings::Movement;

    #[test]
    fn gaps_and_saturation_replace_and_dead_channels_are_silent() {
        let contacts = SimProbe::by_name("linear-3").unwrap().contacts;
        let settings = Additions {
            gaps_s: vec![[0.01, 0.02]],
            saturation_s: vec![[0.03, 0.04]],
            dead_channels: vec![1],
            weak_channels: vec![2],
            stimulation_s: vec![0.05],
            ..Additions::default()
        };
        let d = Disturbances::new(&settings, &contacts, 1000.0, 1.0, 1);
        let mut tile = vec![2f32; 3 * 100];
        d.finish(0, 100, 99.0, &mut tile);
        assert_eq!(
            [tile[9], tile[10], tile[19], tile[20], tile[30], tile[39], tile[40]],
            [2.0, 0.0, 0.0, 2.0, 99.0, 99.0, 2.0]
        );
        assert!((tile[50] - 502.0).abs() < 1e-3 && (tile[51] - 2.0 - 500.0 * (-1f32).exp()).abs() < 1e-3);
        assert!(tile[100..200].iter().all(|&v| v == 0.0) && tile[200] == 1.0);
        assert_eq!(d.bad_channels(), [(1, "dead"), (2, "half gain")]);
        // The same in two halves.
        let mut halves = vec![0f32; 300];
        for (start, n) in [(0usize, 40usize), (40, 60)] {
            let mut piece = vec![2f32; 3 * n];
            d.finish(start as u64, n, 99.0, &mut piece);
            for c in 0..3 {
                halves[c * 100 + start..c * 100 + start + n].copy_from_slice(&piece[c * n..(c + 1) * n]);
            }
        }
        assert_eq!(halves, tile);
    }

    #[test]
    fn hum_and_common_noise_have_their_levels() {
        let contacts = SimProbe::by_name("linear-40").unwrap().contacts;
        let settings = Additions {
            line_uv: 20.0,
            common_uv: 3.0,
            noisy_channels: vec![0],
            ..Additions::default()
        };
        let d = Disturbances::new(&settings, &contacts, 1000.0, 10.0, 1);
        let n = 10_000;
        let mut tile = vec![0f32; 40 * n];
        d.add_steady(&contacts, 0, n, &mut tile);
        let power = |c: usize| {
            tile[c * n..(c + 1) * n]
                .iter()
                .map(|&v| f64::from(v).powi(2))
                .sum::<f64>()
                / n as f64
        };
        // 20² / 2 (1 + 1/4 + 1/16) + 3².
        assert!((power(0) - 271.5).abs() < 4.0, "{}", power(0));
        let mut noise = vec![1f32; 80];
        d.scale_noise(2, &mut noise);
        assert_eq!(&noise[..4], [4.0, 4.0, 1.0, 1.0]);
    }

    #[test]
    fn movement_happens_as_often_as_asked() {
        let settings = Additions {
            movement: Movement {
                per_minute: 6.0,
                ..Movement::default()
            },
            ..Additions::default()
        };
        let n = artefacts(&settings, 6000.0, 1).len() as f64;
        assert!((n - 600.0).abs() < 75.0, "{n}");
    }
}
