//! Settings of simulations, notebooks, demonstrations and benchmarks.

use std::fs::{self, File};
use std::path::Path;

use ndarray::array;
use ndarray_npy::NpzWriter;
use tempfile::TempDir;

use super::{Case, case, check, claim_more, nested, write};

#[rustfmt::skip]
const VALUES: &[Case] = &[
    case("unknown preset", "simulate easier --output {dir}/sim", 2, &["easier", "easy"]),
    case("preset to print that is none", "simulate --print easier", 2, &["easier"]),
    case("no output", "simulate easy", 2, &["required arguments"]),
    case("no length", "simulate easy --output {dir}/sim --duration 0", 2, &["duration_s is 0"]),
    case("negative length", "simulate easy --output {dir}/sim --duration -5", 2, &["duration_s is -5"]),
    case("length that is no number", "simulate easy --output {dir}/sim --duration nan", 2, &["duration_s is NaN"]),
    case("endless", "simulate easy --output {dir}/sim --duration inf", 2, &["duration_s is inf"]),
    case("longer than the universe", "simulate easy --output {dir}/sim --duration 1e300", 2, &["duration_s is"]),
    case("no rate", "simulate easy --output {dir}/sim --set sample_rate_hz=0", 2, &["sample_rate_hz is 0"]),
    case("rate of a radio", "simulate easy --output {dir}/sim --set sample_rate_hz=1e12", 2, &["sample_rate_hz is"]),
    case("more channels than any probe", "simulate easy --output {dir}/sim --channels 1000000000000", 2, &["1000000000000", "channels"]),
    case("more units than neurons", "simulate easy --output {dir}/sim --duration 1 --units 1000000000000", 2, &["units.n is 1000000000000"]),
    case("unknown probe", "simulate easy --output {dir}/sim --probe npx9", 2, &["npx9"]),
    case("endless drift", "simulate easy --output {dir}/sim --drift inf", 2, &["inf"]),
    case("drift that is no number", "simulate easy --output {dir}/sim --drift nan", 2, &["NaN"]),
    case("unknown setting", "simulate easy --output {dir}/sim --set units.number=3", 2, &["units.number"]),
    case("wrong type", "simulate easy --output {dir}/sim --set duration_s=long", 2, &["duration_s"]),
    case("no equals sign", "simulate easy --output {dir}/sim --set duration_s", 2, &["duration_s", "="]),
    case("threads beyond all machines", "simulate easy --output {dir}/sim --threads 100000", 2, &["--threads is 100000"]),
];

#[rustfmt::skip]
const FILES: &[Case] = &[
    case("missing settings", "simulate {dir}/none.toml --output {dir}/sim", 2, &["none.toml does not exist", "file of settings"]),
    case("settings that are no TOML", "simulate {dir}/open.toml --output {dir}/sim", 2, &["open.toml is not TOML"]),
    case("settings of brackets", "simulate {dir}/deep.toml --output {dir}/sim", 2, &["deep.toml is not TOML"]),
    case("settings of bytes", "simulate {dir}/bytes.toml --output {dir}/sim", 2, &["bytes.toml is not text in UTF-8"]),
    case("unknown name in settings", "simulate {dir}/unknown.toml --output {dir}/sim", 2, &["unknown.toml", "durations"]),
    case("settings after no preset", "simulate {dir}/preset.toml --output {dir}/sim", 2, &["easier"]),
    case("waveforms that are none", "simulate easy --waveforms {dir}/none.mat --output {dir}/sim", 2, &["--waveforms", "none.mat"]),
    case("folder without waveforms", "simulate easy --waveforms {dir}/empty --output {dir}/sim", 2, &["empty: the folder has no .mat file"]),
    case("waveforms of bytes", "simulate easy --waveforms {dir}/garbage.mat --output {dir}/sim", 2, &["garbage.mat cannot be read as a MATLAB file"]),
    case("noise of nowhere", "simulate easy --noise {dir}/none.npz --output {dir}/sim", 2, &["--noise", "none.npz", "thermal"]),
    case("noise that is none", "simulate easy --noise {dir}/garbage.mat --output {dir}/sim", 2, &["garbage.mat"]),
    case("noise of other arrays", "simulate easy --noise {dir}/other.npz --output {dir}/sim", 2, &["other.npz has no array 'sample_rate'"]),
    case("noise that claims too much", "simulate easy --noise {dir}/claim.npz --output {dir}/sim", 2, &["claim.npz: array 'sample_rate'", "more than it holds"]),
    case("hybrid of nothing", "simulate easy --hybrid {dir}/empty --output {dir}/sim", 2, &["empty holds no recording"]),
    case("hybrid without a probe", "simulate easy --hybrid {dir}/bare --output {dir}/sim", 2, &["bare has no probe.json", "--probe"]),
    case("motion without a recording", "simulate easy --motion {dir}/motion.csv --output {dir}/sim", 2, &["required arguments"]),
    case("motion that is none", "simulate easy --hybrid {rec} --motion {dir}/motion.csv --output {dir}/sim", 2, &["motion.csv, line 2"]),
];

