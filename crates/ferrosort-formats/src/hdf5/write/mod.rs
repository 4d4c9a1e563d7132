//! HDF5 files written in one pass: groups, contiguous datasets, attributes, soft links and references to objects, in the format of
//! HDF5 1.8 (superblock version 2, object headers version 2; <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>).
//!
//! The sizes of all parts are known before anything is written: headers of objects come first, then texts of variable length, then the
//! values of datasets, which are taken from iterators and never held as a whole.

mod datatype;
mod header;
mod heap;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};

use hdf5_core::jenkins_lookup3;

use datatype::Datatype;
use heap::{Heap, Slot};

/// Where nothing is.
const UNDEFINED: u64 = u64::MAX;
/// Bytes of the superblock.
const SUPERBLOCK_BYTES: u64 = 48;
/// Values of datasets begin at multiples of this.
const ALIGNMENT: u64 = 8;

/// Values of a dataset or an attribute, in C order.
pub(crate) enum Values<'a> {
    /// `float64`.
    F64(Box<dyn Iterator<Item = f64> + 'a>),
    /// `float32`.
    F32(Box<dyn Iterator<Item = f32> + 'a>),
    /// `int64`.
    I64(Box<dyn Iterator<Item = i64> + 'a>),
    /// `uint32`.
    U32(Box<dyn Iterator<Item = u32> + 'a>),
    /// `uint64`.
    U64(Box<dyn Iterator<Item = u64> + 'a>),
    /// Texts of variable length in UTF-8.
    Texts(Vec<String>),
    /// References to the objects of these paths.
    References(Vec<String>),
}

impl<'a> Values<'a> {
    /// One text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Texts(vec![text.into()])
    }

    /// One number.
    pub(crate) fn number(number: f64) -> Self {
        Self::F64(Box::new(std::iter::once(number)))
    }

    /// Whole numbers.
    pub(crate) fn integers(numbers: impl Iterator<Item = i64> + 'a) -> Self {
        Self::I64(Box::new(numbers))
    }

    fn datatype(&self) -> Datatype {
        match self {
            Self::F64(_) => Datatype::Float(8),
            Self::F32(_) => Datatype::Float(4),
            Self::I64(_) => Datatype::Signed(8),
            Self::U32(_) => Datatype::Unsigned(4),
            Self::U64(_) => Datatype::Unsigned(8),
            Self::Texts(_) => Datatype::Text,
            Self::References(_) => Datatype::Reference,
        }
    }
}

/// Values whose texts have a place.
enum Stored<'a> {
    Numbers(Values<'a>),
    Slots(Vec<Slot>),
    References(Vec<String>),
}

/// Values with their shape and type; scalar without dimensions.
struct Array<'a> {
    shape: Vec<u64>,
    datatype: Datatype,
    values: Stored<'a>,
}

impl Array<'_> {
    fn bytes(&self) -> u64 {
        self.shape.iter().product::<u64>() * self.datatype.bytes()
    }
}

/// A small array that belongs to an object, ready to be written but for the places in it.
struct Attribute {
    name: String,
    shape: Vec<u64>,
    datatype: Datatype,
    values: Small,
}

/// The values of an attribute.
enum Small {
    Bytes(Vec<u8>),
    Slots(Vec<Slot>),
    References(Vec<String>),
}

/// A group, or a dataset.
#[derive(Default)]
struct Object<'a> {
    attributes: Vec<Attribute>,
    /// Paths of the objects in a group.
    children: Vec<String>,
    /// Soft links in a group: names and the paths that they lead to.
    links: Vec<(String, String)>,
    dataset: Option<Array<'a>>,
}

/// Where the parts of a file are.
#[derive(Default)]
struct Places {
    /// Address of the header of each object, by path.
    objects: BTreeMap<String, u64>,
    /// Address of each collection of texts.
    collections: Vec<u64>,
    /// Address of the values of each dataset, by path.
    values: BTreeMap<String, u64>,
}

impl Places {
    fn object(&self, path: &str) -> u64 {
        self.objects.get(path).copied().unwrap_or(UNDEFINED)
    }

    fn values(&self, path: &str) -> u64 {
        self.values.get(path).copied().unwrap_or(UNDEFINED)
    }
}

/// A file in the making. Paths begin with `/`; groups above a path are made where they are missing.
pub(crate) struct FileWriter<'a> {
    objects: BTreeMap<String, Object<'a>>,
    heap: Heap,
}

impl<'a> FileWriter<'a> {
    /// A file with nothing but its top.
    pub(crate) fn new() -> Self {
        Self {
            objects: BTreeMap::from([("/".to_owned(), Object::default())]),
            heap: Heap::default(),
        }
    }

    /// Adds a group, if it is not there.
    pub(crate) fn group(&mut self, path: &str) {
        self.object(path);
    }

    /// Adds a dataset of this shape, which must be as large as there are values; empty for a scalar.
    pub(crate) fn dataset(&mut self, path: &str, shape: &[usize], values: Values<'a>) {
        let datatype = values.datatype();
        let values = match values {
            Values::Texts(texts) => Stored::Slots(texts.iter().map(|text| self.heap.add(text)).collect()),
            Values::References(paths) => Stored::References(paths),
            numbers => Stored::Numbers(numbers),
        };
        self.object(path).dataset = Some(Array {
            shape: shape.iter().map(|&n| n as u64).collect(),
            datatype,
            values,
        });
    }

