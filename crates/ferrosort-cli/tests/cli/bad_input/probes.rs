//! Probe files of every format, and probes that do not fit the recording.

use std::fs::{self, File};
use std::path::Path;

use ferrosort_formats::matlab::{MatVariable, write_mat};
use tempfile::TempDir;

use super::{Case, case, check, nested, write};
use crate::support::CHANNELS;

#[rustfmt::skip]
const FILES: &[Case] = &[
    case("missing probe", "sort {raw} FLAT --probe {dir}/none.json", 2, &["none.json does not exist", "path of the probe"]),
    case("probe that is a folder", "sort {raw} FLAT --probe {dir}", 2, &["is a folder, not a file", "probe"]),
    case("empty probe", "sort {raw} FLAT --probe {dir}/empty.prb", 2, &["empty.prb does not assign channel_groups"]),
    case("settings as a probe", "sort {raw} FLAT --probe {dir}/bad.toml", 2, &["bad.toml does not assign channel_groups"]),
    case("picture as a probe", "sort {raw} FLAT --probe {dir}/picture.png", 2, &["picture.png cannot be read as a MATLAB file"]),
    case("text that is none", "sort {raw} FLAT --probe {dir}/latin.prb", 2, &["latin.prb is not a known probe file"]),
    case("probe of 65 MiB", "sort {raw} FLAT --probe {dir}/large.json", 2, &["large.json is larger than 64 MiB", "probe"]),
    case("samples as a probe", "sort {raw} FLAT --probe {raw}", 2, &["recording.bin cannot be read as a MATLAB file"]),
];

#[rustfmt::skip]
const PYTHON: &[Case] = &[
    case("code in a .prb", "sort {raw} FLAT --probe {dir}/code.prb", 2, &["code.prb line 1", "nothing is executed"]),
    case("brackets in brackets", "sort {raw} FLAT --probe {dir}/deep.prb", 2, &["deep.prb line 1", "nothing is executed"]),
    case("range without an end", "sort {raw} FLAT --probe {dir}/range.prb", 2, &["range.prb", "range"]),
    case("names that double", "sort {raw} FLAT --probe {dir}/doubling.prb", 2, &["doubling.prb"]),
    case("groups that are no dictionary", "sort {raw} FLAT --probe {dir}/list.prb", 2, &["list.prb: channel_groups is not a dictionary"]),
    case("group without channels", "sort {raw} FLAT --probe {dir}/none.prb", 2, &["none.prb: group 0 has no 'channels'"]),
    case("group without places", "sort {raw} FLAT --probe {dir}/placeless.prb", 2, &["placeless.prb: group 0 has no 'geometry'"]),
    case("channel without a place", "sort {raw} FLAT --probe {dir}/hole.prb", 2, &["hole.prb: group 0 has no position (x, y) for channel 1"]),
    case("channel and a half", "sort {raw} FLAT --probe {dir}/half.prb", 2, &["half.prb: the channel of contact 0 is 1.5"]),
    case("negative channel", "sort {raw} FLAT --probe {dir}/negative.prb", 2, &["negative.prb: the channel of contact 0 is -1"]),
    case("probe beyond the channels", "sort {raw} FLAT --probe {dir}/17.prb", 2, &["17.prb", "channel 16", "16 channels", "1-based"]),
    case("probe with a channel twice", "sort {raw} FLAT --probe {dir}/twice.prb", 2, &["twice.prb uses channel 3", "more than one"]),
    case("probe with an infinite place", "sort {raw} FLAT --probe {dir}/inf.prb", 2, &["inf.prb", "contact 4", "finite"]),
    case("probe as large as a planet", "sort {raw} FLAT --probe {dir}/planet.prb", 2, &["planet.prb", "contact 4", "µm"]),
];

#[rustfmt::skip]
const JSON: &[Case] = &[
    case("JSON cut short", "sort {raw} FLAT --probe {dir}/cut.json", 2, &["cut.json is not valid JSON", "EOF"]),
    case("JSON of brackets", "sort {raw} FLAT --probe {dir}/deep.json", 2, &["deep.json is not valid JSON", "recursion limit"]),
    case("JSON of something else", "sort {raw} FLAT --probe {dir}/other.json", 2, &["other.json is not a known probe file"]),
    case("probeinterface without probes", "sort {raw} FLAT --probe {dir}/probeless.json", 2, &["probeless.json", "probes"]),
    case("probeinterface without contacts", "sort {raw} FLAT --probe {dir}/contactless.json", 2, &["contactless.json has no connected contact"]),
    case("nothing wired", "sort {raw} FLAT --probe {dir}/unwired.json", 2, &["unwired.json has no connected contact"]),
    case("unequal lengths", "sort {raw} FLAT --probe {dir}/unequal.json", 2, &["unequal.json", "1 entries", "2"]),
    case("places in one dimension", "sort {raw} FLAT --probe {dir}/flat.json", 2, &["flat.json", "contact 0"]),
    case("unknown unit of length", "sort {raw} FLAT --probe {dir}/parsec.json", 2, &["parsec.json", "parsec"]),
    case("Kilosort4 with unequal lengths", "sort {raw} FLAT --probe {dir}/ks4.json", 2, &["ks4.json: xc has 1 entries but there are 2 channels"]),
    case("Kilosort4 with text for numbers", "sort {raw} FLAT --probe {dir}/ks4-text.json", 2, &["ks4-text.json is not a Kilosort4 probe", "invalid type"]),
];

