//! The plan of `auto`: its first stages on some tiles, and what follows for all (docs/guarantees.md).

use std::time::Instant;

use ferrosort_core::{Observer, Result};

use super::basis::Basis;
use super::detect::Detector;
use super::memory::Memory;
use super::pipeline::{DETECTION_SD, Setting, learning_tiles};
use super::pursuit::crossings::{bytes_of_pairs, sharing};
use super::signal::{Noise, Signal};
use crate::pipeline::{Request, about_segments};
use crate::plan::{Plan, StagePlan};
use crate::stage::Steps;

/// Tiles on which detection is tried.
const TRIED: usize = 8;
/// Time of other stages for each tile, relative to that of detection: the mean of many recordings (docs/performance.md).
const CLUSTERING: f64 = 0.2;
const MATCHING: f64 = 1.05;
const MATCHING_AGAIN: f64 = 0.85;
const LAST_MATCHING: f64 = 0.85;
/// Units for each channel, about.
const UNITS_A_CHANNEL: f64 = 0.7;
/// Bytes of a spike in the files of a result, most of them its features.
const FILED: u64 = 172;

/// Plans a run by learning the noise and trying detection on a few tiles.
pub(crate) fn plan(request: &Request, observer: &dyn Observer) -> Result<Plan> {
    let setting = Setting::new(request);
    let Setting { geometry, memory, .. } = &setting;
    let parameters = &request.settings.parameters;
    let began = Instant::now();
    let noise = Noise::learn(request.recording, &setting.columns, geometry, parameters, memory)?;
    let noise_s = began.elapsed().as_secs_f64();
    let signal = Signal::new(request.recording, setting.columns.clone(), parameters, noise);
    let began = Instant::now();
    let basis = Basis::learn(&signal, geometry, memory)?;
    let shapes_s = began.elapsed().as_secs_f64();
    let detector = Detector::new(geometry, &signal);
    let passes = setting.passes(&signal, &basis, &detector);
    let tiles = passes.tiles();
    let [learnt, ..] = learning_tiles(tiles, setting.duration_s(), setting.values_per_s());
    let tried: Vec<usize> = (0..TRIED.min(learnt.len()))
        .map(|i| learnt[i * learnt.len() / TRIED.min(learnt.len())])
        .collect();
    let began = Instant::now();
    let found = passes.detect(&tried, DETECTION_SD, &Steps::unkept(observer))?;
    let tile_s = began.elapsed().as_secs_f64() / tried.len() as f64;
    let per_tile = found.len() as f64 / tried.len() as f64;
    let (detections, spikes) = (
        (per_tile * learnt.len() as f64) as usize,
        (per_tile * tiles as f64) as usize,
    );
    let units = (UNITS_A_CHANNEL * geometry.wide.len() as f64).ceil() as usize;
    let at_work = |piece: u64| memory.fixed() + memory.threads() * piece;
    let held = memory.detections(detections);
    let neighbours: usize = sharing(geometry.wide.iter().map(Vec::as_slice))
        .iter()
        .map(Vec::len)
        .sum();
    let pairs = UNITS_A_CHANNEL.powi(2) * neighbours as f64;
    let pursuit = memory.tile(units) + bytes_of_pairs(pairs as usize, &basis);
    let result = memory.result(spikes, units, basis.length());
    let detection_s = tile_s * learnt.len() as f64;
    let stages = vec![
        ("noise", noise_s, at_work(memory.window())),
        ("shapes", shapes_s, at_work(memory.window())),
        ("detection", detection_s, at_work(memory.tile(0)) + held),
        ("clustering", CLUSTERING * detection_s, memory.fixed() + held),
        ("matching", MATCHING * detection_s, at_work(pursuit)),
        ("matching again", MATCHING_AGAIN * detection_s, at_work(pursuit)),
        (
            "last matching",
            LAST_MATCHING * tile_s * tiles as f64,
            at_work(pursuit) + Memory::spikes(spikes),
        ),
        ("labels", 1e-6 * spikes as f64, memory.fixed() + result),
    ];
    let stages: Vec<StagePlan> = stages
        .into_iter()
        .map(|(stage, seconds, memory_bytes)| StagePlan {
            stage,
            seconds,
            memory_bytes,
        })
        .collect();
    let templates = (units * basis.length() * geometry.wide.len() * 4) as u64;
    let matrices = 16 * (geometry.wide.len() as u64).pow(2);
    let least = pursuit.max(memory.window()) + memory.detections(detections).max(Memory::spikes(spikes));
    Ok(Plan {
        choices: about_segments(request.recording)
            .into_iter()
            .chain(setting.choices(parameters, learnt.len(), tiles))
            .collect(),
        threads: rayon::current_num_threads(),
        seconds: stages.iter().map(|s| s.seconds).sum(),
        memory_bytes: stages.iter().map(|s| s.memory_bytes).max().unwrap_or(0),
        least_memory_bytes: memory.fixed() + least.max(result),
        result_bytes: templates + matrices + FILED * spikes as u64,
        checkpoint_bytes: u64::midpoint(memory.detections(detections), Memory::spikes(spikes)),
        spikes: spikes as u64,
        stages,
    })
}
