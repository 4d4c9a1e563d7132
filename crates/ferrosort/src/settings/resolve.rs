//! From what a user wrote to settings: a parameter file, `--set` options, and the names of the original programs.

use std::collections::BTreeMap;
use std::path::Path;

use ferrosort_core::{Error, Result};
use ferrosort_formats::{OpenOptions, TimeRange, read_regular_text};
use toml::{Table, Value};

use super::metadata::{
    ABOUT_THE_RECORDING, COMPAT, CompatInfo, PARAMETERS, ParameterInfo, WITHOUT_EFFECT, find_parameter, find_switch,
};
use super::validate;
use super::{Algorithm, Compat, PRESETS, Parameters, Settings};

/// Settings, with what else the user's options said.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Complete and checked settings.
    pub settings: Settings,
    /// Options of the originals that describe the recording, not the algorithm.
    pub recording: RecordingOptions,
    /// Options without effect and suspicious values, one sentence each.
    pub warnings: Vec<String>,
}

/// What `fs`, `NchanTOT` and `trange` of the original programs say of the recording.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RecordingOptions {
    /// `fs`: frames per second, Hz.
    pub sample_rate: Option<f64>,
    /// `NchanTOT`: columns of the file.
    pub n_channels: Option<usize>,
    /// `trange`: start and end in seconds; without an end, to the end of the recording.
    pub time_range_s: Option<(f64, Option<f64>)>,
}

impl RecordingOptions {
    /// Adds what these options say to what else is `given` of the recording.
    ///
    /// # Errors
    /// Both say different things.
    pub fn complete(&self, given: OpenOptions) -> Result<OpenOptions> {
        let range = self.time_range_s.map(|(start_s, end_s)| TimeRange { start_s, end_s });
        // The whole recording is what no option says as well.
        let range = range.filter(|range| range.start_s > 0.0 || range.end_s.is_some());
        Ok(OpenOptions {
            n_channels: agree(given.n_channels, self.n_channels, "--channels", "NchanTOT")?,
            sample_rate: agree(given.sample_rate, self.sample_rate, "--sample-rate", "fs")?,
            time_range: agree(given.time_range, range, "--time-range", "trange")?,
            ..given
        })
    }
}

/// The value of the flag or of the parameter that stands for it.
fn agree<T: PartialEq + std::fmt::Debug>(
    flag: Option<T>,
    parameter: Option<T>,
    name: &str,
    alias: &str,
) -> Result<Option<T>> {
    match (&flag, &parameter) {
        (Some(a), Some(b)) if a != b => Err(Error::input(format!(
            "{name} is {a:?} but the parameter {alias} is {b:?}; give only one of them"
        ))),
        _ => Ok(flag.or(parameter)),
    }
}

/// One option as it was given.
#[derive(Debug, Clone)]
struct Given {
    /// The name as spelled, `compat.` included.
    spelling: String,
    value: Value,
    /// `--set`, or the path of the parameter file.
    origin: String,
}

