//! Types and shapes of values, as messages of an object header (sections IV.A.2.b and IV.A.2.d of the format).

/// The types that are written; all little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Datatype {
    /// 4 or 8 bytes, IEEE 754.
    Float(u8),
    /// So many bytes, two's complement.
    Signed(u8),
    /// So many bytes.
    Unsigned(u8),
    /// Text of variable length in UTF-8.
    Text,
    /// Address of an object.
    Reference,
}

impl Datatype {
    /// Bytes of a value.
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Float(bytes) | Self::Signed(bytes) | Self::Unsigned(bytes) => u64::from(bytes),
            Self::Reference => 8,
            Self::Text => 16,
        }
    }

    /// The message.
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Float(bytes) => float(bytes),
            Self::Signed(bytes) => integer(bytes, true),
            Self::Unsigned(bytes) => integer(bytes, false),
            // Class 9, version 1: a string (1), ended by a null (0), in UTF-8 (1), of elements that are bytes.
            Self::Text => [vec![0x19, 0x01, 0x01, 0x00, 16, 0, 0, 0], integer(1, false)].concat(),
            // Class 7, version 1: an object.
            Self::Reference => vec![0x17, 0, 0, 0, 8, 0, 0, 0],
        }
    }
}

/// Class 0, version 1; bit 3 of the flags is the sign. Bytes, first bit, bits.
fn integer(bytes: u8, signed: bool) -> Vec<u8> {
    vec![0x10, u8::from(signed) << 3, 0, 0, bytes, 0, 0, 0, 0, 0, 8 * bytes, 0]
}

/// Class 1, version 1: an implied leading bit of the mantissa, and the place of the sign; then bytes, first bit, bits, place and size of
/// the exponent, place and size of the mantissa, and the bias of the exponent.
fn float(bytes: u8) -> Vec<u8> {
    let (exponent, mantissa, bias): (u8, u8, u32) = if bytes == 4 { (8, 23, 127) } else { (11, 52, 1023) };
    let bits = 8 * bytes;
    let mut message = vec![0x11, 0x20, bits - 1, 0, bytes, 0, 0, 0, 0, 0, bits, 0];
    message.extend([mantissa, exponent, 0, mantissa]);
    message.extend(bias.to_le_bytes());
    message
}

/// The message of a shape: version 2, no largest shape; scalar without dimensions.
pub(super) fn encode_shape(shape: &[u64]) -> Vec<u8> {
    let mut message = vec![2, shape.len() as u8, 0, u8::from(!shape.is_empty())];
    message.extend(shape.iter().flat_map(|n| n.to_le_bytes()));
    message
}
