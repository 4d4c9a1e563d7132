use ferrosort_core::{Recording, Silent};

use super::*;
use crate::settings::{Noise, Target};

fn settings(preset: &str, duration_s: f64) -> Settings {
    let mut s = Settings::preset(preset).unwrap();
    s.duration_s = duration_s;
    s
}

fn plan(settings: &Settings) -> Simulation {
    Simulation::plan(settings, &Silent).unwrap()
}

/// 16 channels, 6 units, drift, jitter, hash.
fn small() -> Settings {
    let mut s = settings("demo", 0.5);
    s.probe.n_channels = 16;
    s.units.n = 6;
    s.background.n_hash = 5;
    s.firing.rates = crate::settings::Rates::Uniform {
        low_hz: 20.0,
        high_hz: 30.0,
    };
    s
}

#[test]
fn samples_do_not_depend_on_threads_or_pieces() {
    let simulation = plan(&small());
    let whole = simulation.render(0, 15_000).unwrap();
    assert_eq!(whole.len(), 15_000 * 16);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let again = pool.install(|| plan(&small()).render(0, 15_000).unwrap());
        assert!(again == whole, "{threads} threads");
    }
    for piece in [700, 2048, 4999] {
        let joined: Vec<i16> = (0..15_000)
            .step_by(piece)
            .flat_map(|t| simulation.render(t as u64, piece).unwrap())
            .collect();
        assert!(joined == whole, "pieces of {piece} samples");
    }
    assert!(simulation.render(15_000, 10).unwrap().is_empty());
}

#[test]
fn without_noise_the_recording_is_the_sum_of_its_templates() {
    let mut s = small();
    s.noise = Noise::None;
    s.background.n_hash = 0;
    s.drift.components.clear();
    s.firing.jitter = false;
    s.amplitude.variation = crate::settings::Variation::None;
    s.amplitude.recovery.loss = 0.0;
    s.units.target = Target::OnProbe {
        median_uv: 150.0,
        log_sd: 0.2,
        range_uv: [60.0, 300.0],
    };
    let simulation = plan(&s);
    let n = 15_000usize;
    let data = simulation.render(0, n).unwrap();
    let mut sum = vec![0f32; n * 16];
    for spike in &simulation.spikes {
        let unit = &simulation.units[spike.source as usize];
        let footprint = unit.footprint(&simulation.probe.contacts, [0.0; 3]);
        let first = spike.sample as i64 - unit.bank.n0 as i64;
        for (row, &contact) in footprint.outer_iter().zip(&unit.near) {
            for (t, v) in row.iter().enumerate() {
                let at = first + t as i64;
                if (0..n as i64).contains(&at) {
                    sum[at as usize * 16 + contact] += v;
                }
            }
        }
    }
    let worst = data
        .iter()
        .zip(&sum)
        .map(|(d, v)| (f32::from(*d) - v * simulation.counts_per_uv as f32).abs())
        .fold(0.0, f32::max);
    // Half a count of rounding, and waveforms below 0.05 µV that are left out.
    assert!(worst < 0.5 + 0.05, "{worst} counts");
    assert!(data.iter().any(|d| *d < -20));
}

#[test]
fn troughs_fall_on_the_true_samples() {
    let mut s = small();
    s.noise = Noise::None;
    s.background.n_hash = 0;
    s.units.n = 1;
    s.units.target = Target::OnProbe {
        median_uv: 400.0,
        log_sd: 0.0,
        range_uv: [60.0, 400.0],
    };
    s.converter.counts_per_uv = 10.0;
    s.converter.bits = 16;
    let simulation = plan(&s);
    let data = simulation.render(0, 15_000).unwrap();
    let unit = &simulation.units[0];
    let truth = simulation.truth();
    assert!(truth.spike_times.len() > 5);
    for (i, &t) in truth.spike_times.iter().enumerate() {
        let clear = |j: Option<usize>| {
            j.and_then(|j| truth.spike_times.get(j))
                .is_none_or(|o| o.abs_diff(t) > 100)
        };
        if !(60..14_900).contains(&t) || !clear(i.checked_sub(1)) || !clear(Some(i + 1)) {
            continue;
        }
        let lowest = (t - 20..t + 20)
            .min_by_key(|&at| data[at as usize * 16 + unit.best_contact])
            .unwrap();
        assert!(lowest.abs_diff(t) <= 1, "trough at {lowest}, truth {t}");
    }
}

