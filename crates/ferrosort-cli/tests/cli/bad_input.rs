//! Every kind of unusable input ends in one sentence with the file, the value and the remedy, the right exit code, and
//! nothing left behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{CHANNELS, contents, ferrosort, names, path, recording, samples, sort_args, stderr};

/// What is wrong, the options after `sort` (`{dir}` is a scratch folder with the files of [`prepare`]), the exit code, and
/// parts of the sentence.
struct Case {
    what: &'static str,
    options: &'static str,
    code: i32,
    says: &'static [&'static str],
}

const fn case(what: &'static str, options: &'static str, code: i32, says: &'static [&'static str]) -> Case {
    Case {
        what,
        options,
        code,
        says,
    }
}

const FLAT: &str = "--channels 16 --sample-rate 30000";

const CASES: [Case; 32] = [
    case(
        "missing recording",
        "{dir}/none.bin FLAT",
        2,
        &["none.bin does not exist", "check the path"],
    ),
    case(
        "folder that is no recording",
        "{dir}",
        2,
        &["meta.json", "flat binary file"],
    ),
    case(
        "no channel count",
        "{raw} --sample-rate 30000",
        2,
        &["recording.bin", "pass --channels"],
    ),
    case(
        "no sample rate",
        "{raw} --channels 16",
        2,
        &["recording.bin", "pass --sample-rate"],
    ),
    case(
        "not a whole frame",
        "{raw} --channels 17 --sample-rate 3e4",
        2,
        &["recording.bin", "17", "bytes remain"],
    ),
    case("empty file", "{dir}/empty.bin FLAT", 2, &["empty.bin"]),
    case("unknown type", "{raw} FLAT --dtype int12", 2, &["int12", "float32"]),
    case(
        "sample rate of 0",
        "{raw} --channels 16 --sample-rate 0",
        2,
        &["sample rate is 0", "--sample-rate"],
    ),
    case(
        "gains for other channels",
        "{raw} FLAT --gain-uv 1,2,3",
        2,
        &["3 gains", "16 channels"],
    ),
    case(
        "NaN in the samples",
        "{dir}/nan.f32 FLAT --dtype float32",
        2,
        &["nan.f32", "sample 777", "channel 5", "NaN"],
    ),
    case(
        "range after the end",
        "{rec} --time-range 50..60",
        2,
        &["50", "lasts 12 s"],
    ),
    case(
        "range written wrongly",
        "{rec} --time-range 50-60",
        2,
        &["50-60", "10..20"],
    ),
    case(
        "missing probe",
        "{raw} FLAT --probe {dir}/none.json",
        2,
        &["none.json does not exist"],
    ),
    case(
        "probe that is none",
        "{raw} FLAT --probe {dir}/bad.toml",
        2,
        &["bad.toml"],
    ),
    case(
        "probe beyond the channels",
        "{raw} FLAT --probe {dir}/17.prb",
        2,
        &["17.prb", "channel 16", "16 channels"],
    ),
    case(
        "probe with a channel twice",
        "{raw} FLAT --probe {dir}/twice.prb",
        2,
        &["twice.prb", "channel 3"],
    ),
    case(
        "probe with an infinite position",
        "{raw} FLAT --probe {dir}/inf.prb",
        2,
        &["inf.prb", "finite"],
    ),
    case(
        "pitch of 0",
        "{raw} FLAT --pitch-um 0",
        2,
        &["--pitch-um is 0", "greater than 0"],
    ),
    case(
        "unknown parameter",
        "{rec} --set tresh=[6,2]",
        2,
        &["--set tresh", "did you mean threshold?"],
    ),
    case(
        "value out of range",
        "{rec} --set Th=[6,-2]",
        2,
        &["--set Th", "-2", "greater than 0"],
    ),
    case(
        "value that is none",
        "{rec} --set reorder=yes",
        2,
        &["'yes'", "true or false"],
    ),
    case(
        "unknown name in the file",
        "{rec} --params {dir}/bad.toml",
        2,
        &["bad.toml: lamda", "did you mean lam?"],
    ),
    case(
        "missing parameter file",
        "{rec} --params {dir}/none.toml",
        2,
        &["none.toml does not exist"],
    ),
    case(
        "flag against parameter",
        "{rec} --sample-rate 30000 --set fs=25000",
        2,
        &["--sample-rate", "fs", "25000"],
    ),
    case(
        "filter above the rate",
        "{rec} --sample-rate 250",
        2,
        &["highpass_hz", "150", "below 125"],
    ),
    case(
        "unknown preset",
        "{rec} --compat kilosort3",
        2,
        &["kilosort3", "kilosort2-2.0.2"],
    ),
    case(
        "draws that are none",
        "{rec} --draws {dir}/bad.toml",
        2,
        &["--draws", "bad.toml"],
    ),
    case("no thread", "{rec} --threads 0", 2, &["--threads"]),
    case(
        "output that exists",
        "{rec} --output {dir}/full",
        2,
        &["full exists", "--overwrite"],
    ),
    case(
        "output of somebody else",
        "{rec} --output {dir}/full --overwrite",
        2,
        &["full", "neither empty nor a sorting"],
    ),
    case(
        "output on top of the recording",
        "{dir}/full/a.bin FLAT --output {dir}/full --overwrite",
        2,
        &["holds the input"],
    ),
    case(
        "output below a file",
        "{rec} --output {dir}/empty.bin/out",
        3,
        &["cannot create", "empty.bin"],
    ),
];

