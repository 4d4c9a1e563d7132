//! Stored samples to `f32` counts.

use ferrosort_core::SampleType;

/// Decodes little-endian samples. `bytes.len()` is `out.len()` times the sample's width; `uint16` is centred by 32768.
pub fn decode(bytes: &[u8], sample_type: SampleType, out: &mut [f32]) {
    let (pairs, _) = bytes.as_chunks::<2>();
    let (quads, _) = bytes.as_chunks::<4>();
    match sample_type {
        SampleType::Int16 => convert(pairs, out, |b| f32::from(i16::from_le_bytes(b))),
        SampleType::Uint16 => convert(pairs, out, |b| f32::from(u16::from_le_bytes(b)) - 32768.0),
        SampleType::Int32 => convert(quads, out, |b| i32::from_le_bytes(b) as f32),
        SampleType::Float32 => convert(quads, out, f32::from_le_bytes),
    }
}

fn convert<const W: usize>(bytes: &[[u8; W]], out: &mut [f32], value: impl Fn([u8; W]) -> f32) {
    for (o, &b) in out.iter_mut().zip(bytes) {
        *o = value(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_decodes_little_endian() {
        let mut out = [0.0; 2];
        decode(&[0x34, 0x12, 0xff, 0xff], SampleType::Int16, &mut out);
        assert_eq!(out, [4660.0, -1.0]);
        decode(&[0x00, 0x80, 0x00, 0x00], SampleType::Uint16, &mut out);
        assert_eq!(out, [0.0, -32768.0]);
        let mut one = [0.0];
        decode(&(-70_000i32).to_le_bytes(), SampleType::Int32, &mut one);
        assert_eq!(one, [-70_000.0]);
        decode(&1.5f32.to_le_bytes(), SampleType::Float32, &mut one);
        assert_eq!(one, [1.5]);
    }
}
