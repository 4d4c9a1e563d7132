//! Measurements of made-up recordings whose units are known.

use ferrosort_core::{Contact, MemoryRecording, Probe, RunKind, RunUnit, Silent, SortingRun};

use super::random::SplitMix;
use super::*;

const RATE: f64 = 30000.0;

/// Two columns of contacts, 20 µm apart.
fn probe(n: usize) -> Probe {
    Probe {
        name: "two columns".into(),
        contacts: (0..n)
            .map(|k| Contact {
                channel: n - 1 - k,
                x_um: (k % 2) as f64 * 20.0,
                y_um: (k / 2) as f64 * 20.0,
                shank: 0,
            })
            .collect(),
    }
}

/// A trough of 1 at 0 with a peak of 0.4 after it, as a narrow function of the distance in samples.
fn shape(d: i64) -> f64 {
    let x = d as f64;
    -(-(x / 3.0).powi(2)).exp() + 0.4 * (-((x - 12.0) / 6.0).powi(2)).exp()
}

struct Made {
    recording: MemoryRecording,
    probe: Probe,
    run: SortingRun,
}

/// Units of 200, 100 and 50 counts at three depths with spikes every 600 samples, on noise of standard deviation 10.
fn made(n_channels: usize, n_samples: usize) -> Made {
    let probe = probe(n_channels);
    let mut random = SplitMix::new(3, 0);
    let mut data: Vec<f32> = (0..n_channels * n_samples)
        .map(|_| {
            let sum: f64 = (0..12).map(|_| random.below(1 << 20) as f64 / f64::from(1 << 20)).sum();
            (500.0 + 10.0 * (sum - 6.0)) as f32
        })
        .collect();
    let mut run = SortingRun::new("made", "made", RunKind::Truth);
    let centres = [3, n_channels / 2, n_channels - 4];
    let mut spikes = Vec::new();
    for (unit, (&centre, size)) in centres.iter().zip([200.0, 100.0, 50.0]).enumerate() {
        let at = &probe.contacts[centre];
        for t in (100 + 200 * unit as i64..n_samples as i64).step_by(600) {
            spikes.push((t, unit as u32));
            for c in &probe.contacts {
                let distance = f64::hypot(c.x_um - at.x_um, c.y_um - at.y_um);
                let share = size * (-distance / 25.0).exp();
                for d in -20..40 {
                    if let Ok(row) = usize::try_from(t + d)
                        && row < n_samples
                    {
                        data[row * n_channels + c.channel] += (share * shape(d)) as f32;
                    }
                }
            }
        }
        run.units.push(RunUnit {
            id: unit.to_string(),
            ..RunUnit::default()
        });
    }
    run.units.push(RunUnit {
        id: "silent".into(),
        ..RunUnit::default()
    });
    spikes.sort_unstable();
    run.spikes.samples = spikes.iter().map(|s| s.0).collect();
    run.spikes.units = spikes.iter().map(|s| s.1).collect();
    run.probe = Some(probe.clone());
    Made {
        recording: MemoryRecording::new(RATE, n_channels, data, None).unwrap(),
        probe,
        run,
    }
}

fn measured(made: &Made, params: &MeasureParams) -> Measured {
    measure(&made.recording, &made.probe, &made.run, params, &Silent).unwrap()
}

#[test]
fn units_are_found_where_they_are_and_as_large_as_they_are() {
    let made = made(16, 200_000);
    let m = measured(&made, &MeasureParams::default());
    assert_eq!((m.unit, m.spike_at, m.waveform_samples), (ValueUnit::Counts, 30, 90));
    for (unit, (centre, size)) in [(3, 200.0), (8, 100.0), (12, 50.0)].into_iter().enumerate() {
        let u = &m.units[unit];
        assert_eq!((u.main_channel, u.peak_offset), (Some(centre), 0), "unit {unit}");
        assert_eq!(u.channels[0], centre);
        assert_eq!(u.channels.len(), 16);
        // The filter takes some of a trough that is wider than its period.
        let trough = f64::from(-u.template[[0, 30]]);
        assert!(trough > 0.8 * size && trough < 1.05 * size, "{trough} of {size}");
        let of_unit: Vec<f64> = (0..m.amplitudes.len())
            .filter(|&k| made.run.spikes.units[k] == unit as u32)
            .map(|k| f64::from(m.amplitudes[k]))
            .collect();
        let mean = of_unit.iter().sum::<f64>() / of_unit.len() as f64;
        assert!((mean + trough).abs() < 1.0, "amplitudes {mean}, trough {trough}");
        assert!(u.template_sd.iter().all(|&v| v > 5.0 && v < 20.0));
        let [_, y] = u.position_um.unwrap();
        assert!((y - made.probe.contacts[centre].y_um).abs() < 12.0, "{y}");
        assert_eq!(u.waveforms.dim(), (100, 90));
        let density = u.density.as_ref().unwrap();
        assert_eq!(density.counts.row(0).sum() as usize, u.n_averaged);
    }
    assert!(m.noise_mad.iter().all(|&v| v > 8.0 && v < 20.0), "{:?}", m.noise_mad);
    let silent = &m.units[3];
    assert_eq!(
        (silent.main_channel, silent.n_averaged, silent.waveforms.nrows()),
        (None, 0, 0)
    );
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let made = made(8, 60_000);
    let params = MeasureParams::default();
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let one = pool(1).install(|| measured(&made, &params));
    let three = pool(3).install(|| measured(&made, &params));
    // NaN depths of spikes at the ends are not equal to themselves.
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
}

