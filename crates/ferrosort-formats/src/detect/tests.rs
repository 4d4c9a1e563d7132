#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::*;

/// A folder with empty files; those that end in `.meta` say that they are SpikeGLX's.
fn folder(files: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = if path.extension().is_some_and(|e| e == "meta") {
            "nSavedChans=1\n"
        } else {
            ""
        };
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn message(folder: &TempDir, stream: Option<&str>) -> String {
    in_folder(folder.path(), stream).unwrap_err().to_string()
}

#[test]
fn the_spike_band_of_a_run_and_its_triggers_in_order() {
    let folder = folder(&[
        "r_g0/r_g0_imec0/r_g0_t10.imec0.ap.bin",
        "r_g0/r_g0_imec0/r_g0_t10.imec0.ap.meta",
        "r_g0/r_g0_imec0/r_g0_t9.imec0.ap.bin",
        "r_g0/r_g0_imec0/r_g0_t9.imec0.ap.meta",
        "r_g0/r_g0_imec0/r_g0_t9.imec0.lf.bin",
        "r_g0/r_g0_imec0/r_g0_t9.imec0.lf.meta",
        "r_g0/r_g0_t9.nidq.bin",
        "r_g0/r_g0_t9.nidq.meta",
        "r_g0/notes.bin",
    ]);
    let names = |found: Found| -> Vec<String> {
        let Found::SpikeGlx(files) = found else { panic!() };
        files
            .iter()
            .map(|f| f.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(
        names(in_folder(folder.path(), None).unwrap()),
        ["r_g0_t9.imec0.ap.bin", "r_g0_t10.imec0.ap.bin"]
    );
    assert_eq!(
        names(in_folder(folder.path(), Some("nidq")).unwrap()),
        ["r_g0_t9.nidq.bin"]
    );
    let message = message(&folder, Some("imec1.ap"));
    assert!(
        message.contains("no stream 'imec1.ap'") && message.contains("imec0.lf ("),
        "{message}"
    );
}

#[test]
fn several_recordings_are_listed_and_nothing_is_said() {
    let two = folder(&["a.imec0.ap.bin", "a.imec0.ap.meta", "a.imec1.ap.bin", "a.imec1.ap.meta"]);
    let text = message(&two, None);
    assert!(
        text.contains("2 recordings: imec0.ap (") && text.contains("--stream"),
        "{text}"
    );
    let none = folder(&["a.bin", "sub/b.txt", ".hidden/a.imec0.ap.meta"]);
    assert!(message(&none, None).contains("no recording that can be recognised"));
}

#[test]
fn metadata_stand_for_their_data() {
    let folder = folder(&["a.imec0.ap.bin", "a.imec0.ap.meta", "b.bin"]);
    let found = of_files(&[folder.path().join("a.imec0.ap.meta")]);
    assert_eq!(found, Some(Found::SpikeGlx(vec![folder.path().join("a.imec0.ap.bin")])));
    assert_eq!(of_files(&[folder.path().join("b.bin")]), None);
}

#[test]
fn recordings_of_an_experiment_are_one_and_experiments_are_not() {
    let one = folder(&[
        "Record Node 101/experiment1/recording10/structure.oebin",
        "Record Node 101/experiment1/recording2/structure.oebin",
        "Record Node 101/experiment1/recording2/continuous/A-100.P/continuous.dat",
    ]);
    let path = |name: &str| one.path().join("Record Node 101/experiment1").join(name);
    let both = [path("recording2/structure.oebin"), path("recording10/structure.oebin")];
    let found = in_folder(one.path(), Some("any")).unwrap();
    assert_eq!(found, Found::OpenEphys(both.to_vec(), None));
    let data = path("recording2/continuous/A-100.P/continuous.dat");
    let stream = Some("A-100.P".to_owned());
    assert_eq!(of_files(&[data]), Some(Found::OpenEphys(both[..1].to_vec(), stream)));
    let two = folder(&[
        "experiment1/recording1/structure.oebin",
        "experiment2/recording1/structure.oebin",
    ]);
    assert!(message(&two, None).contains("2 recordings: experiment1 ("));
}

#[test]
fn files_of_one_session_are_one() {
    let folder = TempDir::new().unwrap();
    for name in ["rat_260101_120100.rhd", "rat_260101_120000.rhd", "note.rhd"] {
        let bytes: &[u8] = if name == "note.rhd" {
            b"text"
        } else {
            &0xC691_2702u32.to_le_bytes()
        };
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let files = ["rat_260101_120000.rhd", "rat_260101_120100.rhd"].map(|name| folder.path().join(name));
    assert_eq!(in_folder(folder.path(), None).unwrap(), Found::Intan(files.to_vec()));
    assert_eq!(of_files(&files[1..]), Some(Found::Intan(files[1..].to_vec())));
}
