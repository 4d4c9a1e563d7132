//! Types of NWB's objects, and its tables.

use super::identity::Identity;
use crate::hdf5::write::{FileWriter, Values};

/// Says what an object is; makes it a group if it is not there.
pub(super) fn typed(file: &mut FileWriter, path: &str, namespace: &str, neurodata_type: &str, identity: &Identity) {
    for (name, text) in [
        ("namespace", namespace),
        ("neurodata_type", neurodata_type),
        ("object_id", &identity.of(path)),
    ] {
        file.attribute(path, name, &[], Values::text(text));
    }
}

/// A `DynamicTable` in the making: columns of one length, some of them ragged.
pub(super) struct DynamicTable<'t, 'a> {
    file: &'t mut FileWriter<'a>,
    identity: &'t Identity,
    path: &'static str,
    columns: Vec<String>,
}

impl<'t, 'a> DynamicTable<'t, 'a> {
    /// A table with these ids of its rows. `kind` is a namespace and a type.
    pub(super) fn new(
        file: &'t mut FileWriter<'a>,
        identity: &'t Identity,
        path: &'static str,
        kind: [&str; 2],
        description: &str,
        ids: Vec<i64>,
    ) -> Self {
        typed(file, path, kind[0], kind[1], identity);
        file.attribute(path, "description", &[], Values::text(description));
        let id = format!("{path}/id");
        file.dataset(&id, &[ids.len()], Values::integers(ids.into_iter()));
        typed(file, &id, "hdmf-common", "ElementIdentifiers", identity);
        Self {
            file,
            identity,
            path,
            columns: Vec::new(),
        }
    }

    /// Adds a column of values of this shape.
    pub(super) fn column(&mut self, name: &str, description: &str, shape: &[usize], values: Values<'a>) {
        self.typed_column(name, "VectorData", description, shape, values);
    }

    /// Adds a column whose rows have several entries: all entries, and where those of each row end.
    pub(super) fn ragged(&mut self, name: &str, description: &str, values: Values<'a>, ends: Vec<u64>) {
        let n = ends.last().map_or(0, |&end| end as usize);
        self.typed_column(name, "VectorData", description, &[n], values);
        self.index(name, ends);
    }

    /// Adds a ragged column of rows in another table.
    pub(super) fn region(&mut self, name: &str, description: &str, table: &str, rows: Vec<i64>, ends: Vec<u64>) {
        let rows_shape = [rows.len()];
        let rows = Values::integers(rows.into_iter());
        self.typed_column(name, "DynamicTableRegion", description, &rows_shape, rows);
        let reference = Values::References(vec![table.to_owned()]);
        self.attribute(name, "table", reference);
        self.index(name, ends);
    }

    /// Adds an attribute to a column.
    pub(super) fn attribute(&mut self, name: &str, attribute: &str, values: Values) {
        let path = format!("{}/{name}", self.path);
        self.file.attribute(&path, attribute, &[], values);
    }

    fn typed_column(&mut self, name: &str, kind: &str, description: &str, shape: &[usize], values: Values<'a>) {
        let path = format!("{}/{name}", self.path);
        self.file.dataset(&path, shape, values);
        typed(self.file, &path, "hdmf-common", kind, self.identity);
        self.attribute(name, "description", Values::text(description));
        self.columns.push(name.to_owned());
    }

    /// Ends take 32 bits where that holds them: SpikeInterface adds a signed 0 in front, which makes floats of 64 bits without sign.
    fn index(&mut self, name: &str, ends: Vec<u64>) {
        let path = format!("{}/{name}_index", self.path);
        let n = [ends.len()];
        let values = if ends.iter().all(|&end| u32::try_from(end).is_ok()) {
            Values::U32(Box::new(ends.into_iter().map(|end| end as u32)))
        } else {
            Values::U64(Box::new(ends.into_iter()))
        };
        self.file.dataset(&path, &n, values);
        typed(self.file, &path, "hdmf-common", "VectorIndex", self.identity);
        let description = Values::text(format!("Index for VectorData '{name}'"));
        self.file.attribute(&path, "description", &[], description);
        let target = Values::References(vec![format!("{}/{name}", self.path)]);
        self.file.attribute(&path, "target", &[], target);
    }

    /// Says which columns there are.
    pub(super) fn finish(self) {
        let n = [self.columns.len()];
        self.file
            .attribute(self.path, "colnames", &n, Values::Texts(self.columns));
    }
}
