use super::*;
use crate::geometry::SimProbe;
use crate::random::{Key, Stream};

#[test]
fn the_trough_of_the_best_contact_falls_on_its_sample() {
    let probe = SimProbe::by_name("np1-64").unwrap();
    let window = Window::around_trough(1.5, 3.0, 30_000.0);
    for index in 0..10 {
        let mut draws = Key::new(3, Stream::Shape, index).draws();
        let params = ParametricParams::draw([35.0, 300.0, 15.0], &mut draws);
        let neuron = Neuron::Parametric(Parametric::new(&params, window).unwrap());
        let footprint = neuron.footprint([0.0; 3], &probe.contacts);
        let best = footprint.row(best_contact(&footprint).unwrap()).to_vec();
        let lowest = (0..best.len()).min_by(|&a, &b| best[a].total_cmp(&best[b]));
        assert_eq!(lowest, Some(neuron.n0()));
        assert_eq!(footprint.dim(), (64, neuron.n_samples()));
    }
}

#[test]
fn contacts_that_are_not_connected_are_silent() {
    let probe = SimProbe::by_name("emouse-3a-64").unwrap();
    let params = ParametricParams::draw([43.0, 380.0, 10.0], &mut Key::new(1, Stream::Shape, 0).draws());
    let neuron = Neuron::Parametric(Parametric::new(&params, Window::around_trough(1.5, 3.0, 30_000.0)).unwrap());
    let sizes = peak_to_peak_uv(&neuron.footprint([0.0; 3], &probe.contacts));
    assert_eq!(sizes[36], 0.0);
    assert!(sizes[34] > 0.0);
}

/// Golden numbers from `tests/data/make_spikeinterface_templates.py`.
#[test]
fn parametric_units_equal_spikeinterface_s_templates() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/data/spikeinterface_templates.json")).unwrap();
    let numbers =
        |v: &serde_json::Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    let mut probe = SimProbe::by_name("linear-4").unwrap();
    for (contact, place) in probe.contacts.iter_mut().zip(golden["channels_um"].as_array().unwrap()) {
        let place = numbers(place);
        (contact.x_um, contact.y_um) = (place[0], place[1]);
    }
    for case in golden["cases"].as_array().unwrap() {
        let value = |name: &str| case["params"][name].as_f64().unwrap();
        let length_um = value("spatial_decay");
        let params = ParametricParams {
            position_um: numbers(&case["position_um"]).try_into().unwrap(),
            alpha_uv: value("alpha"),
            course: Course::Exponentials(ShapeParams {
                depolarization_ms: value("depolarization_ms"),
                repolarization_ms: value("repolarization_ms"),
                recovery_ms: value("recovery_ms"),
                positive_amplitude: value("positive_amplitude"),
                smooth_ms: value("smooth_ms"),
            }),
            decay: match case["profile"].as_str().unwrap() {
                "power" => Decay::Power {
                    length_um,
                    power: value("spatial_power"),
                },
                _ => Decay::Exponential { length_um },
            },
            delay: Delay::ByDistanceCircular {
                speed_um_per_ms: value("propagation_speed"),
            },
            ellipse_shrink: value("ellipse_shrink"),
            ellipse_angle_rad: value("ellipse_angle"),
        };
        let at = |name: &str| case[name].as_f64().unwrap();
        let window = Window::around_trough(at("before_ms"), at("after_ms"), at("sample_rate_hz"));
        let neuron = Neuron::Parametric(Parametric::new(&params, window).unwrap());
        let footprint = neuron.footprint([0.0; 3], &probe.contacts);
        for (row, expected) in footprint.outer_iter().zip(case["templates"].as_array().unwrap()) {
            let expected = numbers(expected);
            assert_eq!(row.len(), expected.len());
            for (a, e) in row.iter().zip(&expected) {
                assert!((f64::from(*a) - e).abs() < 1e-5, "{a} instead of {e}");
            }
        }
    }
}

#[test]
fn a_neuron_can_be_brought_to_a_size_on_the_probe() {
    let probe = SimProbe::by_name("np2-32").unwrap();
    let window = Window::around_trough(1.5, 3.0, 30_000.0);
    let mut neuron =
        Neuron::Parametric(Parametric::new(&ParametricParams::random([35.0, 100.0, 20.0], 1, 0), window).unwrap());
    neuron.scale_to_peak_to_peak(90.0, &probe.contacts).unwrap();
    let sizes = peak_to_peak_uv(&neuron.footprint([0.0; 3], &probe.contacts));
    assert!((sizes.into_iter().fold(0.0, f32::max) - 90.0).abs() < 1e-3);
    assert!(neuron.scale_to_peak_to_peak(90.0, &[]).is_err());
}
