//! SpikeGLX's `.meta` files: one `key=value` a line; tables are `(header)(entry)(entry)...`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

use crate::text::read_text;

/// Most columns of a file that are believed: a quad-base probe has 1536 and 4 sync words.
pub(super) const MAX_CHANNELS: usize = 1 << 16;

/// The lines of a `.meta` file, in no order.
#[derive(Debug)]
pub(super) struct Meta {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl Meta {
    /// Reads a `.meta` file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        Ok(Self::parse(path, &read_text(path, "metadata of SpikeGLX")?))
    }

    /// The pairs of a text; lines without `=` are passed over, as SpikeGLX does.
    pub(super) fn parse(path: &Path, text: &str) -> Self {
        let values = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim().trim_start_matches('~').to_owned(), value.trim().to_owned()))
            .collect();
        Self {
            path: path.to_path_buf(),
            values,
        }
    }

    /// True for the metadata of a recording of SpikeGLX.
    pub(super) fn is_spikeglx(&self) -> bool {
        self.values.contains_key("nSavedChans")
    }

    /// The value of a key, without the mark `~` of tables.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// A number; `None` when the key is absent.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        self.get(key)
            .map(|text| match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(self.wrong(key, "is not a number")),
            })
            .transpose()
    }

    /// A number that has to be there.
    pub(super) fn required(&self, key: &str) -> Result<f64> {
        self.number(key)?
            .ok_or_else(|| self.error(&format!("has no '{key}'; take the .meta file that SpikeGLX wrote")))
    }

    /// Whole numbers separated by commas; `None` when the key is absent.
    pub(super) fn counts(&self, key: &str) -> Result<Option<Vec<usize>>> {
        self.get(key)
            .map(|text| {
                text.split(',')
                    .map(|part| part.trim().parse::<usize>().ok().filter(|&n| n <= MAX_CHANNELS))
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| self.wrong(key, "is not a list of whole numbers"))
            })
            .transpose()
    }

    /// The parts of a table, without their parentheses; the header is the first.
    pub(super) fn table(&self, key: &str) -> Option<Vec<&str>> {
        let parts = self.get(key)?.split('(').skip(1);
        Some(parts.map(|part| part.split(')').next().unwrap_or_default()).collect())
    }

    /// "FILE: 'key=value' what"
    pub(super) fn wrong(&self, key: &str, what: &str) -> Error {
        let value: String = self.get(key).unwrap_or_default().chars().take(60).collect();
        self.error(&format!(
            "'{key}={value}' {what}; take the .meta file that SpikeGLX wrote"
        ))
    }

    /// An error about this file.
    pub(super) fn error(&self, what: &str) -> Error {
        Error::input(format!("{}: {what}", self.path.display()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pairs_tables_and_mistakes() {
        let meta = Meta::parse(
            Path::new("a.meta"),
            "nSavedChans=385\r\nuserNotes=a=b (c)\n~imroTbl=(0,2)(0 1 0 500 250 1)(1 0\nnoise\nsnsApLfSy=384,0,1\nrate=x\n",
        );
        assert!(meta.is_spikeglx());
        assert_eq!(meta.required("nSavedChans").unwrap(), 385.0);
        assert_eq!(meta.get("userNotes"), Some("a=b (c)"));
        assert_eq!(meta.table("imroTbl").unwrap(), ["0,2", "0 1 0 500 250 1", "1 0"]);
        assert_eq!(meta.counts("snsApLfSy").unwrap().unwrap(), [384, 0, 1]);
        assert!(
            meta.number("rate")
                .unwrap_err()
                .to_string()
                .contains("a.meta: 'rate=x'")
        );
        assert!(meta.required("none").unwrap_err().to_string().contains("no 'none'"));
        assert!(meta.counts("rate").is_err());
    }
}
