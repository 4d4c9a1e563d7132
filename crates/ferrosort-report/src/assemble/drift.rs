//! Part VI: spikes over depth and time, motion, and units while the tissue moves.

use ferrosort_compare::analysis::{Analysis, RunAnalysis};
use ferrosort_compare::drift::raster::DriftRaster;
use ferrosort_compare::drift::stability::Stability as UnitsOverTime;
use ferrosort_compare::quality::views::evenly_spaced;
use ndarray::Array2;

use super::budget::Budget;
use super::{convert, matrix};
use crate::model::{Array, Drift, DriftPoints, Fact, Kept, MotionView, Part, RunDrift, Stability};

pub(super) fn drift(analysis: &Analysis, budget: &Budget) -> Part<Drift> {
    let runs: Vec<RunDrift> = analysis
        .runs
        .iter()
        .enumerate()
        .map(|(place, run)| of_run(analysis, place, run, budget))
        .collect();
    let empty = |run: &RunDrift| run.points.get().is_none() && run.motion.get().is_none();
    if runs.iter().all(empty) {
        let reason = analysis.runs.iter().find_map(|run| run.drift.raster.reason());
        return Part::missing(reason.unwrap_or("no depths are known"));
    }
    Part::Available(Drift { runs })
}

fn of_run(analysis: &Analysis, place: usize, run: &RunAnalysis, budget: &Budget) -> RunDrift {
    let raster = &run.drift.raster;
    RunDrift {
        run: place,
        points: convert(raster, |found| points(found, &found.depths_um, budget)),
        corrected: match raster
            .available()
            .and_then(|found| Some((found, found.corrected_um.as_ref()?)))
        {
            Some((found, corrected)) => Part::Available(points(found, corrected, budget)),
            None => Part::missing("no motion is known to correct with"),
        },
        motion: motion(analysis, place, run),
        stability: stability(analysis, place),
    }
}

fn points(found: &DriftRaster, depths: &[f32], budget: &Budget) -> DriftPoints {
    let chosen: Vec<usize> = evenly_spaced(depths.len(), budget.drift_points).collect();
    let list = |values: &[f32], kept: Kept| {
        let values = chosen.iter().map(|&k| f64::from(values[k]));
        Array::new(&[chosen.len()], values.collect(), kept)
    };
    DriftPoints {
        times_s: list(&found.times_s, Kept::Levels16),
        depths_um: list(depths, Kept::Levels16),
        amplitudes: list(&found.amplitudes, Kept::Levels8),
    }
}

fn motion(analysis: &Analysis, place: usize, run: &RunAnalysis) -> Part<MotionView> {
    let is_truth = analysis.params.truth && place == 0;
    let mut facts = vec![Fact::text("source", run.drift.motion_source.clone())];
    if let Some(error) = run.drift.motion_error.available() {
        facts.extend([
            Fact::number("rms error", error.rms_um, "µm"),
            Fact::number("95 % of errors are below", error.p95_um, "µm"),
            Fact::number("largest error", error.largest_um, "µm"),
            Fact::number("correlation with the truth", error.correlation, ""),
            Fact::number("rms of the true motion", error.rms_truth_um, "µm"),
            Fact::text(
                "sign",
                if error.sign < 0.0 {
                    "reversed: it was a correction"
                } else {
                    "as given"
                },
            ),
        ]);
        return Part::Available(MotionView {
            times_s: Array::list(error.times_s.clone()),
            depths_um: Array::list(error.depths_um.clone()),
            estimate_um: matrix(&error.estimate_um, Kept::Levels16),
            truth_um: matrix(&error.truth_um, Kept::Levels16),
            facts,
        });
    }
    convert(&run.drift.motion, |motion| {
        let every = motion.times_s.len().div_ceil(600).max(1);
        let rows: Vec<usize> = (0..motion.times_s.len()).step_by(every).collect();
        let thinned = motion.displacement_um.select(ndarray::Axis(0), &rows);
        let values = matrix(&thinned, Kept::Levels16);
        let (estimate_um, truth_um) = if is_truth {
            (Array::default(), values)
        } else {
            (values, Array::default())
        };
        MotionView {
            times_s: Array::list(rows.iter().map(|&t| motion.times_s[t]).collect()),
            depths_um: Array::list(motion.depths_um.clone()),
            estimate_um,
            truth_um,
            facts,
        }
    })
}

fn stability(analysis: &Analysis, place: usize) -> Part<Stability> {
    if !analysis.params.truth || place == 0 {
        return Part::missing("it needs a truth");
    }
    match analysis.pair(0, place) {
        Some(pair) => convert(&pair.stability, over_time),
        None => Part::missing("the run was not compared with the truth"),
    }
}

fn over_time(found: &UnitsOverTime) -> Stability {
    let n = found.windows_s.len();
    let accuracy = Array2::from_shape_fn((found.units.len(), n), |(u, w)| {
        found.units[u].accuracy.get(w).copied().unwrap_or(f64::NAN)
    });
    let width = found.windows_s.windows(2).next().map_or(0.0, |pair| pair[1] - pair[0]);
    let displacement = (0..n).map(|w| {
        let known: Vec<f64> = found
            .units
            .iter()
            .filter_map(|unit| unit.displacement_um.get(w))
            .filter(|d| d.is_finite())
            .map(|d| d.abs())
            .collect();
        known.iter().sum::<f64>() / known.len() as f64
    });
    let displacement: Vec<f64> = displacement.collect();
    let known = displacement.iter().any(|d| d.is_finite());
    Stability {
        times_s: Array::list(found.windows_s.iter().map(|start| start + 0.5 * width).collect()),
        displacement_um: if known {
            Array::list(displacement)
        } else {
            Array::default()
        },
        values: matrix(&accuracy, Kept::Levels8),
        value_label: "accuracy".to_string(),
        unit_run: 0,
        facts: vec![
            Fact::number(
                "units that several sorted units are in turn",
                found.n_split_units as f64,
                "",
            ),
            Fact::number(
                "correlation of accuracy with |displacement|",
                found.accuracy_against_displacement,
                "",
            ),
        ],
    }
}
