//! `ferrosort convert`, and `ferrosort sort` of a folder of another program.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{CHANNELS, ferrosort, names, path, recording, samples, stderr, stdout};

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The small recording as SpikeGLX would have written it: 16 channels of a Neuropixels 2.0 probe and a sync word.
fn spikeglx(folder: &Path) {
    let run = folder.join("run_g0").join("run_g0_imec0");
    fs::create_dir_all(&run).unwrap();
    let flat = fs::read(samples()).unwrap();
    let mut bytes = Vec::with_capacity(flat.len() / CHANNELS * (CHANNELS + 1));
    for frame in flat.chunks_exact(2 * CHANNELS) {
        bytes.extend_from_slice(frame);
        bytes.extend(64i16.to_le_bytes());
    }
    let mut imro = "(21,384)".to_owned();
    for channel in 0..384 {
        write!(imro, "({channel} 1 0 {channel})").unwrap();
    }
    let meta = format!(
        "typeThis=imec\nimDatPrb_pn=NP2000\nimSampRate=30000\nimAiRangeMax=0.5\nimMaxInt=8192\nnSavedChans=17\n\
         snsApLfSy=16,0,1\nacqApLfSy=384,0,1\nsnsSaveChanSubset=0:15,384\n~imroTbl={imro}\n"
    );
    fs::write(run.join("run_g0_t0.imec0.ap.bin"), bytes).unwrap();
    fs::write(run.join("run_g0_t0.imec0.ap.meta"), meta).unwrap();
}

#[test]
fn a_folder_of_spikeglx_is_sorted_and_converted_with_its_probe() {
    let scratch = TempDir::new().unwrap();
    let input = scratch.path().join("data");
    spikeglx(&input);
    let info = stdout(&ferrosort(["info", path(&input)]));
    for part in [
        "channels     17",
        "16 contacts on 1 shank",
        "y 0 to 105 µm",
        "0.762",
        "no likely mistake",
    ] {
        assert!(info.contains(part), "no '{part}' in: {info}");
    }
    let sorting = scratch.path().join("sorting");
    let done = ferrosort(["sort", path(&input), "--output", path(&sorting), "--quiet"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let params = fs::read_to_string(sorting.join("params.py")).unwrap();
    assert!(
        params.contains("n_channels_dat = 17") && params.contains("run_g0_t0.imec0.ap.bin"),
        "{params}"
    );
    assert_eq!(
        json(&sorting.join("run.json"))["probe"]["contacts"]
            .as_array()
            .unwrap()
            .len(),
        16
    );
    let output = scratch.path().join("converted");
    let done = ferrosort(["convert", path(&input), "--output", path(&output)]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(names(&output), ["meta.json", "probe.json", "recording.bin"]);
    let flat = input.join("run_g0/run_g0_imec0/run_g0_t0.imec0.ap.bin");
    assert!(fs::read(output.join("recording.bin")).unwrap() == fs::read(flat).unwrap());
    assert_eq!(
        json(&output.join("meta.json"))["neural_channels"]
            .as_array()
            .unwrap()
            .len(),
        16
    );
    let again = stdout(&ferrosort(["info", path(&output)]));
    assert!(
        again.contains("16 contacts on 1 shank") && again.contains("0.762"),
        "{again}"
    );
}

#[test]
fn outputs_are_replaced_only_when_they_are_conversions() {
    let scratch = TempDir::new().unwrap();
    let output = scratch.path().join("converted");
    let convert = |more: &[&str]| {
        let mut args = vec![
            "convert",
            path(recording()),
            "--output",
            path(&output),
            "--time-range",
            "0..0.1",
        ];
        args.extend(more);
        ferrosort(args)
    };
    assert!(convert(&["--log-format", "json"]).status.success());
    let meta = json(&output.join("meta.json"));
    assert_eq!((&meta["n_samples"], &meta["dtype"]), (&3000.into(), &"int16".into()));
    let refused = convert(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("pass --overwrite"), "{}", stderr(&refused));
    assert!(convert(&["--overwrite"]).status.success());
    let itself = ferrosort(["convert", path(&output), "--output", path(&output), "--overwrite"]);
    assert!(
        stderr(&itself).contains("is the recording itself"),
        "{}",
        stderr(&itself)
    );
    assert_eq!(names(scratch.path()), ["converted"]);
}

#[test]
fn a_compressed_recording_is_sorted_like_the_flat_one() {
    let scratch = TempDir::new().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let run = |args: &[&str]| {
        let done = ferrosort(args);
        assert!(done.status.success(), "{}", stderr(&done));
    };
    run(&[
        "convert",
        path(recording()),
        "--output",
        path(&at("packed")),
        "--compress",
        "--quiet",
    ]);
    assert_eq!(
        names(&at("packed")),
        ["meta.json", "probe.json", "recording.cbin", "recording.ch"]
    );
    for (input, output) in [(recording(), "flat"), (&at("packed"), "compressed")] {
        run(&["sort", path(input), "--output", path(&at(output)), "--quiet"]);
    }
    for file in [
        "spike_times.npy",
        "spike_clusters.npy",
        "amplitudes.npy",
        "templates.npy",
    ] {
        let read = |folder: &str| fs::read(at(folder).join(file)).unwrap();
        assert!(read("flat") == read("compressed"), "{file}");
    }
}
