//! How many spikes of each pair of units coincide.

use ndarray::{Array2, Axis, Zip};
use rayon::prelude::*;

use crate::merged::{MergedSpike, NearStarts, for_each_near, merge};

/// "No spike yet" in a table of spikes.
const NONE: u32 = u32::MAX;

/// A tolerance in samples: `delta_time_ms` cut to whole samples, as SpikeInterface does (0.4 ms at 30 kHz are 12).
pub fn tolerance_samples(delta_time_ms: f64, sample_rate: f64) -> i64 {
    (delta_time_ms / 1000.0 * sample_rate) as i64
}

/// Number of coinciding spikes of every pair of units, `[units of a, units of b]`.
///
/// Trains are ascending samples. Two spikes coincide when they are at most `tolerance` samples apart. In each pair of units,
/// the spikes of `a` take, in order, the first spike of `b` near them that is not taken; only the spike taken last is
/// remembered, so that in bursts faster than the tolerance a spike of `b` can count again. A count is therefore cut to the
/// number of spikes of the unit of `b`.
///
/// `symmetric` counts also with `a` and `b` exchanged and keeps the larger of the two, before the cut. Two sorters are
/// compared with it, a sorter and the truth without.
///
/// The numbers are those of SpikeInterface 0.105 (`make_match_count_matrix`), quirks included.
pub fn match_event_count(a: &[Vec<i64>], b: &[Vec<i64>], tolerance: i64, symmetric: bool) -> Array2<u32> {
    let (merged_a, merged_b) = (merge(a), merge(b));
    count_matches(a, b, &merged_a, &merged_b, tolerance, symmetric)
}

/// [`match_event_count`] for those who have merged the trains already.
pub(crate) fn count_matches(
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    merged_a: &[MergedSpike],
    merged_b: &[MergedSpike],
    tolerance: i64,
    symmetric: bool,
) -> Array2<u32> {
    let mut counts = count_one_way(a, merged_a, merged_b, b.len(), tolerance);
    if symmetric {
        let exchanged = count_one_way(b, merged_b, merged_a, a.len(), tolerance);
        Zip::from(&mut counts)
            .and(exchanged.t())
            .for_each(|count, &other| *count = (*count).max(other));
    }
    for mut row in counts.rows_mut() {
        for (count, train) in row.iter_mut().zip(b) {
            *count = (*count).min(train.len() as u32);
        }
    }
    counts
}

fn count_one_way(
    trains: &[Vec<i64>],
    merged: &[MergedSpike],
    others: &[MergedSpike],
    n_others: usize,
    tolerance: i64,
) -> Array2<u32> {
    // For the unit of the row: the spike of it, and the spike of the other unit, that matched last.
    let tables = || (vec![NONE; n_others], vec![NONE; n_others]);
    count_rows(
        trains,
        merged,
        others,
        n_others,
        tolerance,
        tables,
        |row, (last, last_other), p, q, other| {
            let unit = other.unit as usize;
            if last[unit] != p && last_other[unit] != q {
                last[unit] = p;
                last_other[unit] = q;
                row[unit] += 1;
            }
        },
    )
}

/// The counts of [`match_event_count`], not symmetric, at several tolerances, in a single pass over all near spikes.
pub(crate) fn count_matches_at(
    a: &[Vec<i64>],
    b: &[Vec<i64>],
    merged_a: &[MergedSpike],
    merged_b: &[MergedSpike],
    tolerances: &[i64],
) -> Vec<Array2<u32>> {
    let n_columns = b.len() * tolerances.len();
    let widest = tolerances.iter().copied().max().unwrap_or(0);
    let starts = NearStarts::new(a, merged_a, merged_b, widest);
    let mut counts = Array2::<u32>::zeros((a.len(), n_columns));
    for_each_row(&mut counts, |unit, row| {
        let (mut last, mut last_other) = (vec![NONE; n_columns], vec![NONE; n_columns]);
        let train = &a[unit];
        for_each_near(train, starts.of_unit(unit), merged_b, widest, |p, q, other| {
            let distance = (train[p] - other.sample).abs();
            for (k, _) in tolerances
                .iter()
                .enumerate()
                .filter(|(_, tolerance)| distance <= **tolerance)
            {
                let column = other.unit as usize * tolerances.len() + k;
                if last[column] != p as u32 && last_other[column] != q as u32 {
                    last[column] = p as u32;
                    last_other[column] = q as u32;
                    row[column] += 1;
                }
            }
        });
    });
    let at = |k: usize, i: usize, j: usize| counts[[i, j * tolerances.len() + k]].min(b[j].len() as u32);
    (0..tolerances.len())
        .map(|k| Array2::from_shape_fn((a.len(), b.len()), |(i, j)| at(k, i, j)))
        .collect()
}

