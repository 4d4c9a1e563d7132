//! Displacement of the tissue: a sum of courses over time times profiles over depth.

mod courses;
mod knots;
mod table;

use ferrosort_core::Result;

use crate::settings::{Axis, Component, Course, DriftSettings, Profile};
use courses::{Analytic, Sampled};
use knots::Knots;

/// A displacement in µm as a function of a place at rest along the probe and of time.
#[derive(Debug, Clone)]
pub struct Motion {
    axis: Axis,
    parts: Vec<Part>,
    /// Lowest and highest contact, µm.
    span_um: [f64; 2],
}

#[derive(Debug, Clone)]
enum Part {
    Analytic(Analytic, Profile),
    Sampled(Sampled, Profile),
    Knots(Knots),
}

/// Edge of the block profile: a logistic function rises from 0.018 to 0.982 within 100 µm.
const EDGE_SCALE_UM: f64 = 12.5;

/// What a random course must know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) duration_s: f64,
    pub(crate) span_um: [f64; 2],
    pub(crate) seed: u64,
}

impl Motion {
    /// Draws all random courses. `span_um`: y of the lowest and highest contact.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn new(settings: &DriftSettings, duration_s: f64, span_um: [f64; 2], seed: u64) -> Result<Self> {
        let setting = Setting {
            duration_s,
            span_um,
            seed,
        };
        let parts = settings
            .components
            .iter()
            .enumerate()
            .map(|(index, component)| part(component, &setting, index as u64))
            .collect::<Result<_>>()?;
        Ok(Self {
            axis: settings.axis,
            parts,
            span_um,
        })
    }

    /// A displacement given as a table over times (s, ascending) and depths (µm, ascending), `[times, depths]` row by
    /// row in µm: linear in between, the ends are held.
    pub fn from_table(times_s: Vec<f64>, depths_um: Vec<f64>, displacement_um: Vec<f64>) -> Self {
        let span_um = [
            depths_um.first().copied().unwrap_or(0.0),
            depths_um.last().copied().unwrap_or(0.0),
        ];
        Self {
            axis: Axis::Y,
            parts: vec![Part::Knots(Knots {
                times_s,
                depths_um,
                values_um: displacement_um,
                held: false,
            })],
            span_um,
        }
    }

    /// A displacement from a CSV file with the columns `time_s,depth_um,displacement_um` and a header.
    ///
    /// # Errors
    /// An unreadable file, a line that is not three numbers, or times with different depths.
    pub fn from_csv(path: &std::path::Path) -> Result<Self> {
        let knots = table::read(path)?;
        Ok(Self::from_table(knots.times_s, knots.depths_um, knots.values_um))
    }

    /// True when nothing moves.
    pub fn is_still(&self) -> bool {
        self.parts.is_empty()
    }

    /// Displacement of a unit whose place at rest is `y_um`, µm.
    pub fn at(&self, y_um: f64, time_s: f64) -> f64 {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Analytic(course, profile) => course.at(time_s) * self.factor(*profile, y_um),
                Part::Sampled(course, profile) => course.at(time_s) * self.factor(*profile, y_um),
                Part::Knots(knots) => knots.at(y_um, time_s),
            })
            .sum()
    }

    /// The same as `[x, y, z]`.
    pub fn vector(&self, displacement_um: f64) -> [f64; 3] {
        match self.axis {
            Axis::X => [displacement_um, 0.0, 0.0],
            Axis::Y => [0.0, displacement_um, 0.0],
            Axis::Z => [0.0, 0.0, displacement_um],
        }
    }

    /// Interval at which the motion should be written down, s: short when it has fast parts.
    pub fn report_step_s(&self) -> f64 {
        let fast = |part: &Part| {
            matches!(part, Part::Analytic(Analytic::Pulsation { .. }, _))
                || matches!(part, Part::Sampled(s, _) if s.fast)
        };
        if self.parts.iter().any(fast) { 0.05 } else { 0.2 }
    }

    /// Depths at which the motion should be written down: every 20 to 100 µm over the probe, one if it is rigid.
    pub fn report_depths_um(&self) -> Vec<f64> {
        let [low, high] = self.span_um;
        let rigid = |part: &Part| {
            matches!(
                part,
                Part::Analytic(_, Profile::Rigid) | Part::Sampled(_, Profile::Rigid)
            )
        };
        if self.parts.iter().all(rigid) || high <= low {
            return vec![0.5 * (low + high)];
        }
        let n = ((high - low) / 100.0).ceil().clamp(8.0, 80.0) as usize + 1;
        (0..n).map(|i| low + (high - low) * i as f64 / (n - 1) as f64).collect()
    }

    fn factor(&self, profile: Profile, y_um: f64) -> f64 {
        let [low, high] = self.span_um;
        match profile {
            // Knots have courses of their own; here they are never reached.
            Profile::Rigid | Profile::Knots { .. } => 1.0,
            Profile::Exponential { centre_um, length_um } => libm::exp(-(y_um - centre_um).abs() / length_um),
            Profile::Gradient { least } => {
                let place = ((y_um - low) / (high - low).max(1e-9)).clamp(0.0, 1.0);
                let place = if least < 0.0 { 1.0 - place } else { place };
                least.abs() + (1.0 - least.abs()) * place
            }
            Profile::Blocks { edge_um } => 1.0 / (1.0 + libm::exp(-(y_um - edge_um) / EDGE_SCALE_UM)),
        }
    }
}

