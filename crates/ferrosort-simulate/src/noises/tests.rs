use super::*;
use crate::geometry::SimProbe;
use crate::settings::ColouredNoise;

const RATE: f64 = 30_000.0;

fn contacts(name: &str) -> Vec<SimContact> {
    SimProbe::by_name(name).unwrap().contacts
}

/// `[contacts][n]`, made in blocks of 2000.
fn samples(noise: &Noise, contacts: &[SimContact], n: usize) -> Vec<Vec<f32>> {
    let source = build(noise, contacts, RATE, 101).unwrap().unwrap();
    rows(&*source, contacts.len(), n, 2000)
}

fn rows(source: &dyn Source, channels: usize, n: usize, block: usize) -> Vec<Vec<f32>> {
    let mut rows = vec![Vec::with_capacity(n); channels];
    for start in (0..n).step_by(block) {
        let len = block.min(n - start);
        let mut tile = vec![0f32; channels * len];
        source.add(start as u64, len, &mut tile);
        for (row, piece) in rows.iter_mut().zip(tile.chunks_exact(len)) {
            row.extend_from_slice(piece);
        }
    }
    rows
}

fn sd(x: &[f32]) -> f64 {
    (product(x, x) / x.len() as f64).sqrt()
}

fn product(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn correlation(x: &[f32], y: &[f32]) -> f64 {
    product(x, y) / (product(x, x) * product(y, y)).sqrt()
}

fn close(found: f64, wanted: f64, by: f64) {
    assert!((found - wanted).abs() < by, "{found}, expected {wanted}");
}

#[test]
fn smoothed_noise_has_the_numbers_of_the_emouse_simulator() {
    let noise = Noise::Smoothed {
        rms_uv: 10.0,
        time_sd: 0.5,
        channel_sd: 0.5,
    };
    let x = samples(&noise, &contacts("emouse-3b-16"), 300_000);
    for row in &x {
        close(sd(row), 10.0, 0.05);
        close(correlation(&row[1..], &row[..row.len() - 1]), 0.263, 0.01);
        close(correlation(&row[2..], &row[..row.len() - 2]), 0.0198, 0.01);
    }
    for c in 2..12 {
        close(correlation(&x[c], &x[c + 1]), 0.262, 0.01);
        close(correlation(&x[c], &x[c + 2]), 0.0186, 0.01);
    }
}

#[test]
fn correlated_noise_falls_with_distance_in_both_conventions() {
    let line = contacts("linear-4");
    for (halving, at_20) in [(false, libm::exp(-20.0 / 25.0)), (true, 0.5f64.powf(20.0 / 25.0))] {
        let noise = Noise::DistanceCorrelated {
            rms_uv: [6.0, 8.0],
            length_um: 25.0,
            halving,
        };
        let x = samples(&noise, &line, 100_000);
        close(correlation(&x[0], &x[1]), at_20, 0.015);
        close(correlation(&x[0], &x[2]), at_20 * at_20, 0.015);
        close(correlation(&x[0][1..], &x[0][..99_999]), 0.0, 0.015);
        assert!(x.iter().all(|row| (5.9..8.1).contains(&sd(row))));
    }
}

#[test]
fn coloured_noise_has_the_memory_and_length_asked_for() {
    let noise = Noise::Coloured(ColouredNoise {
        white_uv: 0.0,
        hash_uv: 7.0,
        common_uv: 0.0,
        level_log_sd: 0.0,
        ..ColouredNoise::default()
    });
    let x = samples(&noise, &contacts("linear-2"), 100_000);
    close(sd(&x[0]), 7.0, 0.15);
    close(correlation(&x[0], &x[1]), libm::exp(-20.0 / 65.0), 0.03);
    let memory = libm::exp(-std::f64::consts::TAU * 1630.0 / RATE);
    close(correlation(&x[0][1..], &x[0][..99_999]), memory, 0.02);
}

#[test]
fn every_kind_is_the_same_in_any_pieces() {
    let probe = contacts("emouse-3b-6");
    let kinds = [
        Noise::Thermal { rms_uv: [4.0, 6.0] },
        Noise::Smoothed {
            rms_uv: 10.0,
            time_sd: 3.0,
            channel_sd: 1.0,
        },
        Noise::DistanceCorrelated {
            rms_uv: [6.0, 8.0],
            length_um: 25.0,
            halving: false,
        },
        Noise::Coloured(ColouredNoise::default()),
        Noise::OneOverF {
            rms_uv: 10.0,
            from_hz: 300.0,
            length_um: 30.0,
        },
    ];
    for kind in kinds {
        let source = build(&kind, &probe, RATE, 3).unwrap().unwrap();
        let (a, b) = (rows(&*source, 6, 5000, 5000), rows(&*source, 6, 5000, 700));
        for (x, y) in a.iter().flatten().zip(b.iter().flatten()) {
            assert!((x - y).abs() < 1e-4, "{kind:?}: {x} {y}");
        }
    }
}

/// One-sided power in a band, dB, of Hann segments.
fn band_db(x: &[f32], low_hz: f64, high_hz: f64) -> f64 {
    use rustfft::num_complex::Complex32;
    const N: usize = 1024;
    let fft = rustfft::FftPlannerScalar::<f32>::new().plan_fft_forward(N);
    let hann = |n: usize| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / N as f32).cos();
    let energy: f64 = (0..N).map(|n| f64::from(hann(n)).powi(2)).sum();
    let (mut sum, mut count) = (0.0, 0);
    for segment in x.chunks_exact(N) {
        let mut z: Vec<Complex32> = (0..N).map(|n| Complex32::new(segment[n] * hann(n), 0.0)).collect();
        fft.process(&mut z);
        for (k, v) in z[..N / 2].iter().enumerate() {
            if (low_hz..high_hz).contains(&(k as f64 * RATE / N as f64)) {
                sum += f64::from(v.norm_sqr()) * 2.0 / (RATE * energy);
                count += 1;
            }
        }
    }
    10.0 * (sum / f64::from(count)).log10()
}

