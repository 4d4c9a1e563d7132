//! MaxWell's compression of 10-bit samples, HDF5 filter 401.
//!
//! A chunk is a row of bits, the highest of each byte first: the first sample in 10 bits, then a code for each difference:
//! `00` = 0, `01` = +1, `10` = -1, n ones, `0` and a sign bit (0 is plus) = n for n from 2 to 6, seven ones and 10 bits = the
//! sample itself.

use hdf5_reader::FilterRegistry;
use hdf5_reader::error::Error;

/// The vendor's number of the filter.
const FILTER: u16 = 401;

/// Bits of a sample.
const BITS: u32 = 10;

/// Filters for files whose chunks hold `samples` samples each.
pub(super) fn registry(samples: usize) -> FilterRegistry {
    let mut registry = FilterRegistry::new();
    registry.register(
        FILTER,
        Box::new(move |_, bytes, _| {
            unpack(bytes, samples)
                .ok_or_else(|| Error::InvalidData("a chunk of MaxWell's compression ends too early".into()))
        }),
    );
    registry
}

/// `samples` 16-bit samples; `None` when the bits end before them.
fn unpack(bytes: &[u8], samples: usize) -> Option<Vec<u8>> {
    // Each code has two bits at least.
    if samples > bytes.len().saturating_mul(4) {
        return None;
    }
    let mut bits = Bits { bytes, at: 0 };
    let mut value = bits.take(BITS)?;
    let mut out = Vec::with_capacity(2 * samples);
    out.extend((value as u16).to_le_bytes());
    for _ in 1..samples {
        value = next(&mut bits, value)?;
        out.extend((value as u16).to_le_bytes());
    }
    Some(out)
}

fn next(bits: &mut Bits, value: u32) -> Option<u32> {
    if bits.take(1)? == 0 {
        return Some(value.wrapping_add(bits.take(1)?) & 0x3FF);
    }
    let mut ones = 1;
    while ones < 7 && bits.take(1)? == 1 {
        ones += 1;
    }
    match ones {
        1 => Some(value.wrapping_sub(1) & 0x3FF),
        7 => bits.take(BITS),
        n => {
            let minus = bits.take(1)? == 1;
            let changed = if minus {
                value.wrapping_sub(n)
            } else {
                value.wrapping_add(n)
            };
            Some(changed & 0x3FF)
        }
    }
}

/// Bits, the highest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, n: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..n {
            let byte = *self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Bits written as text.
    fn packed(text: &str) -> Vec<u8> {
        let bits: Vec<u8> = text.chars().filter(|c| *c != ' ').map(|c| u8::from(c == '1')).collect();
        bits.chunks(8)
            .map(|eight| eight.iter().enumerate().fold(0, |byte, (i, bit)| byte | bit << (7 - i)))
            .collect()
    }

    #[test]
    fn every_code() {
        let bytes = packed("1000000000 00 01 10 1100 1101 11111100 11111101 1111111 0000000111 10");
        let values: Vec<u16> = unpack(&bytes, 10)
            .unwrap()
            .chunks(2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
            .collect();
        assert_eq!(values, [512, 512, 513, 512, 514, 512, 518, 512, 7, 6]);
    }

    #[test]
    fn too_few_bits_are_an_error() {
        assert!(unpack(&[], 1).is_none());
        assert!(unpack(&[0xFF; 4], 9).is_none());
        assert!(unpack(&[0; 4], usize::MAX).is_none());
    }
}
