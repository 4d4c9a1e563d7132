//! Results of sorters and truths of simulations: what `compare` and `report` read.

use std::fs::{self, File};
use std::path::Path;

use ferrosort_formats::npy::write_slice;
use ndarray::array;
use ndarray_npy::NpzWriter;
use tempfile::TempDir;

use super::{Case, case, check, integers, nested, write};

#[rustfmt::skip]
const TABLES: &[Case] = &[
    case("missing result", "compare {dir}/a.csv {dir}/none", 2, &["none does not exist", "path of the sorting"]),
    case("one result alone", "compare {dir}/a.csv", 2, &["RESULT"]),
    case("nothing in the folder", "compare {dir}/a.csv {dir}/empty", 2, &["empty holds no sorting", "spike_times.npy"]),
    case("folder of results", "report {dir}/above --output {dir}/r.html", 2, &["above holds no sorting itself", "above/one"]),
    case("file of no kind", "compare {dir}/a.csv {raw}", 2, &["recording.bin is no sorting that is known"]),
    case("words for samples", "compare {dir}/a.csv {dir}/words.csv", 2, &["words.csv line 2", "nonsense,1", "not a sample and a unit"]),
    case("NaN for a sample", "compare {dir}/a.csv {dir}/nan.csv", 2, &["nan.csv line 3", "not a sample and a unit"]),
    case("sample beyond all numbers", "compare {dir}/a.csv {dir}/huge.csv", 2, &["huge.csv line 2", "not a sample and a unit"]),
    case("fraction of a sample", "compare {dir}/a.csv {dir}/half.csv", 2, &["half.csv line 2"]),
    case("row without a unit", "compare {dir}/a.csv {dir}/lone.csv", 2, &["lone.csv line 2"]),
    case("table without units", "compare {dir}/a.csv {dir}/unitless.csv", 2, &["unitless.csv has no column of units", "cluster_id"]),
    case("table without samples", "compare {dir}/a.csv {dir}/sampleless.csv", 2, &["sampleless.csv has no column of samples"]),
    case("seconds without a rate", "compare {dir}/a.csv {dir}/seconds.csv", 2, &["seconds.csv gives times in seconds", "sample rate"]),
    case("seconds at no rate", "compare {dir}/a.csv {dir}/seconds.csv --sample-rate nan", 2, &["--sample-rate is NaN"]),
    case("negative rate", "compare {dir}/a.csv {dir}/a.csv --sample-rate=-5", 2, &["--sample-rate is -5"]),
    case("rate of 0", "report {dir}/a.csv --sample-rate 0 --output {dir}/r.html", 2, &["--sample-rate is 0"]),
    case("rate of a radio", "report {dir}/a.csv --sample-rate 1e300 --output {dir}/r.html", 2, &["--sample-rate is 1e300"]),
    case("summary of an empty folder", "summary {dir}/empty --output {dir}/s.html", 2, &["no sorting to sum up", "empty", "no run.json"]),
    case("summary of nothing", "summary {dir}/none --output {dir}/s.html", 2, &["no sorting to sum up", "no such folder"]),
    case("bytes as a table", "compare {dir}/a.csv {dir}/bytes.csv", 2, &["bytes.csv"]),
];

