use std::path::PathBuf;

use ferrosort_core::Observer;

use super::*;
use crate::geometry::{ContactShape, SimProbe};
use crate::random::{Key, Stream};
use crate::waveforms::{Neuron, NeuronClass, peak_to_peak_uv};

const RATE: f64 = 30_000.0;
const SAMPLES: usize = 5;

/// A unit on a grid whose waveform is a triangle with the depth `depth(x, y)` at sample 2.
fn unit(kind: LibraryKind, x: &[f64], y: &[f64], depth: impl Fn(f64, f64) -> f64) -> MeasuredUnit {
    let places: Vec<[f64; 2]> = y.iter().flat_map(|&y| x.iter().map(move |&x| [x, y])).collect();
    let shape = [0.0, -0.5, -1.0, -0.5, 0.0];
    MeasuredUnit {
        label: 7,
        kind,
        x_um: places.iter().map(|p| p[0]).collect(),
        y_um: places.iter().map(|p| p[1]).collect(),
        waves_uv: (places.iter().flat_map(|p| shape.map(|s| s * depth(p[0], p[1])))).collect(),
    }
}

fn ultra_dense() -> MeasuredUnit {
    let axis = [-12.0, -6.0, 0.0, 6.0, 12.0];
    unit(LibraryKind::UltraDense, &axis, &axis, |x, y| 100.0 + x + 2.0 * y)
}

fn phase_3a() -> MeasuredUnit {
    let rows: Vec<f64> = (-12..=12).map(|i| 20.0 * f64::from(i)).collect();
    unit(LibraryKind::Phase3A, &[-24.0, -8.0, 8.0, 24.0], &rows, |_, _| 100.0)
}

fn contact(x_um: f64, y_um: f64) -> SimContact {
    SimContact {
        channel: 0,
        x_um,
        y_um,
        shape: ContactShape::square(12.0),
        shank: 0,
        connected: true,
    }
}

/// Depth of the trough at an offset from the unit.
fn depth(neuron: &Library, x: f64, y: f64) -> f64 {
    -f64::from(neuron.footprint([0.0; 3], &[contact(x, y)])[[0, 2]])
}

fn placed(unit: &MeasuredUnit, options: LibraryOptions) -> Library {
    Library::new(unit, [0.0; 3], options, RATE, &[contact(0.0, 0.0)]).unwrap()
}

#[test]
fn a_plane_is_interpolated_exactly_up_to_the_closed_edges() {
    let neuron = placed(&ultra_dense(), LibraryOptions::EMOUSE);
    for (x, y) in [(0.0, 0.0), (1.5, -7.0), (12.0, 12.0), (-12.0, -3.0), (4.0, 11.9)] {
        assert!(
            (depth(&neuron, x, y) - (100.0 + x + 2.0 * y)).abs() < 1e-4,
            "({x}, {y})"
        );
    }
    for (x, y) in [(12.0001, 0.0), (0.0, -12.0001), (300.0, 0.0)] {
        assert_eq!(depth(&neuron, x, y), 0.0);
    }
    assert_eq!(neuron.window().n0, 2);
    assert_eq!(neuron.range_uv(), 136.0);
}

#[test]
fn displacement_moves_the_unit_against_the_contacts() {
    let neuron = placed(&ultra_dense(), LibraryOptions::EMOUSE);
    let moved = neuron.footprint([0.0, 6.0, 50.0], &[contact(0.0, 0.0)]);
    assert!(
        (moved[[0, 2]] + 88.0).abs() < 1e-4,
        "the contact is 6 µm below the unit"
    );
}

#[test]
fn dense_footprints_fall_to_zero_at_their_edges() {
    let options = LibraryOptions {
        average_contact: false,
        flatten_baseline: false,
        ..LibraryOptions::default()
    };
    let neuron = placed(&ultra_dense(), options);
    assert!((depth(&neuron, 9.0, 0.0) - 109.0).abs() < 1e-4, "full-sized up to 75 %");
    // Halfway between 9 and 12 µm: cos² 45° = 1/2.
    assert!((depth(&neuron, 10.5, 0.0) - 110.5 / 2.0).abs() < 1e-4);
    assert!(depth(&neuron, 12.0, 0.0) < 1e-9);
}