#[test]
fn one_over_f_noise_has_its_spectrum_level_and_correlation() {
    let noise = Noise::OneOverF {
        rms_uv: 10.0,
        from_hz: 300.0,
        length_um: 30.0,
    };
    let x = samples(&noise, &contacts("linear-3"), 400_000);
    close(sd(&x[0]), 10.0, 0.2);
    close(correlation(&x[0], &x[1]), libm::exp(-20.0 / 30.0), 0.02);
    // P = A / f with A ln(15000 / 300) = 100.
    let model = |f: f64| 10.0 * (100.0 / 50f64.ln() / f).log10();
    for (low, high) in [(450.0, 550.0), (950.0, 1050.0), (2900.0, 3100.0), (9900.0, 10_100.0)] {
        close(band_db(&x[1], low, high), model(0.5 * (low + high)), 0.5);
    }
    assert!(band_db(&x[1], 50.0, 200.0) < model(300.0) - 15.0);
}

#[test]
fn resonant_noise_peaks_where_it_should() {
    let noise = Noise::Resonance {
        rms_uv: 10.0,
        peak_hz: 300.0,
        q: 2.0,
        length_um: 30.0,
    };
    let x = samples(&noise, &contacts("linear-2"), 400_000);
    close(sd(&x[0]), 10.0, 0.2);
    close(correlation(&x[0], &x[1]), 0.5f64.powf(20.0 / 30.0), 0.02);
    // Half of the variance is white.
    close(
        band_db(&x[0], 8000.0, 14_000.0),
        10.0 * (50.0f64 / 15_000.0).log10(),
        0.3,
    );
    assert!(band_db(&x[0], 250.0, 350.0) > band_db(&x[0], 1000.0, 1100.0) + 10.0);
}

#[test]
fn a_model_estimated_from_noise_makes_the_same_noise() {
    let probe = contacts("emouse-3b-8");
    let noise = Noise::Coloured(ColouredNoise::default());
    let x = samples(&noise, &probe, 30_000 * 30);
    let frames: Vec<f32> = (0..30_000 * 30).flat_map(|t| x.iter().map(move |row| row[t])).collect();
    let core = SimProbe::by_name("emouse-3b-8").unwrap().to_probe();
    let recording = ferrosort_core::MemoryRecording::new(RATE, 8, frames, None).unwrap();
    let model = NoiseModel::estimate(&recording, &core).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.npz");
    model.write(&path).unwrap();
    assert_eq!(NoiseModel::read(&path).unwrap(), model);
    let measured = Noise::Measured {
        path: path.display().to_string(),
        scale: 1.0,
    };
    let y = samples(&measured, &probe, 300_000);
    let mut square = 0.0;
    for i in 0..8 {
        close(sd(&y[i]) / sd(&x[i]), 1.0, 0.02);
        for (low, high) in [(350.0, 600.0), (900.0, 1200.0), (2500.0, 3000.0), (8000.0, 10_000.0)] {
            close(band_db(&y[i], low, high), band_db(&x[i], low, high), 0.5);
        }
        for j in 0..i {
            square += (correlation(&y[i], &y[j]) - correlation(&x[i], &x[j])).powi(2);
        }
    }
    let rms = (square / 28.0f64).sqrt();
    assert!(rms < 0.012, "correlations differ by {rms}");
    // Another geometry gets fitted coherences.
    let z = samples(&measured, &contacts("linear-4"), 100_000);
    assert!((0.2..0.6).contains(&correlation(&z[0], &z[1])));
    assert!(build(&measured, &probe, 25_000.0, 1).is_err());
}

#[test]
fn slow_potentials_are_slow_and_as_large_as_asked() {
    let line = contacts("linear-2");
    let source = slow_potentials(&line, RATE, 100.0, 1);
    let x = rows(&source, 2, 30_000 * 60, 30_000);
    assert!((60.0..160.0).contains(&sd(&x[0])), "{}", sd(&x[0]));
    assert!(correlation(&x[0][1..], &x[0][..x[0].len() - 1]) > 0.9999);
    assert!(correlation(&x[0], &x[1]) > 0.9);
}
