//! Settings from and to TOML.

use std::path::Path;

use ferrosort_core::{Error, Result};
use ferrosort_formats::read_regular_text;
use serde::Deserialize as _;
use toml::{Table, Value};

use super::presets::PRESETS;
use super::{Preset, Settings};

/// Key of a file that names the preset it changes.
const BASE: &str = "preset";

impl Settings {
    /// The settings of a preset.
    ///
    /// # Errors
    /// No preset of this name.
    pub fn preset(name: &str) -> Result<Self> {
        find(name).map(Preset::settings)
    }

    /// The settings of a preset's name, or of a TOML file: the preset that the file names (default `neuropixels-1`)
    /// with the file's values.
    ///
    /// # Errors
    /// Neither a preset nor a readable file; everything that [`Settings::from_table`] refuses.
    pub fn from_name_or_file(what: &str) -> Result<Self> {
        let path = Path::new(what);
        if !(path.extension().is_some_and(|e| e == "toml") || path.is_file()) {
            return Self::preset(what);
        }
        let text = read_regular_text(path, "file of settings")?;
        let changes: Table =
            toml::from_str(&text).map_err(|e| Error::input(format!("{what} is not TOML: {}", one_line(&e))))?;
        let base = match changes.get(BASE) {
            None => "neuropixels-1",
            Some(Value::String(name)) => name,
            Some(other) => return Err(Error::input(format!("{what}: preset is {other}; give a preset's name"))),
        };
        let mut table = Self::preset(base)?.to_table()?;
        merge(&mut table, changes);
        Self::from_table(table).map_err(|e| Error::input(format!("{what}: {e}")))
    }

    /// Settings from a complete or partial table; what is absent has its default.
    ///
    /// # Errors
    /// An unknown name or a value of the wrong type.
    pub fn from_table(table: Table) -> Result<Self> {
        Self::deserialize(table).map_err(|e| Error::input(format!("simulation settings: {}", one_line(&e))))
    }

    /// Changes one value: `NAME=VALUE` with a dotted name (`drift.grid_um=1`) and a TOML value; text needs no quotes.
    ///
    /// # Errors
    /// No `=`, an unknown name, or a value of the wrong type.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let (name, text) = assignment.split_once('=').ok_or_else(|| {
            Error::input(format!(
                "--set {assignment} has no value; write --set NAME=VALUE, for example --set drift.grid_um=1"
            ))
        })?;
        let value = parse_value(text.trim());
        let mut table = self.to_table()?;
        let steps: Vec<&str> = name.trim().split('.').collect();
        put(&mut table, &steps, value)
            .and_then(|()| Self::from_table(table))
            .map(|settings| *self = settings)
            .map_err(|e| Error::input(format!("--set {assignment}: {e}")))
    }

    /// All settings as a table.
    ///
    /// # Errors
    /// None in practice: every value has a form in TOML.
    pub fn to_table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|e| Error::input(format!("settings cannot be written as TOML: {e}")))
    }

    /// All settings as the text of a file.
    ///
    /// # Errors
    /// None in practice: every value has a form in TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::input(format!("settings cannot be written as TOML: {e}")))
    }
}

fn find(name: &str) -> Result<&'static Preset> {
    PRESETS.iter().find(|p| p.name == name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
        Error::input(format!(
            "there is no preset and no file {name}; presets are {}",
            names.join(", ")
        ))
    })
}

fn parse_value(text: &str) -> Value {
    let parsed = toml::from_str::<Table>(&format!("value = {text}"));
    let found = parsed.ok().and_then(|mut table| table.remove("value"));
    found.unwrap_or_else(|| Value::String(text.to_string()))
}

