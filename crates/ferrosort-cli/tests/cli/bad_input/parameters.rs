//! Parameters, presets, random draws and other options of `sort`.

use std::fs::{self, File};
use std::path::Path;

use ndarray::array;
use ndarray_npy::NpzWriter;
use tempfile::TempDir;

use super::{Case, case, check, claim_more, nested, write};

#[rustfmt::skip]
const SINGLE: &[Case] = &[
    case("unknown parameter", "sort {rec} --set tresh=[6,2]", 2, &["--set tresh", "did you mean threshold?"]),
    case("value out of range", "sort {rec} --set Th=[6,-2]", 2, &["--set Th", "-2", "greater than 0"]),
    case("value that is none", "sort {rec} --set reorder=yes", 2, &["'yes'", "true or false"]),
    case("text for a number", "sort {rec} --set lam=\"ten\"", 2, &["--set lam", "a number is expected"]),
    case("list for a number", "sort {rec} --set lam=[1,2]", 2, &["--set lam", "a number is expected"]),
    case("number for a list", "sort {rec} --set Th=6", 2, &["--set Th", "a list of 2 numbers"]),
    case("list of another length", "sort {rec} --set Th=[6,4,2]", 2, &["--set Th", "a list of 2 numbers"]),
    case("number for a flag", "sort {rec} --set reorder=7", 2, &["--set reorder", "true or false"]),
    case("fraction for a count", "sort {rec} --set nt0=61.5", 2, &["--set nt0", "whole number"]),
    case("NaN as a parameter", "sort {rec} --set fshigh=nan", 2, &["--set fshigh", "nan"]),
    case("infinite batch", "sort {rec} --set NT=inf", 2, &["--set NT", "inf"]),
    case("huge batch", "sort {rec} --algorithm kilosort2 --set NT=9000000000000000000", 2, &["--set NT", "9000000000000000000"]),
    case("batch of nothing", "sort {rec} --set NT=0", 2, &["--set NT", "0"]),
    case("batch shorter than its overlap", "sort {rec} --set NT=1025 --set ntbuff=64", 2, &["batch_samples (NT) is 1025", "1088 or more"]),
    case("huge template", "sort {rec} --algorithm kilosort2 --set nt0=1000000000000", 2, &["--set nt0", "1000000000000"]),
    case("trough outside the template", "sort {rec} --algorithm kilosort2 --set nt0min=61", 2, &["trough_sample (nt0min) is 61", "1 to 60"]),
    case("no name", "sort {rec} --set =5", 2, &["--set"]),
    case("no value", "sort {rec} --set Th=", 2, &["--set Th=", "is not a value"]),
    case("no equals sign", "sort {rec} --set Th", 2, &["--set Th has no '='"]),
    case("one parameter by two names", "sort {rec} --set Th=[6,2] --set threshold=[7,2]", 2, &["two names of the parameter threshold"]),
    case("value of brackets", "sort {rec} --set Th={deep}", 2, &["is not a value"]),
    case("low-pass below the high-pass", "sort {rec} --set fslow=100", 2, &["lowpass_hz (fslow) is 100", "150"]),
    case("high-pass above the rate", "sort {rec} --set fshigh=15000", 2, &["highpass_hz (fshigh) is 15000", "below 15000"]),
    case("unknown switch", "sort {rec} --set compat.nonsense=true", 2, &["compat.nonsense"]),
    case("flag against parameter", "sort {rec} --sample-rate 30000 --set fs=25000", 2, &["--sample-rate", "fs", "25000"]),
    case("channels against parameter", "sort {raw} FLAT --set NchanTOT=17", 2, &["--channels is 16", "NchanTOT", "17"]),
];

#[rustfmt::skip]
const FILES: &[Case] = &[
    case("unknown name in the file", "sort {rec} --params {dir}/unknown.toml", 2, &["unknown.toml: lamda", "did you mean lam?"]),
    case("missing parameter file", "sort {rec} --params {dir}/none.toml", 2, &["none.toml does not exist", "--params"]),
    case("parameter file that is a folder", "sort {rec} --params {dir}", 2, &["is a folder, not a file", "--params"]),
    case("parameter file of bytes", "sort {rec} --params {dir}/bytes.toml", 2, &["bytes.toml is not text in UTF-8"]),
    case("parameter file that does not end", "sort {rec} --params {dir}/open.toml", 2, &["open.toml, line 2"]),
    case("parameter file of brackets", "sort {rec} --params {dir}/deep.toml", 2, &["deep.toml, line 1"]),
    case("parameter twice", "sort {rec} --params {dir}/twice.toml", 2, &["twice.toml, line 2", "duplicate key"]),
    case("parameter by two names", "sort {rec} --params {dir}/names.toml", 2, &["names.toml", "two names of the parameter threshold"]),
    case("parameters in a table", "sort {rec} --params {dir}/table.toml", 2, &["table.toml: matching"]),
    case("wrong type in the file", "sort {rec} --params {dir}/type.toml", 2, &["type.toml: Th", "a list of 2 numbers"]),
    case("date for a number", "sort {rec} --params {dir}/date.toml", 2, &["date.toml: lam", "a number is expected"]),
    case("samples as parameters", "sort {rec} --params {raw}", 2, &["recording.bin"]),
];