fn part(component: &Component, setting: &Setting, index: u64) -> Result<Part> {
    if let Some(course) = Analytic::new(&component.course, setting, index) {
        return Ok(Part::Analytic(course, component.profile));
    }
    match (&component.course, component.profile) {
        (
            Course::Kilosort4 {
                range_um,
                smooth_batches,
                step_um,
            },
            _,
        ) => Ok(Part::Knots(knots::kilosort4(
            *range_um,
            *smooth_batches,
            *step_um,
            setting,
            index,
        ))),
        (Course::Table { path }, _) => table::read(std::path::Path::new(path)).map(Part::Knots),
        (course, Profile::Knots { n, smooth }) => {
            Ok(Part::Knots(knots::independent(course, n, smooth, setting, index)))
        }
        (course, profile) => Ok(Part::Sampled(Sampled::draw(course, setting, index, 0), profile)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn motion(components: Vec<Component>) -> Motion {
        let settings = DriftSettings {
            components,
            ..DriftSettings::default()
        };
        Motion::new(&settings, 100.0, [0.0, 1000.0], 3).unwrap()
    }

    fn sine(profile: Profile) -> Component {
        Component {
            course: Course::Sine {
                amplitude_um: 10.0,
                period_s: 60.0,
            },
            profile,
        }
    }

    #[test]
    fn a_sine_reaches_its_amplitude_after_a_quarter_of_the_period() {
        let m = motion(vec![sine(Profile::Rigid)]);
        assert!((m.at(0.0, 15.0) - 10.0).abs() < 1e-12 && (m.at(900.0, 45.0) + 10.0).abs() < 1e-12);
        assert_eq!(m.vector(m.at(1.0, 15.0))[1], m.at(1.0, 15.0));
        assert_eq!(m.report_depths_um().len(), 1);
    }

    #[test]
    fn profiles_scale_with_depth() {
        let at = |profile, y| motion(vec![sine(profile)]).at(y, 15.0) / 10.0;
        let point = Profile::Exponential {
            centre_um: 3800.0,
            length_um: 1000.0,
        };
        assert!((at(point, 640.0) - libm::exp(-3.16)).abs() < 1e-12);
        let rising = Profile::Gradient { least: 0.5 };
        assert!((at(rising, 0.0) - 0.5).abs() < 1e-12 && (at(rising, 500.0) - 0.75).abs() < 1e-12);
        let falling = Profile::Gradient { least: -0.5 };
        assert!((at(falling, 0.0) - 1.0).abs() < 1e-12 && (at(falling, 1000.0) - 0.5).abs() < 1e-12);
        let blocks = Profile::Blocks { edge_um: 500.0 };
        assert!(at(blocks, 440.0) < 0.02 && (at(blocks, 500.0) - 0.5).abs() < 1e-12 && at(blocks, 560.0) > 0.98);
    }

    #[test]
    fn knots_reach_the_range_and_change_over_depth() {
        let m = motion(vec![Component {
            course: Course::SmoothNoise {
                range_um: 20.0,
                smooth_s: 5.0,
            },
            profile: Profile::Knots { n: 5, smooth: 0.7 },
        }]);
        let all: Vec<f64> = (0..1000)
            .flat_map(|t| [0.0, 250.0, 500.0, 750.0, 1000.0].map(|y| m.at(y, t as f64 * 0.1)))
            .collect();
        let high = all.iter().copied().fold(f64::MIN, f64::max);
        let low = all.iter().copied().fold(f64::MAX, f64::min);
        assert!(
            (high - low - 20.0).abs() < 0.3 && (high + low).abs() < 0.3,
            "{low} to {high}"
        );
        assert!((0..100).any(|t| (m.at(0.0, t as f64) - m.at(1000.0, t as f64)).abs() > 2.0));
        let halfway = 0.5 * (m.at(250.0, 7.0) + m.at(500.0, 7.0));
        assert!((m.at(375.0, 7.0) - halfway).abs() < 1e-9);
    }

    #[test]
    fn components_add() {
        let one = motion(vec![sine(Profile::Rigid)]);
        let two = motion(vec![sine(Profile::Rigid), sine(Profile::Rigid)]);
        assert!((two.at(3.0, 7.0) - 2.0 * one.at(3.0, 7.0)).abs() < 1e-12);
        assert!(motion(vec![]).is_still() && motion(vec![]).at(1.0, 1.0) == 0.0);
    }

    #[test]
    fn a_table_is_linear_in_time_and_depth() {
        let m = Motion::from_table(vec![0.0, 10.0], vec![0.0, 100.0], vec![0.0, 0.0, 10.0, 20.0]);
        assert!((m.at(50.0, 5.0) - 7.5).abs() < 1e-12);
        assert!((m.at(500.0, 50.0) - 20.0).abs() < 1e-12);
    }
}
