//! Which channels are near which: the neighbourhoods that every stage works in.

/// For each channel, the channels nearest to it: itself first, then nearest first (ties to the lower index).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbours {
    lists: Vec<u32>,
    size: usize,
}

impl Neighbours {
    /// The `size` nearest channels of every position (all channels when there are fewer), positions `[x, y]` in µm.
    pub fn nearest(positions_um: &[[f64; 2]], size: usize) -> Self {
        let n = positions_um.len();
        let size = size.min(n);
        let mut lists = Vec::with_capacity(n * size);
        for (own, a) in positions_um.iter().enumerate() {
            let distance: Vec<f64> = positions_um
                .iter()
                .map(|b| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2))
                .collect();
            let mut order: Vec<u32> = (0..n as u32).collect();
            order.sort_by(|&i, &j| {
                let key = |c: u32| (distance[c as usize], c as usize != own, c);
                let (a, b) = (key(i), key(j));
                a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
            });
            lists.extend_from_slice(&order[..size]);
        }
        Self { lists, size }
    }

    /// Lists given elsewhere, one after the other, `size` channels each.
    pub fn from_lists(lists: Vec<u32>, size: usize) -> Self {
        Self { lists, size }
    }

    /// Number of channels that have a list.
    pub fn channels(&self) -> usize {
        self.lists.len().checked_div(self.size).unwrap_or(0)
    }

    /// Length of each list.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The channels nearest to `channel`.
    pub fn of(&self, channel: usize) -> &[u32] {
        &self.lists[channel * self.size..(channel + 1) * self.size]
    }

    /// True when `other` is in the list of `channel`.
    pub fn contains(&self, channel: usize, other: usize) -> bool {
        self.of(channel).contains(&(other as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lower_index() {
        let line: Vec<[f64; 2]> = (0..5).map(|i| [0.0, 20.0 * f64::from(i)]).collect();
        let near = Neighbours::nearest(&line, 3);
        assert_eq!(near.of(0), [0, 1, 2]);
        assert_eq!(near.of(2), [2, 1, 3]);
        assert_eq!(near.of(4), [4, 3, 2]);
        assert!(near.contains(2, 3) && !near.contains(2, 4));
        assert_eq!(Neighbours::nearest(&line, 9).size(), 5);
        let shared = Neighbours::nearest(&[[0.0, 0.0], [0.0, 0.0], [0.0, 9.0]], 2);
        assert_eq!(shared.of(1), [1, 0], "a contact comes before one at the same place");
    }
}
