//! The main path of `auto`: from a recording to its sorting.

use ferrosort_core::{Probe, Recording, Result, Sorting};

use super::basis::Basis;
use super::cluster::Clustering;
use super::detect::Detector;
use super::displacement::Displacement;
use super::features::FeatureFile;
use super::geometry::Geometry;
use super::label::{by_unit, judge};
use super::matching::{Collect, PassOutput, Passes, tile_samples};
use super::memory::Memory;
use super::mixture::Mixtures;
use super::results::Results;
use super::signal::{Noise, Signal, has_common_reference};
use super::units::{Seed, Unit};
use crate::intermediates::Named;
use crate::pipeline::Request;
use crate::settings::Parameters;
use crate::stage::Run;

/// Score of a detection without templates, sd. Weaker spikes would blur the clusters more than they add to them; the pursuit finds them.
pub(super) const DETECTION_SD: f32 = 5.25;
/// Fewest spikes of a cluster, and fewest a second.
pub(super) const FEWEST: (f64, f64) = (12.0, 0.06);
/// Rate of a unit before it is known, Hz.
const FIRST_RATE_HZ: f64 = 3.0;
/// Units with a lower expected accuracy are given up between passes. Others that will be labelled noise stay: they take spikes of the
/// background that weak units would take otherwise.
const HOPELESS: f64 = 0.35;
/// Recordings are learnt from as a whole up to this length, s, or up to this number of values; from parts of larger ones, at least this
/// share.
pub(super) const LEARNT_S: f64 = 60.0;
const LEARNT_VALUES: f64 = 1e8;
const MOST_STEP: usize = 6;
/// No more values than this are learnt from, however long the recording is: what is learnt from is in memory.
const MOST_LEARNT_VALUES: f64 = 2e9;
/// Name of the file where features wait.
const FEATURES: &str = "features";
/// A unit is kept when its template has at least this norm, sd.
pub(super) const LEAST_NORM: f32 = 3.5;

