use super::*;

/// A small generator of numbers in [0, 1).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) as f64) / (1_u64 << 31) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// Neurons of 5 Hz that move with `truth(time, depth)`; amplitudes 8 to 20, depths known to 6 µm, a fifth more events at random.
fn made(neurons: usize, height: f64, duration: f64, truth: impl Fn(f64, f64) -> f64) -> Vec<Event> {
    let mut draws = Draws(7);
    let mut events = Vec::new();
    for _ in 0..neurons {
        let (home, amplitude) = (draws.next() * height, 8.0 + 12.0 * draws.next());
        for _ in 0..(5.0 * duration) as usize {
            let time_s = draws.next() * duration;
            events.push(Event {
                time_s,
                depth_um: home + truth(time_s, home) + 6.0 * draws.normal(),
                amplitude: (amplitude + draws.normal()) as f32,
            });
            if draws.next() < 0.2 {
                events.push(Event {
                    time_s: draws.next() * duration,
                    depth_um: draws.next() * height,
                    amplitude: (6.0 + 3.0 * draws.next()) as f32,
                });
            }
        }
    }
    events
}

/// Root mean square of the differences to the truth after their median, µm.
fn error(motion: &Motion, truth: impl Fn(f64, f64) -> f64) -> f64 {
    let mut differences: Vec<f64> = motion
        .displacement_um
        .indexed_iter()
        .map(|((t, d), v)| v - truth(motion.times_s[t], motion.depths_um[d]))
        .collect();
    let middle = solve::median(&mut differences);
    (differences.iter().map(|d| (d - middle).powi(2)).sum::<f64>() / differences.len() as f64).sqrt()
}

fn slow(time_s: f64, _: f64) -> f64 {
    30.0 * (time_s * std::f64::consts::TAU / 150.0).sin()
}

fn stretching(time_s: f64, depth_um: f64) -> f64 {
    slow(time_s, 0.0) * (0.4 + 0.6 * depth_um / 3800.0)
}

#[test]
fn rigid_drift_is_found_whatever_the_order_of_the_events() {
    let p = MotionParameters::default();
    let mut events = made(30, 400.0, 300.0, slow);
    let motion = estimate(&events, 300.0, [0.0, 400.0], &p).expect("enough events");
    let rms = error(&motion, slow);
    assert_eq!(motion.displacement_um.dim(), (300, 1));
    assert!(rms <= 2.0, "{rms} µm");
    assert!(helps(&events, 300.0, [0.0, 400.0], &p));
    events.reverse();
    let half = events.len() / 2;
    events.rotate_left(half / 3);
    assert_eq!(estimate(&events, 300.0, [0.0, 400.0], &p), Some(motion));
}

#[test]
fn drift_that_differs_along_the_probe_is_found() {
    let p = MotionParameters::default();
    let events = made(200, 3800.0, 300.0, stretching);
    let start = std::time::Instant::now();
    let motion = estimate(&events, 300.0, [0.0, 3840.0], &p).expect("enough events");
    let took = start.elapsed();
    let rms = error(&motion, stretching);
    assert_eq!(motion.displacement_um.dim(), (300, 10));
    assert!(rms <= 4.0, "{rms} µm");
    assert!(took.as_secs() < 60, "{took:?}");
}

#[test]
fn a_still_recording_is_left_alone() {
    let p = MotionParameters::default();
    for (neurons, height) in [(30, 400.0), (60, 1200.0)] {
        let events = made(neurons, height, 200.0, |_, _| 0.0);
        let motion = estimate(&events, 200.0, [0.0, height], &p).expect("enough events");
        let rms = error(&motion, |_, _| 0.0);
        assert!(rms < 1.0, "{rms} µm");
        assert!(!helps(&events, 200.0, [0.0, height], &p));
    }
}

#[test]
fn silent_bins_are_filled() {
    let mut events = made(30, 400.0, 300.0, slow);
    events.retain(|e| !(100.0..110.0).contains(&e.time_s));
    let motion = estimate(&events, 300.0, [0.0, 400.0], &MotionParameters::default()).expect("enough events");
    let rms = error(&motion, slow);
    assert!(rms <= 2.5, "{rms} µm");
}

#[test]
fn too_little_gives_nothing() {
    let p = MotionParameters::default();
    let events = made(30, 400.0, 20.0, slow);
    assert_eq!(estimate(&events[..100], 20.0, [0.0, 400.0], &p), None);
    assert_eq!(estimate(&[], 20.0, [0.0, 400.0], &p), None);
    assert_eq!(estimate(&events, 4.0, [0.0, 400.0], &p), None);
    assert_eq!(estimate(&events, 20.0, [0.0, 30.0], &p), None);
    assert_eq!(estimate(&events, f64::NAN, [0.0, 400.0], &p), None);
    let wrong = MotionParameters { bin_s: 0.0, ..p };
    assert!(!helps(&events, 20.0, [0.0, 400.0], &wrong));
}

#[test]
fn values_between_times_and_depths() {
    let motion = Motion {
        times_s: vec![0.0, 10.0],
        depths_um: vec![0.0, 100.0],
        displacement_um: ndarray::array![[0.0, 4.0], [10.0, 14.0]],
    };
    assert_eq!(displacement_at(&motion, 5.0, 50.0), 7.0);
    assert_eq!(displacement_at(&motion, -5.0, 500.0), 4.0);
    assert_eq!(displacement_at(&motion, 50.0, -5.0), 10.0);
}
