//! Recordings: flat files, recording folders, ranges of time.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Case, case, check, nested, write};
use crate::support::{CHANNELS, path, samples, stderr};

#[rustfmt::skip]
const FLAT_FILES: &[Case] = &[
    case("missing recording", "sort {dir}/none.bin FLAT", 2, &["none.bin does not exist", "check the path"]),
    case("folder that is no recording", "sort {dir}/empty", 2, &["empty holds no recording", "meta.json", "flat binary file"]),
    case("no channel count", "sort {raw} --sample-rate 30000", 2, &["recording.bin", "pass --channels"]),
    case("no sample rate", "sort {raw} --channels 16", 2, &["recording.bin", "pass --sample-rate"]),
    case("not a whole frame", "sort {raw} --channels 17 --sample-rate 3e4", 2, &["recording.bin", "17 channels", "bytes remain", "16"]),
    case("truncated in a sample", "sort {dir}/odd.bin FLAT", 2, &["odd.bin", "1 bytes remain", "cut the incomplete last frame"]),
    case("empty file", "sort {dir}/empty.bin FLAT", 2, &["empty.bin holds no samples", "0 bytes"]),
    case("unknown type", "sort {raw} FLAT --dtype int12", 2, &["int12", "float32"]),
    case("sample rate of 0", "sort {raw} --channels 16 --sample-rate 0", 2, &["sample rate is 0", "--sample-rate"]),
    case("negative sample rate", "sort {raw} --channels 16 --sample-rate=-30000", 2, &["sample rate is -30000", "greater than 0"]),
    case("sample rate that is no number", "sort {raw} --channels 16 --sample-rate nan", 2, &["sample rate is NaN", "--sample-rate"]),
    case("infinite sample rate", "sort {raw} --channels 16 --sample-rate inf", 2, &["sample rate is inf", "finite"]),
    case("sample rate of a radio", "sort {raw} --channels 16 --sample-rate 1e300", 2, &["at most 1000000 Hz", "--sample-rate"]),
    case("sample rate below the filter", "sort {raw} --channels 16 --sample-rate 250", 2, &["highpass_hz", "150", "below 125"]),
    case("no channels", "sort {raw} --channels 0 --sample-rate 30000", 2, &["number of channels is 0", "--channels"]),
    case("more channels than bytes", "sort {raw} --channels 100000000 --sample-rate 30000", 2, &["number of channels is 100000000", "1 to 131072"]),
    case("channels that overflow", "sort {raw} --channels 9223372036854775808 --sample-rate 30000 --gain-uv 2", 2, &["number of channels is 9223372036854775808"]),
    case("channels in words", "sort {raw} --channels many --sample-rate 30000", 2, &["many", "--channels"]),
    case("negative channels", "sort {raw} --channels=-4 --sample-rate 30000", 2, &["-4", "--channels"]),
    case("gains for other channels", "sort {raw} FLAT --gain-uv 1,2,3", 2, &["3 gains", "16 channels"]),
    case("gain of 0", "sort {raw} FLAT --gain-uv 0", 2, &["gain 0 is 0", "--gain-uv"]),
    case("gain that is no number", "sort {raw} FLAT --gain-uv nan", 2, &["gain 0 is NaN", "--gain-uv"]),
    case("NaN in the samples", "sort {dir}/nan.f32 FLAT --dtype float32", 2, &["nan.f32", "sample 777", "channel 5", "NaN"]),
    case("infinite samples", "sort {dir}/inf.f32 FLAT --dtype float32 --algorithm kilosort2", 2, &["inf.f32", "sample 777", "channel 5", "infinite"]),
    case("offset beyond the end", "sort {raw} FLAT --offset 18446744073709551615", 2, &["recording.bin holds no samples", "--offset"]),
    case("offset that is none", "sort {raw} FLAT --offset=-1", 2, &["-1", "--offset"]),
    case("second file missing", "sort {raw} {dir}/none.bin FLAT", 2, &["none.bin does not exist"]),
    case("folder among files", "sort {raw} {rec} FLAT", 2, &["is a folder", "joined as flat files"]),
    case("second file empty", "sort {raw} {dir}/empty.bin FLAT", 2, &["empty.bin holds no samples"]),
    case("file below a file", "sort {raw}/more.bin FLAT", 3, &["cannot read", "recording.bin/more.bin", "Not a directory"]),
    case("line break and commands in a name", "sort {dir}/a\nb\u{1b}[2J\u{202e}.bin FLAT", 2, &[r"a\nb\u{1b}[2J\u{202e}.bin does not exist"]),
    case("empty name", "info  FLAT", 2, &["a value is required"]),
    case("info of an empty file", "info {dir}/empty.bin FLAT", 2, &["empty.bin holds no samples"]),
    case("info without channels", "info {raw}", 2, &["pass --channels"]),
    case("info of a missing probe", "info {rec} --probe {dir}/none.json", 2, &["none.json does not exist"]),
];

