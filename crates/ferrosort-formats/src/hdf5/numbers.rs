//! Single numbers of any type and byte order.

use hdf5_reader::{ByteOrder, Datatype};

/// The number that these bytes hold; `None` for other kinds of values.
pub(crate) fn number(bytes: &[u8], datatype: &Datatype) -> Option<f64> {
    match datatype {
        Datatype::FixedPoint {
            size,
            signed,
            byte_order,
        } => {
            let mut wide = [0; 8];
            let used = wide.get_mut(..usize::from(*size))?;
            used.copy_from_slice(bytes.get(..usize::from(*size))?);
            if *byte_order == ByteOrder::BigEndian {
                used.reverse();
            }
            let value = u64::from_le_bytes(wide);
            let unused = 64 - 8 * u32::from(*size);
            Some(if *signed {
                ((value << unused) as i64 >> unused) as f64
            } else {
                value as f64
            })
        }
        Datatype::FloatingPoint { size: 4, byte_order } => {
            let bytes = *bytes.first_chunk()?;
            let big = *byte_order == ByteOrder::BigEndian;
            let value = if big {
                f32::from_be_bytes(bytes)
            } else {
                f32::from_le_bytes(bytes)
            };
            Some(f64::from(value))
        }
        Datatype::FloatingPoint { size: 8, byte_order } => {
            let bytes = *bytes.first_chunk()?;
            let big = *byte_order == ByteOrder::BigEndian;
            Some(if big {
                f64::from_be_bytes(bytes)
            } else {
                f64::from_le_bytes(bytes)
            })
        }
        // h5py's booleans are an enumeration over int8.
        Datatype::Enum { base, .. } => number(bytes, base),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_of_both_byte_orders() {
        let fixed = |size, signed, byte_order| Datatype::FixedPoint {
            size,
            signed,
            byte_order,
        };
        assert_eq!(
            number(&[0xFE, 0xFF], &fixed(2, true, ByteOrder::LittleEndian)),
            Some(-2.0)
        );
        assert_eq!(
            number(&[0xFE, 0xFF], &fixed(2, false, ByteOrder::BigEndian)),
            Some(65279.0)
        );
        assert_eq!(number(&[255; 8], &fixed(8, true, ByteOrder::LittleEndian)), Some(-1.0));
        assert_eq!(number(&[1], &fixed(2, true, ByteOrder::LittleEndian)), None);
        assert_eq!(number(&[1; 9], &fixed(9, true, ByteOrder::LittleEndian)), None);
        let float = Datatype::FloatingPoint {
            size: 4,
            byte_order: ByteOrder::BigEndian,
        };
        assert_eq!(number(&1.5f32.to_be_bytes(), &float), Some(1.5));
    }
}