/// Places a value at a path; numbers in the path are places in a list.
fn put(table: &mut Table, steps: &[&str], value: Value) -> Result<()> {
    match steps {
        [] => Ok(()),
        [last] => {
            let whole = match (table.get(*last), &value) {
                // 5 stands for 5.0 where a fraction is expected.
                (Some(Value::Float(_)), Value::Integer(i)) => Value::Float(*i as f64),
                _ => value,
            };
            table.insert((*last).to_string(), whole);
            Ok(())
        }
        [first, rest @ ..] => match table.get_mut(*first) {
            Some(Value::Table(inner)) => put(inner, rest, value),
            Some(Value::Array(items)) => {
                let place = rest[0].parse::<usize>().ok().filter(|&i| i < items.len());
                match place.map(|i| &mut items[i]) {
                    Some(Value::Table(inner)) if rest.len() > 1 => put(inner, &rest[1..], value),
                    _ => Err(Error::input(format!(
                        "{} is not a place in the list {first}",
                        rest.join(".")
                    ))),
                }
            }
            _ => Err(Error::input(format!("there is no group of settings called {first}"))),
        },
    }
}

/// Puts every value of `changes` into `table`; groups are merged unless their `kind` changes.
fn merge(table: &mut Table, changes: Table) {
    for (name, change) in changes {
        match (table.get_mut(&name), change) {
            (Some(Value::Table(old)), Value::Table(new))
                if new.get("kind").is_none_or(|kind| old.get("kind") == Some(kind)) =>
            {
                merge(old, new);
            }
            (_, change) => {
                table.insert(name, change);
            }
        }
    }
}

fn one_line(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    lines.last().copied().unwrap_or("unreadable").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::{Course, Noise};

    #[test]
    fn every_preset_survives_its_own_toml_and_is_valid() {
        for preset in PRESETS {
            let settings = preset.settings();
            assert_eq!(settings.preset, preset.name);
            settings.validate().unwrap();
            let text = settings.to_toml().unwrap();
            let again = Settings::from_table(toml::from_str(&text).unwrap()).unwrap();
            assert_eq!(again, settings, "{}", preset.name);
        }
    }

    #[test]
    fn single_values_are_set_by_their_dotted_name() {
        let mut s = Settings::preset("emouse-drift").unwrap();
        s.set("drift.grid_um = 1").unwrap();
        s.set("drift.components.0.course.amplitude_um=30").unwrap();
        s.set("probe.name=np2").unwrap();
        s.set("noise={kind=\"none\"}").unwrap();
        assert_eq!(s.drift.grid_um, 1.0);
        let Course::Sine { amplitude_um, .. } = s.drift.components[0].course else {
            panic!("{:?}", s.drift)
        };
        assert_eq!((amplitude_um, s.probe.name.as_str()), (30.0, "np2"));
        assert_eq!(s.noise, Noise::None);
        for (wrong, named) in [
            ("drift.grid", "grid"),
            ("drift.grd_um=1", "grd_um"),
            ("nothing.x=1", "nothing"),
            ("drift.grid_um=wide", "wide"),
            ("drift.components.7.course=1", "components"),
        ] {
            let message = s.set(wrong).unwrap_err().to_string();
            assert!(message.contains(named) && message.lines().count() == 1, "{message}");
        }
    }

    #[test]
    fn a_file_changes_its_preset() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(
            &path,
            "preset = \"tetrode\"\nduration_s = 5.0\n[units]\nn = 3\n[noise]\nkind = \"none\"\n",
        )
        .unwrap();
        let s = Settings::from_name_or_file(path.to_str().unwrap()).unwrap();
        assert_eq!((s.preset.as_str(), s.duration_s, s.units.n), ("tetrode", 5.0, 3));
        assert_eq!((s.noise, s.probe.name.as_str()), (Noise::None, "tetrode"));
        std::fs::write(&path, "[unts]\nn = 3\n").unwrap();
        let message = Settings::from_name_or_file(path.to_str().unwrap())
            .unwrap_err()
            .to_string();
        assert!(message.contains("unts") && message.contains("mine.toml"), "{message}");
        assert!(Settings::preset("nope").unwrap_err().to_string().contains("tetrode"));
    }
}
