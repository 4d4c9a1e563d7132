//! Exports that cannot be made: what they lack, where they would go, and what cannot be written.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Case, case, check, integers, write};

#[rustfmt::skip]
const EXPORT: &[Case] = &[
    case("no format", "export {dir}/phy --output {dir}/new", 2, &["required arguments"]),
    case("format that is none", "export {dir}/phy --format pdf --output {dir}/new", 2, &["pdf", "--format"]),
    case("no output", "export {dir}/phy --format csv", 2, &["required arguments"]),
    case("result that is missing", "export {dir}/none --format csv --output {dir}/new", 2, &["none does not exist"]),
    case("result that is none", "export {dir}/full --format csv --output {dir}/new", 2, &["full holds no sorting"]),
    case("no sample rate", "export {dir}/a.csv --format nwb --output {dir}/new", 2, &["a.csv does not say its sample rate", "--sample-rate"]),
    case("sample rate of nothing", "export {dir}/a.csv --format csv --output {dir}/new --sample-rate 0", 2, &["--sample-rate is 0"]),
    case("gain of nothing", "export {dir}/phy --format csv --output {dir}/new --gain-uv 0", 2, &["--gain-uv is 0"]),
    case("gain that is no number", "export {dir}/phy --format csv --output {dir}/new --gain-uv nan", 2, &["--gain-uv is NaN"]),
    case("no motion", "export {dir}/phy --format motion --output {dir}/new/deep/out", 2, &["phy has no motion", "--format"]),
    case("metadata without a value", "export {dir}/phy --format nwb --output {dir}/new --metadata sex", 2, &["--metadata sex has no equals sign"]),
    case("metadata that NWB has not", "export {dir}/phy --format nwb --output {dir}/new --metadata colour=red", 2, &["no key 'colour'", "subject_id"]),
    case("start without a zone", "export {dir}/phy --format nwb --output {dir}/new --metadata session_start_time=2026-03-01T14:30:00", 2, &["session_start_time=2026-03-01T14:30:00", "+01:00"]),
    case("day that is none", "export {dir}/phy --format nwb --output {dir}/new --metadata session_start_time=2026-02-30T14:30:00Z", 2, &["2026-02-30"]),
    case("age in words", "export {dir}/phy --format nwb --output {dir}/new --metadata age=old", 2, &["age=old", "P90D"]),
    case("sex in words", "export {dir}/phy --format nwb --output {dir}/new --metadata sex=male", 2, &["M, F, O, U"]),
    case("device with a path", "export {dir}/phy --format nwb --output {dir}/new --metadata device=../a", 2, &["device=../a", "slashes"]),
];

#[rustfmt::skip]
const OUTPUT: &[Case] = &[
    case("folder that exists", "export {dir}/phy --format csv --output {dir}/full", 2, &["full exists", "--overwrite"]),
    case("folder of somebody else", "export {dir}/phy --format csv --output {dir}/full --overwrite", 2, &["full is not an earlier export to CSV", "name another folder"]),
    case("export of another format", "export {dir}/phy --format tsv --output {dir}/earlier --overwrite", 2, &["earlier is not an earlier export to TSV"]),
    case("export with foreign content", "export {dir}/phy --format csv --output {dir}/earlier --overwrite", 2, &["earlier also holds 'notes.txt'", "move it away"]),
    case("record of nonsense", "export {dir}/phy --format csv --output {dir}/damaged --overwrite", 2, &["damaged is not an earlier export"]),
    case("file in the place of a folder", "export {dir}/phy --format alf --output {dir}/file --overwrite", 2, &["file is a file", "folder that does not exist yet"]),
    case("folder in the place of a file", "export {dir}/phy --format nwb --output {dir}/full --overwrite", 2, &["full is a folder"]),
    case("file that exists", "export {dir}/phy --format nwb --output {dir}/file", 2, &["file exists", "--overwrite"]),
    case("file of somebody else", "export {dir}/phy --format nwb --output {dir}/file --overwrite", 2, &["file is not an earlier export to NWB"]),
    case("HDF5 of somebody else", "export {dir}/phy --format nwb --output {dir}/other.h5 --overwrite", 2, &["other.h5 is not an earlier export to NWB"]),
    case("over the input", "export {dir}/phy --format csv --output {dir}/phy --overwrite", 2, &["phy holds the input"]),
    case("over what the input is in", "export {dir}/phy --format csv --output {dir} --overwrite", 2, &["holds the input"]),
    case("table over itself", "export {dir}/a.csv --sample-rate 30000 --format nwb --output {dir}/a.csv --overwrite", 2, &["a.csv holds the input"]),
    case("below a file", "export {dir}/phy --format nwb --output {dir}/file/a.nwb", 3, &["cannot create", "file"]),
    case("without a name", "export {dir}/phy --format csv --output /", 2, &["holds the input"]),
    case("above where one is", "export {dir}/phy --format csv --output {dir}/new/..", 2, &["no name for an output folder"]),
];

#[cfg(unix)]
#[rustfmt::skip]
const SPECIAL: &[Case] = &[
    case("into a pipe", "export {dir}/phy --format nwb --output {dir}/pipe --overwrite", 2, &["pipe is not an earlier export to NWB"]),
    case("into a loop", "export {dir}/phy --format csv --output {dir}/loop", 2, &["loop is a symbolic link"]),
    case("into a link to nothing", "export {dir}/phy --format nwb --output {dir}/dangling", 2, &["dangling is a symbolic link"]),
    case("into the kernel's files", "export {dir}/phy --format csv --output /proc/out", 3, &["cannot create", "/proc"]),
];

fn prepare(dir: &Path) {
    write(dir, "file", "mine");
    write(dir, "other.h5", b"\x89HDF\r\n\x1a\n");
    fs::create_dir(dir.join("full")).unwrap();
    write(dir, "full/mine.txt", "mine");
    let record = r#"{"generator": "ferrosort-export 0.1.0", "format": "csv", "files": ["units.csv", "spikes.csv"]}"#;
    write(dir, "earlier/export.json", record);
    write(dir, "earlier/units.csv", "");
    write(dir, "earlier/notes.txt", "mine");
    write(dir, "damaged/export.json", "[".repeat(1000));
    write(dir, "a.csv", "sample,unit\n100,1\n200,2\n");
    integers(dir, "phy/spike_times.npy", &[100, 200]);
    integers(dir, "phy/spike_clusters.npy", &[0, 1]);
    write(dir, "phy/params.py", "sample_rate = 30000.0\n");
}

#[test]
fn exports_that_lack_something() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), EXPORT);
}

#[test]
fn places_of_exports() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), OUTPUT);
}

#[test]
#[cfg(unix)]
fn exports_into_what_is_neither_file_nor_folder() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    super::prepare_special(scratch.path());
    check(scratch.path(), SPECIAL);
}
