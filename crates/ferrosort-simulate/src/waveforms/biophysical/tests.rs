use super::*;
use crate::geometry::{ContactShape, SimProbe};
use crate::waveforms::{best_contact, peak_to_peak_uv};

const RATE: f64 = 30_000.0;

fn random(class: NeuronClass, position_um: [f64; 3], index: u64) -> BiophysicalParams {
    BiophysicalParams::random(class, position_um, 11, index)
}

#[test]
fn membrane_currents_sum_to_zero_at_every_sample() {
    let base = TimeBase::new(RATE);
    for (index, class) in [(0, NeuronClass::RegularSpiking), (1, NeuronClass::FastSpiking)] {
        let (sources, currents) = currents(&random(class, [0.0, 0.0, 20.0], index), &base);
        assert_eq!(sources.len(), currents.len());
        let peak = currents.iter().flatten().fold(0.0, |m: f64, v| m.max(v.abs()));
        for t in 0..base.n_samples() {
            let sum: f64 = currents.iter().map(|c| c[t]).sum();
            assert!(sum.abs() < 1e-6 * peak, "sample {t}: {sum} nA of {peak}");
        }
    }
}

#[test]
fn no_neurite_crosses_the_plane_of_the_probe() {
    for index in 0..20 {
        let params = random(NeuronClass::RegularSpiking, [0.0, 0.0, 15.0], index);
        let (sources, _) = currents(&params, &TimeBase::new(RATE));
        for source in sources {
            if let Source::Line { from_um, to_um, .. } = source {
                assert!(from_um[2] + 15.0 > 0.99 && to_um[2] + 15.0 > 0.99);
            }
        }
    }
}

/// A contact so small that it is a point, at this place.
fn point(x_um: f64, y_um: f64) -> SimContact {
    SimContact {
        channel: 0,
        x_um,
        y_um,
        shape: ContactShape::square(1e-3),
        shank: 0,
        connected: true,
    }
}

const DISTANCES_UM: [f64; 6] = [15.0, 25.0, 40.0, 60.0, 90.0, 130.0];

/// Medians over 200 neurons of peak to peak (µV) and trough to peak (ms) beside the soma at each distance.
fn medians(class: NeuronClass) -> Vec<[f64; 2]> {
    let contacts = DISTANCES_UM.map(|d| point(d, 0.0));
    let neuron = |index| {
        let params = random(class, [0.0; 3], index);
        let neuron = Biophysical::new(&params, Window::of_spike(RATE), &contacts, 1.9).unwrap();
        neuron.footprint([0.0; 3], &contacts)
    };
    let footprints: Vec<Array2<f32>> = (0..200).map(neuron).collect();
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        f64::midpoint(values[99], values[100])
    };
    let lowest = |wave: &[f32]| (0..wave.len()).fold(0, |b, i| if wave[i] < wave[b] { i } else { b });
    let width_ms = |wave: &[f32]| {
        let trough = lowest(wave);
        let peak = (trough..wave.len()).fold(trough, |b, i| if wave[i] > wave[b] { i } else { b });
        (peak - trough) as f64 / 30.0
    };
    (0..DISTANCES_UM.len())
        .map(|d| {
            let sizes = footprints.iter().map(|f| f64::from(peak_to_peak_uv(f)[d]));
            let widths = footprints.iter().map(|f| width_ms(&f.row(d).to_vec()));
            [median(sizes.collect()), median(widths.collect())]
        })
        .collect()
}

/// Ranges and medians of the prototype in Python from which the generator was specified, with 40 neurons for each
/// class: 10 to 90 % of the peak to peak, median trough to peak.
#[test]
fn size_and_width_fall_and_grow_with_distance_as_in_the_prototype() {
    let regular = [
        ([217.0, 371.0], 0.70),
        ([96.0, 193.0], 0.72),
        ([52.0, 84.0], 0.73),
        ([21.0, 55.0], 0.73),
        ([8.0, 30.0], 0.77),
        ([3.0, 13.0], 0.85),
    ];
    let fast = [
        ([127.0, 277.0], 0.30),
        ([56.0, 136.0], 0.33),
        ([28.0, 60.0], 0.33),
        ([11.0, 40.0], 0.33),
        ([3.0, 19.0], 0.40),
        ([2.0, 9.0], 0.47),
    ];
    for (class, expected) in [(NeuronClass::RegularSpiking, regular), (NeuronClass::FastSpiking, fast)] {
        for (([low, high], ms), [size, width]) in expected.into_iter().zip(medians(class)) {
            assert!((low..high).contains(&size), "{class:?}: {size} µV, not {low} to {high}");
            assert!((width / ms - 1.0).abs() < 0.1, "{class:?}: {width} ms, not {ms}");
        }
    }
}

#[test]
fn the_trough_of_the_best_contact_falls_on_its_sample() {
    let probe = SimProbe::by_name("np2-64").unwrap();
    for index in 0..6 {
        let class = [NeuronClass::RegularSpiking, NeuronClass::FastSpiking][index as usize % 2];
        let params = random(class, [30.0, 200.0 + index as f64, 25.0], index);
        for rate in [RATE, 20_000.0] {
            let window = Window::of_spike(rate);
            let neuron = Biophysical::new(&params, window, &probe.contacts, 1.9).unwrap();
            let footprint = neuron.footprint([0.0; 3], &probe.contacts);
            let best = footprint.row(best_contact(&footprint).unwrap()).to_vec();
            let lowest = (0..best.len()).fold(0, |b, i| if best[i] < best[b] { i } else { b });
            assert_eq!(lowest, window.n0);
            assert!(best[0] == 0.0 && best[best.len() - 1] == 0.0);
        }
    }
}

#[test]
fn moving_the_neuron_is_moving_the_contacts() {
    let probe = SimProbe::by_name("np2-32").unwrap();
    let params = random(NeuronClass::RegularSpiking, [30.0, 100.0, 25.0], 3);
    let neuron = Biophysical::new(&params, Window::of_spike(RATE), &probe.contacts, 1.9).unwrap();
    let mut moved = probe.contacts.clone();
    for contact in &mut moved {
        contact.y_um -= 15.0;
    }
    let (a, b) = (
        neuron.footprint([0.0, 15.0, 0.0], &probe.contacts),
        neuron.footprint([0.0; 3], &moved),
    );
    assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-3));
    assert!(
        (&a - &neuron.footprint([0.0; 3], &probe.contacts))
            .iter()
            .any(|v| v.abs() > 5.0)
    );
}