/// Sorts a recording with `auto`. Call inside a rayon pool; results do not depend on its size.
///
/// # Errors
/// I/O of the recording, samples that are not finite, cancellation by the observer.
pub(crate) fn sort(request: &Request, run: &mut Run) -> Result<(Sorting, Vec<Named>)> {
    let (recording, parameters) = (request.recording, &request.settings.parameters);
    let setting = Setting::new(request);
    let geometry = &setting.geometry;
    let noise = run.kept("noise", (1, "steps"), parameters, |_| {
        Noise::learn(recording, &setting.columns, geometry, parameters, &setting.memory)
    })?;
    let signal = Signal::new(recording, setting.columns.clone(), parameters, noise);
    let basis = run.kept("shapes", (1, "steps"), &(), |_| {
        Basis::learn(&signal, geometry, &setting.memory)
    })?;
    let detector = Detector::new(geometry, &signal);
    let passes = setting.passes(&signal, &basis, &detector);
    let (rate, duration_s) = (signal.sample_rate(), setting.duration_s());
    let parts = learning_tiles(passes.tiles(), duration_s, setting.values_per_s());
    for choice in setting.choices(parameters, parts[0].len(), passes.tiles()) {
        run.choose(choice);
    }
    let learnt_s = duration_s * parts[0].len() as f64 / passes.tiles() as f64;
    let tiles = |part: &[usize]| (part.len() as u64, "tiles");
    let detections = run.kept("detection", tiles(&parts[0]), &DETECTION_SD, |run| {
        passes.detect(&parts[0], DETECTION_SD, &run.steps())
    })?;
    let displacement = run.kept("motion", (1, "steps"), &(), |run| {
        let displacement = Displacement::estimate(&detections, geometry, rate, duration_s);
        displacement.summaries(geometry).into_iter().for_each(|s| run.choose(s));
        Ok(displacement)
    })?;
    run.motion_um = displacement.widest_um();
    let clustering = Clustering {
        geometry,
        signal: &signal,
        basis: &basis,
        min_spikes: FEWEST.0.max(FEWEST.1 * learnt_s) as usize,
    };
    let seeds = run.kept("clustering", (1, "steps"), &(), |_| {
        let moved = displacement.of(&detections, geometry, rate);
        Ok(clustering.seeds(&detections, &moved))
    })?;
    drop(detections);
    let context = Context {
        geometry,
        signal: &signal,
        displacement: &displacement,
        clustering: &clustering,
        learnt_s,
    };
    let mixtures = Mixtures {
        geometry,
        basis: &basis,
        learnt_s,
    };
    let units = run.kept("matching", tiles(&parts[1]), &(), |run| {
        let units = context.units(seeds);
        let pass = passes.pursue(&parts[1], &units, &displacement, Collect::Sums, &run.steps())?;
        let seeds = context.relearn(&units, &pass).into_iter().map(|u| u.seed).collect();
        Ok(context.units(mixtures.without(clustering.join(seeds), |s| s)))
    })?;
    let units = run.kept("matching again", tiles(&parts[2]), &(), |run| {
        let pass = passes.pursue(&parts[2], &units, &displacement, Collect::Sums, &run.steps())?;
        let units = clustering.distinct(context.relearn(&units, &pass));
        Ok(mixtures.without(units, |u| &u.seed))
    })?;
    let features = setting.feature_file(request, &units)?;
    let all: Vec<usize> = (0..passes.tiles()).collect();
    let spikes = run.kept("last matching", tiles(&all), &(), |run| {
        let pass = passes.pursue(
            &all,
            &units,
            &displacement,
            Collect::Features(features.as_ref()),
            &run.steps(),
        )?;
        Ok(pass.spikes)
    })?;
    let result = setting.memory.result(spikes.times.len(), units.len(), basis.length());
    setting.memory.at_once(result, 0)?;
    run.stage("labels", 1, "steps", |_| {
        let results = Results {
            clustering: &clustering,
            units: &units,
            displacement: &displacement,
            duration_s,
        };
        let (sorting, rows) = results.assemble(setting.probe.clone(), &spikes);
        if let (Some(file), Some(folder), false) = (&features, &request.features, sorting.units.is_empty()) {
            Results::write_features(file, folder, &sorting, &spikes, &rows)?;
        }
        Ok((sorting, displacement.arrays()))
    })
}

/// What probe, recording and limits decide before anything is read.
pub(super) struct Setting<'a> {
    recording: &'a dyn Recording,
    /// Contacts by their place.
    probe: Probe,
    pub(super) geometry: Geometry,
    /// Columns of the recording, in the order of the contacts.
    pub(super) columns: Vec<usize>,
    pub(super) memory: Memory,
}

impl<'a> Setting<'a> {
    pub(super) fn new(request: &Request<'a>) -> Self {
        let recording = request.recording;
        let probe = request.probe.by_place();
        let geometry = Geometry::new(&probe);
        let rate = recording.sample_rate();
        let tile = tile_samples(&geometry, rate);
        let mut memory = Memory::new(&geometry, recording.n_channels(), tile, rate);
        memory.limit = request.limits.memory;
        memory.most_at_once = request.limits.tiles(tile, rate);
        Self {
            recording,
            columns: probe.contacts.iter().map(|c| c.channel).collect(),
            probe,
            geometry,
            memory,
        }
    }

    pub(super) fn duration_s(&self) -> f64 {
        self.recording.n_samples() as f64 / self.recording.sample_rate()
    }

    pub(super) fn values_per_s(&self) -> f64 {
        self.geometry.wide.len() as f64 * self.recording.sample_rate()
    }

    pub(super) fn passes<'b>(&'b self, signal: &'b Signal, basis: &'b Basis, detector: &'b Detector) -> Passes<'b> {
        Passes {
            signal,
            geometry: &self.geometry,
            basis,
            detector,
            memory: self.memory,
        }
    }

