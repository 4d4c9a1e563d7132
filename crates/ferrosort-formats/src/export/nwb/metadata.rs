//! What NWB asks for and a sorting does not know.

use std::collections::BTreeMap;

use ferrosort_core::{Error, Result};

use super::dates;

/// Keys of [`Metadata`], and what each says.
pub const METADATA_KEYS: [(&str, &str); 19] = [
    (
        "session_start_time",
        "when the recording began, with the time zone: 2026-03-01T14:30:00+01:00",
    ),
    ("session_description", "what the session was"),
    ("session_id", "the laboratory's name of the session"),
    (
        "identifier",
        "a name of the file that no other has; else one is made from the spikes",
    ),
    ("experiment_description", "what the experiment is for"),
    (
        "experimenter",
        "\"Last, First\" of who did it; several are separated by semicolons",
    ),
    ("institution", "where it was done"),
    ("lab", "the laboratory"),
    ("keywords", "words to search for, separated by semicolons"),
    ("notes", "anything else"),
    ("subject_id", "name of the animal"),
    ("species", "its species in Latin: Mus musculus"),
    ("sex", "M, F, O (other) or U (unknown)"),
    (
        "age",
        "its age as an ISO 8601 duration: P90D, or P90D/P120D for a range",
    ),
    ("subject_description", "anything else about it"),
    ("genotype", "its genotype"),
    ("strain", "its strain"),
    ("device", "name of the probe"),
    ("location", "brain region that the probe is in"),
];

/// Values by the keys in [`METADATA_KEYS`]; what is not given is written as unknown where NWB asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    values: BTreeMap<String, String>,
}

impl Metadata {
    /// Sets a value; an empty one is as none.
    ///
    /// # Errors
    /// There is no such key, or NWB does not take such a value for it.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        if !METADATA_KEYS.iter().any(|(known, _)| *known == key) {
            let all = METADATA_KEYS.map(|(key, _)| key).join(", ");
            return Err(Error::input(format!(
                "--metadata has no key '{key}'; choose from {all}"
            )));
        }
        check(key, value)?;
        if !value.is_empty() {
            self.values.insert(key.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// Sets what a command line says: `KEY=VALUE`.
    ///
    /// # Errors
    /// As [`Metadata::set`]; no equals sign.
    pub fn assign(&mut self, assignment: &str) -> Result<()> {
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(Error::input(format!(
                "--metadata {assignment} has no equals sign; write --metadata KEY=VALUE"
            )));
        };
        self.set(key.trim(), value.trim())
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
}

fn check(key: &str, value: &str) -> Result<()> {
    let wrong = |wanted: &str| {
        Err(Error::input(format!(
            "--metadata {key}={value} cannot be written; give {wanted}"
        )))
    };
    let fits = match key {
        _ if value.is_empty() => true,
        _ if value.contains('\0') => return wrong("a text without null characters"),
        "session_start_time" if !dates::is_time_with_zone(value) => {
            return wrong("a time with its zone, such as 2026-03-01T14:30:00+01:00");
        }
        "sex" if !matches!(value, "M" | "F" | "O" | "U") => return wrong("one of M, F, O, U"),
        "age" => value.split('/').count() <= 2 && value.split('/').all(|part| part.is_empty() || is_duration(part)),
        "device" => !value.contains(['/', ':']) && value != "." && value != "..",
        _ => true,
    };
    match (fits, key) {
        (true, _) => Ok(()),
        (false, "age") => wrong("a duration of ISO 8601, such as P90D, or a range of two, such as P90D/P120D"),
        (false, _) => wrong("a name without slashes and colons"),
    }
}

/// `P`, then numbers, each with its letter: years, months, weeks, days, and after a `T` hours, minutes and seconds.
fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else {
        return false;
    };
    let (date, time) = rest
        .split_once('T')
        .map_or((rest, None), |(date, time)| (date, Some(time)));
    let fits = |mut part: &str, letters: &str| {
        let mut letters = letters.chars();
        while let Some(end) = part.find(|c: char| !c.is_ascii_digit() && c != '.') {
            let letter = part[end..].chars().next().unwrap_or_default();
            if end == 0 || part[..end].parse::<f64>().is_err() || !letters.any(|known| known == letter) {
                return false;
            }
            part = &part[end + letter.len_utf8()..];
        }
        part.is_empty()
    };
    let time_fits = time.is_none_or(|time| !time.is_empty() && fits(time, "HMS"));
    fits(date, "YMWD") && time_fits && !rest.is_empty()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_nwb_takes() {
        let mut metadata = Metadata::default();
        for good in [
            "age=P90D",
            "age=P1Y2M",
            "age=P0D/",
            "age=P1W/P2W",
            "age=PT5.5H",
            "sex=F",
            "species=Mus musculus",
            "lab=",
        ] {
            metadata.assign(good).unwrap();
        }
        assert_eq!((metadata.get("sex"), metadata.get("lab")), (Some("F"), None));
        for (bad, says) in [
            ("age=90", "age=90"),
            ("age=P", "P90D"),
            ("age=PD", "P90D"),
            ("age=P1D/P2D/P3D", "P90D"),
            ("age=P2D1Y", "P90D"),
            ("sex=male", "M, F, O, U"),
            ("session_start_time=yesterday", "+01:00"),
            ("device=a/b", "slashes"),
            ("colour=red", "no key 'colour'"),
            ("sex", "KEY=VALUE"),
        ] {
            let error = metadata.assign(bad).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
