//! The header of an `.npy` file: a Python dictionary that gives type, order and shape.

use std::io::Read;

use crate::literals::{self, Value};

/// Longest header read, bytes. Structured types with hundreds of columns need a few kilobytes.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// How one value lies in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    Signed(usize),
    Unsigned(usize),
    Float(usize),
    /// UCS-4 text of this many characters.
    Unicode(usize),
    /// Text of this many bytes.
    Bytes(usize),
}

impl Scalar {
    /// NumPy's code, such as `f4`.
    pub(super) fn code(self) -> String {
        match self {
            Self::Bool => "b1".to_owned(),
            Self::Signed(n) => format!("i{n}"),
            Self::Unsigned(n) => format!("u{n}"),
            Self::Float(n) => format!("f{n}"),
            Self::Unicode(n) => format!("U{n}"),
            Self::Bytes(n) => format!("S{n}"),
        }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Signed(n) | Self::Unsigned(n) | Self::Float(n) | Self::Bytes(n) => n,
            Self::Unicode(n) => 4 * n,
        }
    }
}

/// One column of the rows; the only one, without a name, in an ordinary array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) scalar: Scalar,
    pub(super) big_endian: bool,
    /// Bytes before it in a row.
    pub(super) offset: usize,
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fields: Vec<Field>,
    /// Bytes of a row.
    pub(super) row_bytes: usize,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// Product of the shape.
    pub(super) rows: usize,
    /// Bytes of the header itself.
    pub(super) own_bytes: u64,
}

/// Why an array cannot be read; the caller adds the path.
pub(super) type Outcome<T> = Result<T, String>;

/// Reads and checks the header at the start of `file`.
pub(super) fn read(file: &mut impl Read) -> Outcome<Header> {
    let cut = |e: std::io::Error| format!("its header cannot be read ({e})");
    let mut start = [0u8; 8];
    file.read_exact(&mut start)
        .map_err(|_| "it is too short for a NumPy file".to_owned())?;
    if &start[..6] != b"\x93NUMPY" {
        return Err("it is not a NumPy file".to_owned());
    }
    let (length, length_bytes) = if start[6] == 1 {
        let mut bytes = [0u8; 2];
        file.read_exact(&mut bytes).map_err(cut)?;
        (usize::from(u16::from_le_bytes(bytes)), 2)
    } else {
        let mut bytes = [0u8; 4];
        file.read_exact(&mut bytes).map_err(cut)?;
        (u32::from_le_bytes(bytes) as usize, 4)
    };
    if length > MAX_HEADER_BYTES {
        return Err("its header is longer than 1 MiB".to_owned());
    }
    let mut text = vec![0u8; length];
    file.read_exact(&mut text).map_err(cut)?;
    let text = String::from_utf8(text).map_err(|_| "its header is not text".to_owned())?;
    let mut header = parse(&text)?;
    header.own_bytes = (8 + length_bytes + length) as u64;
    Ok(header)
}

fn parse(text: &str) -> Outcome<Header> {
    let wrong = |what: &str| format!("its header has {what}");
    let variables = literals::parse(&format!("header = {}", text.trim_end()))
        .map_err(|e| format!("its header cannot be understood: {}", e.what))?;
    let dictionary = &variables.first().ok_or_else(|| wrong("nothing in it"))?.1;
    let fortran_order = match dictionary.get("fortran_order") {
        Some(Value::Flag(flag)) => *flag,
        _ => return Err(wrong("no 'fortran_order'")),
    };
    let shape = dictionary
        .get("shape")
        .and_then(Value::numbers)
        .ok_or_else(|| wrong("no 'shape'"))?;
    let mut rows = 1usize;
    let mut sizes = Vec::with_capacity(shape.len());
    for size in shape {
        if size.fract() != 0.0 || !(0.0..9e15).contains(&size) {
            return Err(wrong("a 'shape' that is not made of whole numbers"));
        }
        rows = rows
            .checked_mul(size as usize)
            .ok_or_else(|| wrong("a 'shape' too large for any computer"))?;
        sizes.push(size as usize);
    }
    let (fields, row_bytes) = fields(dictionary.get("descr").ok_or_else(|| wrong("no 'descr'"))?)?;
    Ok(Header {
        fields,
        row_bytes,
        fortran_order,
        shape: sizes,
        rows,
        own_bytes: 0,
    })
}

/// Columns and bytes of a row from a type code, or from a list of `(name, type code)`.
fn fields(descr: &Value) -> Outcome<(Vec<Field>, usize)> {
    match descr {
        Value::Text(code) => {
            let field = field("", code, 0)?;
            let bytes = field.scalar.bytes();
            Ok((vec![field], bytes))
        }
        Value::List(columns) if !columns.is_empty() => {
            let mut fields = Vec::new();
            let mut offset = 0usize;
            for column in columns {
                let Value::List(parts) = column else {
                    return Err("its columns cannot be understood".to_owned());
                };
                let [Value::Text(name), Value::Text(code)] = parts.as_slice() else {
                    return Err("a column of it holds more than one value in a row, which is not read".to_owned());
                };
                let field = padding_or_field(name, code, offset)?;
                offset = offset
                    .checked_add(field.scalar.bytes())
                    .ok_or_else(|| "its rows are too long".to_owned())?;
                fields.push(field);
            }
            // NumPy writes padding of aligned rows as columns of bytes without a name.
            fields.retain(|field: &Field| !field.name.is_empty());
            Ok((fields, offset))
        }
        _ => Err("its type cannot be understood".to_owned()),
    }
}

fn padding_or_field(name: &str, code: &str, offset: usize) -> Outcome<Field> {
    let padding = name.is_empty().then(|| code.strip_prefix("|V")).flatten();
    match padding.and_then(|n| n.parse().ok()) {
        Some(n) => Ok(Field {
            name: String::new(),
            scalar: Scalar::Bytes(n),
            big_endian: false,
            offset,
        }),
        None => field(name, code, offset),
    }
}

fn field(name: &str, code: &str, offset: usize) -> Outcome<Field> {
    let unknown = || format!("its type '{code}' is not one that is read (numbers, booleans and text are)");
    let mut rest = code;
    let mut big_endian = false;
    if let Some(order @ ('<' | '>' | '|' | '=')) = code.chars().next() {
        big_endian = order == '>';
        rest = &code[1..];
    }
    let kind = rest.chars().next().ok_or_else(unknown)?;
    if kind == 'O' {
        return Err(
            "it holds Python objects, which only Python can load and which may run anything; they are not read"
                .to_owned(),
        );
    }
    let size: usize = rest[kind.len_utf8()..].parse().map_err(|_| unknown())?;
    let scalar = match (kind, size) {
        ('b', 1) => Scalar::Bool,
        ('i', 1 | 2 | 4 | 8) => Scalar::Signed(size),
        ('u', 1 | 2 | 4 | 8) => Scalar::Unsigned(size),
        ('f', 2 | 4 | 8) => Scalar::Float(size),
        ('U', 0..=65_536) => Scalar::Unicode(size),
        ('S', 0..=65_536) => Scalar::Bytes(size),
        _ => return Err(unknown()),
    };
    Ok(Field {
        name: name.to_owned(),
        scalar,
        big_endian,
        offset,
    })
}
