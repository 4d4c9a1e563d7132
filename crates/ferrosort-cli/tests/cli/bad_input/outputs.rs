//! Where results go: what is there already, what may not be replaced, what cannot be made.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Case, case, check, integers, write};
use crate::support::samples;

#[rustfmt::skip]
const SORT: &[Case] = &[
    case("output that exists", "sort {rec} --output {dir}/full", 2, &["full exists", "--overwrite"]),
    case("output of somebody else", "sort {rec} --output {dir}/full --overwrite", 2, &["full is neither empty nor a sorting", "name another folder"]),
    case("output on top of the recording", "sort {dir}/full/a.bin FLAT --output {dir}/full --overwrite", 2, &["full holds the input", "a.bin"]),
    case("output on top of a recording folder", "sort {dir}/rec --output {dir}/rec --overwrite", 2, &["rec holds the input"]),
    case("output on top of the parameters", "sort {rec} --params {dir}/sorting/my.toml --output {dir}/sorting --overwrite", 2, &["sorting holds the input", "my.toml"]),
    case("sorting with foreign content", "sort {rec} --output {dir}/sorting --overwrite", 2, &["sorting also holds 'my.toml'", "move it away"]),
    case("sorting without --overwrite", "sort {rec} --output {dir}/sorting", 2, &["sorting exists", "--overwrite"]),
    case("output that is a file", "sort {rec} --output {dir}/file", 2, &["file is a file", "folder that does not exist yet"]),
    case("output that is a file, replaced", "sort {rec} --output {dir}/file --overwrite", 2, &["file is a file"]),
    case("output below a file", "sort {rec} --output {dir}/file/out", 3, &["cannot create", "file"]),
    case("output inside the samples", "sort {dir}/full/a.bin FLAT --output {dir}/full/a.bin/out", 3, &["cannot create", "a.bin"]),
    case("output without a name", "sort {rec} --output /", 2, &["output / has no name of its own"]),
    case("empty output", "sort {rec} --output ", 2, &["a value is required", "--output"]),
    case("output that is where one is", "sort {rec} --output .", 2, &["output folder . exists"]),
    case("output above where one is", "sort {rec} --output {dir}/new/..", 2, &["new/..", "name"]),
    case("parents of a run that fails", "sort {dir}/nan.f32 --channels 1 --sample-rate 30000 --dtype float32 --output {dir}/new/deep/out", 2, &["nan.f32", "NaN"]),
    case("no output", "sort {rec} --output", 2, &["--output"]),
];

#[cfg(unix)]
#[rustfmt::skip]
const SPECIAL: &[Case] = &[
    case("output that is a pipe", "sort {rec} --output {dir}/pipe", 2, &["pipe is a file"]),
    case("output that leads to itself", "sort {rec} --output {dir}/loop", 2, &["loop", "link"]),
    case("output that leads nowhere", "sort {rec} --output {dir}/dangling", 2, &["dangling", "link"]),
    case("output that is a device", "sort {rec} --output /dev/null", 2, &["/dev/null is a file"]),
    case("output in the kernel's files", "sort {rec} --output /proc/out", 3, &["cannot create", "/proc"]),
    case("page into a pipe", "compare {dir}/a.csv {dir}/a.csv --report {dir}/pipe --overwrite", 2, &["pipe is a named pipe, not a file"]),
    case("page into a device", "compare {dir}/a.csv {dir}/a.csv --report /dev/null --overwrite", 2, &["/dev/null is a device, not a file"]),
    case("page that leads to itself", "compare {dir}/a.csv {dir}/a.csv --report {dir}/loop", 2, &["loop", "link"]),
];