fn prepare(dir: &Path) {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
    write("empty.bin", "");
    write("bad.toml", "lamda = 3\n");
    let probe = |name: &str, channels: &[usize], y: &dyn Fn(usize) -> String| {
        let geometry: Vec<String> = (0..channels.len()).map(|i| format!("(0, {})", y(i))).collect();
        let list = geometry.join(", ");
        write(
            name,
            &format!("channel_groups = {{0: {{'channels': {channels:?}, 'geometry': [{list}]}}}}\n"),
        );
    };
    let line = |i: usize| (20 * i).to_string();
    let all: Vec<usize> = (0..CHANNELS).collect();
    probe("17.prb", &(0..=CHANNELS).collect::<Vec<_>>(), &line);
    probe("twice.prb", &[0, 1, 2, 3, 3], &line);
    probe("inf.prb", &all, &|i| if i == 4 { "1e999".into() } else { line(i) });
    let frames = 20000;
    let mut values = vec![0.0f32; frames * CHANNELS];
    values[777 * CHANNELS + 5] = f32::NAN;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(dir.join("nan.f32"), bytes).unwrap();
    fs::create_dir(dir.join("full")).unwrap();
    fs::copy(samples(), dir.join("full/a.bin")).unwrap();
}

#[test]
fn unusable_input_is_one_sentence_and_leaves_nothing() {
    let scratch = TempDir::new().unwrap();
    let dir = scratch.path();
    prepare(dir);
    let before = contents(dir);
    for case in &CASES {
        let options = case
            .options
            .replace("FLAT", FLAT)
            .replace("{raw}", path(&samples()))
            .replace("{rec}", path(recording()))
            .replace("{dir}", path(dir));
        let output = dir.join("out");
        let mut args: Vec<&str> = ["sort"].into_iter().chain(options.split(' ')).collect();
        if !args.contains(&"--output") {
            args.extend(["--output", path(&output)]);
        }
        let done = ferrosort(args);
        let text = stderr(&done);
        assert_eq!(done.status.code(), Some(case.code), "{}: {text}", case.what);
        let error = text
            .lines()
            .find(|line| line.starts_with("error: "))
            .unwrap_or_default();
        for part in case.says {
            assert!(text.contains(part), "{}: no '{part}' in: {text}", case.what);
        }
        assert!(!error.is_empty() && !text.contains("panicked"), "{}: {text}", case.what);
        assert!(contents(dir) == before, "{}: {:?} in the folder", case.what, names(dir));
    }
}

#[test]
fn a_full_disk_is_an_io_error_that_leaves_nothing() {
    let scratch = TempDir::new().unwrap();
    let args = sort_args(&scratch.path().join("out"), &["--quiet"]);
    // Files may grow to 64 KiB; a write beyond fails as on a full disk.
    let done = Command::new("bash")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 64; exec \"$@\"",
            "bash",
            env!("CARGO_BIN_EXE_ferrosort"),
        ])
        .args(args)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    assert!(stderr(&done).starts_with("error: cannot write "), "{}", stderr(&done));
    assert_eq!(names(scratch.path()), Vec::<String>::new());
}

#[test]
#[cfg(unix)]
fn folders_and_files_without_permission_are_io_errors() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = TempDir::new().unwrap();
    let closed = scratch.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::copy(samples(), closed.join("a.bin")).unwrap();
    fs::set_permissions(closed.join("a.bin"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(closed.join("a.bin")).is_ok() {
        eprintln!("SKIPPED: this user may read everything");
        return;
    }
    let flat: Vec<&str> = FLAT.split(' ').collect();
    let file = closed.join("a.bin");
    let output = scratch.path().join("out");
    let done = ferrosort([["sort", path(&file), "--output", path(&output)].as_slice(), &flat].concat());
    assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    assert!(stderr(&done).contains("cannot read"), "{}", stderr(&done));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let done = ferrosort(sort_args(&closed.join("out"), &[]));
    assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
}
