//! The recordings of a benchmark, as settings of the simulator.

use ferrosort_core::{Error, Result};
use ferrosort_simulate::Settings;
use ferrosort_simulate::settings::{ColouredNoise, Component, Course, Noise, Profile, Target};

use crate::args::SuiteName;

/// Smoothing of slow drift over time, s.
const DRIFT_SMOOTH_S: f64 = 20.0;
/// Signal-to-noise ratios of the units: a third below 6, where sorters differ most.
const SNR_QUANTILES: [[f64; 2]; 4] = [[0.0, 3.5], [0.33, 6.0], [0.75, 10.0], [1.0, 25.0]];

/// Distance of background neurons from the probe, µm: far enough that none of them is a unit that a sorter could find. The presets
/// have nearer ones, which the truth does not list as units and the score would call false positives.
const BACKGROUND_UM: [f64; 2] = [150.0, 300.0];

/// One recording to simulate and sort.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Kind of recording, the same for all seeds and lengths.
    pub kind: &'static str,
    /// Name of this recording: kind, length and seed.
    pub name: String,
    /// How it is simulated.
    pub settings: Settings,
}

/// A kind of recording.
struct Kind {
    name: &'static str,
    /// Lengths in the small suite (none = not in it) and in the full one, s.
    small_s: Option<f64>,
    full_s: f64,
    make: fn() -> Result<Settings>,
}

const fn kind(name: &'static str, small_s: Option<f64>, full_s: f64, make: fn() -> Result<Settings>) -> Kind {
    Kind {
        name,
        small_s,
        full_s,
        make,
    }
}

const KINDS: [Kind; 11] = [
    kind("np1-64-drift", Some(90.0), 180.0, np1_64_drift),
    kind("np1-384-drift", Some(60.0), 300.0, np1_384_drift),
    kind("linear-32-static", Some(60.0), 120.0, linear_32_static),
    kind("tetrode", Some(60.0), 120.0, tetrode),
    kind("np2-4shank", Some(60.0), 120.0, np2_4shank),
    kind("emouse-style", None, 180.0, || Settings::preset("emouse-drift")),
    kind("dense", None, 180.0, || Settings::preset("dense")),
    kind("bursting", None, 180.0, || Settings::preset("bursting")),
    kind("drift-step", None, 180.0, drift_step),
    kind("drift-fast", None, 180.0, || Settings::preset("drift-fast")),
    kind("mea", None, 30.0, || Settings::preset("mea")),
];

/// For tests: the shortest that a sorter can do something with.
const TINY: Kind = kind("tetrode", Some(10.0), 10.0, tetrode);

const SMALL_SEEDS: [u64; 1] = [1];
const FULL_SEEDS: [u64; 3] = [1, 2, 3];

/// The recordings of a suite, or those of them that `only` names by kind or by full name.
///
/// # Errors
/// A name that the suite does not have.
pub fn entries(suite: SuiteName, only: &[String]) -> Result<Vec<Entry>> {
    let all = match suite {
        SuiteName::Small => of_kinds(&KINDS, |kind| kind.small_s, &SMALL_SEEDS)?,
        SuiteName::Full => of_kinds(&KINDS, |kind| Some(kind.full_s), &FULL_SEEDS)?,
        SuiteName::Test => of_kinds(&[TINY], |kind| kind.small_s, &SMALL_SEEDS)?,
    };
    let is = |entry: &Entry, name: &str| entry.kind == name || entry.name == name;
    if let Some(unknown) = only.iter().find(|name| !all.iter().any(|entry| is(entry, name))) {
        let mut kinds: Vec<&str> = all.iter().map(|entry| entry.kind).collect();
        kinds.dedup();
        return Err(Error::input(format!(
            "--only {unknown} names no recording of the suite {}; it has {}",
            suite.name(),
            kinds.join(", ")
        )));
    }
    let wanted = |entry: &Entry| only.is_empty() || only.iter().any(|name| is(entry, name));
    Ok(all.into_iter().filter(wanted).collect())
}

fn of_kinds(kinds: &[Kind], length_s: fn(&Kind) -> Option<f64>, seeds: &[u64]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for kind in kinds {
        let Some(duration_s) = length_s(kind) else {
            continue;
        };
        for &seed in seeds {
            let mut settings = (kind.make)()?;
            settings.duration_s = duration_s;
            settings.set_seed(seed);
            settings.validate()?;
            entries.push(Entry {
                kind: kind.name,
                name: format!("{}-{duration_s}s-seed{seed}", kind.name),
                settings,
            });
        }
    }
    Ok(entries)
}

/// A preset with so many units of the suite's signal-to-noise ratios, in tissue that moves like this.
fn with_units(preset: &str, n: usize, drift: Vec<Component>) -> Result<Settings> {
    let mut settings = Settings::preset(preset)?;
    settings.units.n = n;
    settings.units.least_ptp_uv = 0.0;
    settings.units.target = Target::Snr {
        quantiles: SNR_QUANTILES.to_vec(),
    };
    settings.drift.components = drift;
    settings.background.distance_um = BACKGROUND_UM;
    settings.noise = Noise::Coloured(ColouredNoise::default());
    Ok(settings)
}

/// Slow random drift from minus to plus half of the range.
fn slow(range_um: f64, profile: Profile) -> Vec<Component> {
    let course = Course::SmoothNoise {
        range_um,
        smooth_s: DRIFT_SMOOTH_S,
    };
    vec![Component { course, profile }]
}

fn knots() -> Profile {
    Profile::Knots { n: 5, smooth: 1.0 }
}

fn np1_64_drift() -> Result<Settings> {
    let mut settings = with_units("neuropixels-1", 40, slow(60.0, Profile::Rigid))?;
    settings.probe.n_channels = 64;
    settings.background.n_hash = 60;
    Ok(settings)
}

fn np1_384_drift() -> Result<Settings> {
    with_units("neuropixels-1", 250, slow(60.0, knots()))
}

fn linear_32_static() -> Result<Settings> {
    with_units("linear-32", 20, Vec::new())
}

fn tetrode() -> Result<Settings> {
    with_units("tetrode", 8, Vec::new())
}

fn np2_4shank() -> Result<Settings> {
    with_units("neuropixels-2-4shank", 160, slow(10.0, knots()))
}

/// The preset's jump, in the middle of a shorter recording.
fn drift_step() -> Result<Settings> {
    let mut settings = Settings::preset("drift-step")?;
    for component in &mut settings.drift.components {
        if let Course::Step { times_s, .. } = &mut component.course {
            *times_s = vec![90.0];
        }
    }
    Ok(settings)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_valid_recordings_of_different_names() {
        for (suite, n) in [(SuiteName::Small, 5), (SuiteName::Full, 33), (SuiteName::Test, 1)] {
            let entries = entries(suite, &[]).unwrap();
            let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!((entries.len(), names.len()), (n, n), "{}", suite.name());
        }
    }

    #[test]
    fn recordings_are_chosen_by_kind_or_name() {
        let chosen = |name: &str| entries(SuiteName::Full, &[name.to_string()]).map(|entries| entries.len());
        assert_eq!(chosen("tetrode").unwrap(), 3);
        assert_eq!(chosen("tetrode-120s-seed2").unwrap(), 1);
        let error = chosen("octrode").unwrap_err();
        assert!(
            error.exit_code() == 2 && error.to_string().contains("np2-4shank"),
            "{error}"
        );
    }
}
