//! Blosc puts equal bytes, or equal bits, of all values together before it packs them.

/// Values whose bytes lie apart: all first bytes, all second ones, and so on. Bytes beyond whole values lie at the end.
pub(super) fn bytes_unshuffled(block: Vec<u8>, type_bytes: usize) -> Vec<u8> {
    let values = block.len() / type_bytes;
    if values == 0 {
        return block;
    }
    let mut out = block.clone();
    let (whole, _) = out.split_at_mut(values * type_bytes);
    for (byte, plane) in block.chunks_exact(values).take(type_bytes).enumerate() {
        for (slot, value) in whole.iter_mut().skip(byte).step_by(type_bytes).zip(plane) {
            *slot = *value;
        }
    }
    out
}

/// Values whose bits lie apart: bit 0 of byte 0 of all values, bit 1, and so on. Blosc leaves blocks alone whose number of
/// values is not a multiple of 8.
pub(super) fn bits_unshuffled(block: Vec<u8>, type_bytes: usize) -> Vec<u8> {
    let values = block.len() / type_bytes;
    if values == 0 || !values.is_multiple_of(8) {
        return block;
    }
    let plane_bytes = values / 8;
    let mut out = block.clone();
    for (byte, planes) in block.chunks_exact(8 * plane_bytes).take(type_bytes).enumerate() {
        let mut planes = planes.chunks_exact(plane_bytes);
        let eight: [&[u8]; 8] = std::array::from_fn(|_| planes.next().unwrap_or_default());
        for (group, target) in out.chunks_exact_mut(8 * type_bytes).take(plane_bytes).enumerate() {
            let bits = eight.map(|plane| plane.get(group).copied().unwrap_or_default());
            let turned = transposed(u64::from_le_bytes(bits)).to_le_bytes();
            for (slot, value) in target.iter_mut().skip(byte).step_by(type_bytes).zip(turned) {
                *slot = value;
            }
        }
    }
    out
}

/// A matrix of 8 x 8 bits, turned: bit i of byte k becomes bit k of byte i (Hacker's Delight, section 7-3).
fn transposed(mut x: u64) -> u64 {
    let mut swap = |shift: u32, mask: u64| {
        let t = (x ^ (x >> shift)) & mask;
        x ^= t ^ (t << shift);
    };
    swap(7, 0x00AA_00AA_00AA_00AA);
    swap(14, 0x0000_CCCC_0000_CCCC);
    swap(28, 0x0000_0000_F0F0_F0F0);
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_a_matrix_turn() {
        for (byte, bit) in [(0, 0), (3, 5), (7, 1)] {
            let x = 1u64 << (8 * byte + bit);
            assert_eq!(transposed(x), 1 << (8 * bit + byte));
        }
    }

    #[test]
    fn bytes_and_bits_come_together_again() {
        assert_eq!(bytes_unshuffled(vec![1, 3, 5, 2, 4, 6, 9], 2), [1, 2, 3, 4, 5, 6, 9]);
        let values: Vec<u8> = (0..16u8).map(|v| v.wrapping_mul(37)).collect();
        let mut shuffled = vec![0; 16];
        for (i, value) in values.iter().enumerate() {
            for bit in 0..8 {
                // Two bytes a value, eight values: one byte a plane.
                shuffled[8 * (i % 2) + bit] |= (value >> bit & 1) << (i / 2);
            }
        }
        assert_eq!(bits_unshuffled(shuffled, 2), values);
        assert_eq!(bits_unshuffled(vec![1, 2, 3], 1), [1, 2, 3]);
    }
}