#[rustfmt::skip]
const OTHERS: &[Case] = &[
    case("demo without length", "demo --duration 0 --output {dir}/demo --no-open", 2, &["duration_s is 0"]),
    case("demo that is no number", "demo --duration nan --output {dir}/demo --no-open", 2, &["duration_s is NaN"]),
    case("demo on no thread", "demo --threads 0 --output {dir}/demo --no-open", 2, &["--threads"]),
    case("demo on all threads", "demo --threads 99999 --output {dir}/demo --no-open", 2, &["--threads is 99999"]),
    case("recording that the suite lacks", "bench --only nothing --output {dir}/bench", 2, &["--only nothing", "tetrode"]),
    case("recording that another suite lacks", "bench --suite test --only octrode --output {dir}/bench", 2, &["--only octrode names no recording", "tetrode"]),
    case("unknown sorter", "bench --suite test --algorithm kilosort9 --output {dir}/bench", 2, &["kilosort9"]),
    case("benchmark against nothing", "bench --vs {dir}/none --output {dir}/bench", 2, &["--vs", "none is no folder"]),
    case("unknown suite", "bench --suite huge --output {dir}/bench", 2, &["huge"]),
    case("missing configuration", "notebook --config {dir}/none.toml --output {dir}/drift", 2, &["none.toml does not exist", "--config"]),
    case("configuration of brackets", "notebook --config {dir}/deep.toml --output {dir}/drift", 2, &["deep.toml"]),
    case("unknown name in a configuration", "notebook --config {dir}/unknown.toml --output {dir}/drift", 2, &["unknown.toml", "durations"]),
    case("unknown operation", "notebook --force everything --output {dir}/drift", 2, &["--force everything", "simulate"]),
    case("notebook without an output", "notebook", 2, &["--output"]),
    case("notebook of no simulation", "notebook --simulation easier --output {dir}/drift", 2, &["easier"]),
    case("notebook of a wrong parameter", "notebook --set tresh=3 --output {dir}/drift", 2, &["tresh"]),
    case("notebook of no length", "notebook --duration 0 --output {dir}/drift", 2, &["duration_s is 0"]),
    case("notebook of missing results", "notebook --kilosort2-results {dir}/none --output {dir}/drift", 2, &["none"]),
    case("unknown shell", "completions tcsh", 2, &["tcsh"]),
    case("two kinds of parameter pages", "parameters --toml --markdown", 2, &["--toml", "--markdown"]),
];

#[cfg(unix)]
#[rustfmt::skip]
const SPECIAL: &[Case] = &[
    case("pipe as settings", "simulate {dir}/pipe.toml --output {dir}/sim", 2, &["pipe.toml is a named pipe, not a file"]),
    case("pipe as a preset", "simulate {dir}/pipe --output {dir}/sim", 2, &["pipe"]),
    case("pipe as noise", "simulate easy --noise {dir}/pipe --output {dir}/sim", 2, &["pipe is a named pipe, not a file"]),
    case("pipe as waveforms", "simulate easy --waveforms {dir}/pipe --output {dir}/sim", 2, &["--waveforms", "pipe"]),
    case("pipe as motion", "simulate easy --hybrid {rec} --motion {dir}/pipe --output {dir}/sim", 2, &["pipe is a named pipe, not a file"]),
    case("pipe as a configuration", "notebook --config {dir}/pipe --output {dir}/drift", 2, &["pipe is a named pipe, not a file"]),
];

fn prepare(dir: &Path) {
    fs::create_dir(dir.join("empty")).unwrap();
    write(dir, "open.toml", "duration_s = [");
    write(dir, "deep.toml", format!("duration_s = {}", nested("[")));
    write(dir, "bytes.toml", b"duration_s = \xff");
    write(dir, "unknown.toml", "durations = 3\n");
    write(dir, "preset.toml", "preset = \"easier\"\n");
    write(dir, "garbage.mat", [7u8; 300]);
    write(dir, "motion.csv", "time_s,depth_um,displacement_um\n0,0,far\n");
    write(dir, "bare/meta.json", r#"{"n_channels": 1, "sample_rate": 30000}"#);
    write(dir, "bare/recording.bin", vec![0u8; 60_000]);
    let npz = |name: &str, array: &str| {
        let mut pack = NpzWriter::new(File::create(dir.join(name)).unwrap());
        pack.add_array(array, &array![30000.0]).unwrap();
        pack.finish().unwrap();
    };
    npz("other.npz", "something");
    npz("claim.npz", "sample_rate");
    claim_more(dir, "claim.npz", "(1,)");
}

#[test]
fn values_of_simulations() {
    let scratch = TempDir::new().unwrap();
    check(scratch.path(), VALUES);
}

#[test]
fn files_of_simulations() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), FILES);
}

#[test]
fn other_commands() {
    let scratch = TempDir::new().unwrap();
    prepare(scratch.path());
    check(scratch.path(), OTHERS);
}

#[test]
#[cfg(unix)]
fn what_is_no_file() {
    let scratch = TempDir::new().unwrap();
    let dir = scratch.path();
    super::prepare_special(dir);
    fs::hard_link(dir.join("pipe"), dir.join("pipe.toml")).unwrap();
    check(dir, SPECIAL);
}
