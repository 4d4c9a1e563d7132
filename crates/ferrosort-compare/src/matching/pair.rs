//! Coincidences of two single trains, spike by spike.

/// Pairs `(p, q)` of spikes of two ascending trains at most `tolerance` samples apart: each spike of `a` in turn takes the
/// first spike of `b` near it that is still free. No spike is in two pairs.
///
/// The number of pairs equals [`crate::match_event_count`] as long as no train has spikes closer to each other than the
/// tolerance; in such bursts that function may count a spike of `b` twice, and this one does not.
pub fn match_trains(a: &[i64], b: &[i64], tolerance: i64) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    // Spikes of b before this one are taken, or too early for this and every later spike of a.
    let mut free = 0;
    for (p, &t) in a.iter().enumerate() {
        while b.get(free).is_some_and(|&other| other < t - tolerance) {
            free += 1;
        }
        if b.get(free).is_some_and(|&other| other <= t + tolerance) {
            pairs.push((p, free));
            free += 1;
        }
    }
    pairs
}

/// Number of groups of neighbouring coincidences: both trains in one row, two neighbours from different trains at most
/// `tolerance` samples apart are linked, and a run of links counts once (SpikeInterface's `count_matching_events`).
///
/// At equal samples the spike of `a` goes first. For spikes far apart it equals [`crate::match_event_count`].
pub fn count_matching_events(a: &[i64], b: &[i64], tolerance: i64) -> usize {
    let events = in_one_row(a, b);
    let linked = |pair: &[(i64, bool)]| pair[1].0 - pair[0].0 <= tolerance && pair[0].1 != pair[1].1;
    let mut runs = 0;
    let mut inside = false;
    for pair in events.windows(2) {
        let link = linked(pair);
        runs += usize::from(link && !inside);
        inside = link;
    }
    runs
}

/// Samples of both trains in order, with `true` for those of `b`.
fn in_one_row(a: &[i64], b: &[i64]) -> Vec<(i64, bool)> {
    let of_a = a.iter().map(|&sample| (sample, false));
    let mut events: Vec<(i64, bool)> = of_a.chain(b.iter().map(|&sample| (sample, true))).collect();
    events.sort_unstable();
    events
}

/// Which spikes of two ascending trains are the same, for trains of a consensus: `(in a, in b)`, one flag for each spike.
///
/// A spike of `a` looks at the first spike of `b` within half of `window` samples; if that one is taken already, it stays
/// alone, even if another is near (SpikeInterface's `compare_spike_trains`, which always uses a window of 10 samples).
pub fn label_two_trains(a: &[i64], b: &[i64], window: i64) -> (Vec<bool>, Vec<bool>) {
    let reach = window.div_euclid(2);
    let (mut in_a, mut in_b) = (vec![false; a.len()], vec![false; b.len()]);
    let mut first = 0;
    for (p, &t) in a.iter().enumerate() {
        while b.get(first).is_some_and(|&other| other < t - reach) {
            first += 1;
        }
        let near = b.get(first).is_some_and(|&other| other <= t + reach);
        if near && !in_b[first] {
            in_a[p] = true;
            in_b[first] = true;
        }
    }
    (in_a, in_b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{fixture, match_event_count};

    #[test]
    fn each_spike_takes_the_first_free_one() {
        assert_eq!(match_trains(&[100, 101, 102], &[100, 101], 5), [(0, 0), (1, 1)]);
        assert_eq!(match_trains(&[100, 110], &[105, 106], 5), [(0, 0), (1, 1)]);
        assert_eq!(match_trains(&[], &[5], 5), []);
    }

    #[test]
    fn a_run_of_links_is_one_event() {
        assert_eq!(count_matching_events(&[100, 200], &[103, 203], 5), 2);
        // 100a 103b 105a: two links in one run. 300a 301a are of one train, no link.
        assert_eq!(count_matching_events(&[100, 105, 300, 301], &[103], 5), 1);
        assert_eq!(count_matching_events(&[100], &[106], 5), 0);
    }

    #[test]
    fn a_spike_whose_first_neighbour_is_taken_stays_alone() {
        let (in_a, in_b) = label_two_trains(&[100, 102], &[101, 104], 10);
        assert_eq!(in_a, [true, false]);
        assert_eq!(in_b, [true, false]);
        // Half of 10 on each side, ends included.
        assert_eq!(label_two_trains(&[100], &[105], 10).0, [true]);
        assert_eq!(label_two_trains(&[100], &[106], 10).0, [false]);
    }

    proptest! {
        #[test]
        fn all_counts_agree_on_isolated_spikes(a in fixture::isolated_train(), b in fixture::isolated_train()) {
            let pairs = match_trains(&a, &b, 5).len();
            prop_assert_eq!(pairs, count_matching_events(&a, &b, 5));
            prop_assert_eq!(pairs as u32, match_event_count(std::slice::from_ref(&a), std::slice::from_ref(&b), 5, false)[[0, 0]]);
            prop_assert_eq!(pairs, label_two_trains(&a, &b, 10).0.iter().filter(|same| **same).count());
        }

        #[test]
        fn pairs_are_near_and_no_spike_is_in_two(a in fixture::any_train(200), b in fixture::any_train(200)) {
            let pairs = match_trains(&a, &b, 5);
            prop_assert!(pairs.iter().all(|&(p, q)| (a[p] - b[q]).abs() <= 5));
            prop_assert!(pairs.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
            prop_assert_eq!(pairs.len(), match_trains(&b, &a, 5).len());
        }
    }
}