impl Given {
    /// How the option is named in a message.
    fn place(&self) -> String {
        if self.origin == "--set" {
            format!("--set {}", self.spelling)
        } else {
            format!("{}: {}", self.origin, self.spelling)
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy)]
enum Meaning {
    Parameter(&'static ParameterInfo),
    Switch(&'static CompatInfo),
    AboutTheRecording(&'static str),
    WithoutEffect(&'static str, &'static str),
}

impl Meaning {
    /// One name for all spellings.
    fn canonical(self) -> String {
        match self {
            Self::Parameter(info) => info.name.to_string(),
            Self::Switch(info) => format!("compat.{}", info.name),
            Self::AboutTheRecording(name) | Self::WithoutEffect(name, _) => name.to_string(),
        }
    }
}

impl Settings {
    /// The settings of an algorithm with a preset of compatibility, a parameter file and single options on top, the later
    /// winning over the earlier.
    ///
    /// `params_file` is TOML: `name = value` lines and optionally a `[compat]` table. Each of `sets` is `name=value` with a
    /// value as in TOML. Names are those of [`Parameters`] or of the original programs.
    ///
    /// # Errors
    /// An unreadable file, a name that does not exist, a name given twice in two spellings, a value of the wrong type or
    /// out of range, an unknown preset.
    pub fn resolve(
        algorithm: Algorithm,
        compat_preset: Option<&str>,
        params_file: Option<&Path>,
        sets: &[String],
    ) -> Result<Resolved> {
        let mut settings = Self::new(algorithm);
        if let Some(name) = compat_preset {
            settings.compat = Compat::preset(name).ok_or_else(|| unknown_preset(name))?;
        }
        let mut given = match params_file {
            Some(path) => one_spelling_each(read_file(path)?)?,
            None => BTreeMap::new(),
        };
        given.extend(one_spelling_each(
            sets.iter().map(|text| parse_set(text)).collect::<Result<_>>()?,
        )?);
        apply(settings, given)
    }
}

/// Characters of a value that a message repeats.
const LONGEST_SHOWN: usize = 80;

fn apply(settings: Settings, given: BTreeMap<String, (Meaning, Given)>) -> Result<Resolved> {
    let mut parameters = to_table(&settings.parameters)?;
    let mut compat = to_table(&settings.compat)?;
    let mut recording = RecordingOptions::default();
    let mut warnings = Vec::new();
    for (meaning, given) in given.values() {
        match meaning {
            Meaning::Parameter(info) => {
                if !info.is_used_by(settings.algorithm) {
                    warnings.push(format!(
                        "{} has no effect on auto, which derives it from the probe and the recording; --algorithm kilosort2 uses it",
                        given.place()
                    ));
                }
                let value = validate::coerce(info, &parameters[info.name], &given.value);
                let value = value.map_err(|problem| Error::input(format!("{} {problem}", given.place())))?;
                parameters.insert(info.name.to_string(), value);
            }
            Meaning::Switch(info) => {
                let on = as_flag(&given.value).ok_or_else(|| {
                    Error::input(format!(
                        "{} is {}; it must be true or false",
                        given.place(),
                        given.value
                    ))
                })?;
                compat.insert(info.name.to_string(), Value::Boolean(on));
            }
            Meaning::AboutTheRecording(name) => set_recording_option(&mut recording, name, given)?,
            Meaning::WithoutEffect(name, reason) => {
                if *name == "nPCs" && as_number(&given.value) != Some(3.0) {
                    return Err(Error::input(format!(
                        "{} is {}; it must be 3, because {reason}",
                        given.place(),
                        given.value
                    )));
                }
                warnings.push(format!("{} has no effect: {reason}", given.place()));
            }
        }
    }
    if given.contains_key("template_samples") && !given.contains_key("trough_sample") {
        let length = parameters["template_samples"].as_integer().unwrap_or_default();
        parameters.insert("trough_sample".into(), Value::Integer((20 * length + 60) / 61));
    }
    let settings = Settings {
        algorithm: settings.algorithm,
        parameters: from_table::<Parameters>(parameters)?,
        compat: from_table::<Compat>(compat)?,
    };
    settings.validate()?;
    warnings.extend(settings.suspicious());
    Ok(Resolved {
        settings,
        recording,
        warnings,
    })
}

fn to_table<T: serde::Serialize>(value: &T) -> Result<Table> {
    Table::try_from(value).map_err(|e| Error::input(format!("the settings cannot be written as TOML: {e}")))
}

fn from_table<T: serde::de::DeserializeOwned>(table: Table) -> Result<T> {
    table
        .try_into()
        .map_err(|e| Error::input(format!("the settings cannot be used: {e}")))
}

fn unknown_preset(name: &str) -> Error {
    let nearest = nearest(name, PRESETS.into_iter());
    Error::input(format!(
        "--compat {name} is not known; did you mean {nearest}? There are {}",
        PRESETS.join(", ")
    ))
}

fn read_file(path: &Path) -> Result<Vec<Given>> {
    let text = read_regular_text(path, "parameter file (--params)")?;
    let table: Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        Error::input(format!(
            "{}, line {line}: {}; write one name = value a line, with lists as [6, 2]",
            path.display(),
            e.message().trim_end().replace('\n', ", ")
        ))
    })?;
    let origin = path.display().to_string();
    let given = |spelling: String, value: Value| Given {
        spelling,
        value,
        origin: origin.clone(),
    };
    let mut all = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(switches) if key == "compat" => {
                all.extend(switches.into_iter().map(|(k, v)| given(format!("compat.{k}"), v)));
            }
            value => all.push(given(key, value)),
        }
    }
    Ok(all)
}

fn parse_set(text: &str) -> Result<Given> {
    let (key, value) = text.split_once('=').ok_or_else(|| {
        Error::input(format!(
            "--set {} has no '='; write --set NAME=VALUE, for example --set Th=[6,2]",
            shortened(text)
        ))
    })?;
    let parsed = value.trim().parse::<Value>().map_err(|_| {
        Error::input(format!(
            "--set {}: '{}' is not a value; write a number, true or false, or a list such as [6, 2]",
            shortened(text),
            shortened(value.trim())
        ))
    })?;
    Ok(Given {
        spelling: key.trim().to_string(),
        value: parsed,
        origin: "--set".into(),
    })
}

