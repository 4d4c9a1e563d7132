//! The reference of all parameters, as text, as Markdown and as a parameter file.

use std::fmt::Write;

use toml::{Table, Value};

use super::metadata::{ABOUT_THE_RECORDING, COMPAT, CompatInfo, PARAMETERS, ParameterInfo, WITHOUT_EFFECT};
use super::{Algorithm, Compat, PRESETS, Parameters};
use crate::auto::constants::constants;

/// Width of a line of text.
const WIDTH: usize = 100;

fn defaults(algorithm: Algorithm) -> Table {
    let parameters = match algorithm {
        Algorithm::Auto | Algorithm::Kilosort2 => Parameters::kilosort2(),
        Algorithm::Pykilosort => Parameters::pykilosort(),
    };
    Table::try_from(parameters).expect("numbers, flags and pairs of numbers are TOML")
}

/// Presets that switch a behaviour on.
fn presets_with(info: &CompatInfo) -> Vec<&'static str> {
    let on = |preset: &str| {
        Compat::preset(preset)
            .and_then(|compat| Table::try_from(compat).ok())
            .and_then(|table| table[info.name].as_bool())
            .unwrap_or(false)
    };
    PRESETS.into_iter().filter(|preset| on(preset)).collect()
}

/// Text for a terminal: each parameter that the algorithm reads, with its other names, default, unit, range and meaning; then the
/// compatibility switches, or for `auto` what it fixes.
pub fn text(algorithm: Algorithm) -> String {
    let table = defaults(algorithm);
    let mut out = format!(
        "Parameters of {}: --set NAME=VALUE, or NAME = VALUE in a file for --params\n\n",
        name(algorithm)
    );
    for info in used_by(algorithm) {
        put(&mut out, format_args!("{}\n", heading(info, &table[info.name])));
        put_wrapped(&mut out, info.meaning);
    }
    if algorithm == Algorithm::Auto {
        put_constants(&mut out);
    } else {
        put_switches(&mut out);
    }
    out
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Auto => "auto",
        Algorithm::Kilosort2 => "kilosort2",
        Algorithm::Pykilosort => "pykilosort",
    }
}

fn used_by(algorithm: Algorithm) -> impl Iterator<Item = &'static ParameterInfo> {
    PARAMETERS.iter().filter(move |info| info.is_used_by(algorithm))
}

fn put_constants(out: &mut String) {
    out.push_str("\nEverything else follows from the probe and the recording, and from these constants, which cannot be set:\n\n");
    for constant in constants() {
        put(out, format_args!("{} = {}\n", constant.name, constant.value));
        put_wrapped(out, constant.meaning);
    }
}

fn put_switches(out: &mut String) {
    out.push_str("\nCompatibility switches: --set compat.NAME=true, or NAME = true under [compat] in the file\n\n");
    for info in &COMPAT {
        put(
            out,
            format_args!("compat.{}  [{}]\n", info.name, presets_with(info).join(", ")),
        );
        put_wrapped(out, info.meaning);
    }
}