#[test]
fn footprints_of_phase_3a_end_by_radius_and_go_on_sideways() {
    let options = LibraryOptions {
        average_contact: false,
        flatten_baseline: false,
        ..LibraryOptions::default()
    };
    let neuron = placed(&phase_3a(), options);
    assert!((depth(&neuron, 0.0, 120.0) - 100.0).abs() < 1e-4);
    assert!((depth(&neuron, 0.0, 160.0) - 50.0).abs() < 1e-4);
    assert_eq!(depth(&neuron, 0.0, 200.0), 0.0);
    assert!((depth(&neuron, 44.0, 0.0) - 100.0 * (-1.0f64).exp()).abs() < 1e-4);
    assert_eq!(depth(&neuron, 64.5, 0.0), 0.0);
    assert_eq!(depth(&placed(&phase_3a(), LibraryOptions::EMOUSE), 25.0, 0.0), 0.0);
}

#[test]
fn a_contact_averages_nine_points() {
    let options = LibraryOptions {
        average_contact: true,
        ..LibraryOptions::EMOUSE
    };
    let neuron = placed(&ultra_dense(), options);
    assert!(
        (depth(&neuron, 2.0, 1.0) - 104.0).abs() < 1e-4,
        "the mean of a plane is its centre"
    );
    // At x = 12 the three points at 16 are outside: those at 8 and 12 stay.
    assert!((depth(&neuron, 12.0, 0.0) - (3.0 * 108.0 + 3.0 * 112.0) / 9.0).abs() < 1e-4);
}

#[test]
fn scattered_positions_are_interpolated_linearly() {
    let mut scattered = ultra_dense();
    // Without its corner the grid is none.
    for list in [&mut scattered.x_um, &mut scattered.y_um] {
        list.remove(0);
    }
    scattered.waves_uv.drain(..SAMPLES);
    let neuron = placed(&scattered, LibraryOptions::EMOUSE);
    assert!((depth(&neuron, 1.5, -7.0) - 87.5).abs() < 1e-4);
    assert!(
        (depth(&neuron, -12.0, -12.0) - 76.0).abs() < 13.0,
        "the nearest measured position"
    );
}

#[test]
fn a_unit_beside_the_probe_is_refused() {
    let probe = SimProbe::by_name("emouse-3b-64").unwrap();
    let error = Library::new(
        &ultra_dense(),
        [35.0, 900.0, 0.0],
        LibraryOptions::EMOUSE,
        RATE,
        &probe.contacts,
    );
    assert!(error.unwrap_err().to_string().contains("reaches no connected contact"));
}

#[test]
fn random_intensities_are_around_one_or_the_given_mean() {
    assert_eq!(emouse_intensity(LibraryKind::UltraDense, 0.75, 0.5), 1.0);
    assert_eq!(emouse_intensity(LibraryKind::Phase3A, 0.75, 0.0), 0.375);
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")).join(name)
}

/// `library.mat` is made by `tests/data/make_library.py`.
#[test]
fn files_are_read_by_name_whatever_their_classes() {
    let library = WaveformLibrary::read(&fixture("library.mat"), RATE, SAMPLES)
        .unwrap()
        .unwrap();
    assert_eq!((library.kind, library.units.len()), (LibraryKind::UltraDense, 2));
    let second = &library.units[1];
    assert_eq!((second.label, second.n_samples()), (300, 5));
    assert_eq!(second.x_um, [-6.0, 0.0, 6.0, -6.0, 0.0, 6.0]);
    assert_eq!(second.y_um, [0.0, 0.0, 0.0, 6.0, 6.0, 6.0]);
    // Value of position p and sample t: 100 + 10 p + t.
    assert_eq!(second.waves_uv[5..8], [110.0, 111.0, 112.0]);
    assert_eq!(second.range_uv(), 54.0);
}

#[test]
fn files_that_do_not_fit_are_skipped_with_a_warning() {
    struct Warnings(std::sync::Mutex<Vec<String>>);
    impl Observer for Warnings {
        fn stage_started(&self, _: &str, _: u64, _: &str) {}
        fn advanced(&self, _: u64) {}
        fn stage_finished(&self, _: &str, _: f64) {}
        fn warning(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
        fn note(&self, _: &str) {}
        fn cancelled(&self) -> bool {
            false
        }
    }
    let path = fixture("library.mat");
    let read = |rate, nt| WaveformLibrary::read(&path, rate, nt).unwrap();
    assert!(read(30_003.0, SAMPLES).is_ok(), "within one in ten thousand");
    assert!(read(30_004.0, SAMPLES).unwrap_err().contains("30000 Hz"));
    assert!(read(f64::NAN, SAMPLES).is_err());
    assert!(read(RATE, 81).unwrap_err().contains("5 samples"));
    let warnings = Warnings(std::sync::Mutex::default());
    let none = WaveformLibrary::read_all(&[path], 25_000.0, SAMPLES, &warnings);
    assert!(none.unwrap_err().to_string().contains("no waveform file fits"));
    let warnings = warnings.0.into_inner().unwrap();
    assert!(warnings.len() == 1 && warnings[0].contains("library.mat is skipped"));
}

/// The files of the original simulator, where they are at hand.
#[allow(clippy::print_stderr)]
fn emouse(name: &str) -> Option<WaveformLibrary> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/emouse")).join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {name} is not at hand");
        return None;
    }
    Some(WaveformLibrary::read(&path, RATE, 81).unwrap().unwrap())
}