/// The start of a long text: a message is for people.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Options of one source by their canonical name. The last of one spelling counts; two spellings are a mistake.
fn one_spelling_each(all: Vec<Given>) -> Result<BTreeMap<String, (Meaning, Given)>> {
    let mut by_name: BTreeMap<String, (Meaning, Given)> = BTreeMap::new();
    for given in all {
        let meaning = look_up(&given)?;
        let name = meaning.canonical();
        if let Some((_, earlier)) = by_name.get(&name)
            && earlier.spelling != given.spelling
        {
            return Err(Error::input(format!(
                "{} and {} are two names of the parameter {name}; give only one of them",
                earlier.place(),
                given.spelling
            )));
        }
        by_name.insert(name, (meaning, given));
    }
    Ok(by_name)
}

fn look_up(given: &Given) -> Result<Meaning> {
    let key = given.spelling.as_str();
    if let Some(switch) = key.strip_prefix("compat.") {
        return find_switch(switch).map(Meaning::Switch).ok_or_else(|| {
            let nearest = nearest(switch, COMPAT.iter().map(|info| info.name));
            Error::input(format!(
                "{} is not a compatibility switch; did you mean compat.{nearest}? `ferrosort parameters` lists them",
                given.place()
            ))
        });
    }
    if let Some(info) = find_parameter(key) {
        return Ok(Meaning::Parameter(info));
    }
    if let Some((name, _)) = ABOUT_THE_RECORDING.iter().find(|(name, _)| *name == key) {
        return Ok(Meaning::AboutTheRecording(name));
    }
    if let Some((name, reason)) = WITHOUT_EFFECT.iter().find(|(name, _)| *name == key) {
        return Ok(Meaning::WithoutEffect(name, reason));
    }
    let names = PARAMETERS
        .iter()
        .flat_map(|info| std::iter::once(info.name).chain(info.aliases.iter().copied()));
    let others = ABOUT_THE_RECORDING.iter().map(|(name, _)| *name);
    let nearest = nearest(key, names.chain(others));
    Err(Error::input(format!(
        "{} is not a parameter; did you mean {nearest}? `ferrosort parameters` lists them",
        given.place()
    )))
}

/// The candidate that is most alike, letter case aside and beginnings counting more; the first of equals.
fn nearest<'a>(key: &str, candidates: impl Iterator<Item = &'a str>) -> &'a str {
    let key = key.to_lowercase();
    let mut best = ("", f64::NEG_INFINITY);
    for name in candidates {
        let likeness = strsim::jaro_winkler(&key, &name.to_lowercase());
        if likeness > best.1 {
            best = (name, likeness);
        }
    }
    best.0
}

fn set_recording_option(options: &mut RecordingOptions, name: &str, given: &Given) -> Result<()> {
    let refuse = |expected: &str| Error::input(format!("{} is {}; {expected}", given.place(), given.value));
    match name {
        "fs" => {
            let rate = as_number(&given.value).filter(|fs| fs.is_finite() && *fs > 0.0);
            options.sample_rate = Some(rate.ok_or_else(|| refuse("the sample rate is a number of Hz greater than 0"))?);
        }
        "NchanTOT" => {
            let count = as_number(&given.value).filter(|n| n.is_finite() && *n >= 1.0 && n.fract() == 0.0);
            let count = count.ok_or_else(|| refuse("the number of channels is a whole number, 1 or more"))?;
            options.n_channels = Some(count as usize);
        }
        _ => {
            let range = given
                .value
                .as_array()
                .map(|pair| pair.iter().map(as_number).collect::<Vec<_>>());
            options.time_range_s = match range.as_deref() {
                Some(&[Some(start), Some(end)]) if start >= 0.0 && end > start && start.is_finite() => {
                    Some((start, end.is_finite().then_some(end)))
                }
                _ => {
                    return Err(refuse(
                        "the time range is [start, end] in seconds, for example [0, inf]",
                    ));
                }
            };
        }
    }
    Ok(())
}

/// `true`, `false`, and MATLAB's 1 and 0.
pub(super) fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(on) => Some(*on),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        _ => None,
    }
}

/// An integer or a float.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(i) => Some(*i as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
