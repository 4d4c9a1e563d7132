#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use ferrosort_core::Contact;
use proptest::prelude::*;

use super::*;

fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

/// `(channel, x, y, shank)` of each contact.
fn sites(file: &str) -> Vec<(usize, f64, f64, i64)> {
    let probe = read_probe(&data(file)).unwrap_or_else(|e| panic!("{e}"));
    probe
        .contacts
        .iter()
        .map(|c| (c.channel, c.x_um, c.y_um, c.shank))
        .collect()
}

fn message(file: &str) -> String {
    let error = read_probe(&data(file)).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().contains(file), "{error}");
    error.to_string()
}

#[test]
fn every_storage_of_a_channel_map_gives_the_connected_sites() {
    let expected = [(3, 0.0, 10.0, 1), (1, 32.0, 20.0, 1), (0, 32.0, 40.0, 2)];
    for file in [
        "v4",
        "v5",
        "v5_compressed",
        "compact",
        "uint8",
        "uint16",
        "logical",
        "shank_ind",
        "nan_disconnected",
        "v73",
    ] {
        assert_eq!(sites(&format!("chanmap/{file}.mat")), expected, "{file}");
    }
}

#[test]
fn missing_variables_have_kilosort2_defaults() {
    let all = [
        (3, 0.0, 10.0, 1),
        (1, 32.0, 20.0, 1),
        (2, 0.5, 30.0, 1),
        (0, 32.0, 40.0, 1),
    ];
    assert_eq!(sites("chanmap/no_connected.mat"), all);
    assert_eq!(sites("chanmap/v73_no_kcoords.mat"), all);
    assert_eq!(
        sites("chanmap/no_coordinates.mat"),
        [(3, 0.0, 1.0, 1), (1, 0.0, 2.0, 1), (2, 0.0, 3.0, 2), (0, 0.0, 4.0, 2)]
    );
}

#[test]
fn faulty_channel_maps_are_named() {
    assert!(message("chanmap/unequal.mat").contains("xcoords has 3 entries but there are 4"));
    assert!(message("chanmap/fraction.mat").contains("site 1 is 2.5"));
    assert!(message("chanmap/zero_based.mat").contains("site 3 is 0; channels are whole numbers from 1"));
    let no_map = message("chanmap/no_map.mat");
    assert!(
        no_map.contains("no variable 'chanMap'") && no_map.contains("ycoords"),
        "{no_map}"
    );
}

#[test]
fn probeinterface_files_are_sorted_by_channel_and_unwired_contacts_left_out() {
    assert_eq!(
        sites("json/two_shanks.json"),
        [
            (0, 150.0, 0.0, 1),
            (1, 150.0, 20.0, 1),
            (2, 150.0, 40.0, 1),
            (4, 0.0, 20.0, 0),
            (5, 0.0, 0.0, 0)
        ]
    );
    assert_eq!(sites("json/millimetres.json"), [(0, 0.0, 20.0, 0), (1, 16.0, 40.0, 0)]);
    assert_eq!(
        sites("json/two_probes.json"),
        [
            (0, 0.0, 20.0, 0),
            (1, 0.0, 0.0, 0),
            (2, 500.0, 20.0, 1),
            (3, 500.0, 0.0, 1)
        ]
    );
}

#[test]
fn kilosort4_files_keep_their_order() {
    assert_eq!(
        sites("json/kilosort4.json"),
        [(2, 0.0, 0.0, 0), (0, 32.0, 20.0, 0), (1, 0.0, 40.0, 1)]
    );
}

#[test]
fn prb_files_keep_their_order_and_groups() {
    assert_eq!(
        sites("prb/klusta.prb"),
        [
            (0, 0.0, 90.0, 0),
            (1, 0.0, 60.0, 0),
            (2, 0.0, 30.0, 0),
            (5, 200.5, 10.0, 1),
            (4, 200.5, -10.0, 1)
        ]
    );
    assert_eq!(
        sites("prb/spyking.prb"),
        [
            (1, 0.0, 0.0, 1),
            (2, 0.0, 20.0, 1),
            (3, 0.0, 40.0, 1),
            (4, 0.0, 60.0, 1)
        ]
    );
    assert_eq!(
        sites("prb/python2_names.prb"),
        [(0, 0.0, 0.0, 0), (2, 0.0, 20.0, 0), (3, 50.0, 0.0, 1)]
    );
}

#[test]
fn a_hostile_prb_is_refused_at_its_line_and_not_executed() {
    let text = message("prb/hostile.prb");
    assert!(
        text.contains("line 4") && text.contains("nothing is executed"),
        "{text}"
    );
    assert!(!PathBuf::from("ferrosort-prb-was-executed").exists());
}