#[test]
fn the_original_files_hold_what_is_known_of_them() {
    let cases = [
        (
            "kampff_St_unit_waves_allNeg_2X.mat",
            LibraryKind::UltraDense,
            17,
            [165, 195],
            [145.0, 367.0],
            37,
        ),
        (
            "121817_SU_waves_allNeg_gridEst.mat",
            LibraryKind::Phase3A,
            20,
            [104, 104],
            [124.0, 521.0],
            38,
        ),
        (
            "121817_single_unit_waves_allNeg.mat",
            LibraryKind::Phase3A,
            20,
            [15, 35],
            [124.0, 521.0],
            38,
        ),
    ];
    for (name, kind, n, positions, sizes, first_trough) in cases {
        let Some(library) = emouse(name) else { return };
        assert_eq!((library.kind, library.units.len()), (kind, n), "{name}");
        let counts: Vec<usize> = library.units.iter().map(|u| u.x_um.len()).collect();
        assert_eq!(
            [counts.iter().min(), counts.iter().max()],
            [positions.first(), positions.last()]
        );
        let mut largest: Vec<f64> = Vec::new();
        for unit in &library.units {
            let waves = unit.waves_uv.chunks_exact(81);
            let range =
                |w: &[f64]| w.iter().fold(f64::MIN, |m, v| m.max(*v)) - w.iter().fold(f64::MAX, |m, v| m.min(*v));
            largest.push(waves.map(range).fold(0.0, f64::max));
            let lowest = (0..unit.waves_uv.len()).min_by(|&a, &b| unit.waves_uv[a].total_cmp(&unit.waves_uv[b]));
            let trough = lowest.unwrap() % 81;
            assert!(
                (first_trough..=39).contains(&trough),
                "{name}: trough on sample {trough}"
            );
            Surface::new(unit, unit.waves_uv.clone()).unwrap();
        }
        largest.sort_by(f64::total_cmp);
        assert!(
            (largest[0] - sizes[0]).abs() < 1.0 && (largest[n - 1] - sizes[1]).abs() < 1.0,
            "{name}: {largest:?}"
        );
    }
}

#[test]
fn units_of_the_original_files_are_as_large_on_the_probe_as_in_the_prototype() {
    let probe = SimProbe::by_name("emouse-3b-64").unwrap();
    for (name, [low, high]) in [
        ("121817_SU_waves_allNeg_gridEst.mat", [140.0, 155.0]),
        ("kampff_St_unit_waves_allNeg_2X.mat", [50.0, 75.0]),
    ] {
        let Some(library) = emouse(name) else { return };
        let mut draws = Key::new(101, Stream::Placement, 0).draws();
        let mut sizes = Vec::new();
        for unit in &library.units {
            for _ in 0..8 {
                let place = [35.0, draws.between(20.0, 640.0), 0.0];
                let unit = Library::new(unit, place, LibraryOptions::EMOUSE, RATE, &probe.contacts).unwrap();
                let mut neuron = Neuron::Library(unit);
                let Neuron::Library(unit) = &neuron else { unreachable!() };
                neuron.scale(167.0 / unit.range_uv());
                assert_eq!((neuron.class(), neuron.n_samples()), (NeuronClass::Library, 81));
                let on_probe = peak_to_peak_uv(&neuron.footprint([0.0; 3], &probe.contacts));
                sizes.push(on_probe.into_iter().fold(0.0, f32::max));
            }
        }
        sizes.sort_by(f32::total_cmp);
        let median = f64::from(sizes[sizes.len() / 2]);
        assert!((low..high).contains(&median), "{name}: {median} µV");
    }
}
