//! One structure of a file, whose fields are read when they are asked for: results of a sorter hold arrays that are
//! large and not wanted.

use std::io::Read as _;
use std::path::Path;

use ferrosort_core::{Error, Result};
use hdf5_reader::group::Group;
use hdf5_reader::{Hdf5File, OpenOptions};

use super::{MatFile, Numbers, Structs, Value, v73};
use crate::regular::open_regular;

/// Largest array read from a v7.3 file, bytes: a deflated one can claim any size.
const MAX_FIELD_BYTES: u64 = 8 << 30;
/// Bytes that one deflated byte can become, at most.
const MAX_RATIO: u64 = 1100;
/// Bytes in which the signature of a v7.3 file must be.
const SIGNATURE_BYTES: u64 = 2048 + 8;

/// A structure of a `.mat` file of version 7.3 or 5, or the file itself seen as one. Also groups of any HDF5 file.
pub(crate) struct Structure {
    kind: Kind,
    source: String,
}

enum Kind {
    /// A group of an HDF5 file.
    Group(Group),
    /// The variables of a v5 file.
    File(MatFile),
    /// A structure of a v5 file.
    Structs(Structs),
}

impl Structure {
    /// Opens a file as the structure of its variables.
    ///
    /// # Errors
    /// A missing file or one that is no `.mat` file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let source = path.display().to_string();
        let mut start = Vec::new();
        let (file, bytes) = open_regular(path, "MATLAB file")?;
        file.take(SIGNATURE_BYTES)
            .read_to_end(&mut start)
            .map_err(|e| Error::io("read", path, e))?;
        if !v73::detect(&start) {
            let kind = Kind::File(MatFile::open(path, &[])?);
            return Ok(Self { kind, source });
        }
        let limit = bytes.saturating_mul(MAX_RATIO).min(MAX_FIELD_BYTES) as usize;
        let options = OpenOptions {
            max_chunk_bytes: limit.min(1 << 30),
            max_read_bytes: limit,
            ..OpenOptions::default()
        };
        let group = Hdf5File::open_with_options(path, options).and_then(|file| file.root_group());
        match group {
            Ok(group) => Ok(Self {
                kind: Kind::Group(group),
                source,
            }),
            Err(e) => Err(Error::input(format!(
                "{source} cannot be read as an HDF5 file: {e}; the copy may be incomplete"
            ))),
        }
    }

    /// Names of the fields that are not structures, as the file lists them.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        match &self.kind {
            Kind::Group(group) => {
                let members = group.member_names();
                members
                    .map(|(_, arrays)| arrays)
                    .map_err(|e| self.failed("its fields", &e))
            }
            Kind::File(file) => Ok(file.names().map(str::to_owned).collect()),
            Kind::Structs(structs) => Ok(structs.fields().to_vec()),
        }
    }

    /// The structure in this field, the first one of an array; `None` when the field is no structure.
    pub(crate) fn structure(&self, name: &str) -> Result<Option<Self>> {
        let group = match &self.kind {
            Kind::Group(group) => group,
            Kind::File(_) | Kind::Structs(_) => {
                let structs = self.value(name).and_then(Value::as_structs);
                return Ok(structs.map(|structs| Self {
                    kind: Kind::Structs(structs.clone()),
                    source: self.source.clone(),
                }));
            }
        };
        let (groups, _) = group.member_names().map_err(|e| self.failed(name, &e))?;
        if !groups.iter().any(|group| group == name) {
            return Ok(None);
        }
        let group = group.group(name).map_err(|e| self.failed(name, &e))?;
        Ok(Some(Self {
            kind: Kind::Group(group),
            source: self.source.clone(),
        }))
    }

    /// The numbers or the text in this field; `None` when there are none.
    pub(crate) fn field(&self, name: &str) -> Result<Option<Numbers>> {
        let Kind::Group(group) = &self.kind else {
            return Ok(self.value(name).and_then(Value::as_numbers).cloned());
        };
        if !self.names()?.iter().any(|field| field == name) {
            return Ok(None);
        }
        let dataset = group.dataset(name).map_err(|e| self.failed(name, &e))?;
        if v73::storage(dataset.dtype()).is_none() {
            return Ok(None);
        }
        let class = dataset.attribute("MATLAB_class").and_then(|class| class.read_string());
        match v73::value(&dataset, name).map_err(|e| self.failed(name, &e))? {
            Value::Numbers(numbers) if numbers.shape.iter().product::<usize>() == numbers.values.len() => {
                Ok(Some(Numbers {
                    is_text: class.is_ok_and(|class| class.trim_end_matches('\0') == "char"),
                    ..numbers
                }))
            }
            _ => Err(self.failed(name, &"its size is not that of its values")),
        }
    }

    /// A field of a v5 file.
    fn value(&self, name: &str) -> Option<&Value> {
        match &self.kind {
            Kind::Group(_) => None,
            Kind::File(file) => file.get(name),
            Kind::Structs(structs) => structs.get(0, name),
        }
    }

    fn failed(&self, name: &str, reason: &dyn std::fmt::Display) -> Error {
        Error::input(format!("{}: {name} cannot be read: {reason}", self.source))
    }
}