#[test]
fn unit_sizes_are_what_the_target_asks_for() {
    let mut s = small();
    s.units.n = 8;
    s.units.target = Target::Snr {
        quantiles: vec![[0.0, 3.0], [1.0, 19.0]],
    };
    let simulation = plan(&s);
    let mut snrs: Vec<f64> = simulation.units().iter().map(|u| u.snr).collect();
    snrs.sort_by(f64::total_cmp);
    for (i, snr) in snrs.iter().enumerate() {
        assert!((snr - (4.0 + 2.0 * i as f64)).abs() < 1e-6, "{snrs:?}");
    }
    s.units.target = Target::Norm { base: 12.0, scale: 0.0 };
    assert!(plan(&s).units().iter().all(|u| (u.matched_snr - 12.0).abs() < 1e-6));
    s.units.target = Target::Footprint { ptp_uv: 167.0 };
    assert!(
        plan(&s)
            .units()
            .iter()
            .all(|u| (u.ptp_footprint_uv - 167.0).abs() < 1e-3)
    );
}

#[test]
fn the_measured_noise_is_that_of_the_recording() {
    let mut s = small();
    s.duration_s = 4.0;
    s.units.n = 1;
    s.units.template_scale = 0.0;
    s.converter.counts_per_uv = 10.0;
    s.converter.bits = 16;
    let simulation = plan(&s);
    let data = simulation.render(0, 120_000).unwrap();
    for c in 0..16 {
        let row: Vec<f32> = data.iter().skip(c).step_by(16).map(|&v| f32::from(v) / 10.0).collect();
        let found = crate::snr::mad_sigma(&row);
        let said = simulation.noise_uv()[c];
        assert!((found / said - 1.0).abs() < 0.03, "channel {c}: {found} {said}");
        assert!(said > 4.9);
    }
}

#[test]
fn changing_noise_or_amplitudes_leaves_the_rest_alone() {
    let a = plan(&small());
    let mut s = small();
    s.seeds.noise = 7;
    s.noise = Noise::Thermal { rms_uv: [3.0, 3.0] };
    s.units.target = Target::AsGenerated;
    let b = plan(&s);
    assert_eq!(a.truth(), b.truth());
    assert_eq!(a.units()[3].position_um, b.units()[3].position_um);
    let mut s = small();
    s.set_seed(2);
    assert!(plan(&s).truth() != a.truth());
    // The same noise under other units, where nothing moves.
    let mut s = small();
    s.drift.components.clear();
    let still = plan(&s).noise_tile(3);
    s.seeds.units = 9;
    assert!(plan(&s).noise_tile(3) == still);
}

#[test]
fn references_are_zero_and_every_small_preset_plans() {
    let mut s = settings("emouse-drift", 1.0);
    s.set("probe.name=emouse-3a").unwrap();
    let simulation = plan(&s);
    let data = simulation.render(0, 1000).unwrap();
    assert!(
        data.iter().skip(36).step_by(64).all(|&v| v == 0),
        "reference channel 37 (1-based)"
    );
    assert!(data.iter().skip(35).step_by(64).any(|&v| v != 0));
    assert_eq!(simulation.units().len(), 74);
    for name in [
        "tetrode",
        "linear-32",
        "emouse",
        "easy",
        "bursting",
        "chronic-transient",
    ] {
        let simulation = plan(&settings(name, 1.0));
        let recording = simulation.to_recording().unwrap();
        assert_eq!(recording.n_channels(), simulation.n_channels(), "{name}");
        assert!(simulation.truth().spike_times.is_sorted());
    }
}

#[test]
fn interpolated_displacements_are_close_to_exact_waveforms() {
    let mut s = settings("demo", 30.0);
    s.background.n_hash = 0;
    let simulation = plan(&s);
    let mut worst = Vec::new();
    for unit in simulation.units() {
        for d in [-9.0, -4.1, 0.9, 6.3] {
            let exact = unit.footprint(&simulation.probe.contacts, [0.0, d, 0.0]);
            let place = unit.bank.place(d);
            let mut row = vec![0f32; unit.bank.samples];
            let mut error = 0f32;
            for (i, &contact) in unit.bank.contacts().iter().enumerate() {
                unit.bank.waveform(place, i, 1.0, &mut row);
                let near = unit.near.iter().position(|&c| c == contact).unwrap();
                for (a, b) in exact.row(near).iter().zip(&row) {
                    error = error.max((a - b).abs());
                }
            }
            worst.push(f64::from(error) / unit.ptp_uv);
        }
    }
    worst.sort_by(f64::total_cmp);
    let (median, largest) = (worst[worst.len() / 2], worst[worst.len() - 1]);
    assert!(
        median < 0.002 && largest < 0.016,
        "median {median}, largest {largest} of the peak to peak"
    );
}