#[rustfmt::skip]
const ARRAYS: &[Case] = &[
    case("more times than clusters", "compare {dir}/a.csv {dir}/lengths", 2, &["lengths: spike_times.npy has 3 entries but spike_clusters.npy has 2", "damaged or mixes"]),
    case("array cut short", "compare {dir}/a.csv {dir}/cut", 2, &["cut/spike_times.npy cannot be read", "copy may be incomplete"]),
    case("array that is none", "compare {dir}/a.csv {dir}/garbage", 2, &["garbage/spike_times.npy cannot be read", "not a NumPy file"]),
    case("empty array", "compare {dir}/a.csv {dir}/nothing", 2, &["nothing/spike_times.npy cannot be read"]),
    case("array of Python objects", "compare {dir}/a.csv {dir}/objects", 2, &["objects/spike_times.npy cannot be read", "Python objects"]),
    case("array of code", "compare {dir}/a.csv {dir}/code", 2, &["code/spike_times.npy cannot be read", "cannot be understood"]),
    case("header of brackets", "compare {dir}/a.csv {dir}/deep", 2, &["deep/spike_times.npy cannot be read"]),
    case("shape beyond all numbers", "compare {dir}/a.csv {dir}/overflow", 2, &["overflow/spike_times.npy cannot be read", "too large"]),
    case("negative clusters", "compare {dir}/a.csv {dir}/negative", 2, &["negative", "spike_clusters.npy"]),
    case("NaN as a time", "compare {dir}/a.csv {dir}/nan", 2, &["nan/spike_times.npy does not hold whole numbers"]),
    case("templates in two dimensions", "compare {dir}/a.csv {dir}/flat", 2, &["flat/templates.npy does not hold a block of numbers with three axes"]),
    case("damaged manifest", "compare {dir}/a.csv {dir}/manifest", 2, &["manifest/run.json is not valid JSON"]),
    case("manifest of brackets", "compare {dir}/a.csv {dir}/manifest-deep", 2, &["run.json is not valid JSON", "recursion limit"]),
    case("summary of a damaged manifest", "summary {dir}/manifest --output {dir}/s.html", 2, &["no sorting to sum up", "run.json is not valid JSON"]),
    case("summary of brackets", "summary {dir}/manifest-deep --output {dir}/s.html", 2, &["run.json is not valid JSON", "recursion limit"]),
    case("summary in the place of a manifest", "summary {dir}/manifest --output {dir}/manifest/run.json --overwrite", 2, &["part of the input"]),
    case("truth without spikes", "compare {dir}/truth {dir}/a.csv --truth", 2, &["truth holds no sorting"]),
    case("truth without units", "compare {dir}/unitless {dir}/a.csv --truth", 2, &["unitless holds no sorting"]),
    case("truth with a unit too many", "compare {dir}/more {dir}/a.csv --truth", 2, &["units.csv has 1 units but spike_units.npy names unit 5"]),
    case("truth of unequal lengths", "compare {dir}/unequal {dir}/a.csv --truth", 2, &["unequal", "3 entries", "has 2"]),
    case("truth of two billion units", "compare {dir}/billion {dir}/a.csv --truth", 2, &["spike_units.npy does not hold units counted from 0"]),
    case("spikes of no templates", "compare {dir}/a.csv {dir}/templateless", 2, &["spike_templates.npy names the template 0 but templates.npy has 0"]),
    case("rows without values", "compare {dir}/a.csv {dir}/rows", 2, &["rows/templates.npy cannot be read", "holds nothing"]),
    case("table of one column", "compare {dir}/a.csv {dir}/context", 2, &["st3.npy does not hold spikes of the templates"]),
    case("units beyond all numbers", "compare {dir}/a.csv {dir}/context-huge", 2, &["st3.npy does not hold spikes of the templates"]),
    case("truth of units below 0", "compare {dir}/below {dir}/a.csv --truth", 2, &["spike_units.npy does not hold units counted from 0"]),
];

#[rustfmt::skip]
const PACKS: &[Case] = &[
    case("pack without content", "compare {dir}/a.csv {dir}/empty.npz", 2, &["empty.npz"]),
    case("pack cut short", "compare {dir}/a.csv {dir}/cut.npz", 2, &["cut.npz cannot be read", "not a NumPy pack"]),
    case("pack of other arrays", "compare {dir}/a.csv {dir}/other.npz", 2, &["other.npz has no array", "something"]),
    case("rez.mat of bytes", "compare {dir}/a.csv {dir}/rez.mat", 2, &["rez.mat cannot be read as a MATLAB file"]),
    case("empty rez.mat", "compare {dir}/a.csv {dir}/ks/rez.mat", 2, &["ks/rez.mat", "empty"]),
    case("HDF5 of bytes", "compare {dir}/a.csv {dir}/garbage.h5", 2, &["garbage.h5 cannot be read"]),
    case("SpikeInterface's folder without arrays", "compare {dir}/a.csv {dir}/numpy", 2, &["numpy"]),
    case("SpikeInterface's description damaged", "compare {dir}/a.csv {dir}/numpy-bad", 2, &["numpysorting_info.json is not valid JSON"]),
];