#[cfg(unix)]
#[rustfmt::skip]
const SPECIAL: &[Case] = &[
    case("pipe", "sort {dir}/pipe FLAT", 2, &["pipe is not a file of samples"]),
    case("pipe among files", "info {raw} {dir}/pipe FLAT", 2, &["pipe is not a file of samples"]),
    case("device", "sort /dev/null FLAT", 2, &["/dev/null is not a file of samples"]),
    case("device without an end", "sort /dev/zero FLAT", 2, &["/dev/zero is not a file of samples"]),
    case("link that leads to itself", "sort {dir}/loop FLAT", 3, &["cannot read", "loop", "symbolic links"]),
    case("link to nothing", "sort {dir}/dangling FLAT", 2, &["dangling does not exist"]),
    case("pipe as meta.json", "sort {dir}/piped", 2, &["meta.json is a named pipe", "description of the recording"]),
    case("pipe as data", "sort {dir}/piped-data", 2, &["recording.bin is not a file of samples"]),
    case("file of the kernel", "sort /proc/self/environ FLAT", 2, &["/proc/self/environ holds no samples"]),
];

#[rustfmt::skip]
const RANGES: &[Case] = &[
    case("range after the end", "sort {rec} --time-range 50..60", 2, &["from 50 s to 60 s", "lasts 12 s"]),
    case("range written wrongly", "sort {rec} --time-range 50-60", 2, &["50-60", "10..20"]),
    case("range backwards", "sort {rec} --time-range 6..5", 2, &["'6..5' is empty", "end is not after its start"]),
    case("range of no length", "sort {rec} --time-range 5..5", 2, &["'5..5' is empty"]),
    case("range between two samples", "sort {rec} --time-range 5.00001..5.00002", 2, &["holds no sample"]),
    case("negative range", "sort {rec} --time-range -5..2", 2, &["'-5' is not a time in seconds"]),
    case("range that is no number", "sort {rec} --time-range nan..2", 2, &["'nan' is not a time in seconds"]),
    case("range beyond all numbers", "sort {rec} --time-range 1e300..", 2, &["holds no sample", "lasts 12 s"]),
    case("range twice", "sort {rec} --time-range 0..2 --set trange=[0,3]", 2, &["--time-range", "trange", "give only one"]),
];

#[rustfmt::skip]
const FOLDERS: &[Case] = &[
    case("description that is no JSON", "sort {dir}/malformed", 2, &["malformed/meta.json cannot be understood", "line 2"]),
    case("description of brackets", "sort {dir}/deep", 2, &["deep/meta.json cannot be understood", "EOF while parsing a list"]),
    case("description that is no text", "sort {dir}/binary", 2, &["binary/meta.json is not text in UTF-8", "byte 1"]),
    case("description that is a folder", "sort {dir}/folder", 2, &["meta.json is a folder"]),
    case("description without a rate", "sort {dir}/rateless", 2, &["has no 'sample_rate'", "--sample-rate"]),
    case("channels as text", "sort {dir}/text", 2, &["text/meta.json cannot be understood", "two"]),
    case("negative number of channels", "sort {dir}/negative", 2, &["negative/meta.json cannot be understood", "-2"]),
    case("huge number of channels", "sort {dir}/huge", 2, &["number of channels is 1000000000000"]),
    case("infinite sample rate", "sort {dir}/infinite", 2, &["infinite/meta.json cannot be understood", "out of range"]),
    case("unknown sample type", "sort {dir}/complex", 2, &["complex/meta.json", "complex64", "float32"]),
    case("wrong byte order", "sort {dir}/big", 2, &["byte_order is not little", "convert the file"]),
    case("data file missing", "sort {dir}/dataless", 2, &["dataless has no recording.bin or recording.raw"]),
    case("two data files", "sort {dir}/both", 2, &["has recording.bin and recording.raw"]),
    case("data file cut short", "sort {dir}/short", 2, &["n_samples is 4", "holds 3", "copy may be incomplete"]),
    case("positions of other channels", "sort {dir}/positions", 2, &["channel_positions_um has 1 entries for 2 channels"]),
    case("damaged probe", "sort {dir}/probe", 2, &["probe/probe.json is not valid JSON"]),
    case("gains of other channels", "sort {dir}/gains", 2, &["3 gains", "2 channels"]),
];

