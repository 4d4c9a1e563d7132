//! Units that come and go.

use crate::random::Draws;
use crate::settings::Presence;

/// When a unit is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Habits {
    /// First and last second of the unit.
    pub(crate) present_s: [f64; 2],
    /// The unit appears or disappears within the recording.
    pub(crate) transient: bool,
    /// Stretch in which it is nearly silent, s.
    pub(crate) silent_s: Option<[f64; 2]>,
    ramp_s: f64,
}

/// Rate in a silent stretch, relative.
const SILENT_RATE: f64 = 0.02;
/// Length of silent stretches, s; at most half of the recording.
const SILENT_S: [f64; 2] = [60.0, 300.0];

impl Habits {
    /// Always there.
    pub(crate) fn always(duration_s: f64) -> Self {
        Self {
            present_s: [0.0, duration_s],
            transient: false,
            silent_s: None,
            ramp_s: 0.0,
        }
    }

    pub(crate) fn draw(settings: &Presence, duration_s: f64, draws: &mut Draws) -> Self {
        let [transient, share, place] = [0; 3].map(|_| draws.uniform());
        let [silent, length, begin] = [0; 3].map(|_| draws.uniform());
        let mut habits = Self::always(duration_s);
        habits.ramp_s = settings.ramp_s;
        if transient < settings.transient_share {
            let [low, high] = settings.window;
            let length_s = duration_s * (low + (high - low) * share);
            let start = (duration_s - length_s) * place;
            habits.present_s = [start, start + length_s];
            habits.transient = true;
        }
        if silent < settings.silent_share {
            let length_s = (SILENT_S[0] + (SILENT_S[1] - SILENT_S[0]) * length).min(0.5 * duration_s);
            let start = (duration_s - length_s) * begin;
            habits.silent_s = Some([start, start + length_s]);
        }
        habits
    }

    /// Takes out the spikes of a time when the unit is absent, and most of those of a silent one.
    pub(crate) fn keep(&self, train: &mut Vec<f64>, sample_rate: f64, draws: &mut Draws) {
        let inside = |[from, to]: [f64; 2], s: f64| (from..to).contains(&(s / sample_rate));
        if self.transient {
            train.retain(|&s| inside(self.present_s, s));
        }
        if let Some(silent) = self.silent_s {
            train.retain(|&s| !inside(silent, s) || draws.uniform() < SILENT_RATE);
        }
    }

    /// Factor of the amplitude at a time: it rises and falls at the ends of a window inside the recording.
    pub(crate) fn ramp(&self, time_s: f64, duration_s: f64) -> f64 {
        if !self.transient || self.ramp_s == 0.0 {
            return 1.0;
        }
        let [from, to] = self.present_s;
        let rise = if from > 0.0 { (time_s - from) / self.ramp_s } else { 1.0 };
        let fall = if to < duration_s {
            (to - time_s) / self.ramp_s
        } else {
            1.0
        };
        rise.min(fall).clamp(0.05, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Stream};

    #[test]
    fn transient_units_fire_in_their_window_only_and_fade_in_and_out() {
        let settings = Presence {
            transient_share: 1.0,
            silent_share: 1.0,
            ..Presence::default()
        };
        for unit in 0..50 {
            let mut draws = Key::new(1, Stream::Habits, unit).draws();
            let h = Habits::draw(&settings, 1000.0, &mut draws);
            let [from, to] = h.present_s;
            assert!(from >= 0.0 && to <= 1000.0 && (200.0..=800.0).contains(&(to - from)));
            let mut train: Vec<f64> = (0..10_000).map(f64::from).collect();
            h.keep(&mut train, 10.0, &mut draws);
            assert!(train.iter().all(|s| (from..to).contains(&(s / 10.0))));
            let [a, b] = h.silent_s.unwrap_or_default();
            let quiet = train.iter().filter(|&&s| (a..b).contains(&(s / 10.0))).count();
            assert!(quiet < 150, "{quiet}");
            assert!((h.ramp(0.5 * (from + to), 1000.0) - 1.0).abs() < 1e-12);
            assert!(from == 0.0 || h.ramp(from + 3.0, 1000.0) < 0.11);
        }
        let h = Habits::draw(&Presence::default(), 10.0, &mut Key::new(1, Stream::Habits, 0).draws());
        assert_eq!((h.present_s, h.silent_s, h.ramp(0.0, 10.0)), ([0.0, 10.0], None, 1.0));
    }
}
