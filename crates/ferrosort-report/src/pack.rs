//! From the model to the two blocks of data in the page: JSON, and all arrays in one deflated run of bytes.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ferrosort_core::{Error, Result};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value};

use crate::Report;
use crate::model::Kept;

/// What the page embeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The report as JSON; each array has `offset` (bytes) instead of `data`. Safe inside a script element: `<`, `>`,
    /// `&` and the two line separators are escaped.
    pub json: String,
    /// Base64 of the zlib-compressed arrays, one after the other.
    pub arrays: String,
}

/// Packs a report.
pub fn pack(report: &Report) -> Result<Packed> {
    let mut value = serde_json::to_value(report).map_err(refused)?;
    let mut bytes = Vec::new();
    take_arrays(&mut value, &mut bytes)?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&bytes).map_err(refused)?;
    let deflated = encoder.finish().map_err(refused)?;
    Ok(Packed {
        json: inert(&serde_json::to_string(&value).map_err(refused)?),
        arrays: STANDARD.encode(deflated),
    })
}

/// The report of a page's two blocks of data.
pub fn unpack(packed: &Packed) -> Result<Report> {
    let mut value: Value = serde_json::from_str(&packed.json).map_err(refused)?;
    let deflated = STANDARD.decode(&packed.arrays).map_err(refused)?;
    let mut bytes = Vec::new();
    ZlibDecoder::new(&deflated[..])
        .read_to_end(&mut bytes)
        .map_err(refused)?;
    give_arrays(&mut value, &bytes)?;
    serde_json::from_value(value).map_err(refused)
}

/// JSON text that cannot end a script element or begin another.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

fn is_array(object: &Map<String, Value>) -> bool {
    object.contains_key("kept") && object.contains_key("shape")
}

/// Moves the data of all arrays to `bytes`.
fn take_arrays(value: &mut Value, bytes: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Object(object) if is_array(object) => {
            if let Some(Value::String(data)) = object.remove("data") {
                object.insert("offset".into(), bytes.len().into());
                bytes.extend(STANDARD.decode(data).map_err(refused)?);
                // Kinds without levels need no scale.
                if object.get("step").and_then(Value::as_f64) == Some(1.0)
                    && object.get("low").and_then(Value::as_f64) == Some(0.0)
                {
                    object.remove("low");
                    object.remove("step");
                }
            }
        }
        Value::Object(object) => {
            for inner in object.values_mut() {
                take_arrays(inner, bytes)?;
            }
        }
        Value::Array(list) => {
            for inner in list {
                take_arrays(inner, bytes)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn give_arrays(value: &mut Value, bytes: &[u8]) -> Result<()> {
    match value {
        Value::Object(object) if is_array(object) => {
            let data = extent(object).and_then(|(start, length)| bytes.get(start..start.checked_add(length)?));
            let data = data.ok_or_else(|| Error::input("an array of the report page lies outside its data"))?;
            object.insert("data".into(), STANDARD.encode(data).into());
            object.entry("low").or_insert_with(|| 0.0.into());
            object.entry("step").or_insert_with(|| 1.0.into());
        }
        Value::Object(object) => {
            for inner in object.values_mut() {
                give_arrays(inner, bytes)?;
            }
        }
        Value::Array(list) => {
            for inner in list {
                give_arrays(inner, bytes)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// First byte and number of bytes of an array.
fn extent(object: &Map<String, Value>) -> Option<(usize, usize)> {
    let kept: Kept = serde_json::from_value(object.get("kept")?.clone()).ok()?;
    let mut length = kept.bytes();
    for axis in object.get("shape")?.as_array()? {
        length = length.checked_mul(usize::try_from(axis.as_u64()?).ok()?)?;
    }
    Some((usize::try_from(object.get("offset")?.as_u64()?).ok()?, length))
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::input(format!("the report's data cannot be packed: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::{Array, Part, Run, Unit};

    #[test]
    fn a_report_comes_back_from_its_page_data() {
        let unit = Unit {
            id: "a</script><script>alert(1)</script>\u{2028}".into(),
            rate_over_time: Part::Available(Array::integers([1, 2, 3])),
            ..Unit::default()
        };
        let run = Run {
            name: "A & B".into(),
            units: vec![unit.clone(), unit],
            presence: Part::Available(Array::matrix(2, 2, vec![0.5, 1.0, 2.0, 4.0])),
            ..Run::default()
        };
        let report = Report {
            runs: vec![run],
            ..Report::default()
        };
        let packed = pack(&report).unwrap();
        assert!(!packed.json.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(unpack(&packed).unwrap(), report);
    }

    #[test]
    fn an_array_outside_the_data_is_refused() {
        let report = Report {
            runs: vec![Run {
                presence: Part::Available(Array::matrix(2, 2, vec![0.5; 4])),
                ..Run::default()
            }],
            ..Report::default()
        };
        let mut packed = pack(&report).unwrap();
        packed.arrays = pack(&Report::default()).unwrap().arrays;
        assert!(unpack(&packed).is_err());
    }
}