    /// Where the features of the spikes wait, if they are wanted. phy wants two channels at least.
    fn feature_file(&self, request: &Request, units: &[Unit]) -> Result<Option<FeatureFile>> {
        match (&request.checkpoints, &request.features) {
            (Some(checkpoints), Some(_)) if self.columns.len() > 1 => {
                FeatureFile::open(&checkpoints.file(FEATURES)?, &self.geometry, units).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What is decided by now, and why, for people.
    pub(super) fn choices(&self, parameters: &Parameters, learnt: usize, tiles: usize) -> Vec<String> {
        let channels = self.columns.len();
        let reference = match (parameters.common_reference, has_common_reference(channels)) {
            (true, true) => "the median over channels is subtracted from each sample".to_string(),
            (true, false) => {
                format!("no common reference: the median of {channels} channels would hold much of the spikes")
            }
            (false, _) => "no common reference: common_reference is off".to_string(),
        };
        let duration_s = self.duration_s();
        let learnt_s = duration_s * learnt as f64 / tiles as f64;
        let share = format!("units are learnt from {learnt_s:.0} s of {duration_s:.0} s, and looked for in all");
        vec![self.geometry.summary(), reference, share]
    }
}

/// Tiles that are searched, and those of the two learning passes: all of a small recording, every `step`th of a larger one, in turn.
pub(super) fn learning_tiles(tiles: usize, duration_s: f64, values_per_s: f64) -> [Vec<usize>; 3] {
    let large = (duration_s / LEARNT_S).min(duration_s * values_per_s / LEARNT_VALUES);
    let least = (duration_s * values_per_s / MOST_LEARNT_VALUES).ceil() as usize;
    let step = (large as usize).clamp(1, MOST_STEP).max(least);
    [0, 1, 2].map(|first| (first % step..tiles).step_by(step).collect())
}

struct Context<'a> {
    geometry: &'a Geometry,
    signal: &'a Signal<'a>,
    displacement: &'a Displacement,
    clustering: &'a Clustering<'a>,
    /// Length of what is learnt from, s.
    learnt_s: f64,
}

impl Context<'_> {
    fn units(&self, seeds: Vec<Seed>) -> Vec<Unit> {
        let range = |s: &Seed| self.displacement.range_um(self.geometry.shank[s.home]);
        seeds
            .into_iter()
            .map(|s| {
                let (range, rate) = (range(&s), (s.count / self.learnt_s).clamp(0.1, 50.0));
                Unit::new(s, self.geometry, self.signal, range, rate.max(0.3 * FIRST_RATE_HZ))
            })
            .filter(|u| u.norm() >= LEAST_NORM)
            .collect()
    }

    /// Templates, rates and spreads from the spikes of a pass; units with too few spikes disappear.
    fn relearn(&self, units: &[Unit], pass: &PassOutput) -> Vec<Unit> {
        let mut amplitudes: Vec<Vec<f64>> = vec![Vec::new(); units.len()];
        for ((&u, &a), &l) in pass
            .spikes
            .units
            .iter()
            .zip(&pass.spikes.amplitudes)
            .zip(&pass.spikes.log_odds)
        {
            if l > 0.0 {
                amplitudes[u as usize].push(f64::from(a));
            }
        }
        let mut out = Vec::new();
        let rate = self.signal.sample_rate();
        let trains = by_unit(&pass.spikes, units.len());
        for (((unit, sums), amplitudes), train) in units.iter().zip(&pass.sums).zip(&amplitudes).zip(&trains) {
            let quality = judge(unit, train, rate, self.learnt_s);
            let hopeless = quality.accuracy < HOPELESS;
            if hopeless || (amplitudes.len() as f64) < self.clustering.min_spikes as f64 {
                continue;
            }
            let range = self.displacement.range_um(self.geometry.shank[unit.seed.home]);
            let Some(mut unit) = unit.relearn(sums, self.geometry, self.signal, range) else {
                continue;
            };
            unit.rate_hz = (amplitudes.len() as f64 / self.learnt_s).clamp(0.1, 100.0);
            if unit.norm() >= LEAST_NORM {
                out.push(unit);
            }
        }
        out
    }
}