#[rustfmt::skip]
const COMPARE: &[Case] = &[
    case("page that exists", "compare {dir}/a.csv {dir}/a.csv --report {dir}/file", 2, &["file exists", "--overwrite"]),
    case("page that is a folder", "compare {dir}/a.csv {dir}/a.csv --report {dir}/full --overwrite", 2, &["full is a folder"]),
    case("page into no folder", "report {dir}/a.csv --output {dir}/no/r.html", 2, &["no/r.html lies in a folder that does not exist"]),
    case("page below a file", "report {dir}/a.csv --output {dir}/file/r.html", 2, &["file/r.html lies in a folder that does not exist"]),
    case("page without a name", "report {dir}/a.csv --output {dir}/..", 2, &["is a folder"]),
    case("numbers that exist", "compare {dir}/a.csv {dir}/a.csv --json {dir}/file", 2, &["file exists"]),
    case("page over its input", "compare {dir}/a.csv {dir}/b.csv --report {dir}/b.csv --overwrite", 2, &["b.csv is an input", "name another file"]),
    case("numbers over their input", "report {dir}/a.csv --output {dir}/new.html --json {dir}/a.csv --overwrite", 2, &["a.csv is an input"]),
    case("page inside its input", "report {dir}/phy --output {dir}/phy/spike_times.npy --overwrite", 2, &["spike_times.npy is part of the input", "phy"]),
    case("page and numbers into one file", "compare {dir}/a.csv {dir}/a.csv --report {dir}/one --json {dir}/one", 2, &["one is named twice"]),
    case("tables into a file", "compare {dir}/a.csv {dir}/a.csv --tables {dir}/file", 2, &["file is a file", "folder"]),
    case("tables beside other things", "compare {dir}/a.csv {dir}/a.csv --tables {dir}/full", 2, &["full is not empty", "--overwrite"]),
    case("tables below a file", "compare {dir}/a.csv {dir}/a.csv --tables {dir}/file/tables", 3, &["cannot create", "file/tables"]),
];

#[rustfmt::skip]
const OTHERS: &[Case] = &[
    case("simulation that exists", "simulate easy --output {dir}/full", 2, &["full exists", "--overwrite"]),
    case("simulation over something else", "simulate easy --output {dir}/full --overwrite", 2, &["full"]),
    case("simulation into a file", "simulate easy --output {dir}/file --overwrite", 2, &["file"]),
    case("simulation below a file", "simulate easy --duration 1 --output {dir}/file/sim", 3, &["file"]),
    case("simulation with foreign content", "simulate easy --output {dir}/simulation --overwrite", 2, &["simulation also holds 'sorting/params.py'", "move it away"]),
    case("conversion with foreign content", "convert {rec} --output {dir}/conversion --overwrite", 2, &["conversion also holds 'notes.txt'", "move it away"]),
    case("demo that exists", "demo --output {dir}/full --no-open", 2, &["full exists", "--overwrite"]),
    case("demo over something else", "demo --output {dir}/full --overwrite --no-open", 2, &["full is not an earlier demo"]),
    case("demo over a file", "demo --output {dir}/file --overwrite --no-open", 2, &["file is a file"]),
    case("benchmark into a file", "bench --output {dir}/file", 2, &["file is a file"]),
    case("notebook beside other things", "notebook --output {dir}/full", 2, &["full is no notebook's and is not empty"]),
    case("notebook into a file", "notebook --output {dir}/file", 2, &["file is a file"]),
];

fn prepare(dir: &Path) {
    write(dir, "file", "mine");
    fs::create_dir(dir.join("full")).unwrap();
    fs::copy(samples(), dir.join("full/a.bin")).unwrap();
    write(dir, "rec/meta.json", r#"{"n_channels": 1, "sample_rate": 30000}"#);
    write(dir, "rec/recording.bin", vec![0u8; 60_000]);
    write(dir, "sorting/run.json", "{}");
    write(dir, "sorting/params.py", "");
    write(dir, "sorting/my.toml", "lam = 3\n");
    write(dir, "nan.f32", f32::NAN.to_le_bytes().repeat(30_000));
    write(
        dir,
        "simulation/meta.json",
        r#"{"generator": "ferrosort-simulate 0.1.0"}"#,
    );
    write(dir, "simulation/truth/units.csv", "");
    write(dir, "simulation/sorting/params.py", "");
    write(
        dir,
        "conversion/meta.json",
        r#"{"generator": "ferrosort-convert 0.1.0"}"#,
    );
    write(dir, "conversion/notes.txt", "mine");
    write(dir, "a.csv", "sample,unit\n100,1\n200,2\n");
    write(dir, "b.csv", "sample,unit\n100,1\n200,2\n");
    integers(dir, "phy/spike_times.npy", &[100, 200]);
    integers(dir, "phy/spike_clusters.npy", &[0, 1]);
    write(dir, "phy/params.py", "sample_rate = 30000.0\n");
}

#[test]
fn folders_of_sortings() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), SORT);
}

#[test]
fn files_of_comparisons() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), COMPARE);
}

#[test]
fn folders_of_other_commands() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), OTHERS);
}

#[test]
#[cfg(unix)]
fn what_is_neither_file_nor_folder() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    super::prepare_special(scratch.path());
    check(scratch.path(), SPECIAL);
}
