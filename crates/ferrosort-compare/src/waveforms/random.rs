//! Seeded choices that are the same on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014): enough for choosing pieces and spikes, and a few lines.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    /// A generator for this seed and purpose; different purposes give unrelated numbers.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut generator = Self(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        generator.next();
        generator
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `m - 1`; 0 when `m` is 0.
    pub(crate) fn below(&mut self, m: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(m)) >> 64) as u64
    }

    /// `most` of the places `0..n` in ascending order, one at random in each of as many equal parts; all when there are not more.
    pub(crate) fn spread(&mut self, n: usize, most: usize) -> Vec<usize> {
        if n <= most {
            return (0..n).collect();
        }
        (0..most)
            .map(|k| {
                let (from, to) = (k * n / most, (k + 1) * n / most);
                from + self.below((to - from) as u64) as usize
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_spread_distinct_and_repeatable() {
        let chosen = SplitMix::new(7, 1).spread(1000, 30);
        assert_eq!(chosen.len(), 30);
        assert!(chosen.windows(2).all(|w| w[0] < w[1]));
        assert!(
            chosen.iter().enumerate().all(|(k, &c)| c * 30 / 1000 == k),
            "one in each part"
        );
        assert_eq!(chosen, SplitMix::new(7, 1).spread(1000, 30));
        assert_ne!(chosen, SplitMix::new(8, 1).spread(1000, 30));
        assert_eq!(SplitMix::new(7, 1).spread(3, 30), [0, 1, 2]);
    }
}