#[rustfmt::skip]
const MATLAB: &[Case] = &[
    case("NaN in a channel map", "sort {raw} FLAT --probe {dir}/nan.mat", 2, &["nan.mat", "contact 1", "NaN", "finite"]),
    case("channel 0 of a 1-based map", "sort {raw} FLAT --probe {dir}/zero.mat", 2, &["zero.mat: chanMap of site 0 is 0", "from 1"]),
    case("NaN as a channel", "sort {raw} FLAT --probe {dir}/nan-map.mat", 2, &["nan-map.mat: chanMap of site 0 is NaN"]),
    case("unequal lengths in a map", "sort {raw} FLAT --probe {dir}/lengths.mat", 2, &["lengths.mat: xcoords has 1 entries but there are 2 channels"]),
    case("no channel map in it", "sort {raw} FLAT --probe {dir}/mapless.mat", 2, &["mapless.mat has no variable 'chanMap'", "xcoords"]),
    case("nothing connected", "sort {raw} FLAT --probe {dir}/loose.mat", 2, &["loose.mat has no connected contact"]),
    case("channel map cut short", "sort {raw} FLAT --probe {dir}/cut.mat", 2, &["cut.mat cannot be read as a MATLAB file"]),
    case("HDF5 without content", "sort {raw} FLAT --probe {dir}/empty73.mat", 2, &["empty73.mat cannot be read as a MATLAB file"]),
    case("v4 that claims too much", "sort {raw} FLAT --probe {dir}/claim4.mat", 2, &["claim4.mat cannot be read as a MATLAB file"]),
];

#[rustfmt::skip]
const PLACES: &[Case] = &[
    case("pitch of 0", "sort {raw} FLAT --pitch-um 0", 2, &["--pitch-um is 0", "greater than 0"]),
    case("negative pitch", "sort {raw} FLAT --pitch-um=-20", 2, &["--pitch-um is -20", "greater than 0"]),
    case("pitch that is no number", "sort {raw} FLAT --pitch-um nan", 2, &["--pitch-um is NaN"]),
    case("pitch of a planet", "sort {raw} FLAT --pitch-um 1e300", 2, &["assumed line", "µm"]),
];

#[cfg(unix)]
#[rustfmt::skip]
const SPECIAL: &[Case] = &[
    case("pipe as a probe", "sort {raw} FLAT --probe {dir}/pipe", 2, &["pipe is a named pipe, not a file", "probe"]),
    case("device as a probe", "sort {raw} FLAT --probe /dev/zero", 2, &["/dev/zero is a device, not a file"]),
    case("probe that leads to itself", "sort {raw} FLAT --probe {dir}/loop", 3, &["cannot read", "loop", "symbolic links"]),
    case("file of the kernel as a probe", "sort {raw} FLAT --probe /proc/self/limits", 2, &["/proc/self/limits"]),
];

fn prepare_python(dir: &Path) {
    write(dir, "code.prb", "import os; os.remove('x')\n");
    write(dir, "deep.prb", format!("channel_groups = {}", nested("[")));
    write(
        dir,
        "range.prb",
        "channel_groups = {0: {'channels': range(1000000000000), 'geometry': {0: (0, 0)}}}",
    );
    let doubling: Vec<String> = (1..40).map(|i| format!("a{i} = [a{0}, a{0}]", i - 1)).collect();
    let doubling = doubling.join("\n");
    write(
        dir,
        "doubling.prb",
        format!("a0 = [1]\n{doubling}\nchannel_groups = a39\n"),
    );
    write(dir, "list.prb", "channel_groups = [1, 2]\n");
    let group = |name: &str, text: &str| write(dir, name, format!("channel_groups = {{0: {{{text}}}}}\n"));
    group("none.prb", "'geometry': [(0, 0)]");
    group("placeless.prb", "'channels': [0, 1]");
    group("hole.prb", "'channels': [0, 1], 'geometry': {0: (0, 0)}");
    group("half.prb", "'channels': [1.5], 'geometry': [(0, 0)]");
    group("negative.prb", "'channels': [-1], 'geometry': [(0, 0)]");
    let probe = |name: &str, channels: &[usize], y: &dyn Fn(usize) -> String| {
        let geometry: Vec<String> = (0..channels.len()).map(|i| format!("(0, {})", y(i))).collect();
        group(
            name,
            &format!("'channels': {channels:?}, 'geometry': [{}]", geometry.join(", ")),
        );
    };
    let line = |i: usize| (20 * i).to_string();
    let all: Vec<usize> = (0..CHANNELS).collect();
    probe("17.prb", &(0..=CHANNELS).collect::<Vec<_>>(), &line);
    probe("twice.prb", &[0, 1, 2, 3, 3], &line);
    probe("inf.prb", &all, &|i| if i == 4 { "1e999".into() } else { line(i) });
    probe("planet.prb", &all, &|i| if i == 4 { "1e300".into() } else { line(i) });
}

