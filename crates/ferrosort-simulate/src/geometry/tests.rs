use super::*;

fn named(name: &str) -> SimProbe {
    SimProbe::by_name(name).unwrap()
}

fn dead(probe: &SimProbe) -> Vec<usize> {
    let not_connected = probe.contacts.iter().filter(|c| !c.connected);
    not_connected.map(|c| c.channel + 1).collect()
}

fn at(probe: &SimProbe, i: usize) -> [f64; 2] {
    [probe.contacts[i].x_um, probe.contacts[i].y_um]
}

#[test]
fn every_named_geometry_is_valid_and_has_its_number_of_contacts() {
    for (name, n) in [
        ("emouse-3b", 64),
        ("emouse-3b-64", 64),
        ("emouse-3a-384", 384),
        ("emouse-k1", 34),
        ("np1", 384),
        ("np1-64", 64),
        ("np1-kilosort", 384),
        ("np1-nhp", 384),
        ("np2", 384),
        ("np2-4shank", 384),
        ("np-ultra", 384),
        ("tetrode", 4),
        ("tetrode-array-16", 64),
        ("linear-16", 16),
        ("poly3-32", 32),
        ("mea-32x32", 1024),
        ("mea-8x7-200", 56),
    ] {
        let probe = named(name);
        assert_eq!(probe.contacts.len(), n, "{name}");
        assert_eq!(probe.n_channels(), n, "{name}");
        probe.validate().unwrap();
    }
}

#[test]
fn bad_names_are_refused_with_what_would_do() {
    for (name, part) in [
        ("np3", "np2-4shank[-N]"),
        ("emouse-3b-63", "even number"),
        ("np2-4shank-30", "multiple of 4"),
        ("linear", "linear-N"),
        ("linear-0", "from 1 to"),
        ("linear-99999999999999999999", "from 1 to"),
        ("mea-8", "mea-MxN"),
        ("mea-8x8-17", "17.5, 30, 60"),
        ("mea-60000x60000", "from 1 to"),
        ("mea-+8x8", "mea-MxN"),
    ] {
        let message = SimProbe::by_name(name).unwrap_err().to_string();
        assert!(message.contains(part), "{name}: {message}");
    }
}

#[test]
fn the_short_maps_stagger_their_rows_and_leave_references_below_n_out() {
    let probe = named("emouse-3b-64");
    let places = [0, 1, 2, 3, 4, 5, 62, 63].map(|i| at(&probe, i));
    let expected = [
        [43.0, 20.0],
        [11.0, 20.0],
        [59.0, 40.0],
        [27.0, 40.0],
        [43.0, 60.0],
        [11.0, 60.0],
        [59.0, 640.0],
        [27.0, 640.0],
    ];
    assert_eq!(places, expected);
    assert_eq!(probe.bounds_um(), Some([[11.0, 20.0], [59.0, 640.0]]));
    assert!(dead(&probe).is_empty());
    assert_eq!(dead(&named("emouse-3a-64")), [37]);
    assert_eq!(dead(&named("emouse-3a-36")), [0usize; 0]);
    assert_eq!(dead(&named("emouse-3b-192")), [0usize; 0], "strictly smaller");
    assert_eq!(dead(&named("emouse-3b-194")), [192]);
    assert_eq!(dead(&named("emouse-3a-384")).len(), 10);
    assert_eq!(named("emouse-3a-64").to_probe().len(), 63);
}

#[test]
fn the_first_map_has_two_dead_channels_and_single_sites_at_its_ends() {
    let probe = named("emouse-k1");
    assert_eq!(dead(&probe), [33, 34]);
    let rows = |y: f64| probe.connected().filter(|c| c.y_um == y).count();
    let per_row: Vec<usize> = (0..18).map(|r| rows(140.0 + 20.0 * r as f64)).collect();
    assert_eq!(per_row, [1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1]);
    assert_eq!(probe.contacts[2].channel, 7);
    assert!(
        probe
            .connected()
            .zip([0.0, 20.0].into_iter().cycle())
            .all(|(c, x)| c.x_um == x)
    );
}

#[test]
fn both_orientations_of_neuropixels_1_are_mirror_images() {
    let (ours, kilosort) = (named("np1"), named("np1-kilosort"));
    assert_eq!([0, 1, 2, 3].map(|i| ours.contacts[i].x_um), [27.0, 59.0, 11.0, 43.0]);
    for (a, b) in ours.contacts.iter().zip(&kilosort.contacts) {
        assert_eq!((b.x_um, b.y_um), (70.0 - a.x_um, a.y_um + 20.0));
    }
    assert_eq!((dead(&ours), dead(&kilosort)), (vec![192], vec![192]));
}

#[test]
fn the_other_geometries_have_their_pitches() {
    assert_eq!(at(&named("np2"), 383), [59.0, 15.0 * 191.0]);
    let shanks = named("np2-4shank");
    assert_eq!((at(&shanks, 96), shanks.contacts[96].shank), ([277.0, 0.0], 1));
    assert_eq!((at(&shanks, 383), shanks.contacts[383].shank), ([809.0, 705.0], 3));
    assert_eq!(at(&named("np-ultra"), 383), [56.0, 282.0]);
    assert_eq!(at(&named("np1-nhp"), 3), [98.0, 20.0]);
    let array = named("tetrode-array-3");
    assert_eq!((at(&array, 9), array.contacts[9].shank), ([300.0, 10.0], 2));
    let poly = named("poly3-32");
    assert_eq!(
        [at(&poly, 9), at(&poly, 10), at(&poly, 31)],
        [[0.0, 270.0], [30.0, -15.0], [60.0, 270.0]]
    );
    let planar = named("mea-32x32");
    assert_eq!((at(&planar, 33), planar.electrode_factor), ([17.5, 17.5], 2.0));
}

#[test]
fn nine_points_stand_for_a_contact() {
    let points = ContactShape::square(12.0).points_um();
    assert_eq!(
        [points[0], points[4], points[5], points[8]],
        [[-4.0, -4.0], [0.0, 0.0], [4.0, 0.0], [4.0, 4.0]]
    );
    let disc = ContactShape::Disc { radius_um: 6.0 }.points_um();
    assert!(disc.iter().all(|p| p[0].hypot(p[1]) < 6.0));
}

#[test]
fn the_checkerboard_staggers_its_rows_from_zero() {
    let p = neuropixels1_checkerboard(6);
    let expected = [
        [43.0, 0.0],
        [11.0, 0.0],
        [59.0, 20.0],
        [27.0, 20.0],
        [43.0, 40.0],
        [11.0, 40.0],
    ];
    assert_eq!(p.positions_um(), expected);
    assert!(p.validate(6, "checkerboard").is_ok());
    assert_eq!(
        tetrode().positions_um(),
        [[10.0, 0.0], [0.0, 10.0], [-10.0, 0.0], [0.0, -10.0]]
    );
}

#[test]
fn a_channel_used_twice_or_a_contact_without_size_is_refused() {
    let mut probe = named("linear-4");
    probe.contacts[2].channel = 1;
    assert!(probe.validate().unwrap_err().to_string().contains("channel 1"));
    let mut probe = named("linear-4");
    probe.contacts[3].shape = ContactShape::square(f64::NAN);
    assert!(probe.validate().unwrap_err().to_string().contains("contact 3"));
}