fn prepare(dir: &Path) {
    write(dir, "empty.bin", "");
    fs::create_dir(dir.join("empty")).unwrap();
    let mut odd = fs::read(samples()).unwrap();
    odd.truncate(3201);
    write(dir, "odd.bin", odd);
    for (name, value) in [("nan.f32", f32::NAN), ("inf.f32", f32::NEG_INFINITY)] {
        let mut values = vec![0.0f32; 20000 * CHANNELS];
        values[777 * CHANNELS + 5] = value;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        write(dir, name, bytes);
    }
}

fn prepare_folders(dir: &Path) {
    let folder = |name: &str, meta: &str| {
        write(dir, &format!("{name}/meta.json"), meta);
        write(dir, &format!("{name}/recording.bin"), [0u8; 12]);
    };
    let with = |more: &str| format!(r#"{{"n_channels": 2, "sample_rate": 30000{more}}}"#);
    folder("malformed", "{\n\"n_channels\": 2,,");
    folder("deep", &format!("{{\"seed\": {}", nested("[")));
    folder("binary", "");
    write(dir, "binary/meta.json", b"{\xff}");
    write(dir, "folder/meta.json/x", "");
    write(dir, "folder/recording.bin", [0u8; 12]);
    folder("rateless", r#"{"n_channels": 2}"#);
    folder("text", r#"{"n_channels": "two"}"#);
    folder("negative", r#"{"n_channels": -2}"#);
    folder(
        "huge",
        r#"{"n_channels": 1000000000000, "sample_rate": 30000, "gain_to_uV": 1}"#,
    );
    folder("infinite", r#"{"n_channels": 2, "sample_rate": 1e999}"#);
    folder("complex", &with(r#", "dtype": "complex64""#));
    folder("big", &with(r#", "byte_order": "big""#));
    write(dir, "dataless/meta.json", with(""));
    folder("both", &with(""));
    write(dir, "both/recording.raw", [0u8; 12]);
    folder("short", &with(r#", "n_samples": 4"#));
    folder("positions", &with(r#", "channel_positions_um": [[0, 0]]"#));
    folder("probe", &with(""));
    write(dir, "probe/probe.json", "{\"specification\": ");
    folder("gains", &with(r#", "gain_to_uV": [1, 2, 3]"#));
}

#[test]
fn flat_files_and_their_options() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), FLAT_FILES);
    check(scratch.path(), RANGES);
}

#[test]
fn recording_folders() {
    let scratch = TempDir::new().unwrap();
    prepare_folders(scratch.path());
    check(scratch.path(), FOLDERS);
}

#[test]
#[cfg(unix)]
fn what_is_no_file() {
    let scratch = TempDir::new().unwrap();
    let dir = scratch.path();
    super::prepare_special(dir);
    for (folder, name) in [("piped", "meta.json"), ("piped-data", "recording.bin")] {
        fs::create_dir(dir.join(folder)).unwrap();
        fs::hard_link(dir.join("pipe"), dir.join(folder).join(name)).unwrap();
    }
    write(dir, "piped/recording.bin", [0u8; 12]);
    write(
        dir,
        "piped-data/meta.json",
        r#"{"n_channels": 2, "sample_rate": 30000}"#,
    );
    check(dir, SPECIAL);
}

/// Odd names are no mistake.
#[test]
fn names_may_have_any_character() {
    let scratch = TempDir::new().unwrap();
    let odd = scratch.path().join("a b\n'\"脑\\\u{202e};$(x)");
    fs::create_dir(&odd).unwrap();
    let raw = odd.join("raw file.bin");
    fs::copy(samples(), &raw).unwrap();
    let out = odd.join("out");
    let args = [
        "sort",
        path(&raw),
        "--output",
        path(&out),
        "--time-range",
        "..3",
        "--quiet",
    ];
    let args: Vec<String> = args.into_iter().chain(super::FLAT).map(String::from).collect();
    let done = super::run(scratch.path(), &args);
    assert!(done.status.success(), "{}", stderr(&done));
    let report = [
        "report",
        path(&odd.join("out")),
        "--output",
        path(&odd.join("page.html")),
    ]
    .map(String::from);
    let done = super::run(scratch.path(), &report);
    assert!(
        done.status.success() && odd.join("page.html").is_file(),
        "{}",
        stderr(&done)
    );
    // The recording was found by what params.py and run.json say.
    assert!(!stderr(&done).contains("recording"), "{}", stderr(&done));
}