    /// Adds an attribute to an object. `shape` as for [`FileWriter::dataset`].
    pub(crate) fn attribute(&mut self, path: &str, name: &str, shape: &[usize], values: Values) {
        let datatype = values.datatype();
        let values = match values {
            Values::Texts(texts) => Small::Slots(texts.iter().map(|text| self.heap.add(text)).collect()),
            Values::References(paths) => Small::References(paths),
            numbers => {
                let mut bytes = Vec::new();
                each_number(numbers, |number| bytes.extend_from_slice(number));
                Small::Bytes(bytes)
            }
        };
        self.object(path).attributes.push(Attribute {
            name: name.to_owned(),
            shape: shape.iter().map(|&n| n as u64).collect(),
            datatype,
            values,
        });
    }

    /// Adds a link named `name` to a group, which leads to the object of a path.
    pub(crate) fn soft_link(&mut self, group: &str, name: &str, target: &str) {
        self.object(group).links.push((name.to_owned(), target.to_owned()));
    }

    fn object(&mut self, path: &str) -> &mut Object<'a> {
        if !self.objects.contains_key(path)
            && let Some((above, _)) = path.rsplit_once('/')
        {
            let above = if above.is_empty() { "/" } else { above };
            self.object(above).children.push(path.to_owned());
        }
        self.objects.entry(path.to_owned()).or_default()
    }

    /// Writes the whole file.
    ///
    /// # Errors
    /// Those of the writer; a reference to a path that is not there, a dataset with another number of values than its shape says.
    pub(crate) fn write(self, file: &mut dyn Write) -> io::Result<()> {
        let (places, end) = self.places();
        let mut file = Counted { file, written: 0 };
        file.write_all(&superblock(places.object("/"), end))?;
        for (path, object) in &self.objects {
            file.write_all(&header::encode(path, object, &places))?;
        }
        file.align()?;
        for collection in self.heap.collections() {
            file.write_all(&collection)?;
        }
        for (path, object) in self.objects {
            let Some(array) = object.dataset else {
                continue;
            };
            let bytes = array.bytes();
            if bytes == 0 {
                continue;
            }
            file.align()?;
            let start = file.written;
            write_values(array.values, &places, &mut file)?;
            if file.written - start != bytes {
                return Err(io::Error::other(format!(
                    "{path} has {} bytes of values instead of {bytes}; this is a fault in ferrosort, please report it",
                    file.written - start
                )));
            }
        }
        Ok(())
    }

    /// Places of all parts, in the order in which they are written, and the end of the file.
    fn places(&self) -> (Places, u64) {
        let mut places = Places {
            collections: vec![0; self.heap.collections().len()],
            ..Places::default()
        };
        let mut end = SUPERBLOCK_BYTES;
        for (path, object) in &self.objects {
            // The size of a header does not depend on the places in it.
            let bytes = header::encode(path, object, &places).len() as u64;
            places.objects.insert(path.clone(), end);
            end += bytes;
        }
        end = end.next_multiple_of(ALIGNMENT);
        for (place, collection) in places.collections.iter_mut().zip(self.heap.collections()) {
            *place = end;
            end += collection.len() as u64;
        }
        for (path, object) in &self.objects {
            let bytes = object.dataset.as_ref().map_or(0, Array::bytes);
            if bytes > 0 {
                end = end.next_multiple_of(ALIGNMENT);
                places.values.insert(path.clone(), end);
                end += bytes;
            }
        }
        (places, end)
    }
}

fn superblock(root: u64, end: u64) -> Vec<u8> {
    let mut bytes = b"\x89HDF\r\n\x1a\n".to_vec();
    // Version, size of addresses, size of lengths, flags.
    bytes.extend([2, 8, 8, 0]);
    for address in [0, UNDEFINED, end, root] {
        bytes.extend(address.to_le_bytes());
    }
    let checksum = jenkins_lookup3(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

fn write_values(values: Stored, places: &Places, file: &mut Counted) -> io::Result<()> {
    match values {
        Stored::Numbers(numbers) => {
            let mut done = Ok(());
            let mut block = Vec::with_capacity(1 << 16);
            each_number(numbers, |number| {
                block.extend_from_slice(number);
                if block.len() + 8 > block.capacity() && done.is_ok() {
                    done = file.write_all(&block);
                    block.clear();
                }
            });
            done?;
            file.write_all(&block)
        }
        Stored::Slots(slots) => slots
            .iter()
            .try_for_each(|slot| file.write_all(&slot.encode(&places.collections))),
        Stored::References(paths) => paths.iter().try_for_each(|path| {
            let address = places.object(path);
            if address == UNDEFINED {
                return Err(io::Error::other(format!(
                    "there is no {path} in this file; this is a fault in ferrosort, please report it"
                )));
            }
            file.write_all(&address.to_le_bytes())
        }),
    }
}

/// Calls a function with the little-endian bytes of each number; texts and references have none.
fn each_number(values: Values, mut take: impl FnMut(&[u8])) {
    match values {
        Values::F64(values) => values.for_each(|v| take(&v.to_le_bytes())),
        Values::F32(values) => values.for_each(|v| take(&v.to_le_bytes())),
        Values::I64(values) => values.for_each(|v| take(&v.to_le_bytes())),
        Values::U32(values) => values.for_each(|v| take(&v.to_le_bytes())),
        Values::U64(values) => values.for_each(|v| take(&v.to_le_bytes())),
        Values::Texts(_) | Values::References(_) => {}
    }
}

/// A file that knows how much was written to it.
struct Counted<'a> {
    file: &'a mut dyn Write,
    written: u64,
}

impl Counted<'_> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn align(&mut self) -> io::Result<()> {
        let gap = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.write_all(&[0; ALIGNMENT as usize][..gap as usize])
    }
}