/// Number of spikes of each unit of `a` that have at least one spike of each unit of `b` within `reach` samples,
/// `[units of a, units of b]`. One spike of `b` may serve several of `a`.
pub fn covered_event_count(a: &[Vec<i64>], b: &[Vec<i64>], reach: i64) -> Array2<u32> {
    let (merged_a, merged_b) = (merge(a), merge(b));
    let table = || vec![NONE; b.len()];
    count_rows(
        a,
        &merged_a,
        &merged_b,
        b.len(),
        reach,
        table,
        |row, last, p, _, other| {
            let unit = other.unit as usize;
            if last[unit] != p {
                last[unit] = p;
                row[unit] += 1;
            }
        },
    )
}

/// Sum over all pairs of near spikes of `reach` minus their distance, `[units of a, units of b]`, samples.
pub(crate) fn overlap_sums(
    a: &[Vec<i64>],
    merged_a: &[MergedSpike],
    merged_b: &[MergedSpike],
    n_b: usize,
    reach: i64,
) -> Array2<u64> {
    let starts = NearStarts::new(a, merged_a, merged_b, reach);
    let mut sums = Array2::<u64>::zeros((a.len(), n_b));
    for_each_row(&mut sums, |unit, row| {
        let train = &a[unit];
        for_each_near(train, starts.of_unit(unit), merged_b, reach, |p, _, other| {
            row[other.unit as usize] += (reach - (train[p] - other.sample).abs()) as u64;
        });
    });
    sums
}

/// One row of counts for every unit of `trains`, each with its own `tables`, filled by `count(row, tables, p, q, spike)`
/// for every pair of near spikes.
fn count_rows<T>(
    trains: &[Vec<i64>],
    merged: &[MergedSpike],
    others: &[MergedSpike],
    n_others: usize,
    reach: i64,
    tables: impl Fn() -> T + Sync,
    count: impl Fn(&mut [u32], &mut T, u32, u32, MergedSpike) + Sync,
) -> Array2<u32> {
    let starts = NearStarts::new(trains, merged, others, reach);
    let mut counts = Array2::<u32>::zeros((trains.len(), n_others));
    for_each_row(&mut counts, |unit, row| {
        let mut tables = tables();
        for_each_near(&trains[unit], starts.of_unit(unit), others, reach, |p, q, other| {
            count(row, &mut tables, p as u32, q as u32, other);
        });
    });
    counts
}