#[rustfmt::skip]
const OPTIONS: &[Case] = &[
    case("unknown preset", "sort {rec} --compat kilosort3", 2, &["kilosort3"]),
    case("unknown sorter", "sort {rec} --algorithm kilosort9", 2, &["kilosort9"]),
    case("unknown option", "sort {rec} --treshold 5", 2, &["--treshold"]),
    case("unknown command", "srot {rec}", 2, &["srot"]),
    case("preset for another sorter", "sort {rec} --algorithm auto --compat kilosort2-2.0.2", 2, &["--compat is for the Kilosort algorithms", "--algorithm kilosort2"]),
    case("processed data of auto", "sort {rec} --algorithm auto --keep-processed", 2, &["--keep-processed is for the Kilosort algorithms"]),
    case("draws for another sorter", "sort {rec} --algorithm auto --draws {dir}/types.npz", 2, &["--draws is for the Kilosort algorithms"]),
    case("no thread", "sort {rec} --threads 0", 2, &["--threads"]),
    case("threads beyond all machines", "sort {rec} --threads 100000", 2, &["--threads is 100000", "1 to 1024"]),
    case("unknown log format", "sort {rec} --log-format xml", 2, &["xml", "--log-format"]),
];

#[rustfmt::skip]
const DRAWS: &[Case] = &[
    case("missing draws", "sort {rec} --draws {dir}/none.npz", 2, &["none.npz does not exist"]),
    case("draws that are none", "sort {rec} --draws {dir}/unknown.toml", 2, &["unknown.toml cannot be read", "not a NumPy pack"]),
    case("draws cut short", "sort {rec} --draws {dir}/cut.npz", 2, &["cut.npz cannot be read"]),
    case("draws of another type", "sort {rec} --draws {dir}/types.npz", 2, &["types.npz: proto_start does not hold whole numbers"]),
    case("draws of another shape", "sort {rec} --draws {dir}/shape.npz", 2, &["shape.npz: km_start is no matrix"]),
    case("draws that claim too much", "sort {rec} --draws {dir}/claim.npz", 2, &["claim.npz: array 'embed_x0'", "more than it holds"]),
    case("draws of another recording", "sort {rec} --set NT=16448 --draws {dir}/batches.npz", 2, &["cluster starts is for 2 batches", "batch_samples"]),
    case("draws beyond the spikes", "sort {rec} --set NT=16448 --set reorder=false --draws {dir}/beyond.npz", 2, &["name row 2000000000"]),
];

#[cfg(unix)]
#[rustfmt::skip]
const SPECIAL: &[Case] = &[
    case("pipe as parameters", "sort {rec} --params {dir}/pipe", 2, &["pipe is a named pipe, not a file"]),
    case("parameters without an end", "sort {rec} --params /dev/zero", 2, &["/dev/zero is a device, not a file"]),
    case("pipe as draws", "sort {rec} --draws {dir}/pipe", 2, &["pipe is a named pipe, not a file"]),
];

fn prepare_files(dir: &Path) {
    write(dir, "unknown.toml", "lamda = 3\n");
    write(dir, "bytes.toml", b"Th = \xff\n");
    write(dir, "open.toml", "lam = 3\nTh = [6, \n");
    write(dir, "deep.toml", format!("Th = {}", nested("[")));
    write(dir, "twice.toml", "lam = 3\nlam = 4\n");
    write(dir, "names.toml", "Th = [6, 2]\nthreshold = [7, 2]\n");
    write(dir, "table.toml", "[matching]\nlam = 3\n");
    write(dir, "type.toml", "Th = \"high\"\n");
    write(dir, "date.toml", "lam = 1979-05-27\n");
}

fn prepare_draws(dir: &Path) {
    let npz = |name: &str| NpzWriter::new(File::create(dir.join(name)).unwrap());
    let mut types = npz("types.npz");
    types.add_array("proto_start", &array![1.5, 2.0]).unwrap();
    types.finish().unwrap();
    let mut shape = npz("shape.npz");
    shape.add_array("km_start", &array![1i32, 2]).unwrap();
    shape.finish().unwrap();
    let mut batches = npz("batches.npz");
    batches.add_array("km_start", &array![[0i32, 1], [0, 1]]).unwrap();
    batches.finish().unwrap();
    let mut beyond = npz("beyond.npz");
    let rows = array![2_000_000_000i32, 1, 2, 3, 4, 5];
    beyond.add_array("proto_start", &rows).unwrap();
    beyond.finish().unwrap();
    let mut claim = npz("claim.npz");
    claim.add_array("embed_x0", &array![0.5, 0.25]).unwrap();
    claim.finish().unwrap();
    let whole = fs::read(dir.join("types.npz")).unwrap();
    write(dir, "cut.npz", &whole[..whole.len() - 30]);
    claim_more(dir, "claim.npz", "(2,)");
}

#[test]
fn single_parameters() {
    let scratch = TempDir::new().unwrap();
    check(scratch.path(), SINGLE);
}

#[test]
fn parameter_files() {
    let scratch = TempDir::new().unwrap();
    prepare_files(scratch.path());
    check(scratch.path(), FILES);
}

#[test]
fn options_and_draws() {
    let scratch = TempDir::new().unwrap();
    prepare_files(scratch.path());
    prepare_draws(scratch.path());
    check(scratch.path(), OPTIONS);
    check(scratch.path(), DRAWS);
}

#[test]
#[cfg(unix)]
fn what_is_no_file() {
    let scratch = TempDir::new().unwrap();
    super::prepare_special(scratch.path());
    check(scratch.path(), SPECIAL);
}
