//! `ferrosort info`.

use tempfile::TempDir;

use crate::support::{ferrosort, path, recording, samples, stderr, stdout};

#[test]
fn facts_of_a_recording_folder() {
    let done = ferrosort(["info", path(recording())]);
    let text = stdout(&done);
    assert!(done.status.success(), "{}", stderr(&done));
    for part in [
        "channels     16",
        "30000 Hz",
        "12.000 s",
        "int16",
        "2.34375 µV",
        "16 contacts on 1 shank",
        "no likely mistake",
    ] {
        assert!(text.contains(part), "no '{part}' in: {text}");
    }
}

#[test]
fn likely_mistakes_of_a_flat_file() {
    let scratch = TempDir::new().unwrap();
    let floats = scratch.path().join("floats.bin");
    let bytes: Vec<u8> = (0..4 * 30000u32)
        .flat_map(|i| (((f64::from(i) * 0.7).sin() * 20.0) as f32).to_le_bytes())
        .collect();
    std::fs::write(&floats, bytes).unwrap();
    let done = ferrosort(["info", path(&floats), "--channels", "4", "--sample-rate", "30000"]);
    assert!(stdout(&done).contains("warning: "), "{}", stdout(&done));
    assert!(stdout(&done).contains("float32"), "{}", stdout(&done));
    let done = ferrosort(["info", path(&samples()), "--channels", "16", "--sample-rate", "30000"]);
    assert!(stdout(&done).contains("probe        none"), "{}", stdout(&done));
    assert_eq!(ferrosort(["info", path(&samples())]).status.code(), Some(2));
}
