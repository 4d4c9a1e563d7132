//! `.prb` files of klusta and its heirs.
//!
//! Such a file is Python source that other tools execute. Here a literal subset is parsed and nothing is executed:
//! assignments of numbers, strings, lists, tuples, dictionaries, `range(...)`, `list(range(...))` and names assigned
//! before. Anything else is an error that names the line.
//!
//! ```text
//! channel_groups = {0: {'channels': list(range(4)), 'geometry': {0: (0, 0), 1: (0, 20), ...}}}
//! ```

use ferrosort_core::{Contact, Error, Probe, Result};

use super::{channel_number, check_len, shank_number};
use crate::literals::{self, Value};

/// Longest text read, bytes; a probe of a thousand contacts needs a tenth of it.
const MAX_TEXT_BYTES: usize = 4 << 20;

/// Contacts group by group, in the order of each group's `channels`. A group's id is its shank; ids that are not
/// numbers are numbered by their place.
pub(super) fn read(text: &str, source: &str) -> Result<Probe> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::input(format!(
            "{source} is not a probe file: it is text of more than 4 MiB"
        )));
    }
    let variables = literals::parse(text).map_err(|e| {
        Error::input(format!(
            "{source} line {}: {}; only plain values are understood in .prb files, nothing is executed",
            e.line, e.what
        ))
    })?;
    let groups = variables
        .iter()
        .rev()
        .find(|(name, _)| name == "channel_groups")
        .map(|(_, value)| value)
        .ok_or_else(|| {
            Error::input(format!(
                "{source} does not assign channel_groups, so it is not a .prb file (nor any other known probe format)"
            ))
        })?;
    let Value::Dict(groups) = groups else {
        return Err(Error::input(format!(
            "{source}: channel_groups is not a dictionary of groups"
        )));
    };
    let mut contacts = Vec::new();
    for (place, (id, group)) in groups.iter().enumerate() {
        let shank = match id.number() {
            Some(number) => shank_number(number, contacts.len(), source)?,
            None => place as i64,
        };
        append_group(group, shank, &id.describe(), source, &mut contacts)?;
    }
    Ok(Probe {
        name: String::new(),
        contacts,
    })
}

fn append_group(group: &Value, shank: i64, id: &str, source: &str, contacts: &mut Vec<Contact>) -> Result<()> {
    let wrong = |what: &str| Error::input(format!("{source}: group {id} {what}"));
    let channels = group
        .get("channels")
        .ok_or_else(|| wrong("has no 'channels'"))?
        .numbers()
        .ok_or_else(|| wrong("has 'channels' that are not a list of numbers"))?;
    let geometry = group
        .get("geometry")
        .ok_or_else(|| wrong("has no 'geometry'; give the position of each channel"))?;
    for (i, &number) in channels.iter().enumerate() {
        let channel = channel_number(number, i, source)?;
        let position = match geometry {
            Value::Dict(entries) => entries
                .iter()
                .rev()
                .find(|(k, _)| k.number() == Some(number))
                .map(|(_, v)| v),
            Value::List(list) => {
                check_len(&format!("geometry of group {id}"), list.len(), channels.len(), source)?;
                list.get(i)
            }
            _ => None,
        };
        let position = position.and_then(Value::numbers);
        let Some([x_um, y_um]) = position.as_deref() else {
            return Err(wrong(&format!("has no position (x, y) for channel {channel}")));
        };
        contacts.push(Contact {
            channel,
            x_um: *x_um,
            y_um: *y_um,
            shank,
        });
    }
    Ok(())
}
