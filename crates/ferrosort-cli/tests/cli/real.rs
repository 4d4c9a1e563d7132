//! Short real recordings: two channels, silence, no probe, a switch-on transient, artefacts.

use std::path::Path;

use tempfile::TempDir;

use crate::results::assert_valid;
use crate::support::{ferrosort, manifest, names, path, stderr};

#[test]
fn every_real_recording_gives_a_valid_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real");
    if !folder.exists() {
        eprintln!("SKIPPED: no real recordings in {}", folder.display());
        return;
    }
    let scratch = TempDir::new().unwrap();
    let mut sorted = 0;
    for name in names(&folder) {
        let recording = folder.join(&name);
        if !recording.join("recording.raw").exists() {
            continue;
        }
        for algorithm in ["auto", "kilosort2"] {
            let output = scratch.path().join(format!("{name}-{algorithm}"));
            let args = ["sort", path(&recording), "--output", path(&output), "--quiet"];
            let done = ferrosort(args.into_iter().chain(["--algorithm", algorithm]));
            assert!(done.status.success(), "{name}: {}", stderr(&done));
            assert_valid(&output);
            eprintln!("{name} {algorithm}: {}", manifest(&output)["result"]);
        }
        sorted += 1;
    }
    assert!(sorted >= 7, "{sorted} recordings in {}", folder.display());
}