fn prepare_json(dir: &Path) {
    write(
        dir,
        "cut.json",
        r#"{"specification": "probeinterface", "probes": [{"contact_pos"#,
    );
    write(dir, "deep.json", format!("{{\"specification\": {}", nested("[")));
    write(dir, "other.json", r#"{"channels": [0, 1]}"#);
    write(dir, "probeless.json", r#"{"specification": "probeinterface"}"#);
    let one = |name: &str, text: &str| {
        write(
            dir,
            name,
            format!(r#"{{"specification": "probeinterface", "probes": [{{{text}}}]}}"#),
        );
    };
    one("contactless.json", r#""contact_positions": []"#);
    one(
        "unwired.json",
        r#""contact_positions": [[0, 0]], "device_channel_indices": [-1]"#,
    );
    one(
        "unequal.json",
        r#""contact_positions": [[0, 0], [0, 20]], "device_channel_indices": [1]"#,
    );
    one("flat.json", r#""contact_positions": [[0]]"#);
    one("parsec.json", r#""si_units": "parsec", "contact_positions": [[0, 0]]"#);
    write(dir, "ks4.json", r#"{"chanMap": [0, 1], "xc": [0], "yc": [0, 20]}"#);
    write(dir, "ks4-text.json", r#"{"chanMap": ["a"], "xc": [0], "yc": [0]}"#);
}

fn prepare_matlab(dir: &Path) {
    let map = |name: &str, variables: &[(&str, &[f64])]| {
        let variables: Vec<MatVariable> = variables
            .iter()
            .map(|(name, values)| MatVariable::column(name, values))
            .collect();
        write_mat(&dir.join(name), &variables).unwrap();
    };
    map("nan.mat", &[("chanMap", &[1.0, 2.0]), ("xcoords", &[0.0, f64::NAN])]);
    map("zero.mat", &[("chanMap", &[0.0, 1.0])]);
    map("nan-map.mat", &[("chanMap", &[f64::NAN, 1.0])]);
    map("lengths.mat", &[("chanMap", &[1.0, 2.0]), ("xcoords", &[0.0])]);
    map("mapless.mat", &[("xcoords", &[0.0, 1.0])]);
    map("loose.mat", &[("chanMap", &[1.0, 2.0]), ("connected", &[0.0, 0.0])]);
    map("cut.mat", &[("chanMap", &[1.0, 2.0])]);
    let mut cut = fs::read(dir.join("cut.mat")).unwrap();
    cut.truncate(cut.len() - 9);
    write(dir, "cut.mat", cut);
    let mut hdf5 = vec![0; 512];
    hdf5.extend(b"\x89HDF\r\n\x1a\n");
    write(dir, "empty73.mat", hdf5);
    let claim: Vec<u8> = [0u32, u32::MAX, u32::MAX, 0, 2]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    write(dir, "claim4.mat", [claim, b"a\0".to_vec()].concat());
}

#[test]
fn files_that_are_no_probe() {
    let scratch = TempDir::new().unwrap();
    let dir = scratch.path();
    write(dir, "empty.prb", "");
    write(dir, "bad.toml", "lamda = 3\n");
    write(dir, "picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    write(dir, "latin.prb", b"channel_groups = {} # \xb5m");
    File::create(dir.join("large.json")).unwrap().set_len(65 << 20).unwrap();
    check(dir, FILES);
    check(dir, PLACES);
}

#[test]
fn python_probes() {
    let scratch = TempDir::new().unwrap();
    prepare_python(scratch.path());
    check(scratch.path(), PYTHON);
}

#[test]
fn json_probes() {
    let scratch = TempDir::new().unwrap();
    prepare_json(scratch.path());
    check(scratch.path(), JSON);
}

#[test]
fn matlab_probes() {
    let scratch = TempDir::new().unwrap();
    prepare_matlab(scratch.path());
    check(scratch.path(), MATLAB);
}

#[test]
#[cfg(unix)]
fn what_is_no_file() {
    let scratch = TempDir::new().unwrap();
    super::prepare_special(scratch.path());
    check(scratch.path(), SPECIAL);
}
