//! The eMouse simulator with its own waveform files, where they exist: numbers of the original.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::path::{Path, PathBuf};

use ferrosort_core::Silent;
use ferrosort_simulate::settings::{Course, Generator};
use ferrosort_simulate::{Settings, Simulation};

fn files() -> Option<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/emouse");
    let names = [
        "121817_SU_waves_allNeg_gridEst.mat",
        "121817_single_unit_waves_allNeg.mat",
        "kampff_St_unit_waves_allNeg_2X.mat",
    ];
    let paths: Vec<PathBuf> = names.iter().map(|n| folder.join(n)).collect();
    if paths.iter().all(|p| p.is_file()) {
        return Some(paths.iter().map(|p| p.display().to_string()).collect());
    }
    eprintln!("SKIPPED: {} has no eMouse waveforms", folder.display());
    None
}

fn settings(libraries: Vec<String>) -> Settings {
    let mut s = Settings::preset("emouse-drift").unwrap();
    s.duration_s = 60.0;
    s.units.generator = Generator::Library;
    s.units.libraries = libraries;
    s.units.n = 0;
    let Course::Sine { period_s, .. } = &mut s.drift.components[0].course else {
        panic!("the preset has a sine drift")
    };
    *period_s = 60.0;
    s
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn the_preset_with_its_waveforms_has_the_numbers_of_the_original() {
    let Some(libraries) = files() else { return };
    let simulation = Simulation::plan(&settings(libraries), &Silent).unwrap();
    let units = simulation.units();
    assert_eq!(units.len(), 74);
    assert!(
        units
            .iter()
            .all(|u| (u.ptp_footprint_uv - 167.0).abs() < 1e-3 && u.position_um[0] == 35.0)
    );
    // Ultra-dense units, then phase 3A, then both again.
    let dense = |i: usize| i % 37 < 17;
    assert!((0..74).all(|i| {
        units[i]
            .source
            .starts_with(if dense(i) { "kampff" } else { "121817_SU" })
    }));
    let sizes = |want: bool| (0..74).filter(|&i| dense(i) == want).map(|i| units[i].ptp_uv).collect();
    let (ud, phase_3a) = (median(sizes(true)), median(sizes(false)));
    assert!((50.0..75.0).contains(&ud), "ultra-dense: {ud} µV");
    assert!((140.0..155.0).contains(&phase_3a), "phase 3A: {phase_3a} µV");
    // The rate parameter is U(1, 10); with the dead time the mean rate is r / (1 + 0.002 r).
    let expected: f64 = units.iter().map(|u| 60.0 * u.rate_hz / (1.0 + 0.002 * u.rate_hz)).sum();
    let found: usize = units.iter().map(|u| u.n_spikes).sum();
    assert!(
        (found as f64 / expected - 1.0).abs() < 0.015,
        "{found} spikes, {expected} expected"
    );
    let truth = simulation.truth();
    for unit in 0..74 {
        let times: Vec<u64> = (truth.spike_times.iter().zip(&truth.spike_units))
            .filter(|(_, u)| **u == unit)
            .map(|(t, _)| *t)
            .collect();
        assert!(times.windows(2).all(|w| w[1] - w[0] >= 60));
    }
    // Level and spread of the recording.
    let data = simulation.render(300_000, 120_000).unwrap();
    let channel = |c: usize| -> Vec<f64> {
        data.iter()
            .skip(c)
            .step_by(64)
            .map(|&v| f64::from(v) / 1.3107)
            .collect()
    };
    let mads: Vec<f64> = (0..64)
        .map(|c| median(channel(c).iter().map(|v| v.abs()).collect()) / 0.674_489_8)
        .collect();
    let mad = median(mads);
    assert!((10.0..10.6).contains(&mad), "robust deviation {mad} µV");
}