/// Calls `fill(unit, row)` for the rows of a matrix, in parallel.
fn for_each_row<T: Send + Sync>(matrix: &mut Array2<T>, fill: impl Fn(usize, &mut [T]) + Sync) {
    matrix
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .enumerate()
        .for_each(|(unit, mut row)| {
            if let Some(row) = row.as_slice_mut() {
                fill(unit, row);
            }
        });
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_fixture_has_the_counts_of_spikeinterface() {
        let expected = array![
            [107, 0, 0, 1, 0, 51, 1, 2],
            [0, 113, 74, 1, 1, 0, 0, 3],
            [1, 1, 1, 216, 2, 0, 0, 0],
            [0, 0, 0, 266, 2, 0, 3, 4],
            [0, 0, 0, 4, 303, 0, 1, 6],
            [3, 1, 1, 4, 5, 3, 1, 609]
        ];
        for symmetric in [false, true] {
            let counts = match_event_count(&fixture::truth(), &fixture::tested(), fixture::TOLERANCE, symmetric);
            assert_eq!(counts, expected, "symmetric: {symmetric}");
        }
    }

    #[test]
    fn the_tolerance_is_cut_to_whole_samples_and_includes_its_ends() {
        assert_eq!(tolerance_samples(0.4, 30000.0), 12);
        assert_eq!(tolerance_samples(0.4, 32000.0), 12);
        let count = |t: i64| match_event_count(&[vec![100]], &[vec![t]], 12, false)[[0, 0]];
        assert_eq!([87, 88, 112, 113].map(count), [0, 1, 1, 0]);
    }

    #[test]
    fn a_spike_is_taken_once_and_the_next_takes_the_next() {
        let counts = match_event_count(&[vec![100, 101]], &[vec![100]], 5, false);
        assert_eq!(counts, array![[1]]);
        let counts = match_event_count(&[vec![100, 101]], &[vec![99, 102]], 5, false);
        assert_eq!(counts, array![[2]]);
    }

    #[test]
    fn bursts_within_the_tolerance_are_counted_again_and_then_cut() {
        // The third spike of a finds the first of b free again: 3 matches, cut to the 2 spikes of b.
        let (a, b) = (vec![vec![0, 1, 2]], vec![vec![0, 1]]);
        assert_eq!(match_event_count(&a, &b, 5, false), array![[2]]);
        // Exchanged, nothing is cut: 3 remain.
        assert_eq!(match_event_count(&b, &a, 5, true), array![[3]]);
    }

    #[test]
    fn sortings_without_units_or_spikes_count_nothing() {
        assert_eq!(match_event_count(&[], &[vec![1]], 5, true).dim(), (0, 1));
        assert_eq!(match_event_count(&[vec![]], &[vec![1]], 5, true), array![[0]]);
        assert_eq!(match_event_count(&[vec![1]], &[], 5, true).dim(), (1, 0));
    }

    #[test]
    fn a_covered_spike_needs_one_near_spike_however_many_there_are() {
        let counts = covered_event_count(&[vec![100, 101, 200]], &[vec![99, 102], vec![206, 207]], 6);
        assert_eq!(counts, array![[2, 1]]);
    }

    /// The reference's loop over all pairs of spikes, with its two tables of all pairs of units.
    fn brute_force(a: &[Vec<i64>], b: &[Vec<i64>], tolerance: i64) -> Array2<u32> {
        let (merged_a, merged_b) = (merge(a), merge(b));
        let shape = (a.len(), b.len());
        let (mut last_a, mut last_b) = (
            Array2::from_elem(shape, usize::MAX),
            Array2::from_elem(shape, usize::MAX),
        );
        let mut counts = Array2::zeros(shape);
        for (p, s) in merged_a.iter().enumerate() {
            for (q, t) in merged_b.iter().enumerate() {
                let pair = [s.unit as usize, t.unit as usize];
                if (s.sample - t.sample).abs() <= tolerance && last_a[pair] != p && last_b[pair] != q {
                    last_a[pair] = p;
                    last_b[pair] = q;
                    counts[pair] += 1;
                }
            }
        }
        counts
    }

    proptest! {
        #[test]
        fn counts_equal_the_definition(
            a in prop::collection::vec(fixture::any_train(300), 0..5),
            b in prop::collection::vec(fixture::any_train(300), 0..5),
            tolerance in 0_i64..20,
        ) {
            let (forth, back) = (brute_force(&a, &b, tolerance), brute_force(&b, &a, tolerance));
            for symmetric in [false, true] {
                let counts = match_event_count(&a, &b, tolerance, symmetric);
                for ((i, j), &count) in counts.indexed_iter() {
                    let most = if symmetric { forth[[i, j]].max(back[[j, i]]) } else { forth[[i, j]] };
                    prop_assert_eq!(count, most.min(b[j].len() as u32));
                }
            }
        }

        #[test]
        fn counts_at_several_tolerances_are_those_at_each(
            a in prop::collection::vec(fixture::any_train(300), 0..5),
            b in prop::collection::vec(fixture::any_train(300), 0..5),
        ) {
            let tolerances = [7, 0, 15];
            let together = count_matches_at(&a, &b, &merge(&a), &merge(&b), &tolerances);
            for (counts, tolerance) in together.iter().zip(tolerances) {
                prop_assert_eq!(counts, &match_event_count(&a, &b, tolerance, false));
            }
        }

        #[test]
        fn spikes_far_apart_are_counted_alike_from_both_sides(
            a in prop::collection::vec(fixture::isolated_train(), 1..4),
            b in prop::collection::vec(fixture::isolated_train(), 1..4),
        ) {
            let forth = match_event_count(&a, &b, 5, false);
            prop_assert_eq!(&forth, &match_event_count(&b, &a, 5, false).reversed_axes());
            prop_assert_eq!(&forth, &match_event_count(&a, &b, 5, true));
            prop_assert_eq!(&forth, &covered_event_count(&a, &b, 5));
        }
    }
}