#[rustfmt::skip]
const OPTIONS: &[Case] = &[
    case("negative tolerance", "compare {dir}/a.csv {dir}/a.csv --delta-ms -1", 2, &["--delta-ms is -1", "0 to 1000"]),
    case("tolerance that is no number", "compare {dir}/a.csv {dir}/a.csv --delta-ms nan", 2, &["--delta-ms is NaN"]),
    case("score above 1", "compare {dir}/a.csv {dir}/a.csv --match-score 2", 2, &["--match-score is 2", "0 to 1"]),
    case("chance that is no number", "compare {dir}/a.csv {dir}/a.csv --chance-score nan", 2, &["--chance-score is NaN"]),
    case("too few names", "compare {dir}/a.csv {dir}/a.csv --names only", 2, &["--names has 1 names for 2 results"]),
    case("offset beyond all samples", "compare {dir}/a.csv {dir}/a.csv --time-offset -9223372036854775808", 2, &["--time-offset is -9223372036854775808"]),
    case("recording and none", "compare {dir}/a.csv {dir}/a.csv --recording {raw} --no-recording", 2, &["--no-recording", "cannot be used with"]),
    case("missing recording", "compare {dir}/a.csv {dir}/a.csv --recording {dir}/none.bin --channels 16 --sample-rate 30000", 2, &["none.bin does not exist"]),
    case("recording without contacts", "compare {dir}/a.csv {dir}/a.csv --recording {raw} --channels 16 --sample-rate 30000", 2, &["where the contacts are", "--probe"]),
    case("recording without channels", "report {dir}/a.csv --recording {raw} --output {dir}/r.html", 2, &["pass --channels"]),
    case("missing probe", "compare {dir}/a.csv {dir}/a.csv --probe {dir}/none.json", 2, &["none.json does not exist"]),
    case("probe for other channels", "compare {dir}/a.csv {dir}/a.csv --recording {raw} --channels 16 --sample-rate 30000 --probe {dir}/20.prb", 2, &["channel 20", "16 channels"]),
    case("no thread", "compare {dir}/a.csv {dir}/a.csv --threads 0", 2, &["--threads"]),
    case("threads beyond all machines", "compare {dir}/a.csv {dir}/a.csv --threads 100000", 2, &["--threads is 100000"]),
];

#[cfg(unix)]
#[rustfmt::skip]
const SPECIAL: &[Case] = &[
    case("pipe as a result", "compare {dir}/a.csv {dir}/pipe", 2, &["pipe is a named pipe, not a file"]),
    case("device as a result", "compare {dir}/a.csv /dev/null", 2, &["/dev/null is a device, not a file"]),
    case("result that leads to itself", "compare {dir}/a.csv {dir}/loop", 3, &["cannot read", "loop", "symbolic links"]),
    case("result that leads nowhere", "report {dir}/dangling --output {dir}/r.html", 2, &["dangling does not exist"]),
    case("pipe for an array", "compare {dir}/a.csv {dir}/phy", 2, &["phy holds no sorting"]),
];

fn table(dir: &Path, name: &str, text: &str) {
    write(dir, name, text);
}

fn prepare(dir: &Path) {
    table(dir, "a.csv", "sample,unit\n100,1\n200,2\n");
    fs::create_dir(dir.join("empty")).unwrap();
    integers(dir, "above/one/spike_times.npy", &[1]);
    integers(dir, "above/one/spike_clusters.npy", &[1]);
    table(dir, "words.csv", "sample,unit\nnonsense,1\n");
    table(dir, "nan.csv", "sample,unit\n1,1\nnan,1\n");
    table(dir, "huge.csv", "sample,unit\n1e300,1\n");
    table(dir, "half.csv", "sample,unit\n1.5,1\n");
    table(dir, "lone.csv", "sample,unit\n15\n");
    table(dir, "unitless.csv", "sample,depth\n15,3\n");
    table(dir, "sampleless.csv", "unit,depth\n15,3\n");
    table(dir, "seconds.csv", "time_s,unit\n1.5,3\n");
    write(dir, "bytes.csv", b"\xff\xfe\x00\x01\n\x02\x03\xff");
    table(
        dir,
        "20.prb",
        "channel_groups = {0: {'channels': [20], 'geometry': [(0, 0)]}}",
    );
}