#[test]
fn spikes_at_the_ends_have_amplitudes_and_spikes_outside_have_none() {
    let mut made = made(8, 60_000);
    made.run.spikes.samples = vec![-5, 0, 59_999, 70_000];
    made.run.spikes.units = vec![0; 4];
    let m = measured(&made, &MeasureParams::default());
    assert!(m.units[0].main_channel.is_none(), "no complete waveform");
    made.run.spikes.samples = vec![-5, 0, 700, 59_999, 70_000];
    made.run.spikes.units = vec![0; 5];
    let m = measured(&made, &MeasureParams::default());
    let finite: Vec<bool> = m.amplitudes.iter().map(|a| a.is_finite()).collect();
    assert_eq!(finite, [false, true, true, true, false]);
    assert_eq!(m.units[0].n_averaged, 1);
}

#[test]
fn one_channel_a_short_recording_and_a_reference_are_no_problem() {
    let made = made(16, 60_000);
    let referenced = MeasureParams {
        common_reference: true,
        ..MeasureParams::default()
    };
    assert_eq!(measured(&made, &referenced).units[1].main_channel, Some(8));
    let single = Probe::line(1, 20.0);
    let data = (0..900).map(|k| ((k * 7919) % 101) as f32).collect();
    let recording = MemoryRecording::new(RATE, 1, data, None).unwrap();
    let mut run = SortingRun::new("r", "r", RunKind::Table);
    run.units.push(RunUnit::default());
    run.spikes.samples = vec![450];
    run.spikes.units = vec![0];
    let m = measure(&recording, &single, &run, &MeasureParams::default(), &Silent).unwrap();
    assert_eq!(m.units[0].main_channel, Some(0));
    assert_eq!(m.units[0].n_averaged, 1);
    let empty = MemoryRecording::new(RATE, 1, Vec::new(), None).unwrap();
    let m = measure(&empty, &single, &run, &MeasureParams::default(), &Silent).unwrap();
    assert!(m.amplitudes[0].is_nan() && m.units[0].main_channel.is_none());
}

#[test]
fn a_known_channel_is_a_start_and_bad_input_is_refused() {
    let mut made = made(16, 60_000);
    made.run.units[2].best_channel = Some(10);
    let m = measured(&made, &MeasureParams::default());
    assert_eq!(m.units[2].main_channel, Some(12), "near enough to be found");
    let params = MeasureParams {
        highpass_hz: 20_000.0,
        ..MeasureParams::default()
    };
    let refused = measure(&made.recording, &made.probe, &made.run, &params, &Silent).unwrap_err();
    assert!(refused.to_string().contains("half the sampling rate"), "{refused}");
    made.run.spikes.units[0] = 9;
    let refused = measure(
        &made.recording,
        &made.probe,
        &made.run,
        &MeasureParams::default(),
        &Silent,
    )
    .unwrap_err();
    assert!(refused.to_string().contains("unit 9"), "{refused}");
}

#[test]
fn metrics_of_a_measured_run_tell_large_units_from_small_ones() {
    let made = made(16, 200_000);
    let m = measured(&made, &MeasureParams::default());
    let inputs = m.quality_inputs(&made.run, &made.probe, 500);
    let table = crate::quality::quality_table(&inputs, &crate::quality::QualityParams::default());
    let snr = table.column("snr").unwrap();
    assert!(
        snr[0] > 15.0 && snr[0] > 1.5 * snr[1] && snr[1] > 1.5 * snr[2],
        "{snr:?}"
    );
    let d_prime = table.column("d_prime").unwrap();
    assert!(d_prime[0] > 5.0, "{d_prime:?}");
    let sd_ratio = table.column("sd_ratio").unwrap();
    assert!((0.7..1.3).contains(&sd_ratio[2]), "{sd_ratio:?}");
    assert!(table.value(3, "snr").is_nan());
    assert_eq!(table.value(3, "num_spikes"), 0.0);
}