#[test]
fn faulty_prb_files_are_named() {
    assert!(message("prb/no_geometry.prb").contains("group 0 has no 'geometry'"));
    assert!(message("prb/unequal.prb").contains("has 3 entries but there are 2"));
    assert!(message("prb/fraction.prb").contains("contact 1 is 1.5"));
    assert!(message("prb/missing_position.prb").contains("group 3 has no position (x, y) for channel 7"));
}

#[test]
fn faulty_json_is_named() {
    let error = |text: &str| parse_probe(text.as_bytes(), "p.json").unwrap_err().to_string();
    assert!(error("{").contains("p.json is not valid JSON"));
    assert!(error("{}").contains("not a known probe file"));
    assert!(error("").contains("channel_groups"));
    let ks4 = r#"{"chanMap": [0, 1], "xc": [0, 0], "yc": [0]}"#;
    assert!(error(ks4).contains("yc has 1 entries but there are 2 channels"));
    assert!(error(r#"{"chanMap": [0.5], "xc": [0], "yc": [0]}"#).contains("contact 0 is 0.5"));
    assert!(error(r#"{"chanMap": [-1], "xc": [0], "yc": [0]}"#).contains("is -1"));
    assert!(error(r#"{"chanMap": "x"}"#).contains("Kilosort4"));
    let pi = |probe: &str| {
        error(&format!(
            r#"{{"specification": "probeinterface", "probes": [{probe}]}}"#
        ))
    };
    assert!(pi(r#"{"contact_positions": [[0, 0, 0]]}"#).contains("3 coordinates"));
    assert!(pi(r#"{"contact_positions": [[0, 0]], "si_units": "inch"}"#).contains("'inch'"));
    assert!(pi(r#"{"contact_positions": [[0, 0]], "shank_ids": []}"#).contains("shank_ids has 0"));
    assert!(pi(r#"{"contact_positions": [[0, 0]], "device_channel_indices": [0, 1]}"#).contains("2 entries"));
    assert!(
        pi(r#"{"contact_positions": [[0, 0]], "device_channel_indices": [0]}, {"contact_positions": []}"#)
            .contains("only 1 of 2 probes")
    );
}

#[test]
fn shank_names_become_numbers() {
    let read = |ids: &str| {
        let json = format!(
            r#"{{"specification": "probeinterface", "probes": [{{"contact_positions": [[0, 0], [0, 1], [0, 2]],
                "shank_ids": {ids}, "annotations": {{"model_name": "m"}}}}]}}"#
        );
        let probe = parse_probe(json.as_bytes(), "p").unwrap();
        assert_eq!(probe.name, "m");
        probe.contacts.iter().map(|c| c.shank).collect::<Vec<_>>()
    };
    assert_eq!(read(r#"["4", "2", "4"]"#), [4, 2, 4]);
    assert_eq!(read(r#"["b", "a", "b"]"#), [0, 1, 0]);
    assert_eq!(read(r#"["b", "7", "b"]"#), [0, 1, 0]);
    assert_eq!(read("[1, 0, 1]"), [1, 0, 1]);
}

#[test]
fn missing_large_and_foreign_files_are_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("p.json");
    assert!(read_probe(&path).unwrap_err().to_string().contains("does not exist"));
    assert!(read_probe(folder.path()).unwrap_err().to_string().contains("folder"));
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(read_probe(&path).unwrap_err().to_string().contains("64 MiB"));
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(
        read_probe(&path)
            .unwrap_err()
            .to_string()
            .contains("not a known probe file")
    );
    std::fs::write(&path, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR0000000000").unwrap();
    assert!(read_probe(&path).unwrap_err().to_string().contains("MATLAB"));
}

#[test]
fn a_written_probe_reads_back_sorted_by_channel() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("p.json");
    let mut probe = Probe::line(5, 12.5).select(&[3, 0, 4]);
    probe.contacts[1].shank = -2;
    write_probe(&path, &probe).unwrap();
    let read = read_probe(&path).unwrap();
    assert_eq!(read, probe.select(&[1, 0, 2]));
    assert_eq!(
        read.contacts[0],
        Contact {
            channel: 0,
            x_um: 0.0,
            y_um: 0.0,
            shank: -2
        }
    );
    let error = write_probe(&folder.path().join("no/p.json"), &probe).unwrap_err();
    assert_eq!(error.exit_code(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_probe(&bytes, "arbitrary");
    }

    #[test]
    fn arbitrary_python_never_panics(text in r"([a-c]|channel_groups|range|list|[0-9]|[\[\](){}:,=+.#'-]|\\|\n| ){0,60}") {
        let _ = prb::read(&text, "arbitrary");
    }

    #[test]
    fn arbitrary_json_never_panics(text in r#"\{"(specification|chanMap)": (\[|\]|[0-9]|,|"|probes|:|\{|\}){0,40}\}"#) {
        let _ = parse_probe(text.as_bytes(), "arbitrary");
    }
}
