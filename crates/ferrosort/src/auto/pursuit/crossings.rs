//! What a spike of one unit changes in the projections on the units near it.

use ferrosort_kernels::{BETWEEN, subtract_shifted};

use super::TileUnit;
use crate::auto::basis::{Basis, COMPONENTS};

/// A spike that changes the projection on another unit by less than this many of its standard deviations leaves it alone.
const NEGLIGIBLE_SD: f32 = 0.03;
/// Tables in a block of memory. Blocks this large go back to the system when a tile is done; single tables would stay with the allocator.
const TOGETHER: usize = 1024;

/// Which table a pair of units has.
#[derive(Debug, Clone, Copy)]
enum Place {
    Unknown,
    Negligible,
    Table(u32),
}

/// Tables of the pairs of units that share a channel, made when they are asked for.
pub struct Crossings<'a> {
    basis: &'a Basis,
    units: &'a [TileUnit],
    near: Vec<Vec<u32>>,
    places: Vec<Vec<Place>>,
    blocks: Vec<Vec<f32>>,
    tables: usize,
}

impl<'a> Crossings<'a> {
    /// No tables yet.
    pub fn new(basis: &'a Basis, units: &'a [TileUnit]) -> Self {
        let near = sharing(units.iter().map(|u| u.channels.as_slice()));
        Self {
            basis,
            units,
            places: near.iter().map(|n| vec![Place::Unknown; n.len()]).collect(),
            near,
            blocks: Vec::new(),
            tables: 0,
        }
    }

    /// Units that share a channel with this one, itself among them.
    pub fn near(&self, unit: usize) -> &[u32] {
        &self.near[unit]
    }

    /// What one spike of amplitude 1 of `unit` adds to the projections on the `k`th unit near it, at lags `1 - length .. length` after the
    /// spike's sample, between zeros for [`ferrosort_kernels::subtract_between`]; nothing when it is negligible.
    pub fn table(&mut self, unit: usize, k: usize) -> Option<&[f32]> {
        if matches!(self.places[unit][k], Place::Unknown) {
            self.places[unit][k] = self.place(unit, self.near[unit][k] as usize);
        }
        let Place::Table(at) = self.places[unit][k] else {
            return None;
        };
        let (block, row) = (at as usize / TOGETHER, at as usize % TOGETHER);
        self.blocks[block].chunks_exact(table_len(self.basis)).nth(row)
    }

    fn place(&mut self, by: usize, of: usize) -> Place {
        let Some(table) = crossing(self.basis, &self.units[of], &self.units[by]) else {
            return Place::Negligible;
        };
        if self.tables.is_multiple_of(TOGETHER) {
            self.blocks.push(Vec::with_capacity(TOGETHER * table.len()));
        }
        if let Some(block) = self.blocks.last_mut() {
            block.extend(table);
        }
        self.tables += 1;
        Place::Table((self.tables - 1) as u32)
    }
}

/// Bytes of so many pairs.
pub fn bytes_of_pairs(pairs: usize, basis: &Basis) -> u64 {
    (pairs * (size_of::<Place>() + size_of::<u32>() + size_of::<f32>() * table_len(basis))) as u64
}

/// For each list of channels, the lists that share one with it, ascending, itself among them.
pub fn sharing<'a>(lists: impl Iterator<Item = &'a [usize]> + Clone) -> Vec<Vec<u32>> {
    let channels = lists.clone().flatten().max().map_or(0, |c| c + 1);
    let mut by_channel: Vec<Vec<u32>> = vec![Vec::new(); channels];
    for (i, list) in lists.clone().enumerate() {
        for &c in list {
            by_channel[c].push(i as u32);
        }
    }
    let near = |list: &[usize]| {
        let mut near: Vec<u32> = list.iter().flat_map(|&c| by_channel[c].iter().copied()).collect();
        near.sort_unstable();
        near.dedup();
        near
    };
    lists.map(near).collect()
}

fn table_len(basis: &Basis) -> usize {
    2 * basis.length() - 1 + 2 * (BETWEEN / 2)
}

/// Projection on `of` of one spike of `by`; nothing when it is negligible.
fn crossing(basis: &Basis, of: &TileUnit, by: &TileUnit) -> Option<Vec<f32>> {
    let mut mixed = [[0.0f32; COMPONENTS]; COMPONENTS];
    let mut j = 0;
    for (i, c) in of.channels.iter().enumerate() {
        while j < by.channels.len() && by.channels[j] < *c {
            j += 1;
        }
        if j < by.channels.len() && by.channels[j] == *c {
            let (a, b) = (&of.template[i * COMPONENTS..], &by.template[j * COMPONENTS..]);
            for p in 0..COMPONENTS {
                for q in 0..COMPONENTS {
                    mixed[p][q] += a[p] * b[q];
                }
            }
        }
    }
    let margin = BETWEEN / 2;
    let mut out = vec![0.0f32; table_len(basis)];
    let lags = margin..out.len() - margin;
    let inner = &mut out[lags];
    for p in 0..COMPONENTS {
        for q in 0..COMPONENTS {
            // The template of `of` moved later by `lag` against a spike of `by` at zero.
            subtract_shifted(inner, -mixed[p][q], basis.lagged(q, p, 0));
        }
    }
    let norm = of.template.iter().map(|v| v * v).sum::<f32>().sqrt();
    inner.iter().any(|v| v.abs() >= NEGLIGIBLE_SD * norm).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_share_channels_with_their_neighbours() {
        let lists = [vec![0, 1], vec![1, 2], vec![5], vec![]];
        let near = sharing(lists.iter().map(Vec::as_slice));
        assert_eq!(near, [vec![0, 1], vec![0, 1], vec![2], vec![]]);
    }

    #[test]
    fn tables_do_not_depend_on_the_order_in_which_they_are_asked_for() {
        let basis = crate::auto::basis::tests::example();
        let unit = |channels: &[usize], value: f32| TileUnit {
            channels: channels.to_vec(),
            template: (0..channels.len() * COMPONENTS)
                .map(|i| value + i as f32 % 3.0)
                .collect(),
            rate_hz: 1.0,
            amplitude_sd: 0.1,
        };
        let units: Vec<TileUnit> = (0..50).map(|u| unit(&[u, u + 1, u + 2], u as f32)).collect();
        let pairs: Vec<(usize, usize)> = {
            let crossings = Crossings::new(&basis, &units);
            (0..50)
                .flat_map(|u| (0..crossings.near(u).len()).map(move |k| (u, k)))
                .collect()
        };
        let of = |crossings: &mut Crossings, (u, k): (usize, usize)| crossings.table(u, k).map(<[f32]>::to_vec);
        let mut forward = Crossings::new(&basis, &units);
        let first: Vec<_> = pairs.iter().map(|p| of(&mut forward, *p)).collect();
        let mut backward = Crossings::new(&basis, &units);
        let mut second: Vec<_> = pairs.iter().rev().map(|p| of(&mut backward, *p)).collect();
        second.reverse();
        assert_eq!(first, second);
        let again: Vec<_> = pairs.iter().map(|p| of(&mut backward, *p)).collect();
        assert_eq!(first, again);
        assert!(first.iter().flatten().all(|t| t.len() == table_len(&basis)));
    }
}