fn heading(info: &ParameterInfo, default: &Value) -> String {
    let aliases = match info.aliases {
        [] => String::new(),
        aliases => format!(" ({})", aliases.join(", ")),
    };
    let unit = match info.unit {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    format!("{}{aliases} = {default}{unit}  [{}]", info.name, info.range)
}

/// A parameter file with every default of the algorithm, to be edited and given to `--params`.
pub fn parameter_file(algorithm: Algorithm) -> String {
    let table = defaults(algorithm);
    let mut out = String::new();
    for info in used_by(algorithm) {
        for line in wrap(info.meaning, WIDTH) {
            put(&mut out, format_args!("# {line}\n"));
        }
        let unit = match info.unit {
            "" => String::new(),
            unit => format!(" {unit},"),
        };
        put(
            &mut out,
            format_args!("{} = {}  #{unit} {}\n\n", info.name, table[info.name], info.range),
        );
    }
    out
}

/// The page `docs/parameters.md`.
pub fn markdown() -> String {
    let mut out = String::from(HEAD);
    put_rows_of_auto(&mut out);
    out.push_str(KILOSORT_HEAD);
    let (kilosort2, pykilosort) = (defaults(Algorithm::Kilosort2), defaults(Algorithm::Pykilosort));
    for info in &PARAMETERS {
        let default = &kilosort2[info.name];
        let port = &pykilosort[info.name];
        let default = if default == port {
            format!("`{default}`")
        } else {
            format!("`{default}`; pykilosort `{port}`")
        };
        let aliases: Vec<String> = info.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        put(
            &mut out,
            format_args!(
                "| `{}` | {} | {default} | {} | {} | {} |\n",
                info.name,
                aliases.join(", "),
                info.unit,
                info.range,
                info.meaning
            ),
        );
    }
    out.push_str(RECORDING_HEAD);
    for (name, flag) in ABOUT_THE_RECORDING {
        put(&mut out, format_args!("| `{name}` | `{flag}` |\n"));
    }
    out.push_str(IGNORED_HEAD);
    for (name, reason) in WITHOUT_EFFECT {
        put(&mut out, format_args!("| `{name}` | {reason} |\n"));
    }
    out.push_str(COMPAT_HEAD);
    for info in &COMPAT {
        let presets: Vec<String> = presets_with(info).iter().map(|preset| format!("`{preset}`")).collect();
        put(
            &mut out,
            format_args!("| `{}` | {} | {} |\n", info.name, presets.join(", "), info.meaning),
        );
    }
    out
}

fn put_rows_of_auto(out: &mut String) {
    let table = defaults(Algorithm::Auto);
    for info in used_by(Algorithm::Auto) {
        put(
            out,
            format_args!(
                "| `{}` | `{}` | {} | {} |\n",
                info.name, table[info.name], info.range, info.meaning
            ),
        );
    }
    out.push_str(CONSTANTS_HEAD);
    for constant in constants() {
        put(
            out,
            format_args!(
                "| {} | {} | {} | {} |\n",
                constant.name, constant.value, constant.meaning, constant.chapter
            ),
        );
    }
}

const HEAD: &str = "\
<!-- Written by `ferrosort parameters --markdown`; a test fails when it is not current. Do not edit by hand. -->
# Parameters

Give single values with `--set NAME=VALUE`, or a TOML file with `--params FILE`; `--set` wins. Lists are written as in
`--set Th=[6,2]`, flags as `true` and `false` (or 1 and 0). Unknown names are refused with the nearest known one.
`ferrosort parameters --algorithm NAME` prints what an algorithm has, and with `--toml` a file with all defaults to start from.
`run.json` in the output folder lists every value that was used.

## auto

The default algorithm derives what it needs from the probe and the recording. One parameter is left:

| name | default | range | meaning |
| --- | --- | --- | --- |
";

const CONSTANTS_HEAD: &str = "
Parameters of the Kilosort algorithms are accepted with a warning that they have no effect. These constants cannot be set; the
last column is the chapter of [algorithm.md](algorithm.md) that explains them. `sd` is a standard deviation of whitened noise.

| constant | value | meaning | chapter |
| --- | --- | --- | --- |
";

const KILOSORT_HEAD: &str = "
## kilosort2 and pykilosort

Our names and those of Kilosort2 and pykilosort are taken. Lengths in samples are not rescaled with the sample rate.

| name | in Kilosort | default | unit | range | meaning |
| --- | --- | --- | --- | --- | --- |
";

const RECORDING_HEAD: &str = "
## Options that describe the recording

These options of the original programs stand for flags of the command line. Giving both with different values is refused.

| name | flag |
| --- | --- |
";

const IGNORED_HEAD: &str = "
## Options without effect

Accepted, so that an options list of the original programs can be given as it is, with a warning. `nPCs` must be 3.

| name | why |
| --- | --- |
";

const COMPAT_HEAD: &str = "
## Compatibility switches

Defects of Kilosort2 and differences of its Python port, off by default but for `--algorithm pykilosort`, which switches
the preset `pykilosort` on. `--compat PRESET` chooses a preset (`none` switches all off); `--set compat.NAME=true`, or
`NAME = true` under `[compat]` in the parameter file, changes one. Numbers in brackets are sections and differences in
[kilosort2.md](kilosort2.md).

| switch | presets | what the original does |
| --- | --- | --- |
";

fn put(out: &mut String, text: std::fmt::Arguments) {
    out.write_fmt(text).expect("a String takes any text");
}

fn put_wrapped(out: &mut String, text: &str) {
    for line in wrap(text, WIDTH - 4) {
        put(out, format_args!("    {line}\n"));
    }
}

/// Lines of at most `width` characters, broken at spaces; a longer word has its own line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("starts with one line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_string());
        }
    }
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_parameter_file_gives_the_defaults_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.toml");
        for algorithm in [Algorithm::Auto, Algorithm::Kilosort2, Algorithm::Pykilosort] {
            std::fs::write(&path, parameter_file(algorithm)).unwrap();
            let resolved = Settings::resolve(algorithm, None, Some(&path), &[]).unwrap();
            assert_eq!(resolved.settings, Settings::new(algorithm));
            assert_eq!(resolved.warnings, Vec::<String>::new());
        }
    }

    #[test]
    fn the_page_in_docs_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/parameters.md");
        let page = std::fs::read_to_string(path).unwrap();
        assert!(
            page == markdown(),
            "docs/parameters.md is not current: cargo run -- parameters --markdown > docs/parameters.md"
        );
    }

    #[test]
    fn each_algorithm_lists_what_it_reads() {
        let auto = text(Algorithm::Auto);
        assert!(
            auto.contains("common_reference") && auto.contains("detection = 5.25 sd"),
            "{auto}"
        );
        assert!(!auto.contains("threshold (Th)") && !auto.contains("compat."), "{auto}");
        assert!(!parameter_file(Algorithm::Auto).contains("threshold ="));
        let port = text(Algorithm::Pykilosort);
        assert!(
            port.contains("(NT) = 32832") && port.contains("compat.stale_row"),
            "{port}"
        );
    }

    #[test]
    fn switches_name_their_presets() {
        let presets = |name: &str| presets_with(COMPAT.iter().find(|info| info.name == name).unwrap());
        assert_eq!(presets("stale_row"), ["kilosort2-2.0.2", "pykilosort-2.0.0a2"]);
        assert_eq!(presets("peak_edges"), ["pykilosort", "pykilosort-2.0.0a2"]);
        assert_eq!(presets("first_batch_time"), ["kilosort2-2.0.2"]);
    }

    #[test]
    fn text_is_wrapped_at_spaces() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaa b", 5), ["aaaaaaa", "b"]);
        let widest = text(Algorithm::Kilosort2)
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(widest <= 120, "{widest}");
    }
}