fn prepare_arrays(dir: &Path) {
    let phy = |name: &str, times: &[i64], clusters: &[i64]| {
        integers(dir, &format!("{name}/spike_times.npy"), times);
        integers(dir, &format!("{name}/spike_clusters.npy"), clusters);
        write(dir, &format!("{name}/params.py"), "sample_rate = 30000.0\n");
    };
    phy("lengths", &[1, 2, 3], &[0, 1]);
    for name in [
        "cut",
        "garbage",
        "nothing",
        "objects",
        "code",
        "deep",
        "overflow",
        "nan",
        "flat",
        "manifest",
        "manifest-deep",
        "rows",
        "templateless",
    ] {
        phy(name, &[1, 2], &[0, 1]);
    }
    phy("negative", &[1, 2], &[0, -1]);
    let whole = fs::read(dir.join("cut/spike_times.npy")).unwrap();
    write(dir, "cut/spike_times.npy", &whole[..whole.len() - 3]);
    write(dir, "garbage/spike_times.npy", "no numbers here");
    write(dir, "nothing/spike_times.npy", "");
    let header = |name: &str, dictionary: &str| {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend((dictionary.len() as u32).to_le_bytes());
        bytes.extend(dictionary.as_bytes());
        write(dir, &format!("{name}/spike_times.npy"), bytes);
    };
    header("objects", "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n");
    header("code", "__import__('os').remove('x')\n");
    header("deep", &nested("("));
    header(
        "overflow",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (4000000000000000, 4000000000000000), }\n",
    );
    write_slice(&dir.join("nan/spike_times.npy"), &[2], &[1.0, f64::NAN]).unwrap();
    write_slice(&dir.join("flat/templates.npy"), &[2, 2], &[1.0f32; 4]).unwrap();
    write(dir, "manifest/run.json", "{\"ferrosort\": ");
    write(dir, "manifest-deep/run.json", nested("["));
    fs::create_dir_all(dir.join("truth/truth")).unwrap();
    integers(dir, "unitless/truth/spike_samples.npy", &[1, 2]);
    let truth = |name: &str, samples: &[i64], units: &[i64]| {
        integers(dir, &format!("{name}/truth/spike_samples.npy"), samples);
        integers(dir, &format!("{name}/truth/spike_units.npy"), units);
    };
    truth("more", &[1, 2], &[0, 5]);
    write(dir, "more/truth/units.csv", "unit_id\n0\n");
    truth("unequal", &[1, 2], &[0, 1, 2]);
    truth("below", &[1, 2], &[0, -1]);
    write_slice(&dir.join("templateless/templates.npy"), &[0, 3, 2], &[0.0f32; 0]).unwrap();
    truth("billion", &[1, 2], &[0, 2_000_000_000]);
    write_slice(&dir.join("rows/templates.npy"), &[1 << 40, 0, 3], &[0.0f32; 0]).unwrap();
    for (name, columns, unit) in [("context", 1, 0.0), ("context-huge", 4, 1e300)] {
        fs::create_dir(dir.join(name)).unwrap();
        write_slice(&dir.join(name).join("Wrot.npy"), &[1, 1], &[1.0]).unwrap();
        write_slice(&dir.join(name).join("st3.npy"), &[2, columns], &vec![unit; 2 * columns]).unwrap();
    }
}

fn prepare_packs(dir: &Path) {
    NpzWriter::new(File::create(dir.join("empty.npz")).unwrap())
        .finish()
        .unwrap();
    let mut other = NpzWriter::new(File::create(dir.join("other.npz")).unwrap());
    other.add_array("something", &array![1.0, 2.0]).unwrap();
    other.finish().unwrap();
    let whole = fs::read(dir.join("other.npz")).unwrap();
    write(dir, "cut.npz", &whole[..whole.len() / 2]);
    write(dir, "rez.mat", [7u8; 300]);
    write(dir, "ks/rez.mat", "");
    write(dir, "garbage.h5", [7u8; 3000]);
    write(dir, "numpy/numpysorting_info.json", "{}");
    write(dir, "numpy-bad/numpysorting_info.json", "{");
}

#[test]
fn tables_of_spikes() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), TABLES);
}

#[test]
fn folders_of_arrays() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    prepare_arrays(scratch.path());
    check(scratch.path(), ARRAYS);
}

#[test]
fn packs_and_matlab() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    prepare_packs(scratch.path());
    check(scratch.path(), PACKS);
}

#[test]
fn options_of_comparisons() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), OPTIONS);
}

#[test]
#[cfg(unix)]
fn what_is_no_file() {
    let scratch = TempDir::new().unwrap();
    let dir = scratch.path();
    prepare(dir);
    super::prepare_special(dir);
    fs::create_dir(dir.join("phy")).unwrap();
    fs::hard_link(dir.join("pipe"), dir.join("phy/spike_times.npy")).unwrap();
    integers(dir, "phy/spike_clusters.npy", &[1]);
    check(dir, SPECIAL);
}
